//! The cluster's folder: what lies where, whose it is, and who holds it.
//!
//! ```text
//! FOLDER/vouchsafe.lock   the mark that the folder is ours, and our lock
//! FOLDER/data/            PostgreSQL's own; never there half made
//! FOLDER/data.half/       a folder in the making; removed by the next start
//! FOLDER/conf/            written by us at each start, out of the server's reach
//! FOLDER/log/             the server's log, a file per weekday
//! FOLDER/sockets/         where clients connect
//! FOLDER/start.log        what initdb and a starting server say before the log is open
//! ```
//!
//! As root we write only into places that the server's account cannot write, and read what it wrote
//! without following links: a broken server must not become root's hand.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::error::ClusterError;
use crate::os_user::OsUser;
use crate::process;

const LOCK_FILE: &str = "vouchsafe.lock";

/// The lock is free within moments of its holder's death, but not at once: a process that forks
/// holds a copy until it calls exec.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// `sun_path` has 108 bytes, one of them for the NUL.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The port is only a part of the socket's name: nothing listens on the network.
pub(crate) const PORT: u16 = 5432;

/// Where things are. All paths are absolute and free of links in their upper parts.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) half: PathBuf,
    pub(crate) conf: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) sockets: PathBuf,
    pub(crate) start_log: PathBuf,
}

/// Our lock on the folder, held until dropped (the kernel frees it when a process dies).
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read: closing the file frees the lock")] File);

/// Makes the folder if it is missing, makes sure that it is ours and takes the lock.
pub(crate) async fn claim(folder: &Path, name: &str) -> Result<(Layout, Lock), ClusterError> {
    let me = rustix::process::geteuid().as_raw();
    if !folder.exists() {
        // As root the server's and the application's accounts must pass through, and not look.
        let mode = if me == 0 { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(folder).map_err(ClusterError::io("cannot make", folder))?;
        set_mode(folder, mode)?;
    }
    let folder = folder.canonicalize().map_err(ClusterError::io("cannot find", folder))?;
    let not_ours = |why: String| ClusterError::NotOurs { folder: folder.clone(), why };
    let about = std::fs::metadata(&folder).map_err(ClusterError::io("cannot look at", &folder))?;
    if about.uid() != me || about.mode() & 0o022 != 0 {
        return Err(not_ours(format!(
            "it belongs to user {} with permissions {:03o}, and must belong to user {me} and be writable by nobody else",
            about.uid(),
            about.mode() & 0o777
        )));
    }
    let lock_path = folder.join(LOCK_FILE);
    if !lock_path.exists()
        && let Some(entry) = std::fs::read_dir(&folder).map_err(ClusterError::io("cannot list", &folder))?.next()
    {
        let entry = entry.map_err(ClusterError::io("cannot list", &folder))?;
        return Err(not_ours(format!("it holds {} and no {LOCK_FILE}", entry.file_name().display())));
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o644)
        .open(&lock_path)
        .map_err(ClusterError::io("cannot open", &lock_path))?;
    take(&file, &folder, &lock_path).await?;
    let mark = format!("vouchsafe cluster {name}");
    let before = read_text(&lock_path)?;
    match before.lines().next() {
        None => {}
        Some(line) if line == mark => {}
        Some(line) => return Err(not_ours(format!("its {LOCK_FILE} says {line:?} and not {mark:?}"))),
    }
    // Fixed width, so that the mark is overwritten by itself and never half there.
    let text = format!("{mark}\nheld by process {:010}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0)
        .and_then(|()| file.sync_all())
        .map_err(ClusterError::io("cannot write", &lock_path))?;
    let layout = Layout {
        data: folder.join("data"),
        half: folder.join("data.half"),
        conf: folder.join("conf"),
        log: folder.join("log"),
        sockets: short_enough(&folder, me)?,
        start_log: folder.join("start.log"),
        folder,
    };
    Ok((layout, Lock(file)))
}

async fn take(file: &File, folder: &Path, lock_path: &Path) -> Result<(), ClusterError> {
    for left in (0..LOCK_TRIES).rev() {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if left > 0 => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(source)) => return Err(ClusterError::io("cannot lock", lock_path)(source)),
        }
    }
    let text = read_text(lock_path)?;
    let pid = text.rsplit(' ').next().and_then(|number| number.trim().parse::<u32>().ok());
    let holder = match pid {
        Some(pid) => match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
            Ok(name) => format!("process {pid} ({})", name.trim()),
            Err(_) => format!("process {pid}"),
        },
        None => "another process".into(),
    };
    Err(ClusterError::Held { folder: folder.to_owned(), holder })
}

impl Layout {
    /// The major that made the data; `None` when there is no data yet.
    pub(crate) fn data_major(&self) -> Result<Option<u32>, ClusterError> {
        let path = self.data.join("PG_VERSION");
        if !self.data.exists() {
            return Ok(None);
        }
        match read_text(&path) {
            Ok(text) if text.trim().parse::<u32>().is_ok() => Ok(text.trim().parse().ok()),
            _ => Err(ClusterError::NotOurs {
                folder: self.data.clone(),
                why: "it is not a whole folder of PostgreSQL (no readable PG_VERSION)".into(),
            }),
        }
    }

    /// The data must belong to the account that is to serve it.
    pub(crate) fn check_owner(&self, account: &OsUser) -> Result<(), ClusterError> {
        let owner = std::fs::metadata(&self.data).map_err(ClusterError::io("cannot look at", &self.data))?.uid();
        if owner == account.uid {
            return Ok(());
        }
        Err(ClusterError::Account(format!(
            "{} belongs to user {owner}, and PostgreSQL is to run as {} (user {}); run it as its owner, or hand the folder over: chown -R {} {}",
            self.data.display(),
            account.name,
            account.uid,
            account.name,
            self.data.display()
        )))
    }

    /// Makes the folders of configuration, log and sockets, each with the owner and mode it must have.
    /// `mode` and `group` are the sockets folder's.
    pub(crate) fn furnish(&self, account: &OsUser, mode: u32, group: u32) -> Result<(), ClusterError> {
        make_dir(&self.conf, 0o755)?;
        make_dir(&self.log, 0o700)?;
        give(&self.log, account.uid, account.gid)?;
        make_dir(&self.sockets, 0o700)?;
        give(&self.sockets, account.uid, group)?;
        set_mode(&self.sockets, mode)
    }

    /// Takes away what a server that is gone left behind: its pid file, which would make the next one
    /// refuse when the number has been given to another process, and its sockets. To be called only
    /// when nothing works in the folder any more.
    pub(crate) fn sweep(&self) -> Result<(), ClusterError> {
        let pid_file = self.data.join("postmaster.pid");
        remove_if_there(&pid_file)?;
        let Ok(entries) = std::fs::read_dir(&self.sockets) else { return Ok(()) };
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".s.PGSQL.") {
                remove_if_there(&entry.path())?;
            }
        }
        Ok(())
    }

    /// What `initdb` or a server that did not start said last: in `start.log`, or in its own log when
    /// it got so far as to open it. Each line on its own, indented; empty when it said nothing.
    pub(crate) fn last_words(&self) -> String {
        const LINES_MAX: usize = 6;
        let mut text = read_text(&self.start_log).unwrap_or_default();
        if text.contains("logging collector") {
            let logs = std::fs::read_dir(&self.log).into_iter().flatten().flatten();
            let newest = logs.filter_map(|log| Some((log.metadata().ok()?.modified().ok()?, log.path()))).max();
            text = newest.and_then(|(_, path)| read_text(&path).ok()).unwrap_or(text);
        }
        let lines: Vec<String> = text.lines().map(|line| format!("\n  {}", line.trim_end())).collect();
        let skipped = lines.len().saturating_sub(LINES_MAX);
        lines.into_iter().skip(skipped).collect()
    }
}

/// Whether `account` can pass into a folder, asked of the kernel: a closed folder anywhere above it
/// shuts the account out.
pub(crate) fn reaches(account: &OsUser, folder: &Path) -> Result<(), ClusterError> {
    let passed = process::command(Path::new("test"), Some(account), "KILL").arg("-x").arg(folder).status();
    match passed {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(ClusterError::Account(format!(
            "the account {} cannot reach {}: each folder on the way must let others pass (`namei -l {}` shows which does not; chmod o+x opens it)",
            account.name,
            folder.display(),
            folder.display()
        ))),
        Err(source) => Err(ClusterError::Io { what: "cannot run", path: "setpriv (of util-linux)".into(), source }),
    }
}

/// The folder of sockets: below the cluster's folder, or, where that path is too long for a socket, a
/// short one named after the folder's device and inode, which are its own on this machine.
fn short_enough(folder: &Path, me: u32) -> Result<PathBuf, ClusterError> {
    let bytes = |sockets: &Path| sockets.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len();
    let usual = folder.join("sockets");
    if bytes(&usual) <= SOCKET_PATH_BYTES_MAX {
        return Ok(usual);
    }
    let about = std::fs::metadata(folder).map_err(ClusterError::io("cannot look at", folder))?;
    let name = format!("{:x}-{:x}", about.dev(), about.ino());
    let (above, short) = if me == 0 {
        ("/run/vouchsafe-pg", Path::new("/run/vouchsafe-pg").join(name))
    } else {
        ("/tmp", Path::new("/tmp").join(format!("vouchsafe-{me}-{name}")))
    };
    let unusable = |why: String| ClusterError::SocketPath {
        folder: folder.to_owned(),
        bytes: bytes(&usual),
        most: SOCKET_PATH_BYTES_MAX,
        why,
    };
    if me == 0 {
        make_dir(Path::new(above), 0o711)
            .map_err(|error| unusable(format!("no short folder could be made: {error}")))?;
    }
    // In /tmp somebody else may have been first: only a real folder of our own will do.
    match DirBuilder::new().mode(0o700).create(&short) {
        Ok(()) => Ok(short),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let safe =
                std::fs::symlink_metadata(&short).is_ok_and(|about| about.is_dir() && (me == 0 || about.uid() == me));
            if safe { Ok(short) } else { Err(unusable(format!("{} belongs to somebody else", short.display()))) }
        }
        Err(error) => Err(unusable(format!("{} could not be made: {error}", short.display()))),
    }
}

/// The whole text of a small file, or the last 64 KiB of a large one, without following a link and
/// without waiting on a pipe: the server's account may have put either in the file's place.
pub(crate) fn read_text(path: &Path) -> Result<String, ClusterError> {
    const BYTES_MAX: u64 = 64 * 1024;
    let read = || {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(std::io::Error::other("not a plain file"));
        }
        file.seek(SeekFrom::Start(about.len().saturating_sub(BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().map_err(ClusterError::io("cannot read", path))
}

/// Makes a folder with exactly `mode`, whatever the umask; one that is there is kept and set.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), ClusterError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) => return Err(ClusterError::io("cannot make", path)(error)),
    }
    set_mode(path, mode)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ClusterError> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(ClusterError::io("cannot set the mode of", path))
}

/// Hands a file over. Without root this changes nothing, for everything is ours already.
pub(crate) fn give(path: &Path, uid: u32, gid: u32) -> Result<(), ClusterError> {
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(ClusterError::io("cannot change the owner of", path))
}

/// Makes a rename or a new name durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), ClusterError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(ClusterError::io("cannot sync", path))
}

fn remove_if_there(path: &Path) -> Result<(), ClusterError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ClusterError::io("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}
