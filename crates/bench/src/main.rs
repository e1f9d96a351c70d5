//! Measures what a request costs, with every protection on: `cargo xtask bench` (docs/bench.md).
//!
//! [`run`] makes an installation with the program as it is shipped, [`load`] fills it through the ordinary
//! import, [`drive`] asks it over HTTPS from a process of its own, and [`floor`] does the same statements
//! without anything round them; [`large`] brings a whole practice in and takes it out. What they cost is read from `/proc` ([`cpu`]).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

mod client;
mod cpu;
mod drive;
mod floor;
mod installation;
mod large;
mod load;
mod patients;
mod report;
mod run;
mod work;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser};

/// Whatever went wrong: somebody at a terminal reads it.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures what a request costs.
#[derive(Parser)]
#[command(name = "bench", version)]
enum Line {
    /// Make an installation, fill it, ask it, and say what that cost
    Run(Options),
    /// Do a part of that as another account: for the program itself
    #[command(hide = true)]
    Work,
}

/// What is measured.
#[derive(Args, Clone)]
struct Options {
    /// The program, built for release
    #[arg(long)]
    program: PathBuf,
    /// Where the installations are made and removed again; other accounts must be able to pass through
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Write the figures here as JSON (its keys: docs/bench.md)
    #[arg(long)]
    json: Option<PathBuf>,
    /// Patients in the installation
    #[arg(long, default_value_t = 300_000)]
    patients: usize,
    /// Practices that they are spread over; 0 for the comparison alone
    #[arg(long, default_value_t = 100)]
    practices: usize,
    /// Seconds for which each figure is measured
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each figure is measured; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The same patients again over these numbers of practices, to compare, turn by turn; 0 for none
    #[arg(long, value_delimiter = ',', default_value = "1,1000")]
    spreads: Vec<usize>,
    /// Resources that come into one practice and go out of it, killed twice on the way in; 0 for none
    #[arg(long, default_value_t = 1_000_000)]
    large: usize,
    /// Measure these scenes only, and no floor: for a profile (docs/bench.md)
    #[arg(long, value_delimiter = ',')]
    only: Vec<drive::Scene>,
    /// Some minutes: fewer patients, fewer practices, shorter
    #[arg(long)]
    quick: bool,
}

impl Options {
    fn settled(mut self) -> Self {
        if self.quick {
            (self.patients, self.practices, self.seconds, self.runs) = (6_000, 20, 3, 1);
            (self.spreads, self.large) = (vec![1, 60], 24_000);
        }
        self.practices = self.practices.min(self.patients.max(1));
        self.spreads.retain(|spread| (1..=self.patients).contains(spread));
        self
    }
}

fn main() -> ExitCode {
    let done = match Line::parse() {
        Line::Run(options) => run::run(&options.settled()),
        Line::Work => work::received(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
