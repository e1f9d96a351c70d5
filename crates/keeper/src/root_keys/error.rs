//! Why a root key file is refused, and what the operator can do about it.

use std::io;
use std::path::{Path, PathBuf};

use kernel::ErrorKind;

/// Why a root key file was not made, read or changed. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// Nothing is there.
    #[error("there is no root key file at {}: name the right one, or bring back your copy of it", .path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Making one would write over it.
    #[error("there is a root key file at {} already: it is not written over, as everything sealed with it would be lost", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A link can be turned to another file.
    #[error("{} is a symbolic link: name the root key file itself", .path.display())]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// A folder, a pipe or a device.
    #[error("{} is not a file: name the root key file", .path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Group or others have rights on the file.
    #[error("others may use the root key file {} (its mode is {mode:04o}): run `chmod 600` on it, and if others had the time to read it, turn the epoch", .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another user owns the file.
    #[error("the root key file {} belongs to user {owner}, and this program runs as user {us}: run `chown {us}` on it, or run the program as its owner", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Whom the program runs as.
        us: u32,
    },
    /// The keys would travel with the data.
    #[error("the root key file {} lies inside the data folder {}: move it elsewhere, so that a copy of the data is not a copy of its keys", .path.display(), .folder.display())]
    InsideDataFolder {
        /// The file.
        path: PathBuf,
        /// The data folder.
        folder: PathBuf,
    },
    /// Group or others may write into the folder.
    #[error("others may put files into {}, where the root key file is: run `chmod go-w` on the folder (its mode is {mode:04o})", .folder.display())]
    FolderOpenToOthers {
        /// The folder.
        folder: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Somebody who is neither this user nor root owns the folder.
    #[error("the folder {} of the root key file belongs to user {owner}: keep the file in a folder of user {us} or of root", .folder.display())]
    FolderNotOurs {
        /// The folder.
        folder: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Whom the program runs as.
        us: u32,
    },
    /// The file does not say what it should.
    #[error("line {line} of the root key file {} is not as it should be: bring back your copy of the file", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first wrong line, counted from 1.
        line: usize,
    },
    /// No key would be left.
    #[error("dropping all epochs before {epoch} would leave no root key in {}: add an epoch first", .path.display())]
    WouldDropAll {
        /// The file.
        path: PathBuf,
        /// The epoch that was given.
        epoch: u32,
    },
    /// The operating system said no.
    #[error("{doing} {} failed: {source}", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl RootKeyError {
    /// What a caller can do about it. All of these are the operator's to put right.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. } => ErrorKind::Missing,
            Self::Exists { .. } | Self::WouldDropAll { .. } => ErrorKind::Conflict,
            Self::Malformed { .. } => ErrorKind::Damaged,
            _ => ErrorKind::Internal,
        }
    }

    pub(crate) fn malformed(path: &Path, line: usize) -> Self {
        Self::Malformed { path: path.to_owned(), line }
    }

    /// For `map_err`: an error of the operating system while `doing` something to `path`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
