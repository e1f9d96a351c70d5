//! Which column becomes what, as somebody decided it. Kept for the next file with the same columns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rows::COLUMNS_MAX;
use super::target::{Field, Target};
use crate::patients::model::{DateOrder, Gender};

/// A column of the file and where it goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the file; empty where it has none.
    #[serde(default)]
    pub name: String,
    /// Where it goes.
    pub to: Target,
}

/// How a table is read. This is the form of a mapping file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The encoding, by a name of the Encoding Standard; found from the file where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What stands between cells: `,` `;` `|` or a tab; found from the file where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// Whether the first row has the names of the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// The order of day, month and year in the birth dates. Asked, never guessed: 03/04/1980 is two days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// What words of the gender column mean, where they are not in a list of our own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub genders: BTreeMap<String, Gender>,
    /// The columns, in the order of the file.
    pub columns: Vec<Column>,
}

crate::patients::model::personal!(Column, Mapping);

const fn yes() -> bool {
    true
}

/// The separators that are looked for.
pub const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// Why a table cannot be read with a mapping. Says what to do; holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingProblem {
    /// Nothing in the file.
    #[error("there is no row in this file")]
    Empty,
    /// There is no telling what the columns are.
    #[error("the first row of this file cannot be read: it {0}")]
    FirstRow(&'static str),
    /// More columns than a table may have.
    #[error("this mapping has more than 1000 columns: export only those that are needed")]
    TooManyColumns,
    /// The encoding's name is not known.
    #[error("\"encoding\" is not the name of an encoding: write utf-8, utf-16le or windows-1252, say")]
    Encoding,
    /// The separator is none of ours.
    #[error("\"separator\" must be a comma, a semicolon, a tab or |")]
    Separator,
    /// The mapping is of another file.
    #[error("the mapping names {mapped} columns, and the file has {found}: this mapping belongs to another file")]
    Columns {
        /// Columns of the mapping.
        mapped: usize,
        /// Columns of the file.
        found: usize,
    },
    /// A column has another name.
    #[error("column {0} has another name in the mapping than in the file: this mapping belongs to another file")]
    Name(usize),
    /// No column says who a patient is.
    #[error("no column goes to a name: choose at least the family name, the given name or the whole name")]
    NoName,
    /// Two columns for what there is one of.
    #[error("columns {first} and {second} both go to {label}: choose one of them, and keep or leave out the other")]
    Twice {
        /// One.
        first: usize,
        /// The other.
        second: usize,
        /// What they go to.
        label: &'static str,
    },
    /// The order of dates must be asked.
    #[error(
        "column {column} has birth dates whose order of day and month cannot be known, such as the one in line {line}: \
         say which it is: day first, month first or year first (\"dates\": \"dmy\", \"mdy\" or \"ymd\" in a mapping file)"
    )]
    DateOrder {
        /// Which column.
        column: usize,
        /// Where one stands.
        line: u64,
    },
    /// `H` is a man in some languages, and `M` is then often a woman.
    #[error(
        "column {column} says H for a gender, so M may be a man or a woman: say what both mean \
         (\"genders\": {{\"H\": \"male\", \"M\": \"female\"}} in a mapping file, say)"
    )]
    Genders {
        /// Which column.
        column: usize,
    },
}

impl Mapping {
    /// What is wrong with it by itself.
    ///
    /// # Errors
    /// The first thing that must be decided otherwise.
    pub fn check(&self) -> Result<(), MappingProblem> {
        if self.columns.len() > COLUMNS_MAX {
            return Err(MappingProblem::TooManyColumns);
        }
        if self.separator.is_some_and(|separator| !SEPARATORS.contains(&separator)) {
            return Err(MappingProblem::Separator);
        }
        for (at, column) in self.columns.iter().enumerate().filter(|(_, column)| !column.to.takes_several()) {
            if let Some(before) = self.columns.iter().take(at).position(|other| other.to == column.to) {
                let label = column.to.label();
                return Err(MappingProblem::Twice { first: before + 1, second: at + 1, label });
            }
        }
        let names = [Field::WholeName, Field::Family, Field::Given];
        let is_name = |column: &Column| names.iter().any(|field| column.to == Target::Field(*field));
        if self.columns.iter().any(is_name) { Ok(()) } else { Err(MappingProblem::NoName) }
    }

    /// The column that goes to a field, counted from 0.
    #[must_use]
    pub fn column_of(&self, field: Field) -> Option<usize> {
        self.columns.iter().position(|column| column.to == Target::Field(field))
    }

    /// Whether a row can be known again when the file comes in a second time with changes.
    #[must_use]
    pub fn knows_again(&self) -> bool {
        self.column_of(Field::RecordId).is_some()
    }
}
