//! Opaque tokens: 256 random bits that a cookie or a link carries. The text leaves once; the house
//! keeps a hash. (Random bits need no slow hash: there is nothing to guess.)
//!
//! Invariant: a token has a purpose, in its type and in its hash. An invitation's token is never
//! found among the sessions, even if somebody sends it there.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Entropy, Secret};
use subtle::ConstantTimeEq;

/// Characters of a token's text: 32 bytes in base 64 without padding.
const TEXT_CHARS: usize = 43;

mod sealed {
    pub trait Sealed {}
}

/// What a token is for. The purposes are those of this module.
pub trait Purpose: sealed::Sealed {
    /// Goes into the hash before the token; no purpose's is the beginning of another's.
    const DOMAIN: &'static [u8];
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $domain:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Purpose for $name {
            const DOMAIN: &'static [u8] = concat!("vouchsafe token v1 ", $domain, "\0").as_bytes();
        }
    )+};
}

purposes! {
    /// A signed-in browser: the cookie.
    ForSession = "session";
    /// A browser that has proved the password and not yet the second factor: a cookie of its own.
    ForHalfSignIn = "half sign-in";
    /// An offer of membership: the link in a mail.
    ForInvitation = "invitation";
    /// Choosing a new password: the link in a mail.
    ForPasswordReset = "password reset";
    /// Setting up the second factor anew: the link in a mail.
    ForFactorReset = "factor reset";
}

/// A token itself. Whoever holds its text holds what it stands for.
pub struct Token<P: Purpose> {
    bytes: Secret<[u8; 32]>,
    purpose: PhantomData<P>,
}

/// A text that no token looks like: an old or shortened link, or something made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this house")]
pub struct NotAToken;

impl<P: Purpose> Token<P> {
    /// A new token.
    #[must_use]
    pub fn generate(entropy: &Entropy) -> Self {
        Self { bytes: Secret::new(entropy.bytes()), purpose: PhantomData }
    }

    /// The token that a cookie or link carried. Says nothing about whether the house knows it.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        if text.len() != TEXT_CHARS {
            return Err(NotAToken);
        }
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Ok(Self { bytes: Secret::new(bytes), purpose: PhantomData }),
            _ => Err(NotAToken),
        }
    }

    /// The text for the cookie or the link: 43 characters that need no escaping in either.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(self.bytes.expose()))
    }

    /// What the house keeps, and looks the token up by.
    #[must_use]
    pub fn hash(&self) -> TokenHash<P> {
        let mut context = Context::new(&SHA256);
        context.update(P::DOMAIN);
        context.update(self.bytes.expose());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        TokenHash { bytes, purpose: PhantomData }
    }
}

impl<P: Purpose> fmt::Debug for Token<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The hash of a token, as it is kept. Compares in constant time.
pub struct TokenHash<P: Purpose> {
    bytes: [u8; 32],
    purpose: PhantomData<P>,
}

impl<P: Purpose> TokenHash<P> {
    /// The bytes to store and to look up.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl<P: Purpose> PartialEq for TokenHash<P> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl<P: Purpose> Eq for TokenHash<P> {}

impl<P: Purpose> fmt::Debug for TokenHash<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn entropy() -> Entropy {
        Entropy::from(SystemEntropy)
    }

    #[test]
    fn a_token_is_known_by_its_text_and_two_tokens_differ() {
        let token = Token::<ForSession>::generate(&entropy());
        let read = Token::<ForSession>::parse(token.text().expose()).unwrap();
        assert_eq!(read.hash(), token.hash());
        assert_ne!(Token::<ForSession>::generate(&entropy()).hash(), token.hash());
    }

    #[test]
    fn the_same_text_for_another_purpose_is_another_token() {
        let text = Token::<ForInvitation>::generate(&entropy()).text();
        let hashes = [
            *Token::<ForSession>::parse(text.expose()).unwrap().hash().bytes(),
            *Token::<ForHalfSignIn>::parse(text.expose()).unwrap().hash().bytes(),
            *Token::<ForInvitation>::parse(text.expose()).unwrap().hash().bytes(),
            *Token::<ForPasswordReset>::parse(text.expose()).unwrap().hash().bytes(),
        ];
        for (position, hash) in hashes.iter().enumerate() {
            assert!(!hashes[position + 1..].contains(hash));
        }
    }

    #[test]
    fn the_text_needs_no_escaping_in_a_cookie_or_an_address() {
        let text = Token::<ForSession>::generate(&entropy()).text();
        assert_eq!(text.expose().len(), TEXT_CHARS);
        assert!(text.expose().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    }

    #[test]
    fn a_shortened_lengthened_or_foreign_text_is_no_token() {
        let text = Token::<ForSession>::generate(&entropy()).text().expose().clone();
        for wrong in
            [String::new(), text[1..].to_owned(), format!("{text}A"), format!("{text}="), text.replace(|_| true, "+")]
        {
            assert_eq!(Token::<ForSession>::parse(&wrong).err(), Some(NotAToken), "{wrong}");
        }
    }

    #[test]
    fn one_token_has_one_text() {
        // 43 characters hold 258 bits; the two left over must be zero, or there would be four texts.
        let taken = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['-', '_'])
            .filter(|last| Token::<ForSession>::parse(&format!("{}{last}", "A".repeat(TEXT_CHARS - 1))).is_ok())
            .count();
        assert_eq!(taken, 16);
    }

    #[test]
    fn debug_shows_neither_token_nor_hash() {
        let token = Token::<ForSession>::generate(&entropy());
        assert_eq!(format!("{token:?} {:?}", token.hash()), "Token TokenHash");
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer_and_a_token_its_own_text_back(text in "[A-Za-z0-9_-]{43}|.*") {
            if let Ok(token) = Token::<ForPasswordReset>::parse(&text) {
                let shown = token.text();
                prop_assert_eq!(shown.expose(), &text);
            }
        }
    }
}
