//! The FHIR API, as a program meets it.

mod apart;
mod bulk;
mod cursors;
mod entries;
mod faults;
mod guesses;
mod hidden;
mod isolation;
mod merged;
mod patients;
mod program;
mod record;
mod restricted;
mod said;
mod scopes;
mod theirs;
mod trail;
mod versions;

pub(crate) use program::{MASKED, Program, WHOLE, bring_in, matched, next, numbered, somebody};
