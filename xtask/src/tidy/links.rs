//! Links between our documents: a document that is moved takes its readers with it.

use std::path::{Component, Path, PathBuf};

use super::tree::{Fault, File, Tree};

/// Every relative link and picture of a Markdown file leads to a file or folder of ours.
pub(super) fn lead_somewhere(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.ending(&["md"]) {
        for (line, target) in targets(file) {
            let path = target.split(['#', '?']).next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let exists = resolved(&file.path, path).is_some_and(|path| tree.root().join(path).exists());
            if !exists {
                faults.push(file.fault(line, format!("leads nowhere: {target}")));
            }
        }
    }
    faults
}

/// What links point to, outside code: `[text](target "title")`, `[name]: target`, `src="target"`, `href="target"`.
fn targets(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(targets_in(&without_code(line)).into_iter().map(|target| (number, target)));
        }
    }
    found
}

fn targets_in(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
        found.extend(line.split(open).skip(1).filter_map(|rest| rest.split(close).next()));
    }
    if line.starts_with('[') {
        found.extend(line.split_once("]: ").map(|(_, target)| target));
    }
    let bare = |target: &str| target.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']).to_owned();
    found.into_iter().map(bare).collect()
}

/// Takes `code` out of a line.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// The target as a path from the root, or `None` when it leaves the repository.
fn resolved(from: &str, target: &str) -> Option<PathBuf> {
    let mut path = match target.strip_prefix('/') {
        Some(_) => PathBuf::new(),
        None => Path::new(from).parent()?.to_owned(),
    };
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::ParentDir => return None,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    #[test]
    fn a_link_to_nothing_is_found_in_each_form() {
        let text = "[a](gone.md)\n![b](pictures/gone.png \"title\")\n[c]: ../gone.md\n<img src=\"gone.svg\">\n";
        assert_eq!(
            faults(lead_somewhere, &[("docs/README.md", text)]),
            [
                "docs/README.md:1: leads nowhere: gone.md",
                "docs/README.md:2: leads nowhere: pictures/gone.png",
                "docs/README.md:3: leads nowhere: ../gone.md",
                "docs/README.md:4: leads nowhere: gone.svg",
            ]
        );
    }

    #[test]
    fn a_link_out_of_the_repository_is_found() {
        assert_eq!(faults(lead_somewhere, &[("README.md", "[up](../shared/notes.md)\n")]).len(), 1);
    }

    #[test]
    fn good_links_code_and_the_web_pass() {
        let text = "[a](../LICENSE) [b](b.md#part) [c](#here) [d](https://example.org/x) [e](../crates/)\n\
                    `[f](gone)`\n```\n[g](gone)\n```\n";
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("LICENSE", ""), ("crates/x.rs", "")];
        assert_eq!(faults(lead_somewhere, &files), Vec::<String>::new());
    }
}
