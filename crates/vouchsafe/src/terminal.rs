//! What is said to the person at the terminal (standard output), beside the log (standard error).

use std::io::Write as _;

/// Says a line. A reader that has gone away is no reason to fail.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Says which step begins. Each step that may take a second says so before it starts.
pub(crate) fn step(line: &str) {
    say(&format!("  · {line}"));
}

/// Says why the program ends.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "vouchsafe: {line}");
}
