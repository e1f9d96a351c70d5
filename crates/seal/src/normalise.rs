//! How names, numbers and addresses are written before they are compared: so that "Müller" is
//! found by "muller", and a phone number however it was spaced.
//!
//! Every text is bounded before anything is done with it: a name of ten thousand characters costs
//! no more than one of a thousand.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How much of a text is looked at, in characters.
const TEXT_LENGTH_MAX: usize = 1024;
/// How long one normalised word, address or identifier may be, in characters; longer ones are cut.
pub const WORD_LENGTH_MAX: usize = 64;
/// How many words of one text are looked at.
pub const WORDS_MAX: usize = 16;

/// What becomes of ä, ö and ü.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Umlaut {
    /// The dots are dropped: "muller".
    Bare,
    /// As German spells it without dots: "mueller".
    Spelled,
}

/// The words of a name: NFKD, lower case, marks of Latin, Greek, Cyrillic, Hebrew and Arabic
/// dropped, everything else kept in whatever script it is written; then NFC.
///
/// Words end at spaces and punctuation. An apostrophe or hyphen within a word is kept, as `'` and
/// `-`: whether it joins or parts is for the search to decide.
#[must_use]
pub fn name_words(name: &str) -> Vec<String> {
    words(name, Umlaut::Bare)
}

/// A free text of any length as words are looked for in it: folded as a name is, spaces and punctuation
/// kept. How much text is looked at is for the caller to bound.
#[must_use]
pub fn prose(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase().replace('`', "'");
    }
    folded(text.chars(), Umlaut::Bare)
}

pub(crate) fn words(name: &str, umlaut: Umlaut) -> Vec<String> {
    fold(name, umlaut)
        .split(|letter| !is_word_letter(letter))
        .map(|word| cut(word.trim_matches(['\'', '-'])))
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .collect()
}

/// The first [`WORD_LENGTH_MAX`] characters.
pub(crate) fn cut(word: &str) -> String {
    word.chars().take(WORD_LENGTH_MAX).collect()
}

fn fold(text: &str, umlaut: Umlaut) -> String {
    folded(text.chars().take(TEXT_LENGTH_MAX), umlaut)
}

fn folded(text: impl Iterator<Item = char>, umlaut: Umlaut) -> String {
    let mut folded = String::new();
    let visible = text.filter(|letter| !is_invisible(*letter));
    for letter in visible.map(plain_punctuation).nfkd() {
        if letter == DIAERESIS && umlaut == Umlaut::Spelled && folded.ends_with(['a', 'o', 'u']) {
            folded.push('e');
        } else if !is_dropped_mark(letter) {
            letter.to_lowercase().for_each(|lower| push_folded(&mut folded, lower));
        }
    }
    // Hangul and the marks that were kept become whole letters again, so that a "prefix of three
    // characters" is what a reader would call three characters.
    folded.nfc().collect()
}

const DIAERESIS: char = '\u{308}';

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter) || matches!(letter, '\'' | '-')
}

/// Characters that show nothing: soft hyphen, zero-width spaces and joiners, bidirectional
/// controls, variation selectors, tags, the byte order mark; and the tatweel, which only widens an
/// Arabic word.
const fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// One apostrophe for all that are typed for one, one hyphen for all dashes. Before NFKD, which
/// would take the acute accent standing alone for a space.
const fn plain_punctuation(letter: char) -> char {
    match letter {
        '`' | '´' | '‘' | '’' | '‛' | '′' | '＇' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ʾ' | 'ʿ' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '·' => '-',
        other => other,
    }
}

/// Marks that a name is found without. Not those of Indic and other scripts, where a mark is a
/// vowel, nor those of kana, where it makes another consonant.
const fn is_dropped_mark(mark: char) -> bool {
    matches!(mark,
        // Latin, Greek, Cyrillic
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Hebrew points
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        // Arabic signs, tashkeel and Koranic marks
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}')
}

/// Appends a lower-case letter, those that no decomposition makes plain written as people type
/// them without the key.
fn push_folded(out: &mut String, letter: char) {
    match letter {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'þ' => out.push_str("th"),
        'ø' => out.push('o'),
        'đ' | 'ð' => out.push('d'),
        'ħ' => out.push('h'),
        'ı' => out.push('i'),
        'ł' => out.push('l'),
        'ŋ' => out.push('n'),
        'ŧ' => out.push('t'),
        'ə' => out.push('e'),
        'ς' => out.push('σ'),
        // Persian and Urdu letters, and endings that are often typed without their dots.
        'ى' | 'ی' => out.push('ي'),
        'ک' => out.push('ك'),
        'ة' => out.push('ه'),
        other => out.push(ascii_digit(other).unwrap_or(other)),
    }
}

/// The ASCII digit of a decimal digit of another script.
fn ascii_digit(letter: char) -> Option<char> {
    const ZEROS: [u32; 17] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0x1040,
        0xff10,
    ];
    ZEROS.iter().find_map(|zero| char::from_digit(u32::from(letter).checked_sub(*zero)?, 10))
}

/// The digits of a phone number, in ASCII. A trunk zero in parentheses is left out, and so is an
/// extension (whatever follows the first letter, comma or semicolon after the number began).
#[must_use]
pub fn phone_digits(number: &str) -> String {
    let number = number.chars().take(WORD_LENGTH_MAX).collect::<String>().replace("(0)", "");
    let mut digits = String::new();
    for letter in number.chars() {
        if let Some(digit) = ascii_digit(letter) {
            digits.push(digit);
        } else if !digits.is_empty() && (letter.is_alphabetic() || matches!(letter, ',' | ';' | '#')) {
            break;
        }
    }
    digits
}

/// An e-mail address: NFKC, lower case, nothing invisible, no spaces.
///
/// The part before the @ is by RFC 5321 the receiver's to tell apart by case; in practice none
/// does, and nobody types it the same way twice.
#[must_use]
pub fn email(address: &str) -> String {
    let visible = address.chars().take(TEXT_LENGTH_MAX).filter(|letter| !is_invisible(*letter));
    visible
        .nfkc()
        .filter(|letter| !letter.is_whitespace())
        .flat_map(char::to_lowercase)
        .take(EMAIL_LENGTH_MAX)
        .collect()
}

/// The longest address that RFC 5321 lets travel, in characters.
const EMAIL_LENGTH_MAX: usize = 254;

/// An identifier somebody else gave: letters and digits alone, upper case.
#[must_use]
pub fn identifier(text: &str) -> String {
    let visible = text.chars().take(TEXT_LENGTH_MAX).filter(|letter| !is_invisible(*letter));
    visible
        .nfkc()
        .filter(|letter| letter.is_alphanumeric())
        .map(|letter| ascii_digit(letter).unwrap_or(letter))
        .flat_map(char::to_uppercase)
        .take(WORD_LENGTH_MAX)
        .collect()
}

#[cfg(test)]
mod tests;
