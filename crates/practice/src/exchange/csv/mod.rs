//! Reading tables (CSV), which is what most small practices can get out of their old system. Pure: bytes
//! and a mapping in, typed patients or reasons out; nothing here knows a database.
//!
//! How a row becomes a patient: `text` finds the encoding and reads the file as UTF-8 → `rows` cuts it
//! into rows of cells, with a limit on each → `guess` proposes where each column goes → somebody decides
//! it ([`Mapping`]) → `row` puts the cells there → what comes out is what a line of FHIR gives
//! ([`super::fhir::Line`]), so the rest of an import is the same.
//!
//! A cell is text and nothing else: what looks like a formula stays the text it is.

mod guess;
mod mapping;
mod row;
mod rows;
mod table;
mod target;
mod text;

use std::io::{self, BufRead};

use encoding_rs::Encoding;

pub(in crate::exchange) use guess::folded;
pub use mapping::{Column, Mapping, MappingProblem, SEPARATORS};
pub use rows::{COLUMNS_MAX, ROW_BYTES_MAX, Row, Rows};
pub use table::{Aside, Table, survey};
pub use target::{Field, Target};
pub use text::{Finder, Utf8, encoding_of};

use crate::patients::model::DateOrder;

/// Rows that are looked at to find separator, header and targets.
const LOOK_ROWS: usize = 50;
/// Bytes in which they must stand: no look takes longer for a larger file.
pub const LOOK_BYTES: u64 = 2 * 1024 * 1024;
/// Rows of a preview.
pub const PREVIEW_ROWS: usize = 20;

/// What a file looks like before anybody has decided anything.
pub struct Look {
    /// Its encoding.
    pub encoding: &'static Encoding,
    /// What stands between its cells.
    pub separator: char,
    /// The names of its columns; empty where the first row is a patient.
    pub names: Vec<String>,
    /// Its first rows, behind the names.
    pub rows: Vec<Vec<String>>,
    /// Whether birth dates are among them whose order must be asked.
    pub asks_order: bool,
}

/// What is said of a file before it is looked at; the rest is found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    /// Its encoding.
    pub encoding: Option<&'static Encoding>,
    /// What stands between its cells.
    pub separator: Option<char>,
    /// Whether the first row has the names of the columns.
    pub header: Option<bool>,
}

impl Said {
    /// What a mapping says.
    ///
    /// # Errors
    /// A name of an encoding or a separator that there is not.
    pub fn by(mapping: &Mapping) -> Result<Self, MappingProblem> {
        let encoding = match &mapping.encoding {
            None => None,
            Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or(MappingProblem::Encoding)?),
        };
        Ok(Self { encoding, separator: mapping.separator, header: Some(mapping.header) })
    }
}

/// Looks at a file, which is opened as often as needed.
///
/// # Errors
/// The file cannot be read; or it is no table.
pub fn look<R: BufRead>(open: impl Fn() -> io::Result<R>, said: Said) -> io::Result<Result<Look, MappingProblem>> {
    let encoding = match said.encoding {
        Some(encoding) => encoding,
        None => encoding_of(open()?)?,
    };
    let separator = match said.separator {
        Some(separator) => separator,
        None => separator_of(&open, encoding)?,
    };
    let mut looked = Vec::new();
    for row in first_rows(&open, encoding, separator)? {
        match row {
            Row::Cells(cells) => looked.push(cells),
            Row::Bad(reason) if looked.is_empty() => return Ok(Err(MappingProblem::FirstRow(reason))),
            Row::Bad(_) => {}
        }
    }
    if looked.is_empty() {
        return Ok(Err(MappingProblem::Empty));
    }
    let first = looked.remove(0);
    let names = if said.header.unwrap_or_else(|| guess::is_header(&first, &looked)) {
        first
    } else {
        looked.insert(0, first);
        Vec::new()
    };
    let mut look = Look { encoding, separator, names, rows: looked, asks_order: false };
    let birth = look.proposed().column_of(Field::BirthDate);
    let ambiguous = |row: &Vec<String>| birth.and_then(|at| row.get(at)).is_some_and(|cell| row::is_ambiguous(cell));
    look.asks_order = look.rows.iter().any(ambiguous);
    Ok(Ok(look))
}

impl Look {
    /// What the columns most likely are.
    #[must_use]
    pub fn proposed(&self) -> Mapping {
        let targets = guess::targets(&self.names, &self.rows);
        let name = |at: usize| self.names.get(at).map(|name| name.trim().to_owned()).unwrap_or_default();
        let columns = targets.into_iter().enumerate().map(|(at, to)| Column { name: name(at), to }).collect();
        Mapping {
            encoding: Some(self.encoding.name().to_ascii_lowercase()),
            separator: Some(self.separator),
            header: !self.names.is_empty(),
            dates: None,
            genders: std::collections::BTreeMap::new(),
            columns,
        }
    }

    /// Whether a mapping is of this file: as many columns, of the same names.
    ///
    /// # Errors
    /// What is different.
    pub fn fits(&self, mapping: &Mapping) -> Result<(), MappingProblem> {
        let mapped = mapping.columns.len();
        let found = self.rows.iter().map(Vec::len).chain([self.names.len()]).max().unwrap_or(0);
        let same = if self.names.is_empty() { mapped >= found } else { mapped == self.names.len() };
        if !same {
            return Err(MappingProblem::Columns { mapped, found });
        }
        let other =
            self.names.iter().zip(&mapping.columns).position(|(name, column)| {
                !column.name.is_empty() && guess::folded(name) != guess::folded(&column.name)
            });
        other.map_or(Ok(()), |at| Err(MappingProblem::Name(at + 1)))
    }
}

pub(super) fn byte(separator: char) -> u8 {
    u8::try_from(separator).unwrap_or(b',')
}

/// The first rows, without one that is cut off where the look ends.
fn first_rows<R: BufRead>(
    open: &impl Fn() -> io::Result<R>,
    encoding: &'static Encoding,
    separator: char,
) -> io::Result<Vec<Row>> {
    let mut rows = Rows::new(Utf8::new(open()?.take(LOOK_BYTES), encoding), byte(separator));
    let mut found = Vec::new();
    while found.len() <= LOOK_ROWS
        && let Some(row) = rows.advance()?
    {
        found.push(row);
    }
    if (2..=LOOK_ROWS).contains(&found.len()) && rows.input().taken() == LOOK_BYTES {
        found.pop();
    }
    Ok(found)
}

/// The separator that cuts the first rows into the same number of cells, and into the most.
fn separator_of<R: BufRead>(open: &impl Fn() -> io::Result<R>, encoding: &'static Encoding) -> io::Result<char> {
    let mut best = (0, 0, ',');
    for separator in SEPARATORS {
        let rows = first_rows(open, encoding, separator)?;
        let cells = rows.iter().map_while(|row| if let Row::Cells(cells) = row { Some(cells.len()) } else { None });
        let widths: Vec<usize> = cells.collect();
        let of = |width: &usize| widths.iter().filter(|other| *other == width).count();
        let Some((alike, width)) = widths.iter().filter(|width| **width > 1).map(|width| (of(width), *width)).max()
        else {
            continue;
        };
        // In per cent, so that one odd row among many does not decide against the right one.
        let share = alike * 100 / widths.len().max(1);
        let found = (share / 10, width, separator);
        if (found.0, found.1) > (best.0, best.1) {
            best = found;
        }
    }
    Ok(best.2)
}

/// The orders in which a date may stand, for a question.
pub const ORDERS: [(DateOrder, &str); 3] = [
    (DateOrder::DayMonthYear, "Day first: 22/11/1980"),
    (DateOrder::MonthDayYear, "Month first: 11/22/1980"),
    (DateOrder::YearMonthDay, "Year first: 1980-11-22"),
];

#[cfg(test)]
mod tests;
