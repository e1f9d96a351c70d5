//! What may stand in a text: NFC, no control characters, never longer than its limit.
//!
//! Directional marks (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) are kept as typed: they
//! are part of how somebody writes a name. A page keeps them from reordering what stands around
//! them by [`isolated`].

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The longest part of a name, in Unicode characters after NFC.
pub const NAME_PART_CHARS_MAX: usize = 300;
/// The longest whole name.
pub const NAME_TEXT_CHARS_MAX: usize = 1_000;
/// The longest text of one line: an address line, an e-mail address, words of a code.
pub const LINE_CHARS_MAX: usize = 500;

/// Why a text is refused. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// Longer than its limit, in characters.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// Has a control character (NUL, tab, line break, escape …) where none may be.
    #[error("contains a control character, such as NUL, a tab or a line break")]
    Control,
}

/// One line of text in NFC: no control characters, no line breaks of any kind.
///
/// # Errors
/// [`TextProblem`]: too long, or a control character.
pub fn line(text: &str, chars_max: usize) -> Result<String, TextProblem> {
    checked(text, chars_max, |c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Text of several lines in NFC: line feed, carriage return and tab may stand, NUL and other
/// control characters may not.
///
/// # Errors
/// [`TextProblem`]: too long, or a control character.
pub fn block(text: &str, chars_max: usize) -> Result<String, TextProblem> {
    checked(text, chars_max, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn checked(text: &str, chars_max: usize, refused: impl Fn(char) -> bool) -> Result<String, TextProblem> {
    // NFC joins a handful of characters at most into one, so this refuses nothing that fits; it
    // keeps a text of megabytes from being normalised only to be refused.
    if text.len() > chars_max.saturating_mul(64) {
        return Err(TextProblem::TooLong(chars_max));
    }
    let text = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
    if text.chars().nth(chars_max).is_some() {
        return Err(TextProblem::TooLong(chars_max));
    }
    if text.chars().any(refused) {
        return Err(TextProblem::Control);
    }
    Ok(text)
}

/// Whether nothing can be seen of a text: empty, blanks, and characters without a glyph.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// The characters without a glyph that fillers and careless copying leave behind. Joiners between
/// letters are among them and stay where they are: only a text of nothing else counts as blank.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}')
}

/// The text between a first-strong isolate and its end (UAX #9: U+2068 … U+2069), so that its
/// direction neither depends on nor changes what stands around it. An end of isolate that closes
/// nothing is left out and one that is missing is added: the text cannot break out. Embeddings and
/// overrides left open end with the isolate by themselves (rule X6a).
#[must_use]
pub fn isolated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 6);
    let mut open = 0_usize;
    out.push('\u{2068}');
    for c in text.chars() {
        match c {
            '\u{2066}'..='\u{2068}' => open += 1,
            '\u{2069}' if open == 0 => continue,
            '\u{2069}' => open -= 1,
            _ => {}
        }
        out.push(c);
    }
    out.extend(std::iter::repeat_n('\u{2069}', open + 1));
    out
}

/// Whether a character belongs to Han, Kana or Hangul: scripts in which a name is written family
/// name first and without a space.
pub(super) fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{3130}'..='\u{318F}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The digit that a digit of another script stands for (the scripts of the practices' languages
/// that have digits of their own; full-width digits are made plain before).
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 13] =
        [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50, 0x0ED0];
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}
