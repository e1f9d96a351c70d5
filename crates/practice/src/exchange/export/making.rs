//! The job that makes an archive. It goes on where the export's row says it is; each round reads a stretch of the
//! records (the log names whom, before anything is opened), makes parts of it, encrypts them to the recipient, and
//! keeps them together with how far it is. Killed anywhere, it comes to the same parts.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use kernel::{EventId, PatientId};
use serde_json::Value;
use store::{
    Actor, Claim, Ended, Errand, Event, Fault, FhirTypes, Follow, Interaction, Job, Resource, Store, StoreError, Tx,
};
use uuid::Uuid;

use super::actions::ReadRecords;
use super::reads::{self, Span};
use super::rows::{ExportPatch, ExportRow};
use super::steps::{Step, plan, step};
use super::table::Table;
use super::{KEPT_FOR, State, page, record, writes};
use crate::exchange::api::{Leads, Sources, traced};
use crate::exchange::archive::{
    Installation, MANIFEST_NAME, Manifest, NOTE_NAME, PartEntry, README_NAME, Recipient, Scope, Signer, sha256,
};
use crate::exchange::fhir::out::{self, ShownIdentifier, Stamp, source_of, type_of};
use crate::patients::identifiers::IdentifierKind;
use crate::patients::rows::{Entry, IdentifierRow, KnownIdentifier, Patient, PatientRow};

/// A part is closed when it has this many bytes: it has as many, and one more resource at most.
const PART_BYTES: usize = 4 * 1024 * 1024;
/// Patients of one list, and of one file of them.
const LIST_MAX: u64 = 1_000;

/// Does what is to be done about an export now: begins it, goes on with it, or puts away what is over.
///
/// # Errors
/// Why not; it is tried again.
pub async fn go_on(store: &Store, signer: &Signer, claim: &Claim) -> Result<Ended, Fault> {
    round(store, signer, claim).await.map_err(|error| match error {
        Stopped::Store(error) => Fault::from(error),
        Stopped::Fault(fault) => fault,
    })
}

/// Why a round stopped.
enum Stopped {
    Store(StoreError),
    Fault(Fault),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn round(store: &Store, signer: &Signer, claim: &Claim) -> Result<Ended, Stopped> {
    let actor = store.machine(Job::Export, claim.practice()).await?;
    let row = reads::find(store, &actor, claim.about()).await?;
    let state = State::of(&row.state)?;
    let now = store.clock().now();
    match (claim.errand(), state) {
        (Errand::GoOn, State::Asked) if row.alone_at.is_some_and(|at| at <= now) => {}
        (Errand::GoOn, State::Asked) if row.ends_at > now => {
            return Ok(Ended::Later(row.alone_at.unwrap_or(row.ends_at)));
        }
        (Errand::GoOn, State::Making) => {}
        (Errand::GoOn, State::Ready) if row.ends_at > now => return Ok(Ended::Later(row.ends_at)),
        (Errand::GoOn, State::Asked | State::Ready) => {
            writes::put_away(store, &actor, claim, &row, Some(State::Expired)).await?;
            return Ok(Ended::Finished);
        }
        (Errand::GiveUp, State::Asked | State::Making | State::Ready) => {
            writes::put_away(store, &actor, claim, &row, Some(State::Failed)).await?;
            return Ok(Ended::Finished);
        }
        (Errand::Cancel, State::Asked | State::Making | State::Ready) => {
            writes::put_away(store, &actor, claim, &row, Some(State::Withdrawn)).await?;
            return Ok(Ended::Finished);
        }
        (_, State::Refused | State::Withdrawn | State::Expired | State::Failed) => {
            writes::put_away(store, &actor, claim, &row, None).await?;
            return Ok(Ended::Finished);
        }
    }
    let recipient = row.recipient.parse().map_err(|_| StoreError::Unreadable { what: "recipient" })?;
    let making = Making { store, signer, claim, actor, recipient };
    if row.steps.is_empty() {
        let taken_at = row.settled_at.unwrap_or(now);
        let Some(span) = making.span(&row, taken_at).await? else { return making.no_longer_stands(&row).await };
        making.begin(&row, taken_at, &span).await?;
    }
    loop {
        if claim.stopping() {
            return Ok(Ended::Stopped);
        }
        let row = reads::find(store, &making.actor, claim.about()).await?;
        if let Some(ended) = making.advance(&row).await? {
            return Ok(ended);
        }
    }
}

struct Making<'a> {
    store: &'a Store,
    signer: &'a Signer,
    claim: &'a Claim,
    actor: Actor,
    recipient: Recipient,
}

/// A part, open.
struct Part {
    name: String,
    holds: u64,
    plain: Vec<u8>,
}

/// What one round came to.
#[derive(Default)]
struct Cut {
    parts: Vec<Part>,
    /// Where this step goes on; nothing where it is over.
    on: Option<(Option<Uuid>, i32)>,
    done: i64,
    damaged: i64,
}

fn stamp_of(row: &PatientRow, numbers: &[IdentifierRow]) -> Stamp {
    let own = Stamp::of_patient(row);
    let of = numbers.iter().filter(|number| number.patient_id == row.id);
    of.fold(own, |stamp, number| stamp.and(number.row_version, number.event_id))
}

/// Numbers that stand, in full, by whose they are. One that does not open is told as such.
fn by_patient(
    facts: &[(kernel::IdentifierId, PatientId, String)],
    opened: Vec<Result<KnownIdentifier, store::Damaged>>,
) -> HashMap<PatientId, Vec<ShownIdentifier>> {
    let mut shown: HashMap<PatientId, Vec<ShownIdentifier>> = HashMap::new();
    for ((id, patient, kind), open) in facts.iter().zip(opened) {
        let kind = IdentifierKind::from_code(kind).unwrap_or(IdentifierKind::Other);
        let number = open
            .map_or(ShownIdentifier::Damaged(*id, kind), |known| ShownIdentifier::Whole(*id, Box::new(known.value)));
        shown.entry(*patient).or_default().push(number);
    }
    shown
}

/// A record as the export has it. One that was merged into a record which is not among these (it was written later)
/// stands for itself.
fn as_exported(mut open: Patient, span: &Span, restricted: &HashSet<Uuid>) -> Patient {
    open.restricted = restricted.contains(&open.id.uuid());
    open.merged_into = open.merged_into.filter(|into| into.uuid() < span.bound);
    open
}

fn standing(numbers: Vec<IdentifierRow>) -> (Vec<(kernel::IdentifierId, PatientId, String)>, Vec<IdentifierRow>) {
    let standing: Vec<IdentifierRow> = numbers.into_iter().filter(|number| number.active).collect();
    let facts = standing.iter().map(|number| (number.id, number.patient_id, number.kind.clone())).collect();
    (facts, standing)
}

impl Making<'_> {
    fn about(&self) -> Event {
        Event::new().about("export", self.claim.about())
    }

    async fn reading(&self) -> Result<Tx<ReadRecords>, StoreError> {
        self.store.enter(&self.actor).await?.ask(Resource::Practice).await
    }

    /// What belongs to the export. Nothing where the one record it is about was merged away since somebody asked:
    /// what was agreed to was another record than the one that stands now.
    async fn span(&self, row: &ExportRow, taken_at: Timestamp) -> Result<Option<Span>, StoreError> {
        let Some(patient) = row.patient_id else { return Ok(Some(Span::of(taken_at, None))) };
        let records = reads::records_of(&self.reading().await?, patient).await?;
        Ok((!records.is_empty()).then(|| Span::of(taken_at, Some(records))))
    }

    async fn no_longer_stands(&self, row: &ExportRow) -> Result<Ended, Stopped> {
        writes::put_away(self.store, &self.actor, self.claim, row, Some(State::Failed)).await?;
        Ok(Ended::Finished)
    }

    async fn begin(&self, row: &ExportRow, taken_at: Timestamp, span: &Span) -> Result<(), StoreError> {
        let tx = self.reading().await?;
        let kinds = reads::entry_kinds(&tx, span).await?;
        let kept = reads::kept_types(&tx, span).await?;
        let (patients, alerts) = reads::people_count(&tx, span).await?;
        drop(tx);
        let mut types: Vec<String> = kinds.iter().map(|(kind, _)| type_of(kind).to_owned()).collect();
        types.sort();
        types.dedup();
        let kept_types: Vec<String> = kept.iter().map(|(kind, _)| kind.clone()).collect();
        let rows = |counts: &[(String, i64)]| counts.iter().map(|(_, count)| *count).sum::<i64>();
        // A patient is read for the lists and once more for the pages.
        let whole = 2 * patients + alerts + rows(&kinds) + rows(&kept);
        let steps = plan(&types, &kept_types);
        writes::begin(self.store, &self.actor, self.claim, row, taken_at, steps, whole).await
    }

    /// One checkpoint further.
    async fn advance(&self, row: &ExportRow) -> Result<Option<Ended>, Stopped> {
        if State::of(&row.state)? != State::Making {
            // Somebody ended it; it is handed out again to be put away.
            return Ok(Some(Ended::Stopped));
        }
        let taken_at = row.settled_at.ok_or(StoreError::Unreadable { what: "export" })?;
        let Some(span) = self.span(row, taken_at).await? else { return self.no_longer_stands(row).await.map(Some) };
        let span = &span;
        let cut = match step(&row.steps, row.step)? {
            Step::Patients => self.patients(row, span).await?,
            Step::Alerts => self.alerts(row, span).await?,
            Step::Entries(kind) => self.entries(row, span, &kind).await?,
            Step::Kept(kind) => self.kept(row, span, &kind).await?,
            Step::Team => self.team().await?,
            Step::Pages => self.pages(row, span, taken_at).await?,
            Step::Audit => self.audit(row, span).await?,
            Step::Index => self.index(row, taken_at).await?,
            Step::Close => return self.close(row, taken_at).await.map(Some),
        };
        self.keep(row, cut).await?;
        Ok(None)
    }

    /// Encrypts the parts of a round and keeps them with the place where it goes on.
    async fn keep(&self, row: &ExportRow, cut: Cut) -> Result<(), Stopped> {
        let mut sealed = Vec::with_capacity(cut.parts.len());
        for part in cut.parts {
            let recipient = self.recipient.clone();
            let work = move || {
                let content = recipient.encrypt(&part.plain).ok()?;
                let (plain_bytes, plain_hash) = (part.plain.len() as u64, sha256(&part.plain));
                Some(writes::Sealed { name: part.name, holds: part.holds, plain_bytes, plain_hash, content })
            };
            // Encrypting some megabytes would keep others waiting for this thread.
            let done = tokio::task::spawn_blocking(work).await.ok().flatten();
            sealed.push(done.ok_or(Stopped::Fault(Fault::new("not-encrypted")))?);
        }
        let (step, number, last_id, page) = match cut.on {
            Some((last, page)) => (row.step, row.cut + 1, last, page),
            None => (row.step + 1, 0, None, 0),
        };
        let patch = ExportPatch {
            step: Some(step),
            cut: Some(number),
            last_id: Some(last_id),
            page: Some(page),
            done: Some(row.done.saturating_add(cut.done)),
            damaged: Some(row.damaged.saturating_add(cut.damaged)),
            ..ExportPatch::default()
        };
        writes::checkpoint(self.store, &self.actor, self.claim, row, &sealed, patch).await?;
        Ok(())
    }

    async fn patients(&self, row: &ExportRow, span: &Span) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let mut after = row.last_id;
        let (mut lines, mut table, mut list) = (record::Lines::default(), record::patients_table(), String::new());
        'reading: loop {
            let tx = self.reading().await?;
            let rows = reads::patients(&tx, span, after).await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
            if ids.is_empty() {
                break;
            }
            let numbers = reads::numbers(&tx, &ids).await?;
            let away = reads::merged_into(&tx, &ids).await?;
            let restricted = reads::restricted(&tx, &ids).await?;
            let (brought_by, runs) = traced(&tx, &ids).await?;
            let stamps: Vec<(Uuid, Stamp)> = rows.iter().map(|row| (row.id.uuid(), stamp_of(row, &numbers))).collect();
            let (facts, numbers) = standing(numbers);
            let (opened, numbers, runs) = tx.record(self.about(), (rows, numbers, runs)).await?;
            let numbers = by_patient(&facts, numbers);
            let rests = opened.iter().flatten().map(|open| (open.id.uuid(), open.rest.clone())).collect();
            let leads = self.leads(rests, Sources::of(&brought_by, runs)).await?;
            for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
                match open.map(|open| as_exported(open, span, &restricted)) {
                    Ok(open) => {
                        let own = numbers.get(&open.id).map(Vec::as_slice).unwrap_or_default();
                        let away = away.get(&open.id).map(Vec::as_slice).unwrap_or_default();
                        lines.push(&record::patient(&open, stamp, own, away, leads.of_entry(id)));
                        record::patient_row(&mut table, &open, own);
                        list.push_str(&page::list_line(&open));
                    }
                    Err(_) => cut.damaged += 1,
                }
                (cut.done, after) = (cut.done + 1, Some(id));
                if lines.bytes.len() >= PART_BYTES || lines.count >= LIST_MAX {
                    cut.on = Some((after, 0));
                    break 'reading;
                }
            }
        }
        if lines.count > 0 {
            let number = row.cut;
            let holds = lines.count;
            cut.parts = vec![
                Part { name: format!("Patient.{number:03}.ndjson"), holds, plain: lines.bytes },
                Part { name: format!("csv/patients.{number:03}.csv"), holds, plain: table.into_bytes() },
                Part { name: format!("list/{number:03}.html"), holds, plain: page::list_page(number, &list) },
            ];
        }
        Ok(cut)
    }

    async fn leads(&self, resources: Vec<(Uuid, Value)>, sources: Sources) -> Result<Leads, StoreError> {
        let named = (FhirTypes::default(), Interaction::Read);
        Leads::of_resources::<ReadRecords>(
            self.store,
            &self.actor,
            named,
            Resource::Practice,
            &resources,
            sources,
            (|_| true, Follow::All),
        )
        .await
    }

    async fn alerts(&self, row: &ExportRow, span: &Span) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let mut after = row.last_id;
        let mut lines = record::Lines::default();
        'reading: loop {
            let tx = self.reading().await?;
            let rows = reads::alerts(&tx, span, after).await?;
            if rows.is_empty() {
                break;
            }
            let stamps: Vec<(Uuid, Stamp)> =
                rows.iter().map(|row| (row.id.uuid(), Stamp::of(row.row_version, row.event_id))).collect();
            for (open, (id, stamp)) in tx.record(self.about(), rows).await?.into_iter().zip(stamps) {
                match open {
                    Ok(open) => lines.push(&record::alert(&open, stamp)),
                    Err(_) => cut.damaged += 1,
                }
                (cut.done, after) = (cut.done + 1, Some(id));
                if lines.bytes.len() >= PART_BYTES {
                    cut.on = Some((after, 0));
                    break 'reading;
                }
            }
        }
        cut.parts = ndjson(lines, format!("Flag.{:03}.ndjson", row.cut));
        Ok(cut)
    }

    async fn entries(&self, row: &ExportRow, span: &Span, kind: &str) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let mut after = row.last_id;
        let (mut lines, mut table) = (record::Lines::default(), record::entries_table());
        // The codes by which entries of this type are stored: its own name, and that of its room.
        let mut kinds = vec![kind.to_owned()];
        let room = crate::patients::model::EntryKind::of_resource(kind);
        kinds.extend(room.map(|room| room.code().to_owned()));
        'reading: loop {
            let tx = self.reading().await?;
            let rows = reads::entries(&tx, span, &kinds, after).await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
            if ids.is_empty() {
                break;
            }
            let (brought_by, runs) = traced(&tx, &ids).await?;
            let stamps: Vec<(Uuid, Stamp)> =
                rows.iter().map(|row| (row.id.uuid(), Stamp::of(row.row_version, row.event_id))).collect();
            let (opened, runs) = tx.record(self.about(), (rows, runs)).await?;
            let sources = Sources::of(&brought_by, runs);
            let resources =
                opened.iter().flatten().filter_map(|open: &Entry| Some((open.id.uuid(), source_of(open)?))).collect();
            let leads = self.leads(resources, sources).await?;
            for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
                let resource = open.ok().and_then(|open| {
                    let resource = record::entry(&open, stamp, leads.of_entry(id))?;
                    record::entry_row(&mut table, &open);
                    Some(resource)
                });
                match resource {
                    Some(resource) => lines.push(&resource),
                    None => cut.damaged += 1,
                }
                (cut.done, after) = (cut.done + 1, Some(id));
                if lines.bytes.len() >= PART_BYTES {
                    cut.on = Some((after, 0));
                    break 'reading;
                }
            }
        }
        if table.rows() > 0 {
            let name = format!("csv/{kind}.{:03}.csv", row.cut);
            cut.parts.push(Part { name, holds: table.rows(), plain: table.into_bytes() });
        }
        // Alerts are flags too, and have the plain name.
        let infix = if kind == "Flag" { ".record" } else { "" };
        cut.parts.extend(ndjson(lines, format!("{kind}{infix}.{:03}.ndjson", row.cut)));
        Ok(cut)
    }

    async fn kept(&self, row: &ExportRow, span: &Span, kind: &str) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let mut after = row.last_id;
        let mut lines = record::Lines::default();
        'reading: loop {
            let tx = self.reading().await?;
            let rows = reads::kept(&tx, span, kind, after).await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
            if ids.is_empty() {
                break;
            }
            let (brought_by, runs) = traced(&tx, &ids).await?;
            let stamps: Vec<(Uuid, Stamp)> =
                rows.iter().map(|row| (row.id.uuid(), Stamp::of(row.row_version, row.event_id))).collect();
            let (opened, runs) = tx.record(self.about(), (rows, runs)).await?;
            let sources = Sources::of(&brought_by, runs);
            let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
            let resources =
                opened.iter().flatten().filter_map(|open| Some((open.id.uuid(), parsed(&open.resource)?))).collect();
            let leads = self.leads(resources, sources).await?;
            for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
                let resource = open
                    .ok()
                    .and_then(|open| out::kept(kind, &id.to_string(), &open.resource, stamp, leads.of_entry(id)));
                match resource {
                    Some(resource) => lines.push(&resource),
                    None => cut.damaged += 1,
                }
                (cut.done, after) = (cut.done + 1, Some(id));
                if lines.bytes.len() >= PART_BYTES {
                    cut.on = Some((after, 0));
                    break 'reading;
                }
            }
        }
        cut.parts = ndjson(lines, format!("{kind}.practice.{:03}.ndjson", row.cut));
        Ok(cut)
    }

    async fn team(&self) -> Result<Cut, StoreError> {
        let mut table = Table::new(&["id", "name", "roles", "status"]);
        for member in reads::people(self.store, &self.actor, self.about()).await? {
            table.row(&[&member.id.to_string(), &member.display_name, &member.roles, &member.status]);
        }
        let part = Part { name: "csv/team.000.csv".to_owned(), holds: table.rows(), plain: table.into_bytes() };
        Ok(Cut { parts: vec![part], ..Cut::default() })
    }

    async fn pages(&self, row: &ExportRow, span: &Span, taken_at: Timestamp) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let (mut after, mut number) = (row.last_id, row.page);
        let mut bundle = page::Bundle::new(taken_at.as_second());
        loop {
            let tx = self.reading().await?;
            let Some(rows) = reads::pages(&tx, span, after, number).await? else { break };
            let reads::PageRows { patients, numbers, alerts, entries, away, restricted, more } = rows;
            let ids: Vec<Uuid> = patients.iter().map(|row| row.id.uuid()).collect();
            let (facts, numbers) = standing(numbers);
            let (patients, numbers, alerts, entries) =
                tx.record(self.about(), (patients, numbers, alerts, entries)).await?;
            let damaged = patients.iter().filter(|open| open.is_err()).count()
                + alerts.iter().filter(|open| open.is_err()).count()
                + entries.iter().filter(|open| open.is_err()).count();
            // What belongs to a record that was merged away stands on the page of the one it went into.
            let on = |record: &PatientId| away.get(record).copied().unwrap_or(*record);
            let facts: Vec<_> = facts.into_iter().map(|(id, record, kind)| (id, on(&record), kind)).collect();
            let numbers = by_patient(&facts, numbers);
            let alerts: Vec<_> = alerts.into_iter().flatten().collect();
            let entries: Vec<_> = entries.into_iter().flatten().collect();
            for patient in patients.into_iter().flatten() {
                let patient = as_exported(patient, span, &restricted);
                let own_alerts: Vec<_> = alerts.iter().filter(|alert| on(&alert.patient_id) == patient.id).collect();
                let own_entries: Vec<_> = entries.iter().filter(|entry| on(&entry.patient_id) == patient.id).collect();
                let mut came: Vec<PatientId> =
                    away.iter().filter(|(_, into)| **into == patient.id).map(|(away, _)| *away).collect();
                came.sort();
                let record = page::Record {
                    patient: &patient,
                    numbers: numbers.get(&patient.id).map(Vec::as_slice).unwrap_or_default(),
                    alerts: &own_alerts,
                    entries: &own_entries,
                    came: &came,
                    page: number,
                    more,
                };
                record.write(&mut bundle);
            }
            // They were counted where they were read first.
            tracing::debug!(damaged, "rows that do not open have no page");
            if more {
                number += 1;
            } else {
                cut.done += i64::try_from(ids.len()).unwrap_or(0);
                (after, number) = (ids.last().copied().or(after), 0);
            }
            if bundle.len() >= PART_BYTES {
                cut.on = Some((after, number));
                break;
            }
        }
        if bundle.count() > 0 {
            let holds = bundle.count();
            let name = format!("pages/{:03}.tar", row.cut);
            cut.parts.push(Part { name, holds, plain: bundle.into_bytes() });
        }
        Ok(cut)
    }

    async fn audit(&self, row: &ExportRow, span: &Span) -> Result<Cut, StoreError> {
        let mut cut = Cut::default();
        let mut before = row.last_id;
        let mut lines = record::Lines::default();
        loop {
            let (log, next) = reads::log(self.store, &self.actor, span, before, self.about()).await?;
            for line in &log {
                lines.push(&record::log_line(line));
            }
            before = next.map(EventId::uuid);
            if before.is_none() || lines.bytes.len() >= PART_BYTES {
                break;
            }
        }
        cut.on = before.map(|before| (Some(before), 0));
        cut.parts = ndjson(lines, format!("audit/{:03}.ndjson", row.cut));
        Ok(cut)
    }

    async fn index(&self, row: &ExportRow, taken_at: Timestamp) -> Result<Cut, StoreError> {
        let tx = self.reading().await?;
        let parts = reads::parts(&tx, row.id.uuid()).await?;
        drop(tx);
        let known = reads::practice_name(self.store, &self.actor, self.about()).await?;
        let (practice, zone) = known.map(|known| (known.name, known.time_zone)).unwrap_or_default();
        let zone = jiff::tz::TimeZone::get(&zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let taken = taken_at.to_zoned(zone).strftime("%-d %B %Y, %H:%M (%Z)").to_string();
        let tables: Vec<String> =
            parts.iter().filter(|part| part.name.starts_with("csv/")).map(|part| part.name.clone()).collect();
        let lists = parts.iter().filter(|part| part.name.starts_with("list/")).count();
        let counts: Vec<(String, u64)> = writes::counts(&parts).into_iter().collect();
        let whole = page::Whole { practice: &practice, taken: &taken, lists, tables: &tables, counts: &counts };
        let part = Part { name: "index.html".to_owned(), holds: 1, plain: page::index_page(&whole) };
        Ok(Cut { parts: vec![part], ..Cut::default() })
    }

    async fn close(&self, row: &ExportRow, taken_at: Timestamp) -> Result<Ended, Stopped> {
        let tx = self.reading().await?;
        let parts = reads::parts(&tx, row.id.uuid()).await?;
        drop(tx);
        let made_at = self.store.clock().now();
        let whole = |count: i64| u64::try_from(count).unwrap_or(0);
        let manifest = Manifest {
            format: crate::exchange::archive::FORMAT.to_owned(),
            export: row.id.uuid(),
            practice: self.claim.practice().uuid(),
            scope: if row.patient_id.is_some() { Scope::Patient } else { Scope::Practice },
            taken_at,
            made_at,
            installation: Installation {
                key: self.signer.verifier().to_string(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            recipient: self.recipient.to_string(),
            counts: writes::counts(&parts),
            damaged: whole(row.damaged),
            parts: parts
                .iter()
                .map(|part| PartEntry {
                    name: part.name.clone(),
                    bytes: whole(part.plain_bytes),
                    sha256: part.plain_hash.clone(),
                    holds: whole(part.holds),
                    sealed_bytes: whole(part.sealed_bytes),
                    sealed_sha256: part.sealed_hash.clone(),
                })
                .collect(),
        };
        let bytes = manifest.to_bytes().map_err(|_| StoreError::Unreadable { what: "manifest" })?;
        let note = self.signer.note(&Manifest::statement(&bytes));
        let readme = readme(&manifest);
        let plain = |name: &str, content: Vec<u8>| writes::Sealed {
            name: name.to_owned(),
            holds: 1,
            plain_bytes: content.len() as u64,
            plain_hash: sha256(&content),
            content,
        };
        let first =
            [plain(README_NAME, readme.into_bytes()), plain(MANIFEST_NAME, bytes), plain(NOTE_NAME, note.into_bytes())];
        let ends_at = writes::close(self.store, &self.actor, self.claim, row, first, made_at).await?;
        debug_assert!(ends_at.duration_since(made_at) == KEPT_FOR, "kept for as long as it says");
        Ok(Ended::Later(ends_at))
    }
}

fn ndjson(lines: record::Lines, name: String) -> Vec<Part> {
    if lines.count == 0 {
        return Vec::new();
    }
    vec![Part { name, holds: lines.count, plain: lines.bytes }]
}

/// For whoever finds the archive.
fn readme(manifest: &Manifest) -> String {
    let key = &manifest.installation.key;
    let recipient = &manifest.recipient;
    format!(
        "This is an archive of records from Vouchsafe. It holds personal and medical data of people. If it is not\n\
         yours, please delete it.\n\
         \n\
         Every part of it (the files that end in .age) is encrypted to one key:\n\
         \n    {recipient}\n\
         \n\
         Whoever has the secret half of that key (a line that begins with AGE-SECRET-KEY-1) opens it:\n\
         \n    vouchsafe export open ARCHIVE --identity KEYFILE --to FOLDER --key '{key}'\n\
         \n\
         That checks the signature and every hash, and leaves a folder: open index.html in a browser. Without that\n\
         program, any tar and any age (https://age-encryption.org) open the parts one by one:\n\
         \n    tar -xf ARCHIVE && age -d -i KEYFILE Patient.000.ndjson.age\n\
         \n\
         manifest.json names every part with its hashes. manifest.note is its signature, a signed note\n\
         (https://c2sp.org/signed-note) by the installation that made the archive:\n\
         \n    {key}\n\
         \n\
         Compare that with what the installation shows on its page of exports.\n"
    )
}
