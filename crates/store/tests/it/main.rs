//! What the doors promise, tried from outside and from behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::items_after_statements,
    clippy::wildcard_imports,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod catalogue;
mod committer;
mod compile;
mod data_map;
mod doors;
mod explain;
mod imports;
mod keys;
mod leaves;
mod moved;
mod once;
mod smoke;
mod statements;
mod support;
mod walls;
mod work;
