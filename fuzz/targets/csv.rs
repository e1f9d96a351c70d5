//! libFuzzer on [`check::holds`].
#![no_main]

#[path = "../checks/csv.rs"]
mod check;
#[path = "../kept.rs"]
mod kept;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::holds(bytes));
