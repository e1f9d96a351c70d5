//! The shape of files: small enough to read, clean at the ends.

use super::tree::{Fault, Tree};

/// Past this a room wants dividing.
const LINES_MAX: usize = 800;

pub(super) fn files_stay_small(tree: &Tree) -> Vec<Fault> {
    let counted = tree.ending(&["css", "html", "js", "mjs", "rs", "sql"]).map(|file| (file, file.lines().count()));
    counted
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| file.fault(None, format!("has {lines} lines; past {LINES_MAX} it wants dividing")))
        .collect()
}

/// No white space at the end of a line, and the last line ends. What other programs write is left alone.
pub(super) fn lines_end_cleanly(tree: &Tree) -> Vec<Fault> {
    let written_by_us =
        |extension: Option<&str>| !matches!(extension, Some("lock" | "ndjson" | "snap" | "stderr" | "svg"));
    let mut faults = Vec::new();
    for file in tree.files().filter(|file| written_by_us(file.extension())) {
        let loose = file.lines().filter(|(_, line)| line.ends_with([' ', '\t', '\r']));
        faults.extend(loose.map(|(number, _)| file.fault(number, "white space at the end of the line")));
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            faults.push(file.fault(file.lines().count(), "the last line does not end"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    #[test]
    fn a_file_one_line_too_long_is_found() {
        let at_limit = "\n".repeat(LINES_MAX);
        let past_it = "\n".repeat(LINES_MAX + 1);
        let found = faults(files_stay_small, &[("a.rs", &at_limit), ("b.css", &past_it), ("c.md", &past_it)]);
        assert_eq!(found, ["b.css: has 801 lines; past 800 it wants dividing"]);
    }

    #[test]
    fn loose_ends_are_found() {
        let found = faults(lines_end_cleanly, &[("a.rs", "one \ntwo"), ("b.md", "fine\n"), ("c.snap", "theirs \n")]);
        assert_eq!(found, ["a.rs:1: white space at the end of the line", "a.rs:2: the last line does not end"]);
    }
}
