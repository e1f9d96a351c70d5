//! Finding the server's programs.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ClusterError;
use crate::version::Version;

/// Folders that hold one folder per major, and what follows the major's folder.
/// Debian and Ubuntu; PGDG on Red Hat; Alpine.
const PER_MAJOR: [(&str, &str, &str); 3] =
    [("/usr/lib/postgresql", "", "bin"), ("/usr", "pgsql-", "bin"), ("/usr/libexec", "postgresql", "")];

/// Where a build from source lands.
const PLAIN: [&str; 1] = ["/usr/local/pgsql/bin"];

/// All three must be there: a client's package alone has none of them.
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

/// The folder of a server's programs, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Holds `postgres`, `initdb` and `pg_ctl`.
    pub dir: PathBuf,
    /// What `postgres --version` said.
    pub version: Version,
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The programs to use for a new folder of data: those of the setting, or the newest supported ones
/// of Debian's folders, a few other usual ones, and `PATH`.
pub fn find_binaries(setting: Option<&Path>) -> Result<Binaries, ClusterError> {
    find_binaries_for(setting, None)
}

/// Like [`find_binaries`]; where `major` is given (that of existing data), programs of that major go
/// before newer ones. A caller with data must still compare the majors.
pub fn find_binaries_for(setting: Option<&Path>, major: Option<u32>) -> Result<Binaries, ClusterError> {
    match setting {
        Some(folder) => match look(folder) {
            Look::Usable(found) => Ok(found),
            Look::Unusable(why) => Err(ClusterError::BinariesUnusable { folder: folder.to_owned(), why }),
            Look::Nothing => Err(ClusterError::BinariesUnusable {
                folder: folder.to_owned(),
                why: format!("it does not hold {}", PROGRAMS.join(", ")),
            }),
        },
        None => choose(&usual_places(), major),
    }
}

fn choose(places: &[PathBuf], major: Option<u32>) -> Result<Binaries, ClusterError> {
    let mut usable = Vec::new();
    let mut said = String::new();
    for place in places {
        match look(place) {
            Look::Usable(found) => usable.push(found),
            Look::Unusable(why) => {
                let _ = writeln!(said, "  {}: {why}", place.display());
            }
            Look::Nothing => {}
        }
    }
    // The first of equals wins, so that Debian's folder goes before the same server by way of PATH.
    usable.reverse();
    usable.into_iter().max_by_key(|found| (major == Some(found.version.major), found.version)).ok_or_else(|| {
        ClusterError::NoBinaries {
            found: if said.is_empty() {
                "  nothing in the usual folders or on PATH".into()
            } else {
                said.trim_end().into()
            },
        }
    })
}

fn usual_places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    for (above, prefix, below) in PER_MAJOR {
        let Ok(entries) = std::fs::read_dir(above) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let major = name.to_str().and_then(|name| name.strip_prefix(prefix));
            if major.is_some_and(|major| major.parse::<u32>().is_ok()) {
                places.push(if below.is_empty() { entry.path() } else { entry.path().join(below) });
            }
        }
    }
    places.extend(PLAIN.iter().map(PathBuf::from));
    let path = std::env::var_os("PATH");
    places.extend(std::env::split_paths(path.as_deref().unwrap_or(OsStr::new(""))).filter(|place| place.is_absolute()));
    places
}

enum Look {
    Usable(Binaries),
    Unusable(String),
    Nothing,
}

fn look(folder: &Path) -> Look {
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|name| !folder.join(name).is_file()).collect();
    if missing.len() == PROGRAMS.len() {
        return Look::Nothing;
    }
    if !missing.is_empty() {
        return Look::Unusable(format!("{} missing there", missing.join(" and ")));
    }
    let banner = match Command::new(folder.join("postgres")).arg("--version").env_clear().output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => return Look::Unusable(format!("`postgres --version` ended with {}", output.status)),
        Err(error) => return Look::Unusable(format!("`postgres --version` cannot be run: {error}")),
    };
    let Some(version) = Version::from_banner(&banner) else {
        return Look::Unusable(format!("`postgres --version` names no release: {:?}", banner.trim()));
    };
    match version.check() {
        Ok(version) => Look::Usable(Binaries { dir: folder.to_owned(), version }),
        Err(refused) => Look::Unusable(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder whose programs all claim to be of one version.
    fn claims(above: &Path, version: &str) -> PathBuf {
        let folder = above.join(version);
        std::fs::create_dir(&folder).unwrap();
        for program in PROGRAMS {
            let path = folder.join(program);
            std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn the_newest_supported_server_is_chosen_and_the_majors_of_the_data_goes_first() {
        let above = tempfile::tempdir().unwrap();
        let places: Vec<PathBuf> =
            ["15.21", "14.24", "18.7", "16.15", "19.1"].iter().map(|version| claims(above.path(), version)).collect();
        assert_eq!(choose(&places, None).unwrap().version, Version { major: 18, minor: 7 });
        assert_eq!(choose(&places, Some(15)).unwrap().version, Version { major: 15, minor: 21 });
        assert_eq!(choose(&places, Some(16)).unwrap().version, Version { major: 18, minor: 7 });
    }

    #[test]
    fn what_was_found_and_why_it_does_not_do_is_said() {
        let above = tempfile::tempdir().unwrap();
        let places = vec![claims(above.path(), "15.18"), claims(above.path(), "14.24"), above.path().join("nothing")];
        let said = choose(&places, None).unwrap_err().to_string();
        for part in ["15.18", "15.20", "14.24", "apt-get install"] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("nothing"), "{said}");
    }

    #[test]
    fn a_setting_wins_and_is_never_replaced_by_something_found() {
        let above = tempfile::tempdir().unwrap();
        let old = claims(above.path(), "15.18");
        let said = find_binaries(Some(&old)).unwrap_err().to_string();
        assert!(said.contains("15.18") && said.contains("15.20"), "{said}");
        let said = find_binaries(Some(above.path())).unwrap_err().to_string();
        assert!(said.contains("initdb"), "{said}");
        std::fs::remove_file(old.join("initdb")).unwrap();
        let said = find_binaries(Some(&old)).unwrap_err().to_string();
        assert!(said.contains("initdb missing"), "{said}");
    }
}
