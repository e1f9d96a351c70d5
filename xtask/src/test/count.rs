//! Reads how many tests passed from what the test runners print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped. Shown as the line that CI reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// nextest's last line: `Summary [ 0.1s] 3/4 tests run: 2 passed (1 slow), 1 timed out, 5 skipped`.
/// Whatever ran and did not pass has failed; so has what was to run and did not (`3/4`).
pub(super) fn nextest(line: &str) -> Option<Count> {
    let line = without_colour(line);
    let (_, rest) = line.trim().strip_prefix("Summary [")?.split_once(']')?;
    let (ran, results) = rest.split_once(" run: ")?;
    let to_run = ran.split_whitespace().next()?.rsplit('/').next()?.parse::<u64>().ok()?;
    let mut count = Count::default();
    for part in without_brackets(results).split(',') {
        let (number, what) = part.trim().split_once(' ').unwrap_or_default();
        match (number.parse().ok(), what.trim()) {
            (Some(number), "passed") => count.passed = number,
            (Some(number), "skipped") => count.skipped = number,
            _ => {}
        }
    }
    count.failed = to_run.saturating_sub(count.passed);
    Some(count)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s`
pub(super) fn libtest(line: &str) -> Option<Count> {
    let results = without_colour(line);
    let results = results.trim().strip_prefix("test result: ")?;
    let number = |what: &str| {
        let words: Vec<_> = results.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        words.windows(2).find_map(|pair| match pair {
            [number, name] if *name == what => number.parse::<u64>().ok(),
            _ => None,
        })
    };
    Some(Count { passed: number("passed")?, failed: number("failed")?, skipped: number("ignored")? })
}

/// One of the closing lines of node's TAP reporter: `# pass 3`, `# fail 0`, `# cancelled 0`, `# skipped 1`.
pub(super) fn node(line: &str) -> Option<Count> {
    let (what, number) = line.trim().strip_prefix("# ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    let mut count = Count::default();
    match what {
        "pass" => count.passed = number,
        "fail" | "cancelled" => count.failed = number,
        "skipped" | "todo" => count.skipped = number,
        _ => return None,
    }
    Some(count)
}

/// Takes terminal colours out: `ESC [ ... m`.
fn without_colour(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, text)| text));
    }
    plain
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut outside = String::new();
    for char in text.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(char),
            _ => {}
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: u64, failed: u64, skipped: u64) -> Count {
        Count { passed, failed, skipped }
    }

    #[test]
    fn nextest_summaries_are_read_in_all_their_forms() {
        let read = |line| nextest(line).unwrap();
        assert_eq!(read("     Summary [   0.003s] 3 tests run: 3 passed, 0 skipped"), count(3, 0, 0));
        assert_eq!(read("     Summary [   0.003s] 1 test run: 1 passed, 7 skipped"), count(1, 0, 7));
        assert_eq!(
            read(
                "Summary [ 12.5s] 9 tests run: 6 passed (2 slow, 1 flaky), 2 failed (1 due to being leaky), 1 timed out, 4 skipped"
            ),
            count(6, 3, 4)
        );
        assert_eq!(read("Summary [ 1.0s] 3/10 tests run: 2 passed, 1 exec failed, 0 skipped"), count(2, 8, 0));
        assert_eq!(
            read(
                "\u{1b}[31;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m1\u{1b}[0m \u{1b}[31;1mfailed\u{1b}[0m, \u{1b}[1m3\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m"
            ),
            count(1, 1, 3)
        );
    }

    #[test]
    fn other_lines_are_not_taken_for_summaries() {
        assert_eq!(nextest("        PASS [   0.003s] xtask a_test"), None);
        assert_eq!(nextest("Summary of the day: 3 tests run: 3 passed"), None);
        assert_eq!(libtest("running 3 tests"), None);
        assert_eq!(node("# Subtest: pass 3"), None);
    }

    #[test]
    fn libtest_results_are_read() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        assert_eq!(libtest(line), Some(count(3, 2, 1)));
    }

    #[test]
    fn node_results_add_up() {
        let mut sum = Count::default();
        for line in ["# tests 6", "# suites 0", "# pass 3", "# fail 1", "# cancelled 1", "# skipped 1"] {
            sum += node(line).unwrap_or_default();
        }
        assert_eq!(sum, count(3, 2, 1));
    }

    #[test]
    fn the_count_is_shown_as_ci_reads_it() {
        assert_eq!(count(12, 0, 3).to_string(), "12 passed, 0 failed, 3 skipped");
    }
}
