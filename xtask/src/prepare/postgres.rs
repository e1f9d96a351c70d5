//! Which PostgreSQL will do, which are here, which apt offers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use super::{Want, apt};
use crate::run::{self, Outcome};

/// A server's version since PostgreSQL 10: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// The first release of each major version with the fix of CVE-2026-120154 (row-level security
/// passed by with ON CONFLICT DO UPDATE), newest first. The room `cluster` refuses to start anything older; a test
/// keeps the two lists equal.
const MINIMUM: [Version; 4] = [
    Version { major: 18, minor: 7 },
    Version { major: 17, minor: 12 },
    Version { major: 16, minor: 16 },
    Version { major: 15, minor: 20 },
];

impl Version {
    fn will_do(self) -> bool {
        MINIMUM.iter().any(|least| self.major == least.major && self.minor >= least.minor)
    }

    /// Reads `15.20`, however it goes on: `15.20-0+deb12u1`, `15.20 (Debian ...)`. A beta has no minor: `None`.
    fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once('.')?;
        let minor = rest.split(|char: char| !char.is_ascii_digit()).next()?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

/// The oldest versions that will do, for a message.
pub(super) fn minimum() -> String {
    MINIMUM.map(|least| format!("{}.{}", least.major, least.minor)).join(", ")
}

pub(super) fn any_will_do(servers: &[Version]) -> bool {
    servers.iter().any(|server| server.will_do())
}

/// The servers on this system: Debian's folders, and the PATH.
pub(super) fn installed() -> Vec<Version> {
    let debian = MINIMUM.map(|least| PathBuf::from(format!("/usr/lib/postgresql/{}/bin/postgres", least.major)));
    let found: BTreeSet<Version> = debian
        .into_iter()
        .filter(|program| program.is_file())
        .chain(run::on_path("postgres"))
        .filter_map(|program| run::read(Command::new(program).arg("--version")))
        .filter_map(|said| Version::parse(said.trim().strip_prefix("postgres (PostgreSQL) ")?))
        .collect();
    found.into_iter().collect()
}

/// What apt would install, newest first.
pub(super) fn offered() -> Vec<Version> {
    MINIMUM
        .iter()
        .filter_map(|least| Version::parse(&apt::candidate(&format!("postgresql-{}", least.major))?))
        .collect()
}

/// An installed major version is upgraded rather than joined by another, since data folders belong to a major.
pub(super) fn choose(installed: &[Version], offered: &[Version]) -> Outcome<Want> {
    let good = || offered.iter().filter(|version| version.will_do());
    let same_major = good().find(|version| installed.iter().any(|old| old.major == version.major));
    let chosen = same_major.or_else(|| good().next()).ok_or_else(|| nothing_offered(offered))?;
    let why = match installed.iter().find(|old| old.major == chosen.major) {
        Some(old) => format!(
            "the database; {}.{} is here, but lacks security fixes of {}.{}",
            old.major, old.minor, chosen.major, chosen.minor
        ),
        None => "the database; Vouchsafe runs its own servers from it".to_owned(),
    };
    Ok(Want { package: format!("postgresql-{}", chosen.major), why })
}

fn nothing_offered(offered: &[Version]) -> String {
    let best = offered.first().map_or("none".to_owned(), |version| format!("only {}.{}", version.major, version.minor));
    format!(
        "PostgreSQL is needed, at least one of {}; this system's package lists offer {best}.\n\
         Add the PostgreSQL project's own apt repository (its download page says how), then try again",
        minimum()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_read_however_they_go_on() {
        assert_eq!(version("15.20-0+deb12u1"), Version { major: 15, minor: 20 });
        assert_eq!(version("17.12 (Ubuntu 17.12-1.pgdg24.04+1)"), Version { major: 17, minor: 12 });
        assert_eq!(Version::parse("19beta1"), None);
        assert_eq!(Version::parse(""), None);
    }

    #[test]
    fn a_server_one_minor_too_old_or_of_an_unknown_major_will_not_do() {
        assert!(version("15.20").will_do() && version("18.8").will_do());
        assert!(!version("15.19").will_do() && !version("18.6").will_do());
        assert!(!version("14.99").will_do() && !version("19.0").will_do());
    }

    #[test]
    fn what_is_installed_here_is_what_the_program_accepts() {
        let source = run::root().unwrap().join("crates/cluster/src/version.rs");
        let accepted: BTreeSet<Version> = std::fs::read_to_string(source)
            .unwrap()
            .lines()
            .filter_map(|line| line.trim().strip_suffix("),")?.split_once(" => Some("))
            .filter_map(|(major, minor)| Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? }))
            .collect();
        assert_eq!(accepted, BTreeSet::from(MINIMUM));
    }

    #[test]
    fn the_newest_that_will_do_is_chosen() {
        let want = choose(&[], &[version("18.6"), version("17.12"), version("15.20")]).unwrap();
        assert_eq!(want.package, "postgresql-17");
    }

    #[test]
    fn a_server_that_is_too_old_is_upgraded_within_its_major() {
        let want = choose(&[version("15.18")], &[version("17.12"), version("15.20")]).unwrap();
        assert_eq!(want.package, "postgresql-15");
        assert!(want.why.contains("15.18 is here"), "{}", want.why);
    }

    #[test]
    fn where_nothing_will_do_the_message_says_what_is_needed() {
        let why = choose(&[], &[version("15.18")]).unwrap_err();
        assert!(why.contains("15.20") && why.contains("only 15.18"), "{why}");
    }
}
