//! Identifiers: UUIDs (version 7 when we make them, RFC 9562) that cannot be mistaken for one
//! another.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Entropy;

/// A text that is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: write a UUID such as 01920c5e-7c1d-7a3b-9c55-2f1d6b8e4a10")]
pub struct IdError;

/// A version-7 UUID from a time and 10 random bytes, by the layout of RFC 9562, section 5.7.
fn v7(at: Timestamp, entropy: &Entropy) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &entropy.bytes()).into_uuid()
}

/// The time in an id of version 7 (RFC 9562, 5.7).
fn made_at(id: Uuid) -> Timestamp {
    let (seconds, nanos) = id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    let nanos = i32::try_from(nanos).unwrap_or(0);
    i64::try_from(seconds).ok().and_then(|s| Timestamp::new(s, nanos).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier: the time first, so that rows made together lie together.
            #[must_use]
            pub fn new(at: Timestamp, entropy: &Entropy) -> Self {
                Self(v7(at, entropy))
            }

            /// The identifier that these bytes are. Says nothing about whether such a thing exists.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// When it was made, to the millisecond; the epoch if it is not of the form that `new` makes.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                made_at(self.0)
            }

            /// The bytes, for the database and for hashing.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }
    )+};
}

ids! {
    /// A practice: the legal entity answerable for its records; the tenant.
    PracticeId;
    /// A person: one login, with a membership per practice.
    PersonId;
    /// Whom a practice serves.
    PatientId;
    /// A number somebody else gave a patient (national id, insurance, medical aid).
    IdentifierId;
    /// A warning on a patient's record.
    AlertId;
    /// One entry of a patient's record: a note, an allergy, a medication, a problem.
    EntryId;
    /// That somebody may open a restricted record.
    AccessId;
    /// A kept FHIR resource that belongs to no patient.
    ResourceId;
    /// A signed-in browser.
    SessionId;
    /// An offer of membership.
    InvitationId;
    /// One run of an import.
    ImportId;
    /// A program that a practice has let in over the API.
    ClientId;
    /// What the columns of a table became, kept for the next.
    MappingId;
    /// That two records were found to be of one person.
    MergeId;
    /// Records asked for as one archive.
    ExportId;
    /// Files that somebody sent to be brought in.
    UploadId;
    /// A line of the audit log.
    EventId;
    /// A data key in the keyring.
    DataKeyId;
    /// What makes a change happen once, however often it is sent.
    IdempotencyKey;
}

/// Gives event ids that sort in the order in which they were given, also within one millisecond: the
/// 12 bits after the time count (RFC 9562, section 6.2, method 1).
#[derive(Debug, Default)]
pub struct EventOrder(AtomicU64);

impl EventOrder {
    /// The next event id.
    #[must_use]
    pub fn next(&self, at: Timestamp, entropy: &Entropy) -> EventId {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        let step = |last: u64| Some((last + 1).max(millis << 12));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(0);
        let next = (last + 1).max(millis << 12);
        let mut tail: [u8; 10] = entropy.bytes();
        let [_, _, _, _, _, _, high, low] = next.to_be_bytes();
        let [first, second, ..] = &mut tail;
        (*first, *second) = (high & 0x0f, low);
        EventId(uuid::Builder::from_unix_timestamp_millis(next >> 12, &tail).into_uuid())
    }
}

impl PracticeId {
    /// The house itself: persons, sessions and the house's own log live under this practice, so
    /// that they have the same walls as everything else.
    pub const HOUSE: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn an_id_says_its_version_and_survives_text() {
        let id = PatientId::new(Timestamp::UNIX_EPOCH, &Entropy::from(SystemEntropy));
        assert_eq!(id.uuid().get_version_num(), 7);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("patient-12".parse::<PatientId>(), Err(IdError));
    }

    #[test]
    fn events_of_one_moment_sort_in_their_order() {
        let (order, entropy) = (EventOrder::default(), Entropy::from(SystemEntropy));
        let ids: Vec<EventId> = (0..10_000).map(|_| order.next(Timestamp::UNIX_EPOCH, &entropy)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].uuid().get_version_num(), 7);
        let later = order.next("2026-11-22T12:00:00Z".parse().unwrap(), &entropy);
        assert!(ids.last().unwrap() < &later);
    }

    #[test]
    fn the_house_is_no_random_practice() {
        assert_eq!(PracticeId::HOUSE.to_string(), "00000000-0000-7000-8000-000000000001");
    }
}
