//! What the tests of the API need of Python: in a folder of its own under `target`, at pinned versions.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Outcome};

/// Where it is.
const FOLDER: &str = "target/fhir-venv";
/// A copy of the list that was installed from.
const STAMP: &str = "installed-from";
const LIST: &str = "assets/tests/fhir/requirements.txt";

/// Whether this system's Python can make such a folder.
pub(super) fn can_make_folders() -> bool {
    run::read(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_some()
}

/// Makes the folder what the list says. Does nothing when it already is, or when there is no list.
pub(super) fn ensure(root: &Path) -> Outcome {
    let Ok(list) = fs::read(root.join(LIST)) else { return Ok(()) };
    let folder = root.join(FOLDER);
    if fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    println!("fetching the validators of the API's answers (pip)");
    run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "-r"];
    run::run(Command::new(folder.join("bin/python")).args(quiet).arg(root.join(LIST)))?;
    fs::write(folder.join(STAMP), list).map_err(|error| format!("cannot note what pip installed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_nothing_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ensure(folder.path()), Ok(()));
        assert!(!folder.path().join(FOLDER).exists());
    }

    #[test]
    fn what_was_installed_from_this_list_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [(LIST, "a==1"), ("target/fhir-venv/installed-from", "a==1")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(ensure(folder.path()), Ok(()));
    }
}
