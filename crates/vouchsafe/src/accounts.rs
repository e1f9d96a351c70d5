//! Accounts of the operating system. Started as root, Vouchsafe runs each part under an account of
//! its own, and none of them reads another's files (DESIGN, 7). Started by anybody else, everything
//! runs as that account.

use std::path::{Path, PathBuf};
use std::process::Command;

use cluster::{Admit, OsUser, ensure_os_user, find_os_user};

use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::step;

/// The role that owns the databases and migrates them.
pub(crate) const OWNER_ROLE: &str = "vouchsafe_owner";
/// The role that the application runs as; it owns nothing.
pub(crate) const RUN_ROLE: &str = "vouchsafe_run";

/// Nothing of ours looks into a home, and a system account needs none.
const NO_HOME: &str = "/nonexistent";

/// Who runs what.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// Who started this program.
    me: OsUser,
    /// When that is root: who runs the parts.
    parts: Option<Parts>,
}

#[derive(Debug, Clone)]
struct Parts {
    application: OsUser,
    data: OsUser,
    keyring: OsUser,
}

impl Accounts {
    /// Finds the accounts; as root, makes those that are missing.
    pub(crate) fn ensure(config: &Config) -> Result<Self, Failure> {
        Self::with(config, |name| Ok(ensure_os_user(name, Path::new(NO_HOME), step)?))
    }

    /// Finds the accounts and makes none.
    pub(crate) fn find(config: &Config) -> Result<Self, Failure> {
        Self::with(config, |name| {
            find_os_user(name)?.ok_or_else(|| {
                Failure::said(format!("there is no account {name} on this machine yet; the first start makes it"))
            })
        })
    }

    fn with(config: &Config, account: impl Fn(&str) -> Result<OsUser, Failure>) -> Result<Self, Failure> {
        let uid = rustix::process::geteuid();
        let me = find_os_user(&uid.as_raw().to_string())?.ok_or_else(|| {
            Failure::said(format!("this program runs as user {}, which has no name here", uid.as_raw()))
        })?;
        let names = &config.accounts;
        let parts = if uid.is_root() {
            let application = account(&names.application)?;
            // Servers of others need no accounts here.
            let server = |name: &str| if config.postgresql.managed { account(name) } else { Ok(application.clone()) };
            let (data, keyring) = (server(&names.data)?, server(&names.keyring)?);
            Some(Parts { application, data, keyring })
        } else {
            None
        };
        Ok(Self { me, parts })
    }

    /// Whom the application must become; `None`: it runs as we do.
    pub(crate) fn application(&self) -> Option<&OsUser> {
        self.parts.as_ref().map(|parts| &parts.application)
    }

    /// Whom the server of the data must become.
    pub(crate) fn data(&self) -> Option<OsUser> {
        self.parts.as_ref().map(|parts| parts.data.clone())
    }

    /// Whom the server of the keyring must become.
    pub(crate) fn keyring(&self) -> Option<OsUser> {
        self.parts.as_ref().map(|parts| parts.keyring.clone())
    }

    /// Who may connect to the managed servers, and as what: we as the owner, the application as the
    /// role that owns nothing.
    pub(crate) fn admitted(&self) -> Vec<Admit> {
        let admit = |account: &OsUser, role: &str| Admit { os_user: account.name.clone(), role: role.to_owned() };
        vec![admit(&self.me, OWNER_ROLE), admit(self.application().unwrap_or(&self.me), RUN_ROLE)]
    }

    /// The program that is to run again as the application's account. An account that cannot reach it
    /// is told here, in words, and not by the kernel.
    pub(crate) fn program(&self) -> Result<PathBuf, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::said(format!("the program cannot find its own file: {error}")))?;
        let Some(account) = self.application() else { return Ok(program) };
        let reached = as_account(account).args(["test", "-x"]).arg(&program).status();
        if reached.is_ok_and(|status| status.success()) {
            return Ok(program);
        }
        Err(Failure::said(format!(
            "the account {} cannot run {}: each folder on the way must let others pass (`namei -l {}` shows which does \
             not; chmod o+x opens it), or copy the program to /usr/local/bin",
            account.name,
            program.display(),
            program.display()
        )))
    }
}

/// A command that runs as `account`, without any other right.
pub(crate) fn as_account(account: &OsUser) -> Command {
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid));
    command.args(["--clear-groups", "--no-new-privs", "--"]);
    command
}
