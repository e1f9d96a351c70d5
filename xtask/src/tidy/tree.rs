//! The files that are ours, read once.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};

use crate::run::Outcome;

/// The files of the repository: tracked by git, or new and not ignored.
pub(super) struct Tree {
    root: PathBuf,
    files: Vec<File>,
    packages: Vec<Package>,
}

/// A text file of ours. Its path is relative to the root, with `/` between its parts.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    path: String,
    line: Option<usize>,
    said: String,
}

impl Tree {
    pub(super) fn of(root: &Path) -> Outcome<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cannot run git: {error}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let listed = String::from_utf8_lossy(&output.stdout);
        // A file deleted but not yet committed is listed and gone; one that is not UTF-8 is no text, and what a fuzzer
        // begins with is bytes whatever they look like.
        let ours = |path: &&str| !path.is_empty() && !path.starts_with("fuzz/seeds/");
        let read =
            |path: &str| fs::read_to_string(root.join(path)).ok().map(|text| File { path: path.to_owned(), text });
        let files = listed.split('\0').filter(ours).filter_map(read).collect();
        Ok(Self { root: root.to_owned(), files, packages: packages(root)? })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The crates of the workspace.
    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The path of a crate's manifest.
    pub(super) fn manifest_of(&self, package: &Package) -> String {
        let path = package.manifest_path.as_std_path();
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The files whose name ends in one of these, without the dot.
    pub(super) fn ending(&self, extensions: &'static [&'static str]) -> impl Iterator<Item = &File> {
        self.files().filter(move |file| file.extension().is_some_and(|own| extensions.contains(&own)))
    }
}

/// What the crates' manifests say of themselves: no network, no lock file.
fn packages(root: &Path) -> Outcome<Vec<Package>> {
    let manifest = root.join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(Vec::new());
    }
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]);
    command.exec().map(|metadata| metadata.packages).map_err(|error| format!("cargo metadata: {error}"))
}

impl File {
    pub(super) fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The room that a file under `crates/` (or `xtask/`) belongs to.
    pub(super) fn room(&self) -> Option<&str> {
        match self.path.strip_prefix("crates/") {
            Some(rest) => rest.split('/').next(),
            None => self.path.starts_with("xtask/").then_some("xtask"),
        }
    }

    /// Whether it is product code rather than a test of it: below `src/`, and neither `tests.rs` nor below `tests/`.
    pub(super) fn is_product(&self) -> bool {
        let mut folders = self.path.split('/');
        self.name() != "tests.rs" && folders.clone().any(|part| part == "src") && !folders.any(|part| part == "tests")
    }

    /// The lines, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub(super) fn fault(&self, line: impl Into<Option<usize>>, said: impl Into<String>) -> Fault {
        Fault::new(&self.path, line, said)
    }
}

impl Fault {
    pub(super) fn new(path: impl Into<String>, line: impl Into<Option<usize>>, said: impl Into<String>) -> Self {
        Self { path: path.into(), line: line.into(), said: said.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.said),
            None => write!(f, "{}: {}", self.path, self.said),
        }
    }
}

/// A repository with these files and no others, for planting faults. It is gone when the folder is dropped.
#[cfg(test)]
pub(super) fn planted(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status().unwrap();
    assert!(git.success());
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The faults that a rule finds in a tree of these files, as they are shown.
#[cfg(test)]
pub(super) fn faults(rule: fn(&Tree) -> Vec<Fault>, files: &[(&str, &str)]) -> Vec<String> {
    let folder = planted(files);
    let tree = Tree::of(folder.path()).unwrap();
    rule(&tree).iter().map(Fault::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_files_and_files_that_are_not_text_are_not_looked_at() {
        let folder =
            planted(&[(".gitignore", "target/\n"), ("target/x.rs", ""), ("a/b.rs", ""), ("fuzz/seeds/csv/a", "")]);
        fs::write(folder.path().join("picture.png"), [0xff, 0xfe]).unwrap();
        let tree = Tree::of(folder.path()).unwrap();
        assert_eq!(tree.files().map(|file| file.path.as_str()).collect::<Vec<_>>(), [".gitignore", "a/b.rs"]);
    }

    #[test]
    fn tests_are_told_from_the_product() {
        let file = |path: &str| File { path: path.to_owned(), text: String::new() };
        assert!(file("crates/practice/src/patients/reads.rs").is_product());
        assert!(!file("crates/practice/src/patients/tests.rs").is_product());
        assert!(!file("crates/practice/src/tests/import.rs").is_product());
        assert!(!file("crates/practice/tests/import.rs").is_product());
        assert_eq!(file("crates/practice/src/lib.rs").room(), Some("practice"));
        assert_eq!(file("docs/README.md").room(), None);
    }
}
