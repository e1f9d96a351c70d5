//! What a client of the API carries: `vouchsafe_key_...`, which is good until the client ends, and
//! `vouchsafe_pass_...`, which is good for minutes. The text leaves once; the house keeps a hash.
//!
//! The text is made to be found where it does not belong: a prefix that nothing else has, then 48
//! characters of base 64 that hold 32 random bytes and 4 of a checksum over both. A scanner of source
//! code tells one from chance by the prefix (`vouchsafe_(key|pass)_[A-Za-z0-9_-]{48}`), and from a made-up
//! example by the checksum.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Entropy, Secret};
use store::ClientHash;

use crate::token::NotAToken;

const RANDOM: usize = 32;
const CHECKSUM: usize = 4;
/// Characters after the prefix.
const TEXT_CHARS: usize = 48;

/// Which of the two it is. A key is never found among the passes, even if somebody renames it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Good until the client ends.
    Key,
    /// Good for minutes.
    Pass,
}

impl TokenKind {
    const ALL: [Self; 2] = [Self::Key, Self::Pass];

    /// What its text begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "vouchsafe_key_",
            Self::Pass => "vouchsafe_pass_",
        }
    }

    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Key => b"vouchsafe token v1 api key\0",
            Self::Pass => b"vouchsafe token v1 api pass\0",
        }
    }
}

/// A key or a pass itself. Whoever holds its text acts as the client.
pub struct ClientToken {
    kind: TokenKind,
    bytes: Secret<[u8; RANDOM]>,
}

impl ClientToken {
    /// A new one.
    #[must_use]
    pub fn generate(kind: TokenKind, entropy: &Entropy) -> Self {
        Self { kind, bytes: Secret::new(entropy.bytes()) }
    }

    /// The one that a request carried. Says nothing about whether the house knows it.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let begins = TokenKind::ALL.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)));
        let (kind, rest) = begins.filter(|(_, rest)| rest.len() == TEXT_CHARS).ok_or(NotAToken)?;
        let mut all = [0; RANDOM + CHECKSUM];
        if URL_SAFE_NO_PAD.decode_slice(rest, &mut all) != Ok(RANDOM + CHECKSUM) {
            return Err(NotAToken);
        }
        let (random, checksum) = all.split_first_chunk::<RANDOM>().ok_or(NotAToken)?;
        if checksum != Self::checksum(kind, random) {
            return Err(NotAToken);
        }
        Ok(Self { kind, bytes: Secret::new(*random) })
    }

    fn checksum(kind: TokenKind, random: &[u8; RANDOM]) -> [u8; CHECKSUM] {
        let mut context = Context::new(&SHA256);
        context.update(kind.prefix().as_bytes());
        context.update(random);
        context.finish().as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The text for whoever is to carry it.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        let all = [self.bytes.expose().as_slice(), &Self::checksum(self.kind, self.bytes.expose())].concat();
        Secret::new(format!("{}{}", self.kind.prefix(), URL_SAFE_NO_PAD.encode(all)))
    }

    /// What the house keeps, and looks it up by. (Random bits need no slow hash: there is nothing to guess.)
    #[must_use]
    pub fn hash(&self) -> ClientHash {
        let mut context = Context::new(&SHA256);
        context.update(self.kind.domain());
        context.update(self.bytes.expose());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        match self.kind {
            TokenKind::Key => ClientHash::Key(bytes),
            TokenKind::Pass => ClientHash::Pass(bytes),
        }
    }

    /// The bytes of [`ClientToken::hash`], for the row.
    #[must_use]
    pub fn hash_bytes(&self) -> Vec<u8> {
        match self.hash() {
            ClientHash::Key(bytes) | ClientHash::Pass(bytes) => bytes.to_vec(),
        }
    }
}

impl fmt::Debug for ClientToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientToken")
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn token(kind: TokenKind) -> ClientToken {
        ClientToken::generate(kind, &Entropy::from(SystemEntropy))
    }

    #[test]
    fn a_token_is_known_by_its_text_and_says_what_it_is() {
        for kind in TokenKind::ALL {
            let one = token(kind);
            let text = one.text();
            assert_eq!(ClientToken::parse(text.expose()).unwrap().hash(), one.hash());
            assert_eq!(text.expose().len(), kind.prefix().len() + TEXT_CHARS);
            assert!(text.expose().starts_with(kind.prefix()));
        }
        assert_ne!(token(TokenKind::Key).hash_bytes(), token(TokenKind::Key).hash_bytes());
    }

    #[test]
    fn a_key_that_is_called_a_pass_is_neither() {
        let text = token(TokenKind::Key).text();
        let renamed = text.expose().replace("_key_", "_pass_");
        assert_eq!(ClientToken::parse(&renamed).err(), Some(NotAToken));
    }

    #[test]
    fn one_wrong_character_anywhere_is_no_token() {
        let text = token(TokenKind::Key).text().expose().clone();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(ClientToken::parse(&String::from_utf8(bytes).unwrap()).is_err(), "{at}");
        }
        for wrong in [String::new(), text[1..].to_owned(), format!("{text}A"), format!(" {text}"), format!("{text}=")] {
            assert!(ClientToken::parse(&wrong).is_err());
        }
    }

    #[test]
    fn debug_shows_no_token() {
        assert_eq!(format!("{:?}", token(TokenKind::Pass)), "ClientToken");
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "(vouchsafe_(key|pass)_)?[A-Za-z0-9_-]{0,50}|.*") {
            prop_assert!(ClientToken::parse(&text).is_err());
        }
    }
}
