//! How a record stands, and who may open it.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::patient::Banner;
use super::shell::Shell;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// `GET /patients/{id}/standing`; also the answer to what was refused.
///
/// Fields: `record`, `died`, `died_on`, `version` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "patient/standing.html")]
pub struct Standing {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The patient's name, repeated.
    pub name: String,
    /// The version that the form was made from.
    pub version: String,
    /// In use or not.
    pub record: Vec<Choice>,
    /// Alive or dead.
    pub died: Vec<Choice>,
    /// As typed.
    pub died_on: String,
    /// How a date is typed here, by example.
    pub date_example: String,
}

/// `GET /patients/{id}/access`; also the answer to what was refused.
///
/// Fields: `person` (any number of them; none opens the record again), `version` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "patient/access.html")]
pub struct Access {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The patient's name, repeated.
    pub name: String,
    /// The version that the form was made from.
    pub version: String,
    /// Whether it is restricted now.
    pub restricted: bool,
    /// The practice's people.
    pub people: Vec<Choice>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::banner;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn standing() -> Standing {
        let mut errors = Errors::none();
        errors.add("died_on", "Enter a date that is not in the future");
        Standing {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            guard: guard(),
            errors,
            name: "Lindiwe Mokoena".into(),
            version: "2".into(),
            record: vec![Choice::new("active", "In use", true), Choice::new("inactive", "Not in use", false)],
            died: vec![Choice::new("no", "No", false), Choice::new("yes", "Yes", true)],
            died_on: "1/1/2030".into(),
            date_example: "07/03/1984".into(),
        }
    }

    pub(crate) fn access() -> Access {
        Access {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            guard: guard(),
            errors: Errors::none(),
            name: "Lindiwe Mokoena".into(),
            version: "2".into(),
            restricted: true,
            people: vec![
                Choice::new("1", "Thandi Naidoo", true).explained("practitioner. This is you"),
                Choice::new("2", "Sipho Khumalo", false).explained("reception"),
            ],
        }
    }
}
