//! All names, numbers, addresses and languages of a patient, and the people around them.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::shell::Shell;
use super::when::Day;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// How a field of a row is typed.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A line.
    Text,
    /// A short line.
    Short,
    /// Several lines.
    Lines,
    /// One of these, or none.
    Choice(Vec<Choice>),
    /// A box, ticked or not.
    Box(bool),
}

/// A field of a row.
#[derive(Debug, Clone)]
pub struct RowField {
    /// Its name and id: `people-0-name`.
    pub name: String,
    /// The key of its label.
    pub label: &'static str,
    /// As typed.
    pub value: String,
    /// How it is typed.
    pub shape: Shape,
}

/// A row of a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its fields.
    pub fields: Vec<RowField>,
}

/// A list that can grow.
#[derive(Debug, Clone)]
pub struct List {
    /// Its code: what `more` sends.
    pub code: &'static str,
    /// The key of its heading.
    pub title: &'static str,
    /// The key of the button that adds a row.
    pub add: &'static str,
    /// Whether it has all the rows it can have.
    pub full: bool,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// `GET /patients/{id}/details`; also the answer to what was refused, and to "Add another".
///
/// Fields: `version` (hidden), `more` (the list that gets a row more), and for each row
/// `{list}-{row}-{field}`.
#[derive(Debug, Clone, Template)]
#[template(path = "patients/details.html")]
pub struct Details {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The patient's id.
    pub id: String,
    /// The patient's name.
    pub name: String,
    /// The birth date.
    pub birth: Option<Day>,
    /// The version that the form was made from.
    pub version: String,
    /// The lists.
    pub lists: Vec<List>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::text::say;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn details() -> Details {
        let field =
            |name: &str, label, value: &str, shape| RowField { name: name.into(), label, value: value.into(), shape };
        let relations = vec![Choice::new("guardian", say("relation-guardian"), true)];
        let people = vec![
            field("people-0-relation", "person-relation", "guardian", Shape::Choice(relations)),
            field("people-0-name", "field-name", "Nomsa Mokoena", Shape::Text),
            field("people-0-address", "patient-address", "14 Harbour Street", Shape::Lines),
            field("people-0-may_consent", "person-may-consent", "yes", Shape::Box(true)),
        ];
        let mut errors = Errors::none();
        errors.add("people-0-name", "Enter their name");
        Details {
            shell: shell(Room::Patients),
            guard: guard(),
            errors,
            id: "p".into(),
            name: "Lindiwe Mokoena".into(),
            birth: None,
            version: "3".into(),
            lists: vec![List {
                code: "people",
                title: "details-people",
                add: "details-add-person",
                full: false,
                rows: vec![Row { fields: people }],
            }],
        }
    }
}
