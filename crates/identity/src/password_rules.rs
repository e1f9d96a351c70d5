//! Which passwords may be chosen. No rules about digits or capitals (NIST SP 800-63B, section
//! 3.1.1.2): length, and that nobody who knows common passwords, languages, keyboards, the
//! practice or the person would soon guess it. The lists ship with the program (zxcvbn's).
//!
//! Names of the practice and the person count for nothing rather than being forbidden: what is
//! left without them must be a good password by itself.

use std::collections::BTreeMap;

use kernel::Secret;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;
use zxcvbn::matching::patterns::MatchPattern;

use crate::password::Password;

/// The fewest characters (Unicode scalar values after NFKC) of a password.
pub const LENGTH_MIN: usize = 12;
/// The most characters of a password.
pub const LENGTH_MAX: usize = 128;
/// Fewer guesses than 10^10 are refused (zxcvbn's scores below 4): two common words with
/// decorations, a season with a year.
const SCORE_MIN: Score = Score::Four;
/// How many characters the estimate looks at. Its time grows with the square of the length (the
/// worst text of 40 characters takes about half a second, of 100 characters three), and further
/// characters only make a password better.
const ESTIMATED_MAX: usize = 40;
/// Shorter parts of names ("de", "Li") are in too many other words to say anything.
const WORD_LENGTH_MIN: usize = 3;
/// Words that everyone who attacks such a house tries, whatever the practice is called.
const HOUSE_WORDS: [&str; 14] = [
    "vouchsafe",
    "practice",
    "practise",
    "clinic",
    "doctor",
    "nurse",
    "reception",
    "patient",
    "surgery",
    "health",
    "medical",
    "hospital",
    "dentist",
    "welcome",
];

/// Why a password may not be chosen, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too few characters.
    #[error("Enter a password of {LENGTH_MIN} characters or more: this one has {length}")]
    TooShort {
        /// Characters it has.
        length: usize,
    },
    /// Too many characters.
    #[error("Enter a password of {LENGTH_MAX} characters or fewer: this one has {length}")]
    TooLong {
        /// Characters it has.
        length: usize,
    },
    /// Without the names and words that belong to the practice or the person it is too short.
    #[error(
        "Leave out your name, your e-mail address and words of the practice, or add {LENGTH_MIN} other characters: \
         such words are tried first"
    )]
    ContextWord {
        /// The word found, for the screen; kept from logs, because it may be a person's name.
        word: Secret<String>,
    },
    /// It is a common password or a common word, or built on one.
    #[error(
        "Choose another password: this one is built on common words or passwords. Four or more unrelated words are good"
    )]
    Common,
    /// It is a pattern: repeats, rows of keys, sequences, dates.
    #[error(
        "Choose another password: this one is a pattern that is soon guessed. Four or more unrelated words are good"
    )]
    Pattern,
}

/// Words that somebody who knows the practice and the person would try first. Compared without
/// case, accents or the usual substitutions (0 for o, @ for a), forwards and backwards.
#[derive(Clone)]
pub struct ContextWords {
    /// Folded word → the word as it was given.
    words: BTreeMap<Vec<char>, Secret<String>>,
}

impl ContextWords {
    /// The words of `texts` (names of the practice, its sites and the person, the e-mail address)
    /// and those of the house.
    #[must_use]
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let words = texts
            .into_iter()
            .chain(HOUSE_WORDS)
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .map(|word| (fold(word), Secret::new(word.to_owned())))
            .filter(|(folded, _)| folded.len() >= WORD_LENGTH_MIN)
            .collect();
        Self { words }
    }

    /// What is left of `text` without these words, and the longest of the words that it held.
    fn strike_from(&self, text: &str) -> (String, Option<&Secret<String>>) {
        let folded = fold(text);
        let mut struck = vec![false; folded.len()];
        let mut longest: Option<(usize, &Secret<String>)> = None;
        for (word, as_given) in &self.words {
            let backwards: Vec<char> = word.iter().rev().copied().collect();
            for (start, part) in folded.windows(word.len()).enumerate() {
                if part != word.as_slice() && part != backwards.as_slice() {
                    continue;
                }
                struck.iter_mut().skip(start).take(word.len()).for_each(|position| *position = true);
                if longest.is_none_or(|(length, _)| length < word.len()) {
                    longest = Some((word.len(), as_given));
                }
            }
        }
        let rest = text.chars().zip(&struck).filter(|(_, struck)| !**struck).map(|(c, _)| c).collect();
        (rest, longest.map(|(_, word)| word))
    }
}

/// One character for each character of `text`: its base letter, lower case, with what is commonly
/// written instead of a letter taken for it.
fn fold(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| {
            let base = std::iter::once(c).nfkd().next().unwrap_or(c);
            match base.to_lowercase().next().unwrap_or(base) {
                '0' => 'o',
                '1' | '!' | '|' | 'l' => 'i',
                '3' => 'e',
                '4' | '@' => 'a',
                '5' | '$' => 's',
                '7' | '+' => 't',
                '8' => 'b',
                lower => lower,
            }
        })
        .collect()
}

/// Whether `password` may be chosen by somebody whom `words` are about.
pub fn check(password: &Password, words: &ContextWords) -> Result<(), PasswordRefused> {
    let length = password.text().chars().count();
    if length < LENGTH_MIN {
        return Err(PasswordRefused::TooShort { length });
    }
    if length > LENGTH_MAX {
        return Err(PasswordRefused::TooLong { length });
    }
    let (rest, word) = words.strike_from(password.text());
    let rest = Secret::new(rest);
    if let Some(word) = word
        && rest.expose().chars().count() < LENGTH_MIN
    {
        return Err(PasswordRefused::ContextWord { word: word.clone() });
    }
    estimate(rest.expose())
}

fn estimate(text: &str) -> Result<(), PasswordRefused> {
    let beginning = Secret::new(text.chars().take(ESTIMATED_MAX).collect::<String>());
    let estimate = zxcvbn::zxcvbn(beginning.expose(), &[]);
    if estimate.score() >= SCORE_MIN {
        return Ok(());
    }
    let on_words = estimate.sequence().iter().any(|found| matches!(found.pattern, MatchPattern::Dictionary(_)));
    Err(if on_words { PasswordRefused::Common } else { PasswordRefused::Pattern })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> ContextWords {
        ContextWords::new(["Rivonia Family Practice", "Naledi Naidoo", "n.naidoo@rivonia-family.example"])
    }

    fn choose(text: &str) -> Result<(), PasswordRefused> {
        check(&Password::typed(text), &words())
    }

    fn held_word(text: &str) -> Option<String> {
        match choose(text) {
            Err(PasswordRefused::ContextWord { word }) => Some(word.expose().clone()),
            _ => None,
        }
    }

    #[test]
    fn unrelated_words_and_random_characters_may_be_chosen() {
        for good in [
            "nine quiet herons by the weir",
            "kettle-ostrich-lattice-plum",
            "Tz9$kq!vB2xw",
            "umfula omude uyagijima",
            "我的猫昨天晚上在屋顶上唱歌",
            "ночью кошка поёт на крыше",
        ] {
            assert_eq!(choose(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn twelve_characters_are_enough_and_eleven_are_not() {
        assert_eq!(choose("Tz9$kq!vB2xw"), Ok(()));
        assert_eq!(choose("Tz9$kq!vB2x"), Err(PasswordRefused::TooShort { length: 11 }));
    }

    #[test]
    fn a_hundred_and_twenty_eight_characters_are_taken_and_one_more_is_not() {
        let long: String = "nine quiet herons by the weir, ".chars().cycle().take(LENGTH_MAX).collect();
        assert_eq!(choose(&long), Ok(()));
        assert_eq!(choose(&format!("{long}x")), Err(PasswordRefused::TooLong { length: 129 }));
    }

    #[test]
    fn characters_are_counted_not_bytes_and_after_composition() {
        // Eleven letters, each written as two code points.
        assert_eq!(choose(&"e\u{301}".repeat(11)), Err(PasswordRefused::TooShort { length: 11 }));
    }

    #[test]
    fn common_passwords_and_words_with_decorations_are_refused() {
        for common in [
            "password1234",
            "Password12345!",
            "P@ssw0rd2026",
            "passwordpassword",
            "iloveyou1234",
            "drowssap4321",
            "correcthorse",
            "Summer2026!!",
            "qwerty123456",
            "administrator1",
            "Arsenal4ever!!",
            "sunshine&rainbows",
            "kettle-ostrich",
        ] {
            assert!(
                matches!(choose(common), Err(PasswordRefused::Common | PasswordRefused::Pattern)),
                "{common}: {:?}",
                choose(common)
            );
        }
    }

    #[test]
    fn patterns_are_refused() {
        for pattern in ["aaaaaaaaaaaaaa", "abcdefghijklmnop", "1234567890123", "abcabcabcabcabc", "            "] {
            assert!(choose(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn words_of_the_practice_the_person_and_the_house_count_for_nothing() {
        assert_eq!(held_word("Rivonia-2026-11").map(|word| word.to_lowercase()).as_deref(), Some("rivonia"));
        assert_eq!(held_word("xK9#naidoo!Q2").map(|word| word.to_lowercase()).as_deref(), Some("naidoo"));
        assert_eq!(held_word("MyVouchsafe#9xK2q").as_deref(), Some("vouchsafe"));
        assert_eq!(held_word("NALEDInaledi123").as_deref(), Some("Naledi"));
    }

    #[test]
    fn disguised_words_are_recognised() {
        for disguised in ["V0uch$@fe#9xK2q", "efashcuov#9xK2q", "R1v0n1a#9xK2q", "N\u{e1}led\u{ed}#9xK2q"] {
            assert!(held_word(disguised).is_some(), "{disguised}: {:?}", choose(disguised));
        }
    }

    #[test]
    fn a_long_password_may_hold_such_a_word_if_the_rest_is_good_by_itself() {
        assert_eq!(choose("rivonia: nine quiet herons by the weir"), Ok(()));
        assert!(choose("rivonia password1234").is_err());
    }

    #[test]
    fn the_refusal_names_the_word_on_the_screen_and_not_in_a_log() {
        let refused = choose("naledi-12345").unwrap_err();
        assert!(!format!("{refused:?} {refused}").to_lowercase().contains("naledi"));
    }

    #[test]
    fn the_estimate_looks_at_the_first_forty_characters() {
        let good = "nine quiet herons by the weir";
        assert!(choose(&format!("{}{good}", "a".repeat(ESTIMATED_MAX))).is_err());
        assert_eq!(choose(&format!("{good}{}", "a".repeat(ESTIMATED_MAX))), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in any::<String>(), name in any::<String>()) {
            let _ = check(&Password::typed(&text), &ContextWords::new([name.as_str()]));
        }

        #[test]
        fn no_password_within_reach_of_a_name_is_taken(before in "[a-z0-9]{0,5}", after in "[A-Z0-9!]{0,6}") {
            let answer = choose(&format!("{before}Vouchsafe{after}"));
            prop_assert!(answer.is_err());
        }
    }
}
