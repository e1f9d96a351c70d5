//! What a page shows of imports, and what the job reads.

use std::collections::HashMap;

use jiff::Timestamp;
use kernel::{ImportId, PersonId, UploadId};
use store::{Action, Actor, Event, Resource, Store, StoreError, Tx, WorkKind, WorkState, sql};
use uuid::Uuid;

use super::pieces::decoded;
use super::rows::{KeptReport, Member, MemberRow, Piece, PieceRow, ReportRow, Upload, UploadRow};
use super::{UploadState, treats, working};
use crate::exchange::actions::{GatherUpload, PreviewUpload, ReadImports, UploadPage};
use crate::exchange::fhir::Counts;
use crate::exchange::rows::RunRow;
use crate::exchange::runs::run_row;

/// Imports that are listed.
const LISTED_MAX: i64 = 100;
/// Pieces that a preview looks at: together as long as a look is ([`crate::exchange::csv::LOOK_BYTES`]).
const LOOKED_PIECES: i32 = 2;

/// What a work is about.
pub(super) enum Task {
    /// An upload, to its end.
    Keep(Box<Upload>),
    /// One time that it is tried or brought in.
    Phase(Box<Upload>),
    /// A run that is taken back.
    Undo(ImportId),
    /// It is gone.
    Nothing,
}

/// What is to be done, for the job.
pub(super) async fn task(store: &Store, actor: &Actor, about: Uuid) -> Result<Task, StoreError> {
    let tx: Tx<GatherUpload> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let found: Vec<UploadRow> = tx
        .rows(sql!("select * from import_upload where practice_id = $1 and (id = $2 or phase = $2)"), &[&about])
        .await?;
    let Some(row) = found.into_iter().next() else {
        let runs = tx.ids(sql!("select id from import_run where practice_id = $1 and id = $2"), &[&about]).await?;
        return Ok(runs.first().map_or(Task::Nothing, |run| Task::Undo(ImportId::from_uuid(*run))));
    };
    let itself = row.id.uuid() == about;
    let event = Event::new().about("upload", row.id.uuid()).field("taken-up");
    let upload = Box::new(tx.record(event, row).await??);
    Ok(if itself { Task::Keep(upload) } else { Task::Phase(upload) })
}

/// A piece, for the job.
pub(super) async fn gathered(
    store: &Store,
    actor: &Actor,
    upload: UploadId,
    file: i32,
    place: i32,
) -> Result<Piece, StoreError> {
    let tx: Tx<GatherUpload> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row: PieceRow = tx
        .row(
            sql!("select * from import_piece where practice_id = $1 and upload_id = $2 and file = $3 and place = $4"),
            &[&upload.uuid(), &file, &place],
        )
        .await?;
    let event = Event::new().about("upload", upload.uuid()).field("piece");
    Ok(tx.record(event, row).await??)
}

/// A run of an import, in figures.
#[derive(Debug, Clone)]
pub struct RunLine {
    /// Its id.
    pub id: ImportId,
    /// When it began.
    pub started_at: Timestamp,
    /// `running`, `finished`, `undoing` or `undone`.
    pub state: String,
    /// Rows added.
    pub added: i64,
    /// Rows changed.
    pub matched: i64,
    /// Lines that were the same.
    pub skipped: i64,
    /// Lines not taken.
    pub rejected: i64,
}

impl RunLine {
    fn of(row: &RunRow) -> Self {
        Self {
            id: row.id,
            started_at: row.started_at,
            state: row.state.clone(),
            added: row.added,
            matched: row.matched,
            skipped: row.skipped,
            rejected: row.rejected,
        }
    }
}

/// An import in the list: what somebody sent, what came of it, or a run of the command line.
pub struct Listed {
    /// What was sent; nothing where the host brought it in.
    pub upload: Option<Upload>,
    /// Who sent it, if they are still known here.
    pub asked_name: Option<String>,
    /// Where the files came from.
    pub source: Option<String>,
    /// The run that it became.
    pub run: Option<RunLine>,
    /// Whether it is paused.
    pub paused: bool,
}

impl Listed {
    /// When it began.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        let run = || self.run.as_ref().map(|run| run.started_at);
        self.upload.as_ref().map(|upload| upload.began_at).or_else(run).unwrap_or(Timestamp::MIN)
    }
}

async fn team<A: Action>(tx: &Tx<A>) -> Result<Vec<MemberRow>, StoreError> {
    tx.rows(sql!("select * from membership where practice_id = $1 order by id"), &[]).await
}

fn names<E>(team: Vec<Result<Member, E>>) -> HashMap<PersonId, Member> {
    team.into_iter().flatten().map(|member| (member.id, member)).collect()
}

/// The imports of a practice, newest first.
///
/// # Errors
/// The doors say no.
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<Listed>, StoreError> {
    let tx: Tx<UploadPage> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let uploads: Vec<UploadRow> = tx
        .rows(
            sql!(
                "select * from import_upload where practice_id = $1 and state not in ('gone', 'receiving')
                 order by began_at desc, id desc limit $2"
            ),
            &[&LISTED_MAX],
        )
        .await?;
    let runs: Vec<RunRow> = tx
        .rows(
            sql!("select * from import_run where practice_id = $1 order by started_at desc, id desc limit $2"),
            &[&LISTED_MAX],
        )
        .await?;
    let mut paused = Vec::new();
    for row in uploads.iter().filter(|row| UploadState::of(&row.state).is_ok_and(UploadState::is_under_way)) {
        if let Some(phase) = row.phase
            && tx.work_about(WorkKind::Import, phase).await?.is_some_and(|work| work.state == "paused")
        {
            paused.push(row.id);
        }
    }
    let lines: HashMap<ImportId, RunLine> = runs.iter().map(|row| (row.id, RunLine::of(row))).collect();
    let team = team(&tx).await?;
    let (uploads, runs, team) = tx.record(Event::new().field("imports"), (uploads, runs, team)).await?;
    let people = names(team);
    let mut listed: Vec<Listed> = Vec::new();
    for upload in uploads.into_iter().flatten() {
        listed.push(Listed {
            asked_name: people.get(&upload.asked_by).map(|member| member.display_name.clone()),
            source: Some(upload.settings.source.clone()),
            run: upload.run_id.and_then(|run| lines.get(&run).cloned()),
            paused: paused.contains(&upload.id),
            upload: Some(upload),
        });
    }
    for run in runs.into_iter().flatten() {
        let sent = listed.iter().any(|one| one.upload.as_ref().is_some_and(|upload| upload.run_id == Some(run.id)));
        if !sent {
            let line = lines.get(&run.id).cloned();
            listed.push(Listed { upload: None, asked_name: None, source: Some(run.source), run: line, paused: false });
        }
    }
    listed.sort_by_key(|one| std::cmp::Reverse(one.began_at()));
    listed.truncate(usize::try_from(LISTED_MAX).unwrap_or(usize::MAX));
    Ok(listed)
}

/// What the page of an upload shows.
pub struct Page {
    /// What was sent, and where it is.
    pub upload: Upload,
    /// Who sent it, if they are still known here.
    pub asked_name: Option<String>,
    /// The run that it became.
    pub run: Option<RunLine>,
    /// How the work stands, where there is some.
    pub work: Option<WorkState>,
    /// Whether the run is being taken back, or why it was not.
    pub undo: Option<WorkState>,
    /// What trying it came to.
    pub tried: Option<Counts>,
    /// What bringing it in came to.
    pub done: Option<Counts>,
    /// Who treats patients here, by name.
    pub practitioners: Vec<(PersonId, String)>,
}

/// The page of an upload.
///
/// # Errors
/// There is none here; the doors say no.
pub async fn page(store: &Store, actor: &Actor, id: UploadId) -> Result<Page, StoreError> {
    let tx: Tx<UploadPage> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row = row_of(&tx, id).await?;
    let run = match row.run_id {
        Some(run) => Some(RunLine::of(&run_row(&tx, run).await?)),
        None => None,
    };
    let work = match row.phase {
        Some(phase) => tx.work_about(WorkKind::Import, phase).await?,
        None => None,
    };
    let undo = match row.run_id {
        Some(run) => tx.work_about(WorkKind::Import, run.uuid()).await?,
        None => None,
    };
    let reports: Vec<ReportRow> =
        tx.rows(sql!("select * from import_report where practice_id = $1 and upload_id = $2"), &[&id.uuid()]).await?;
    let team = team(&tx).await?;
    let event = Event::new().about("upload", id.uuid());
    let (upload, reports, team) = tx.record(event, (row, reports, team)).await?;
    let (upload, people) = (upload?, names(team));
    let reports: Vec<KeptReport> = reports.into_iter().flatten().collect();
    let of = |dry| reports.iter().find(|kept| kept.dry == dry).map(|kept| kept.report.total());
    let treating = people.values().filter(|member| treats(&member.status, &member.roles));
    let mut practitioners: Vec<(PersonId, String)> =
        treating.map(|member| (member.id, member.display_name.clone())).collect();
    practitioners.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(Page {
        asked_name: people.get(&upload.asked_by).map(|member| member.display_name.clone()),
        tried: of(true),
        done: of(false),
        upload,
        run,
        work,
        undo,
        practitioners,
    })
}

async fn row_of<A: Action>(tx: &Tx<A>, id: UploadId) -> Result<UploadRow, StoreError> {
    let row: UploadRow =
        tx.row(sql!("select * from import_upload where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    // What was put away before it was anything is not shown.
    if row.state == UploadState::Gone.code() { Err(StoreError::Missing) } else { Ok(row) }
}

/// What trying an upload, or bringing it in, came to.
///
/// # Errors
/// There is none; the doors say no.
pub async fn report(store: &Store, actor: &Actor, id: UploadId, dry: bool) -> Result<KeptReport, StoreError> {
    let tx: Tx<ReadImports> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row: ReportRow = tx
        .row(
            sql!("select * from import_report where practice_id = $1 and upload_id = $2 and dry = $3"),
            &[&id.uuid(), &dry],
        )
        .await?;
    let event = Event::new().about("upload", id.uuid()).field(if dry { "report-try" } else { "report" });
    Ok(tx.record(event, row).await??)
}

/// An upload with the beginning of its first file: personal data of people who are not patients here yet. That
/// somebody saw it is an event.
///
/// # Errors
/// There is none, or its files are gone; the doors say no.
pub async fn beginning(store: &Store, actor: &Actor, id: UploadId) -> Result<(Upload, Vec<u8>), StoreError> {
    let tx: Tx<PreviewUpload> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row = row_of(&tx, id).await?;
    let pieces: Vec<PieceRow> = tx
        .rows(
            sql!(
                "select * from import_piece
                 where practice_id = $1 and upload_id = $2 and file = 0 and place < $3 order by place"
            ),
            &[&id.uuid(), &LOOKED_PIECES],
        )
        .await?;
    if pieces.is_empty() {
        return Err(StoreError::Missing);
    }
    let event = Event::new().about("upload", id.uuid()).field("first-lines");
    let (upload, pieces) = tx.record(event, (row, pieces)).await?;
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend(decoded(&piece?.content)?);
    }
    Ok((upload?, bytes))
}

/// A run, for the page that asks whether to take it back.
pub struct RunPage {
    /// The run.
    pub run: RunLine,
    /// Where its files came from.
    pub source: Option<String>,
    /// What somebody sent for it.
    pub upload: Option<UploadId>,
    /// Whether it is being taken back, or why it was not.
    pub work: Option<WorkState>,
}

impl RunPage {
    /// Whether somebody has asked for it to be taken back and the job is not done with that.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.work.as_ref().is_some_and(|work| !work.is_over())
    }
}

/// A run.
///
/// # Errors
/// There is none here; the doors say no.
pub async fn run(store: &Store, actor: &Actor, id: ImportId) -> Result<RunPage, StoreError> {
    let tx: Tx<ReadImports> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row = run_row(&tx, id).await?;
    let uploads = tx
        .ids(
            sql!("select id from import_upload where practice_id = $1 and run_id = $2 order by began_at desc"),
            &[&id.uuid()],
        )
        .await?;
    let work = tx.work_about(WorkKind::Import, id.uuid()).await?;
    let run = RunLine::of(&row);
    let open = tx.record(Event::new().about("import", id.uuid()), row).await?;
    let source = open.ok().map(|run| run.source);
    Ok(RunPage { run, source, upload: uploads.first().copied().map(UploadId::from_uuid), work })
}

/// Why taking a run back was given up, if it was.
#[must_use]
pub fn undo_fault(work: Option<&WorkState>) -> Option<&str> {
    let failed = work.filter(|work| work.state == "failed")?;
    let known = [working::fault::WORKED_ON, working::fault::LATER];
    failed.fault.as_deref().map(|fault| if known.contains(&fault) { fault } else { "other" })
}
