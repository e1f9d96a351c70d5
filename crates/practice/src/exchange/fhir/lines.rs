//! Bytes into lines, with a limit: a longer line is passed over without being held.

use std::io::{self, BufRead, Read as _};

/// The longest line that is read, in bytes without its end.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Room that a long line leaves behind is given back above this.
const BUFFER_BYTES_KEPT: usize = 1024 * 1024;

pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    end: u64,
}

/// What stands between two line ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut<'a> {
    /// Nothing but blanks.
    Blank,
    /// The line without its end (LF or CR LF) and without a byte order mark.
    Line(&'a [u8]),
    /// More than [`LINE_BYTES_MAX`].
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, end: 0 }
    }

    /// The number of the line last given, and how many bytes lie behind it.
    pub(super) const fn position(&self) -> (u64, u64) {
        (self.number, self.end)
    }

    /// The next line. A last line without a line end counts.
    pub(super) fn advance(&mut self) -> io::Result<Option<Cut<'_>>> {
        // The line, and CR LF.
        const TAKEN_BYTES_MAX: u64 = LINE_BYTES_MAX as u64 + 2;
        let first = self.end == 0;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        let mut used = (&mut self.input).take(TAKEN_BYTES_MAX).read_until(b'\n', &mut self.buffer)?;
        if used == 0 {
            return Ok(None);
        }
        let whole = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
        let too_long = !whole && self.buffer.len() > LINE_BYTES_MAX + 1;
        if too_long {
            self.buffer = Vec::new();
            used = used.saturating_add(self.input.skip_until(b'\n')?);
        }
        self.number += 1;
        self.end = self.end.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));

        let mut line = self.buffer.as_slice();
        if first {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(if too_long || line.len() > LINE_BYTES_MAX {
            Cut::TooLong
        } else if line.iter().all(u8::is_ascii_whitespace) {
            Cut::Blank
        } else {
            Cut::Line(line)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn all(input: impl BufRead) -> Vec<(String, u64, u64)> {
        let mut lines = Lines::new(input);
        let mut found = Vec::new();
        while let Some(cut) = lines.advance().unwrap() {
            let text = match cut {
                Cut::Blank => "(blank)".to_owned(),
                Cut::TooLong => "(too long)".to_owned(),
                Cut::Line(line) => String::from_utf8_lossy(line).into_owned(),
            };
            let (number, end) = lines.position();
            found.push((text, number, end));
        }
        found
    }

    #[test]
    fn marks_line_ends_and_blanks_are_no_part_of_a_line() {
        let text = b"\xEF\xBB\xBFone\r\n\r\n \t\ntwo\n\xEF\xBB\xBFthree";
        let found = all(BufReader::with_capacity(2, &text[..]));
        let expected =
            [("one", 1, 8), ("(blank)", 2, 10), ("(blank)", 3, 13), ("two", 4, 17), ("\u{FEFF}three", 5, 25)];
        assert_eq!(found, expected.map(|(text, number, end)| (text.to_owned(), number, end)));
        assert_eq!(all(&b""[..]), []);
    }

    #[test]
    fn the_limit_is_exact_and_counts_neither_cr_nor_lf() {
        let line = |bytes: u64| io::repeat(b'x').take(bytes);
        let max = LINE_BYTES_MAX as u64;
        let fits = Cursor::new("").chain(line(max)).chain(&b"\r\n"[..]).chain(line(max)).chain(&b"\nend"[..]);
        let found = all(BufReader::new(fits));
        assert_eq!(found.iter().map(|(text, ..)| text.len()).collect::<Vec<_>>(), [LINE_BYTES_MAX, LINE_BYTES_MAX, 3]);
        let longer = line(max + 1).chain(&b"\n"[..]).chain(line(max + 1)).chain(&b"\r\n"[..]).chain(line(max + 1));
        assert!(all(BufReader::new(longer)).iter().all(|(text, ..)| text == "(too long)"));
    }

    #[test]
    fn a_line_of_a_hundred_megabytes_is_passed_over_and_not_held() {
        let hundred = 100 * 1024 * 1024;
        let input = io::repeat(b'x').take(hundred).chain(&b"\nnext\n"[..]);
        let mut lines = Lines::new(BufReader::new(input));
        assert_eq!(lines.advance().unwrap(), Some(Cut::TooLong));
        assert_eq!(lines.buffer.capacity(), 0);
        assert_eq!(lines.advance().unwrap(), Some(Cut::Line(b"next")));
        assert_eq!(lines.position(), (2, hundred + 6));
        assert!(lines.buffer.capacity() <= BUFFER_BYTES_KEPT);
        assert_eq!(lines.advance().unwrap(), None);
    }
}
