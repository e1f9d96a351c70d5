//! A place for one cluster, and a second program that can be killed.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Address, OsUser, Running, Settings, Tuning, find_os_user, start};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Tells a re-run of this binary where its cluster is.
pub(crate) const FOLDER: &str = "CLUSTER_TEST_FOLDER";

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What the server runs as: `nobody` is on every machine and owns nothing.
pub(crate) fn server_account() -> Option<OsUser> {
    is_root().then(|| find_os_user("nobody").unwrap().unwrap())
}

/// A temporary folder that other accounts can pass through.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("cl-").permissions(Permissions::from_mode(0o711)).tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.path().join("pg")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub(crate) fn settings(&self) -> Settings {
        settings(&self.folder())
    }

    pub(crate) async fn start(&self) -> Running {
        start(self.settings(), |_| {}).await.unwrap()
    }
}

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        name: "data",
        binaries: None,
        run_as: server_account(),
        admit: Vec::new(),
        tuning: Tuning { connections_max: 20, shared_buffers_mib: 16 },
    }
}

pub(crate) async fn connect(address: &Address) -> Client {
    let (client, connection) = address.config("postgres", &address.superuser).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn text(address: &Address, sql: &str) -> String {
    connect(address).await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Kills a process that this test started, by its number.
pub(crate) fn kill_9(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A process that nobody waited for yet is dead, and still listed as a zombie.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Waits until something is so, for as long as a slow machine may need.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// This test binary, run again to do one ignored "helper" test until it is killed.
pub(crate) struct Helper(Child);

impl Helper {
    pub(crate) fn run(binary: &Path, account: Option<&OsUser>, helper: &str, folder: &Path) -> Self {
        let mut command = match account {
            None => Command::new(binary),
            Some(account) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid));
                command.arg("--clear-groups").arg("--").arg(binary);
                command
            }
        };
        command.args(["--exact", helper, "--ignored", "--nocapture"]).env(FOLDER, folder);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// The first thing it [`say`]s.
    pub(crate) fn hear(&mut self) -> String {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("SAYS ").map(str::to_owned))
            .expect("the helper ended early")
    }

    pub(crate) fn kill_9(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In a helper: its folder; `None` when somebody runs all ignored tests by hand.
pub(crate) fn helper_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

pub(crate) fn say(text: &str) {
    // The harness may have written half a line before.
    writeln!(std::io::stdout(), "\nSAYS {text}").unwrap();
    std::io::stdout().flush().unwrap();
}

/// In a helper: waits until the test ends it, or has itself ended.
pub(crate) fn wait_for_the_end() {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
