//! The data folder: what lies where, and who holds it.
//!
//! ```text
//! FOLDER/running.lock   held while Vouchsafe runs on the folder
//! FOLDER/servers.json   where the managed servers are reached, for the other commands
//! FOLDER/pg-data/       the PostgreSQL of the data
//! FOLDER/pg-keyring/    the PostgreSQL of the keyring
//! ```

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

const LOCK: &str = "running.lock";
const SERVERS: &str = "servers.json";

/// Another command looks at the lock for a moment.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The data folder, held by this process until dropped (the kernel lets go when a process dies).
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    _lock: File,
}

/// Where the managed servers are reached, and the pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sockets {
    pub(crate) data: Socket,
    pub(crate) keyring: Socket,
    /// Links begin with it.
    pub(crate) origin: String,
}

/// Where one server is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Socket {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Place {
    /// Makes the folder when it is missing, and takes its lock: one Vouchsafe runs on a folder.
    pub(crate) async fn hold(folder: &Path) -> Result<Self, Failure> {
        if !folder.exists() {
            // The accounts of the servers and of the application must pass through, and not look.
            let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
            let done = DirBuilder::new().recursive(true).mode(mode).create(folder);
            done.and_then(|()| std::fs::set_permissions(folder, Permissions::from_mode(mode)))
                .map_err(Failure::io("cannot make the data folder", folder))?;
        }
        check(folder)?;
        let path = folder.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o644).open(&path);
        let lock = lock.map_err(Failure::io("cannot open", &path))?;
        for left in (0..LOCK_TRIES).rev() {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if left > 0 => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::WouldBlock) => {
                    let holder = std::fs::read_to_string(&path).unwrap_or_default();
                    return Err(Failure::said(format!(
                        "Vouchsafe runs on {} already (process {}). Stop that one first, or name another folder",
                        folder.display(),
                        holder.trim().trim_start_matches('0')
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(Failure::io("cannot lock", &path)(error)),
            }
        }
        // Of an earlier run.
        let _ = std::fs::remove_file(folder.join(SERVERS));
        // Fixed width, so that it is written over by itself.
        let _ = lock.write_all_at(format!("{:010}\n", std::process::id()).as_bytes(), 0);
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// The folder of one server.
    pub(crate) fn server(&self, name: &str) -> PathBuf {
        self.folder.join(format!("pg-{name}"))
    }

    /// Notes where the servers are reached.
    pub(crate) fn note(&self, sockets: &Sockets) -> Result<(), Failure> {
        let (path, beside) = (self.folder.join(SERVERS), self.folder.join(format!("{SERVERS}.new")));
        let text = serde_json::to_vec(sockets).map_err(|error| Failure::said(error.to_string()))?;
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::set_permissions(&beside, Permissions::from_mode(0o644)))
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(Failure::io("cannot write", &path))
    }
}

/// The folder must be ours alone to write, and hold nothing of others.
fn check(folder: &Path) -> Result<(), Failure> {
    let about = std::fs::metadata(folder).map_err(Failure::io("cannot look at", folder))?;
    let me = rustix::process::geteuid().as_raw();
    if about.uid() != me || about.mode() & 0o022 != 0 {
        return Err(Failure::said(format!(
            "the data folder {} belongs to user {} with permissions {:03o}; it must belong to user {me}, whom this program \
             runs as, and be writable by nobody else",
            folder.display(),
            about.uid(),
            about.mode() & 0o777
        )));
    }
    if folder.join(LOCK).exists() {
        return Ok(());
    }
    match std::fs::read_dir(folder).map_err(Failure::io("cannot list", folder))?.next() {
        None => Ok(()),
        Some(other) => Err(Failure::said(format!(
            "the data folder {} holds {} and is none of Vouchsafe's; name an empty one, or one that is not there yet",
            folder.display(),
            other.map(|entry| entry.file_name().display().to_string()).unwrap_or_default()
        ))),
    }
}

/// Where the servers of a running Vouchsafe are reached, for a command that works beside it.
pub(crate) fn beside_running(folder: &Path) -> Result<Sockets, Failure> {
    let off = || {
        Failure::said(format!(
            "no Vouchsafe runs on {}. Start it first (vouchsafe serve or up), then give this command again",
            folder.display()
        ))
    };
    let lock = File::open(folder.join(LOCK)).map_err(|_| off())?;
    if lock.try_lock_shared().is_ok() {
        return Err(off());
    }
    let text = std::fs::read(folder.join(SERVERS)).map_err(|_| off())?;
    serde_json::from_slice(&text).map_err(|_| off())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets() -> Sockets {
        let socket = Socket { folder: PathBuf::from("/run/x"), port: 5432 };
        Sockets { data: socket.clone(), keyring: socket, origin: "https://localhost".to_owned() }
    }

    #[tokio::test]
    async fn a_folder_is_held_by_one_at_a_time_and_the_holder_is_named() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let held = Place::hold(&folder).await.unwrap();
        let told = Place::hold(&folder).await.unwrap_err().to_string();
        assert!(told.contains("runs on") && told.contains(&std::process::id().to_string()), "{told}");
        drop(held);
        assert!(Place::hold(&folder).await.is_ok());
    }

    #[tokio::test]
    async fn other_commands_find_the_servers_while_it_runs_and_are_told_when_it_does_not() {
        let place = tempfile::tempdir().unwrap();
        assert!(beside_running(place.path()).unwrap_err().to_string().contains("Start it first"));
        let held = Place::hold(place.path()).await.unwrap();
        assert!(beside_running(place.path()).is_err(), "its servers do not answer yet");
        held.note(&sockets()).unwrap();
        assert_eq!(beside_running(place.path()).unwrap().data.port, 5432);
        drop(held);
        assert!(beside_running(place.path()).unwrap_err().to_string().contains("Start it first"));
    }
}
