//! What an event says, and how it becomes a row of the log: values sealed, commitments made, the
//! leaf hashed (docs/spec/leaf.md).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use kernel::{Entropy, EventId, PatientId, PracticeId};
use ledger::{Change, Leaf, Opening, Record};
use serde_json::Value;
use uuid::Uuid;

use crate::audit::{ChangeDetail, Details};
use crate::keyring::PracticeKeys;
use crate::past::Amended;
use crate::row::{KeyFor, Opener, Survey};
use crate::threshold::Inner;
use crate::{Actor, StoreError};

/// Why somebody looked at what is masked. The code stands in the clear in the log; a free remark goes
/// into [`Event::note`], which is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To treat the patient.
    Treatment,
    /// To bill or claim.
    Billing,
    /// Because the patient asked.
    PatientRequest,
    /// To correct the record.
    Correction,
    /// Because a law or a court asks.
    Legal,
}

impl Purpose {
    /// Every purpose, in the order a form shows them.
    pub const ALL: [Self; 5] = [Self::Treatment, Self::Billing, Self::PatientRequest, Self::Correction, Self::Legal];

    /// Its code in the log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Billing => "billing",
            Self::PatientRequest => "patient-request",
            Self::Correction => "correction",
            Self::Legal => "legal",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Purpose {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|p| p.code() == text).ok_or(StoreError::Unreadable { what: "purpose" })
    }
}

/// What happened, as the caller knows it. Who, when, from where, whom it concerns and what changed
/// are added by the transaction and cannot be left out.
#[derive(Debug, Clone, Default)]
pub struct Event {
    record: Option<(&'static str, Uuid)>,
    field: Option<Cow<'static, str>>,
    purpose: Option<Purpose>,
    note: Option<Value>,
}

impl Event {
    /// An event about nothing in particular.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The record it is about: its kind and id.
    #[must_use]
    pub fn about(mut self, kind: &'static str, id: Uuid) -> Self {
        self.record = Some((kind, id));
        self
    }

    /// The field it is about.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Why.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Anything else worth keeping (a search term, a remark). Sealed.
    #[must_use]
    pub fn note(mut self, note: Value) -> Self {
        self.note = Some(note);
        self
    }
}

/// One field's change, open, before it is sealed into the event.
#[derive(Clone)]
pub(crate) struct FieldChange {
    pub(crate) field: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// The row, of one that was there before.
    pub(crate) row: Option<Uuid>,
}

/// All that an event will say, before sealing.
pub(crate) struct Draft<'a> {
    pub(crate) id: EventId,
    pub(crate) at: Timestamp,
    pub(crate) practice: PracticeId,
    pub(crate) actor: &'a Actor,
    pub(crate) action: Cow<'static, str>,
    pub(crate) event: Event,
    /// The one patient it concerns.
    pub(crate) patient: Option<PatientId>,
    /// The patients a list showed.
    pub(crate) subjects: Vec<PatientId>,
    pub(crate) changes: Vec<FieldChange>,
    /// Rows that were there before, and what wrote them then.
    pub(crate) amended: Vec<Amended>,
}

/// A row of the log, ready to be written.
pub(crate) struct EventRecord {
    pub(crate) practice: PracticeId,
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) actor_kind: i16,
    pub(crate) actor_id: Uuid,
    pub(crate) source: String,
    pub(crate) action: String,
    pub(crate) record_kind: Option<String>,
    pub(crate) record_id: Option<Uuid>,
    pub(crate) patient: Option<Uuid>,
    pub(crate) field: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) details: Vec<u8>,
    pub(crate) changes: Vec<u8>,
    pub(crate) subjects: Vec<u8>,
    pub(crate) leaf_hash: Vec<u8>,
    /// Patient and sealed opening, for `audit_subject`.
    pub(crate) subject_rows: Vec<(Uuid, Vec<u8>)>,
}

impl Draft<'_> {
    /// The key that the event's values are sealed under: the patient's, if it concerns one.
    pub(crate) fn key(&self) -> KeyFor {
        self.patient.map_or(KeyFor::Practice, KeyFor::Patient)
    }

    /// Seals the values, makes the commitments, hashes the leaf.
    pub(crate) fn seal(self, opener: &Opener, entropy: &Entropy) -> Result<EventRecord, StoreError> {
        let mut details = Details {
            changes: Vec::with_capacity(self.changes.len()),
            note: self.event.note.clone(),
            amended: self.amended,
        };
        let mut changes = Vec::with_capacity(self.changes.len());
        for change in &self.changes {
            let commit = |value: &Option<Value>| {
                value.as_ref().map(|value| {
                    let opening = Opening::new(entropy);
                    let commitment = ledger::commit(&opening, value.to_string().as_bytes());
                    (opening, commitment)
                })
            };
            let (before, after) = (commit(&change.before), commit(&change.after));
            changes.push(Change {
                field: change.field.clone(),
                before: before.as_ref().map(|(_, commitment)| *commitment),
                after: after.as_ref().map(|(_, commitment)| *commitment),
            });
            details.changes.push(ChangeDetail::new(change, before.map(|b| b.0), after.map(|a| a.0)));
        }
        let mut subjects = Vec::with_capacity(self.subjects.len());
        let mut subject_rows = Vec::with_capacity(self.subjects.len());
        for patient in &self.subjects {
            let opening = Opening::new(entropy);
            subjects.push(ledger::commit(&opening, patient.uuid().as_bytes()));
            // A patient whose key is gone has nothing left that could be opened; the row still says that
            // the list named them.
            let sealed = match opener.sealer(KeyFor::Patient(*patient), entropy) {
                Ok(sealer) => sealer.seal(&opening, "audit_subject", "opening", self.id.uuid(), 1)?,
                Err(_) => Vec::new(),
            };
            subject_rows.push((patient.uuid(), sealed));
        }
        // An erased patient has no key left. An act on them is recorded all the same; there are no values
        // of theirs in it, because nothing of theirs opens.
        let own = self.patient.map_or(KeyFor::Practice, KeyFor::Patient);
        let key = if opener.has(own) || !self.changes.is_empty() { own } else { KeyFor::Practice };
        let sealed = opener.sealer(key, entropy)?.seal(&details, "audit_event", "details", self.id.uuid(), 1)?;
        let leaf = Leaf {
            practice: self.practice,
            event: self.id,
            at_microseconds: self.at.as_microsecond(),
            actor: ledger::Actor { kind: self.actor.ledger_kind(), id: self.actor.id() },
            source: self.actor.source.to_string(),
            action: self.action.to_string(),
            record: self.event.record.map(|(kind, id)| Record { kind: kind.to_owned(), id }),
            patient: self.patient,
            field: self.event.field.as_ref().map(ToString::to_string),
            purpose: self.event.purpose.map(|p| p.code().to_owned()),
            details_hash: ledger::details_hash(&sealed),
            changes,
            subjects,
        };
        Ok(EventRecord {
            practice: self.practice,
            id: self.id.uuid(),
            at: self.at,
            actor_kind: leaf.actor.kind as i16,
            actor_id: leaf.actor.id,
            source: leaf.source.clone(),
            action: leaf.action.clone(),
            record_kind: leaf.record.as_ref().map(|record| record.kind.clone()),
            record_id: leaf.record.as_ref().map(|record| record.id),
            patient: leaf.patient.map(PatientId::uuid),
            field: leaf.field.clone(),
            purpose: leaf.purpose.clone(),
            changes: ledger::encode_changes(&leaf.changes).map_err(unwritable)?,
            subjects: ledger::encode_subjects(&leaf.subjects).map_err(unwritable)?,
            leaf_hash: ledger::leaf_hash(&leaf.encode().map_err(unwritable)?).to_vec(),
            details: sealed,
            subject_rows,
        })
    }
}

impl Inner {
    /// The keys that a survey names, and one to seal an event about `key` with.
    pub(crate) async fn opener_for_event(
        &self,
        held: &PracticeKeys,
        mut survey: Survey,
        key: KeyFor,
    ) -> Result<Opener, StoreError> {
        survey.note(held.practice, key);
        let opener = self.keyring.opener(held, &survey).await?;
        if opener.has(key) {
            return Ok(opener);
        }
        survey.note(held.practice, KeyFor::Practice);
        self.keyring.opener(held, &survey).await
    }
}

/// An event past the limits of a leaf: too long a text, too many subjects. A fault of the caller.
fn unwritable(_: ledger::LeafError) -> StoreError {
    StoreError::Unreadable { what: "event" }
}
