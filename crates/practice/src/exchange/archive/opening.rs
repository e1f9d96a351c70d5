//! Checking and opening an archive: first who signed, then every hash, and only then is anything written.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::lock::Identity;
use super::manifest::{FORMAT, MANIFEST_NAME, Manifest, NOTE_NAME, PartEntry, README_NAME, hex};
use super::note::{NoteProblem, Verifier};
use super::tar::{Tar, TarProblem};

/// A manifest has a few hundred bytes for each part.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A signed note has three lines; the page for whoever finds the archive, a few dozen.
const TEXT_BYTES_MAX: u64 = 64 * 1024;
/// Where what belongs to the archive itself goes when it is opened, beside what was in it.
const PROOF: &str = "proof";

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveProblem {
    /// The tar itself.
    #[error(transparent)]
    Tar(#[from] TarProblem),
    /// The files do not come in the order in which they are written.
    #[error("{expected} is not where it should be in the archive")]
    Order {
        /// What should have come.
        expected: String,
    },
    /// A file that the manifest does not name.
    #[error("{name} is in the archive and not in its manifest")]
    Unnamed {
        /// Which.
        name: String,
    },
    /// The manifest is not one.
    #[error("the manifest is not one of this program, or of a later version of it")]
    Manifest,
    /// The signature.
    #[error("the manifest is not to be believed: {0}")]
    Signature(NoteProblem),
    /// Signed by somebody else than was expected.
    #[error("the archive is signed by {found}, and not by the installation that you named")]
    SignedByAnother {
        /// By whom.
        found: String,
    },
    /// A part is not as the manifest says.
    #[error("{name} was altered: its {what} is not that of the manifest")]
    Altered {
        /// Which.
        name: String,
        /// What differs.
        what: &'static str,
    },
    /// A part does not open with this key.
    #[error("{name} does not open with this key: the archive is for {recipient}")]
    Locked {
        /// Which.
        name: String,
        /// Whom it is for.
        recipient: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is something already.
    #[error("{} is there already: name a folder that is not", .path.display())]
    There {
        /// Where.
        path: PathBuf,
    },
}

/// The signed manifest of an archive, after which its parts follow.
struct Head<R> {
    tar: Tar<R>,
    manifest: Manifest,
    texts: [(&'static str, Vec<u8>); 3],
}

impl<R: Read> Head<R> {
    /// Reads what comes first, and checks who signed it.
    fn read(input: R, expected: Option<&Verifier>) -> Result<Self, ArchiveProblem> {
        let mut tar = Tar::new(input);
        let readme = member(&mut tar, README_NAME, TEXT_BYTES_MAX)?;
        let bytes = member(&mut tar, MANIFEST_NAME, MANIFEST_BYTES_MAX)?;
        let note = member(&mut tar, NOTE_NAME, TEXT_BYTES_MAX)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| ArchiveProblem::Manifest)?;
        let named: Verifier = manifest.installation.key.parse().map_err(|_| ArchiveProblem::Manifest)?;
        if manifest.format != FORMAT {
            return Err(ArchiveProblem::Manifest);
        }
        if let Some(expected) = expected
            && *expected != named
        {
            return Err(ArchiveProblem::SignedByAnother { found: named.to_string() });
        }
        let text = str::from_utf8(&note).map_err(|_| ArchiveProblem::Signature(NoteProblem::Form))?;
        let signed = named.open(text).map_err(ArchiveProblem::Signature)?;
        if signed != Manifest::statement(&bytes) {
            return Err(ArchiveProblem::Altered { name: MANIFEST_NAME.to_owned(), what: "hash" });
        }
        let texts = [(README_NAME, readme), (MANIFEST_NAME, bytes), (NOTE_NAME, note)];
        Ok(Self { tar, manifest, texts })
    }
}

/// A small file that must come next.
fn member<R: Read>(tar: &mut Tar<R>, name: &str, bytes_max: u64) -> Result<Vec<u8>, ArchiveProblem> {
    match tar.advance()? {
        Some((found, bytes)) if found == name && bytes <= bytes_max => {
            let mut content = Vec::new();
            tar.read_to_end(&mut content).map_err(TarProblem::from)?;
            Ok(content)
        }
        _ => Err(ArchiveProblem::Order { expected: name.to_owned() }),
    }
}

/// Counts and hashes what is read through it.
struct Hashing<R> {
    input: R,
    bytes: u64,
    hash: Context,
}

impl<R: Read> Hashing<R> {
    fn new(input: R) -> Self {
        Self { input, bytes: 0, hash: Context::new(&SHA256) }
    }

    fn is(self, bytes: u64, sha256: &str) -> Result<(), &'static str> {
        if self.bytes != bytes {
            return Err("length");
        }
        if hex(self.hash.finish().as_ref()) == sha256 { Ok(()) } else { Err("hash") }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.bytes += read as u64;
        self.hash.update(out.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn altered(part: &PartEntry) -> impl Fn(&'static str) -> ArchiveProblem {
    let name = part.name.clone();
    move |what| ArchiveProblem::Altered { name: name.clone(), what }
}

/// Checks an archive as far as that goes without the key that opens it: the signature, and that every part is as
/// it was when it was signed. Without `expected` it is checked against the key that the archive itself names, which
/// the caller must compare.
///
/// # Errors
/// What is wrong.
pub fn verify(input: impl Read, expected: Option<&Verifier>) -> Result<Manifest, ArchiveProblem> {
    let Head { mut tar, manifest, .. } = Head::read(input, expected)?;
    each_part(&mut tar, &manifest, |part, input| {
        let mut sealed = Hashing::new(input);
        io::copy(&mut sealed, &mut io::sink()).map_err(TarProblem::from)?;
        sealed.is(part.sealed_bytes, &part.sealed_sha256).map_err(altered(part))
    })?;
    Ok(manifest)
}

/// Every part in its place, and nothing besides.
fn each_part<R: Read>(
    tar: &mut Tar<R>,
    manifest: &Manifest,
    mut done: impl FnMut(&PartEntry, &mut Tar<R>) -> Result<(), ArchiveProblem>,
) -> Result<(), ArchiveProblem> {
    for part in &manifest.parts {
        match tar.advance()? {
            Some((name, _)) if name == part.sealed_name() => done(part, tar)?,
            _ => return Err(ArchiveProblem::Order { expected: part.sealed_name() }),
        }
    }
    match tar.advance()? {
        None => Ok(()),
        Some((name, _)) => Err(ArchiveProblem::Unnamed { name }),
    }
}

/// Checks an archive and opens it into a folder that is made for it, readable by its owner alone. If anything is
/// wrong, the folder is taken away again: what is there afterwards is whole.
///
/// # Errors
/// What is wrong.
pub fn open(
    input: impl Read,
    expected: Option<&Verifier>,
    identity: &Identity,
    to: &Path,
) -> Result<Manifest, ArchiveProblem> {
    let head = Head::read(input, expected)?;
    let made = DirBuilder::new().mode(0o700).create(to);
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveProblem::There { path: to.to_owned() },
        _ => ArchiveProblem::Write { path: to.to_owned(), error },
    })?;
    let opened = unpack(head, identity, to);
    if opened.is_err() {
        // We made it, and nobody else knows of it yet.
        let _ = fs::remove_dir_all(to);
    }
    opened
}

fn unpack<R: Read>(head: Head<R>, identity: &Identity, to: &Path) -> Result<Manifest, ArchiveProblem> {
    let Head { mut tar, manifest, texts } = head;
    for (name, bytes) in texts {
        write(&mut bytes.as_slice(), &to.join(PROOF).join(name))?;
    }
    let recipient = manifest.recipient.clone();
    let mut made = BTreeSet::new();
    each_part(&mut tar, &manifest, |part, input| {
        let locked = |_| ArchiveProblem::Locked { name: part.name.clone(), recipient: recipient.clone() };
        let mut sealed = Hashing::new(input);
        let mut plain = Hashing::new(identity.decrypt(&mut sealed).map_err(locked)?);
        let path = to.join(&part.name);
        if !made.insert(part.name.clone()) {
            return Err(ArchiveProblem::Unnamed { name: part.name.clone() });
        }
        if let Err(problem) = write(&mut plain, &path) {
            // What does not decrypt was altered; which is said by what the hash of the sealed bytes would be.
            return Err(if matches!(problem, ArchiveProblem::Tar(_)) { altered(part)("content") } else { problem });
        }
        plain.is(part.bytes, &part.sha256).map_err(altered(part))?;
        io::copy(&mut sealed, &mut io::sink()).map_err(TarProblem::from)?;
        sealed.is(part.sealed_bytes, &part.sealed_sha256).map_err(altered(part))?;
        if ends_in(&part.name, "tar") { unfold(&path, to) } else { Ok(()) }
    })?;
    Ok(manifest)
}

/// Whether a name ends so, after a dot.
fn ends_in(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// A part that is a tar of many small files (pages, documents), whose hashes have been checked.
fn unfold(path: &Path, to: &Path) -> Result<(), ArchiveProblem> {
    let failed = |error| ArchiveProblem::Write { path: path.to_owned(), error };
    let mut tar = Tar::new(io::BufReader::new(File::open(path).map_err(failed)?));
    while let Some((name, _)) = tar.advance()? {
        write(&mut tar, &to.join(name))?;
    }
    fs::remove_file(path).map_err(failed)
}

/// Writes a new file, readable by its owner alone. Errors of reading are the tar's.
fn write(from: &mut impl Read, path: &Path) -> Result<(), ArchiveProblem> {
    let failed = |error| ArchiveProblem::Write { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).map_err(TarProblem::from)?;
        if read == 0 {
            return Ok(());
        }
        file.write_all(buffer.get(..read).unwrap_or_default()).map_err(failed)?;
    }
}
