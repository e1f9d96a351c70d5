//! What the forms of the record start from.

use jiff::Timestamp;
use kernel::{EntryId, PatientId};
use store::{Actor, Event, Resource, Store, StoreError, Tx, sql};

use crate::patients::actions::ClinicalForm;
use crate::patients::reads::{Read, allergies, page_rows};
use crate::patients::rows::{Alert, Entry, EntryLine, EntryRow, MaskedIdentifier, Patient};

/// A form of the record, under its patient's banner.
pub struct FormPage {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// The entry that is to be changed.
    pub entry: Option<Read<Entry>>,
    /// When this was recorded.
    pub at: Timestamp,
}

/// Opens a form: to add to a record, or to change an entry of it.
pub async fn form(store: &Store, actor: &Actor, id: PatientId, entry: Option<EntryId>) -> Result<FormPage, StoreError> {
    let tx: Tx<ClinicalForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let banner = page_rows(&tx, id).await?;
    let allergies = allergies(&tx, id).await?;
    let row: Option<EntryRow> = match entry {
        Some(entry) => Some(
            tx.row(
                sql!("select * from record_entry where practice_id = $1 and patient_id = any($2) and id = $3"),
                &[&tx.records_of(id), &entry.uuid()],
            )
            .await?,
        ),
        None => None,
    };
    let at = tx.at();
    let event = match (entry, &row) {
        (Some(entry), Some(row)) => Event::new().about("entry", entry.uuid()).field(row.kind.clone()),
        _ => Event::new().about("patient", id.uuid()),
    };
    let ((patient, identifiers, alerts), allergies, entry) = tx.record(event, (banner, allergies, row)).await?;
    Ok(FormPage { patient, identifiers, alerts, allergies, entry, at })
}
