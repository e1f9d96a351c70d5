//! The web server, over real HTTPS: a house of its own for each test, browsers that keep cookies and
//! send forms as browsers do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod account;
mod api;
mod browser;
mod door;
mod exports;
mod fhir;
mod forms;
mod headers;
mod imports;
mod isolation;
mod matrix;
mod merging;
mod passkeys;
mod patients;
mod server;
mod site;
mod team;
