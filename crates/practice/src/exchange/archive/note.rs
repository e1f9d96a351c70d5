//! Signed notes (<https://c2sp.org/signed-note>), Ed25519: a text, an empty line, and a signature that names
//! who signed.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::manifest::sha256;

/// The kind of signature, as the standard numbers it.
const ED25519_KIND: u8 = 1;
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// A name is a line's part; the standard allows no space and no plus.
const NAME_BYTES_MAX: usize = 200;

/// Why a note, or a key, is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteProblem {
    /// The name cannot stand in a note.
    #[error("a name of who signs has no spaces and no plus signs")]
    Name,
    /// The key is not one.
    #[error("this is no verifying key: it is written name+8 digits+letters")]
    Key,
    /// Not a note.
    #[error("this is no signed note")]
    Form,
    /// Nobody signed it whom the key knows.
    #[error("it was not signed by this key")]
    SignedByAnother,
    /// The signature does not fit the text.
    #[error("the signature does not fit: the text was altered")]
    Altered,
}

fn is_name(name: &str) -> bool {
    let fits = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '+';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(fits)
}

/// Signs in an installation's name.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl Signer {
    /// From the secret seed of a key.
    ///
    /// # Errors
    /// The name cannot stand in a note.
    pub fn new(name: &str, seed: &[u8; KEY_BYTES]) -> Result<Self, NoteProblem> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteProblem::Key)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteProblem::Key)?;
        if !is_name(name) {
            return Err(NoteProblem::Name);
        }
        Ok(Self { pair, verifier: Verifier { name: name.to_owned(), public } })
    }

    /// The key by which others check what it signs.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// A text as a signed note. A line's end is added where there is none.
    #[must_use]
    pub fn note(&self, text: &str) -> String {
        let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
        let mut signed = self.verifier.id().to_vec();
        signed.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n— {} {}\n", self.verifier.name, STANDARD.encode(signed))
    }
}

/// The public key of an installation, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    public: [u8; KEY_BYTES],
}

impl Verifier {
    /// Who signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of a hash over name, kind and key.
    fn id(&self) -> [u8; 4] {
        let mut named = self.name.as_bytes().to_vec();
        named.extend_from_slice(&[b'\n', ED25519_KIND]);
        named.extend_from_slice(&self.public);
        let [a, b, c, d, ..] = sha256(&named);
        [a, b, c, d]
    }

    /// The text of a note that this key has signed.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteProblem> {
        let cut = note.rfind("\n\n").ok_or(NoteProblem::Form)?;
        let (text, lines) = (note.get(..=cut).ok_or(NoteProblem::Form)?, note.get(cut + 2..).ok_or(NoteProblem::Form)?);
        let mut met = false;
        for line in lines.strip_suffix('\n').ok_or(NoteProblem::Form)?.split('\n') {
            let signed = line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or(NoteProblem::Form)?;
            let bytes = STANDARD.decode(signed.1).map_err(|_| NoteProblem::Form)?;
            let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteProblem::Form)?;
            if signed.0 != self.name || *id != self.id() {
                continue;
            }
            met = true;
            let key = UnparsedPublicKey::new(&ED25519, self.public);
            if signature.len() == SIGNATURE_BYTES && key.verify(text.as_bytes(), signature).is_ok() {
                return Ok(text);
            }
        }
        Err(if met { NoteProblem::Altered } else { NoteProblem::SignedByAnother })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_KIND];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = NoteProblem;
    fn from_str(text: &str) -> Result<Self, NoteProblem> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteProblem::Key);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteProblem::Key)?;
        let (kind, public) = key.split_first().ok_or(NoteProblem::Key)?;
        let verifier = Self { name: name.to_owned(), public: public.try_into().map_err(|_| NoteProblem::Key)? };
        let fits = *kind == ED25519_KIND && is_name(name) && format!("{:08x}", u32::from_be_bytes(verifier.id())) == id;
        if fits { Ok(verifier) } else { Err(NoteProblem::Key) }
    }
}
