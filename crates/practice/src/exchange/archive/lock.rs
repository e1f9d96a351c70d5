//! Keys of `age` (<https://age-encryption.org/v1>), X25519: the public half to which an export is encrypted, and
//! the secret half that opens it.

use std::fmt;
use std::io::{self, Read};
use std::iter;
use std::str::FromStr;

use age::secrecy::ExposeSecret as _;
use kernel::Secret;
use serde::{Deserialize, Serialize};

/// A text that is no key of the kind that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Not a public key.
    #[error("this is no public key of age: one begins with age1 and has 62 letters and digits")]
    Recipient,
    /// The secret key where the public one is wanted.
    #[error(
        "this is the secret key, which opens the archive: give the public one, which begins with age1, and keep this one to yourself"
    )]
    Secret,
    /// Not a secret key.
    #[error("there is no secret key of age in it: a line that begins with AGE-SECRET-KEY-1")]
    Identity,
}

/// The public key to which an export is encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = NotAKey;
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let text = text.trim();
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(NotAKey::Secret);
        }
        text.parse().map(Self).map_err(|_| NotAKey::Recipient)
    }
}

impl TryFrom<String> for Recipient {
    type Error = NotAKey;
    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl Recipient {
    /// Encrypts bytes so that only the holder of the secret key reads them. The file key and the ephemeral key
    /// are drawn by the `age` crate from the system's randomness.
    pub fn encrypt(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        age::encrypt(&self.0, plain).map_err(io::Error::other)
    }
}

/// The secret key that opens archives. It is wiped when it goes.
pub struct Identity(age::x25519::Identity);

impl Identity {
    /// A new one, from the system's randomness.
    #[must_use]
    pub fn fresh() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// The first one in the text of a key file: lines that begin with `#` are remarks.
    ///
    /// # Errors
    /// [`NotAKey::Identity`]: there is none.
    pub fn in_text(text: &str) -> Result<Self, NotAKey> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.into_iter().find_map(|line| line.parse().ok()).map(Self).ok_or(NotAKey::Identity)
    }

    /// Its public half.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// As text, to be shown to whoever will keep it.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(self.0.to_string().expose_secret().to_owned())
    }

    /// Decrypts what was encrypted to it, piece by piece: nothing comes out of a piece that was altered.
    ///
    /// # Errors
    /// It was encrypted to somebody else, or altered.
    pub fn decrypt<'r>(&self, sealed: impl Read + 'r) -> io::Result<impl Read + 'r> {
        let decryptor = age::Decryptor::new(sealed).map_err(io::Error::other)?;
        decryptor.decrypt(iter::once(&self.0 as &dyn age::Identity)).map_err(io::Error::other)
    }
}
