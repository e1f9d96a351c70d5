//! Debian's and Ubuntu's package manager, and what to say where there is another one.

use std::collections::VecDeque;
use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::process::Command;

use super::{Missing, Want, postgres};
use crate::run::{self, Listen, Outcome};

/// Whether dpkg has the package installed and configured. On a system without dpkg nothing is.
pub(super) fn is_installed(package: &str) -> bool {
    run::read(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Abbrev}", package]))
        .is_some_and(|status| status.starts_with("ii"))
}

/// Installs what is missing.
pub(super) fn install(missing: &Missing) -> Outcome {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !is_debian_like(&release) || run::on_path("apt-get").is_none() {
        return Err(format!(
            "only Debian's and Ubuntu's apt is known here. Install by hand, then try again\n{missing}"
        ));
    }
    if !can_be_root() {
        let packages = missing.packages.iter().map(|want| want.package.as_str());
        let packages: Vec<_> = packages.chain(missing.postgres.then_some("postgresql")).collect();
        let command = format!("apt-get update && apt-get install --no-install-recommends {}", packages.join(" "));
        return Err(format!("missing here\n{missing}and there is no sudo. As root, run: {command}"));
    }
    println!("asking apt what it has to offer (apt-get update)");
    // One unreachable source among many is no reason to stop: what is needed may well be in the others.
    if let Err(why) = run::run(&mut as_root(&["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"])) {
        println!("  {why}; going on with the lists that are there");
    }
    let wants = wanted(missing)?;
    println!("installing with apt (some minutes on a bare system):");
    for want in &wants {
        println!("  {want}");
    }
    refuse_what_apt_has_not(&wants)?;
    if !is_installed("postgresql-common") {
        forbid_a_cluster_nobody_asked_for()?;
    }
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q"];
    words.extend(["--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]);
    words.extend(wants.iter().map(|want| want.package.as_str()));
    quietly(&mut as_root(&words))
}

/// Runs apt with only its newest line shown, and that only to a person; when it fails, its last lines are.
fn quietly(apt: &mut Command) -> Outcome {
    const LAST: usize = 20;
    let person = stdout().is_terminal();
    let mut last = VecDeque::new();
    let good = run::overhear(apt, Listen::Stdout, |line| {
        if person {
            print!("\r\x1b[K  {}", line.chars().take(100).collect::<String>());
            // A line that is not shown at once is no loss.
            let _ = stdout().flush();
        }
        last.push_back(line.to_owned());
        if last.len() > LAST {
            last.pop_front();
        }
    })?;
    if person {
        println!();
    }
    if good {
        Ok(())
    } else {
        Err(format!("apt could not install it; its last words:\n{}", Vec::from(last).join("\n")))
    }
}

/// The packages to install, with a PostgreSQL of those that apt offers.
fn wanted(missing: &Missing) -> Outcome<Vec<Want>> {
    let mut wants = missing.packages.clone();
    if missing.postgres {
        wants.push(postgres::choose(&postgres::installed(), &postgres::offered())?);
    }
    Ok(wants)
}

fn refuse_what_apt_has_not(wants: &[Want]) -> Outcome {
    let packages = wants.iter().filter(|want| candidate(&want.package).is_none()).cloned().collect();
    let unknown = Missing { packages, postgres: false };
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "this system's package lists do not offer\n{unknown}Install it by hand and try again \
         (Chromium on Ubuntu comes as a snap; any Chrome on the PATH will do)"
    ))
}

/// The version that apt would install.
pub(super) fn candidate(package: &str) -> Option<String> {
    candidate_in(&run::read(Command::new("apt-cache").env("LC_ALL", "C").args(["policy", package]))?)
}

fn candidate_in(policy: &str) -> Option<String> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

/// Debian makes and starts a cluster "main" with the first server package. Ours are the program's own, so
/// Debian is told not to; a system that already has its packages keeps what it has.
fn forbid_a_cluster_nobody_asked_for() -> Outcome {
    let script = "mkdir -p /etc/postgresql-common/createcluster.d && \
        echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/vouchsafe.conf";
    run::run(&mut as_root(&["sh", "-c", script]))
}

fn is_root() -> bool {
    run::read(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

fn can_be_root() -> bool {
    is_root() || run::on_path("sudo").is_some()
}

/// The command as root: as it is for root, through sudo for others.
fn as_root(words: &[&str]) -> Command {
    let mut words = (!is_root()).then_some("sudo").into_iter().chain(words.iter().copied());
    let mut command = Command::new(words.next().unwrap_or("true"));
    command.args(words);
    command
}

/// Debian itself, Ubuntu, and what calls itself like either.
fn is_debian_like(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|names| names.trim_matches('"').split_whitespace())
        .any(|name| name == "debian" || name == "ubuntu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_ubuntu_and_their_children_are_known_others_are_not() {
        assert!(is_debian_like("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"));
        assert!(is_debian_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_like("ID=fedora\nPRETTY_NAME=\"not debian\"\n"));
        assert!(!is_debian_like(""));
    }

    #[test]
    fn a_package_without_a_candidate_is_not_offered() {
        assert_eq!(candidate_in("chromium:\n  Installed: (none)\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_in(""), None);
        assert_eq!(
            candidate_in("x:\n  Installed: 1\n  Candidate: 15.20-0+deb12u1\n").as_deref(),
            Some("15.20-0+deb12u1")
        );
    }
}
