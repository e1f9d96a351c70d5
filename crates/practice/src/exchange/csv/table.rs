//! A table as patients: its rows go where the mapping says.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use super::mapping::{Mapping, MappingProblem};
use super::row;
use super::rows::{Row, Rows};
use super::target::{Field, Target};
use super::text::Utf8;
use crate::exchange::fhir::{Finding, Line, Outcome, Reject, Report};
use crate::exchange::gathered;
use crate::patients::model::is_blank;

/// The longest name of a column that a report repeats.
const NAME_CHARS_MAX: usize = 60;

/// What was left out and what was kept without a field, by column: nothing disappears unseen.
#[derive(Debug, Default)]
pub struct Aside {
    cells: Mutex<HashMap<usize, u64>>,
}

impl Aside {
    fn note(&self, column: usize) {
        *self.cells.lock().unwrap_or_else(PoisonError::into_inner).entry(column).or_default() += 1;
    }

    /// Says in a report how much of which columns was not given a field.
    pub fn report(&self, file: &str, mapping: &Mapping, report: &mut Report) {
        let counts = std::mem::take(&mut *self.cells.lock().unwrap_or_else(PoisonError::into_inner));
        let mut counts: Vec<(usize, u64)> = counts.into_iter().collect();
        counts.sort_unstable();
        for (at, count) in counts {
            let Some(column) = mapping.columns.get(at) else { continue };
            let name: String = column.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
            let name = if is_blank(&name) { String::new() } else { format!(" \"{name}\"") };
            let done =
                if column.to == Target::Field(Field::Keep) { "kept sealed, without a field" } else { "left out" };
            let cells = if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            let reason = format!("{}{name} was {done}: {cells} with something in them", at + 1);
            report.note(Finding::plain(Outcome::Warn, file, 1, "column", &reason));
        }
    }
}

/// Reads a table row by row. Memory: one row.
pub struct Table<R> {
    file: Arc<str>,
    rows: Rows<Utf8<R>>,
    mapping: Arc<Mapping>,
    aside: Arc<Aside>,
    today: Date,
    begun: bool,
    /// What a row gave that is not yet taken: its patient, and the notes about them.
    waiting: std::vec::IntoIter<Line>,
}

impl<R: BufRead> Table<R> {
    /// A reader of rows, with what was put aside counted in `aside`.
    pub fn new(file: &str, rows: Rows<Utf8<R>>, mapping: Arc<Mapping>, aside: Arc<Aside>, today: Date) -> Self {
        Self { file: file.into(), rows, mapping, aside, today, begun: false, waiting: Vec::new().into_iter() }
    }

    fn read(&self, cells: &[String]) -> Vec<Line> {
        let found = self.resources(cells);
        gathered::lines(&self.file, self.rows.number(), self.rows.input().taken(), found).collect()
    }

    fn resources(&self, cells: &[String]) -> row::Found {
        let extra = cells.iter().skip(self.mapping.columns.len()).any(|cell| !is_blank(cell));
        if extra {
            // Somewhere a separator stands in a cell: from there on every cell is in a wrong column.
            let reason = format!("has {} cells where there are {} columns", cells.len(), self.mapping.columns.len());
            return vec![Err(Reject { field: "line".to_owned(), reason: reason.into() })];
        }
        let found = row::patient(cells, &self.mapping, self.today);
        if found.first().is_some_and(Result::is_ok) {
            for (at, column) in self.mapping.columns.iter().enumerate() {
                let aside = matches!(column.to, Target::Field(Field::LeaveOut | Field::Keep));
                if aside && cells.get(at).is_some_and(|cell| !is_blank(cell)) {
                    self.aside.note(at);
                }
            }
        }
        found
    }
}

impl<R: BufRead> Iterator for Table<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.waiting.next() {
                return Some(Ok(line));
            }
            let row = match self.rows.advance() {
                Err(error) => return Some(Err(error)),
                Ok(row) => row?,
            };
            let header = !std::mem::replace(&mut self.begun, true) && self.mapping.header;
            let lines = match row {
                Row::Cells(_) if header => continue,
                Row::Cells(cells) if cells.iter().all(|cell| is_blank(cell)) => continue,
                Row::Cells(cells) => self.read(&cells),
                Row::Bad(reason) => {
                    let problem = Reject { field: "line".to_owned(), reason: reason.into() };
                    let (number, end) = (self.rows.number(), self.rows.input().taken());
                    gathered::lines(&self.file, number, end, vec![Err(problem)]).collect()
                }
            };
            self.waiting = lines.into_iter();
        }
    }
}

/// Reads a table once through for what must be asked before it can be read: the order of its dates, and
/// what its words for a gender mean.
///
/// # Errors
/// The file cannot be read, or the first thing to ask.
pub fn survey<R: BufRead>(mut rows: Rows<Utf8<R>>, mapping: &Mapping) -> io::Result<Result<(), MappingProblem>> {
    let birth = mapping.column_of(Field::BirthDate).filter(|_| mapping.dates.is_none());
    let gender = mapping.column_of(Field::Gender).filter(|_| mapping.genders.is_empty());
    if birth.is_none() && gender.is_none() {
        return Ok(Ok(()));
    }
    let mut first = mapping.header;
    while let Some(row) = rows.advance()? {
        let header = std::mem::replace(&mut first, false);
        let Row::Cells(cells) = row else { continue };
        if header {
            continue;
        }
        if let Some(at) = birth.filter(|at| cells.get(*at).is_some_and(|cell| row::is_ambiguous(cell))) {
            return Ok(Err(MappingProblem::DateOrder { column: at + 1, line: rows.number() }));
        }
        if let Some(at) = gender.filter(|at| cells.get(*at).is_some_and(|cell| cell.trim().eq_ignore_ascii_case("h"))) {
            return Ok(Err(MappingProblem::Genders { column: at + 1 }));
        }
    }
    Ok(Ok(()))
}
