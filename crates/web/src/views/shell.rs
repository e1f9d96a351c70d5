//! What stands round every signed-in page: the rail, the bar, the notice.

use super::form::Guard;
use crate::text::say_with;

/// The rooms that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// `/`
    Today,
    /// `/patients` and everything below it.
    Patients,
    /// `/team`
    Team,
    /// `/audit`
    Audit,
    /// `/account`
    Account,
}

/// Which rooms this person may enter; Today and Account are open to everyone signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rooms {
    /// May find patients.
    pub patients: bool,
    /// May see the team.
    pub team: bool,
    /// May read the practice's audit.
    pub audit: bool,
}

/// A practice the person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PracticeChoice {
    /// Its id, as `POST /practice` takes it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The person's roles there, in words.
    pub roles: String,
    /// Whether it is the one being worked in.
    pub current: bool,
}

/// What was just done or has to be known, above the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Done: "Saved 14:02".
    Done(String),
    /// Worth attention.
    Caution(String),
}

/// Round every signed-in page.
///
/// Forms: the practice switch posts `practice` to `/practice`; sign-out posts to `/sign-out`;
/// find sends `q` to `GET /patients`.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The person's name.
    pub person: String,
    /// The practice's name.
    pub practice: String,
    /// All practices of the person; with one, there is no switch.
    pub practices: Vec<PracticeChoice>,
    /// The rooms in the rail.
    pub rooms: Rooms,
    /// The room of this page.
    pub room: Room,
    /// For the practice switch and for signing out.
    pub guard: Guard,
    /// Above the page, once.
    pub notice: Option<Notice>,
}

impl Shell {
    /// Whether this page belongs to a room.
    #[must_use]
    pub fn is_in(&self, room: Room) -> bool {
        self.room == room
    }
}

/// The way through a list of several pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// The first row shown, counted from 1; 0 where rows are not counted.
    pub first: u64,
    /// The last row shown; 0 where rows are not counted.
    pub last: u64,
    /// All rows, where they are counted.
    pub total: Option<u64>,
    /// The address of the page before.
    pub previous: Option<String>,
    /// The address of the page after.
    pub next: Option<String>,
}

impl Pager {
    /// Whether there is anything to say or anywhere to go.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.last > 0 || self.previous.is_some() || self.next.is_some()
    }

    /// The rows shown: "1 to 20 of 117", "1 to 20", or nothing where they are not counted.
    #[must_use]
    pub fn range(&self) -> String {
        match (self.last, self.total) {
            (0, _) => String::new(),
            (last, Some(total)) => {
                say_with("pager-rows-of", &[("first", &self.first), ("last", &last), ("total", &total)])
            }
            (last, None) => say_with("pager-rows", &[("first", &self.first), ("last", &last)]),
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::form::AskDevice;

    pub(crate) fn ask_device() -> AskDevice {
        let options = r#"{"challenge":"AAAA","rpId":"localhost","allowCredentials":[],"userVerification":"required"}"#;
        AskDevice { options: options.into(), ceremony: "c3r3m0ny".into(), makes: false }
    }

    pub(crate) fn guard() -> Guard {
        Guard { csrf: "c5rf".into(), once: "01985f4e-0000-7000-8000-00000000000a".into() }
    }

    pub(crate) fn shell(room: Room) -> Shell {
        Shell {
            person: "Thandi Naidoo".into(),
            practice: "Harbour Street Practice".into(),
            practices: vec![
                PracticeChoice {
                    id: "1".into(),
                    name: "Harbour Street Practice".into(),
                    roles: "owner, practitioner".into(),
                    current: true,
                },
                PracticeChoice {
                    id: "2".into(),
                    name: "Kloof Physiotherapy".into(),
                    roles: "practitioner".into(),
                    current: false,
                },
            ],
            rooms: Rooms { patients: true, team: true, audit: true },
            room,
            guard: guard(),
            notice: None,
        }
    }
}
