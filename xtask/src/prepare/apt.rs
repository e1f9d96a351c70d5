//! Debian's and Ubuntu's package manager, and what to say where there is another one.

use std::fs;
use std::process::Command;

use super::{Want, postgres};
use crate::run::{self, Outcome};

/// Whether dpkg has the package installed and configured. On a system without dpkg nothing is.
pub(super) fn is_installed(package: &str) -> bool {
    run::read(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Abbrev}", package]))
        .is_some_and(|status| status.starts_with("ii"))
}

/// Installs the wanted packages and, where `servers` has none that will do, a PostgreSQL.
pub(super) fn install(mut wants: Vec<Want>, servers: &[postgres::Version]) -> Outcome {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !is_debian_like(&release) || run::on_path("apt-get").is_none() {
        return Err(by_hand(&wants, servers));
    }
    println!("asking apt what it has to offer (apt-get update)");
    // One unreachable source among many is no reason to stop: what is needed may well be in the others.
    if let Err(why) = as_root(&["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"]) {
        println!("  {why}; going on with the lists that are there");
    }
    if !postgres::any_will_do(servers) {
        wants.push(postgres::choose(servers, &postgres::offered())?);
    }
    println!("installing with apt:");
    println!("{}", list(&wants));
    refuse_what_apt_has_not(&wants)?;
    if !is_installed("postgresql-common") {
        forbid_a_cluster_nobody_asked_for()?;
    }
    let options = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"];
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install"];
    words.extend(options);
    words.extend(wants.iter().map(|want| want.package.as_str()));
    as_root(&words)
}

fn refuse_what_apt_has_not(wants: &[Want]) -> Outcome {
    let unknown: Vec<_> = wants.iter().filter(|want| candidate(&want.package).is_none()).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "this system's package lists do not offer\n{}\nInstall it by hand and try again \
         (Chromium on Ubuntu comes as a snap; any Chrome on the PATH will do)",
        list(&unknown)
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
    as_root(&["sh", "-c", script])
}

fn as_root(words: &[&str]) -> Outcome {
    let is_root = run::read(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut words = words.to_vec();
    if !is_root {
        if run::on_path("sudo").is_none() {
            return Err(format!("there is no sudo here; as root, run: {}", words.join(" ")));
        }
        words.insert(0, "sudo");
    }
    let (program, arguments) = words.split_first().ok_or("nothing to run")?;
    run::run(Command::new(program).args(arguments))
}

/// Debian itself, Ubuntu, and what calls itself like either.
fn is_debian_like(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|names| names.trim_matches('"').split_whitespace())
        .any(|name| name == "debian" || name == "ubuntu")
}

fn by_hand(wants: &[Want], servers: &[postgres::Version]) -> String {
    let mut wants = wants.to_vec();
    if !postgres::any_will_do(servers) {
        let why = format!("the database, with its programs on the PATH; at least one of {}", postgres::minimum());
        wants.push(Want::new("PostgreSQL", &why));
    }
    format!("only Debian's and Ubuntu's apt is known here. Install by hand, then try again\n{}", list(&wants))
}

fn list(wants: &[Want]) -> String {
    wants.iter().map(|want| format!("  {}: {}", want.package, want.why)).collect::<Vec<_>>().join("\n")
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

    #[test]
    fn where_apt_is_unknown_everything_to_install_is_named_with_its_reason() {
        let said = by_hand(&[Want::new("npm", "fetches scripts")], &[]);
        assert!(said.contains("npm: fetches scripts") && said.contains("15.20"), "{said}");
        assert!(!by_hand(&[], &[postgres::Version { major: 15, minor: 20 }]).contains("PostgreSQL"));
    }
}
