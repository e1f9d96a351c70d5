//! Programs that a practice has let in over its API.

pub mod token;
