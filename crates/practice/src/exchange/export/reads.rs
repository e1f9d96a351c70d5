//! Reading: exports for a page, records for the job, parts for whoever fetches an archive.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use kernel::{EventId, ExportId, PatientId, PersonId};
use store::{
    Action, Actor, AuditFilter, AuditLine, Event, Includes, Job, Resource, Role, Roles, Store, StoreError, Tx,
    WorkKind, sql,
};
use uuid::Uuid;

use super::actions::{ExportForm, ReadExports, ReadLog, ReadPeople, ReadRecords, TakeExport};
use super::rows::{ExportRow, Member, MemberRow, PracticeName, PracticeNameRow};
use super::{ExportError, Shown, State};
use crate::exchange::archive::{END_BYTES, HEADER_BYTES, Manifest, header, padding};
use crate::exchange::rows::KeptRow;
use crate::patients::rows::{AlertRow, EntryRow, IdentifierRow, PatientRow};

/// Patients read at one time.
const PATIENTS_AT_ONCE: i64 = 200;
/// Patients whose pages are written from one reading, if their records are short.
const PAGES_AT_ONCE: i64 = 50;
/// Rows of which the sizes are looked at to decide how many are read at one time.
const ROWS_AT_ONCE: i64 = 500;
/// Bytes of sealed records read at one time, if one alone is not larger.
const READ_BYTES_MAX: i64 = 2 * 1024 * 1024;
/// Lines of the log read at one time.
const LOG_AT_ONCE: i64 = 1_000;
/// Exports that a page shows.
const SHOWN_MAX: i64 = 50;
/// Bytes of an archive that are read at one time while it is fetched.
pub const PIECE_BYTES_MAX: u64 = 1024 * 1024;

/// What belongs to an export: up to which moment, and of whom.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// The first id that is too late.
    pub(super) bound: Uuid,
    /// Of one patient, the record and those that were merged into it; otherwise of everybody.
    pub(super) records: Option<Vec<Uuid>>,
}

impl Span {
    /// Ids begin with their time, to the millisecond.
    pub(super) fn of(taken_at: Timestamp, records: Option<Vec<Uuid>>) -> Self {
        let millis = u64::try_from(taken_at.as_millisecond()).unwrap_or(0).saturating_add(1);
        let bound = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
        Self { bound, records }
    }
}

/// The record and those that were merged into it. Nothing where it does not stand (any more).
pub(super) async fn records_of<A: Action>(tx: &Tx<A>, patient: Uuid) -> Result<Vec<Uuid>, StoreError> {
    tx.ids(
        sql!(
            "select id from patient where practice_id = $1 and (id = $2 or merged_into = $2)
             and exists (select from patient p where p.practice_id = $1 and p.id = $2 and p.stands) order by id"
        ),
        &[&patient],
    )
    .await
}

/// The export that a claimed work is about.
pub(super) async fn find(store: &Store, actor: &Actor, id: Uuid) -> Result<ExportRow, StoreError> {
    let tx: Tx<ReadRecords> = store.enter(actor).await?.ask(Resource::Practice).await?;
    row(&tx, id).await
}

pub(super) async fn row<A: Action>(tx: &Tx<A>, id: Uuid) -> Result<ExportRow, StoreError> {
    tx.row(sql!("select * from export where practice_id = $1 and id = $2"), &[&id]).await
}

/// How many entries of each kind there are.
pub(super) async fn entry_kinds(tx: &Tx<ReadRecords>, span: &Span) -> Result<Vec<(String, i64)>, StoreError> {
    tx.counts(
        sql!(
            "select kind, count(*) from record_entry
             where practice_id = $1 and id < $2 and ($3::uuid[] is null or patient_id = any($3)) group by kind order by kind"
        ),
        &[&span.bound, &span.records],
    )
    .await
}

/// How many resources of each type there are that belong to no patient. An export of one patient has none:
/// among them may be what is about somebody else who is not here.
pub(super) async fn kept_types(tx: &Tx<ReadRecords>, span: &Span) -> Result<Vec<(String, i64)>, StoreError> {
    if span.records.is_some() {
        return Ok(Vec::new());
    }
    tx.counts(
        sql!(
            "select resource_type, count(*) from kept_resource
             where practice_id = $1 and id < $2 group by resource_type order by resource_type"
        ),
        &[&span.bound],
    )
    .await
}

/// How many patients and alerts there are.
pub(super) async fn people_count(tx: &Tx<ReadRecords>, span: &Span) -> Result<(i64, i64), StoreError> {
    let patients = tx
        .count(
            sql!("select count(*) from patient where practice_id = $1 and id < $2 and ($3::uuid[] is null or id = any($3))"),
            &[&span.bound, &span.records],
        )
        .await?;
    let alerts = tx
        .count(
            sql!(
                "select count(*) from patient_alert
                 where practice_id = $1 and id < $2 and ($3::uuid[] is null or patient_id = any($3))"
            ),
            &[&span.bound, &span.records],
        )
        .await?;
    Ok((patients, alerts))
}

/// The next patients. Restricted records are among them: the practice answers for all that it holds, and the
/// archive opens for its recipient alone (docs/export.md).
pub(super) async fn patients(
    tx: &Tx<ReadRecords>,
    span: &Span,
    after: Option<Uuid>,
) -> Result<Vec<PatientRow>, StoreError> {
    tx.rows(
        sql!(
            "select * from patient where practice_id = $1 and id < $2 and ($3::uuid[] is null or id = any($3))
             and ($4::uuid is null or id > $4) order by id limit $5"
        ),
        &[&span.bound, &span.records, &after, &PATIENTS_AT_ONCE],
    )
    .await
}

/// The numbers of patients, those too that no longer stand: these count for the version only.
pub(super) async fn numbers(tx: &Tx<ReadRecords>, patients: &[Uuid]) -> Result<Vec<IdentifierRow>, StoreError> {
    tx.rows(
        sql!("select * from patient_identifier where practice_id = $1 and patient_id = any($2) order by id"),
        &[&patients],
    )
    .await
}

/// The records that were merged into these, in order.
pub(super) async fn merged_into(
    tx: &Tx<ReadRecords>,
    patients: &[Uuid],
) -> Result<HashMap<PatientId, Vec<PatientId>>, StoreError> {
    let pairs = tx
        .pairs(
            sql!("select id, merged_into from patient where practice_id = $1 and merged_into = any($2) order by id"),
            &[&patients],
        )
        .await?;
    let mut away: HashMap<PatientId, Vec<PatientId>> = HashMap::new();
    for (record, into) in pairs {
        away.entry(PatientId::from_uuid(into)).or_default().push(PatientId::from_uuid(record));
    }
    Ok(away)
}

/// Of these records, those that are open to named people only. One that was merged into another is open to whom
/// that one is. It is asked of each record: joined, PostgreSQL begins with the restricted ones, since there are few, and
/// looks through all records of the practice for them.
pub(super) async fn restricted(tx: &Tx<ReadRecords>, patients: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let restricted = tx
        .ids(
            sql!(
                "select p.id from patient p where p.practice_id = $1 and p.id = any($2) and (
                    select s.restricted from patient s
                    where s.practice_id = p.practice_id
                      and s.id = case when p.merged_into is null then p.id else p.merged_into end)"
            ),
            &[&patients],
        )
        .await?;
    Ok(restricted.into_iter().collect())
}

/// The next alerts.
pub(super) async fn alerts(
    tx: &Tx<ReadRecords>,
    span: &Span,
    after: Option<Uuid>,
) -> Result<Vec<AlertRow>, StoreError> {
    tx.rows(
        sql!(
            "select * from patient_alert where practice_id = $1 and id < $2 and ($3::uuid[] is null or patient_id = any($3))
             and ($4::uuid is null or id > $4) order by id limit $5"
        ),
        &[&span.bound, &span.records, &after, &ROWS_AT_ONCE],
    )
    .await
}

/// The beginning of a list of rows and their sizes that can be read at one time: at least one.
fn beginning(sizes: &[(Uuid, i64)]) -> Vec<Uuid> {
    let mut ids = Vec::new();
    let mut bytes = 0_i64;
    for (id, size) in sizes {
        bytes = bytes.saturating_add(*size);
        if bytes > READ_BYTES_MAX && !ids.is_empty() {
            break;
        }
        ids.push(*id);
    }
    ids
}

/// The next entries of these kinds.
pub(super) async fn entries(
    tx: &Tx<ReadRecords>,
    span: &Span,
    kinds: &[String],
    after: Option<Uuid>,
) -> Result<Vec<EntryRow>, StoreError> {
    let sizes = tx
        .sizes(
            sql!(
                "select id, octet_length(body)::bigint from record_entry
                 where practice_id = $1 and id < $2 and ($3::uuid[] is null or patient_id = any($3))
                   and ($4::uuid is null or id > $4) and kind = any($5)
                 order by id limit $6"
            ),
            &[&span.bound, &span.records, &after, &kinds, &ROWS_AT_ONCE],
        )
        .await?;
    tx.rows(
        sql!("select * from record_entry where practice_id = $1 and id = any($2) order by id"),
        &[&beginning(&sizes)],
    )
    .await
}

/// The next resources of a type that belong to no patient.
pub(super) async fn kept(
    tx: &Tx<ReadRecords>,
    span: &Span,
    resource_type: &str,
    after: Option<Uuid>,
) -> Result<Vec<KeptRow>, StoreError> {
    let sizes = tx
        .sizes(
            sql!(
                "select id, octet_length(resource)::bigint from kept_resource
                 where practice_id = $1 and id < $2 and ($3::uuid is null or id > $3) and resource_type = $4
                 order by id limit $5"
            ),
            &[&span.bound, &after, &resource_type, &ROWS_AT_ONCE],
        )
        .await?;
    tx.rows(
        sql!("select * from kept_resource where practice_id = $1 and id = any($2) order by id"),
        &[&beginning(&sizes)],
    )
    .await
}

/// What the next pages are written from.
pub(super) struct PageRows {
    pub(super) patients: Vec<PatientRow>,
    pub(super) numbers: Vec<IdentifierRow>,
    pub(super) alerts: Vec<AlertRow>,
    pub(super) entries: Vec<EntryRow>,
    /// Of the records that were merged away: on whose page stands what belongs to them.
    pub(super) away: HashMap<PatientId, PatientId>,
    /// Those that were open to named people only.
    pub(super) restricted: HashSet<Uuid>,
    /// That the record of the one patient goes on with another page.
    pub(super) more: bool,
}

/// The records that were merged away into one of these, or are among these themselves, and into which.
async fn away_of(
    tx: &Tx<ReadRecords>,
    span: &Span,
    patients: &[Uuid],
) -> Result<HashMap<PatientId, PatientId>, StoreError> {
    let pairs = tx
        .pairs(
            sql!(
                "select id, merged_into from patient
                 where practice_id = $1 and merged_into < $2 and id < $2
                   and (merged_into = any($3) or (merged_into is not null and id = any($3)))"
            ),
            &[&span.bound, &patients],
        )
        .await?;
    Ok(pairs.into_iter().map(|(away, into)| (PatientId::from_uuid(away), PatientId::from_uuid(into))).collect())
}

/// The records whose content stands on the pages of these patients.
fn records_on(patients: &[Uuid], away: &HashMap<PatientId, PatientId>) -> Vec<Uuid> {
    let own = patients.iter().copied().filter(|id| !away.contains_key(&PatientId::from_uuid(*id)));
    let came = away.iter().filter(|(_, into)| patients.contains(&into.uuid())).map(|(away, _)| away.uuid());
    own.chain(came).collect()
}

/// Several short records, or one page of a long one. Nothing after the last.
pub(super) async fn pages(
    tx: &Tx<ReadRecords>,
    span: &Span,
    after: Option<Uuid>,
    page: i32,
) -> Result<Option<PageRows>, StoreError> {
    let ids = tx
        .ids(
            sql!(
                "select id from patient where practice_id = $1 and id < $2 and ($3::uuid[] is null or id = any($3))
                 and ($4::uuid is null or id > $4) order by id limit $5"
            ),
            &[&span.bound, &span.records, &after, &PAGES_AT_ONCE],
        )
        .await?;
    let Some(first) = ids.first().copied() else { return Ok(None) };
    let away = away_of(tx, span, &ids).await?;
    let sizes = tx
        .sizes(
            sql!(
                "select patient_id, sum(octet_length(body))::bigint from record_entry
                 where practice_id = $1 and patient_id = any($2) and id < $3 group by 1"
            ),
            &[&records_on(&ids, &away), &span.bound],
        )
        .await?;
    let mut whole: HashMap<Uuid, i64> = HashMap::new();
    for (id, bytes) in sizes {
        let page = away.get(&PatientId::from_uuid(id)).map_or(id, |into| into.uuid());
        *whole.entry(page).or_default() += bytes;
    }
    let weighed: Vec<(Uuid, i64)> = ids.iter().map(|id| (*id, whole.get(id).copied().unwrap_or(0))).collect();
    let long = weighed.first().is_some_and(|(_, size)| *size > READ_BYTES_MAX);
    let patients = if long || page > 0 { vec![first] } else { beginning(&weighed) };
    let records = records_on(&patients, &away);
    let (entries, more) = if long || page > 0 {
        page_of(tx, span, &records, page).await?
    } else {
        let entries = tx
            .rows(
                sql!(
                    "select * from record_entry where practice_id = $1 and patient_id = any($2) and id < $3
                     order by occurred_at desc nulls last, id"
                ),
                &[&records, &span.bound],
            )
            .await?;
        (entries, false)
    };
    let numbers = numbers(tx, &records).await?;
    let alerts = tx
        .rows(
            sql!(
                "select * from patient_alert where practice_id = $1 and patient_id = any($2) and id < $3
                 order by severity, id desc"
            ),
            &[&records, &span.bound],
        )
        .await?;
    let restricted = restricted(tx, &patients).await?;
    let patients = tx
        .rows(sql!("select * from patient where practice_id = $1 and id = any($2) order by id"), &[&patients])
        .await?;
    Ok(Some(PageRows { patients, numbers, alerts, entries, away, restricted, more }))
}

/// The entries of one page of a long record, and whether another follows.
async fn page_of(
    tx: &Tx<ReadRecords>,
    span: &Span,
    records: &[Uuid],
    page: i32,
) -> Result<(Vec<EntryRow>, bool), StoreError> {
    let sizes = tx
        .sizes(
            sql!(
                "select id, octet_length(body)::bigint from record_entry
                 where practice_id = $1 and patient_id = any($2) and id < $3
                 order by occurred_at desc nulls last, id"
            ),
            &[&records, &span.bound],
        )
        .await?;
    let mut left = sizes.as_slice();
    let mut ids = beginning(left);
    for _ in 0..page {
        left = left.get(ids.len()..).unwrap_or_default();
        ids = beginning(left);
    }
    let more = left.len() > ids.len();
    let rows = tx
        .rows(
            sql!(
                "select * from record_entry where practice_id = $1 and id = any($2)
                 order by occurred_at desc nulls last, id"
            ),
            &[&ids],
        )
        .await?;
    Ok((rows, more))
}

/// The next lines of the log, the newest first, and where to go on.
pub(super) async fn log(
    store: &Store,
    actor: &Actor,
    span: &Span,
    before: Option<Uuid>,
    about: Event,
) -> Result<(Vec<AuditLine>, Option<EventId>), StoreError> {
    let tx: Tx<ReadLog> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let filter = AuditFilter {
        before: Some(EventId::from_uuid(before.unwrap_or(span.bound))),
        patients: span.records.iter().flatten().copied().map(PatientId::from_uuid).collect(),
        ..AuditFilter::default()
    };
    let page = tx.audit_of_practice(&filter, LOG_AT_ONCE).await?;
    tx.record(about, ()).await?;
    Ok((page.lines, page.next))
}

/// Who works or worked here.
pub(super) async fn people(store: &Store, actor: &Actor, about: Event) -> Result<Vec<Member>, StoreError> {
    let tx: Tx<ReadPeople> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let rows: Vec<MemberRow> =
        tx.rows(sql!("select * from membership where practice_id = $1 order by id"), &[]).await?;
    Ok(tx.record(about, rows).await?.into_iter().filter_map(Result::ok).collect())
}

/// The practice's name.
pub(super) async fn practice_name(
    store: &Store,
    actor: &Actor,
    about: Event,
) -> Result<Option<PracticeName>, StoreError> {
    let tx: Tx<ReadPeople> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let here = actor.practice().uuid();
    let rows: Vec<PracticeNameRow> =
        tx.rows(sql!("select * from practice where practice_id = $1 and id = $2"), &[&here]).await?;
    Ok(tx.record(about, rows).await?.into_iter().find_map(Result::ok))
}

/// A part as the manifest names it.
pub(super) struct PartFacts {
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) holds: i64,
    pub(super) plain_bytes: i64,
    pub(super) plain_hash: String,
    pub(super) sealed_bytes: i64,
    pub(super) sealed_hash: String,
}

/// The parts of an export so far, in order.
pub(super) async fn parts<A: Action>(tx: &Tx<A>, id: Uuid) -> Result<Vec<PartFacts>, StoreError> {
    let rows = tx
        .counts(
            sql!(
                "select concat_ws(' ', number, part, holds, plain_bytes, encode(plain_hash, 'hex'),
                        encode(sealed_hash, 'hex')), octet_length(content)::bigint
                 from export_part where practice_id = $1 and export_id = $2 order by number"
            ),
            &[&id],
        )
        .await?;
    let unreadable = || StoreError::Unreadable { what: "part of an export" };
    rows.into_iter()
        .map(|(text, sealed_bytes)| {
            // No name of a part has a blank in it.
            let mut words = text.split(' ').map(str::to_owned);
            let mut word = || words.next().ok_or_else(unreadable);
            Ok(PartFacts {
                number: word()?.parse().map_err(|_| unreadable())?,
                name: word()?,
                holds: word()?.parse().map_err(|_| unreadable())?,
                plain_bytes: word()?.parse().map_err(|_| unreadable())?,
                plain_hash: word()?,
                sealed_hash: word()?,
                sealed_bytes,
            })
        })
        .collect()
}

/// The number that the next part gets.
pub(super) async fn next_number<A: Action>(tx: &Tx<A>, id: Uuid) -> Result<i32, StoreError> {
    let next = tx
        .count(
            sql!(
                "select coalesce(max(number), 2)::bigint + 1 from export_part
                 where practice_id = $1 and export_id = $2"
            ),
            &[&id],
        )
        .await?;
    i32::try_from(next).map_err(|_| StoreError::Unreadable { what: "part of an export" })
}

/// Somebody who could be the second person, or must be told.
#[derive(Clone)]
pub struct Approver {
    /// Who.
    pub person: PersonId,
    /// What they are here.
    pub roles: Roles,
    /// Their name.
    pub name: String,
    /// Where letters reach them.
    pub email: String,
}

/// The active members who may agree to exports, for whoever asks for one.
pub async fn ask_form(store: &Store, actor: &Actor) -> Result<Vec<Approver>, StoreError> {
    let tx: Tx<ExportForm> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let rows: Vec<MemberRow> =
        tx.rows(sql!("select * from membership where practice_id = $1 and status = 'active' order by id"), &[]).await?;
    let members = tx.record(Event::new(), rows).await?;
    Ok(members.into_iter().filter_map(Result::ok).filter_map(approver).collect())
}

fn approver(member: Member) -> Option<Approver> {
    let roles: Roles = member.roles.parse().ok()?;
    let may = [Role::Owner, Role::Administrator, Role::Practitioner].into_iter().any(|role| roles.has(role));
    may.then_some(Approver { person: member.id, roles, name: member.display_name, email: member.email })
}

/// The exports of the practice, newest first. Those of one patient by others than who looks are there without
/// the patient's name.
pub async fn exports(store: &Store, actor: &Actor) -> Result<Vec<Shown>, StoreError> {
    let tx: Tx<ReadExports> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let rows: Vec<ExportRow> = tx
        .rows(
            sql!("select * from export where practice_id = $1 order by asked_at desc, id desc limit $2"),
            &[&SHOWN_MAX],
        )
        .await?;
    shown(tx, rows).await
}

/// One export.
pub async fn one(store: &Store, actor: &Actor, id: ExportId) -> Result<Shown, StoreError> {
    let tx: Tx<ReadExports> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row = row(&tx, id.uuid()).await?;
    shown(tx, vec![row]).await?.pop().ok_or(StoreError::Missing)
}

async fn shown(tx: Tx<ReadExports>, rows: Vec<ExportRow>) -> Result<Vec<Shown>, StoreError> {
    let me = tx.actor().person();
    let mut works = Vec::with_capacity(rows.len());
    for row in &rows {
        works.push(tx.work_about(WorkKind::Export, row.id.uuid()).await?);
    }
    let known: Vec<Uuid> = rows.iter().flat_map(|row| [Some(row.asked_by), row.settled_by]).flatten().collect();
    let members: Vec<MemberRow> =
        tx.rows(sql!("select * from membership where practice_id = $1 and id = any($2)"), &[&known]).await?;
    let members = tx.record(Event::new(), members).await?;
    let names: HashMap<Uuid, String> =
        members.into_iter().filter_map(Result::ok).map(|member| (member.id.uuid(), member.display_name)).collect();
    rows.into_iter()
        .zip(works)
        .map(|(row, work)| {
            let asker = PersonId::from_uuid(row.asked_by);
            Ok(Shown {
                id: row.id,
                patient: row.patient_id.map(PatientId::from_uuid),
                state: State::of(&row.state)?,
                purpose: row.purpose.parse()?,
                recipient: row.recipient.clone(),
                asked_by: (row.asked_by != Job::Export.id()).then_some(asker),
                asked_name: names.get(&row.asked_by).cloned(),
                asked_at: row.asked_at,
                alone_at: row.alone_at,
                settled_name: row.settled_by.and_then(|id| names.get(&id).cloned()),
                ready_at: row.ready_at,
                ends_at: row.ends_at,
                done: row.done,
                whole: row.whole,
                damaged: row.damaged,
                bytes: row.bytes,
                work,
                own: me == Some(asker),
            })
        })
        .collect()
}

/// Where the files of an archive lie in the one stream that is fetched: a tar.
#[derive(Debug, Clone)]
pub struct Layout {
    id: ExportId,
    members: Vec<Placed>,
    /// Bytes in all.
    pub bytes: u64,
    /// The hash of the signed manifest: the archive is the same as long as this is.
    pub tag: String,
}

#[derive(Debug, Clone)]
struct Placed {
    number: i32,
    header: Box<[u8; HEADER_BYTES]>,
    content: u64,
    /// Where its header begins.
    from: u64,
}

impl Placed {
    /// Where what follows it begins.
    const fn until(&self) -> u64 {
        self.from + HEADER_BYTES as u64 + self.content + padding(self.content)
    }
}

/// Whether somebody may fetch this archive: what one asked for oneself; owners and administrators, any.
fn may_take<A: Includes<TakeExport>>(tx: &Tx<A>, row: &ExportRow, roles: Roles) -> Result<(), ExportError> {
    let own = tx.actor().person().is_some_and(|person| person.uuid() == row.asked_by);
    let runs = roles.has(Role::Owner) || roles.has(Role::Administrator);
    if row.state != State::Ready.code() || row.ends_at <= tx.at() {
        return Err(ExportError::NotThere);
    }
    if tx.actor().person().is_some() && !own && !runs {
        return Err(StoreError::Missing.into());
    }
    Ok(())
}

/// How an archive is laid out. Reads no part of it.
pub async fn layout(store: &Store, actor: &Actor, id: ExportId) -> Result<Layout, ExportError> {
    let threshold = store.enter(actor).await?;
    let roles = threshold.known().await?.roles();
    let tx: Tx<TakeExport> = threshold.ask(Resource::Practice).await?;
    let row = row(&tx, id.uuid()).await?;
    may_take(&tx, &row, roles)?;
    let modified = row.ready_at.map_or(0, Timestamp::as_second);
    let mut members = Vec::new();
    let (mut from, mut tag) = (0, String::new());
    for part in parts(&tx, id.uuid()).await? {
        let unreadable = StoreError::Unreadable { what: "part of an export" };
        let content =
            u64::try_from(part.sealed_bytes).map_err(|_| StoreError::Unreadable { what: "part of an export" })?;
        // The first three are for everybody who holds the archive, and are not encrypted.
        let name = if part.number < 3 { part.name.clone() } else { format!("{}.age", part.name) };
        if part.number == 1 {
            tag = part.sealed_hash;
        }
        let header = Box::new(header(&name, content, modified).ok_or(unreadable)?);
        let placed = Placed { number: part.number, header, content, from };
        from = placed.until();
        members.push(placed);
    }
    Ok(Layout { id, members, bytes: from + END_BYTES as u64, tag })
}

/// Writes down that somebody begins to fetch an archive.
pub async fn begin_taking(store: &Store, actor: &Actor, id: ExportId, from: u64) -> Result<(), ExportError> {
    let tx: Tx<TakeExport> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let event = Event::new().about("export", id.uuid()).note(serde_json::json!({ "from_byte": from }));
    Ok(tx.record(event, ()).await?)
}

/// A stretch of an archive that is read at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// Bytes that need no reading: headers and what fills up.
    Plain(Vec<u8>),
    /// Bytes of a part.
    Part {
        /// Which.
        number: i32,
        /// From which byte of it.
        from: u64,
        /// How many.
        bytes: u64,
    },
}

impl Layout {
    /// What begins at this byte, at most so many bytes of it; nothing behind the end.
    #[must_use]
    pub fn at(&self, at: u64, bytes_max: u64) -> Option<Portion> {
        let cut = |bytes: Vec<u8>, from: u64| -> Portion {
            let skip = usize::try_from(from).unwrap_or(usize::MAX);
            let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
            Portion::Plain(bytes.into_iter().skip(skip).take(most).collect())
        };
        if at >= self.bytes {
            return None;
        }
        let index = self.members.partition_point(|member| member.until() <= at);
        let Some(member) = self.members.get(index) else {
            let end = self.bytes - END_BYTES as u64;
            return Some(cut(vec![0; END_BYTES], at - end));
        };
        let within = at - member.from;
        let head = HEADER_BYTES as u64;
        if within < head {
            return Some(cut(member.header.to_vec(), within));
        }
        let within = within - head;
        if within < member.content {
            let bytes = (member.content - within).min(PIECE_BYTES_MAX).min(bytes_max);
            return Some(Portion::Part { number: member.number, from: within, bytes });
        }
        let zeros = usize::try_from(padding(member.content)).unwrap_or(0);
        Some(cut(vec![0; zeros], within - member.content))
    }
}

/// A stretch of a part. Asked for anew each time, so that whoever may no longer fetch gets no further.
pub async fn piece(
    store: &Store,
    actor: &Actor,
    layout: &Layout,
    number: i32,
    from: u64,
    bytes: u64,
) -> Result<Vec<u8>, ExportError> {
    let threshold = store.enter(actor).await?;
    let roles = threshold.known().await?.roles();
    let tx: Tx<TakeExport> = threshold.ask(Resource::Practice).await?;
    let id = layout.id.uuid();
    may_take(&tx, &row(&tx, id).await?, roles)?;
    let out_of_range = |_| ExportError::NotThere;
    let from = i32::try_from(from + 1).map_err(out_of_range)?;
    let bytes_asked = i32::try_from(bytes).map_err(out_of_range)?;
    let piece = tx
        .sealed_elsewhere(
            sql!(
                "select substring(content from $4 for $5) from export_part
                 where practice_id = $1 and export_id = $2 and number = $3"
            ),
            &[&id, &number, &from, &bytes_asked],
        )
        .await?;
    piece.filter(|piece| piece.len() as u64 == bytes).ok_or(ExportError::NotThere)
}

/// By whose key an archive is signed, as its manifest says.
pub async fn signed_by(store: &Store, actor: &Actor, layout: &Layout) -> Result<String, ExportError> {
    let unreadable = StoreError::Unreadable { what: "manifest" };
    let Some(placed) = layout.members.iter().find(|placed| placed.number == 1) else { return Err(unreadable.into()) };
    let bytes = piece(store, actor, layout, 1, 0, placed.content).await?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| unreadable)?;
    Ok(manifest.installation.key)
}

/// How an export that the host asked for stands: its state, how much is done of how much.
pub async fn host_export(store: &Store, actor: &Actor, id: ExportId) -> Result<(State, i64, i64), StoreError> {
    let row = find(store, actor, id.uuid()).await?;
    Ok((State::of(&row.state)?, row.done, row.whole))
}
