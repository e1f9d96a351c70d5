//! Connections: programs that the practice has let in over its API.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// A program that was let in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// What the practice calls it.
    pub name: String,
    /// By what it proves itself, in words.
    pub proves: String,
    /// What it may do, in words.
    pub permissions: Vec<String>,
    /// Who made it.
    pub by: String,
    /// When.
    pub made: Moment,
    /// When it was last heard of; `None`: never.
    pub seen: Option<Moment>,
    /// Until when it works, or did.
    pub ends: Moment,
    /// Of one that has ended: by its time, not by somebody.
    pub expired: bool,
}

/// `GET /team/connections`. Links to `/team/connections/new` and `/team/connections/{id}/end`.
#[derive(Debug, Clone, Template)]
#[template(path = "connections/list.html")]
pub struct Connections {
    /// Round the page.
    pub shell: Shell,
    /// Those that work.
    pub working: Vec<Connection>,
    /// Those that do not any more.
    pub ended: Vec<Connection>,
}

/// `GET /team/connections/new`; posts to the same address.
///
/// Fields: `name`, `permission` (several), `days`, `proves`, `keys`.
#[derive(Debug, Clone, Template)]
#[template(path = "connections/new.html")]
pub struct NewConnection {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// `name` as typed.
    pub called: String,
    /// What it may do.
    pub permissions: Vec<Choice>,
    /// For how long.
    pub days: Vec<Choice>,
    /// By what it proves itself.
    pub proves: Vec<Choice>,
    /// As pasted.
    pub keys: String,
}

/// A fresh connection: what the program is to be given.
#[derive(Debug, Clone, Template)]
#[template(path = "connections/made.html")]
pub struct MadeConnection {
    /// Round the page.
    pub shell: Shell,
    /// What the practice calls it.
    pub name: String,
    /// The key, shown once; `None` where the program has keys of its own.
    pub key: Option<String>,
    /// The connection's id.
    pub id: String,
    /// Where the API begins.
    pub base: String,
    /// Where a program with keys of its own proves itself.
    pub token_address: String,
    /// Until when it works.
    pub until: Moment,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::fixture::moment;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    fn connection(name: &str, permissions: &[&str], seen: Option<&str>) -> Connection {
        Connection {
            id: "01985f4e-0000-7000-8000-0000000000c1".into(),
            name: name.into(),
            proves: "A key that we make".into(),
            permissions: permissions.iter().map(|one| (*one).to_owned()).collect(),
            by: "Thandi Naidoo".into(),
            made: moment("2026-10-01T07:00:00Z"),
            seen: seen.map(moment),
            ends: moment("2026-12-30T07:00:00Z"),
            expired: false,
        }
    }

    pub(crate) fn list() -> Connections {
        let mut ended = connection("Old recall letters", &["See patients"], Some("2026-08-02T09:14:00Z"));
        ended.expired = true;
        Connections {
            shell: shell(Room::Team),
            working: vec![
                connection("Lab results", &["See patients", "Read measurements"], Some("2026-11-22T12:02:31Z")),
                connection("Figures for the group", &["Read everything"], None),
            ],
            ended: vec![ended],
        }
    }

    pub(crate) fn none() -> Connections {
        Connections { working: Vec::new(), ended: Vec::new(), ..list() }
    }

    pub(crate) fn new() -> NewConnection {
        let mut errors = Errors::none();
        errors.add("permission", "Choose one permission or more.");
        NewConnection {
            shell: shell(Room::Team),
            guard: guard(),
            errors,
            called: "Lab results".into(),
            permissions: vec![
                Choice::new("patients", "See patients", false).explained("Names, contacts, masked identifiers"),
                Choice::new("measurements", "Read measurements", false),
            ],
            days: vec![Choice::new("90", "90 days", true)],
            proves: vec![
                Choice::new("key", "A key that we make", true),
                Choice::new("own-keys", "Keys of its own (SMART Backend Services)", false),
            ],
            keys: String::new(),
        }
    }

    pub(crate) fn made() -> MadeConnection {
        let base = "https://practice.example/fhir/r4/01985f4e-0000-7000-8000-000000000002";
        MadeConnection {
            shell: shell(Room::Team),
            name: "Lab results".into(),
            // Of the form of a key, and none: its checksum is wrong.
            key: Some(format!("vouchsafe_key_{}", "AbC1".repeat(12))),
            id: "01985f4e-0000-7000-8000-0000000000c1".into(),
            token_address: format!("{base}/auth/token"),
            base: base.into(),
            until: moment("2027-02-20T12:02:31Z"),
        }
    }

    pub(crate) fn made_with_own_keys() -> MadeConnection {
        MadeConnection { key: None, ..made() }
    }
}
