//! Patients: whom the practice serves. Create, find, open, edit; their identifiers and alerts;
//! the entries of their record.
//!
//! `model` is what is known of a patient, typed; `identifiers` the numbers that others gave them.

pub mod identifiers;
pub mod model;
