//! Children that cannot outlive us, and signals that cannot miss.
//!
//! The kernel sends the signal asked for with `PR_SET_PDEATHSIG` when the *thread* that made the
//! child ends. A pool's thread ends when it has been idle, so each child gets a thread of its own, which
//! makes it and then waits for it: the thread ends before the child only if the whole process does.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::{oneshot, watch};

use crate::error::ClusterError;
use crate::os_user::OsUser;

/// What every child sees; nothing of our own environment (PGPORT, PGOPTIONS, secrets) goes further.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs as `account`, in a process group of its own (a Ctrl-C in the terminal is ours
/// to handle, not the server's), without the means to gain rights, and that gets `last_signal` when
/// we die. `setpriv` does this between fork and exec, so that no unsafe code is needed here; it
/// replaces itself, so the child's number is the program's.
pub(crate) fn command(program: &Path, account: Option<&OsUser>, last_signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/").process_group(0).stdin(Stdio::null());
    if let Some(account) = account {
        command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid)).arg("--clear-groups");
    }
    command.arg("--no-new-privs").arg(format!("--pdeathsig={last_signal}")).arg("--").arg(program);
    command
}

/// A process held by a pidfd: a signal reaches it or nobody, even when its number is given away.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) pid: u32,
    fd: OwnedFd,
}

impl Handle {
    /// `None`: there is no such process.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        let raw = Pid::from_raw(i32::try_from(pid).ok()?)?;
        Some(Self { pid, fd: pidfd_open(raw, PidfdFlags::empty()).ok()? })
    }

    /// Sends a signal; a process that has ended already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.fd, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(pid = self.pid, %error, "a signal could not be sent");
        }
    }
}

/// A running child. Dropped while it runs, it is told to end (SIGINT) and not waited for.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) handle: Handle,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts `command`. `kept` (our lock) is let go only when the child has ended, even if nobody
    /// waits for it any more.
    pub(crate) async fn spawn<K: Send + 'static>(mut command: Command, kept: K) -> Result<Self, ClusterError> {
        let (born, birth) = oneshot::channel();
        let (ended, exit) = watch::channel(None);
        let life = move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(born.send(Err(error))),
            };
            // Nobody has waited for the child yet, so its number is still its own.
            let handle = Handle::open(child.id());
            let gone = handle.is_none();
            if let Err(Ok(Some(unwanted))) = born.send(Ok(handle)) {
                unwanted.signal(Signal::INT);
            }
            if gone {
                let _ = child.kill();
            }
            // An error here means that somebody else waited for our child; then it has ended.
            let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
            drop(kept);
            ended.send_replace(Some(status));
        };
        let failed = |source| ClusterError::Io { what: "cannot run", path: "setpriv (of util-linux)".into(), source };
        std::thread::Builder::new().name("cluster-child".into()).spawn(life).map_err(failed)?;
        match birth.await {
            Ok(Ok(Some(handle))) => Ok(Self { handle, exit }),
            Ok(Ok(None)) => Err(failed(std::io::Error::other("the kernel gives no pidfd (Linux 5.3 is needed)"))),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(failed(std::io::Error::other("the thread of the child ended"))),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for its end. Can be dropped and called again.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        match self.exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The thread sends before it ends; without a word it can only have been torn down.
            Err(_) => ExitStatus::default(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.handle.signal(Signal::INT);
        }
    }
}
