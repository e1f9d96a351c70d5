//! Recovery codes: ten printed codes, each of which stands in once for the authenticator. 80
//! random bits each, so a plain hash of one cannot be searched; only that hash is kept.

use aws_lc_rs::digest::{Context, SHA256};
use kernel::{Entropy, PersonId, Secret};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

/// How many codes a person has at a time.
pub const CODES: usize = 10;
/// 80 random bits.
const CODE_BYTES: usize = 10;
/// Characters of a code without its hyphens: 80 bits at 5 bits each.
const CODE_CHARS: usize = 16;
/// Characters between two hyphens.
const GROUP_CHARS: usize = 4;
/// Crockford's base 32: no i, l, o or u, so that nothing is misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Keeps these hashes apart from every other hash of the house.
const DOMAIN: &[u8] = b"vouchsafe recovery code v1\0";

/// A recovery code: shown once, typed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCode(Secret<[u8; CODE_BYTES]>);

/// A typed text that no recovery code looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter a recovery code as it was printed: four groups of four letters and digits")]
pub struct NotARecoveryCode;

impl RecoveryCode {
    /// A person's new codes.
    #[must_use]
    pub fn fresh_set(entropy: &Entropy) -> [Self; CODES] {
        std::array::from_fn(|_| Self(Secret::new(entropy.bytes())))
    }

    /// The code as it is printed: `xxxx-xxxx-xxxx-xxxx`.
    #[must_use]
    pub fn printed(&self) -> Secret<String> {
        let bits = self.0.expose().iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = String::with_capacity(CODE_CHARS + CODE_CHARS / GROUP_CHARS);
        for position in 0..CODE_CHARS {
            if position > 0 && position % GROUP_CHARS == 0 {
                text.push('-');
            }
            let value = bits >> (5 * (CODE_CHARS - 1 - position)) & 31;
            text.extend(usize::try_from(value).ok().and_then(|value| ALPHABET.get(value)).copied().map(char::from));
        }
        Secret::new(text)
    }

    /// The code that somebody typed: either case, any spaces and hyphens, o for 0, i and l for 1.
    pub fn typed(text: &str) -> Result<Self, NotARecoveryCode> {
        let mut bits = 0_u128;
        let mut chars = 0;
        for c in text.nfkc().filter(|c| !c.is_whitespace() && !is_hyphen(*c)) {
            let value = match c.to_ascii_lowercase() {
                'o' => 0,
                'i' | 'l' => 1,
                c => ALPHABET.iter().position(|letter| char::from(*letter) == c).ok_or(NotARecoveryCode)?,
            };
            chars += 1;
            if chars > CODE_CHARS {
                return Err(NotARecoveryCode);
            }
            bits = bits << 5 | value as u128;
        }
        if chars < CODE_CHARS {
            return Err(NotARecoveryCode);
        }
        let mut bytes = [0; CODE_BYTES];
        let all = bits.to_be_bytes();
        bytes.iter_mut().zip(all.iter().skip(all.len() - CODE_BYTES)).for_each(|(to, from)| *to = *from);
        Ok(Self(Secret::new(bytes)))
    }

    /// What is kept of this code for `person`. Bound to the person, so that the same row under
    /// another person opens nothing.
    #[must_use]
    pub fn hash(&self, person: PersonId) -> RecoveryHash {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        context.update(person.uuid().as_bytes());
        context.update(self.0.expose());
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        RecoveryHash(out)
    }
}

/// The hyphens and dashes that a keyboard or a word processor may put for one.
const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '_')
}

/// The hash of a recovery code, as it is kept. Compares in constant time.
#[derive(Debug, Clone, Copy, Eq)]
pub struct RecoveryHash([u8; 32]);

impl RecoveryHash {
    /// The hash that these stored bytes are; `None` when they are not 32.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store and to look up.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for RecoveryHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use kernel::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn entropy() -> Entropy {
        Entropy::from(SystemEntropy)
    }

    fn person() -> PersonId {
        PersonId::new(Timestamp::UNIX_EPOCH, &entropy())
    }

    fn code(byte: u8) -> RecoveryCode {
        RecoveryCode(Secret::new([byte; CODE_BYTES]))
    }

    #[test]
    fn a_set_has_ten_codes_of_four_groups_all_different() {
        let set: BTreeSet<String> =
            RecoveryCode::fresh_set(&entropy()).iter().map(|code| code.printed().expose().clone()).collect();
        assert_eq!(set.len(), CODES);
        for printed in &set {
            assert_eq!(printed.len(), 19);
            assert!(printed.split('-').all(|group| group.len() == 4), "{printed}");
            assert!(!printed.contains(['i', 'l', 'o', 'u']), "{printed}");
        }
    }

    #[test]
    fn a_code_is_printed_in_crockfords_base_32() {
        assert_eq!(code(0).printed().expose(), "0000-0000-0000-0000");
        assert_eq!(code(0xff).printed().expose(), "zzzz-zzzz-zzzz-zzzz");
        let rising = RecoveryCode(Secret::new([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]));
        assert_eq!(rising.printed().expose(), "0123-4567-89ab-cdef");
    }

    #[test]
    fn a_code_may_be_typed_carelessly() {
        let kept = RecoveryCode::typed("0123-4567-89ab-cdef").unwrap();
        for typed in [
            "0123456789abcdef",
            " 0123 4567 89AB CDEF ",
            "O123-4567-89aB-CdEf",
            "ol23–4567—89ab‑cdef",
            "oI23_4567_89ab_cdef",
            "０１２３-4567-89ab-cdef",
        ] {
            assert_eq!(RecoveryCode::typed(typed).as_ref(), Ok(&kept), "{typed}");
        }
    }

    #[test]
    fn what_is_too_short_too_long_or_has_other_letters_is_no_code() {
        for typed in ["", "0123-4567-89ab-cde", "0123-4567-89ab-cdef0", "0123-4567-89ab-cdeu", "0123-4567-89ab-cdé0"] {
            assert_eq!(RecoveryCode::typed(typed), Err(NotARecoveryCode), "{typed}");
        }
    }

    #[test]
    fn a_hash_belongs_to_one_person_and_one_code() {
        let (one, two) = (person(), person());
        assert_eq!(code(1).hash(one), code(1).hash(one));
        assert_ne!(code(1).hash(one), code(1).hash(two));
        assert_ne!(code(1).hash(one), code(2).hash(one));
        assert_eq!(RecoveryHash::from_stored(code(1).hash(one).bytes()), Some(code(1).hash(one)));
        assert_eq!(RecoveryHash::from_stored(&[0; 31]), None);
    }

    #[test]
    fn debug_shows_no_code() {
        assert_eq!(format!("{:?}", code(7)), "RecoveryCode(Secret)");
    }

    proptest! {
        #[test]
        fn every_code_is_read_as_it_was_printed(bytes in any::<[u8; CODE_BYTES]>()) {
            let code = RecoveryCode(Secret::new(bytes));
            prop_assert_eq!(RecoveryCode::typed(code.printed().expose()), Ok(code.clone()));
            prop_assert_eq!(RecoveryCode::typed(&code.printed().expose().to_uppercase()), Ok(code));
        }

        #[test]
        fn any_text_gets_an_answer(typed in any::<String>()) {
            let _ = RecoveryCode::typed(&typed);
        }
    }
}
