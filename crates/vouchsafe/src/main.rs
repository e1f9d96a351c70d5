//! The front door: the command line, and the wiring of the one program.

mod accounts;
mod application;
mod commands;
mod config;
mod doors;
mod failure;
mod job;
mod keys;
mod line;
mod logs;
mod machine;
mod mail;
mod place;
mod redirect;
mod servers;
mod supervise;
mod terminal;
mod up;
mod works;

use std::process::ExitCode;

use clap::Parser;

use failure::Failure;

/// A request asks for some hundreds of small pieces of memory and gives them back: with the system's own allocator that
/// was a sixth of what the program did (docs/bench.md).
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Started by itself, under another account (see job.rs).
    if std::env::args_os().nth(1).is_some_and(|word| word == job::WORD) {
        return job::received();
    }
    ended(line::Line::parse().perform())
}

/// Says why it ended, where it did not end well.
fn ended(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.exit_code();
            if !matches!(failure, Failure::SaidElsewhere) {
                terminal::complain(&failure.to_string());
            }
            code
        }
    }
}

/// The runtime of the whole program. What is awaited at its top runs on the main thread: children are
/// made there, whose lives are tied to the thread that made them.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::said(format!("cannot start: {error}")))
}
