//! Exports: which there are, asking for one, and one of them.

use askama::Template;

use super::form::{AskDevice, Choice, Errors, Guard};
use super::patient::Banner;
use super::record::Fact;
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// One line of the list.
#[derive(Debug, Clone)]
pub struct ExportLine {
    /// Its id.
    pub id: String,
    /// The whole practice, or one patient.
    pub what: String,
    /// Where it is, in words.
    pub state: String,
    /// How much is done, while it is being made.
    pub percent: Option<u8>,
    /// Who asked.
    pub by: String,
    /// When.
    pub asked: Moment,
}

/// `GET /practice/export`. Links to `/practice/export/new` and `/practice/export/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "exports/list.html")]
pub struct Exports {
    /// Round the page.
    pub shell: Shell,
    /// Newest first.
    pub lines: Vec<ExportLine>,
    /// Whether asking for the whole practice is offered.
    pub may_ask: bool,
}

/// `GET /practice/export/new` and `/patients/{id}/export`; posts to the same address. Another form on it posts to
/// `/practice/export/key`, and is answered with a file.
///
/// Fields: `purpose`, `recipient`; `password` and `code` where they were not proved lately.
#[derive(Debug, Clone, Template)]
#[template(path = "exports/ask.html")]
pub struct AskExport {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// Those of the form that makes a key.
    pub key_guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Where the form posts.
    pub action: String,
    /// Where "Cancel" leads.
    pub back: String,
    /// What happens then, in a sentence.
    pub then: String,
    /// Whose record it is; `None`: the whole practice.
    pub banner: Option<Banner>,
    /// Why.
    pub purposes: Vec<Choice>,
    /// As pasted.
    pub recipient: String,
    /// Whether both factors are asked for.
    pub prove: bool,
    /// With it, for a passkey instead (fields `ceremony`, `passkey`).
    pub passkey: Option<AskDevice>,
}

/// An archive that can be fetched.
#[derive(Debug, Clone)]
pub struct Archive {
    /// "12 MB".
    pub size: String,
    /// Until when.
    pub until: Moment,
    /// The key that it is signed with.
    pub signed_by: String,
}

/// `GET /practice/export/{id}`; posts to `.../agree` and `.../prove` (fields `password`, `code`), `.../refuse`,
/// `.../withdraw`. Links to `.../archive`.
#[derive(Debug, Clone, Template)]
#[template(path = "exports/one.html")]
pub struct OneExport {
    /// Round the page.
    pub shell: Shell,
    /// Which.
    pub id: String,
    /// The whole practice, or one patient.
    pub what: String,
    /// Whose record, for whoever may read it.
    pub patient: Option<String>,
    /// Where it is, in words.
    pub state: String,
    /// What that means, and what comes next.
    pub note: String,
    /// How much is done, while it is being made.
    pub percent: Option<u8>,
    /// Who asked, when, why, for whom.
    pub facts: Vec<Fact>,
    /// What to put right.
    pub errors: Errors,
    /// Whether both factors are asked for.
    pub prove: bool,
    /// With it, for a passkey instead (fields `ceremony`, `passkey`).
    pub passkey: Option<AskDevice>,
    /// Where agreeing is offered.
    pub agree: Option<Guard>,
    /// Where refusing is offered.
    pub refuse: Option<Guard>,
    /// Where withdrawing is offered.
    pub withdraw: Option<Guard>,
    /// For proving, before the archive is fetched.
    pub prove_guard: Guard,
    /// What can be fetched.
    pub archive: Option<Archive>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::fixture::moment;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{ask_device, guard, shell};
    use crate::views::words;

    const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn line(what: &str, state: &str, percent: Option<u8>) -> ExportLine {
        ExportLine {
            id: "01985f4e-0000-7000-8000-0000000000e1".into(),
            what: what.into(),
            state: state.into(),
            percent,
            by: "Thandi Naidoo".into(),
            asked: moment("2026-11-20T07:00:00Z"),
        }
    }

    pub(crate) fn list() -> Exports {
        let lines = vec![
            line("The whole practice", "Being made", Some(42)),
            line("One patient", "Ready", None),
            line("The whole practice", "Refused", None),
        ];
        Exports { shell: shell(Room::Team), lines, may_ask: true }
    }

    pub(crate) fn none() -> Exports {
        Exports { lines: Vec::new(), ..list() }
    }

    pub(crate) fn ask() -> AskExport {
        let mut errors = Errors::none();
        errors.add("recipient", "This is no public key. It begins with age1.");
        AskExport {
            shell: shell(Room::Team),
            guard: guard(),
            key_guard: guard(),
            errors,
            action: "/practice/export/new".into(),
            back: "/practice/export".into(),
            then: "It begins when a second person agrees.".into(),
            banner: None,
            purposes: ["patient-request", "legal"].map(|code| Choice::new(code, words::purpose(code), false)).into(),
            recipient: "age2 no".into(),
            prove: true,
            passkey: Some(ask_device()),
        }
    }

    pub(crate) fn waiting() -> OneExport {
        OneExport {
            shell: shell(Room::Team),
            id: "01985f4e-0000-7000-8000-0000000000e1".into(),
            what: "The whole practice".into(),
            patient: None,
            state: "Waits for a second person".into(),
            note:
                "It begins when somebody else of the practice agrees. If nobody does, it is over on 27 Nov 2026, 09:00."
                    .into(),
            percent: None,
            facts: vec![Fact { label: "Asked for by".into(), value: "Sipho Khumalo".into() }],
            errors: Errors::none(),
            prove: true,
            passkey: Some(ask_device()),
            agree: Some(guard()),
            refuse: Some(guard()),
            withdraw: Some(guard()),
            prove_guard: guard(),
            archive: None,
        }
    }

    pub(crate) fn ready() -> OneExport {
        OneExport {
            what: "One patient".into(),
            patient: Some("01985f4e-0000-7000-8000-000000000001".into()),
            state: "Ready".into(),
            note: "The file can be fetched until 27 Nov 2026, 09:00; then it is removed.".into(),
            prove: false,
            passkey: None,
            agree: None,
            refuse: None,
            archive: Some(Archive {
                size: "12 MB".into(),
                until: moment("2026-11-27T07:00:00Z"),
                signed_by: format!("practice.example+00000000+{KEY}"),
            }),
            ..waiting()
        }
    }

    pub(crate) fn making() -> OneExport {
        OneExport {
            percent: Some(42),
            agree: None,
            refuse: None,
            state: "Being made".into(),
            note: "The file is being put together. This goes on while you do something else.".into(),
            ..waiting()
        }
    }
}
