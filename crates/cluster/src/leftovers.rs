//! Processes that an earlier run left behind.
//!
//! `postmaster.pid` alone proves nothing: after a kill -9 its number may belong to anybody. What
//! counts is what the kernel says of a process: its program is `postgres` and it works in our folder
//! of data (every process of PostgreSQL changes into it). The process is first held by a pidfd and
//! then looked at, so that what was looked at is what is signalled.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::error::ClusterError;
use crate::folder::read_text;
use crate::os_user::OsUser;
use crate::process::{Handle, command};

/// A fast shutdown writes a checkpoint; on a slow disk that takes a while.
const FAST_MAX: Duration = Duration::from_mins(1);
/// After SIGQUIT the server kills its own after five seconds.
const IMMEDIATE_MAX: Duration = Duration::from_secs(20);
/// Without their postmaster most processes end by themselves at once; a busy one does not notice.
const ORPHANS_MAX: Duration = Duration::from_secs(2);
const ORPHANS_KILLED_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Ends every PostgreSQL process that still works in `data` (fast, then immediate). They are not
/// adopted: a server that we did not make cannot be told to end with us.
pub(crate) async fn end_all(
    data: &Path,
    account: &OsUser,
    progress: &mut impl FnMut(&str),
) -> Result<(), ClusterError> {
    let written = read_text(&data.join("postmaster.pid")).ok().and_then(|text| first_number(&text));
    let working = working_in(data, account);
    let is_working = |pid: u32| working.iter().any(|process| process.pid == pid);
    if let Some(number) = written {
        let pid = u32::try_from(number.unsigned_abs()).unwrap_or(0);
        let unsure = |why: &str| ClusterError::Unsure { pid, folder: data.to_owned(), why: why.into() };
        // A negative number is a single-user session: somebody is repairing something by hand.
        if number < 0 && is_working(pid) {
            return Err(unsure("does not end a single-user session"));
        }
        if !is_working(pid) && matches!(look(pid, data, account), Seen::Hidden) && says_postgres(pid, data) {
            return Err(unsure("may not look at it"));
        }
    }
    if working.is_empty() {
        return Ok(());
    }
    let postmaster = working.iter().find(|process| written == Some(i64::from(process.pid)));
    if let Some(postmaster) = postmaster {
        progress(&format!("stopping PostgreSQL (process {}), which outlived an earlier run", postmaster.pid));
        postmaster.signal(Signal::INT);
        if all_gone(data, account, FAST_MAX).await {
            return Ok(());
        }
        progress("it does not stop; telling it to stop at once");
        postmaster.signal(Signal::QUIT);
        if all_gone(data, account, IMMEDIATE_MAX).await {
            return Ok(());
        }
        return Err(ClusterError::Survivor { pid: postmaster.pid, folder: data.to_owned() });
    }
    progress("waiting for processes of a killed PostgreSQL to end");
    if all_gone(data, account, ORPHANS_MAX).await {
        return Ok(());
    }
    // Nothing is lost by killing them: without a postmaster their shared memory is void, and the
    // next start recovers from the write-ahead log.
    for signal in [Signal::QUIT, Signal::KILL] {
        for orphan in working_in(data, account) {
            tracing::warn!(pid = orphan.pid, ?signal, "a process of a killed PostgreSQL still works; ending it");
            orphan.signal(signal);
        }
        if all_gone(data, account, ORPHANS_KILLED_MAX).await {
            return Ok(());
        }
    }
    let pid = working_in(data, account).first().map_or(0, |process| process.pid);
    Err(ClusterError::Survivor { pid, folder: data.to_owned() })
}

async fn all_gone(data: &Path, account: &OsUser, limit: Duration) -> bool {
    let start = Instant::now();
    while !working_in(data, account).is_empty() {
        if start.elapsed() > limit {
            return false;
        }
        sleep(PAUSE).await;
    }
    true
}

/// All processes of the account that are PostgreSQL and work in the folder.
fn working_in(data: &Path, account: &OsUser) -> Vec<Handle> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            if entry.metadata().ok()?.uid() != account.uid {
                return None;
            }
            let held = Handle::open(pid)?;
            matches!(look(pid, data, account), Seen::Ours).then_some(held)
        })
        .collect()
}

enum Seen {
    /// PostgreSQL, at work in our folder.
    Ours,
    /// Something else, or gone.
    Other,
    /// The kernel does not let us look.
    Hidden,
}

fn look(pid: u32, data: &Path, account: &OsUser) -> Seen {
    let seen = match program_and_place(pid) {
        // In a container root often lacks CAP_SYS_PTRACE; the account itself may look at its own.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => program_and_place_as(account, pid),
        seen => seen,
    };
    let (program, place) = match seen {
        Ok(seen) => seen,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Seen::Hidden,
        Err(_) => return Seen::Other,
    };
    // After an upgrade of the package the running program's file is gone, and the kernel says so.
    let name = program.trim_end_matches(" (deleted)").rsplit('/').next();
    let ours = std::fs::metadata(data).map(|about| (about.dev(), about.ino()));
    if name == Some("postgres") && ours.is_ok_and(|ours| ours == place) { Seen::Ours } else { Seen::Other }
}

/// The path of a process's program, and device and inode of the folder that it works in.
fn program_and_place(pid: u32) -> Result<(String, (u64, u64)), Error> {
    let program = std::fs::read_link(format!("/proc/{pid}/exe"))?;
    let place = std::fs::metadata(format!("/proc/{pid}/cwd"))?;
    Ok((program.to_string_lossy().into_owned(), (place.dev(), place.ino())))
}

fn program_and_place_as(account: &OsUser, pid: u32) -> Result<(String, (u64, u64)), Error> {
    let ask = |program: &str, arguments: &[&str], link: &str| {
        let link = format!("/proc/{pid}/{link}");
        let output = command(Path::new(program), Some(account), "KILL").args(arguments).arg(link).output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        if output.status.success() { Ok(said) } else { Err(Error::from(ErrorKind::PermissionDenied)) }
    };
    let program = ask("readlink", &[], "exe")?;
    let place = ask("stat", &["--dereference", "--format=%d %i"], "cwd")?;
    let mut numbers = place.split(' ').filter_map(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(device), Some(inode)) => Ok((program, (device, inode))),
        _ => Err(Error::other("stat said something else")),
    }
}

/// Whether a process's own words (which anybody may read) name PostgreSQL and our folder.
fn says_postgres(pid: u32, data: &Path) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    words.split('\0').next().is_some_and(|first| first.ends_with("postgres"))
        && data.to_str().is_some_and(|data| words.contains(data))
}

fn first_number(text: &str) -> Option<i64> {
    text.lines().next()?.trim().parse().ok()
}
