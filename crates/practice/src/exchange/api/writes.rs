//! Changing by the API: once for one key, one commit with its event, never over somebody else's change.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::Date;
use kernel::{IdempotencyKey, IdentifierId, PatientId};
use seal::TokenKind;
use serde_json::{Value, json};
use store::{
    Actor, Event, FhirType, FhirTypes, Interaction, Once, Resource, ResourceKind, Store, StoreError, StoredRow,
    Throttled, TokenSet, Tx, Versioned, Writes, sql,
};
use uuid::Uuid;

use super::ApiError;
use super::page::Shown;
use crate::exchange::fhir::out::{self, Links, ShownIdentifier, Stamp};
use crate::exchange::fhir::{Refers, Reject, SentPatient};
use crate::patients::actions::{CreatePatient, EditPatient, LookUpIdentifier, RevealIdentifier};
use crate::patients::identifiers::{Identifier, IdentifierKind};
use crate::patients::model::Demographics;
use crate::patients::rows::{
    IdentifierPatch, IdentifierRow, KnownIdentifier, Patient, PatientPatch, PatientRow, replacing,
};
use crate::patients::search::words_of;
use crate::patients::writes::identifier_words;

/// What a change came to.
pub struct Written {
    /// The patient.
    pub id: PatientId,
    /// Which version it is now.
    pub version: i64,
    /// The resource, where it is known without being read: nobody is told more than they sent.
    pub shown: Option<Shown>,
}

fn patients() -> FhirTypes {
    FhirTypes::of([FhirType::Patient])
}

/// The day by which birth dates are not yet to come, wherever on Earth it is latest.
#[must_use]
pub fn today(store: &Store) -> Date {
    store.clock().now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap_or(Date::MAX)
}

fn outcome(id: PatientId, version: i64) -> Value {
    json!({ "patient": id, "version": version })
}

fn done(outcome: &Value) -> Result<Written, StoreError> {
    let id = outcome.get("patient").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let version = outcome.get("version").and_then(Value::as_i64);
    match (id, version) {
        (Some(id), Some(version)) => Ok(Written { id, version, shown: None }),
        _ => Err(StoreError::Unreadable { what: "outcome" }),
    }
}

/// Adds a patient. `raw` is what was sent: the same key with something else is refused.
pub async fn create(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    sent: SentPatient,
    raw: &[u8],
) -> Result<Written, ApiError> {
    if !sent.named.is_empty() {
        let reason = "has no value: a new patient's identifiers are sent in full";
        return Err(Reject { field: "Patient.identifier".to_owned(), reason: reason.into() }.into());
    }
    let threshold = store.enter(actor).await?.naming(patients(), Interaction::Create);
    let whole = threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient);
    let print = String::from_utf8_lossy(raw);
    let mut tx = match threshold.ask_once::<CreatePatient>(Resource::Practice, key, &print).await? {
        Once::Done(outcome) => return Ok(done(&outcome)?),
        Once::Fresh(tx) => tx,
    };
    must_be_here(&tx, &sent.refers).await?;
    let id = tx.new_patient().await?;
    let mut patient = Patient::new(id, sent.demographics);
    patient.active = sent.active;
    let mut words = vec![(id.uuid(), words_of(&patient))];
    let event = tx.event_id()?;
    let mut stamp = Stamp::of(1, event);
    let mut shown = Vec::new();
    tx.add::<PatientRow>(patient.clone()).await?;
    for value in sent.identifiers {
        let number = IdentifierId::new(tx.at(), store.entropy());
        let known = KnownIdentifier::new(number, id, value);
        stamp = stamp.and(1, event);
        words.push((number.uuid(), identifier_words(&known.value)));
        shown.push(if whole {
            ShownIdentifier::Whole(number, Box::new(known.value.clone()))
        } else {
            ShownIdentifier::Masked(number, known.value.kind, known.masked.clone())
        });
        tx.add::<IdentifierRow>(known).await?;
    }
    let words: Vec<(Uuid, &TokenSet)> = words.iter().map(|(id, set)| (*id, set)).collect();
    tx.add_tokens(&words).await?;
    let resource = out::patient(&patient, stamp, &shown, &[], &Links::default());
    let answer = tx.commit(Event::new().about("patient", id.uuid()), outcome(id, stamp.version)).await?;
    let written = done(&answer)?;
    // The same key was committed meanwhile by a request beside this one: theirs stands.
    let shown = (written.id == id).then_some(Shown { id: id.uuid(), stamp, resource });
    Ok(Written { shown, ..written })
}

/// Refuses a reference to what is not here. That something is another practice's, or open to named people
/// only, is the same answer as that it is nowhere.
async fn must_be_here<A: Writes>(tx: &Tx<A>, refers: &[Refers]) -> Result<(), ApiError> {
    for Refers { at, resource_type, id } in refers {
        let found = match id.parse::<Uuid>() {
            Err(_) => 0,
            Ok(id) if resource_type == "Patient" => {
                let open = sql!(
                    "select count(*) from patient p
                     join patient s on s.practice_id = p.practice_id
                        and s.id = case when p.merged_into is null then p.id else p.merged_into end
                     where p.practice_id = $1 and p.id = $2 and not s.restricted"
                );
                tx.count(open, &[&id]).await?
            }
            Ok(id) => {
                tx.count(
                    sql!(
                        "select count(*) from kept_resource where practice_id = $1 and id = $2 and resource_type = $3"
                    ),
                    &[&id, resource_type],
                )
                .await?
            }
        };
        if found == 0 {
            let reason = "points to nothing in this practice";
            return Err(Reject { field: at.clone(), reason: reason.into() }.into());
        }
    }
    Ok(())
}

/// Puts what was sent in place of a patient that stands at version `seen`.
///
/// Identifiers that are named by their id and told without a value stay as they are. Those that are told
/// are compared with what stands only for a caller who may see them: to everybody else it would say whether
/// a guessed number is right.
pub async fn update(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    seen: i64,
    sent: SentPatient,
    raw: &[u8],
) -> Result<Written, ApiError> {
    let threshold = store.enter(actor).await?.naming(patients(), Interaction::Update);
    let whole = threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient);
    let print = (seen, String::from_utf8_lossy(raw));
    let mut tx = match threshold.ask_once::<EditPatient>(Resource::Patient(id), key, &print).await? {
        Once::Done(outcome) => return Ok(done(&outcome)?),
        Once::Fresh(tx) => tx,
    };
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let numbers: Vec<IdentifierRow> = tx
        .rows(
            sql!("select * from patient_identifier where practice_id = $1 and patient_id = any($2)"),
            &[&tx.records_of(id)],
        )
        .await?;
    let stands =
        numbers.iter().fold(Stamp::of_patient(&row), |stamp, number| stamp.and(number.row_version, number.event_id));
    if stands.version != seen {
        return Err(ApiError::Stale);
    }
    must_be_here(&tx, &sent.refers).await?;
    let patch = |_: &Patient, to: &(bool, Demographics)| PatientPatch { active: Some(to.0), ..replacing(to.1.clone()) };
    let to = (sent.active, sent.demographics);
    let mut version = seen;
    if tx.amend_with(&row, Versioned(row.row_version), &to, patch, Some(words_of)).await? {
        version += 1;
    }
    let standing: Vec<IdentifierRow> = numbers.into_iter().filter(|number| number.active).collect();
    let (keep, fresh) = settle(&tx, &standing, &sent.named, sent.identifiers, whole).await?;
    for number in standing.iter().filter(|number| !keep.contains(&number.id)) {
        let off = |_: &KnownIdentifier, (): &()| IdentifierPatch { active: Some(false), ..IdentifierPatch::default() };
        let seen = Versioned(number.row_version);
        if number.patient_id == id {
            tx.amend_with(number, seen, &(), off, None).await?;
        } else {
            // Of a record that was merged into this one: an event of its own, under its own key.
            let event = Event::new().about("identifier", number.id.uuid());
            let tag = tx.also(event, Some(number.patient_id));
            tx.amend_under(tag, number, seen, &(), off, None).await?;
        }
        tx.tokens(number.row_id(), &TokenSet::new()).await?;
        version += 1;
    }
    for value in fresh {
        let number = IdentifierId::new(tx.at(), store.entropy());
        let known = KnownIdentifier::new(number, id, value);
        let words = identifier_words(&known.value);
        tx.insert::<IdentifierRow>(known).await?;
        tx.tokens(number.uuid(), &words).await?;
        version += 1;
    }
    let answer = tx.commit(Event::new().about("patient", id.uuid()), outcome(id, version)).await?;
    Ok(done(&answer)?)
}

/// Which identifiers stay, and which are new.
async fn settle(
    tx: &Tx<EditPatient>,
    standing: &[IdentifierRow],
    named: &[IdentifierId],
    told: Vec<Identifier>,
    whole: bool,
) -> Result<(BTreeSet<IdentifierId>, Vec<Identifier>), ApiError> {
    let mut keep = BTreeSet::new();
    for id in named {
        if !standing.iter().any(|number| number.id == *id) {
            let reason = "names an identifier that this patient does not have";
            return Err(Reject { field: "Patient.identifier".to_owned(), reason: reason.into() }.into());
        }
        keep.insert(*id);
    }
    let mut fresh = Vec::new();
    for value in told {
        let same = if whole { tx.examine(standing, &value, is_same).await?.ranked } else { Vec::new() };
        match same.into_iter().map(IdentifierId::from_uuid).find(|id| !keep.contains(id)) {
            Some(id) => drop(keep.insert(id)),
            None => fresh.push(value),
        }
    }
    Ok((keep, fresh))
}

fn is_same(open: &KnownIdentifier, told: &Identifier) -> Option<()> {
    let known = &open.value;
    let mut extra = known.extra.clone();
    extra.shift_remove("id");
    // What is shown where the source gave neither type nor system.
    let mut told_extra = told.extra.clone();
    if known.system.is_none() && !extra.contains_key("type") {
        told_extra.shift_remove("type");
    }
    (known.system == told.system && known.value == told.value && extra == told_extra).then_some(())
}

/// Identifiers that one client may look up within [`LOOK_UPS_WITHIN`].
pub const LOOK_UPS_MAX: u32 = 120;
/// The time in which look-ups are counted.
pub const LOOK_UPS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
const LOOK_UPS_RULE: &str = "lookup.client";

/// Finds whose one exact identifier is. Counted for each client, so that numbers cannot be tried one after
/// the other; in the log even when nobody is found. Ids only: showing them is another act.
pub(super) async fn look_up(
    store: &Store,
    actor: &Actor,
    system: &str,
    value: &str,
) -> Result<BTreeSet<Uuid>, ApiError> {
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    let threshold = store.enter(actor).await?.naming(patients(), Interaction::Search);
    let Once::Fresh(tx) = threshold.ask_once::<LookUpIdentifier>(Resource::Practice, key, &()).await? else {
        return Ok(BTreeSet::new());
    };
    count(&tx, actor).await?;
    let named = IdentifierKind::from_fhir(Some(system), &[]);
    // A system that means one kind; or any system, beside a kind that has none of its own.
    let kinds: Vec<IdentifierKind> = match named {
        IdentifierKind::Other => IdentifierKind::ALL.to_vec(),
        kind => vec![kind],
    };
    let sets: Vec<TokenSet> = kinds
        .iter()
        .filter(|kind| !kind.normalised(value).is_empty())
        .map(|kind| TokenSet::from([(TokenKind::Identifier, Identifier::lookup_text_of(*kind, value))]))
        .collect();
    let ids = tx.find_any(&sets, None, 100).await?;
    let rows: Vec<IdentifierRow> = tx
        .rows(sql!("select * from patient_identifier where practice_id = $1 and id = any($2) and active"), &[&ids])
        .await?;
    let asked = (system.to_owned(), value.to_owned(), named);
    let same = tx.examine(&rows, &asked, is_meant).await?.ranked;
    let holders: Vec<Uuid> =
        rows.iter().filter(|row| same.contains(&row.id.uuid())).map(|row| row.patient_id.uuid()).collect();
    let standing = tx
        .ids(sql!("select coalesce(merged_into, id) from patient where practice_id = $1 and id = any($2)"), &[&holders])
        .await?;
    let found: BTreeSet<Uuid> = standing.into_iter().collect();
    let event = Event::new()
        .field("patient_identifier")
        .note(json!({ "looked-for": format!("{system}|{value}"), "found": found.len() }));
    tx.commit(event, Value::Null).await?;
    Ok(found)
}

fn is_meant(open: &KnownIdentifier, asked: &(String, String, IdentifierKind)) -> Option<()> {
    let (system, value, named) = asked;
    let known = &open.value;
    let same_system = if *named == IdentifierKind::Other {
        known.system.as_deref().unwrap_or_default() == system
    } else {
        known.kind == *named
    };
    (same_system && known.normalised() == known.kind.normalised(value)).then_some(())
}

async fn count(tx: &Tx<LookUpIdentifier>, actor: &Actor) -> Result<(), ApiError> {
    let who = actor.client().map(|client| client.to_string()).unwrap_or_default();
    let count = tx.attempts(LOOK_UPS_RULE, &who).await?;
    let since = |last| tx.at().duration_since(last);
    let before = match count {
        Some(count) if since(count.last_at) < LOOK_UPS_WITHIN => count.failures,
        _ => 0,
    };
    if before >= LOOK_UPS_MAX {
        let waited = count.map_or(SignedDuration::ZERO, |count| since(count.last_at));
        return Err(ApiError::TooMany { wait_seconds: (LOOK_UPS_WITHIN - waited).as_secs().max(1) });
    }
    tx.keep_attempts(LOOK_UPS_RULE, &who, Some(Throttled { failures: before + 1, last_at: tx.at() })).await?;
    Ok(())
}
