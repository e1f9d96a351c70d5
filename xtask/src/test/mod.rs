//! `cargo xtask test`: what CI runs, and what a developer runs before a commit.
//!
//! Every step runs even when one before it failed, so that one run tells everything. The last line is
//! `N passed, N failed, N skipped`: tests, where a step that is no test (format, lints, tidy) adds one to the
//! failed when it fails and nothing when it does not.

mod count;

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Args;

use crate::prepare::{self, Extent};
use crate::run::{self, Listen, Outcome};
use crate::{tidy, up};
use count::Count;

#[derive(Args)]
pub(crate) struct Options {
    /// Then also the long tests: kill loops, mutations, millions of rows (the ignored ones in modules `long`)
    #[arg(long)]
    long: bool,
    /// Given to nextest as it is (so `--long` comes before it), and then only the tests run:
    /// `cargo xtask test -p store a_forgotten_tenant`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    filter: Vec<String>,
}

/// What has happened so far.
#[derive(Default)]
struct Report {
    tests: Count,
    failed_steps: Vec<String>,
}

impl Report {
    /// A step that counts tests; failing without a failed test counts as one (it did not compile, for example).
    fn tests(&mut self, name: &str, work: impl FnOnce() -> Outcome<(Count, bool)>) {
        let done = run::step(name, || {
            let (mut count, good) = work()?;
            count.failed = if good { count.failed } else { count.failed.max(1) };
            self.tests += count;
            if count.failed == 0 { Ok(count) } else { Err(count.to_string()) }
        });
        if done.is_err() {
            self.failed_steps.push(name.to_owned());
        }
    }

    /// A step that is no test: failing, it counts as one failed.
    fn check(&mut self, name: &str, work: impl FnOnce() -> Outcome) {
        if run::step(name, work).is_err() {
            self.failed_steps.push(name.to_owned());
            self.tests.failed += 1;
        }
    }

    /// Prints what came out, the count as the very last line.
    fn close(&self, began: Instant) -> ExitCode {
        println!("\n{:.1} min in all", began.elapsed().as_secs_f64() / 60.0);
        if !self.failed_steps.is_empty() {
            println!("failed: {}", self.failed_steps.join(", "));
        }
        println!("{}", self.tests);
        if self.failed_steps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

pub(crate) fn test(options: &Options) -> Outcome<ExitCode> {
    let began = Instant::now();
    let root = run::root()?;
    let mut report = Report::default();
    run::step("prepare", || prepare::ensure(&root, Extent::Tests))?;
    if options.filter.is_empty() {
        report.check("tidy", || tidy::check(&root));
        report.check("format", || run::run(run::cargo(&root).args(["fmt", "--all", "--check"])));
        report.check("lints", || {
            let words = ["clippy", "--workspace", "--all-targets"];
            run::run(run::cargo(&root).args(words).args(locked()).args(["--", "-D", "warnings"]))
        });
    }
    report.tests("tests", || rust_tests(&root, "default", &[], &options.filter));
    if options.filter.is_empty() {
        report.tests("doc tests", || doc_tests(&root));
        let scripts = script_tests_of(&root);
        if !scripts.is_empty() {
            report.tests("script tests", || run_scripts(&root, &scripts));
        }
    }
    if options.long {
        report.tests("long tests", || rust_tests(&root, "long", &["--run-ignored", "only"], &options.filter));
    }
    Ok(report.close(began))
}

/// In CI the lock file is the truth; at a desk cargo may bring it up to date.
fn locked() -> &'static [&'static str] {
    if std::env::var_os("CI").is_some() { &["--locked"] } else { &[] }
}

fn rust_tests(root: &Path, profile: &str, ignored: &[&str], filter: &[String]) -> Outcome<(Count, bool)> {
    let mut command = run::cargo(root);
    // The browser tests are told which browser; without one they would have to guess.
    if let Some(browser) = prepare::browser() {
        command.env("CHROMIUM", browser);
    }
    if run::read(run::cargo(root).args(["nextest", "--version"])).is_none() {
        println!("cargo-nextest is not here (`cargo install --locked cargo-nextest`): cargo test does, more slowly");
        let harness: &[&str] = if ignored.is_empty() { &[] } else { &["--ignored", "long::"] };
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]).args(locked());
        command.args(filter).arg("--").args(harness);
        return libtest(&mut command);
    }
    command.args(["nextest", "run", "--profile", profile]).args(locked()).args(ignored);
    if !names_packages(filter) {
        command.arg("--workspace");
    }
    command.args(filter);
    if stderr().is_terminal() {
        command.args(["--color", "always"]);
    }
    counted(&mut command, Listen::Stderr, count::nextest)
}

/// Whether the filter says itself which packages are meant.
fn names_packages(filter: &[String]) -> bool {
    filter.iter().any(|word| word == "--package" || word.starts_with("-p") || word.starts_with("--package="))
}

fn doc_tests(root: &Path) -> Outcome<(Count, bool)> {
    libtest(run::cargo(root).args(["test", "--doc", "--workspace", "--quiet"]).args(locked()))
}

fn libtest(command: &mut Command) -> Outcome<(Count, bool)> {
    counted(command, Listen::Stdout, count::libtest)
}

/// Runs a test runner, passes on what it prints and adds up what `read` makes of it.
fn counted(command: &mut Command, listen: Listen, read: fn(&str) -> Option<Count>) -> Outcome<(Count, bool)> {
    let mut count = Count::default();
    let good = run::overhear(command, listen, |line| {
        match listen {
            Listen::Stdout => println!("{line}"),
            Listen::Stderr => eprintln!("{line}"),
        }
        count += read(line).unwrap_or_default();
    })?;
    Ok((count, good))
}

/// Tests of our own scripts are `assets/tests/*.test.mjs`, for node's test runner.
fn script_tests_of(root: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(root.join("assets/tests")).into_iter().flatten().flatten();
    files.map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect()
}

/// Such a test that wants a running house starts it itself: it is told where the program and the browser are.
fn run_scripts(root: &Path, tests: &[PathBuf]) -> Outcome<(Count, bool)> {
    // The packages that the tests were built with: others choose other features, and build everything again.
    let program = up::build(root, &["--workspace"])?;
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=tap"]).args(tests).current_dir(root).env("VOUCHSAFE", program);
    if let Some(browser) = prepare::browser() {
        command.env("CHROMIUM", browser);
    }
    counted(&mut command, Listen::Stdout, count::node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_without_a_failed_test_still_counts_as_one() {
        let mut report = Report::default();
        report.tests("does not compile", || Ok((Count::default(), false)));
        report.check("format", || Err("not formatted".to_owned()));
        report.tests("fine", || Ok((Count { passed: 2, failed: 0, skipped: 1 }, true)));
        assert_eq!(report.tests, Count { passed: 2, failed: 2, skipped: 1 });
        assert_eq!(report.failed_steps, ["does not compile", "format"]);
    }

    #[test]
    fn a_step_whose_tests_failed_keeps_their_number() {
        let mut report = Report::default();
        report.tests("tests", || Ok((Count { passed: 5, failed: 3, skipped: 0 }, false)));
        assert_eq!(report.tests.failed, 3);
    }
}
