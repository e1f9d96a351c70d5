//! Bringing records in. Of FHIR, a first walk through the files learns which resources there are and what
//! points to what, and a second writes them in batches; of a table, one walk does. Each batch is one transaction with an event for each
//! patient it touches; what a source became is remembered under a blind token, so the same files
//! brought in twice change nothing. A run that was cut short is finished by the next over the same
//! files: it reads them from the start and passes over what is done. One practice, one import at a time.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use kernel::{ErrorKind, PersonId, PracticeId};
use store::{Job, Store, StoreError};

use super::csv::{self, Look, Mapping, MappingProblem, Said};
use super::fhir::{Finding, Head, Index, JsonFile, Line, Outcome, Reader, Reject, Report, Resource, Seen};
use super::mappings::keep_mapping;
use super::merged::{self, Claims};
use super::vcard;
use super::writes::Batch;

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
            Self::Running => ErrorKind::Busy,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Resources written in one transaction.
const BATCH_RESOURCES: usize = 200;
/// Bytes of resources written in one transaction.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;

/// One file to bring in.
struct Input {
    name: String,
    bytes: u64,
    path: PathBuf,
}

/// The bytes of an input, from its start.
type Opened = BufReader<File>;
/// What an input holds, one after the other.
type Lines = Box<dyn Iterator<Item = io::Result<Line>> + Send>;

impl Input {
    /// A file that somebody named.
    fn named(path: &Path) -> Result<Self, ImportError> {
        let failed = |error| ImportError::File { path: path.display().to_string(), error };
        let bytes = path.metadata().map_err(failed)?.len();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { path: path.to_owned(), name, bytes })
    }

    fn bytes(&self) -> io::Result<Opened> {
        Ok(BufReader::with_capacity(256 * 1024, File::open(&self.path)?))
    }

    fn open(&self) -> Result<Opened, ImportError> {
        self.bytes().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> ImportError {
        ImportError::File { path: self.path.display().to_string(), error }
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

/// What is to be brought in, and how it is read.
struct Plan<'a> {
    inputs: Vec<Input>,
    /// Whether resources point to one another, so that they must be known before.
    linked: bool,
    /// Reads an input from its start.
    read: &'a (dyn Fn(&Input) -> Result<Lines, ImportError> + Sync),
    /// What else makes this run another than one over the same files: the mapping of a table.
    manner: String,
}

impl Plan<'_> {
    /// The walks through the inputs. A bundle holds its resources in any order: so that whatever is about
    /// a patient finds them, the patients of all bundles come before everything else in them.
    fn walks(&self) -> Vec<(&Input, Take)> {
        let of =
            |wanted: fn(&Input) -> bool, take| self.inputs.iter().filter(move |i| wanted(i)).map(move |i| (i, take));
        of(|i| is_patients(i) && !is_bundle(i), Take::All)
            .chain(of(is_bundle, Take::Patients))
            .chain(of(|i| !is_patients(i) && !is_bundle(i), Take::All))
            .chain(of(is_bundle, Take::Others))
            .collect()
    }

    fn names(&self) -> Vec<(String, u64)> {
        let manner = (!self.manner.is_empty()).then(|| (self.manner.clone(), 0));
        self.inputs.iter().map(|input| (input.name.clone(), input.bytes)).chain(manner).collect()
    }
}

fn is_patients(input: &Input) -> bool {
    input.name.starts_with("Patient")
}

fn is_bundle(input: &Input) -> bool {
    ends_in(&input.name, "json")
}

fn ends_in(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
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
            files.push(Input { path: entry.path(), name, bytes: meta.len() });
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
    let inputs = input_files(place)?;
    let today = latest_birth(store);
    let read = |input: &Input| -> Result<Lines, ImportError> {
        if is_bundle(input) {
            let file = JsonFile::new(&input.name, input.open()?, input.open()?, today);
            return Ok(Box::new(file.map_err(|error| input.failed(error))?));
        }
        Ok(Box::new(Reader::new(&input.name, input.open()?, today)))
    };
    bring(store, practice, &Plan { inputs, linked: true, read: &read, manner: String::new() }, settings, progress).await
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
    let input = Input::named(file)?;
    mapping.check()?;
    let look = look_at(&input, Said::by(mapping)?)?;
    look.fits(mapping)?;
    let rows = |input: &Input| -> Result<_, ImportError> {
        Ok(csv::Rows::new(csv::Utf8::new(input.open()?, look.encoding), csv::byte(look.separator)))
    };
    csv::survey(rows(&input)?, mapping).map_err(|error| input.failed(error))??;
    let (aside, shared) = (Arc::new(csv::Aside::default()), Arc::new(mapping.clone()));
    let today = latest_birth(store);
    let read = |input: &Input| -> Result<Lines, ImportError> {
        let (mapping, aside) = (Arc::clone(&shared), Arc::clone(&aside));
        Ok(Box::new(csv::Table::new(&input.name, rows(input)?, mapping, aside, today)))
    };
    let name = input.name.clone();
    let manner = serde_json::to_string(mapping).map_err(|_| StoreError::Unreadable { what: "mapping" })?;
    let plan = Plan { inputs: vec![input], linked: false, read: &read, manner };
    let mut report = bring(store, practice, &plan, settings, progress).await?;
    aside.report(&name, mapping, &mut report);
    if !settings.dry_run {
        keep_mapping(store, practice, mapping).await?;
    }
    Ok(report)
}

/// Brings a file of vCards into a practice, or says what would happen.
pub async fn import_vcard(
    store: &Store,
    practice: PracticeId,
    file: &Path,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let input = Input::named(file)?;
    let encoding = csv::encoding_of(input.open()?).map_err(|error| input.failed(error))?;
    let left_out = Arc::new(vcard::LeftOut::default());
    let today = latest_birth(store);
    let read = |input: &Input| -> Result<Lines, ImportError> {
        let text = csv::Utf8::new(input.open()?, encoding);
        Ok(Box::new(vcard::Cards::new(&input.name, text, Arc::clone(&left_out), today)))
    };
    let name = input.name.clone();
    let plan = Plan { inputs: vec![input], linked: false, read: &read, manner: String::new() };
    let mut report = bring(store, practice, &plan, settings, progress).await?;
    left_out.report(&name, &mut report);
    Ok(report)
}

/// Where a birth date begins to lie in the future, wherever the practice is.
fn latest_birth(store: &Store) -> Date {
    store.clock().now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap_or(Date::MAX)
}

/// Brings in what a plan names, or says what would happen.
async fn bring(
    store: &Store,
    practice: PracticeId,
    plan: &Plan<'_>,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let actor = store.machine(Job::Import, practice).await?;
    // A dry run changes nothing, so it need not wait.
    let turn =
        if settings.dry_run { None } else { Some(store.import_turn(practice).await?.ok_or(ImportError::Running)?) };
    let mut said = Progress { learning: true, file: String::new(), bytes: 0, bytes_total: 0, resources: 0 };
    let index = if plan.linked { learn(plan, &mut said, progress)? } else { Index::default() };
    let walks = plan.walks();
    let bytes_total = walks.iter().map(|(input, _)| input.bytes).sum();
    said = Progress { learning: false, bytes: 0, bytes_total, resources: 0, ..said };
    let mut report = Report::default();
    let mut seen = Seen::default();
    let mut claims = Claims::default();
    let run = super::writes::begin_run(store, &actor, settings, &plan.names()).await?;
    let mut batch = Batch::new(store, &actor, settings, &index, run, turn);
    for (input, wanted) in walks {
        said.file.clone_from(&input.name);
        let base = said.bytes;
        let mut taken = 0;
        for line in (plan.read)(input)? {
            let line = line.map_err(|error| input.failed(error))?;
            taken = line.end;
            match line.result {
                Err(_) if wanted == Take::Patients => {}
                Err(problem) => note_reject(&mut report, &line.file, line.number, "", &problem),
                Ok((head, resource)) => {
                    let patient = matches!(resource, Resource::Patient(_));
                    if wanted == Take::All || patient == (wanted == Take::Patients) {
                        if let Resource::Patient(patient) = &resource
                            && !seen.has(head.key)
                        {
                            let place = (&line.file, line.number);
                            claims.hear(&index, head.key, patient, place, &mut report);
                        }
                        take(&mut batch, &mut report, &mut seen, &line.file, line.number, head, resource);
                    }
                }
            }
            if batch.len() >= BATCH_RESOURCES || line.end.saturating_sub(batch.from) >= BATCH_BYTES {
                batch.write(&mut report).await?;
                batch.from = line.end;
                said.bytes = base + line.end;
                said.resources = u64::try_from(seen.count()).unwrap_or(u64::MAX);
                progress(&said);
            }
        }
        batch.write(&mut report).await?;
        batch.from = 0;
        said.bytes = base + taken.max(input.bytes);
        progress(&said);
    }
    merged::carry_out(&batch, claims, &mut report).await?;
    batch.finish(&report).await?;
    Ok(report)
}

/// The first walk: hashes of what there is, 16 bytes each.
fn learn(
    plan: &Plan<'_>,
    said: &mut Progress,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Index, ImportError> {
    let mut index = Index::default();
    said.bytes_total = plan.inputs.iter().map(|input| input.bytes).sum();
    for input in &plan.inputs {
        said.file.clone_from(&input.name);
        let base = said.bytes;
        for (n, line) in (plan.read)(input)?.enumerate() {
            let line = line.map_err(|error| input.failed(error))?;
            if let Ok((head, _)) = &line.result {
                index.add(head);
            }
            if n % 1000 == 0 {
                said.bytes = base + line.end;
                progress(said);
            }
        }
        said.bytes = base + input.bytes;
        progress(said);
    }
    Ok(index)
}

fn note_reject(report: &mut Report, file: &str, line: u64, resource_type: &str, problem: &Reject) {
    report.note(Finding::of(Outcome::Reject, file, line, resource_type, problem));
}

fn take(
    batch: &mut Batch<'_>,
    report: &mut Report,
    seen: &mut Seen,
    file: &Arc<str>,
    line: u64,
    head: Head,
    resource: Resource,
) {
    let resource_type = resource.resource_type().to_owned();
    if !seen.first(head.key) {
        let problem = Reject {
            field: format!("{resource_type}.id"),
            reason: "stands in these files a second time: the first is taken".into(),
        };
        return note_reject(report, file, line, &resource_type, &problem);
    }
    for warning in resource.warnings() {
        report.note(Finding::of(Outcome::Warn, file, line, &resource_type, warning));
    }
    batch.push(file, line, head, resource);
}
