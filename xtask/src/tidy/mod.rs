//! `cargo xtask tidy`: rules of the tree that no compiler checks. Each rule is one function, and has a test
//! that plants a fault and sees it found.

mod attributes;
mod doors;
mod links;
mod markup;
mod migrations;
mod rooms;
mod shape;
mod tokens;
mod tree;
mod words;

use std::path::Path;

use crate::run::{self, Outcome};
use tree::{Fault, Tree};

/// A rule of the tree: its name and what looks for faults.
struct Rule(&'static str, fn(&Tree) -> Vec<Fault>);

const RULES: [Rule; 13] = [
    Rule("rooms import one way", rooms::imports_run_one_way),
    Rule("every room has the lints", rooms::every_room_has_the_lints),
    Rule("connections have one owner", doors::connections_have_one_owner),
    Rule("SQL is in reads and writes", doors::sql_is_in_reads_and_writes),
    Rule("every allow has a reason", attributes::every_allow_has_a_reason),
    Rule("migrations are numbered", migrations::are_numbered),
    Rule("templates keep to the content security policy", markup::keeps_to_the_policy),
    Rule("links lead somewhere", links::lead_somewhere),
    Rule("nothing is left unfinished", words::nothing_is_left_unfinished),
    Rule("no machine's paths", words::no_paths_of_a_machine),
    Rule("no registry's hosts", words::no_hosts_of_a_registry),
    Rule("files stay small", shape::files_stay_small),
    Rule("lines end cleanly", shape::lines_end_cleanly),
];

pub(crate) fn tidy() -> Outcome {
    check(&run::root()?)?;
    println!("tidy: {} rules kept", RULES.len());
    Ok(())
}

/// Looks at every file that git tracks or would track. Prints each fault; any fault is an error.
pub(crate) fn check(root: &Path) -> Outcome {
    let tree = Tree::of(root)?;
    let mut found = 0_usize;
    for Rule(name, look) in RULES {
        let faults = look(&tree);
        if !faults.is_empty() {
            println!("{name}:");
        }
        for fault in &faults {
            println!("  {fault}");
        }
        found += faults.len();
    }
    match found {
        0 => Ok(()),
        1 => Err("1 fault in the tree".to_owned()),
        _ => Err(format!("{found} faults in the tree")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::planted;

    #[test]
    fn a_tree_with_one_fault_is_refused_and_without_it_accepted() {
        let manifest = ("Cargo.toml", "[workspace]\nmembers = []\nresolver = \"3\"\n");
        let good = planted(&[manifest, ("README.md", "Good.\n")]);
        assert_eq!(check(good.path()), Ok(()));
        let bad = planted(&[manifest, ("README.md", "Trailing \n")]);
        assert_eq!(check(bad.path()), Err("1 fault in the tree".to_owned()));
    }
}
