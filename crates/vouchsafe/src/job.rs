//! Work that runs as the application's account: the serving itself, and every command that opens the
//! doors. Started as root, the program runs itself again under that account, and hands the work over
//! on standard input: command lines and environments can be read by others.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use cluster::OsUser;
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::application::Serving;
use crate::commands::Task;
use crate::doors::{self, Doors};
use crate::failure::Failure;
use crate::logs::{self, Logging};

/// The hidden word by which the program knows that it was started by itself.
pub(crate) const WORD: &str = "as-application";

/// A piece of work.
#[derive(Serialize, Deserialize)]
pub(crate) enum Job {
    /// Reads the root key and says whether it can be used: before anything is started or made.
    TryRootKey { root_key: PathBuf, folder: PathBuf },
    /// Serves until told to stop.
    Serve(Box<Serving>),
    /// A single command.
    Errand(Box<Errand>),
}

/// A single command beside a running installation.
#[derive(Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) doors: Doors,
    pub(crate) logging: Logging,
    pub(crate) threads: usize,
    /// Links that it prints begin with it.
    pub(crate) origin: String,
    pub(crate) task: Task,
}

impl Job {
    /// Does it here, as who we are.
    pub(crate) async fn perform(self) -> Result<(), Failure> {
        match self {
            Self::TryRootKey { root_key, folder } => doors::root_key(&root_key, &folder).map(|_| ()),
            Self::Serve(serving) => serving.run().await,
            Self::Errand(errand) => {
                logs::begin(errand.logging, None);
                errand.task.perform(&errand.doors, &errand.origin).await
            }
        }
    }

    /// Threads that it runs on.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::TryRootKey { .. } => 1,
            Self::Serve(serving) => serving.threads,
            Self::Errand(errand) => errand.threads,
        }
    }

    /// Does it under the application's account, and waits for the end.
    pub(crate) async fn perform_as(self, accounts: &Accounts) -> Result<(), Failure> {
        self.perform_as_into(accounts, Stdio::inherit()).await
    }

    /// The same; under another account, `out` is its standard output.
    pub(crate) async fn perform_as_into(self, accounts: &Accounts, out: Stdio) -> Result<(), Failure> {
        let Some(account) = accounts.application() else { return Box::pin(self.perform()).await };
        let mut child = start(&self, accounts, account, out, Stdio::inherit(), None)?;
        let status = tokio::task::spawn_blocking(move || child.wait()).await;
        match status {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => Err(Failure::SaidElsewhere),
        }
    }
}

/// Starts the program again as `account`, and hands the work over. The child ends when the thread
/// that calls this ends, so that must be the main one.
pub(crate) fn start(
    job: &Job,
    accounts: &Accounts,
    account: &OsUser,
    out: Stdio,
    log: Stdio,
    low_port: Option<u16>,
) -> Result<std::process::Child, Failure> {
    let program = accounts.program()?;
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid)).arg("--clear-groups");
    command.args(["--no-new-privs", "--pdeathsig=KILL"]);
    if low_port.is_some_and(|port| port < 1024) {
        command.args(["--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service"]);
    }
    command.arg("--").arg(program).arg(WORD).current_dir("/");
    command.stdin(Stdio::piped()).stdout(out).stderr(log);
    // A Ctrl-C in the terminal is for us: we tell the child.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let failed = |error| Failure::said(format!("cannot run setpriv (of util-linux): {error}"));
    let mut child = command.spawn().map_err(failed)?;
    let text = serde_json::to_vec(job).map_err(|error| Failure::said(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ended already says why by its end.
        let _ = stdin.write_all(&text);
    }
    Ok(child)
}

/// The other side: takes the work from standard input and does it.
pub(crate) fn received() -> ExitCode {
    let mut text = Vec::new();
    let job = std::io::stdin().read_to_end(&mut text).ok().and_then(|_| serde_json::from_slice::<Job>(&text).ok());
    let Some(job) = job else {
        return crate::ended(Err(Failure::said("this command is for the program itself")));
    };
    drop(zeroize::Zeroizing::new(text));
    crate::ended(crate::runtime(job.threads()).and_then(|runtime| runtime.block_on(job.perform())))
}
