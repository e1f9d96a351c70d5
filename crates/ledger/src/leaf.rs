//! A line of the audit log in its one canonical form (`docs/spec/leaf.md`).

use kernel::{EventId, PatientId, PracticeId};
use uuid::Uuid;

use crate::codec::{Reader, Writer};
use crate::{Commitment, LeafError};

const VERSION: u8 = 1;
/// The longest text of a leaf, in bytes of UTF-8. Texts are names and codes of the program, never
/// what somebody typed.
pub const TEXT_LENGTH_MAX: u16 = 255;
/// The most changes one event may name.
pub const CHANGES_MAX: u32 = 10_000;
/// The most subjects one event may name.
pub const SUBJECTS_MAX: u32 = 1_000_000;

/// What kind of actor acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ActorKind {
    /// A person who is signed in; the identifier is the person's.
    Person = 1,
    /// A part of the program that acts by itself (import, mailer, rotation); the identifier is the
    /// job's.
    Machine = 2,
    /// Somebody who is not signed in; the identifier is that of the visit, or all zeros.
    Visitor = 3,
    /// A program that a practice has let in over the API; the identifier is the client's.
    Client = 4,
}

impl ActorKind {
    const fn from_byte(byte: u8) -> Result<Self, LeafError> {
        match byte {
            1 => Ok(Self::Person),
            2 => Ok(Self::Machine),
            3 => Ok(Self::Visitor),
            4 => Ok(Self::Client),
            _ => Err(LeafError::Malformed),
        }
    }
}

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Which one of the kind.
    pub id: Uuid,
}

/// What was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// What kind of record, such as `patient` or `invitation`.
    pub kind: String,
    /// Which one.
    pub id: Uuid,
}

/// One field that an event changed: commitments to its value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// The field's name.
    pub field: String,
    /// To the value before; absent if there was none.
    pub before: Option<Commitment>,
    /// To the value after; absent if there is none any more.
    pub after: Option<Commitment>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// In whose log it stands.
    pub practice: PracticeId,
    /// The event's identifier.
    pub event: EventId,
    /// When: microseconds since 1970-01-01T00:00:00Z.
    pub at_microseconds: i64,
    /// Who.
    pub actor: Actor,
    /// From where: a network address, or `host`.
    pub source: String,
    /// What was done, such as `patient.read`.
    pub action: String,
    /// To what.
    pub record: Option<Record>,
    /// Which patient it concerns.
    pub patient: Option<PatientId>,
    /// Which field, when it was one.
    pub field: Option<String>,
    /// For what purpose: a code.
    pub purpose: Option<String>,
    /// SHA-256 of the sealed details ([`details_hash`](crate::details_hash)).
    pub details_hash: [u8; 32],
    /// What was changed.
    pub changes: Vec<Change>,
    /// Commitments to each of the subjects that a list showed.
    pub subjects: Vec<Commitment>,
}

impl Leaf {
    /// The leaf's bytes. Fails with [`LeafError::TooLarge`] if a text is longer than
    /// [`TEXT_LENGTH_MAX`], or there are more than [`CHANGES_MAX`] changes or [`SUBJECTS_MAX`]
    /// subjects.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        let mut out = Writer::default();
        out.byte(VERSION);
        out.bytes(self.practice.uuid().as_bytes());
        out.bytes(self.event.uuid().as_bytes());
        out.bytes(&self.at_microseconds.to_be_bytes());
        out.byte(self.actor.kind as u8);
        out.bytes(self.actor.id.as_bytes());
        out.text(&self.source, TEXT_LENGTH_MAX)?;
        out.text(&self.action, TEXT_LENGTH_MAX)?;
        out.optional(self.record.as_ref(), |out, record| {
            out.text(&record.kind, TEXT_LENGTH_MAX)?;
            out.bytes(record.id.as_bytes());
            Ok(())
        })?;
        out.optional(self.patient.as_ref(), |out, patient| {
            out.bytes(patient.uuid().as_bytes());
            Ok(())
        })?;
        out.optional(self.field.as_deref(), |out, field| out.text(field, TEXT_LENGTH_MAX))?;
        out.optional(self.purpose.as_deref(), |out, purpose| out.text(purpose, TEXT_LENGTH_MAX))?;
        out.bytes(&self.details_hash);
        write_changes(&mut out, &self.changes)?;
        write_subjects(&mut out, &self.subjects)?;
        Ok(out.done())
    }

    /// The leaf of these bytes. Strict: what decodes is exactly what encodes to the same bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut from = Reader::new(bytes);
        if from.byte()? != VERSION {
            return Err(LeafError::UnknownVersion);
        }
        let leaf = Self {
            practice: PracticeId::from_uuid(read_uuid(&mut from)?),
            event: EventId::from_uuid(read_uuid(&mut from)?),
            at_microseconds: i64::from_be_bytes(from.array()?),
            actor: Actor { kind: ActorKind::from_byte(from.byte()?)?, id: read_uuid(&mut from)? },
            source: read_text(&mut from)?,
            action: read_text(&mut from)?,
            record: from.optional(|from| Ok(Record { kind: read_text(from)?, id: read_uuid(from)? }))?,
            patient: from.optional(|from| read_uuid(from).map(PatientId::from_uuid))?,
            field: from.optional(read_text)?,
            purpose: from.optional(read_text)?,
            details_hash: from.array()?,
            changes: read_changes(&mut from)?,
            subjects: read_subjects(&mut from)?,
        };
        from.done()?;
        Ok(leaf)
    }
}

/// The changes as they stand in a leaf, for a column of their own.
pub fn encode_changes(changes: &[Change]) -> Result<Vec<u8>, LeafError> {
    let mut out = Writer::default();
    write_changes(&mut out, changes)?;
    Ok(out.done())
}

/// Reads what [`encode_changes`] wrote. Strict, like [`Leaf::decode`].
pub fn decode_changes(bytes: &[u8]) -> Result<Vec<Change>, LeafError> {
    let mut from = Reader::new(bytes);
    let changes = read_changes(&mut from)?;
    from.done()?;
    Ok(changes)
}

/// The subjects' commitments as they stand in a leaf, for a column of their own.
pub fn encode_subjects(subjects: &[Commitment]) -> Result<Vec<u8>, LeafError> {
    let mut out = Writer::default();
    write_subjects(&mut out, subjects)?;
    Ok(out.done())
}

/// Reads what [`encode_subjects`] wrote. Strict, like [`Leaf::decode`].
pub fn decode_subjects(bytes: &[u8]) -> Result<Vec<Commitment>, LeafError> {
    let mut from = Reader::new(bytes);
    let subjects = read_subjects(&mut from)?;
    from.done()?;
    Ok(subjects)
}

fn write_changes(out: &mut Writer, changes: &[Change]) -> Result<(), LeafError> {
    out.count(changes.len(), CHANGES_MAX)?;
    for change in changes {
        out.text(&change.field, TEXT_LENGTH_MAX)?;
        for side in [&change.before, &change.after] {
            out.optional(side.as_ref(), |out, commitment| {
                out.bytes(commitment);
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn read_changes(from: &mut Reader<'_>) -> Result<Vec<Change>, LeafError> {
    from.list(CHANGES_MAX, |from| {
        Ok(Change {
            field: read_text(from)?,
            before: from.optional(Reader::array)?,
            after: from.optional(Reader::array)?,
        })
    })
}

fn write_subjects(out: &mut Writer, subjects: &[Commitment]) -> Result<(), LeafError> {
    out.count(subjects.len(), SUBJECTS_MAX)?;
    for subject in subjects {
        out.bytes(subject);
    }
    Ok(())
}

fn read_subjects(from: &mut Reader<'_>) -> Result<Vec<Commitment>, LeafError> {
    from.list(SUBJECTS_MAX, Reader::array)
}

fn read_uuid(from: &mut Reader<'_>) -> Result<Uuid, LeafError> {
    from.array().map(Uuid::from_bytes)
}

fn read_text(from: &mut Reader<'_>) -> Result<String, LeafError> {
    from.text(TEXT_LENGTH_MAX)
}

#[cfg(test)]
mod tests;
