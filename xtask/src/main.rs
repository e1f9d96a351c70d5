//! The workshop of the house: `cargo xtask up`, `prepare`, `test`, `bench`, `tidy`, `fuzz`.
//!
//! It uses no room of the house, so that it builds in seconds and cannot break with them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

mod bench;
mod fuzz;
mod prepare;
mod run;
mod test;
mod tidy;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    about = "Vouchsafe's workshop: everything a developer or an evaluator types"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what this system lacks (Debian and Ubuntu), build, and run a demonstration at <https://localhost:8443>
    Up(up::Options),
    /// Install what this system lacks, saying what and why; quick when nothing is missing
    Prepare(prepare::Options),
    /// Everything that CI runs: tidy, format, lints, tests, doc tests; with --long also kill loops and mutations
    Test(test::Options),
    /// Measure what a request costs, in an installation of its own (docs/bench.md); --quick takes some minutes
    #[command(disable_help_flag = true)]
    Bench(bench::Options),
    /// Check the rules of the tree that a compiler cannot: import edges, file sizes, SQL in its place, links ...
    Tidy,
    /// Give hostile bytes to whatever reads them (libFuzzer): ten million inputs for each target
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Up(options) => up::up(&options).map(|()| ExitCode::SUCCESS),
        Task::Prepare(options) => prepare::prepare(&options).map(|()| ExitCode::SUCCESS),
        Task::Test(options) => test::test(&options),
        Task::Bench(options) => bench::bench(&options).map(|()| ExitCode::SUCCESS),
        Task::Tidy => tidy::tidy().map(|()| ExitCode::SUCCESS),
        Task::Fuzz(options) => fuzz::fuzz(&options).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|why| {
        eprintln!("xtask: {why}");
        ExitCode::FAILURE
    })
}
