//! The key by which an installation signs what it hands out (the manifests of exports). It lies beside the root
//! key, under the same rules, in a file of its own: it opens nothing, and whoever has it can sign in the
//! installation's name and no more.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use kernel::Entropy;
use zeroize::Zeroizing;

use crate::RootKeyError;
use crate::root_keys::{checked_folder, open_checked, write_new_text};

const HEADER: &str = "vouchsafe signing key 1";
const NOTE: &str =
    "# Whoever has this file can sign in this installation's name. Keep a copy of it with that of the root key.";
const END: &str = "end";
const FILE_LENGTH_MAX: u64 = 16 * 1024;
/// The name of the file.
const FILE: &str = "signing.key";

/// The key, read and checked.
pub struct SigningKeyFile {
    /// The name in which it signs: letters, digits, dots and dashes.
    pub name: String,
    /// The secret seed of an Ed25519 key (RFC 8032).
    pub seed: Zeroizing<[u8; 32]>,
}

impl SigningKeyFile {
    /// Where it lies: beside the root key.
    #[must_use]
    pub fn beside(root_key: &Path) -> PathBuf {
        root_key.with_file_name(FILE)
    }

    /// Reads the file; makes it first if it is missing. `name` is what a new one signs in; one that is there keeps
    /// its own. Refused for the same reasons as a root key file.
    pub fn ensure(path: &Path, name: &str, entropy: &Entropy) -> Result<Self, RootKeyError> {
        match Self::open(path) {
            Err(RootKeyError::Missing { .. }) => {}
            other => return other,
        }
        checked_folder(path)?;
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(seed.as_mut_slice());
        match write_new_text(path, &text(name, &seed)) {
            // Another process of this installation was first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RootKeyError::io("making", path)(error)),
            Ok(()) => {}
        }
        Self::open(path)
    }

    /// Reads the file, after every check that can be made.
    pub fn open(path: &Path) -> Result<Self, RootKeyError> {
        let mut file = open_checked(path)?;
        checked_folder(path)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        (&mut file).take(FILE_LENGTH_MAX).read_to_end(&mut bytes).map_err(RootKeyError::io("reading", path))?;
        parse(&bytes).map_err(|line| RootKeyError::malformed(path, line))
    }
}

fn text(name: &str, seed: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + NOTE.len() + name.len() + 80));
    for part in [HEADER, "\n", NOTE, "\n", name, "\n"] {
        text.push_str(part);
    }
    text.extend(
        seed.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(u32::from(digit), 16)),
    );
    for part in ["\n", END, "\n"] {
        text.push_str(part);
    }
    text
}

/// The key of a text, or the number of its first wrong line.
fn parse(bytes: &[u8]) -> Result<SigningKeyFile, usize> {
    let text = str::from_utf8(bytes).map_err(|_| 1_usize)?;
    let lines: Vec<(usize, &str)> = (1..).zip(text.split('\n')).filter(|(_, line)| !line.starts_with('#')).collect();
    let line = |at: usize| lines.get(at).copied().ok_or(lines.len());
    let (number, header) = line(0)?;
    if header != HEADER {
        return Err(number);
    }
    let (number, name) = line(1)?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if name.is_empty() || name.len() > 200 || !name.bytes().all(letter) {
        return Err(number);
    }
    let (number, digits) = line(2)?;
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut seed = Zeroizing::new([0; 32]);
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return Err(number) };
    if pairs.len() != seed.len() {
        return Err(number);
    }
    for (byte, [high, low]) in seed.iter_mut().zip(pairs) {
        *byte = value(*high).ok_or(number)? << 4 | value(*low).ok_or(number)?;
    }
    let (number, end) = line(3)?;
    let last = line(4).is_ok_and(|(_, rest)| rest.is_empty()) && lines.len() == 5;
    if end == END && last { Ok(SigningKeyFile { name: name.to_owned(), seed }) } else { Err(number) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use kernel::SystemEntropy;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        folder
    }

    #[test]
    fn the_key_is_made_once_for_us_alone_and_stays_the_same() {
        let folder = folder();
        let path = SigningKeyFile::beside(&folder.path().join("root.key"));
        let made = SigningKeyFile::ensure(&path, "house.example:8443", &SystemEntropy.into()).unwrap();
        let again = SigningKeyFile::ensure(&path, "another.example", &SystemEntropy.into()).unwrap();
        assert_eq!((made.name.as_str(), *made.seed), (again.name.as_str(), *again.seed));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.path().join(FILE);
        SigningKeyFile::ensure(&path, "house.example", &SystemEntropy.into()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKeyFile::open(&path), Err(RootKeyError::OpenToOthers { .. })));
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_no_key() {
        let folder = folder();
        let path = folder.path().join(FILE);
        SigningKeyFile::ensure(&path, "house.example", &SystemEntropy.into()).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            assert!(parse(&whole[..cut]).is_err(), "cut after {cut} bytes");
        }
        assert!(parse(&[&whole[..], b"x"].concat()).is_err());
    }
}
