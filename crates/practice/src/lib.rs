//! The daily work of a practice, a slice each.

pub mod audit;
pub mod exchange;
pub mod patients;
