//! From bytes to text: the encoding is found from what stands in the file, and the file is then read as
//! UTF-8, a piece at a time.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes looked at to tell UTF-16 without a byte order mark.
const LOOK_BYTES: usize = 64 * 1024;

/// The encoding of a file.
///
/// # Errors
/// The file cannot be read.
pub fn encoding_of(mut input: impl BufRead) -> io::Result<&'static Encoding> {
    let mut finder = Finder::default();
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(finder.found());
        }
        finder.feed(chunk);
        if let Some(marked) = finder.marked {
            return Ok(marked);
        }
        let used = chunk.len();
        input.consume(used);
    }
}

/// Finds the encoding of a file while it passes by: by its byte order mark; else UTF-16, if every other byte is
/// zero, as it is for text of which most is written in Latin letters, digits and separators; else UTF-8, if all
/// of the file is UTF-8; else what it most looks like (`chardetng`, the detector of Firefox), which for Western
/// Europe is Windows-1252.
pub struct Finder {
    marked: Option<&'static Encoding>,
    /// The first bytes, until there are enough for a mark.
    begin: Vec<u8>,
    detector: EncodingDetector,
    utf8: Decoder,
    is_utf8: bool,
    scratch: Vec<u8>,
    looked: usize,
    zeros: [usize; 2],
}

impl Default for Finder {
    fn default() -> Self {
        Self {
            marked: None,
            begin: Vec::new(),
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            utf8: UTF_8.new_decoder_without_bom_handling(),
            is_utf8: true,
            scratch: vec![0; 16 * 1024],
            looked: 0,
            zeros: [0; 2],
        }
    }
}

/// The longest byte order mark.
const MARK_BYTES: usize = 3;

impl Finder {
    /// The next bytes of the file.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.begin.len() < MARK_BYTES {
            self.begin.extend(chunk.iter().take(MARK_BYTES - self.begin.len()));
            self.marked = Encoding::for_bom(&self.begin).map(|(marked, _)| marked);
        }
        for byte in chunk.iter().take(LOOK_BYTES.saturating_sub(self.looked)) {
            if let (0, Some(count)) = (*byte, self.zeros.get_mut(self.looked % 2)) {
                *count += 1;
            }
            self.looked += 1;
        }
        self.detector.feed(chunk, false);
        self.is_utf8 = self.is_utf8 && decodes(&mut self.utf8, chunk, &mut self.scratch, false);
    }

    /// What it is, the file being at its end.
    #[must_use]
    pub fn found(mut self) -> &'static Encoding {
        if let Some(marked) = self.marked {
            return marked;
        }
        self.detector.feed(&[], true);
        let is_utf8 = self.is_utf8 && decodes(&mut self.utf8, &[], &mut self.scratch, true);
        let [even, odd] = self.zeros;
        let many = |count: usize| count.saturating_mul(5) > self.looked;
        let few = |count: usize| count.saturating_mul(50) < self.looked;
        if many(odd) && few(even) {
            UTF_16LE
        } else if many(even) && few(odd) {
            UTF_16BE
        } else if is_utf8 {
            UTF_8
        } else {
            self.detector.guess(None, Utf8Detection::Deny)
        }
    }
}

fn decodes(decoder: &mut Decoder, mut chunk: &[u8], scratch: &mut [u8], last: bool) -> bool {
    loop {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(chunk, scratch, last);
        chunk = chunk.get(read..).unwrap_or_default();
        match result {
            encoding_rs::DecoderResult::InputEmpty => return true,
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::Malformed(..) => return false,
        }
    }
}

/// A byte order mark in UTF-8.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

/// A file of any encoding, read as UTF-8 without its byte order mark (or marks: files that were put together have
/// several). A byte that the encoding does not have becomes U+FFFD.
pub struct Utf8<R> {
    input: R,
    decoder: Decoder,
    text: Vec<u8>,
    /// What of `text` holds text, and how much of that is read.
    filled: usize,
    read: usize,
    done: bool,
    /// Whether anything but marks was read.
    begun: bool,
    /// Bytes of the file that are behind us.
    taken: u64,
}

impl<R: BufRead> Utf8<R> {
    /// A reader at the start of a file.
    pub fn new(input: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { input, decoder, text: vec![0; 64 * 1024], filled: 0, read: 0, done: false, begun: false, taken: 0 }
    }

    /// How many bytes of the file are behind us.
    pub const fn taken(&self) -> u64 {
        self.taken
    }
}

impl<R: BufRead> BufRead for Utf8<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read == self.filled && !self.done {
            let chunk = self.input.fill_buf()?;
            let last = chunk.is_empty();
            let (result, used, written, _) = self.decoder.decode_to_utf8(chunk, &mut self.text, last);
            self.input.consume(used);
            self.taken = self.taken.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
            (self.read, self.filled) = (0, written);
            if !self.begun {
                // Whoever reads on would take a piece that is a mark and nothing else for the end.
                let text = self.text.get(..written).unwrap_or_default();
                self.read = text.chunks(MARK.len()).take_while(|piece| *piece == MARK).count() * MARK.len();
                self.begun = self.read < written;
            }
            self.done = last && result == CoderResult::InputEmpty;
        }
        Ok(self.text.get(self.read..self.filled).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.read.saturating_add(count).min(self.filled);
    }
}

impl<R: BufRead> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut from = self.fill_buf()?;
        let count = from.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use encoding_rs::WINDOWS_1252;

    use super::*;

    const TEXT: &str = "Nachname;Vorname;Geburtsdatum\nMüller;Jürgen;03.04.1980\nWeiß;Jörg;1.12.1955\n";

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    fn read(bytes: &[u8]) -> (&'static str, String) {
        let encoding = encoding_of(BufReader::with_capacity(7, bytes)).unwrap();
        let mut text = String::new();
        Utf8::new(BufReader::with_capacity(7, bytes), encoding).read_to_string(&mut text).unwrap();
        (encoding.name(), text)
    }

    #[test]
    fn every_encoding_of_an_old_system_is_found_and_read() {
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        let files = [
            ("UTF-8", TEXT.as_bytes().to_vec()),
            ("UTF-8", marked(b"\xEF\xBB\xBF", TEXT.as_bytes().to_vec())),
            ("UTF-16LE", marked(b"\xFF\xFE", utf16(TEXT, true))),
            ("UTF-16BE", marked(b"\xFE\xFF", utf16(TEXT, false))),
            ("UTF-8", marked(b"\xEF\xBB\xBF\xEF\xBB\xBF", TEXT.as_bytes().to_vec())),
            ("UTF-16LE", marked(b"\xFF\xFE\xFF\xFE", utf16(TEXT, true))),
            ("UTF-16LE", utf16(TEXT, true)),
            ("UTF-16BE", utf16(TEXT, false)),
            ("windows-1252", WINDOWS_1252.encode(TEXT).0.into_owned()),
        ];
        for (name, bytes) in files {
            assert_eq!(read(&bytes), (name, TEXT.to_owned()), "{name}");
        }
    }

    #[test]
    fn an_umlaut_behind_a_megabyte_of_plain_letters_still_counts() {
        let text = format!("{}Müller\n", "plain letters\n".repeat(100_000));
        assert_eq!(read(text.as_bytes()).0, "UTF-8");
        let (name, back) = read(&WINDOWS_1252.encode(&text).0);
        assert_eq!(name, "windows-1252");
        assert!(back == text);
    }

    #[test]
    fn a_byte_that_is_no_text_is_marked() {
        let mut text = String::new();
        Utf8::new(&b"a\xFFb"[..], UTF_8).read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\u{FFFD}b");
    }
}
