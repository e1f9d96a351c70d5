//! What processes have cost so far, from `/proc`: the program's and PostgreSQL's, apart.

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Linux gives times of processes in hundredths of a second, whatever the kernel was built with
/// (`USER_HZ`, proc(5)).
const TICK_MS: f64 = 10.0;

/// Milliseconds of processor time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Of the program, its watching parent included.
    pub(crate) program_ms: f64,
    /// Of both PostgreSQL servers, all their processes.
    pub(crate) postgres_ms: f64,
}

impl Cost {
    /// What has been added since.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { program_ms: self.program_ms - before.program_ms, postgres_ms: self.postgres_ms - before.postgres_ms }
    }
}

/// One process, as `/proc/<pid>/stat` tells.
#[derive(Debug, PartialEq)]
struct Process {
    name: String,
    parent: u32,
    /// Its own, and what children that have ended have left to it: so a sum over a tree never falls.
    ticks: u64,
}

/// `pid (name) state ppid ...`; the name may hold anything, so what follows begins after the last bracket.
fn parse(stat: &str) -> Option<Process> {
    let (before, after) = (stat.find('(')?, stat.rfind(')')?);
    let name = stat.get(before + 1..after)?.to_owned();
    let fields: Vec<&str> = stat.get(after + 2..)?.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Fields 14 to 17 of proc(5), counted from 1; the state is field 3.
    let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
    Some(Process { name, parent: u32::try_from(number(1)?).ok()?, ticks })
}

fn processes() -> Outcome<HashMap<u32, Process>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has ended meanwhile has left its time to its parent.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        all.extend(parse(&stat).map(|process| (pid, process)));
    }
    Ok(all)
}

/// A process and all below it.
fn tree(all: &HashMap<u32, Process>, root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

/// What the program that was started as `root` has cost so far, and its servers.
pub(crate) fn of(root: u32) -> Outcome<Cost> {
    let all = processes()?;
    let mut cost = Cost::default();
    for process in tree(&all, root).iter().filter_map(|pid| all.get(pid)) {
        #[allow(clippy::cast_precision_loss, reason = "a machine does not run for 10^15 ticks")]
        let ms = process.ticks as f64 * TICK_MS;
        if process.name == "postgres" {
            cost.postgres_ms += ms;
        } else {
            cost.program_ms += ms;
        }
    }
    Ok(cost)
}

/// What one process has cost so far, in milliseconds.
pub(crate) fn of_one(pid: u32) -> Outcome<f64> {
    let process = parse(&fs::read_to_string(format!("/proc/{pid}/stat"))?).ok_or("a process that says nothing")?;
    #[allow(clippy::cast_precision_loss, reason = "a machine does not run for 10^15 ticks")]
    Ok(process.ticks as f64 * TICK_MS)
}

/// Resident memory of the program's own processes, in MB (10^6 bytes): the largest of them is the one
/// that serves.
pub(crate) fn rss_mb(root: u32) -> Outcome<f64> {
    let all = processes()?;
    let ours = tree(&all, root).into_iter().filter(|pid| all.get(pid).is_some_and(|one| one.name != "postgres"));
    Ok(ours.filter_map(rss_of).fold(0.0, f64::max))
}

/// Kills a process and all below it at once; PostgreSQL is none of them.
pub(crate) fn kill_tree(root: u32) -> Outcome {
    let all = processes()?;
    for pid in tree(&all, root) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // One that has ended meanwhile needs no killing.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    Ok(())
}

fn rss_of(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_brackets_and_blanks_in_its_name_is_read() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 0 0 0 12 5 2 1 20 0 1 0 100 0 0";
        assert_eq!(parse(stat), Some(Process { name: "a) b (c".to_owned(), parent: 3, ticks: 20 }));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_tree_holds_children_of_children_and_nobody_else() {
        let process = |parent| Process { name: String::new(), parent, ticks: 0 };
        let all = HashMap::from([(1, process(0)), (2, process(1)), (3, process(2)), (4, process(0))]);
        let mut found = tree(&all, 1);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3]);
    }

    #[test]
    fn this_process_has_a_cost_and_memory() {
        assert!(of_one(std::process::id()).is_ok());
        assert!(rss_of(std::process::id()).is_some_and(|mb| mb > 1.0));
    }
}
