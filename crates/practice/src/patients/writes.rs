//! Changing patients. Each change is one commit with its event, and happens once for one key.

use jiff::SignedDuration;
use jiff::civil::Date;
use kernel::{AlertId, ErrorKind, IdempotencyKey, IdentifierId, PatientId};
use seal::TokenKind;
use serde::Serialize;
use store::{Actor, Event, Once, Resource, Store, StoreError, Throttled, TokenSet, Tx, Versioned, sql};

use super::actions::{CreatePatient, EditPatient, LookUpIdentifier, ShowLookUp};
use super::alike::Likeness;
use super::alike::reads::like;
use super::identifiers::{Identifier, IdentifierKind};
use super::model::{Details, PatientDraft, PatientForm};
use super::reads::{Read, found_by_identifier, holders};
use super::rows::{
    Alert, AlertPatch, AlertRow, IdentifierPatch, IdentifierRow, KnownIdentifier, Patient, PatientPatch, PatientRow,
    replacing,
};
use super::search::words_of;
use crate::exchange::fhir::MatchKey;

/// Why a patient could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum PatientError {
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody who may be the same person is known already.
    #[error("a patient who may be the same is known already")]
    KnownAlready(Vec<PatientId>),
    /// Too many look-ups; try again later.
    #[error("too many identifiers were looked up")]
    TooMany {
        /// When it is free again, in seconds.
        wait_seconds: i64,
    },
}

impl PatientError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::KnownAlready(_) => ErrorKind::Conflict,
            Self::TooMany { .. } => ErrorKind::Busy,
        }
    }
}

fn id_of(outcome: &serde_json::Value) -> Result<uuid::Uuid, StoreError> {
    outcome.as_str().and_then(|text| text.parse().ok()).ok_or(StoreError::Unreadable { what: "outcome" })
}

/// Adds a patient. One who may be the same person is asked about first, unless `even_if_known`.
pub async fn create(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    form: &PatientForm,
    draft: &PatientDraft,
    even_if_known: bool,
) -> Result<PatientId, PatientError> {
    let asked = store.enter(actor).await?.ask_once::<CreatePatient>(Resource::Practice, key, form).await?;
    let mut tx = match asked {
        Once::Done(outcome) => return Ok(PatientId::from_uuid(id_of(&outcome)?)),
        Once::Fresh(tx) => tx,
    };
    let known = draft.demographics();
    if !even_if_known {
        let same = like(&tx, &Likeness::of(&known)).await?;
        if !same.is_empty() {
            return Err(PatientError::KnownAlready(same.into_iter().map(PatientId::from_uuid).collect()));
        }
    }
    let id = tx.new_patient().await?;
    let patient = Patient::new(id, known);
    let words = words_of(&patient);
    tx.add::<PatientRow>(patient).await?;
    tx.add_tokens(&[(id.uuid(), &words)]).await?;
    let event = Event::new().about("patient", id.uuid());
    let outcome = tx.commit(event, id.to_string().into()).await?;
    Ok(PatientId::from_uuid(id_of(&outcome)?))
}

async fn patient_row(tx: &Tx<EditPatient>, id: PatientId) -> Result<PatientRow, StoreError> {
    tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

/// Begins a change of one patient, once; `None` if it was done before.
async fn editing(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    sent: &(impl Serialize + Sync),
) -> Result<Option<Tx<EditPatient>>, StoreError> {
    match store.enter(actor).await?.ask_once::<EditPatient>(Resource::Patient(id), key, sent).await? {
        Once::Done(_) => Ok(None),
        Once::Fresh(tx) => Ok(Some(tx)),
    }
}

/// Changes a patient's particulars. [`StoreError::Conflict`] if somebody else changed them since the
/// form was opened.
pub async fn edit(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    seen: Versioned,
    form: &PatientForm,
    draft: &PatientDraft,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, id, &(seen.0, form)).await? else { return Ok(()) };
    let row = patient_row(&tx, id).await?;
    let patch = |open: &Patient, draft: &PatientDraft| -> PatientPatch { replacing(draft.apply(&open.demographics())) };
    tx.amend_with(&row, seen, draft, patch, Some(words_of)).await?;
    tx.commit(Event::new().about("patient", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// Changes all names, numbers, addresses and languages of a patient, and the people around them.
/// [`StoreError::Conflict`] if somebody else changed the patient since the form was opened.
pub async fn edit_details(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    seen: Versioned,
    details: &Details,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, id, &(seen.0, details)).await? else { return Ok(()) };
    let row = patient_row(&tx, id).await?;
    let patch = |open: &Patient, details: &Details| -> PatientPatch { replacing(details.apply(&open.demographics())) };
    tx.amend_with(&row, seen, details, patch, Some(words_of)).await?;
    tx.commit(Event::new().about("patient", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// The search tokens of an identifier: one for looking it up by hand and, if it tells persons apart,
/// one for knowing an imported patient again.
#[must_use]
pub fn identifier_words(identifier: &Identifier) -> TokenSet {
    let identity = identifier.identity_text().map(|text| (TokenKind::Identifier, MatchKey::Identity(text).text()));
    [(TokenKind::Identifier, identifier.lookup_text())].into_iter().chain(identity).collect()
}

/// Adds an identifier that passed its kind's check.
pub async fn add_identifier(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: PatientId,
    identifier: Identifier,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, patient, &identifier).await? else { return Ok(()) };
    let id = IdentifierId::new(tx.at(), store.entropy());
    let words = identifier_words(&identifier);
    tx.insert::<IdentifierRow>(KnownIdentifier::new(id, patient, identifier)).await?;
    tx.tokens(id.uuid(), &words).await?;
    tx.commit(Event::new().about("identifier", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// Takes an identifier off the record. It stays in the log, and can be found by it no more.
pub async fn remove_identifier(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: PatientId,
    id: IdentifierId,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, patient, &id).await? else { return Ok(()) };
    let row: IdentifierRow = tx
        .row(
            sql!(
                "select * from patient_identifier where practice_id = $1 and patient_id = any($2) and id = $3 and active"
            ),
            &[&tx.records_of(patient), &id.uuid()],
        )
        .await?;
    let patch = IdentifierPatch { active: Some(false), ..IdentifierPatch::default() };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    tx.tokens(id.uuid(), &TokenSet::new()).await?;
    tx.commit(Event::new().about("identifier", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// How heavy an alert weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Danger to life or limb.
    High,
    /// Everything else.
    Usual,
}

impl Severity {
    /// Its code in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Usual => "usual",
        }
    }
}

/// Adds a warning.
pub async fn add_alert(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: PatientId,
    severity: Severity,
    text: &str,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, patient, &(severity, text)).await? else { return Ok(()) };
    let id = AlertId::new(tx.at(), store.entropy());
    tx.insert::<AlertRow>(Alert {
        id,
        row_version: 1,
        patient_id: patient,
        severity: severity.code().to_owned(),
        active: true,
        text: text.to_owned(),
    })
    .await?;
    tx.commit(Event::new().about("alert", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// Ends a warning.
pub async fn end_alert(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: PatientId,
    id: AlertId,
) -> Result<(), StoreError> {
    let Some(mut tx) = editing(store, actor, key, patient, &id).await? else { return Ok(()) };
    let row: AlertRow = tx
        .row(
            sql!("select * from patient_alert where practice_id = $1 and patient_id = any($2) and id = $3 and active"),
            &[&tx.records_of(patient), &id.uuid()],
        )
        .await?;
    let patch = AlertPatch { active: Some(false), ..AlertPatch::default() };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    tx.commit(Event::new().about("alert", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// Identifiers that one person may look up within [`LOOK_UPS_WITHIN`].
pub const LOOK_UPS_MAX: u32 = 30;
/// The time in which look-ups are counted.
pub const LOOK_UPS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
const LOOK_UPS_RULE: &str = "lookup.person";

/// Finds whom one exact identifier belongs to. Counted per person, so that numbers cannot be tried one
/// after the other; in the log even when nobody is found.
pub async fn look_up(
    store: &Store,
    actor: &Actor,
    kind: IdentifierKind,
    text: &str,
) -> Result<Vec<Read<Patient>>, PatientError> {
    let lookup_text = Identifier::lookup_text_of(kind, text);
    let words = TokenSet::from([(TokenKind::Identifier, lookup_text.clone())]);
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    let asked = store.enter(actor).await?.ask_once::<LookUpIdentifier>(Resource::Practice, key, &()).await?;
    let Once::Fresh(tx) = asked else { return Ok(Vec::new()) };
    count_look_up(&tx, actor).await?;
    let patients = holders(&tx, &words, &lookup_text).await?;
    let event = Event::new()
        .field(format!("patient_identifier.{}", kind.code()))
        .note(serde_json::json!({ "looked-for": text, "found": patients.len() }));
    tx.commit(event, serde_json::Value::Null).await?;
    let tx: Tx<ShowLookUp> = store.enter(actor).await?.ask(Resource::Practice).await?;
    Ok(found_by_identifier(tx, &patients, kind.code()).await?)
}

async fn count_look_up(tx: &Tx<LookUpIdentifier>, actor: &Actor) -> Result<(), PatientError> {
    let who = actor.person().map(|person| person.to_string()).unwrap_or_default();
    let count = tx.attempts(LOOK_UPS_RULE, &who).await?;
    let since = |last| tx.at().duration_since(last);
    let failures = match count {
        Some(count) if since(count.last_at) < LOOK_UPS_WITHIN => count.failures,
        _ => 0,
    };
    if failures >= LOOK_UPS_MAX {
        let waited = count.map_or(SignedDuration::ZERO, |count| since(count.last_at));
        return Err(PatientError::TooMany { wait_seconds: (LOOK_UPS_WITHIN - waited).as_secs().max(1) });
    }
    tx.keep_attempts(LOOK_UPS_RULE, &who, Some(Throttled { failures: failures + 1, last_at: tx.at() })).await?;
    Ok(())
}

/// Today at a place of the practice, for ages and for what a form may say.
#[must_use]
pub fn today(store: &Store, zone: &jiff::tz::TimeZone) -> Date {
    store.clock().now().to_zoned(zone.clone()).date()
}
