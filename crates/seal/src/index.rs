//! The blind index: keyed tokens by which a sealed value is found without being opened.
//!
//! Equal words give equal tokens within one index key, so a token table shows equality and
//! frequency to whoever reads it, and no more without the key. Every hit is opened and checked.

use std::fmt;

use aws_lc_rs::hmac;

use crate::mac;

/// What a token was made from. The kind goes into the token, so that a phone ending and a name of
/// the same characters do not look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// The beginning of a word of a name.
    NamePrefix = 1,
    /// A word of a name that is too short for a prefix.
    NameWhole = 2,
    /// The last digits of a phone number.
    PhoneEnding = 3,
    /// An e-mail address.
    Email = 4,
    /// A date of birth, written `YYYY-MM-DD`.
    BirthDate = 5,
    /// An identifier somebody else gave.
    Identifier = 6,
}

/// What stands in the token table: 16 bytes of HMAC-SHA256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 16]);

impl Token {
    /// The bytes, for the database.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Even a token says something about a name, so it stays out of logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The key of one blind index; had from [`DataKey::index_key`](crate::DataKey::index_key).
pub struct IndexKey(hmac::Key);

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey")
    }
}

impl IndexKey {
    pub(crate) const fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The token of a text that a function of [`normalise`](crate::normalise), or of the search
    /// functions beside it, has normalised.
    #[must_use]
    pub fn token(&self, kind: TokenKind, normalised: &str) -> Token {
        Token(mac::truncated(&self.0, &[&[kind as u8], normalised.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use kernel::{DataKeyId, Entropy, SystemEntropy};

    use super::*;
    use crate::DataKey;

    fn key() -> DataKey {
        let id = "01920c5e-7c1d-7a3b-9c55-2f1d6b8e4a10".parse::<DataKeyId>().unwrap();
        DataKey::generate(id, &Entropy::from(SystemEntropy))
    }

    #[test]
    fn equal_words_meet_and_different_ones_do_not() {
        let key = key();
        let index = key.index_key("patient").unwrap();
        let token = index.token(TokenKind::NamePrefix, "mull");
        assert_eq!(token, key.index_key("patient").unwrap().token(TokenKind::NamePrefix, "mull"));
        assert_ne!(token, index.token(TokenKind::NamePrefix, "mulle"));
    }

    #[test]
    fn kind_label_and_key_each_change_the_token() {
        let key = key();
        let token = key.index_key("patient").unwrap().token(TokenKind::NameWhole, "ng");
        assert_ne!(token, key.index_key("patient").unwrap().token(TokenKind::NamePrefix, "ng"));
        assert_ne!(token, key.index_key("person").unwrap().token(TokenKind::NameWhole, "ng"));
        assert_ne!(token, super::tests::key().index_key("patient").unwrap().token(TokenKind::NameWhole, "ng"));
    }

    #[test]
    fn debug_shows_neither_key_nor_token() {
        let index = key().index_key("patient").unwrap();
        assert_eq!(format!("{index:?} {:?}", index.token(TokenKind::Email, "a@b.example")), "IndexKey Token");
    }
}
