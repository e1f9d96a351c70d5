//! Bringing records in. Of FHIR, a first walk through the files learns which resources there are and what
//! points to what, and a second writes them in batches, files side by side; of a table, one walk does. Each batch is one transaction with an event for each
//! patient it touches; what a source became is remembered under a blind token, so the same files
//! brought in twice change nothing. A run that was cut short is finished by the next over the same
//! files: it reads them from the start and passes over what is done. One practice, one import at a time.

mod input;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use kernel::{ErrorKind, PersonId, PracticeId};
use store::{Actor, Claim, Job, Store, StoreError};

use self::input::{Feed, Input, Lines, Reading, Weave, aside, ends_in};
use super::between::{Before, tied};
use super::csv::{self, Look, Mapping, MappingProblem, Said};
use super::fhir::{Finding, Index, JsonFile, Outcome, Reader, Reject, Report, Resource, Seen};
use super::mappings::keep_mapping;
use super::merged::{self, Claims};
use super::runs::begin_run;
use super::uploads::{self, FileKind, Pieces, Upload};
use super::vcard;
use super::writes::{Batch, Waiting};

/// How an import is to be done.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    /// A name for where the files come from. Ids of one source are never taken for those of another.
    pub source: String,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Who may open the records that were open to named people only where they come from. Without anybody, such
    /// records are not brought in: nobody here could open them.
    pub named: Vec<PersonId>,
}

/// How far an import is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Whether it still learns what there is.
    pub learning: bool,
    /// The file at hand.
    pub file: String,
    /// Bytes done, of the files together.
    pub bytes: u64,
    /// Bytes in all.
    pub bytes_total: u64,
    /// Resources done.
    pub resources: u64,
}

/// Why an import stopped. What was committed stays; running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or the folder cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// There is nothing to bring in.
    #[error("{path} holds no .ndjson and no .json files: name the folder that a FHIR export wrote")]
    Empty {
        /// The folder.
        path: String,
    },
    /// Another import into the practice is under way.
    #[error("another import into this practice is running: wait until it is done, then start this one")]
    Running,
    /// It was told to stop, and did with everything so far committed.
    #[error("it was told to stop")]
    Stopped,
    /// The thread that reads broke off.
    #[error("the files could not be read to their end")]
    Broke,
    /// The table cannot be read so.
    #[error(transparent)]
    Mapping(#[from] MappingProblem),
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Empty { .. } | Self::Mapping(_) => ErrorKind::Invalid,
            Self::Running | Self::Stopped => ErrorKind::Busy,
            Self::Broke => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Resources written in one transaction.
const BATCH_RESOURCES: usize = 200;
/// Bytes of resources written in one transaction.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;

/// How often a job writes down how far it is where it commits nothing else.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(2);

/// The job that does an import: its claim is proved in each transaction, and how far it is stands in the row of
/// what was sent.
#[derive(Clone, Copy)]
pub(super) struct Under<'a> {
    pub(super) claim: &'a Claim,
    pub(super) upload: &'a Upload,
}

/// Who looks on while an import goes on.
struct Watch<'a> {
    tell: &'a mut (dyn FnMut(&Progress) + Send),
    under: Option<Under<'a>>,
    noted_at: Option<Timestamp>,
}

impl<'a> Watch<'a> {
    fn of(tell: &'a mut (dyn FnMut(&Progress) + Send)) -> Self {
        Self { tell, under: None, noted_at: None }
    }

    /// What was committed stands: whoever wants the import to stop is heeded now.
    fn told(&mut self, said: &Progress) -> Result<(), ImportError> {
        (self.tell)(said);
        if self.under.is_some_and(|under| under.claim.stopping()) { Err(ImportError::Stopped) } else { Ok(()) }
    }

    /// The same where nothing was committed: how far it is, is written down now and then.
    async fn passed(&mut self, store: &Store, actor: &Actor, said: &Progress) -> Result<(), ImportError> {
        let now = store.clock().now();
        let due = self.noted_at.is_none_or(|noted| now.duration_since(noted) >= NOTED_EVERY);
        if let Some(under) = self.under.filter(|_| due) {
            uploads::note(store, actor, under, said).await?;
            self.noted_at = Some(now);
        }
        self.told(said)
    }
}

/// Which of the resources of an input a walk through it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    All,
    /// Whom the others are about. What cannot be read is left for the other walk to report.
    Patients,
    Others,
}

/// A walk through inputs: lane beside lane, in each one input after the other.
struct Walk<'p> {
    lanes: Vec<Vec<&'p Input>>,
    take: Take,
}

/// Lanes of a walk: of each, some lines are held.
const LANES_MAX: usize = 8;

/// What is to be brought in, and how it is read.
struct Plan {
    inputs: Vec<Input>,
    /// Whether resources point to one another, so that they must be known before.
    linked: bool,
    /// Reads an input from its start.
    read: Reading,
    /// What else makes this run another than one over the same files: the mapping of a table.
    manner: String,
}

impl Plan {
    /// The walks through the inputs. A bundle holds its resources in any order: so that whatever is about
    /// a patient finds them, the patients of all bundles come before everything else in them; and so do files with
    /// patients in them, whatever they are called.
    fn walks(&self, known: &Learnt) -> Vec<Walk<'_>> {
        let people = |input: &Input| known.people.contains(&input.name);
        let named = |input: &Input| input.name.starts_with("Patient");
        let (bundles, lines): (Vec<&Input>, Vec<&Input>) = self.inputs.iter().partition(|input| input.whole);
        let (first, others): (Vec<&Input>, Vec<&Input>) = lines.into_iter().partition(|input| named(input));
        let (next, others): (Vec<&Input>, Vec<&Input>) = others.into_iter().partition(|input| people(input));
        alone(first, Take::All)
            .chain(alone(bundles.clone(), Take::Patients))
            .chain(alone(next, Take::All))
            .chain(side_by_side(&others))
            .chain(alone(bundles, Take::Others))
            .collect()
    }

    fn names(&self) -> Vec<(String, u64)> {
        let manner = (!self.manner.is_empty()).then(|| (self.manner.clone(), 0));
        self.inputs.iter().map(|input| (input.name.clone(), input.bytes)).chain(manner).collect()
    }
}

/// Each by itself.
fn alone(inputs: Vec<&Input>, take: Take) -> impl Iterator<Item = Walk<'_>> {
    inputs.into_iter().map(move |input| Walk { lanes: vec![vec![input]], take })
}

/// A lane for each kind of file: `Observation.1.ndjson` follows `Observation.0.ndjson`.
fn side_by_side<'p>(inputs: &[&'p Input]) -> Vec<Walk<'p>> {
    let kind = |input: &Input| input.name.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_owned();
    let lanes: Vec<Vec<&Input>> = inputs.chunk_by(|a, b| kind(a) == kind(b)).map(<[&Input]>::to_vec).collect();
    lanes.chunks(LANES_MAX).map(|lanes| Walk { lanes: lanes.to_vec(), take: Take::All }).collect()
}

/// The files of a folder, or the one file that was named.
fn input_files(place: &Path) -> Result<Vec<Input>, ImportError> {
    let failed = |error| ImportError::File { path: place.display().to_string(), error };
    if place.is_file() {
        return Ok(vec![Input::named(place)?]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let meta = entry.metadata().map_err(failed)?;
        if meta.is_file() && (ends_in(&name, "ndjson") || ends_in(&name, "json")) {
            files.push(Input::named(&entry.path())?);
        }
    }
    if files.is_empty() {
        return Err(ImportError::Empty { path: place.display().to_string() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Brings FHIR R4 into a practice, or says what would happen: NDJSON and bundles, a folder of them or one
/// file.
pub async fn import_folder(
    store: &Store,
    practice: PracticeId,
    place: &Path,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let mut report = Report::default();
    resources(store, practice, input_files(place)?, settings, Watch::of(progress), &mut report).await?;
    Ok(report)
}

async fn resources(
    store: &Store,
    practice: PracticeId,
    inputs: Vec<Input>,
    settings: &ImportSettings,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let today = latest_birth(store);
    let read = move |input: &Input| -> Result<Lines, ImportError> {
        if input.whole {
            let file = JsonFile::new(&input.name, input.open()?, input.open()?, today);
            return Ok(Box::new(file.map_err(|error| input.failed(error))?));
        }
        Ok(Box::new(Reader::new(&input.name, input.open()?, today)))
    };
    let plan = Plan { inputs, linked: true, read: Arc::new(read), manner: String::new() };
    bring(store, practice, &plan, settings, watch, report).await
}

/// What a table looks like before anybody has decided where its columns go.
pub fn look_at_csv(file: &Path, said: Said) -> Result<Look, ImportError> {
    look_at(&Input::named(file)?, said)
}

fn look_at(input: &Input, said: Said) -> Result<Look, ImportError> {
    Ok(csv::look(|| input.bytes(), said).map_err(|error| input.failed(error))??)
}

/// Brings a table into a practice by its mapping, or says what would happen. The mapping is kept for the
/// next table with the same columns.
pub async fn import_csv(
    store: &Store,
    practice: PracticeId,
    file: &Path,
    mapping: &Mapping,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let mut report = Report::default();
    let input = Input::named(file)?;
    table(store, practice, input, mapping, settings, Watch::of(progress), &mut report).await?;
    Ok(report)
}

async fn table(
    store: &Store,
    practice: PracticeId,
    input: Input,
    mapping: &Mapping,
    settings: &ImportSettings,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    mapping.check()?;
    let shared = Arc::new(mapping.clone());
    let (encoding, separator) = {
        let (input, mapping) = (input.clone(), Arc::clone(&shared));
        aside(move || {
            let look = look_at(&input, Said::by(&mapping)?)?;
            look.fits(&mapping)?;
            let rows = csv::Rows::new(csv::Utf8::new(input.open()?, look.encoding), csv::byte(look.separator));
            csv::survey(rows, &mapping).map_err(|error| input.failed(error))??;
            Ok((look.encoding, csv::byte(look.separator)))
        })
        .await?
    };
    let left = Arc::new(csv::Aside::default());
    let today = latest_birth(store);
    let (reads, noting) = (Arc::clone(&shared), Arc::clone(&left));
    let read = move |input: &Input| -> Result<Lines, ImportError> {
        let (mapping, left) = (Arc::clone(&reads), Arc::clone(&noting));
        let rows = csv::Rows::new(csv::Utf8::new(input.open()?, encoding), separator);
        Ok(Box::new(csv::Table::new(&input.name, rows, mapping, left, today)))
    };
    let name = input.name.clone();
    let manner = serde_json::to_string(mapping).map_err(|_| StoreError::Unreadable { what: "mapping" })?;
    let plan = Plan { inputs: vec![input], linked: false, read: Arc::new(read), manner };
    bring(store, practice, &plan, settings, watch, report).await?;
    left.report(&name, mapping, report);
    if !settings.dry_run {
        keep_mapping(store, practice, mapping).await?;
    }
    Ok(())
}

/// Brings a file of vCards into a practice, or says what would happen.
pub async fn import_vcard(
    store: &Store,
    practice: PracticeId,
    file: &Path,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let mut report = Report::default();
    cards(store, practice, Input::named(file)?, settings, Watch::of(progress), &mut report).await?;
    Ok(report)
}

async fn cards(
    store: &Store,
    practice: PracticeId,
    input: Input,
    settings: &ImportSettings,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let looked = input.clone();
    let encoding = aside(move || csv::encoding_of(looked.open()?).map_err(|error| looked.failed(error))).await?;
    let left_out = Arc::new(vcard::LeftOut::default());
    let today = latest_birth(store);
    let noting = Arc::clone(&left_out);
    let read = move |input: &Input| -> Result<Lines, ImportError> {
        let text = csv::Utf8::new(input.open()?, encoding);
        Ok(Box::new(vcard::Cards::new(&input.name, text, Arc::clone(&noting), today)))
    };
    let name = input.name.clone();
    let plan = Plan { inputs: vec![input], linked: false, read: Arc::new(read), manner: String::new() };
    bring(store, practice, &plan, settings, watch, report).await?;
    left_out.report(&name, report);
    Ok(())
}

/// Brings in what somebody sent, or says what would happen. What it came to is in `report`, also where it
/// stopped on the way.
///
/// # Errors
/// As the others; [`ImportError::Stopped`] where its claim was told to stop.
pub(super) async fn import_upload(
    store: &Store,
    upload: &Upload,
    claim: &Claim,
    dry_run: bool,
    report: &mut Report,
) -> Result<(), ImportError> {
    let practice = claim.practice();
    let actor = store.machine(Job::Import, practice).await?;
    let sent = |(at, file): (usize, &uploads::SentFile)| {
        let pieces = Pieces::of(store, &actor, upload.id, at, file.pieces);
        Input::sent(file.name.clone(), file.bytes, file.whole, pieces)
    };
    let mut inputs: Vec<Input> = upload.files.iter().enumerate().map(sent).collect();
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    let given = &upload.settings;
    let settings = ImportSettings { source: given.source.clone(), dry_run, named: given.named.clone() };
    let mut nobody = |_: &Progress| {};
    let watch = Watch { under: Some(Under { claim, upload }), ..Watch::of(&mut nobody) };
    let kind = FileKind::from_code(&upload.kind).ok_or(StoreError::Unreadable { what: "kind of upload" })?;
    if kind == FileKind::Fhir {
        return resources(store, practice, inputs, &settings, watch, report).await;
    }
    let input = inputs.into_iter().next().ok_or(StoreError::Unreadable { what: "files of an upload" })?;
    match (kind, &given.mapping) {
        (FileKind::Csv, Some(mapping)) => table(store, practice, input, mapping, &settings, watch, report).await,
        (FileKind::Csv, None) => Err(MappingProblem::NoName.into()),
        (FileKind::Vcard | FileKind::Fhir, _) => cards(store, practice, input, &settings, watch, report).await,
    }
}

/// Where a birth date begins to lie in the future, wherever the practice is.
fn latest_birth(store: &Store) -> Date {
    store.clock().now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap_or(Date::MAX)
}

/// Brings in what a plan names, or says what would happen.
async fn bring(
    store: &Store,
    practice: PracticeId,
    plan: &Plan,
    settings: &ImportSettings,
    mut watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let actor = store.machine(Job::Import, practice).await?;
    // A dry run changes nothing, so it need not wait.
    let turn =
        if settings.dry_run { None } else { Some(store.import_turn(practice).await?.ok_or(ImportError::Running)?) };
    let mut said = Progress { learning: true, file: String::new(), bytes: 0, bytes_total: 0, resources: 0 };
    let known = if plan.linked { learn(store, &actor, plan, &mut said, &mut watch).await? } else { Learnt::default() };
    let (index, walks) = (&known.index, plan.walks(&known));
    let bytes_total = walks.iter().flat_map(|walk| walk.lanes.iter().flatten()).map(|input| input.bytes).sum();
    said = Progress { learning: false, bytes: 0, bytes_total, resources: 0, ..said };
    // Of the resources that may stand in the files a second time.
    let mut seen = Seen::default();
    let mut claims = Claims::default();
    let run = begin_run(store, &actor, settings, &plan.names(), watch.under).await?;
    let batch = Batch::new(store, &actor, settings, index, run, turn, watch.under);
    let report = Mutex::new(report);
    let mut flow = Flow::of(&batch, &report);
    for Walk { lanes, take: wanted } in walks {
        let (base, mut from) = (said.bytes, 0);
        let mut waiting = Vec::new();
        let mut weave = Weave::of(&lanes, &plan.read);
        while let Some(line) = weave.next().await? {
            if *said.file != *line.file {
                line.file.as_ref().clone_into(&mut said.file);
            }
            match line.result {
                Err(_) if wanted == Take::Patients => {}
                Err(problem) => note_reject(&mut locked(&report), &line.file, line.number, "", &problem),
                Ok((head, resource)) => {
                    let patient = matches!(resource, Resource::Patient(_));
                    if wanted == Take::All || patient == (wanted == Take::Patients) {
                        let first = index.stands_once(head.key) || seen.first(head.key);
                        if let Resource::Patient(patient) = &resource
                            && first
                        {
                            let place = (&line.file, line.number);
                            claims.hear(index, head.key, patient, place, &mut locked(&report));
                        }
                        said.resources += u64::from(first);
                        let read = Waiting { file: line.file, line: line.number, head, resource };
                        waiting.extend(taken(&mut locked(&report), first, read));
                    }
                }
            }
            if waiting.len() >= BATCH_RESOURCES || weave.done().saturating_sub(from) >= BATCH_BYTES {
                from = weave.done();
                said.bytes = base + from;
                flow.send(std::mem::take(&mut waiting), &said).await?;
                let heeded =
                    if settings.dry_run { watch.passed(store, &actor, &said).await } else { watch.told(&said) };
                if let Err(stop) = heeded {
                    flow.land().await?;
                    return Err(stop);
                }
            }
        }
        said.bytes = base + weave.done();
        flow.send(waiting, &said).await?;
        // What comes next may be about what is in this.
        flow.land().await?;
        watch.told(&said)?;
    }
    drop(flow);
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.in_order();
    merged::carry_out(&batch, claims, report).await?;
    batch.finish(report, &said).await?;
    Ok(())
}

fn locked<'r, 'a>(report: &'r Mutex<&'a mut Report>) -> MutexGuard<'r, &'a mut Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A batch on its way.
type Flight<'f> = Pin<Box<dyn Future<Output = Result<(), ImportError>> + Send + 'f>>;

/// Batches on their way. PostgreSQL works for one on one processor: while it writes one, the next is prepared and
/// begun by another connection.
struct Flow<'f, 'r> {
    batch: &'f Batch<'f>,
    report: &'f Mutex<&'r mut Report>,
    flying: Option<Flight<'f>>,
    before: Before,
}

impl<'f, 'r: 'f> Flow<'f, 'r> {
    fn of(batch: &'f Batch<'f>, report: &'f Mutex<&'r mut Report>) -> Self {
        Self { batch, report, flying: None, before: Before::nothing() }
    }

    /// Begins to write resources, and waits for those that were sent before.
    async fn send(&mut self, waiting: Vec<Waiting>, said: &Progress) -> Result<(), ImportError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let (told, after) = tied();
        let before = std::mem::replace(&mut self.before, after);
        let flight: Flight<'f> = Box::pin(self.batch.write(waiting, self.report, said.clone(), before, told));
        if self.batch.one_by_one() {
            return flight.await;
        }
        let Some(earlier) = self.flying.take() else {
            self.flying = Some(flight);
            return Ok(());
        };
        match select(earlier, flight).await {
            Either::Left((done, flight)) => {
                done?;
                self.flying = Some(flight);
                Ok(())
            }
            // It is done after the earlier one, or fails: then what the earlier one comes to counts first.
            Either::Right((done, earlier)) => {
                earlier.await?;
                done
            }
        }
    }

    /// Waits until everything is written.
    async fn land(&mut self) -> Result<(), ImportError> {
        match self.flying.take() {
            Some(flight) => flight.await,
            None => Ok(()),
        }
    }
}

/// What the first walk finds out.
#[derive(Default)]
struct Learnt {
    /// What there is.
    index: Index,
    /// The inputs with patients in them.
    people: BTreeSet<String>,
}

/// The first walk: hashes of what there is.
async fn learn(
    store: &Store,
    actor: &Actor,
    plan: &Plan,
    said: &mut Progress,
    watch: &mut Watch<'_>,
) -> Result<Learnt, ImportError> {
    let mut known = Learnt::default();
    said.bytes_total = plan.inputs.iter().map(|input| input.bytes).sum();
    for input in &plan.inputs {
        said.file.clone_from(&input.name);
        let base = said.bytes;
        let mut feed = Feed::of(input, &plan.read);
        while let Some(lines) = feed.next().await? {
            for line in &lines {
                if let Ok((head, resource)) = &line.result {
                    known.index.add(head);
                    if matches!(resource, Resource::Patient(_)) && !known.people.contains(&input.name) {
                        known.people.insert(input.name.clone());
                    }
                }
                said.bytes = base + line.end;
            }
            watch.passed(store, actor, said).await?;
        }
        said.bytes = base + input.bytes;
    }
    Ok(known)
}

fn note_reject(report: &mut Report, file: &str, line: u64, resource_type: &str, problem: &Reject) {
    report.note(Finding::of(Outcome::Reject, file, line, resource_type, problem));
}

/// What is to be written, unless it stands in the files a second time.
fn taken(report: &mut Report, first: bool, read: Waiting) -> Option<Waiting> {
    let Waiting { file, line, resource, .. } = &read;
    let resource_type = resource.resource_type();
    if !first {
        let problem = Reject {
            field: format!("{resource_type}.id"),
            reason: "stands in these files a second time: the first is taken".into(),
        };
        note_reject(report, file, *line, resource_type, &problem);
        return None;
    }
    for warning in resource.warnings() {
        report.note(Finding::of(Outcome::Warn, file, *line, resource_type, warning));
    }
    Some(read)
}
