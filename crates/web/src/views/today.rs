//! Today, the first page after signing in.

use askama::Template;

use super::patients::Hit;
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// The part of the day, for the greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOfDay {
    /// Until noon.
    Morning,
    /// Until six.
    Afternoon,
    /// From six.
    Evening,
}

impl PartOfDay {
    /// By the hour of the site's clock, 0 to 23.
    #[must_use]
    pub fn of(hour: i8) -> Self {
        match hour {
            4..12 => Self::Morning,
            12..18 => Self::Afternoon,
            _ => Self::Evening,
        }
    }
}

/// A thing about one's own account that wants doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountAlert {
    /// So many recovery codes are left.
    FewRecoveryCodes(u32),
}

/// A patient this person opened, newest first.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The patient.
    pub patient: Hit,
    /// When.
    pub at: Moment,
}

/// `GET /`.
#[derive(Debug, Clone, Template)]
#[template(path = "today.html")]
pub struct Today {
    /// Round the page.
    pub shell: Shell,
    /// For the greeting.
    pub part: PartOfDay,
    /// The day in words: [`super::when::long_day`].
    pub date: String,
    /// About the person's own account.
    pub alerts: Vec<AccountAlert>,
    /// Opened by this person lately; `None` where the roles open no patients.
    pub opened: Option<Vec<Opened>>,
    /// Whether "New patient" is offered.
    pub may_create: bool,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::fixture::moment;
    use crate::views::patients::fixture::hits;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::shell;

    pub(crate) fn today() -> Today {
        let times = ["2026-11-22T12:02:31Z", "2026-11-22T11:40:02Z", "2026-11-22T08:15:00Z", "2026-11-21T14:30:00Z"];
        Today {
            shell: shell(Room::Today),
            part: PartOfDay::Afternoon,
            date: "Sunday 22 November 2026".into(),
            alerts: vec![AccountAlert::FewRecoveryCodes(2)],
            opened: Some(
                hits().into_iter().zip(times).map(|(patient, at)| Opened { patient, at: moment(at) }).collect(),
            ),
            may_create: true,
        }
    }

    pub(crate) fn first_day() -> Today {
        Today { alerts: Vec::new(), opened: Some(Vec::new()), ..today() }
    }
}
