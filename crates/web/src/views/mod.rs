//! What each page shows, as plain data. A handler fills a view; its template in `templates/` turns
//! it into HTML and nothing else: no view reads a database, asks a clock or decides a permission.
//!
//! Rules that hold for every view:
//! - A form that changes something carries a [`Guard`]: the hidden fields `csrf` and `once`.
//! - A form's fields are named in the documentation of its view; what was typed comes back in it.
//! - Refused input answers 422 with the same view and its [`Errors`], in the order of the fields.
//! - Texts come from [`crate::text`]; names, notes and addresses of people come from the record.

pub mod account;
pub mod audit;
pub mod chart;
pub mod confirm;
pub mod connections;
pub mod details;
pub mod door;
pub mod exports;
pub mod fault;
pub mod form;
pub mod imports;
pub mod merging;
pub mod patient;
pub mod patients;
pub mod record;
pub mod shell;
pub mod standing;
pub mod team;
pub mod today;
pub mod when;
pub mod words;
pub mod write;

#[cfg(test)]
mod gallery;

pub use form::{Choice, Errors, Guard};
pub use shell::{Notice, Pager, PracticeChoice, Room, Rooms, Shell};
pub use when::{Day, Moment};
