//! Patients: whom the practice serves. Create, find, open, edit; their identifiers and alerts;
//! the entries of their record.
//!
//! `timeline` is the list of a record's entries; `chart` puts its measurements into series.
//!
//! `model` is what is known of a patient, typed; `identifiers` the numbers that others gave them;
//! `rows` the tables; `actions` what can be done; `search` understands the one search box; `reads` and
//! `writes` do it, and hold the only SQL.

pub mod actions;
pub mod chart;
pub mod identifiers;
pub mod model;
pub mod reads;
pub mod rows;
pub mod search;
pub mod timeline;
pub mod writes;
