//! Hashes and commitments.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use kernel::{Entropy, Secret};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a leaf says of a value without showing it: HMAC-SHA256 of the value under its opening.
pub type Commitment = [u8; 32];

/// The random key `r` of one commitment. Whoever has it and the value can show that the log speaks
/// of that value; whoever has neither learns nothing. It is kept with the sealed details and is
/// destroyed with the key that seals them.
///
/// In JSON it is 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening(Secret<[u8; 32]>);

impl Opening {
    /// A new random opening. Every commitment has its own.
    #[must_use]
    pub fn new(entropy: &Entropy) -> Self {
        Self(Secret::new(entropy.bytes()))
    }

    /// The opening of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening")
    }
}

impl Serialize for Opening {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String =
            self.expose_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(hex_digit).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        from_hex(&hex).map(Self::from_bytes).ok_or_else(|| D::Error::custom("not an opening"))
    }
}

fn hex_digit(value: u8) -> Option<char> {
    char::from_digit(u32::from(value), 16)
}

fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    let mut out = [0; 32];
    if pairs.len() != out.len() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(out)
}

/// The commitment to `value` under `opening`.
#[must_use]
pub fn commit(opening: &Opening, value: &[u8]) -> Commitment {
    let key = hmac::Key::new(hmac::HMAC_SHA256, opening.expose_bytes());
    array(hmac::sign(&key, value).as_ref())
}

/// The hash of a leaf in its tree: SHA-256 of a zero byte and the leaf (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0]);
    context.update(leaf);
    array(context.finish().as_ref())
}

/// SHA-256 of the sealed details, as a leaf carries it.
#[must_use]
pub fn details_hash(sealed: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, sealed).as_ref())
}

/// SHA-256 and HMAC-SHA256 give 32 bytes each.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    #[test]
    fn a_commitment_opens_with_its_own_opening_and_value_only() {
        let entropy = Entropy::from(SystemEntropy);
        let (mine, other) = (Opening::new(&entropy), Opening::new(&entropy));
        assert_eq!(commit(&mine, b"Ng"), commit(&mine, b"Ng"));
        assert_ne!(commit(&mine, b"Ng"), commit(&mine, b"Nguyen"));
        assert_ne!(commit(&mine, b"Ng"), commit(&other, b"Ng"));
    }

    #[test]
    fn an_empty_leaf_hashes_as_rfc_6962_says() {
        // SHA-256 of one zero byte, the leaf hash of the empty entry in RFC 6962's own test tree.
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b""), from_hex(expected).unwrap());
    }

    #[test]
    fn an_opening_survives_json_and_stays_out_of_debug() {
        let opening = Opening::from_bytes([0xa5; 32]);
        let json = serde_json::to_string(&opening).unwrap();
        assert_eq!(json, format!("\"{}\"", "a5".repeat(32)));
        assert_eq!(serde_json::from_str::<Opening>(&json).unwrap(), opening);
        assert_eq!(format!("{opening:?}"), "Opening");
    }

    #[test]
    fn what_is_no_opening_is_refused_without_being_repeated() {
        for text in ["", "a5", &"A5".repeat(32), &"+5".repeat(32), &"a5".repeat(33), &"é".repeat(32)] {
            let error = serde_json::from_str::<Opening>(&format!("\"{text}\"")).unwrap_err();
            assert!(error.to_string().starts_with("not an opening"), "{error}");
        }
    }
}
