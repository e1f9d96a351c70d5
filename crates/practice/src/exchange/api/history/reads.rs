//! Reading earlier versions for the API: one event for each version or page of them.

use kernel::PatientId;
use serde_json::{Value, json};
use store::{
    Action, Actor, Event, FhirTypes, Interaction, Past, Resource, ResourceKind, Store, StoreError, StoredRow,
    Threshold, Tx, Was, sql,
};
use uuid::Uuid;

use super::{Merged, Versions, Walk, Wanted};
use crate::exchange::api::ApiError;
use crate::exchange::api::kinds::{Home, Kind};
use crate::exchange::api::leads::{Leads, Sources};
use crate::exchange::api::numbers::{Numbered, Sight};
use crate::exchange::api::page::{Shown, next_cursor, opened};
use crate::exchange::api::reads::{alert_row, entry_row, flag, kept_row, number_rows, traced_entries};
use crate::exchange::fhir::out::{self, Links, ShownIdentifier, Stamp};
use crate::patients::actions::{OpenRecord, ReadClinical, ReadDirectory, ReadPatient, ReadWhole, RevealIdentifier};
use crate::patients::rows::{Alert, Entry, MergeRow, PatientRow};

/// What is to be shown of all versions.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// One.
    One(i64),
    /// A page, from this version back, if the first page is not meant.
    Page { wanted: Wanted, from: Option<i64>, said: &'a [(String, String)], name: &'a str },
}

impl Part<'_> {
    fn event(self, kind: &'static str, id: Uuid) -> Event {
        let note = match self {
            Self::One(version) => json!({ "version": version }),
            Self::Page { from, .. } => json!({ "versions-from": from }),
        };
        Event::new().about(kind, id).field("history").note(note)
    }
}

/// One version of a resource. One that was never there, or to which the log does not lead back, is
/// [`StoreError::Missing`].
pub async fn version(
    store: &Store,
    actor: &Actor,
    kind: &'static Kind,
    id: Uuid,
    version: i64,
) -> Result<Shown, ApiError> {
    let threshold = store.enter(actor).await?;
    let found = part_of(store, threshold, kind, id, Part::One(version)).await?;
    found.shown.into_iter().next().ok_or_else(|| StoreError::Missing.into())
}

/// The versions of a resource, page by page. `None`: the cursor is not one that was given to this caller for
/// this resource, or is no longer good.
pub async fn versions(
    store: &Store,
    actor: &Actor,
    kind: &'static Kind,
    id: Uuid,
    wanted: Wanted,
    cursor: Option<&[u8]>,
) -> Result<Option<Versions>, ApiError> {
    let threshold = store.enter(actor).await?;
    let name = format!("{}/_history", kind.name);
    let mut said = vec![("id".to_owned(), id.to_string()), ("_count".to_owned(), wanted.count.to_string())];
    said.extend(wanted.since.map(|since| ("_since".to_owned(), since.to_string())));
    let (mut wanted, mut from) = (wanted, None);
    if let Some(cursor) = cursor {
        let cursor = opened(&threshold, store.clock().now(), &name, cursor).await?;
        let Some(cursor) = cursor.filter(|cursor| cursor.said.first() == said.first()) else { return Ok(None) };
        let told = |name: &str| cursor.said.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        wanted.count = told("_count").and_then(|count| count.parse().ok()).unwrap_or(wanted.count);
        wanted.since = told("_since").and_then(|since| since.parse().ok());
        from = i64::try_from(cursor.after.as_u128()).ok();
        said = cursor.said;
    }
    let part = Part::Page { wanted, from, said: &said, name: &name };
    part_of(store, threshold, kind, id, part).await.map(Some)
}

async fn part_of(
    store: &Store,
    threshold: Threshold,
    kind: &'static Kind,
    id: Uuid,
    part: Part<'_>,
) -> Result<Versions, ApiError> {
    let named = FhirTypes::of([kind.scope()]);
    let threshold = threshold.naming(named, Interaction::Read);
    match kind.home {
        Home::Patient => {
            let id = PatientId::from_uuid(id);
            let about = Resource::Patient(threshold.standing(id).await?);
            if threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient) {
                of_patient::<ReadWhole>(threshold.ask(about).await?, id, part).await
            } else {
                of_patient::<ReadPatient>(threshold.ask(about).await?, id, part).await
            }
        }
        Home::Alert => {
            let patient = threshold.patient_of_alert(id).await?;
            let threshold = threshold.naming(flag(), Interaction::Read);
            of_alert(threshold.ask(Resource::Patient(patient)).await?, patient, id, part).await
        }
        Home::Entry => {
            let patient = threshold.patient_of_entry(id).await?;
            let about = Resource::Patient(patient);
            if FhirTypes::PERSONS.has(kind.scope()) {
                of_entry(store, threshold.ask::<ReadPatient>(about).await?, kind, patient, id, part).await
            } else {
                of_entry(store, threshold.ask::<ReadClinical>(about).await?, kind, patient, id, part).await
            }
        }
        Home::Kept => of_kept(threshold.ask(Resource::Practice).await?, kind, id, part).await,
    }
}

/// Cuts what is wanted out of all versions, and seals where the next page begins. It is called before anything
/// is open: versions are numbers and times.
async fn cut<A: Action>(tx: &Tx<A>, all: &[Stamp], part: Part<'_>) -> Result<(Vec<i64>, Option<Vec<u8>>), StoreError> {
    let (wanted, from, said, name) = match part {
        Part::One(version) => {
            return Ok((all.iter().map(|stamp| stamp.version).filter(|known| *known == version).collect(), None));
        }
        Part::Page { wanted, from, said, name } => (wanted, from, said, name),
    };
    let meant = |stamp: &&Stamp| {
        wanted.since.is_none_or(|since| stamp.at >= since) && from.is_none_or(|from| stamp.version < from)
    };
    let mut versions: Vec<i64> = all.iter().filter(meant).map(|stamp| stamp.version).collect();
    let more = versions.len() > wanted.count;
    versions.truncate(wanted.count);
    let last = versions.last().and_then(|last| u128::try_from(*last).ok()).filter(|_| more);
    let next = next_cursor(tx, name, said, last.map(Uuid::from_u128)).await?;
    Ok((versions, next))
}

/// What is shown of all versions that opened.
fn kept_of(all: Vec<Shown>, begins: bool, (versions, next): (Vec<i64>, Option<Vec<u8>>)) -> Versions {
    let total = begins.then_some(all.len());
    let first = all.last().map(|shown| shown.stamp.version);
    let shown: Vec<Shown> = all.into_iter().filter(|shown| versions.contains(&shown.stamp.version)).collect();
    let begins = begins && shown.last().is_some_and(|last| Some(last.stamp.version) == first);
    Versions { shown, begins, total, next }
}

/// The stamps of one row's versions.
fn stamps_of<R: StoredRow>(past: &Past<R>) -> Vec<Stamp> {
    past.versions().map(|(version, event)| Stamp::of(version, event)).collect()
}

/// Versions of a resource that is one row.
fn row_versions<T>(id: Uuid, was: Vec<Was<T>>, resource: impl Fn(&T, Stamp) -> Option<Value>) -> (Vec<Shown>, bool) {
    let begins = was.last().is_some_and(|first| first.version == 1);
    let shown = was.into_iter().filter_map(|was| {
        let stamp = Stamp::of(was.version, was.event);
        Some(Shown { id, stamp, resource: resource(&was.open, stamp)? })
    });
    (shown.collect(), begins)
}

async fn of_patient<A: Sight>(tx: Tx<A>, id: PatientId, part: Part<'_>) -> Result<Versions, ApiError>
where
    <A::Number as StoredRow>::Open: Clone,
{
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let merged = merged(&tx, &row).await?;
    let patient = tx.past(row).await?;
    let records: Vec<Uuid> = merged.away.iter().map(|(record, _)| record.uuid()).chain([id.uuid()]).collect();
    let (mut whose, mut numbers) = (Vec::new(), Vec::new());
    for row in number_rows(&tx, &records).await? {
        let of = row.patient();
        whose.push((of != id).then_some(of));
        numbers.push(tx.past(row).await?);
    }
    let mut stamps = Vec::new();
    let bare = |past: Vec<(i64, kernel::EventId)>| -> Vec<Was<()>> {
        past.into_iter().map(|(version, event)| Was { version, event, open: () }).collect()
    };
    let lines = numbers.iter().map(|past| bare(past.versions().collect()));
    let lines = whose.iter().copied().zip(lines).collect();
    Walk::new(bare(patient.versions().collect()), lines, merged.clone()).back(|standing| stamps.push(standing.stamp));
    let wanted = cut(&tx, &stamps, part).await?;
    let (patient, numbers) = tx.record(part.event("patient", id.uuid()), (patient, numbers)).await?;
    let numbers: Result<Vec<_>, _> = numbers.into_iter().collect();
    let numbers = whose.into_iter().zip(numbers.map_err(StoreError::from)?).collect();
    let mut all = Vec::new();
    let begins = Walk::new(patient.map_err(StoreError::from)?, numbers, merged).back(|standing| {
        let numbers: Vec<ShownIdentifier> =
            standing.numbers.iter().filter(|one| A::Number::stands(one)).map(|one| A::Number::shown(one)).collect();
        let resource = out::patient(standing.patient, standing.stamp, &numbers, &standing.away, &Links::default());
        all.push(Shown { id: id.uuid(), stamp: standing.stamp, resource });
    });
    Ok(kept_of(all, begins, wanted))
}

/// What merges made of a record. What stands under it is only what stands there now: a record that is one of its
/// own again may be closed to the one who asks.
async fn merged<A: Action>(tx: &Tx<A>, row: &PatientRow) -> Result<Merged, StoreError> {
    let stands = row.merged_into.is_none();
    let away = if stands { tx.records_of(row.id) } else { vec![row.id.uuid()] };
    let merges: Vec<MergeRow> = tx
        .rows(
            sql!("select * from patient_merge where practice_id = $1 and (into_id = any($2) or patient_id = any($2))"),
            &[&away],
        )
        .await?;
    let ours = |merge: &&MergeRow| merge.into_id == row.id || merge.patient_id == row.id;
    // A record that was merged away was read, before that, with the numbers of those who stood under it.
    let had_others = !stands && merges.iter().any(|merge| merge.into_id == row.id);
    let over = |merge: &&MergeRow| merge.undone_at.is_some() || (had_others && merge.patient_id == row.id);
    let until = merges.iter().filter(ours).filter(over).map(|merge| merge.written().1.made_at()).max();
    let standing =
        |record: PatientId| merges.iter().find(|merge| merge.patient_id == record && merge.undone_at.is_none());
    let since = |record: PatientId| {
        let (mut at, mut since) = (record, None);
        // A record was merged at most as often as there are merges.
        for _ in 0..merges.len() {
            let Some(merge) = standing(at).filter(|_| at != row.id) else { break };
            at = merge.into_id;
            since = since.max(Some(merge.written().1));
        }
        since
    };
    let away = away.into_iter().map(PatientId::from_uuid).filter(|record| *record != row.id);
    let away = away.filter_map(|record| Some((record, since(record)?))).collect();
    let events = merges
        .iter()
        .filter(|merge| merge.into_id == row.id && merge.undone_at.is_none())
        .map(|merge| merge.written().1)
        .collect();
    Ok(Merged { passed: row.passed, events, away, until })
}

async fn of_alert(tx: Tx<OpenRecord>, patient: PatientId, id: Uuid, part: Part<'_>) -> Result<Versions, ApiError> {
    let chain = tx.past(alert_row(&tx, patient, id).await?).await?;
    let wanted = cut(&tx, &stamps_of(&chain), part).await?;
    let was = tx.record(part.event("alert", id), chain).await?.map_err(StoreError::from)?;
    let (all, begins) = row_versions(id, was, |alert: &Alert, stamp| {
        Some(out::flag(&Alert { patient_id: patient, ..alert.clone() }, stamp))
    });
    Ok(kept_of(all, begins, wanted))
}

async fn of_entry<A: store::Reads>(
    store: &Store,
    tx: Tx<A>,
    kind: &'static Kind,
    patient: PatientId,
    id: Uuid,
    part: Part<'_>,
) -> Result<Versions, ApiError> {
    let row = entry_row(&tx, kind, patient, id).await?;
    let (brought_by, runs) = traced_entries(&tx, std::slice::from_ref(&row)).await?;
    let chain = tx.past(row).await?;
    let wanted = cut(&tx, &stamps_of(&chain), part).await?;
    let actor = tx.actor().clone();
    let (was, runs) = tx.record(part.event("entry", id), (chain, runs)).await?;
    let was = was.map_err(StoreError::from)?;
    let open: Vec<_> = was.iter().map(|was| Ok(was.open.clone())).collect();
    let named = (FhirTypes::of([kind.scope()]), Interaction::Read);
    let leads =
        Leads::of::<A>(store, &actor, named, Resource::Patient(patient), &open, Sources::of(&brought_by, runs)).await?;
    let (all, begins) = row_versions(id, was, |entry: &Entry, stamp| {
        out::entry(&Entry { patient_id: patient, ..entry.clone() }, stamp, leads.of_entry(id))
    });
    Ok(kept_of(all, begins, wanted))
}

async fn of_kept(tx: Tx<ReadDirectory>, kind: &'static Kind, id: Uuid, part: Part<'_>) -> Result<Versions, ApiError> {
    let chain = tx.past(kept_row(&tx, kind, id).await?).await?;
    let wanted = cut(&tx, &stamps_of(&chain), part).await?;
    let was = tx.record(part.event("resource", id), chain).await?.map_err(StoreError::from)?;
    let (all, begins) = row_versions(id, was, |kept, stamp| {
        out::kept(kind.name, &id.to_string(), &kept.resource, stamp, &Links::default())
    });
    Ok(kept_of(all, begins, wanted))
}
