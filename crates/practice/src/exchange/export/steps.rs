//! In which order the parts of an archive are made. What each step holds is read in the order of ids, which grow
//! with time, up to the moment at which the making began; so a step that was cut short goes on behind the last id
//! that stands in a part, and comes to the same.

use std::fmt::Write as _;
use std::str::FromStr;

use store::StoreError;

/// One kind of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `Patient.NNN.ndjson`, `csv/patients.NNN.csv`, `list/NNN.html`.
    Patients,
    /// `Flag.NNN.ndjson`.
    Alerts,
    /// `Type.NNN.ndjson` and `csv/Type.NNN.csv`, of the entries of this FHIR type.
    Entries(String),
    /// `Type.NNN.ndjson`, of what belongs to no patient.
    Kept(String),
    /// `csv/team.NNN.csv`.
    Team,
    /// `pages/NNN.tar`: a page for each patient, with the files of their documents.
    Pages,
    /// `audit/NNN.ndjson`.
    Audit,
    /// `index.html`.
    Index,
    /// The manifest, its signature, and the page for whoever finds the archive.
    Close,
}

impl Step {
    fn write(&self, to: &mut String) {
        let _ = match self {
            Self::Patients => write!(to, "patients"),
            Self::Alerts => write!(to, "alerts"),
            Self::Entries(kind) => write!(to, "entries:{kind}"),
            Self::Kept(kind) => write!(to, "kept:{kind}"),
            Self::Team => write!(to, "team"),
            Self::Pages => write!(to, "pages"),
            Self::Audit => write!(to, "audit"),
            Self::Index => write!(to, "index"),
            Self::Close => write!(to, "close"),
        };
    }
}

impl FromStr for Step {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        Ok(match text.split_once(':') {
            Some(("entries", kind)) => Self::Entries(kind.to_owned()),
            Some(("kept", kind)) => Self::Kept(kind.to_owned()),
            Some(_) => return Err(StoreError::Unreadable { what: "step of an export" }),
            None => match text {
                "patients" => Self::Patients,
                "alerts" => Self::Alerts,
                "team" => Self::Team,
                "pages" => Self::Pages,
                "audit" => Self::Audit,
                "index" => Self::Index,
                "close" => Self::Close,
                _ => return Err(StoreError::Unreadable { what: "step of an export" }),
            },
        })
    }
}

/// All steps of an export, as its row keeps them. `entries` and `kept` are types of FHIR.
pub(super) fn plan(entries: &[String], kept: &[String]) -> String {
    let entries = entries.iter().cloned().map(Step::Entries);
    let kept = kept.iter().cloned().map(Step::Kept);
    let steps = [Step::Patients, Step::Alerts].into_iter().chain(entries).chain(kept);
    let mut text = String::new();
    for step in steps.chain([Step::Team, Step::Pages, Step::Audit, Step::Index, Step::Close]) {
        if !text.is_empty() {
            text.push(',');
        }
        step.write(&mut text);
    }
    text
}

/// The step of this number.
pub(super) fn step(plan: &str, number: i32) -> Result<Step, StoreError> {
    let at = usize::try_from(number).map_err(|_| StoreError::Unreadable { what: "step of an export" })?;
    plan.split(',').nth(at).ok_or(StoreError::Unreadable { what: "step of an export" })?.parse()
}
