//! Bulk data (<https://hl7.org/fhir/uv/bulkdata/STU2/>): a program asks for everything at once, a job makes it
//! in pieces of a few mebibytes ([`making`]), and the program fetches them for a day.
//!
//! Patients whose record is open to named people only are not in it, and neither are their entries: a program is
//! nobody named. Who asked may see identifiers in full or not; that is settled when it asks and stands in the
//! row. The pieces are sealed under the practice's key, and gone when the export is cancelled, has failed, or
//! its day is over.

pub mod making;
pub mod reads;
mod rows;
pub mod writes;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{FhirTypes, Interaction, Scopes, StoreError};

use super::kinds::{Home, KINDS, Kind};

store::actions! {
    /// Ask for everything at once, or cancel that.
    pub AskBulk = "record.export", writes;
    /// See how far it is, and fetch it.
    pub ReadBulk = "record.export", reads;
    /// Gather what is to be fetched: identifiers masked.
    pub GatherMasked = "bulk.gather", reads;
    /// Gather what is to be fetched: identifiers in full.
    pub GatherWhole = "bulk.gather-whole", reads;
    /// Lay down what was gathered, and put it away in the end.
    pub LayDown = "bulk.lay-down", writes;
}

/// How long what was made can be fetched.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// An export that is not complete by then has failed.
pub const MADE_WITHIN: SignedDuration = SignedDuration::from_hours(48);
/// How many exports of one program may be under way at once.
pub const AT_ONCE_MAX: i64 = 2;
/// When a piece is big enough, in bytes. One resource may be larger, and is a piece by itself.
pub const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// What a program asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The address as it was asked.
    pub url: String,
    /// The types that are wanted, in order.
    pub types: Vec<String>,
    /// Written then or later.
    pub since: Option<Timestamp>,
}

impl Asked {
    /// The types that an export can have: of patients and their records, or of the practice too.
    pub fn all(patients: bool) -> impl Iterator<Item = &'static Kind> {
        KINDS.iter().filter(move |kind| !patients || kind.home != Home::Kept)
    }

    /// Of those the ones that a program may read and search.
    pub fn open_to(scopes: Scopes, patients: bool) -> impl Iterator<Item = &'static Kind> {
        let may = move |kind: &&Kind| {
            [Interaction::Read, Interaction::Search].iter().all(|letter| scopes.allows(kind.scope(), *letter))
        };
        Self::all(patients).filter(may)
    }
}

/// The types of an export, by their names with commas, in the order in which it is made.
fn kinds_of(types: &str) -> Vec<&'static Kind> {
    KINDS.iter().filter(|kind| types.split(',').any(|name| name == kind.name)).collect()
}

/// What an export of these types is asked for: reading and searching each of them.
fn scopes_of(types: &str) -> FhirTypes {
    FhirTypes::of(kinds_of(types).into_iter().map(Kind::scope))
}

/// Where an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is being made.
    Making,
    /// It can be fetched.
    Ready,
    /// Whoever asked wants it no more.
    Cancelled,
    /// Its day is over.
    Expired,
    /// It could not be made.
    Failed,
}

impl State {
    const ALL: [Self; 5] = [Self::Making, Self::Ready, Self::Cancelled, Self::Expired, Self::Failed];

    /// Its name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    fn of(code: &str) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(StoreError::Unreadable { what: "bulk export" })
    }
}
