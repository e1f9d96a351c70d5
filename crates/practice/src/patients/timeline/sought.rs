//! Words that somebody looks for in a record are clinical content as much as what they find. They go into no
//! address as they are: the browser carries them sealed, for whoever typed them and for this record, so that
//! a list can be gone back to and on in, and a history or the log of a proxy keeps noise.

use jiff::{SignedDuration, Timestamp};
use kernel::PatientId;
use serde::{Deserialize, Serialize};
use store::{Actor, Resource, Store, StoreError, Tx};

use crate::patients::actions::OpenRecord;

/// How long a list can be gone back to: a working day.
pub const SOUGHT_FOR: SignedDuration = SignedDuration::from_hours(12);
/// The longest envelope that is looked at, in bytes.
pub const SOUGHT_BYTES_MAX: usize = 8_192;
/// What the envelope is sealed for.
const SOUGHT: &str = "timeline.words";

/// What is in the envelope.
#[derive(Serialize, Deserialize)]
struct Sought {
    patient: PatientId,
    words: String,
    until: Timestamp,
}

/// Seals the words that somebody looks for in a record which they may open.
pub async fn seal(store: &Store, actor: &Actor, patient: PatientId, words: &str) -> Result<Vec<u8>, StoreError> {
    let tx: Tx<OpenRecord> = store.enter(actor).await?.ask(Resource::Patient(patient)).await?;
    let until = tx.at().saturating_add(SOUGHT_FOR).unwrap_or(Timestamp::MAX);
    let sought = Sought { patient, words: words.to_owned(), until };
    let bytes = serde_json::to_vec(&sought).map_err(|_| StoreError::Unreadable { what: "words" })?;
    tx.carry(SOUGHT, &bytes).await
}

/// The words again. `None` if they were sealed for somebody else or for another record, too long ago, or were
/// altered: which of these is not told.
pub async fn open(
    store: &Store,
    actor: &Actor,
    patient: PatientId,
    envelope: &[u8],
) -> Result<Option<String>, StoreError> {
    if envelope.len() > SOUGHT_BYTES_MAX {
        return Ok(None);
    }
    let bytes = store.enter(actor).await?.carried(SOUGHT, envelope).await?;
    let sought: Option<Sought> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let good = sought.filter(|sought| sought.patient == patient && sought.until > store.clock().now());
    Ok(good.map(|sought| sought.words))
}
