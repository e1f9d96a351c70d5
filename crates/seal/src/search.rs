//! Which tokens a name or a number is filed under, and which are looked up for a query.
//!
//! The rule that holds both together: whatever is looked up for a text is among what the same text
//! is filed under. A hit is then opened and checked ([`name_matches`] for names), since a token
//! knows only the first eight characters.

use std::collections::BTreeSet;

use crate::TokenKind;
use crate::normalise::{self, Umlaut, WORDS_MAX, cut};

/// Prefixes of this many characters are filed, and looked up.
const PREFIX_MIN: usize = 3;
const PREFIX_MAX: usize = 8;
/// A word of this length or shorter is taken for a particle (van, de, al, O) that some write
/// joined to the next word.
const PARTICLE_MAX: usize = 3;
/// How many names of one subject are filed.
const NAMES_MAX: usize = 16;
/// How many words are filed for one subject, over all its names.
const FILED_WORDS_MAX: usize = 64;
const PHONE_ENDING_MIN: usize = 4;
const PHONE_ENDING_MAX: usize = 9;
/// The ending looked up for a number with its country code: long enough to tell numbers apart,
/// and shorter than any national number.
const PHONE_ENDING_INTERNATIONAL: usize = 7;

/// The tokens to file for a subject of these names (family, given, former, chosen: each a text of
/// its own).
///
/// Per word: its prefixes of 3 to 8 characters, or the whole word if it is shorter. A word with
/// hyphen or apostrophe is filed joined and in its parts; a particle also joined to what follows;
/// ä, ö, ü both bare and spelled ae, oe, ue. In Han, Kana and Hangul, where a name has few
/// characters and often no space, prefixes begin at one character, the ends of a word are filed
/// too, and neighbouring texts are filed joined in both orders (family name first or last).
#[must_use]
pub fn name_tokens(names: &[&str]) -> BTreeSet<(TokenKind, String)> {
    filed_words(names).iter().flat_map(|word| filed_tokens(word)).collect()
}

/// The tokens to look up for what somebody typed, one per word. Whom all of them lead to is
/// opened and checked with [`name_matches`]. Empty if nothing in it can be looked up.
#[must_use]
pub fn name_query(text: &str) -> Vec<(TokenKind, String)> {
    query_words(text, Umlaut::Bare).iter().map(|word| query_token(word)).collect()
}

/// Whether every word of the query begins a word of the names, by the same rules by which the
/// names are filed: the check on what a token found. A word of one or two characters must be a
/// whole word. An empty query matches nothing.
#[must_use]
pub fn name_matches(names: &[&str], query: &str) -> bool {
    let filed = filed_words(names);
    let asked = query_words(query, Umlaut::Bare);
    let found = |word: &String| match query_token(word) {
        (TokenKind::NameWhole, whole) => filed.contains(&whole),
        _ => filed.iter().any(|name| name.starts_with(word.as_str())),
    };
    !asked.is_empty() && asked.iter().all(found)
}

fn query_token(word: &str) -> (TokenKind, String) {
    if word.chars().count() < PREFIX_MIN && !is_east_asian(word) {
        (TokenKind::NameWhole, word.to_owned())
    } else {
        (TokenKind::NamePrefix, word.chars().take(PREFIX_MAX).collect())
    }
}

fn filed_tokens(word: &str) -> Vec<(TokenKind, String)> {
    let letters: Vec<char> = word.chars().collect();
    let shortest = if is_east_asian(word) { 1 } else { PREFIX_MIN };
    if letters.len() < shortest {
        return vec![(TokenKind::NameWhole, word.to_owned())];
    }
    (shortest..=letters.len().min(PREFIX_MAX))
        .map(|length| (TokenKind::NamePrefix, letters.iter().take(length).collect()))
        .collect()
}

/// The words of a query. An apostrophe joins ("O'Brien" is looked up as "obrien"); a hyphen parts,
/// except after a particle ("Al-Sayed" as "alsayed", "Smith-Jones" as "smith" and "jones").
fn query_words(text: &str, umlaut: Umlaut) -> Vec<String> {
    let mut out = Vec::new();
    for word in normalise::words(text, umlaut) {
        let mut pending = String::new();
        for part in word.replace('\'', "").split('-') {
            pending.push_str(part);
            if pending.chars().count() > PARTICLE_MAX {
                out.push(std::mem::take(&mut pending));
            }
        }
        if !pending.is_empty() {
            out.push(pending);
        }
    }
    out.truncate(WORDS_MAX);
    out
}

/// Every word that a subject of these names is filed under, the most telling first: if a name is
/// so long that the limit cuts, variants are lost before words are.
fn filed_words(names: &[&str]) -> BTreeSet<String> {
    let names = names.get(..NAMES_MAX).unwrap_or(names);
    let as_typed = names.iter().flat_map(|name| query_words(name, Umlaut::Bare));
    let parts = names.iter().flat_map(|name| parts(name));
    let spelled = names.iter().flat_map(|name| query_words(name, Umlaut::Spelled));
    let variants = names.iter().flat_map(|name| variants(name));

    let mut filed = BTreeSet::new();
    for word in as_typed.chain(parts).chain(spelled).chain(variants).chain(east_asian(names)) {
        if filed.len() == FILED_WORDS_MAX {
            break;
        }
        filed.insert(cut(&word));
    }
    filed
}

/// The words between spaces, hyphens and apostrophes.
fn parts(name: &str) -> Vec<String> {
    let words = normalise::words(name, Umlaut::Bare);
    let parts = words.iter().flat_map(|word| word.split(['\'', '-']));
    parts.filter(|part| !part.is_empty()).take(WORDS_MAX).map(str::to_owned).collect()
}

/// What else a name is written as: compounds in one word, particles joined, "Mueller" as "muller".
fn variants(name: &str) -> Vec<String> {
    let joined = normalise::words(name, Umlaut::Bare).into_iter().map(|word| word.replace(['\'', '-'], ""));
    let parts = parts(name);
    let after_particles = (0..parts.len()).filter_map(|start| {
        let rest = parts.get(start..)?;
        let particles = rest.iter().take_while(|part| part.chars().count() <= PARTICLE_MAX).count();
        (particles > 0).then(|| rest.iter().take(particles + 1).map(String::as_str).collect::<String>())
    });
    let unspelled = parts.iter().map(|part| part.replace("ae", "a").replace("oe", "o").replace("ue", "u"));
    joined.chain(after_particles).chain(unspelled).collect()
}

/// What Han, Kana and Hangul names are filed under besides.
fn east_asian(names: &[&str]) -> Vec<String> {
    let words: Vec<String> = names.iter().flat_map(|name| parts(name)).filter(|word| is_east_asian(word)).collect();
    let mut out = Vec::new();
    for pair in words.windows(2) {
        out.push(pair.concat());
        out.push(pair.iter().rev().map(String::as_str).collect());
    }
    // A family name has one or two characters, so the given name begins at the second or third.
    for word in &words {
        for family in 1..=2 {
            let given: String = word.chars().skip(family).collect();
            if !given.is_empty() {
                out.push(given);
            }
        }
    }
    out
}

/// Whether a word is written in Han, Kana or Hangul alone.
fn is_east_asian(word: &str) -> bool {
    let east_asian = |letter| {
        matches!(letter,
            '\u{1100}'..='\u{11ff}' | '々' | '〇' | '\u{3040}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
            | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
    };
    !word.is_empty() && word.chars().all(east_asian)
}

/// The tokens to file for a phone number: its endings of 4 to 9 digits.
#[must_use]
pub fn phone_tokens(number: &str) -> BTreeSet<(TokenKind, String)> {
    let digits = normalise::phone_digits(number);
    (PHONE_ENDING_MIN..=PHONE_ENDING_MAX)
        .filter_map(|length| Some((TokenKind::PhoneEnding, ending(&digits, length)?)))
        .collect()
}

/// The token to look up for a number, or for its last digits, however somebody typed it; none if
/// there are fewer than 4 digits. The trunk zero is not looked up, and of a number with its
/// country code only the last 7, so that "+27 82 123 4567" finds "082 123 4567" and the reverse.
#[must_use]
pub fn phone_query(text: &str) -> Option<(TokenKind, String)> {
    let digits = normalise::phone_digits(text);
    let international = text.trim_start().starts_with(['+', '＋']) || digits.starts_with("00");
    let national = digits.trim_start_matches('0');
    let length_max = if international { PHONE_ENDING_INTERNATIONAL } else { PHONE_ENDING_MAX };
    let significant = if national.len() < PHONE_ENDING_MIN { digits.as_str() } else { national };
    if significant.len() < PHONE_ENDING_MIN {
        return None;
    }
    Some((TokenKind::PhoneEnding, ending(significant, significant.len().min(length_max))?))
}

/// The last `length` digits, if there are as many.
fn ending(digits: &str, length: usize) -> Option<String> {
    digits.get(digits.len().checked_sub(length)?..).map(str::to_owned)
}

#[cfg(test)]
mod tests;
