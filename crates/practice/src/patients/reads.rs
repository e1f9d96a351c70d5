//! Reading patients. Every function asks, reads, records and opens, in that order: the types allow no
//! other.

use std::collections::{HashMap, HashSet};

use futures_util::future::try_join3;
use jiff::{Timestamp, ToSpan as _};
use kernel::{EntryId, IdentifierId, PatientId, PersonId};
use store::{
    Actor, Brought, Damaged, Event, Examined, Includes, OTHER_READERS, Purpose, Resource, ResourceKind, Sql, Store,
    StoreError, Tx, Versioned, Wanted, sql,
};
use uuid::Uuid;

use super::actions::{EditForm, EditPatient, FindPatient, OpenRecord, ReadClinical, ReadPatient, RevealIdentifier};
use super::model::EntryKind;
use super::rows::{
    Alert, AlertRow, Entry, EntryLine, EntryLineRow, EntryRow, IdentifierRow, KnownIdentifier, MaskedIdentifier,
    MaskedRow, Patient, PatientRow,
};
use super::search::Query;
pub use super::timeline::EntryFilter;
pub use super::timeline::reads::{EntryPage, entries};
use crate::audit::reads::writer;

/// A row that was read: open, or damaged and named.
pub type Read<T> = Result<T, Damaged>;

/// How many patients a search shows.
pub const FOUND_MAX: usize = 50;
/// How many candidates a search opens and checks at most.
const CANDIDATES_MAX: i64 = 400;

/// What a search found.
pub struct Found {
    /// By name; damaged ones last.
    pub patients: Vec<Read<Patient>>,
    /// Whether there are more than are shown.
    pub more: bool,
}

/// Finds patients by name, phone ending, e-mail or birth date. The log gets one event that names each
/// patient shown and keeps what was looked for, sealed.
pub async fn find(store: &Store, actor: &Actor, text: &str, query: &Query) -> Result<Found, StoreError> {
    let threshold = store.enter(actor).await?;
    let sought = threshold.sought(&query.tokens()).await?;
    let person = actor.person().map(PersonId::uuid);
    let hits: Wanted<'_> = (CANDIDATES_FOUND, &[sought.tokens(), sought.count(), &person, &CANDIDATES_MAX]);
    let (tx, mut brought) = threshold.bring(Resource::Practice, &[hits]).await?.ask::<FindPatient>().await?;
    let rows: Vec<PatientRow> = brought.rows()?;
    let capped = i64::try_from(rows.len()).is_ok_and(|n| n == CANDIDATES_MAX);
    let Examined { ranked: mut order, damaged } = tx.examine(&rows, query, Query::rank).await?;
    // Their tokens fit; more cannot be told of them, and who looks for one should learn that it is damaged.
    order.extend(damaged);
    let mut order = standing_for(&rows, order);
    let more = capped || order.len() > FOUND_MAX;
    order.truncate(FOUND_MAX);
    let event = Event::new().note(serde_json::json!({ "query": text }));
    if rows.iter().all(|row| row.merged_into.is_none()) {
        let rows = tx.keep(rows, &order);
        return Ok(Found { patients: tx.record(event, rows).await?, more });
    }
    let tx: Tx<FindPatient> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let rows = tx.keep(by_ids(&tx, &order).await?, &order);
    Ok(Found { patients: tx.record(event, rows).await?, more })
}

/// As [`candidates`], of those who have all of some tokens: the newest.
const CANDIDATES_FOUND: Sql = sql!(
    "select m.* from (
        select subject_id from search_token where practice_id = $1 and token = any($2)
        group by subject_id having count(*) = $3 order by subject_id desc
     ) hit join patient m on m.practice_id = $1 and m.id = hit.subject_id
     where m.merged_into is null and (not m.restricted or exists (
            select from patient_access a
            where a.practice_id = m.practice_id and a.patient_id = m.id and a.person_id = $4))
        or exists (
            select from patient p where p.practice_id = $1 and p.id = m.merged_into
            and (not p.restricted or exists (
                select from patient_access a
                where a.practice_id = p.practice_id and a.patient_id = p.id and a.person_id = $4)))
     order by hit.subject_id desc limit $5"
);

/// Patients by id, for every list: without those whose record is open to other people only, and in place of
/// a record that was merged away the one that stands for the person now. The rule is the one of the policies
/// (`restricted records`), and a test holds the two together.
pub(super) async fn by_ids<A: store::Action>(tx: &Tx<A>, ids: &[Uuid]) -> Result<Vec<PatientRow>, StoreError> {
    tx.rows(
        sql!(
            "select p.* from patient p where p.practice_id = $1 and p.id in (
                select case when m.merged_into is null then m.id else m.merged_into end from patient m
                where m.practice_id = $1 and m.id = any($2)
             ) and (not p.restricted or exists (
                select from patient_access a
                where a.practice_id = p.practice_id and a.patient_id = p.id and a.person_id = $3
             ))"
        ),
        &[&ids, &tx.actor().person().map(PersonId::uuid)],
    )
    .await
}

/// The records of these ids themselves, those that were merged away too, to be examined and never to be
/// shown: a person is found by what any of their records says. Whether it may be found is decided by the
/// record that stands for them now.
pub(super) async fn candidates<A: store::Action>(tx: &Tx<A>, ids: &[Uuid]) -> Result<Vec<PatientRow>, StoreError> {
    tx.rows(
        sql!(
            "select m.* from patient m where m.practice_id = $1 and m.id = any($2) and (
                m.merged_into is null and (not m.restricted or exists (
                    select from patient_access a
                    where a.practice_id = m.practice_id and a.patient_id = m.id and a.person_id = $3))
                or exists (
                    select from patient p where p.practice_id = $1 and p.id = m.merged_into
                    and (not p.restricted or exists (
                        select from patient_access a
                        where a.practice_id = p.practice_id and a.patient_id = p.id and a.person_id = $3)))
             )"
        ),
        &[&ids, &tx.actor().person().map(PersonId::uuid)],
    )
    .await
}

/// In place of each record the one that stands for the person, each once, in the same order.
pub(super) fn standing_for(rows: &[PatientRow], ids: Vec<Uuid>) -> Vec<Uuid> {
    let away: HashMap<Uuid, Uuid> =
        rows.iter().filter_map(|row| Some((row.id.uuid(), row.merged_into?.uuid()))).collect();
    let mut seen = HashSet::new();
    ids.into_iter().map(|id| away.get(&id).copied().unwrap_or(id)).filter(|id| seen.insert(*id)).collect()
}

/// Identifiers, by the text of their token. Ids of patients.
pub(super) async fn holders<A: store::Action>(
    tx: &Tx<A>,
    token: &store::TokenSet,
    lookup_text: &String,
) -> Result<Vec<Uuid>, StoreError> {
    let ids = tx.find(token, 20).await?;
    let rows: Vec<IdentifierRow> = tx
        .rows(sql!("select * from patient_identifier where practice_id = $1 and id = any($2) and active"), &[&ids])
        .await?;
    let is = |open: &KnownIdentifier, text: &String| (open.value.lookup_text() == *text).then_some(());
    let same = tx.examine(&rows, lookup_text, is).await?;
    let mut patients: Vec<Uuid> =
        rows.iter().filter(|row| same.ranked.contains(&row.id.uuid())).map(|row| row.patient_id.uuid()).collect();
    patients.sort();
    patients.dedup();
    // Who is merged is one, under the record that stands.
    let rows = by_ids(tx, &patients).await?;
    Ok(rows.iter().map(|row| row.id.uuid()).collect())
}

/// The patients that an exact look-up found, opened.
pub(super) async fn found_by_identifier<A>(
    tx: Tx<A>,
    patients: &[Uuid],
    kind: &'static str,
) -> Result<Vec<Read<Patient>>, StoreError>
where
    A: store::Reads,
{
    let rows = by_ids(&tx, patients).await?;
    tx.record(Event::new().field(format!("patient_identifier.{kind}")), rows).await
}

/// A patient's page.
pub struct Page {
    /// Who it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// `None` where the roles do not read the clinical record.
    pub clinical: Option<Clinical>,
    /// Other people who have had to do with the record in the last year.
    pub other_readers: i64,
    /// How many records were merged into this one.
    pub merged: usize,
    /// When this was recorded.
    pub at: Timestamp,
    /// What the person may do here.
    pub may: May,
}

/// The clinical part of a patient's page: the newest of each kind.
pub struct Clinical {
    /// Lines of entries, kind by kind: the newest.
    pub entries: Vec<Read<EntryLine>>,
    /// Every allergy, for the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// How many there are of each kind.
    pub counts: Vec<(EntryKind, i64)>,
}

/// What the page may offer. Asking decides; this only decides what is shown.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "four answers that have nothing to do with each other")]
pub struct May {
    /// Change particulars.
    pub edit: bool,
    /// Reveal identifiers.
    pub reveal: bool,
    /// Read the record.
    pub clinical: bool,
    /// See who saw what.
    pub audit: bool,
}

/// Opens a patient's page: with the record for those who may read it, without for the others.
pub async fn open(store: &Store, actor: &Actor, id: PatientId) -> Result<Page, StoreError> {
    let threshold = store.enter(actor).await?;
    let known = threshold.known().await?;
    let may = May {
        edit: known.would_allow::<EditPatient>(ResourceKind::Patient),
        reveal: known.would_allow::<RevealIdentifier>(ResourceKind::Patient),
        clinical: known.would_allow::<ReadClinical>(ResourceKind::Patient),
        audit: known.would_allow::<store::ReadPatientAudit>(ResourceKind::Patient),
    };
    let own = id.uuid();
    let now = store.clock().now();
    let year_ago = now.checked_sub((24 * 365).hours()).unwrap_or(now);
    let person = actor.person().map(PersonId::uuid);
    let kinds: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.code()).collect();
    let kept: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.resource_type()).collect();
    let banner: [Wanted<'_>; 4] =
        [(ROW, &[&own]), (IDENTIFIERS, &[&own]), (ALERTS, &[&own]), (OTHER_READERS, &[&own, &year_ago, &person])];
    let clinical: [Wanted<'_>; 3] = [(NEWEST, &[&own, &kinds, &kept]), (COUNTS, &[&own]), (ALLERGIES, &[&own])];
    let resource = Resource::Patient(id);
    let about = Event::new().about("patient", own);
    if may.clinical {
        let arrival = threshold.bring(resource, &[banner.as_slice(), &clinical].concat()).await?;
        let (tx, mut brought) = arrival.ask::<OpenRecord>().await?;
        let (at, merged) = (tx.at(), tx.records_of(id).len() - 1);
        let (rows, other_readers) = (banner_rows(&mut brought)?, brought.count()?);
        let (lines, counts, allergies) = clinical_rows(&mut brought)?;
        let ((patient, identifiers, alerts), entries, allergies) = tx.record(about, (rows, lines, allergies)).await?;
        let clinical = Some(Clinical { entries, allergies, counts });
        Ok(Page { patient, identifiers, alerts, clinical, other_readers, merged, at, may })
    } else {
        let (tx, mut brought) = threshold.bring(resource, &banner).await?.ask::<ReadPatient>().await?;
        let (at, merged) = (tx.at(), tx.records_of(id).len() - 1);
        let (rows, other_readers) = (banner_rows(&mut brought)?, brought.count()?);
        let (patient, identifiers, alerts) = tx.record(about, rows).await?;
        Ok(Page { patient, identifiers, alerts, clinical: None, other_readers, merged, at, may })
    }
}

/// The rows of the banner and the panels below it.
type PageRows = (PatientRow, Vec<MaskedRow>, Vec<AlertRow>);

const ROW: Sql = sql!("select * from patient where practice_id = $1 and id = $2");

/// What belongs to a patient is kept under their own record and under those that were merged into it.
const IDENTIFIERS: Sql = sql!(
    "select * from patient_identifier where practice_id = $1 and patient_id = any(array(
        select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2)) and active
     order by id limit 200"
);

const ALERTS: Sql = sql!(
    "select * from patient_alert where practice_id = $1 and patient_id = any(array(
        select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2)) and active
     order by severity, id desc limit 200"
);

/// The newest of each kind.
const NEWEST: Sql = sql!(
    "select e.* from unnest($3::text[], $4::text[]) k (kind, kept)
     cross join lateral (
        select r.* from (
            select $2::uuid as id union all select id from patient where practice_id = $1 and merged_into = $2
        ) own cross join lateral (
            select * from record_entry r
            where r.practice_id = $1 and r.patient_id = own.id and r.kind in (k.kind, k.kept)
            order by r.occurred_at desc nulls last, r.id limit 8
        ) r order by r.occurred_at desc nulls last, r.id limit 8
     ) e"
);

/// How many entries there are of each kind.
const COUNTS: Sql = sql!(
    "select kind, count(*) from record_entry where practice_id = $1 and patient_id = any(array(
        select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2)) group by kind"
);

/// Every allergy, past ones too: which of them stand is sealed. Nobody has as many as the limit.
const ALLERGIES: Sql = sql!(
    "select * from record_entry where practice_id = $1 and patient_id = any(array(
        select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2))
        and kind = 'allergy'
     order by occurred_at desc nulls last, id limit 1000"
);

/// For every page that shows a patient's banner. Asked together: one trip.
pub async fn page_rows<A: Includes<ReadPatient>>(tx: &Tx<A>, id: PatientId) -> Result<PageRows, StoreError> {
    let own = id.uuid();
    try_join3(tx.row(ROW, &[&own]), tx.rows(IDENTIFIERS, &[&own]), tx.rows(ALERTS, &[&own])).await
}

fn banner_rows<A: Includes<ReadPatient>>(brought: &mut Brought<A>) -> Result<PageRows, StoreError> {
    Ok((brought.row()?, brought.rows()?, brought.rows()?))
}

/// The newest lines, how many there are of each kind, every allergy.
type ClinicalRows = (Vec<EntryLineRow>, Vec<(EntryKind, i64)>, Vec<EntryLineRow>);

fn clinical_rows<A: Includes<ReadClinical>>(brought: &mut Brought<A>) -> Result<ClinicalRows, StoreError> {
    Ok((brought.rows()?, of_each_kind(&brought.counts()?), brought.rows()?))
}

/// How many entries there are of each kind.
async fn counts<A: Includes<ReadClinical>>(tx: &Tx<A>, id: PatientId) -> Result<Vec<(EntryKind, i64)>, StoreError> {
    Ok(of_each_kind(&tx.counts(COUNTS, &[&id.uuid()]).await?))
}

fn of_each_kind(stored: &[(String, i64)]) -> Vec<(EntryKind, i64)> {
    let of = |kind: EntryKind| {
        stored.iter().filter(|(code, _)| EntryKind::of_stored(code) == Some(kind)).map(|(_, count)| *count).sum()
    };
    EntryKind::ALL.iter().map(|kind| (*kind, of(*kind))).collect()
}

/// What the form to change a patient starts from.
pub async fn edit_form(store: &Store, actor: &Actor, id: PatientId) -> Result<(Read<Patient>, Timestamp), StoreError> {
    let tx: Tx<EditForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let at = tx.at();
    Ok((tx.record(Event::new().about("patient", id.uuid()), row).await?, at))
}

/// What stands in the record now, for an editor who came second.
pub struct Theirs {
    /// The patient as the other editor left it.
    pub patient: Read<Patient>,
    /// The other editor's name; `None` where it was a job.
    pub by: Option<String>,
    /// When they saved.
    pub at: Timestamp,
}

/// What somebody else wrote while a form was open, who it was and when.
pub async fn saved_first(store: &Store, actor: &Actor, id: PatientId) -> Result<Theirs, StoreError> {
    let tx: Tx<EditForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let at = row.event_id.made_at();
    let writer = writer(&tx, row.event_id).await?;
    let (patient, writer) = tx.record(Event::new().about("patient", id.uuid()), (row, writer)).await?;
    let by = writer.into_iter().find_map(Result::ok).map(|member| member.display_name);
    Ok(Theirs { patient, by, at })
}

/// Every allergy, for the banner.
pub(crate) async fn allergies<A: Includes<ReadClinical>>(
    tx: &Tx<A>,
    id: PatientId,
) -> Result<Vec<EntryLineRow>, StoreError> {
    tx.rows(ALLERGIES, &[&id.uuid()]).await
}

/// One entry, whole, under its patient's banner.
pub struct EntryPageOne {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// The entry.
    pub entry: Read<Entry>,
    /// When this was recorded.
    pub at: Timestamp,
}

/// Opens one entry.
pub async fn entry(store: &Store, actor: &Actor, id: PatientId, entry: EntryId) -> Result<EntryPageOne, StoreError> {
    let tx: Tx<OpenRecord> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let (banner, allergies, row) = try_join3(
        page_rows(&tx, id),
        allergies(&tx, id),
        tx.row::<EntryRow>(
            sql!("select * from record_entry where practice_id = $1 and patient_id = any($2) and id = $3"),
            &[&tx.records_of(id), &entry.uuid()],
        ),
    )
    .await?;
    let at = tx.at();
    let event = Event::new().about("entry", entry.uuid()).field(row.kind.clone());
    let ((patient, identifiers, alerts), allergies, entry) = tx.record(event, (banner, allergies, row)).await?;
    Ok(EntryPageOne { patient, identifiers, alerts, allergies, entry, at })
}

/// The measurements of a record, under its patient's banner.
pub struct MeasurementsPage {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// Newest first.
    pub measurements: Vec<Read<Entry>>,
    /// That there are older ones than these.
    pub more: bool,
    /// When this was recorded.
    pub at: Timestamp,
}

/// Measurements that are opened at one time.
pub const MEASUREMENTS_MAX: usize = 2_000;
/// Bytes of them at most, as they are stored: a measurement has a kilobyte or two.
const MEASUREMENTS_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// Opens the measurements of a record: the newest, as many as can be drawn.
pub async fn measurements(store: &Store, actor: &Actor, id: PatientId) -> Result<MeasurementsPage, StoreError> {
    let tx: Tx<OpenRecord> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let (banner, allergies, all) = try_join3(page_rows(&tx, id), allergies(&tx, id), counts(&tx, id)).await?;
    let most = i64::try_from(MEASUREMENTS_MAX + 1).unwrap_or(i64::MAX);
    let rows: Vec<EntryRow> = tx
        .rows(
            sql!(
                "select * from (
                    select e.*, sum(octet_length(body)) over (order by occurred_at desc nulls last, id) as so_far
                    from record_entry e
                    where practice_id = $1 and patient_id = any($2) and kind = any($3)
                 ) e where so_far <= $4 order by occurred_at desc nulls last, id limit $5"
            ),
            &[
                &tx.records_of(id),
                &[EntryKind::Observation.code(), EntryKind::Observation.resource_type()].as_slice(),
                &MEASUREMENTS_BYTES_MAX,
                &most,
            ],
        )
        .await?;
    let all = all.iter().find(|(kind, _)| *kind == EntryKind::Observation).map_or(0, |(_, count)| *count);
    let rows: Vec<EntryRow> = rows.into_iter().take(MEASUREMENTS_MAX).collect();
    let more = i64::try_from(rows.len()).is_ok_and(|shown| shown < all);
    let at = tx.at();
    let event = Event::new().about("patient", id.uuid()).field(EntryKind::Observation.code());
    let ((patient, identifiers, alerts), allergies, measurements) = tx.record(event, (banner, allergies, rows)).await?;
    Ok(MeasurementsPage { patient, identifiers, alerts, allergies, measurements, more, at })
}

/// A revealed identifier.
pub struct Revealed {
    /// The number, in full.
    pub identifier: Read<KnownIdentifier>,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Shows an identifier in full. A deliberate act: it needs a purpose, and is in the log before the
/// number is out.
pub async fn reveal(
    store: &Store,
    actor: &Actor,
    patient: PatientId,
    identifier: IdentifierId,
    purpose: Purpose,
) -> Result<Revealed, StoreError> {
    let tx: Tx<RevealIdentifier> = store.enter(actor).await?.ask(Resource::Patient(patient)).await?;
    let row: IdentifierRow = tx
        .row(
            sql!(
                "select * from patient_identifier where practice_id = $1 and patient_id = any($2) and id = $3 and active"
            ),
            &[&tx.records_of(patient), &identifier.uuid()],
        )
        .await?;
    let at = tx.at();
    let event = Event::new()
        .about("identifier", identifier.uuid())
        .field(format!("patient_identifier.{}", row.kind))
        .purpose(purpose);
    Ok(Revealed { identifier: tx.record(event, row).await?, at })
}

/// What a person has had to do with lately.
pub struct Lately {
    /// Whom they opened and when, newest first.
    pub opened: Vec<(Read<Patient>, Timestamp)>,
    /// The practice has no patients at all.
    pub empty_practice: bool,
}

/// The patients whom this person opened last.
pub async fn recently_opened(store: &Store, actor: &Actor, limit: i64) -> Result<Lately, StoreError> {
    let tx: Tx<FindPatient> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let Some(person) = actor.person() else { return Ok(Lately { opened: Vec::new(), empty_practice: false }) };
    let recent = tx.recent_patients_of(person, limit).await?;
    let ids: Vec<Uuid> = recent.iter().map(|(id, _)| id.uuid()).collect();
    let rows = tx.keep(by_ids(&tx, &ids).await?, &ids);
    let times: HashMap<PatientId, Timestamp> = recent.iter().copied().collect();
    let when: Vec<Timestamp> = rows.iter().filter_map(|row| times.get(&row.id).copied()).collect();
    let empty_practice = recent.is_empty()
        && tx
            .count(sql!("select count(*) from (select from patient where practice_id = $1 limit 1) one_of_them"), &[])
            .await?
            == 0;
    let patients = tx.record(Event::new().field("recently-opened"), rows).await?;
    Ok(Lately { opened: patients.into_iter().zip(when).collect(), empty_practice })
}

/// Patients by their ids, as a search would show them.
pub async fn by_these_ids(store: &Store, actor: &Actor, ids: &[PatientId]) -> Result<Vec<Read<Patient>>, StoreError> {
    let tx: Tx<FindPatient> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let ids: Vec<Uuid> = ids.iter().take(FOUND_MAX).map(|id| id.uuid()).collect();
    let rows = by_ids(&tx, &ids).await?;
    tx.record(Event::new().field("known-already"), rows).await
}

/// The version that a form was made from.
#[must_use]
pub const fn seen(row_version: i64) -> Versioned {
    Versioned(row_version)
}
