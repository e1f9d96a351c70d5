//! Who saw what: on one record, and for the practice.

use askama::Template;

use super::form::{Choice, Errors};
use super::patient::Banner;
use super::shell::{Pager, Shell};
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// The kind of an act, for its mark and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    /// Something was read.
    Read,
    /// It was among the results of a search.
    Found,
    /// A masked value was shown.
    Reveal,
    /// Something was changed.
    Change,
    /// A permission was refused.
    Refused,
    /// Sign-in and account.
    Account,
}

impl ActKind {
    /// The icon's name in the sprite.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Read => "eye",
            Self::Found => "find",
            Self::Reveal => "unmask",
            Self::Change => "pen",
            Self::Refused => "refused",
            Self::Account => "key",
        }
    }

    /// The key of its word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Read => "act-read",
            Self::Found => "act-found",
            Self::Reveal => "act-reveal",
            Self::Change => "act-change",
            Self::Refused => "act-refused",
            Self::Account => "act-account",
        }
    }

    /// The last part of its style's name.
    #[must_use]
    pub fn style(self) -> &'static str {
        match self {
            Self::Read | Self::Account => "plain",
            Self::Found => "found",
            Self::Reveal => "reveal",
            Self::Change => "change",
            Self::Refused => "refused",
        }
    }
}

/// One field that changed.
#[derive(Debug, Clone)]
pub struct Change {
    /// The field in words.
    pub field: String,
    /// What there was before, a line each; empty when there was nothing.
    pub before: Vec<String>,
    /// What there is after, a line each; empty when it was removed.
    pub after: Vec<String>,
}

/// The patient of an act, for the practice page.
#[derive(Debug, Clone)]
pub struct AuditPatient {
    /// The id in the address.
    pub id: String,
    /// The name; `None` where this person's roles do not read it: the page shows the id.
    pub name: Option<String>,
}

/// One act.
#[derive(Debug, Clone)]
pub struct Act {
    /// The event's id.
    pub event: String,
    /// When.
    pub at: Moment,
    /// Who, by name; a machine by what it does.
    pub who: String,
    /// Their roles then, in words; empty when unknown.
    pub roles: String,
    /// Its kind.
    pub kind: ActKind,
    /// What was done: [`super::words::action`].
    pub what: String,
    /// Of what: the kind of identifier, the entry's kind; `None` when it is the record itself.
    pub of: Option<String>,
    /// Why, in words.
    pub purpose: Option<String>,
    /// What changed, with values where this page shows them.
    pub changes: Vec<Change>,
    /// Which fields changed, where it does not; empty otherwise.
    pub fields: String,
    /// From which address, or "host".
    pub from: String,
    /// Whose record.
    pub patient: Option<AuditPatient>,
    /// The details did not open: who, when and from where still stand.
    pub damaged: bool,
}

/// `GET /patients/{id}/audit?before=`.
#[derive(Debug, Clone, Template)]
#[template(path = "audit/patient.html")]
pub struct RecordAudit {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// The acts, newest first.
    pub acts: Vec<Act>,
    /// The way through.
    pub pager: Pager,
}

/// `GET /audit?person=&patient=&action=&from=&to=&before=`.
///
/// Fields: `person`, `action` (selects, empty for all), `patient` (an id), `from`, `to` (ISO dates).
#[derive(Debug, Clone, Template)]
#[template(path = "audit/practice.html")]
pub struct PracticeAudit {
    /// Round the page.
    pub shell: Shell,
    /// People; the first stands for everyone and has an empty value.
    pub people: Vec<Choice>,
    /// Actions; the first stands for all and has an empty value.
    pub actions: Vec<Choice>,
    /// As typed.
    pub patient: String,
    /// As typed, ISO.
    pub from: String,
    /// As typed, ISO.
    pub to: String,
    /// What to put right.
    pub errors: Errors,
    /// The acts, newest first.
    pub acts: Vec<Act>,
    /// The way through.
    pub pager: Pager,
}

impl PracticeAudit {
    /// Whether a filter narrows the list.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        let chosen = |choices: &[Choice]| choices.iter().any(|c| c.chosen && !c.value.is_empty());
        !(self.patient.is_empty() && self.from.is_empty() && self.to.is_empty())
            || chosen(&self.people)
            || chosen(&self.actions)
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::{banner, moment};
    use crate::views::shell::Room;
    use crate::views::shell::fixture::shell;
    use crate::views::words::action;

    fn act(at: &str, who: &str, roles: &str, kind: ActKind, what: &str) -> Act {
        Act {
            event: "01985f4e-0000-7000-8000-0000000000e1".into(),
            at: moment(at),
            who: who.into(),
            roles: roles.into(),
            kind,
            what: action(what),
            of: None,
            purpose: None,
            changes: Vec::new(),
            fields: String::new(),
            from: "196.25.1.14".into(),
            patient: None,
            damaged: false,
        }
    }

    pub(crate) fn acts() -> Vec<Act> {
        let mut reveal =
            act("2026-11-22T12:04:12Z", "Thandi Naidoo", "owner, practitioner", ActKind::Reveal, "identifier.reveal");
        reveal.of = Some("South African ID number".into());
        reveal.purpose = Some("A claim or an invoice".into());
        let mut change = act("2026-11-22T11:40:02Z", "Sipho Khumalo", "reception", ActKind::Change, "patient.edit");
        change.changes = vec![
            Change {
                field: "Phones".into(),
                before: vec!["082 555 0143 (mobile)".into()],
                after: vec!["082 555 0199 (mobile)".into()],
            },
            Change { field: "Preferred name".into(), before: Vec::new(), after: vec!["Lindi".into()] },
        ];
        change.from = "2c0f:f4c0:1000:44::9".into();
        let mut found = act("2026-11-22T11:39:48Z", "Sipho Khumalo", "reception", ActKind::Found, "patient.find");
        found.from = change.from.clone();
        let mut damaged = act("2026-11-20T07:12:55Z", "Maria Botha", "reception", ActKind::Change, "patient.edit");
        damaged.damaged = true;
        let mut import = act("2026-11-01T04:00:10Z", "Import of 1 Nov 2026", "", ActKind::Change, "patient.import");
        import.from = "host".into();
        import.changes =
            vec![Change { field: "Birth date".into(), before: Vec::new(), after: vec!["7 Mar 1984".into()] }];
        vec![
            reveal,
            act("2026-11-22T12:02:31Z", "Thandi Naidoo", "owner, practitioner", ActKind::Read, "patient.record"),
            act("2026-11-22T12:02:31Z", "Thandi Naidoo", "owner, practitioner", ActKind::Read, "patient.read"),
            change,
            found,
            act("2026-11-21T15:10:00Z", "Piet Fourie", "finance", ActKind::Refused, "clinical.read"),
            damaged,
            import,
        ]
    }

    pub(crate) fn on_record() -> RecordAudit {
        RecordAudit {
            shell: shell(Room::Patients),
            banner: banner(Tab::Audit),
            acts: acts(),
            pager: Pager { next: Some("?before=01985f4e".into()), ..Pager::default() },
        }
    }

    pub(crate) fn practice() -> PracticeAudit {
        let mut acts = acts();
        for (place, act) in acts.iter_mut().enumerate() {
            act.patient = Some(AuditPatient {
                id: "01985f4e-0000-7000-8000-000000000001".into(),
                name: (place % 3 != 2).then(|| "Lindiwe Grace Mokoena".to_owned()),
            });
            act.fields = act.changes.drain(..).map(|change| change.field).collect::<Vec<_>>().join(", ");
        }
        let mut sign_in = acts[1].clone();
        sign_in.patient = None;
        sign_in.kind = ActKind::Account;
        sign_in.what = "Signed in".into();
        acts.insert(3, sign_in);
        PracticeAudit {
            shell: shell(Room::Audit),
            people: vec![
                Choice::new("", "Everyone", true),
                Choice::new("1", "Thandi Naidoo", false),
                Choice::new("2", "Sipho Khumalo", false),
            ],
            actions: vec![
                Choice::new("", "Everything", true),
                Choice::new("identifier.reveal", action("identifier.reveal"), false),
            ],
            patient: String::new(),
            from: String::new(),
            to: String::new(),
            errors: Errors::none(),
            acts,
            pager: Pager { next: Some("?before=01985f4e".into()), ..Pager::default() },
        }
    }

    pub(crate) fn nothing() -> PracticeAudit {
        PracticeAudit { from: "2031-01-01".into(), acts: Vec::new(), pager: Pager::default(), ..practice() }
    }
}
