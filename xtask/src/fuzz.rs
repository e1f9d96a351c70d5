//! `cargo xtask fuzz`: hostile bytes at whatever reads them, by libFuzzer.
//!
//! What must hold stands in `fuzz/checks`, a file for each target; what it begins with in `fuzz/seeds`, written
//! by hand; the inputs that then reached something new in `fuzz/corpus`, one on a line. Both are also replayed by the
//! ordinary tests, so that what was found once stays found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;

use crate::prepare::{self, Extent};
use crate::run::{self, Outcome};

#[derive(Args)]
pub(crate) struct Options {
    /// One target (a file of `fuzz/checks`, without its ending); otherwise all, one after the other
    target: Option<String>,
    /// How many inputs each target is given
    #[arg(long, default_value_t = 10_000_000)]
    runs: u64,
    /// Then keep in `fuzz/corpus` the inputs that reach what none there reaches
    #[arg(long)]
    keep: bool,
}

/// The longest input: what is longer takes longer and reaches nothing else. Limits of the readers lie far above it
/// and have tests of their own.
const INPUT_BYTES_MAX: u32 = 1536;

pub(crate) fn fuzz(options: &Options) -> Outcome {
    let root = run::root()?;
    prepare::ensure(&root, Extent::Tests)?;
    let known = targets(&root)?;
    let chosen: Vec<&String> = match &options.target {
        Some(name) => {
            vec![known.iter().find(|known| *known == name).ok_or(format!("targets are {}", known.join(", ")))?]
        }
        None => known.iter().collect(),
    };
    let programs = build(&root)?;
    let mut faulty = Vec::new();
    for target in chosen {
        println!("== {target}: {} inputs", options.runs);
        let given = Given::lay_out(&root, target)?;
        let found = folder(&root.join("target/fuzz/found"))?;
        let program = programs.join(target);
        let ran = Command::new(&program)
            .args([format!("-runs={}", options.runs), format!("-max_len={INPUT_BYTES_MAX}")])
            .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"])
            .arg(format!("-artifact_prefix={}/{target}-", found.display()))
            .args([&given.grown, &given.kept, &given.seeds])
            .status()
            .map_err(|error| format!("cannot start {target}: {error}"))?;
        if !ran.success() {
            faulty.push(format!("{target}: the input is in {}", found.display()));
        } else if options.keep {
            given.keep(&program)?;
        }
    }
    if faulty.is_empty() { Ok(()) } else { Err(format!("found: {}", faulty.join("; "))) }
}

/// Builds all targets; the folder they are in.
fn build(root: &Path) -> Outcome<PathBuf> {
    let (host, out) = (host()?, root.join("target/fuzz"));
    let mut build = run::cargo(&root.join("fuzz"));
    build
        .args(["build", "--release", "--locked", "--target", &host, "--target-dir"])
        .arg(&out)
        .env("RUSTC_WRAPPER", root.join("fuzz/rustc-watched"));
    run::run(&mut build)?;
    Ok(out.join(host).join("release"))
}

/// What a target begins with, as the folders of files that libFuzzer reads.
struct Given {
    /// Written by hand.
    seeds: PathBuf,
    /// Of `fuzz/corpus`, a file for each line.
    kept: PathBuf,
    /// What this run adds.
    grown: PathBuf,
    /// The file of `fuzz/corpus`.
    corpus: PathBuf,
}

impl Given {
    fn lay_out(root: &Path, target: &str) -> Outcome<Self> {
        let at = root.join("target/fuzz/inputs").join(target);
        let given = Self {
            seeds: root.join("fuzz/seeds").join(target),
            kept: folder(&at.join("kept"))?,
            grown: folder(&at.join("grown"))?,
            corpus: root.join("fuzz/corpus").join(format!("{target}.txt")),
        };
        let text = if given.corpus.exists() { read(&given.corpus)? } else { Vec::new() };
        for (n, line) in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
            let input = BASE64_STANDARD
                .decode(line)
                .map_err(|_| format!("line {} of {} is no base64", n + 1, given.corpus.display()))?;
            write(&given.kept.join(format!("{n:06}")), &input)?;
        }
        Ok(given)
    }

    /// Writes the fewest inputs into `fuzz/corpus` that together reach all that was reached, seeds left out.
    fn keep(&self, program: &Path) -> Outcome {
        let fewest = self.kept.with_file_name("fewest");
        if fewest.exists() {
            fs::remove_dir_all(&fewest).map_err(|error| format!("cannot empty {}: {error}", fewest.display()))?;
        }
        folder(&fewest)?;
        // Of what reaches the same, what comes first is taken: copies of the seeds go in beforehand.
        let seeds = files(&self.seeds)?;
        for seed in &seeds {
            write(&fewest.join(seed.file_name().unwrap_or_default()), &read(seed)?)?;
        }
        run::run(Command::new(program).args(["-merge=1", "-verbosity=0"]).args([&fewest, &self.kept, &self.grown]))?;
        let mut lines = Vec::new();
        for file in files(&fewest)? {
            if !seeds.iter().any(|seed| seed.file_name() == file.file_name()) {
                lines.push(BASE64_STANDARD.encode(read(&file)?) + "\n");
            }
        }
        lines.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        println!("{} inputs kept beside {} seeds", lines.len(), seeds.len());
        write(&self.corpus, lines.concat().as_bytes())
    }
}

fn folder(path: &Path) -> Outcome<PathBuf> {
    fs::create_dir_all(path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
    Ok(path.to_owned())
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

fn targets(root: &Path) -> Outcome<Vec<String>> {
    let checks = files(&root.join("fuzz/checks"))?;
    Ok(checks.iter().filter_map(|file| file.file_stem()?.to_str().map(str::to_owned)).collect())
}

/// The triple of this machine: naming it keeps the instrumentation out of build scripts and macros.
fn host() -> Outcome<String> {
    let said = run::read(Command::new("rustc").arg("-vV")).ok_or("cannot run rustc")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say its host".to_owned())
}
