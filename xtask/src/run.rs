//! Running other programs, and saying what is being done.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Every task ends well or with one sentence that says what went wrong.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The top folder of the repository: the parent of this crate's folder, wherever the command was typed.
pub(crate) fn root() -> Outcome<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("xtask"), PathBuf::from);
    let root = here.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    root.canonicalize().map_err(|error| format!("cannot find the repository at {}: {error}", root.display()))
}

/// The cargo that runs us, so that a `+toolchain` choice is kept.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command with our own terminal; anything but exit status 0 is an error that names it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", shown(command))) }
}

/// Runs a command and gives what it printed on standard output, or `None` when it cannot be run or fails.
pub(crate) fn read(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Which of a child's two streams to listen to.
#[derive(Clone, Copy)]
pub(crate) enum Listen {
    Stdout,
    Stderr,
}

/// Runs a command, handing each line of one of its streams to `heard` (which may print it). Says whether the
/// command succeeded.
pub(crate) fn overhear(command: &mut Command, listen: Listen, mut heard: impl FnMut(&str)) -> Outcome<bool> {
    match listen {
        Listen::Stdout => command.stdout(Stdio::piped()),
        Listen::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    match (listen, child.stdout.take(), child.stderr.take()) {
        (Listen::Stdout, Some(stream), _) => each_line(BufReader::new(stream), &mut heard),
        (Listen::Stderr, _, Some(stream)) => each_line(BufReader::new(stream), &mut heard),
        _ => Ok(()),
    }
    .map_err(|error| format!("cannot read what {} prints: {error}", shown(command)))?;
    let status = child.wait().map_err(|error| format!("lost sight of {}: {error}", shown(command)))?;
    Ok(status.success())
}

fn each_line(mut from: impl BufRead, heard: &mut impl FnMut(&str)) -> io::Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        heard(String::from_utf8_lossy(&line).trim_end_matches('\n'));
        line.clear();
    }
    Ok(())
}

/// The first folder of `PATH` that holds `program`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Prints the name of a step, runs it, prints how long it took and why it failed.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("\n== {name}");
    let began = Instant::now();
    let done = work();
    let seconds = began.elapsed().as_secs_f64();
    match &done {
        Ok(_) => println!("== {name}: done in {seconds:.1} s"),
        Err(why) => println!("== {name}: FAILED after {seconds:.1} s: {why}"),
    }
    done
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let why = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(why.contains("sh -c exit 3") && why.contains('3'), "{why}");
    }

    #[test]
    fn what_a_command_prints_is_heard_line_by_line_even_where_it_is_not_utf8() {
        let mut lines = Vec::new();
        let good = overhear(Command::new("printf").arg("one\\n\\377two"), Listen::Stdout, |line| {
            lines.push(line.to_owned());
        });
        assert_eq!(good, Ok(true));
        assert_eq!(lines, ["one", "\u{fffd}two"]);
    }

    #[test]
    fn the_repository_is_the_folder_above_this_crate() {
        assert!(root().unwrap().join("xtask/Cargo.toml").is_file());
    }
}
