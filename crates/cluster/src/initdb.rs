//! Making a new folder of data, so that it is whole or not there.

use std::fs::File;
use std::sync::Arc;

use crate::binaries::Binaries;
use crate::conf::SUPERUSER;
use crate::error::ClusterError;
use crate::folder::{Layout, Lock, give, make_dir, sync_dir};
use crate::leftovers;
use crate::os_user::OsUser;
use crate::process::{self, Child};

/// Runs `initdb` into a folder beside the data's place and renames it when it is whole. What a killed
/// run left there is removed first.
pub(crate) async fn initialise(
    layout: &Layout,
    binaries: &Binaries,
    account: &OsUser,
    switch: Option<&OsUser>,
    lock: &Arc<Lock>,
    progress: &mut impl FnMut(&str),
) -> Result<(), ClusterError> {
    if layout.half.exists() {
        progress("removing a database folder that an earlier run left half made");
        leftovers::end_all(&layout.half, account, progress).await?;
        std::fs::remove_dir_all(&layout.half).map_err(ClusterError::io("cannot remove", &layout.half))?;
    }
    progress(&format!("making a new database folder with PostgreSQL {}", binaries.version));
    make_dir(&layout.half, 0o700)?;
    give(&layout.half, account.uid, account.gid)?;

    let said = File::create(&layout.start_log).map_err(ClusterError::io("cannot write", &layout.start_log))?;
    let said_too = said.try_clone().map_err(ClusterError::io("cannot write", &layout.start_log))?;
    // A half-made folder is worth nothing, so initdb dies with us at once.
    let mut command = process::command(&binaries.program("initdb"), switch, "KILL");
    command.stdout(said).stderr(said_too).arg("--pgdata").arg(&layout.half).args([
        "--username",
        SUPERUSER,
        // Its own pg_hba.conf is never used (conf.rs); should somebody start the folder by hand
        // without ours, it lets nobody in.
        "--auth=reject",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    ]);
    // From 17 on the order of text need not come from the C library, whose upgrades change it.
    if binaries.version.major >= 17 {
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
    }
    let status = Child::spawn(command, Arc::clone(lock)).await?.wait().await;
    if !status.success() {
        return Err(ClusterError::Failed { program: "initdb", status: status.to_string(), words: layout.last_words() });
    }
    std::fs::rename(&layout.half, &layout.data).map_err(ClusterError::io("cannot rename to", &layout.data))?;
    sync_dir(&layout.folder)
}
