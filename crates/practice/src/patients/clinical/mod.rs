//! Writing in a record by hand: allergies, medication, problems, immunisations, measurements; and ending or
//! taking back what stands there. Nothing is ever deleted.
//!
//! What is written becomes a FHIR resource, and the readable parts are read from it by the reader that an
//! import uses: the two cannot say different things. `forms` is what is typed, `resource` the resources,
//! `reads` and `writes` the only SQL.

pub mod forms;
pub mod reads;
mod resource;
pub mod writes;

pub use resource::{Change, Draft, Ending};

#[cfg(test)]
mod tests;
