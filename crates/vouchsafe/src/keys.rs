//! The root key's file: made for the application's account, and for nobody else.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;

use keeper::{RootKeyError, RootKeyFile};

use crate::accounts::Accounts;
use crate::doors::entropy;
use crate::failure::Failure;

/// Makes the file if it is missing, in a folder that belongs to the application (made when missing).
/// One that is there is never written over.
pub(crate) fn ensure(path: &Path, accounts: &Accounts) -> Result<(), Failure> {
    match create(path, accounts) {
        Err(Failure::RootKey(RootKeyError::Exists { .. })) => Ok(()),
        other => other,
    }
}

/// Makes the file; refused if it is there.
pub(crate) fn create(path: &Path, accounts: &Accounts) -> Result<(), Failure> {
    let folder = path.parent().ok_or_else(|| Failure::said("the root key needs a folder of its own"))?;
    let made = !folder.exists();
    if made {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Failure::io("cannot make", folder))?;
    }
    let ours = made || belongs_to_application(folder, accounts);
    if ours && accounts.application().is_some() {
        // Only in a folder of its own does the key's maker trust what it writes.
        chown(folder, Some(0), Some(0)).map_err(Failure::io("cannot take", folder))?;
    }
    let created = RootKeyFile::create(path, &entropy());
    if created.is_ok() {
        give(path, accounts)?;
    }
    // The application turns the key by putting a new file in the old one's place, so the folder is its own.
    if ours {
        give(folder, accounts)?;
    }
    Ok(created?)
}

fn belongs_to_application(folder: &Path, accounts: &Accounts) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::symlink_metadata(folder).map(|about| about.uid()).ok();
    accounts.application().is_some_and(|account| owner == Some(account.uid))
}

/// Hands a file or folder to the application's account, where that is another.
pub(crate) fn give(path: &Path, accounts: &Accounts) -> Result<(), Failure> {
    match accounts.application() {
        None => Ok(()),
        Some(account) => {
            chown(path, Some(account.uid), Some(account.gid)).map_err(Failure::io("cannot hand over", path))
        }
    }
}
