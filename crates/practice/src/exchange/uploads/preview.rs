//! The first rows of a table as they would become patients. Pure: bytes and a mapping in.

use std::sync::Arc;

use encoding_rs::Encoding;
use jiff::civil::Date;

use super::Upload;
use crate::exchange::csv::{self, Look, Mapping, MappingProblem, PREVIEW_ROWS, Said, byte};
use crate::exchange::fhir::{PatientImport, Reject, Resource};
use crate::patients::model::is_blank;

/// Values of a column that are shown.
const SAMPLES: usize = 3;

/// A row as it would become a patient.
pub enum PreviewRow {
    /// A patient, and what is taken as it is although it looks wrong.
    Patient {
        /// The line at which the row begins.
        line: u64,
        /// The patient.
        patient: Box<PatientImport>,
        /// Notes about them that come along.
        notes: usize,
    },
    /// Why it is not taken.
    Refused {
        /// The line.
        line: u64,
        /// Why.
        problem: Reject,
    },
}

/// What a table looks like, by what has been said of it and what was found.
///
/// # Errors
/// It is no table.
pub fn look(upload: &Upload, beginning: &[u8], said: Said) -> Result<Look, MappingProblem> {
    // Of the whole file, as it was found while the file arrived: its beginning alone may say less.
    let found = upload.files.first().and_then(|file| Encoding::for_label(file.encoding.as_bytes()));
    let said = Said { encoding: said.encoding.or(found), ..said };
    csv::look(|| Ok(beginning), said).unwrap_or(Err(MappingProblem::Empty))
}

/// Some values of each column: the first that are not blank.
#[must_use]
pub fn samples(look: &Look) -> Vec<Vec<String>> {
    let columns = look.rows.iter().map(Vec::len).chain([look.names.len()]).max().unwrap_or(0);
    let of = |at: usize| {
        let cells = look.rows.iter().filter_map(|row| row.get(at)).filter(|cell| !is_blank(cell));
        cells.take(SAMPLES).cloned().collect()
    };
    (0..columns).map(of).collect()
}

/// The first rows by a mapping.
#[must_use]
pub fn rows(look: &Look, beginning: &[u8], mapping: &Mapping, today: Date) -> Vec<PreviewRow> {
    let rows = csv::Rows::new(csv::Utf8::new(beginning, look.encoding), byte(look.separator));
    let aside = Arc::new(csv::Aside::default());
    let mut shown: Vec<PreviewRow> = Vec::new();
    // A row that is cut off where the beginning ends is none of those: they are far before it.
    for line in csv::Table::new("", rows, Arc::new(mapping.clone()), aside, today).map_while(Result::ok) {
        match (line.result, shown.last_mut()) {
            (Ok((_, Resource::Patient(patient))), _) => {
                shown.push(PreviewRow::Patient { line: line.number, patient, notes: 0 });
            }
            (Ok(_), Some(PreviewRow::Patient { notes, .. })) => *notes += 1,
            (Ok(_), _) => {}
            (Err(problem), _) => shown.push(PreviewRow::Refused { line: line.number, problem }),
        }
        if shown.len() > PREVIEW_ROWS.min(look.rows.len()) {
            break;
        }
    }
    shown.truncate(PREVIEW_ROWS.min(look.rows.len()));
    shown
}
