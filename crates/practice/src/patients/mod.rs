//! Patients: whom the practice serves. Create, find, open, edit; their identifiers and alerts;
//! the entries of their record.
//!
//! `timeline` is the list of a record's entries; `chart` puts its measurements into series;
//! `clinical` writes in it by hand. `alike` says who else somebody may be, and `merging` makes one person's
//! records one, and two again.
//!
//! `model` is what is known of a patient, typed; `identifiers` the numbers that others gave them;
//! `rows` the tables; `actions` what can be done; `search` understands the one search box; `reads` and
//! `writes` do it, and hold the only SQL.

pub mod actions;
pub mod alike;
pub mod chart;
pub mod clinical;
pub mod identifiers;
pub mod merging;
pub mod model;
pub mod reads;
pub mod rows;
pub mod search;
pub mod standing;
pub mod timeline;
pub mod writes;
