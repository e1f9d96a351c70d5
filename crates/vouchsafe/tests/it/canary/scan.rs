//! Looking for planted words in whatever an installation leaves behind, in every form that they could have.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter forms turn up by chance.
const FORM_BYTES_MIN: usize = 7;

/// Words, and every form to look for.
pub(crate) struct Scan {
    forms: Vec<(String, &'static str)>,
    automaton: AhoCorasick,
}

/// Where a word was found, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) place: String,
    pub(crate) word: String,
    pub(crate) form: &'static str,
}

/// Bytes in the forms that any bytes can be written in.
fn written(form: &'static str, bytes: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = Vec::new();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    forms.push(("hexadecimal", hex.into_bytes()));
    // What stands before it decides where in a group of three bytes the word begins.
    for begins in 0..3 {
        let whole = bytes.get(begins..).unwrap_or_default();
        let whole = &whole[..whole.len() / 3 * 3];
        forms.push(("base64", STANDARD_NO_PAD.encode(whole).into_bytes()));
        forms.push(("base64 for addresses", URL_SAFE_NO_PAD.encode(whole).into_bytes()));
    }
    forms.push((form, bytes));
    forms
}

/// The bytes of a word in every form; ASCII letters are looked for in either case.
pub(crate) fn forms(word: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = Vec::new();
    let cases: BTreeSet<String> = [word.to_owned(), word.to_lowercase(), word.to_uppercase()].into();
    for text in cases {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        forms.extend(written("UTF-16, little end first", utf16(u16::to_le_bytes)));
        forms.extend(written("UTF-16, big end first", utf16(u16::to_be_bytes)));
        forms.push(("percent-encoded", crate::front::percent(&text).into_bytes()));
        let escaped = text.encode_utf16().fold(String::new(), |mut escaped, unit| {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
                _ => {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            escaped
        });
        forms.push(("escaped as in JSON", escaped.into_bytes()));
        forms.extend(written("UTF-8", text.into_bytes()));
    }
    forms.retain(|(_, bytes)| bytes.len() >= FORM_BYTES_MIN);
    forms
}

impl Scan {
    /// Of words, and of secrets that are no text.
    pub(crate) fn of(words: &[String], secrets: &[Vec<u8>]) -> Self {
        let (mut needles, mut names) = (Vec::new(), Vec::new());
        let of_words = words.iter().map(|word| (word.clone(), forms(word)));
        let of_secrets = secrets.iter().map(|bytes| ("a secret".to_owned(), written("bytes", bytes.clone())));
        for (word, forms) in of_words.chain(of_secrets) {
            let plain = forms.iter().any(|(form, _)| matches!(*form, "UTF-8" | "bytes"));
            assert!(plain, "{word} is too short to be told from chance");
            for (form, bytes) in forms {
                needles.push(bytes);
                names.push((word.clone(), form));
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(needles).unwrap();
        Self { forms: names, automaton }
    }

    /// How many forms are looked for.
    pub(crate) fn forms(&self) -> usize {
        self.forms.len()
    }

    /// Every word in these bytes.
    pub(crate) fn bytes(&self, place: &str, bytes: &[u8]) -> BTreeSet<Found> {
        let hits = self.automaton.find_overlapping_iter(bytes);
        hits.map(|hit| {
            let (word, form) = self.forms[hit.pattern().as_usize()].clone();
            Found { place: place.to_owned(), word, form }
        })
        .collect()
    }

    /// Every word in the files under a folder, and in their names; with the number of files and bytes.
    pub(crate) fn folder(&self, folder: &Path) -> (BTreeSet<Found>, usize, usize) {
        let (mut found, mut count, mut bytes) = (BTreeSet::new(), 0, 0);
        for file in files(folder) {
            let name = file.strip_prefix(folder).unwrap().display().to_string();
            found.extend(self.bytes("the name of a file", name.as_bytes()));
            let content = std::fs::read(&file).unwrap();
            found.extend(self.bytes(&name, &content));
            count += 1;
            bytes += content.len();
        }
        (found, count, bytes)
    }
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files
}

#[test]
fn a_word_is_found_in_every_form_wherever_it_begins() {
    let word = "Grünspecht-Ωmega";
    let scan = Scan::of(&[word.to_owned(), "another one".to_owned()], &[]);
    for (form, bytes) in forms(word) {
        let text = [b"some\0thing ".as_slice(), &bytes, b"\x01 more"].concat();
        let found = scan.bytes("here", &text);
        assert!(found.iter().any(|found| found.word == word && found.form == form), "{form}: {found:?}");
    }
    for before in 0..3 {
        for text in [word.to_owned(), word.to_lowercase(), word.to_uppercase()] {
            let text = STANDARD_NO_PAD.encode(format!("{}{text} and more", "x".repeat(before)));
            assert!(!scan.bytes("here", text.as_bytes()).is_empty(), "{text}");
        }
    }
    assert_eq!(scan.bytes("here", b"nothing of the sort"), BTreeSet::new());
}
