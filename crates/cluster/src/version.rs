//! Which PostgreSQL is new enough.

use std::fmt;

/// The majors that the house is tested for; each has a line in [`minimum_minor`].
pub const SUPPORTED_MAJORS: std::ops::RangeInclusive<u32> = 15..=18;

/// A PostgreSQL version, such as 15.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The number before the point; data folders are not interchangeable between majors.
    pub major: u32,
    /// The number after the point; raised by each release of corrections.
    pub minor: u32,
}

impl Version {
    /// Reads what `postgres --version` prints, such as `postgres (PostgreSQL) 15.20 (Debian ...)`.
    /// Betas and development builds (`19beta1`, `19devel`) give `None`: they are not releases.
    pub(crate) fn from_banner(banner: &str) -> Option<Self> {
        let number = banner.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
        let (major, minor) = number.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

/// Why a version is not accepted. The text says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionRefused {
    /// A major that the house does not support.
    #[error("PostgreSQL {0} is not supported; install PostgreSQL 15, 16, 17 or 18")]
    Major(Version),
    /// A supported major with known holes.
    #[error("PostgreSQL {found} lacks corrections that this program requires; upgrade it to {}.{minimum} or later", found.major)]
    Minor {
        /// What was found.
        found: Version,
        /// The first minor of that major that is accepted.
        minimum: u32,
    },
}

/// The first minor of a major with the correction of CVE-2026-120154; `None` for a major that is
/// not supported.
///
/// 15.20 is named as the fix by Debian's changelog of postgresql-15. The other majors are released
/// on the same day and are derived by counting from the release before (August 2026): 15.19, 16.15,
/// 17.11 and 18.6. Major 18 is one ahead of the others' step because 18.5 was never released.
#[must_use]
pub const fn minimum_minor(major: u32) -> Option<u32> {
    match major {
        15 => Some(20),
        16 => Some(16),
        17 => Some(12),
        18 => Some(7),
        _ => None,
    }
}

impl Version {
    /// Accepts a supported major at or above its [`minimum_minor`].
    pub fn check(self) -> Result<Self, VersionRefused> {
        match minimum_minor(self.major) {
            None => Err(VersionRefused::Major(self)),
            Some(minimum) if self.minor < minimum => Err(VersionRefused::Minor { found: self, minimum }),
            Some(_) => Ok(self),
        }
    }
}

/// The same check on the setting `server_version_num` (150020 is 15.20), for servers that somebody
/// else runs.
pub fn check_server_version_num(number: u32) -> Result<Version, VersionRefused> {
    // Since version 10 the number is major * 10000 + minor.
    Version { major: number / 10_000, minor: number % 10_000 }.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_from_the_banner_and_a_beta_is_not() {
        let read = Version::from_banner;
        assert_eq!(
            read("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"),
            Some(Version { major: 15, minor: 20 })
        );
        assert_eq!(read("postgres (PostgreSQL) 18.7"), Some(Version { major: 18, minor: 7 }));
        assert_eq!(read("postgres (PostgreSQL) 19beta1"), None);
        assert_eq!(read("psql 15.20"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn every_supported_major_has_a_minimum_and_no_other_has() {
        for major in 0..40 {
            assert_eq!(minimum_minor(major).is_some(), SUPPORTED_MAJORS.contains(&major), "{major}");
        }
    }

    #[test]
    fn a_server_number_is_accepted_from_the_minimum_on() {
        assert_eq!(check_server_version_num(150_020), Ok(Version { major: 15, minor: 20 }));
        assert_eq!(check_server_version_num(180_007), Ok(Version { major: 18, minor: 7 }));
        assert!(matches!(check_server_version_num(150_019), Err(VersionRefused::Minor { minimum: 20, .. })));
        assert!(matches!(check_server_version_num(180_006), Err(VersionRefused::Minor { minimum: 7, .. })));
        assert!(matches!(check_server_version_num(140_024), Err(VersionRefused::Major(_))));
        assert!(matches!(check_server_version_num(190_000), Err(VersionRefused::Major(_))));
    }

    #[test]
    fn a_refusal_says_which_version_to_install() {
        let refusal = check_server_version_num(150_018).unwrap_err().to_string();
        assert!(refusal.contains("15.18") && refusal.contains("15.20"), "{refusal}");
    }
}
