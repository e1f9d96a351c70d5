//! Accounts of the operating system.

use std::path::Path;
use std::process::Command;

use crate::error::ClusterError;

/// An account: what a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsUser {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its own group.
    pub gid: u32,
}

/// Looks an account up by name or number, wherever the machine keeps accounts (`getent` also asks a
/// directory service). `None`: there is none.
pub fn find_os_user(name_or_number: &str) -> Result<Option<OsUser>, ClusterError> {
    let output = Command::new("getent")
        .args(["passwd", name_or_number])
        .output()
        .map_err(|error| ClusterError::Account(format!("`getent passwd` cannot be run: {error}")))?;
    let line = String::from_utf8_lossy(&output.stdout);
    let mut fields = line.trim_end().split(':');
    let (name, _, uid, gid) = (fields.next(), fields.next(), fields.next(), fields.next());
    match (name, uid.and_then(|uid| uid.parse().ok()), gid.and_then(|gid| gid.parse().ok())) {
        (Some(name), Some(uid), Some(gid)) => Ok(Some(OsUser { name: name.to_owned(), uid, gid })),
        _ => Ok(None),
    }
}

/// The account we run as.
pub(crate) fn current() -> Result<OsUser, ClusterError> {
    let uid = rustix::process::geteuid().as_raw();
    find_os_user(&uid.to_string())?.ok_or_else(|| {
        ClusterError::Account(format!(
            "this program runs as user {uid}, which has no name on this machine; PostgreSQL needs one (a line in /etc/passwd)"
        ))
    })
}

/// Finds a system account, or makes it (`useradd`) with a group of its own, no password and no shell.
/// Needs root. `home` is recorded and not made.
pub fn ensure_os_user(name: &str, home: &Path, mut progress: impl FnMut(&str)) -> Result<OsUser, ClusterError> {
    check_name(name)?;
    if let Some(found) = find_os_user(name)? {
        return if found.uid == 0 {
            Err(ClusterError::Account(format!("the account {name} is root's; name another")))
        } else {
            Ok(found)
        };
    }
    progress(&format!("adding the system account {name}, which owns what PostgreSQL writes"));
    let output = Command::new("useradd")
        .args(["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "--home-dir"])
        .arg(home)
        .arg(name)
        .output()
        .map_err(|error| ClusterError::Account(format!("`useradd` cannot be run: {error}")))?;
    // Another start may have added it meanwhile: what counts is whether it is there.
    find_os_user(name)?.ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ClusterError::Account(format!("the system account {name} could not be added: {said}; add it, then start again"))
    })
}

/// Names that can stand in `pg_ident.conf` and on a command line and mean only themselves.
pub(crate) fn check_name(name: &str) -> Result<(), ClusterError> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let other = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if name.starts_with(first) && name.chars().all(other) && name.len() <= 64 {
        return Ok(());
    }
    Err(ClusterError::Account(format!(
        "{name:?} cannot be the name of an account here: letters, digits, and any of _ - . @ after the first, 64 at most"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_means_something_else_to_the_server_is_refused() {
        for name in ["root", "vouchsafe-data", "_apt", "ada.l@example"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "/^.*$", "-x", "a b", "a\"b", "a\nb", "+group", "a#b"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn an_account_is_found_by_name_and_by_number() {
        let root = find_os_user("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(find_os_user("0").unwrap(), Some(root));
        assert_eq!(find_os_user("no-such-account-here").unwrap(), None);
    }
}
