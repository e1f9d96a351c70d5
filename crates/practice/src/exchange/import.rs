//! Bringing a folder of FHIR NDJSON in: a first pass learns which resources there are and what points
//! to what, a second writes them in batches. Each batch is one transaction with an event for each
//! patient it touches; what a source became is remembered under a blind token, so the same files
//! brought in twice change nothing. A run that was cut short is finished by the next over the same
//! files: it reads them from the start and passes over what is done. One practice, one import at a time.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use kernel::{ErrorKind, PracticeId};
use store::{Job, Store, StoreError};

use super::fhir::{Finding, Head, Index, Outcome, Reader, Reject, Report, Resource, Seen};
use super::writes::Batch;

/// How an import is to be done.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    /// A name for where the files come from. Ids of one source are never taken for those of another.
    pub source: String,
    /// Only say what would happen.
    pub dry_run: bool,
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
    #[error("{path} holds no .ndjson files: name the folder that a FHIR bulk export wrote")]
    Empty {
        /// The folder.
        path: String,
    },
    /// Another import into the practice is under way.
    #[error("another import into this practice is running: wait until it is done, then start this one")]
    Running,
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Empty { .. } => ErrorKind::Invalid,
            Self::Running => ErrorKind::Busy,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Resources written in one transaction.
const BATCH_RESOURCES: usize = 200;
/// Bytes of resources written in one transaction.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;

struct InputFile {
    path: PathBuf,
    name: String,
    bytes: u64,
}

/// Patients first, so that whatever is about them finds them.
fn input_files(folder: &Path) -> Result<Vec<InputFile>, ImportError> {
    let failed = |error| ImportError::File { path: folder.display().to_string(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let meta = entry.metadata().map_err(failed)?;
        if meta.is_file() && name.ends_with(".ndjson") {
            files.push(InputFile { path: entry.path(), name, bytes: meta.len() });
        }
    }
    if files.is_empty() {
        return Err(ImportError::Empty { path: folder.display().to_string() });
    }
    files.sort_by(|a, b| (!a.name.starts_with("Patient"), &a.name).cmp(&(!b.name.starts_with("Patient"), &b.name)));
    Ok(files)
}

fn open(file: &InputFile) -> Result<BufReader<File>, ImportError> {
    File::open(&file.path)
        .map(|f| BufReader::with_capacity(256 * 1024, f))
        .map_err(|error| ImportError::File { path: file.path.display().to_string(), error })
}

/// Brings a folder of FHIR R4 NDJSON into a practice, or says what would happen.
pub async fn import_folder(
    store: &Store,
    practice: PracticeId,
    folder: &Path,
    settings: &ImportSettings,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, ImportError> {
    let actor = store.machine(Job::Import, practice).await?;
    let files = input_files(folder)?;
    let bytes_total = files.iter().map(|file| file.bytes).sum();
    let today = store.clock().now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap_or(Date::MAX);
    // A dry run changes nothing, so it need not wait.
    let turn =
        if settings.dry_run { None } else { Some(store.import_turn(practice).await?.ok_or(ImportError::Running)?) };
    let mut said = Progress { learning: true, file: String::new(), bytes: 0, bytes_total, resources: 0 };
    let index = learn(&files, today, &mut said, progress)?;
    said = Progress { learning: false, bytes: 0, resources: 0, ..said };
    let mut report = Report::default();
    let mut seen = Seen::default();
    let run = super::writes::begin_run(store, &actor, settings, &names(&files)).await?;
    let mut batch = Batch::new(store, &actor, settings, &index, run, turn);
    for file in &files {
        said.file.clone_from(&file.name);
        let base = said.bytes;
        let mut taken = 0;
        for line in Reader::new(&file.name, open(file)?, today) {
            let line = line.map_err(|error| ImportError::File { path: file.path.display().to_string(), error })?;
            taken = line.end;
            match line.result {
                Err(problem) => note_reject(&mut report, &line.file, line.number, "", &problem),
                Ok((head, resource)) => {
                    take(&mut batch, &mut report, &mut seen, &line.file, line.number, head, resource);
                }
            }
            if batch.len() >= BATCH_RESOURCES || line.end - batch.from >= BATCH_BYTES {
                batch.write(&mut report).await?;
                batch.from = line.end;
                said.bytes = base + line.end;
                said.resources = u64::try_from(seen.count()).unwrap_or(u64::MAX);
                progress(&said);
            }
        }
        batch.write(&mut report).await?;
        batch.from = 0;
        said.bytes = base + taken.max(file.bytes);
        progress(&said);
    }
    batch.finish(&report).await?;
    Ok(report)
}

fn names(files: &[InputFile]) -> Vec<(String, u64)> {
    files.iter().map(|file| (file.name.clone(), file.bytes)).collect()
}

/// The first pass: hashes of what there is, 16 bytes each.
fn learn(
    files: &[InputFile],
    today: Date,
    said: &mut Progress,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Index, ImportError> {
    let mut index = Index::default();
    for file in files {
        said.file.clone_from(&file.name);
        let base = said.bytes;
        for (n, line) in Reader::new(&file.name, open(file)?, today).enumerate() {
            let line = line.map_err(|error| ImportError::File { path: file.path.display().to_string(), error })?;
            if let Ok((head, _)) = &line.result {
                index.add(head);
            }
            if n % 1000 == 0 {
                said.bytes = base + line.end;
                progress(said);
            }
        }
        said.bytes = base + file.bytes;
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
    file: &std::sync::Arc<str>,
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
