//! What a practice's people see, and what they do not, on real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod bad_input;
mod desk;
mod export;
mod export_merged;
mod import;
mod import_again;
mod isolation;
mod kept;
mod kept_inputs;
mod long;
mod merging;
mod patients;
mod tables;
mod taken_back;
mod timeline;
mod uploads;
mod who_saw_what;
