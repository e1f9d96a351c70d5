//! Beginning an import, and taking one back.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{EventId, ImportId, PatientId, PracticeId};
use seal::TokenKind;
use serde_json::json;
use store::{Actor, Claim, Event, Job, Store, StoreError, Tag, Tx, Versioned, sql};
use uuid::Uuid;

use super::reads::{run_row, run_to_undo};
use super::{NAMED_MAX, UndoError, Undone, state};
use crate::exchange::actions::UndoImport;
use crate::exchange::anew;
use crate::exchange::import::{ImportSettings, Under};
use crate::exchange::rows::{KeptRow, Run, RunPatch, RunRow};
use crate::exchange::uploads;
use crate::patients::actions::ImportPatients;
use crate::patients::rows::{AccessRow, AlertRow, EntryRow, IdentifierRow, MergeRow, PatientRow};

/// Patients, or entries, taken back in one transaction.
const BATCH: usize = 100;

/// Takes an import back, or says what that would come to.
///
/// # Errors
/// Why nothing was taken away; or, of the doors, why it stopped: called again, it goes on.
pub async fn undo(store: &Store, practice: PracticeId, run: ImportId, dry_run: bool) -> Result<Undone, UndoError> {
    undo_under(store, practice, run, dry_run, None).await
}

/// As [`undo`], by a job whose claim is proved in each transaction.
///
/// # Errors
/// As of [`undo`]; [`UndoError::Stopped`] where the claim was told to stop.
pub(in crate::exchange) async fn undo_under(
    store: &Store,
    practice: PracticeId,
    run: ImportId,
    dry_run: bool,
    claim: Option<&Claim>,
) -> Result<Undone, UndoError> {
    let turn = store.import_turn(practice).await?.ok_or(UndoError::Running)?;
    let actor = store.machine(Job::Import, practice).await?;
    let work = Work { store, actor: &actor, run, claim };
    let mut tx = work.ask().await?;
    let row = run_to_undo(&tx, run).await?;
    let added = work.added(&tx).await?;
    if row.state != state::UNDOING {
        work.check(&tx, &row, &added).await?;
    }
    if dry_run {
        return Ok(added.count());
    }
    if row.state == state::UNDOING {
        drop(tx);
    } else {
        let patch = RunPatch { state: Some(state::UNDOING.to_owned()), ..RunPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(work.about(), serde_json::Value::Null).await?;
    }
    for batch in added.patients.chunks(BATCH) {
        turn.stands()?;
        work.goes_on()?;
        work.patients(batch, &added).await?;
    }
    // What is left of the entries is about patients who were here before.
    let entries: Vec<Uuid> = added.entries.iter().copied().collect();
    for batch in entries.chunks(BATCH) {
        turn.stands()?;
        work.goes_on()?;
        work.entries(batch).await?;
    }
    let alerts: Vec<Uuid> = added.alerts.iter().copied().collect();
    for batch in alerts.chunks(BATCH) {
        turn.stands()?;
        work.goes_on()?;
        work.alerts(batch).await?;
    }
    for batch in added.kept.chunks(BATCH) {
        turn.stands()?;
        work.goes_on()?;
        work.kept(batch).await?;
    }
    work.finish(&added).await?;
    Ok(added.count())
}

/// What a run added, as far as it is still there.
struct Added {
    /// Those first that were merged into others: a record on which another rests stays until that is gone.
    patients: Vec<Uuid>,
    entries: BTreeSet<Uuid>,
    alerts: BTreeSet<Uuid>,
    kept: Vec<Uuid>,
    /// Merges of patients that it made.
    merges: BTreeSet<Uuid>,
    /// Patients whom it only matched by a number: nothing of theirs came of it but that it is known.
    matched: Vec<Uuid>,
    changed: usize,
}

impl Added {
    fn count(&self) -> Undone {
        Undone {
            patients: self.patients.len(),
            entries: self.entries.len() + self.alerts.len(),
            kept: self.kept.len(),
            changed: self.changed,
        }
    }
}

struct Work<'a> {
    store: &'a Store,
    actor: &'a Actor,
    run: ImportId,
    claim: Option<&'a Claim>,
}

impl Work<'_> {
    async fn ask(&self) -> Result<Tx<UndoImport>, StoreError> {
        let tx: Tx<UndoImport> = anew(self.store, self.actor).await?;
        if let Some(claim) = self.claim {
            tx.hold_advanced(claim).await?;
        }
        tx.alone_importing().await?;
        Ok(tx)
    }

    /// What was committed stands: whoever wants the job to stop is heeded now.
    fn goes_on(&self) -> Result<(), UndoError> {
        if self.claim.is_some_and(Claim::stopping) { Err(UndoError::Stopped) } else { Ok(()) }
    }

    async fn added(&self, tx: &Tx<UndoImport>) -> Result<Added, StoreError> {
        let run = self.run.uuid();
        let patients = tx
            .ids(
                sql!(
                    "select k.target_id from import_key k
                     left join patient p on p.practice_id = k.practice_id and p.id = k.target_id
                     where k.practice_id = $1 and k.run_id = $2 and k.target_kind = 'patient' and k.outcome = 'add'
                     order by p.merged_into is null, 1"
                ),
                &[&run],
            )
            .await?;
        let entries = tx
            .ids(
                sql!(
                    "select target_id from import_key where practice_id = $1 and run_id = $2
                     and target_kind = 'entry' and outcome in ('add', 'keep')"
                ),
                &[&run],
            )
            .await?;
        let alerts = tx
            .ids(
                sql!(
                    "select target_id from import_key where practice_id = $1 and run_id = $2
                     and target_kind = 'alert' and outcome = 'add'"
                ),
                &[&run],
            )
            .await?
            .into_iter()
            .collect();
        let kept = tx
            .ids(
                sql!(
                    "select target_id from import_key where practice_id = $1 and run_id = $2
                     and target_kind = 'kept' and outcome = 'keep' order by 1"
                ),
                &[&run],
            )
            .await?;
        let merges = tx
            .ids(
                sql!(
                    "select target_id from import_key where practice_id = $1 and run_id = $2
                     and target_kind = 'merge' and outcome = 'add'"
                ),
                &[&run],
            )
            .await?
            .into_iter()
            .collect();
        let matched = tx
            .ids(
                sql!(
                    "select target_id from import_key where practice_id = $1 and run_id = $2
                     and target_kind = 'patient-matched'"
                ),
                &[&run],
            )
            .await?;
        let changed = tx
            .count(
                sql!(
                    "select count(*) from import_key where practice_id = $1 and run_id = $2 and outcome = 'match'
                     and target_kind <> 'patient-matched'"
                ),
                &[&run],
            )
            .await?;
        let changed = usize::try_from(changed).unwrap_or(usize::MAX);
        Ok(Added { patients, entries: entries.into_iter().collect(), alerts, kept, merges, matched, changed })
    }

    /// That nothing has been built on what the run added. What came with a patient has that patient's event; of one
    /// whom the run merged into another, the row has the event of the merge, and what came has one of an import.
    async fn check(&self, tx: &Tx<UndoImport>, row: &RunRow, added: &Added) -> Result<(), UndoError> {
        let there = added.patients.len() + added.entries.len() + added.alerts.len() + added.kept.len();
        // A source that a later run wrote is that run's: some of what this one added is no longer its own.
        if i64::try_from(there).unwrap_or(i64::MAX) != row.added {
            return Err(UndoError::Later);
        }
        let run = self.run.uuid();
        let mut touched: BTreeSet<Uuid> = tx
            .ids(
                sql!(
                    "with mine as (
                        select target_id, target_kind from import_key
                        where practice_id = $1 and run_id = $2 and outcome in ('add', 'keep')
                     ), merged as (
                        select g.patient_id from patient_merge g
                        join mine on mine.target_id = g.id and mine.target_kind = 'merge'
                        where g.practice_id = $1 and g.row_version = 1
                     )
                     select p.id from patient p
                     join mine on mine.target_id = p.id and mine.target_kind = 'patient'
                     where p.practice_id = $1 and (
                        p.row_version <> case when p.id in (select patient_id from merged) then 2 else 1 end
                        or exists (
                            select from patient_identifier i where i.practice_id = $1 and i.patient_id = p.id
                            and (i.row_version <> 1 or (i.event_id <> p.event_id and not (
                                p.id in (select patient_id from merged) and exists (
                                    select from audit_event e where e.practice_id = $1
                                    and e.event_id = i.event_id and e.actor_id = $3)))))
                        or exists (
                            select from patient_alert a where a.practice_id = $1 and a.patient_id = p.id
                            and (a.row_version <> 1 or (a.event_id <> p.event_id and not (
                                p.id in (select patient_id from merged) and exists (
                                    select from audit_event e where e.practice_id = $1
                                    and e.event_id = a.event_id and e.actor_id = $3))
                                and not exists (
                                    select from mine m where m.target_id = a.id and m.target_kind = 'alert'))))
                        or exists (
                            select from patient_access x where x.practice_id = $1 and x.patient_id = p.id
                            and (x.row_version <> 1 or (x.event_id <> p.event_id and not (
                                p.id in (select patient_id from merged) and exists (
                                    select from audit_event e where e.practice_id = $1
                                    and e.event_id = x.event_id and e.actor_id = $3)))))
                        or exists (
                            select from record_entry e where e.practice_id = $1 and e.patient_id = p.id
                            and (e.row_version <> 1 or not exists (
                                select from mine m where m.target_id = e.id and m.target_kind = 'entry')))
                        or exists (
                            select from import_key k where k.practice_id = $1 and k.target_id = p.id
                            and k.run_id <> $2))
                     union
                     select e.patient_id from record_entry e
                     join mine on mine.target_id = e.id and mine.target_kind = 'entry'
                     where e.practice_id = $1 and e.row_version <> 1
                     union
                     select a.patient_id from patient_alert a
                     join mine on mine.target_id = a.id and mine.target_kind = 'alert'
                     where a.practice_id = $1 and a.row_version <> 1"
                ),
                &[&run, &Job::Import.id()],
            )
            .await?
            .into_iter()
            .collect();
        touched.extend(tx.ids(sql!("select import_built_on($1, $2)"), &[&run]).await?);
        if touched.is_empty() {
            return Ok(());
        }
        let patients = touched.iter().take(NAMED_MAX).copied().map(PatientId::from_uuid).collect();
        Err(UndoError::WorkedOn { patients, count: touched.len() })
    }

    fn about(&self) -> Event {
        Event::new().about("import", self.run.uuid())
    }

    /// Takes patients away with all that came with them. Who was worked on while this ran is
    /// [`StoreError::Conflict`]: somebody must look.
    async fn patients(&self, ids: &[Uuid], added: &Added) -> Result<(), StoreError> {
        let tx = self.ask().await?;
        let patients: Vec<PatientRow> =
            tx.rows(sql!("select * from patient where practice_id = $1 and id = any($2)"), &[&ids]).await?;
        let identifiers: Vec<IdentifierRow> = tx
            .rows(sql!("select * from patient_identifier where practice_id = $1 and patient_id = any($2)"), &[&ids])
            .await?;
        let alerts: Vec<AlertRow> = tx
            .rows(sql!("select * from patient_alert where practice_id = $1 and patient_id = any($2)"), &[&ids])
            .await?;
        let accesses: Vec<AccessRow> = tx
            .rows(sql!("select * from patient_access where practice_id = $1 and patient_id = any($2)"), &[&ids])
            .await?;
        let entries: Vec<EntryRow> = tx
            .rows(sql!("select * from record_entry where practice_id = $1 and patient_id = any($2)"), &[&ids])
            .await?;
        let merges: Vec<MergeRow> = tx
            .rows(sql!("select * from patient_merge where practice_id = $1 and patient_id = any($2)"), &[&ids])
            .await?;
        let came: BTreeMap<PatientId, EventId> = patients.iter().map(|row| (row.id, row.event_id)).collect();
        let away: BTreeSet<PatientId> = merges.iter().map(|row| row.patient_id).collect();
        let with_it = |patient: &PatientId, event: EventId| came.get(patient) == Some(&event);
        let mut untouched = alerts.iter().all(|row| {
            with_it(&row.patient_id, row.event_id)
                || added.alerts.contains(&row.id.uuid())
                || away.contains(&row.patient_id)
        }) && identifiers
            .iter()
            .all(|row| with_it(&row.patient_id, row.event_id) || away.contains(&row.patient_id))
            && accesses.iter().all(|row| with_it(&row.patient_id, row.event_id) || away.contains(&row.patient_id))
            && entries.iter().all(|row| added.entries.contains(&row.id.uuid()))
            && merges.iter().all(|row| added.merges.contains(&row.id.uuid()));
        for row in identifiers.iter().filter(|row| away.contains(&row.patient_id)) {
            untouched &= !tx.written_by_another(row).await?;
        }
        for row in alerts.iter().filter(|row| away.contains(&row.patient_id)) {
            untouched &= !tx.written_by_another(row).await?;
        }
        for row in accesses.iter().filter(|row| away.contains(&row.patient_id)) {
            untouched &= !tx.written_by_another(row).await?;
        }
        if !untouched {
            return Err(StoreError::Conflict);
        }
        let mut gone: Vec<Uuid> = came.keys().map(|id| id.uuid()).collect();
        gone.extend(identifiers.iter().map(|row| row.id.uuid()));
        let mut tags = Tags { tx, tags: BTreeMap::new() };
        let entries: Vec<_> = entries.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let identifiers: Vec<_> = identifiers.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let alerts: Vec<_> = alerts.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let accesses: Vec<_> = accesses.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let patients: Vec<_> = patients.into_iter().map(|row| (tags.of(row.id), row)).collect();
        let merges: Vec<_> = merges.into_iter().map(|row| (tags.of(row.into_id), row)).collect();
        let mut tx = tags.tx;
        tx.take_back(self.run, &merges).await?;
        tx.take_back(self.run, &entries).await?;
        tx.take_back(self.run, &identifiers).await?;
        tx.take_back(self.run, &alerts).await?;
        tx.take_back(self.run, &accesses).await?;
        tx.take_back(self.run, &patients).await?;
        tx.forget_tokens(&gone).await?;
        tx.commit(self.about(), serde_json::Value::Null).await.map(|_| ())
    }

    async fn entries(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        let tx = self.ask().await?;
        let rows: Vec<EntryRow> =
            tx.rows(sql!("select * from record_entry where practice_id = $1 and id = any($2)"), &[&ids]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut tags = Tags { tx, tags: BTreeMap::new() };
        let rows: Vec<_> = rows.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let mut tx = tags.tx;
        tx.take_back(self.run, &rows).await?;
        tx.commit(self.about(), serde_json::Value::Null).await.map(|_| ())
    }

    async fn alerts(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        let tx = self.ask().await?;
        let rows: Vec<AlertRow> =
            tx.rows(sql!("select * from patient_alert where practice_id = $1 and id = any($2)"), &[&ids]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut tags = Tags { tx, tags: BTreeMap::new() };
        let rows: Vec<_> = rows.into_iter().map(|row| (tags.of(row.patient_id), row)).collect();
        let mut tx = tags.tx;
        tx.take_back(self.run, &rows).await?;
        tx.commit(self.about(), serde_json::Value::Null).await.map(|_| ())
    }

    async fn kept(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        let mut tx = self.ask().await?;
        let rows: Vec<KeptRow> = tx
            .rows(
                sql!("select * from kept_resource where practice_id = $1 and id = any($2) and row_version = 1"),
                &[&ids],
            )
            .await?;
        for row in &rows {
            tx.remove(row).await?;
        }
        tx.commit(self.about(), serde_json::Value::Null).await.map(|_| ())
    }

    /// Forgets the sources, so that they can be brought in anew, and says that it is done.
    async fn finish(&self, added: &Added) -> Result<(), StoreError> {
        let mut tx = self.ask().await?;
        let all =
            added.patients.iter().chain(&added.entries).chain(&added.alerts).chain(&added.kept).chain(&added.matched);
        let all = all.chain(&added.merges);
        let targets: Vec<Uuid> = all.copied().collect();
        tx.forget_imports(self.run, &targets).await?;
        let row = run_row(&tx, self.run).await?;
        let patch = RunPatch { state: Some(state::UNDONE.to_owned()), ..RunPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(self.about(), serde_json::Value::Null).await.map(|_| ())
    }
}

/// One event for each patient of a transaction.
struct Tags {
    tx: Tx<UndoImport>,
    tags: BTreeMap<PatientId, Tag>,
}

impl Tags {
    fn of(&mut self, patient: PatientId) -> Tag {
        let Self { tx, tags } = self;
        let event = || Event::new().about("patient", patient.uuid());
        *tags.entry(patient).or_insert_with(|| tx.also(event(), Some(patient)))
    }
}

/// Begins a run, or takes up the one that was cut short over the same files. A dry run begins none, and
/// says what going on with one would come to.
pub(in crate::exchange) async fn begin_run(
    store: &Store,
    actor: &Actor,
    settings: &ImportSettings,
    files: &[(String, u64)],
    under: Option<Under<'_>>,
) -> Result<Option<ImportId>, StoreError> {
    let mut tx = asked(store, actor, under).await?;
    tx.alone_importing().await?;
    let what =
        serde_json::to_string(&(&settings.source, files)).map_err(|_| StoreError::Unreadable { what: "files" })?;
    let digest = tx.blind("import.run", TokenKind::Identifier, &what).await?.bytes().to_vec();
    let open: Vec<RunRow> = tx
        .rows(sql!("select * from import_run where practice_id = $1 and digest = $2 and state = 'running'"), &[&digest])
        .await?;
    if settings.dry_run {
        return Ok(open.first().map(|run| run.id));
    }
    if let Some(run) = open.first() {
        if let Some(under) = under {
            uploads::is_run(&mut tx, under.upload.id, run.id).await?;
            tx.commit(asked_by(run.id, Some(under)), serde_json::Value::Null).await?;
        }
        return Ok(Some(run.id));
    }
    let id = ImportId::new(tx.at(), store.entropy());
    let started_at = tx.at();
    tx.insert::<RunRow>(Run {
        id,
        row_version: 1,
        state: "running".to_owned(),
        started_at,
        digest,
        added: 0,
        matched: 0,
        skipped: 0,
        rejected: 0,
        source: settings.source.clone(),
    })
    .await?;
    if let Some(under) = under {
        uploads::is_run(&mut tx, under.upload.id, id).await?;
    }
    tx.commit(asked_by(id, under), serde_json::Value::Null).await?;
    Ok(Some(id))
}

/// The beginning of a run, with the person who asked the job for it.
fn asked_by(run: ImportId, under: Option<Under<'_>>) -> Event {
    let event = Event::new().about("import", run.uuid());
    match under {
        Some(Under { upload, .. }) => {
            event.note(json!({ "asked-by": upload.asked_by.to_string(), "upload": upload.id.to_string() }))
        }
        None => event,
    }
}

/// A transaction of an import; a job proves its claim before anything else.
pub(in crate::exchange) async fn asked(
    store: &Store,
    actor: &Actor,
    under: Option<Under<'_>>,
) -> Result<Tx<ImportPatients>, StoreError> {
    let tx = anew(store, actor).await?;
    if let Some(Under { claim, .. }) = under {
        tx.hold_advanced(claim).await?;
    }
    Ok(tx)
}
