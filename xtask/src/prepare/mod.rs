//! `cargo xtask prepare`: what this system lacks is found, named with its reason, and installed.
//!
//! Looking takes milliseconds and needs no network; only when something is missing does apt run. A linker
//! is not looked for: without one cargo could not have built this program.

mod apt;
mod npm;
mod postgres;
mod python;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::run::{self, Outcome};

#[derive(Args)]
pub(crate) struct Options {
    /// Also what the tests need: a browser and fonts for the world's scripts
    #[arg(long)]
    tests: bool,
}

/// How much is to be prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What running needs.
    Run,
    /// That, and what the tests need.
    Tests,
}

/// A Debian package that is wanted, and the sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Want {
    package: String,
    why: String,
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.package, self.why)
    }
}

impl Want {
    fn new(package: &str, why: &str) -> Self {
        Self { package: package.to_owned(), why: why.to_owned() }
    }
}

pub(crate) fn prepare(options: &Options) -> Outcome {
    ensure(&run::root()?, if options.tests { Extent::Tests } else { Extent::Run })?;
    println!("everything is here");
    Ok(())
}

/// Installs what is missing. Says nothing when nothing is.
pub(crate) fn ensure(root: &Path, extent: Extent) -> Outcome {
    let missing = Missing::look(extent, root);
    if !missing.is_empty() {
        apt::install(&missing)?;
        let still = Missing::look(extent, root);
        if !still.is_empty() {
            return Err(format!("apt reports success, and yet these are not to be found\n{still}"));
        }
    }
    npm::ensure(&root.join("assets"))?;
    if extent == Extent::Tests { python::ensure(root) } else { Ok(()) }
}

/// What this system lacks.
struct Missing {
    packages: Vec<Want>,
    /// Whether there is no PostgreSQL that will do. Which package brings one depends on what apt offers.
    postgres: bool,
}

impl Missing {
    fn look(extent: Extent, root: &Path) -> Self {
        Self { packages: missing_packages(extent, root), postgres: !postgres::any_will_do(&postgres::installed()) }
    }

    fn is_empty(&self) -> bool {
        self.packages.is_empty() && !self.postgres
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.postgres {
            writeln!(f, "  PostgreSQL: the database; at least one of {}", postgres::minimum())?;
        }
        self.packages.iter().try_for_each(|want| writeln!(f, "  {want}"))
    }
}

/// The browser that the tests drive: Chromium as Debian names it, or any relative of it on the PATH.
pub(crate) fn browser() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().find_map(run::on_path)
}

fn missing_packages(extent: Extent, root: &Path) -> Vec<Want> {
    let mut wants = Vec::new();
    if run::on_path("setpriv").is_none() {
        wants.push(Want::new("util-linux", "setpriv starts PostgreSQL under a user of its own"));
    }
    if root.join("assets/package-lock.json").is_file() {
        if run::on_path("node").is_none() {
            wants.push(Want::new("nodejs", "fetches the scripts of the web pages, and runs the browser tests"));
        }
        if run::on_path("npm").is_none() {
            wants.push(Want::new("npm", "fetches the scripts of the web pages at the versions of the lock file"));
        }
    }
    if extent == Extent::Tests {
        if browser().is_none() {
            wants.push(Want::new("chromium", "the browser tests sign in and click as a person would"));
        }
        if !python::can_make_folders() {
            wants.push(Want::new("python3-venv", "the answers of the API are held against models written in Python"));
        }
        let fonts = [
            ("fonts-noto-core", "names in Arabic, Devanagari and other scripts must show in the pictures"),
            ("fonts-noto-cjk", "names in Han, Kana and Hangul must show in the pictures"),
            ("fonts-noto-color-emoji", "people do put emoji into names"),
        ];
        wants.extend(
            fonts.into_iter().filter(|(name, _)| !apt::is_installed(name)).map(|(name, why)| Want::new(name, why)),
        );
    }
    wants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_reason() {
        let missing = Missing { packages: vec![Want::new("npm", "fetches scripts")], postgres: true };
        let said = missing.to_string();
        assert!(said.contains("npm: fetches scripts\n") && said.contains("15.20"), "{said}");
        assert!(!missing.is_empty());
        assert!(Missing { packages: Vec::new(), postgres: false }.is_empty());
    }
}
