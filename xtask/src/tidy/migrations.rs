//! Migrations: `V<number>__<what_it_does>.sql`, numbered without a gap from 1.

use std::collections::BTreeMap;

use super::tree::{Fault, Tree};

pub(super) fn are_numbered(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    // Each cluster's migrations have a folder and a numbering of their own.
    let mut folders: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
    for file in tree.ending(&["sql"]).filter(|file| file.path.starts_with("migrations/")) {
        let folder = file.path.strip_suffix(file.name()).unwrap_or_default();
        match number(file.name()) {
            None => faults.push(file.fault(None, "is not named V<number>__<what_it_does>.sql")),
            Some(number) => {
                if let Some(other) = folders.entry(folder).or_default().insert(number, file.name()) {
                    faults.push(file.fault(None, format!("has the number of {other}")));
                }
            }
        }
    }
    for (folder, numbers) in folders {
        for (expected, (found, name)) in (1..).zip(numbers) {
            if found != expected {
                faults.push(Fault::new(
                    format!("{folder}{name}"),
                    None,
                    format!("is number {found}, {expected} is missing"),
                ));
                break;
            }
        }
    }
    faults
}

fn number(name: &str) -> Option<u32> {
    let (number, what) = name.strip_prefix('V')?.strip_suffix(".sql")?.split_once("__")?;
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    if what.is_empty() || !what.chars().all(plain) || number.starts_with('0') {
        return None;
    }
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    #[test]
    fn a_gap_a_double_and_a_wrong_name_are_found() {
        let found = faults(
            are_numbered,
            &[
                ("migrations/data/V1__first.sql", ""),
                ("migrations/data/V2__second.sql", ""),
                ("migrations/data/V2__again.sql", ""),
                ("migrations/data/V4__fourth.sql", ""),
                ("migrations/data/V5_one_line_only.sql", ""),
                ("migrations/keyring/V1__first.sql", ""),
            ],
        );
        assert_eq!(
            found,
            [
                "migrations/data/V2__second.sql: has the number of V2__again.sql",
                "migrations/data/V5_one_line_only.sql: is not named V<number>__<what_it_does>.sql",
                "migrations/data/V4__fourth.sql: is number 4, 3 is missing",
            ]
        );
    }

    #[test]
    fn two_folders_are_numbered_each_for_itself() {
        let files = [("migrations/data/V1__first.sql", ""), ("migrations/keyring/V1__first.sql", "")];
        assert_eq!(faults(are_numbered, &files), Vec::<String>::new());
    }
}
