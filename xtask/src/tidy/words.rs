//! Words that have no place in the tree. They are put together from parts here, lest this file be found.

use super::tree::{Fault, File, Tree};

/// What is written for machines or for the program's users, as opposed to documents, which may speak of such things.
const SOURCES: &[&str] = &["cedar", "css", "html", "js", "mjs", "rs", "sh", "sql", "toml"];

/// A thing is finished, or it is left out and the issue says so.
pub(super) fn nothing_is_left_unfinished(tree: &Tree) -> Vec<Fault> {
    let shouted = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let macros = [concat!("to", "do!("), concat!("unimpl", "emented!(")];
    let phrases = [concat!("not impl", "emented"), concat!("for ", "now")];
    each_line(tree.ending(SOURCES), |line| {
        let lower = line.to_lowercase();
        let word = shouted.into_iter().find(|word| has_word(line, word));
        let word = word.or_else(|| macros.into_iter().find(|word| line.contains(word)));
        let word = word.or_else(|| phrases.into_iter().find(|word| has_word(&lower, word)));
        word.map(|word| format!("says `{word}`"))
    })
}

/// A path of one machine means nothing on another.
pub(super) fn no_paths_of_a_machine(tree: &Tree) -> Vec<Fault> {
    let folders = ["work", "farm", "home", "tmp", "root", "Users"].map(|name| format!("/{name}/"));
    let ours = tree.files().filter(|file| file.name() != "Cargo.lock");
    each_line(ours, |line| {
        let folder = folders.iter().find(|folder| begins_a_path(line, folder))?;
        Some(format!("names a path of one machine: {folder}..."))
    })
}

/// Where packages come from is each machine's own setting. `Cargo.lock` names its registry in every entry; that
/// one is cargo's, and the same everywhere.
pub(super) fn no_hosts_of_a_registry(tree: &Tree) -> Vec<Fault> {
    let hosts = [
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("registry.", "npmjs.org"),
        concat!("registry.", "yarnpkg.com"),
        concat!("deb.", "debian.org"),
        concat!("security.", "debian.org"),
        concat!("archive.", "ubuntu.com"),
        concat!("apt.", "postgresql.org"),
        concat!("files.", "pythonhosted.org"),
        concat!("pypi.", "org"),
    ];
    let ours = tree.files().filter(|file| file.name() != "Cargo.lock");
    let mut faults = each_line(ours, |line| {
        hosts.into_iter().find(|host| line.contains(host)).map(|host| format!("names the host of a registry: {host}"))
    });
    // npm notes the address it fetched from, whatever host that was; `npm install --omit-lockfile-registry-resolved` does not.
    let locks = tree.files().filter(|file| file.name() == "package-lock.json");
    faults.extend(each_line(locks, |line| {
        line.contains("\"resolved\": \"http").then(|| "notes where a package came from".to_owned())
    }));
    faults
}

fn each_line<'a>(files: impl Iterator<Item = &'a File>, look: impl Fn(&str) -> Option<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files {
        faults.extend(file.lines().filter_map(|(number, line)| Some(file.fault(number, look(line)?))));
    }
    faults
}

/// Whether `word` stands in `text` with no letter or digit before or after it.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |char: char| char.is_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

/// Whether a path begins with `folder` here, rather than going on with it: `src/home/page.rs` names no home
/// folder, nor does `https://example.org/home/page`. Something must follow it.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + folder.len()..).and_then(|after| after.chars().next());
        let goes_on = before.is_some_and(|char| char.is_alphanumeric() || "_-.}*".contains(char));
        !goes_on && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    fn plant(rule: fn(&Tree) -> Vec<Fault>, path: &str, text: &str) -> usize {
        faults(rule, &[(path, text)]).len()
    }

    #[test]
    fn words_of_unfinished_work_are_found() {
        for text in [
            concat!("// TO", "DO: later"),
            concat!("// FIX", "ME"),
            concat!("// XX", "X"),
            concat!("to", "do!()"),
            concat!("unimpl", "emented!(\"x\")"),
            concat!("// Not impl", "emented"),
            concat!("good enough for ", "now."),
        ] {
            assert_eq!(plant(nothing_is_left_unfinished, "crates/a/src/lib.rs", text), 1, "{text}");
            assert_eq!(plant(nothing_is_left_unfinished, "docs/a.md", text), 0, "documents may say it");
        }
    }

    #[test]
    fn words_that_only_contain_such_words_pass() {
        for text in ["mastodon", "// the todo list", "for nowhere", "XXXL"] {
            assert_eq!(plant(nothing_is_left_unfinished, "a.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for text in [
            concat!("see /ho", "me/me/x"),
            concat!("\"/tm", "p/x\""),
            concat!("(/wo", "rk/main)"),
            concat!("file:///ro", "ot/x"),
        ] {
            assert_eq!(plant(no_paths_of_a_machine, "docs/a.md", text), 1, "{text}");
        }
        for text in [
            "src/home/page.rs",
            "https://example.org/home/page",
            "{root}/home/x",
            "/etc/vouchsafe",
            "the /home/ folder",
        ] {
            assert_eq!(plant(no_paths_of_a_machine, "docs/a.md", text), 0, "{text}");
        }
    }

    #[test]
    fn a_host_of_a_registry_is_found_and_so_is_an_address_in_a_lock_file() {
        let host = concat!("fetched from registry.", "npmjs.org");
        assert_eq!(plant(no_hosts_of_a_registry, "README.md", host), 1);
        assert_eq!(plant(no_hosts_of_a_registry, "Cargo.lock", host), 0);
        let lock = "      \"resolved\": \"https://mirror.example.org/x.tgz\",\n";
        assert_eq!(plant(no_hosts_of_a_registry, "assets/package-lock.json", lock), 1);
    }
}
