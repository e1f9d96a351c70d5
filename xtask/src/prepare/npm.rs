//! Third-party scripts of the web pages: fetched at the versions of the lock file, never committed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Outcome};

/// A copy of the lock file that was installed from; kept in the folder that npm clears when it starts.
const STAMP: &str = "node_modules/.installed-from-lock";

/// Makes `node_modules` what the lock file says. Does nothing when it already is, or when there is no lock file.
/// Packages' own install scripts do not run: nothing here needs them.
pub(super) fn ensure(assets: &Path) -> Outcome {
    let Ok(lock) = fs::read(assets.join("package-lock.json")) else { return Ok(()) };
    if is_current(assets, &lock) {
        return Ok(());
    }
    println!("fetching the scripts of the web pages (npm ci)");
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
    run::run(Command::new("npm").arg("ci").args(quiet).current_dir(assets))?;
    fs::create_dir_all(assets.join("node_modules"))
        .and_then(|()| fs::write(assets.join(STAMP), lock))
        .map_err(|error| format!("cannot note what npm installed: {error}"))
}

fn is_current(assets: &Path, lock: &[u8]) -> bool {
    fs::read(assets.join(STAMP)).is_ok_and(|installed| installed == lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_current_only_while_the_lock_file_is_the_one_they_came_from() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_current(folder.path(), b"one"));
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        fs::write(folder.path().join(STAMP), b"one").unwrap();
        assert!(is_current(folder.path(), b"one"));
        assert!(!is_current(folder.path(), b"two"));
    }

    #[test]
    fn without_a_lock_file_nothing_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ensure(folder.path()), Ok(()));
    }
}
