//! libFuzzer on [`check::holds`].
#![no_main]

#[path = "../checks/leaf.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::holds(bytes));
