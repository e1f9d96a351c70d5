//! What is known of an import, in words.

use practice::exchange::csv::MappingProblem;
use practice::exchange::fhir::{Counts, Outcome};
use practice::exchange::uploads::reads::RunLine;
use practice::exchange::uploads::{FileKind, NotAFile, Upload, UploadError, UploadState};

use crate::errors::PageError;
use crate::text::{list, say, say_with, size};
use crate::views::Errors;
use crate::views::imports::Fact;

/// The names of the files of an upload.
pub(super) fn what(upload: &Upload) -> String {
    let names: Vec<&str> = upload.files.iter().map(|file| file.name.as_str()).filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        [] => say("import-no-name"),
        [one] => (*one).to_owned(),
        [one, more @ ..] => say_with("import-and-more", &[("name", one), ("count", &more.len())]),
    }
}

/// A kind of files.
pub(super) fn kind(kind: FileKind) -> String {
    say(match kind {
        FileKind::Fhir => "import-kind-fhir",
        FileKind::Csv => "import-kind-csv",
        FileKind::Vcard => "import-kind-vcard",
    })
}

/// Where an import is, and whether that needs somebody.
pub(super) fn state(upload: Option<&Upload>, run: Option<&RunLine>, paused: bool) -> (String, bool) {
    let (key, caution) = match (run.map(|run| run.state.as_str()), upload.map(Upload::stands)) {
        (Some("undone"), Some(UploadState::Brought | UploadState::Cancelled | UploadState::Expired) | None) => {
            ("import-state-undone", false)
        }
        (Some("undoing"), _) => ("import-state-undoing", false),
        (_, Some(state)) if state.is_under_way() && paused => ("import-state-paused", true),
        (_, Some(UploadState::Ready)) => ("import-state-ready", false),
        (_, Some(UploadState::Checking)) => ("import-state-checking", false),
        (_, Some(UploadState::Checked)) => ("import-state-checked", false),
        (_, Some(UploadState::Bringing)) => ("import-state-bringing", false),
        (_, Some(UploadState::Brought)) | (Some("finished"), None) => ("import-state-brought", false),
        (_, Some(UploadState::Cancelled)) => ("import-state-cancelled", true),
        (_, Some(UploadState::Failed)) => ("import-state-failed", true),
        (_, Some(UploadState::Expired | UploadState::Gone)) => ("import-state-expired", false),
        (_, Some(UploadState::Receiving)) => ("import-state-receiving", false),
        (_, None) => ("import-state-cut-short", true),
    };
    (say(key), caution)
}

/// What a run came to, in a line.
pub(super) fn run_counts(run: Option<&RunLine>) -> String {
    let Some(run) = run else { return String::new() };
    let said = |key: &str, count: i64| (count > 0).then(|| say_with(key, &[("count", &count)]));
    let parts = [
        said("import-added", run.added),
        said("import-matched", run.matched),
        said("import-skipped", run.skipped),
        said("import-rejected", run.rejected),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { say("import-nothing-yet") } else { list(parts.iter().map(String::as_str)) }
}

/// Counts of a report, each beside its word.
pub(super) fn facts(counts: Counts) -> Vec<Fact> {
    let of = |outcome: Outcome, count: u64| Fact { label: outcome_word(outcome), value: count.to_string() };
    vec![
        of(Outcome::Add, counts.add),
        of(Outcome::Match, counts.matched),
        of(Outcome::Skip, counts.skip),
        of(Outcome::Keep, counts.keep),
        of(Outcome::Warn, counts.warn),
        of(Outcome::Reject, counts.reject),
    ]
}

/// What happens to a line.
pub(super) fn outcome_word(outcome: Outcome) -> String {
    say(match outcome {
        Outcome::Add => "outcome-add",
        Outcome::Match => "outcome-match",
        Outcome::Skip => "outcome-skip",
        Outcome::Keep => "outcome-keep",
        Outcome::Warn => "outcome-warn",
        Outcome::Reject => "outcome-reject",
    })
}

/// What stopped a table, as its row says it.
pub(super) fn problem(code: &str) -> String {
    let mut parts = code.split(' ');
    let name = parts.next().unwrap_or_default();
    let mut number = || parts.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    match name {
        "dates" => {
            let (column, line) = (number(), number());
            say_with("columns-dates", &[("column", &column), ("line", &line)])
        }
        "genders" => say_with("columns-genders", &[("column", &number())]),
        "twice" => {
            let (first, second) = (number(), number());
            say_with("columns-twice", &[("first", &first), ("second", &second)])
        }
        "empty" | "first-row" => say("columns-unreadable"),
        "encoding" => say("columns-encoding"),
        "separator" => say("columns-separator"),
        "columns" => say("columns-other"),
        "no-name" => say("columns-no-name"),
        _ => say("import-gave-up"),
    }
}

/// What is wrong with how a table is read: beside which field, and in words.
pub(super) fn mapping_problem(problem: &MappingProblem) -> (String, String) {
    let column = |at: usize| format!("column-{}", at.saturating_sub(1));
    match problem {
        MappingProblem::Empty | MappingProblem::FirstRow(_) => (String::new(), say("columns-unreadable")),
        MappingProblem::TooManyColumns | MappingProblem::Columns { .. } | MappingProblem::Name(_) => {
            (String::new(), say("columns-other"))
        }
        MappingProblem::Encoding => ("encoding".to_owned(), say("columns-encoding")),
        MappingProblem::Separator => ("separator".to_owned(), say("columns-separator")),
        MappingProblem::NoName => (column(1), say("columns-no-name")),
        MappingProblem::Twice { first, second, .. } => {
            (column(*second), say_with("columns-twice", &[("first", first), ("second", second)]))
        }
        MappingProblem::DateOrder { column, line } => {
            ("dates".to_owned(), say_with("columns-dates", &[("column", column), ("line", line)]))
        }
        MappingProblem::Genders { column } => {
            ("genders".to_owned(), say_with("columns-genders", &[("column", column)]))
        }
    }
}

/// Why something was not taken or not done, beside its field.
pub(super) fn refused(error: UploadError) -> Result<Errors, PageError> {
    let (field, words) = match error {
        UploadError::Nothing => ("files", say("upload-nothing")),
        UploadError::TooMany => {
            ("files", say_with("upload-too-many", &[("most", &practice::exchange::uploads::FILES_MAX)]))
        }
        UploadError::TooLarge { bytes_max, name } => {
            ("files", say_with("upload-too-large", &[("name", &name), ("size", &size(bytes_max))]))
        }
        UploadError::Full { bytes_max } => ("files", say_with("upload-full", &[("size", &size(bytes_max))])),
        UploadError::NotAFile { what, name } => {
            let key = match what {
                NotAFile::Empty => "upload-empty",
                NotAFile::Pdf => "upload-pdf",
                NotAFile::Spreadsheet => "upload-spreadsheet",
                NotAFile::Packed => "upload-packed",
                NotAFile::NoText => "upload-no-text",
            };
            ("files", say_with(key, &[("name", &name)]))
        }
        UploadError::NotTogether => ("files", say("upload-not-together")),
        UploadError::NotNow => ("", say("import-not-now")),
        UploadError::Running => ("", say("import-running")),
        UploadError::Mapping(MappingProblem::NoName) => ("", say("import-columns-first")),
        UploadError::Mapping(problem) => ("", mapping_problem(&problem).1),
        UploadError::Source => ("source", say("import-source-wrong")),
        UploadError::Named => ("named", say("import-named-wrong")),
        UploadError::Store(error) => return Err(error.into()),
    };
    let mut errors = Errors::none();
    errors.add(field, words);
    Ok(errors)
}
