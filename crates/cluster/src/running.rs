//! Starting a server, and one that runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use crate::binaries::{Binaries, find_binaries_for};
use crate::conf::{self, SUPERUSER};
use crate::error::{ClusterError, say};
use crate::folder::{self, Layout, Lock, PORT};
use crate::initdb;
use crate::leftovers;
use crate::os_user::{self, OsUser, find_os_user};
use crate::process::{self, Child};
use crate::settings::Settings;
use crate::version::check_server_version_num;

/// No answer at all for this long is a failed start.
const SILENT_MAX: Duration = Duration::from_mins(1);
/// A server that says that it is recovering is left to it for this long.
const RECOVERY_MAX: Duration = Duration::from_hours(1);
/// How often a long wait is mentioned.
const MENTION_EVERY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A fast shutdown ends every session and writes a checkpoint.
const FAST_MAX: Duration = Duration::from_mins(1);
/// An immediate one ends without; the next start recovers.
const IMMEDIATE_MAX: Duration = Duration::from_secs(20);

/// Where a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The folder of its socket.
    pub socket_dir: PathBuf,
    /// The number in the socket's name; nothing listens on the network.
    pub port: u16,
    /// The superuser's role; the account that started the server may be it.
    pub superuser: String,
}

impl Address {
    /// How to connect to `database` as `role`.
    #[must_use]
    pub fn config(&self, database: &str, role: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.socket_dir).port(self.port).dbname(database).user(role).connect_timeout(CONNECT_MAX);
        config
    }
}

/// How a server ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Such as "signal: 9 (SIGKILL)".
    pub how: String,
}

/// How a server was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// With a checkpoint: the next start has nothing to recover.
    Clean,
    /// Without: nothing acknowledged is lost, and the next start recovers.
    Unclean,
}

/// Everything found out and held before a server runs; outlives crashes of the server.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    layout: Layout,
    binaries: Binaries,
    /// What the server runs as.
    account: OsUser,
    /// What we run as: the superuser.
    me: OsUser,
    address: Address,
    lock: Arc<Lock>,
}

/// A server that runs, as our child. Dropped without [`Running::stop`], the server is told to stop
/// and not waited for.
#[derive(Debug)]
pub struct Running {
    plan: Arc<Plan>,
    child: Child,
}

/// Makes the folder if it is new, ends what an earlier run left, starts the server and waits until it
/// answers. `progress` gets a sentence for each step that takes time.
pub async fn start(settings: Settings, mut progress: impl FnMut(&str)) -> Result<Running, ClusterError> {
    let plan = Arc::new(Plan::prepare(settings, &mut progress).await?);
    let mut running = Plan::spawn(&plan, &mut progress).await?;
    match running.ready(&mut progress).await {
        Ok(()) => Ok(running),
        Err(error) => {
            // The first error is the one to tell.
            let _ = running.stop().await;
            Err(error)
        }
    }
}

impl Plan {
    pub(crate) async fn prepare(settings: Settings, progress: &mut impl FnMut(&str)) -> Result<Self, ClusterError> {
        let me = os_user::current()?;
        let account = account(&settings, &me)?;
        let (layout, lock) = folder::claim(&settings.folder, settings.name).await?;
        let lock = Arc::new(lock);
        let major = layout.data_major()?;
        let binaries = find_binaries_for(settings.binaries.as_deref(), major)?;
        if let Some(data) = major
            && data != binaries.version.major
        {
            let (programs, found) = (binaries.dir, binaries.version);
            return Err(ClusterError::OtherMajor { folder: layout.data, data, programs, found });
        }
        let switch = (account != me).then_some(&account);
        if let Some(account) = switch {
            folder::reaches(account, &layout.folder)?;
        }
        if major.is_none() {
            initdb::initialise(&layout, &binaries, &account, switch, &lock, progress).await?;
        }
        layout.check_owner(&account)?;
        let address = Address { socket_dir: layout.sockets.clone(), port: PORT, superuser: SUPERUSER.to_owned() };
        Ok(Self { settings, layout, binaries, account, me, address, lock })
    }

    /// Ends leftovers, writes the configuration and starts the server, without waiting for an answer.
    pub(crate) async fn spawn(plan: &Arc<Self>, progress: &mut impl FnMut(&str)) -> Result<Running, ClusterError> {
        let Self { settings, layout, binaries, account, me, .. } = &**plan;
        leftovers::end_all(&layout.data, account, progress).await?;
        plan.open_sockets()?;
        layout.sweep()?;
        conf::write(settings, layout, &me.name)?;
        let said = File::create(&layout.start_log).map_err(ClusterError::io("cannot write", &layout.start_log))?;
        let said_too = said.try_clone().map_err(ClusterError::io("cannot write", &layout.start_log))?;
        // If we die, the server ends all sessions and stops cleanly (fast shutdown). SIGQUIT would be
        // quicker and leave a recovery to the next start.
        let mut command = process::command(&binaries.program("postgres"), (account != me).then_some(account), "INT");
        command.stdout(said).stderr(said_too).args(conf::arguments(layout));
        let child = Child::spawn(command, Arc::clone(&plan.lock)).await?;
        Ok(Running { plan: Arc::clone(plan), child })
    }

    /// The sockets' folder lets through those who are admitted. Where that is one account beside the
    /// server's and root, its group does it; several accounts share no group, and the server's own
    /// check (peer) stands alone.
    fn open_sockets(&self) -> Result<(), ClusterError> {
        let mut others: Vec<OsUser> = Vec::new();
        for admit in &self.settings.admit {
            os_user::check_name(&admit.os_user)?;
            let found = find_os_user(&admit.os_user)?.ok_or_else(|| {
                ClusterError::Account(format!(
                    "{} is to be admitted to PostgreSQL as {}, and there is no such account on this machine",
                    admit.os_user, admit.role
                ))
            })?;
            if found.uid != 0 && found.uid != self.account.uid && !others.contains(&found) {
                others.push(found);
            }
        }
        let (mode, group) = match others.as_slice() {
            [] => (0o700, self.account.gid),
            [one] if self.me.uid == 0 => (0o710, one.gid),
            _ => (0o711, self.account.gid),
        };
        self.layout.furnish(&self.account, mode, group)?;
        if self.me.uid == 0 {
            for other in &others {
                folder::reaches(other, &self.layout.sockets)?;
            }
        }
        Ok(())
    }
}

/// The account that the server runs as.
fn account(settings: &Settings, me: &OsUser) -> Result<OsUser, ClusterError> {
    match &settings.run_as {
        Some(account) if account.uid == 0 => {
            Err(ClusterError::Account("PostgreSQL refuses to run as root; name another account for it".into()))
        }
        None if me.uid == 0 => Err(ClusterError::Account(
            "this program runs as root, and PostgreSQL refuses to; name an account for it".into(),
        )),
        Some(account) if me.uid != 0 && account.uid != me.uid => Err(ClusterError::Account(format!(
            "only root can run PostgreSQL as {}; start this program as root, or leave the account out to run it as {}",
            account.name, me.name
        ))),
        Some(account) if me.uid == 0 => Ok(account.clone()),
        _ => Ok(me.clone()),
    }
}

enum Answer {
    Ready,
    /// It is there and not ready: starting or recovering.
    Later,
    /// Nobody answers.
    Nothing,
    Refused(ClusterError),
}

impl Running {
    /// Waits until the server answers a query.
    pub(crate) async fn ready(&mut self, progress: &mut impl FnMut(&str)) -> Result<(), ClusterError> {
        let config = self.plan.address.config("postgres", SUPERUSER);
        let start = Instant::now();
        let (mut heard, mut mentioned) = (start, start);
        loop {
            match ask(&config).await {
                Answer::Ready => return Ok(()),
                Answer::Refused(error) => return Err(error),
                Answer::Later => heard = Instant::now(),
                Answer::Nothing => {}
            }
            if let Some(status) = self.child.ended() {
                let words = self.plan.layout.last_words();
                return Err(ClusterError::Failed { program: "postgres", status: status.to_string(), words });
            }
            if heard.elapsed() > SILENT_MAX || start.elapsed() > RECOVERY_MAX {
                return Err(ClusterError::Silent { waited: start.elapsed(), log: self.plan.layout.log.clone() });
            }
            if mentioned.elapsed() > MENTION_EVERY {
                mentioned = Instant::now();
                let what = if heard > start { "is recovering" } else { "is starting" };
                progress(&format!("PostgreSQL {what} ({} s)", start.elapsed().as_secs()));
            }
            sleep(PAUSE).await;
        }
    }

    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.plan.address
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.plan.address.socket_dir
    }

    /// The number in the socket's name.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.plan.address.port
    }

    /// The superuser's role.
    #[must_use]
    pub fn superuser(&self) -> &str {
        &self.plan.address.superuser
    }

    /// The number of its first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.handle.pid
    }

    /// The programs it runs from.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.plan.binaries
    }

    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Waits until the server ends by itself. Can be dropped and called again.
    pub async fn wait_exit(&mut self) -> Exit {
        Exit { how: self.child.wait().await.to_string() }
    }

    /// Ends every session and stops the server with a checkpoint; when that takes longer than a
    /// minute, stops it at once. When this returns `Ok`, nothing runs and the folder is free.
    pub async fn stop(mut self) -> Result<Stopped, ClusterError> {
        for (signal, limit) in [(Signal::INT, FAST_MAX), (Signal::QUIT, IMMEDIATE_MAX)] {
            if self.child.ended().is_none() {
                self.child.handle.signal(signal);
            }
            if let Ok(status) = timeout(limit, self.child.wait()).await {
                return Ok(if status.success() { Stopped::Clean } else { Stopped::Unclean });
            }
        }
        Err(ClusterError::WontStop(self.pid()))
    }
}

/// One real query as superuser.
#[expect(clippy::disallowed_methods, reason = "asks whether the server answers, below any tenant's data")]
async fn ask(config: &Config) -> Answer {
    let attempt = async {
        let (client, connection) = config.connect(NoTls).await?;
        let rows = client.simple_query("show server_version_num");
        tokio::select! {
            rows = rows => rows,
            // A connection that ends before the answer: asked again.
            ended = connection => { ended?; Ok(Vec::new()) }
        }
    };
    match timeout(CONNECT_MAX, attempt).await {
        Err(_) => Answer::Nothing,
        Ok(Ok(messages)) => {
            let number = messages.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse::<u32>().ok(),
                _ => None,
            });
            match number.map(check_server_version_num) {
                None => Answer::Nothing,
                Some(Ok(_)) => Answer::Ready,
                Some(Err(refused)) => Answer::Refused(refused.into()),
            }
        }
        Ok(Err(error)) => match error.code() {
            None => Answer::Nothing,
            Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Answer::Later,
            Some(_) => Answer::Refused(ClusterError::Refused(say(&error))),
        },
    }
}
