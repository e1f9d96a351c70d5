//! What the forms of a record's standing start from.

use kernel::{PatientId, PersonId};
use store::{Actor, Event, Resource, Store, StoreError, Tx, sql};

use crate::patients::actions::AccessForm;
use crate::patients::reads::{Read, allergies, page_rows};
use crate::patients::rows::{Alert, EntryLine, MaskedIdentifier, Patient};

/// Who may open a record, under its banner.
pub struct AccessPage {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// Who is named; nobody where the record is open to all who may read records.
    pub named: Vec<PersonId>,
}

/// Opens the form that names who may open a record.
pub async fn access(store: &Store, actor: &Actor, id: PatientId) -> Result<AccessPage, StoreError> {
    let tx: Tx<AccessForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let banner = page_rows(&tx, id).await?;
    let allergies = allergies(&tx, id).await?;
    let named = tx
        .ids(
            sql!("select person_id from patient_access where practice_id = $1 and patient_id = $2 order by person_id"),
            &[&id.uuid()],
        )
        .await?;
    let named = named.into_iter().map(PersonId::from_uuid).collect();
    let event = Event::new().about("patient", id.uuid());
    let ((patient, identifiers, alerts), allergies) = tx.record(event, (banner, allergies)).await?;
    Ok(AccessPage { patient, identifiers, alerts, allergies, named })
}
