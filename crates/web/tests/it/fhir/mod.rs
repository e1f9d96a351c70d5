//! The FHIR API, as a program meets it.

mod cursors;
mod faults;
mod hidden;
mod isolation;
mod merged;
mod patients;
mod program;
mod record;
mod said;
mod theirs;

pub(crate) use program::{MASKED, Program, WHOLE, bring_in, matched, next, numbered, somebody};
