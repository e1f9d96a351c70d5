//! The file itself: what may be opened, how it is written, and its text.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use seal::cipher::{KEY_LENGTH, KeyBytes};
use zeroize::Zeroizing;

use super::{RootKeyError, RootKeys};

const HEADER: &str = "vouchsafe root keys 1";
const NOTE: &str = "# Without this file nothing that was sealed with it opens again; with it, everything does.\n\
                    # Keep a copy of it apart from the data and from the backups.";
/// The last line: without it, a file cut between two lines would read as one with fewer keys.
const END: &str = "end";
/// More than any file of ours will hold.
const FILE_LENGTH_MAX: u64 = 1024 * 1024;

/// Writes a new file, which must not exist.
pub(super) fn create(path: &Path, keys: &RootKeys) -> Result<(), RootKeyError> {
    let folder = checked_folder(path)?;
    write_new(path, keys).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RootKeyError::Exists { path: path.to_owned() },
        _ => RootKeyError::io("making", path)(error),
    })?;
    sync_folder(&folder)
}

/// Reads a file, after every check that can be made.
pub(super) fn read(path: &Path, forbidden_folder: Option<&Path>) -> Result<RootKeys, RootKeyError> {
    let mut file = open_checked(path)?;
    let folder = checked_folder(path)?;
    if let Some(forbidden) = forbidden_folder {
        // A data folder that is not there yet cannot hold the file.
        let forbidden = forbidden.canonicalize().unwrap_or_else(|_| forbidden.to_owned());
        if folder.starts_with(&forbidden) {
            return Err(RootKeyError::InsideDataFolder { path: path.to_owned(), folder: forbidden });
        }
    }
    // Room for the whole at once: a buffer that grows leaves copies of keys behind.
    let length = file.metadata().map_err(RootKeyError::io("reading", path))?.len();
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1)));
    (&mut file).take(FILE_LENGTH_MAX).read_to_end(&mut text).map_err(RootKeyError::io("reading", path))?;
    parse(&text).map_err(|line| RootKeyError::malformed(path, line))
}

/// Puts a new file in the place of the old one: whoever reads sees the one or the other, whole.
/// The folder must be locked.
pub(super) fn replace(path: &Path, keys: &RootKeys) -> Result<(), RootKeyError> {
    let folder = checked_folder(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    // Left by a process that died while it held the lock.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(RootKeyError::io("removing", &beside)(error));
        }
        _ => {}
    }
    write_new(&beside, keys).map_err(RootKeyError::io("making", &beside))?;
    fs::rename(&beside, path).map_err(RootKeyError::io("replacing", path))?;
    sync_folder(&folder)
}

/// Locks the file's folder for as long as the returned handle lives. The folder, since the file
/// itself is another one after each change.
pub(super) fn lock_folder(path: &Path) -> Result<File, RootKeyError> {
    let folder = checked_folder(path)?;
    let handle = File::open(&folder).map_err(RootKeyError::io("locking", &folder))?;
    handle.lock().map_err(RootKeyError::io("locking", &folder))?;
    Ok(handle)
}

/// The file, if it is a plain one that is ours and that nobody else can use.
pub(crate) fn open_checked(path: &Path) -> Result<File, RootKeyError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = file.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => {
            RootKeyError::SymbolicLink { path: path.to_owned() }
        }
        _ if error.kind() == io::ErrorKind::NotFound => RootKeyError::Missing { path: path.to_owned() },
        _ => RootKeyError::io("opening", path)(error),
    })?;
    // Of the open file, not of the path: what is checked is what is read.
    let found = file.metadata().map_err(RootKeyError::io("checking", path))?;
    let us = rustix::process::geteuid().as_raw();
    if !found.is_file() {
        return Err(RootKeyError::NotAFile { path: path.to_owned() });
    }
    if found.uid() != us {
        return Err(RootKeyError::NotOurs { path: path.to_owned(), owner: found.uid(), us });
    }
    if found.mode() & 0o077 != 0 {
        return Err(RootKeyError::OpenToOthers { path: path.to_owned(), mode: found.mode() & 0o7777 });
    }
    Ok(file)
}

/// The folder the file is in, with no link left in its name, if nobody but us (and root) can put
/// another file in its place.
pub(crate) fn checked_folder(path: &Path) -> Result<PathBuf, RootKeyError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(RootKeyError::io("finding the folder", folder))?;
    let found = fs::metadata(&folder).map_err(RootKeyError::io("checking", &folder))?;
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us && found.uid() != 0 {
        return Err(RootKeyError::FolderNotOurs { folder, owner: found.uid(), us });
    }
    if found.mode() & 0o022 != 0 {
        return Err(RootKeyError::FolderOpenToOthers { folder, mode: found.mode() & 0o7777 });
    }
    Ok(folder)
}

fn write_new(path: &Path, keys: &RootKeys) -> io::Result<()> {
    write_new_text(path, &text(keys))
}

/// Writes a file that did not exist, readable to us alone, and sees it onto the disk. A file that
/// could not be written whole is taken away again.
pub(crate) fn write_new_text(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn sync_folder(folder: &Path) -> Result<(), RootKeyError> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(RootKeyError::io("syncing", folder))
}

/// The text of a file.
fn text(keys: &RootKeys) -> Zeroizing<String> {
    // An epoch has ten digits at most; with its key, the space and the newline, 76 characters.
    let mut out = Zeroizing::new(String::with_capacity(HEADER.len() + NOTE.len() + END.len() + 3 + keys.len() * 76));
    out.push_str(HEADER);
    out.push('\n');
    out.push_str(NOTE);
    out.push('\n');
    for (epoch, key) in keys {
        out.push_str(&epoch.to_string());
        out.push(' ');
        out.extend(
            key.iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .filter_map(|digit| char::from_digit(u32::from(digit), 16)),
        );
        out.push('\n');
    }
    out.push_str(END);
    out.push('\n');
    out
}

/// The keys of a text, or the number of its first wrong line. Strict: a file that was cut or
/// edited by mistake must not be read as one with fewer keys.
fn parse(text: &[u8]) -> Result<RootKeys, usize> {
    let mut lines = (1..).zip(text.split(|byte| *byte == b'\n'));
    if lines.next().is_none_or(|(_, header)| header != HEADER.as_bytes()) {
        return Err(1);
    }
    let mut keys = RootKeys::new();
    for (number, line) in lines {
        if line == END.as_bytes() {
            // The newline after it is all that follows.
            let ends_here = text.ends_with(b"\nend\n") && text.split(|byte| *byte == b'\n').count() == number + 1;
            return if ends_here && !keys.is_empty() { Ok(keys) } else { Err(number) };
        }
        if line.starts_with(b"#") {
            continue;
        }
        let (epoch, bytes) = parse_key(line).ok_or(number)?;
        if keys.last_key_value().is_some_and(|(newest, _)| *newest >= epoch) {
            return Err(number);
        }
        keys.insert(epoch, bytes);
    }
    Err(text.split(|byte| *byte == b'\n').count())
}

/// `epoch key`: a number from 1 without leading zeros, one space, 64 lower-case hexadecimal digits.
fn parse_key(line: &[u8]) -> Option<(u32, KeyBytes)> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (digits, hex) = (line.get(..space)?, line.get(space.checked_add(1)?..)?);
    let epoch: u32 = str::from_utf8(digits).ok()?.parse().ok()?;
    if !matches!(digits.first(), Some(b'1'..=b'9')) {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = hex.as_chunks::<2>() else { return None };
    if pairs.len() != KEY_LENGTH {
        return None;
    }
    let mut bytes = KeyBytes::default();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some((epoch, bytes))
}

#[cfg(test)]
mod tests;
