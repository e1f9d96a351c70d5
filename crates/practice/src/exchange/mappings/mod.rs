//! The mappings that a practice has used, sealed: the next table with the same columns is read the same
//! way unless somebody says otherwise.

mod reads;
mod writes;

pub use reads::known_mapping;
pub(super) use writes::keep_mapping;

use super::csv::{Look, Mapping, folded};

/// The names of columns as one text, to make a blind token of. A table without names has no such text:
/// two tables of five columns need have nothing else in common.
fn columns_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.map(folded).collect();
    names.iter().any(|name| !name.is_empty()).then(|| names.join("\u{1f}"))
}

/// The columns of a table.
fn columns_of_look(look: &Look) -> Option<String> {
    columns_of(look.names.iter().map(String::as_str))
}

/// The columns that a mapping is of.
fn columns_of_mapping(mapping: &Mapping) -> Option<String> {
    columns_of(mapping.columns.iter().map(|column| column.name.as_str()))
}

/// The use of the tokens of columns.
const LABEL: &str = "import.columns";
