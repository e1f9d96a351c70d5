//! From text to rows of cells (RFC 4180, with any one-byte separator), never holding more than one row.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The longest row, in bytes of its cells as UTF-8.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;
/// The most columns.
pub const COLUMNS_MAX: usize = 1_000;

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    /// Its cells.
    Cells(Vec<String>),
    /// Why it cannot be read, as the end of a sentence that begins with "line".
    Bad(&'static str),
}

/// Reads rows.
pub struct Rows<R> {
    input: R,
    core: Reader,
    quotes: Quotes,
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// Line ends behind us.
    lines: u64,
    /// Where the last row began, from 1.
    number: u64,
}

/// Whether a quotation mark is open: what the parser knows and does not tell.
struct Quotes {
    separator: u8,
    open: bool,
    /// A cell begins.
    fresh: bool,
    /// The last byte closed a quotation mark; another one now would stand for itself.
    closed: bool,
}

impl Quotes {
    fn step(&mut self, byte: u8) {
        let quote = byte == b'"';
        if self.open {
            (self.open, self.closed) = (!quote, quote);
            return;
        }
        self.open = quote && (self.fresh || self.closed);
        self.closed = false;
        self.fresh = byte == self.separator || byte == b'\n' || byte == b'\r';
    }
}

impl<R: BufRead> Rows<R> {
    /// A reader at the start of a text.
    pub fn new(input: R, separator: u8) -> Self {
        let quotes = Quotes { separator, open: false, fresh: true, closed: false };
        let mut core = ReaderBuilder::new().delimiter(separator).build();
        // At its first bytes it would drop a byte order mark, and take a piece that is nothing else for the end. The
        // marks of the file are behind us, so it begins after a line end.
        let _ = core.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        Self { input, core, quotes, cells: vec![0; 4096], ends: vec![0; 64], lines: 0, number: 0 }
    }

    /// The line at which the last row began, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What is read from.
    pub const fn input(&self) -> &R {
        &self.input
    }

    /// Passes over line ends, which are no rows.
    fn pass_blank(&mut self) -> io::Result<()> {
        loop {
            match self.input.fill_buf()?.first() {
                Some(b'\n') => self.lines += 1,
                Some(b'\r') => {}
                _ => return Ok(()),
            }
            self.input.consume(1);
        }
    }

    /// The next row; nothing at the end.
    ///
    /// # Errors
    /// The text cannot be read.
    pub fn advance(&mut self) -> io::Result<Option<Row>> {
        self.pass_blank()?;
        self.number = self.lines + 1;
        self.quotes.fresh = true;
        (self.quotes.open, self.quotes.closed) = (false, false);
        let (mut filled, mut columns) = (0_usize, 0_usize);
        let mut bad: Option<&'static str> = None;
        loop {
            let chunk = self.input.fill_buf()?;
            let last = chunk.is_empty();
            let cells = self.cells.get_mut(filled..).unwrap_or_default();
            let ends = self.ends.get_mut(columns..).unwrap_or_default();
            let (result, used, written, ended) = self.core.read_record(chunk, cells, ends);
            for byte in chunk.get(..used).unwrap_or_default() {
                self.quotes.step(*byte);
                self.lines += u64::from(*byte == b'\n');
            }
            self.input.consume(used);
            filled += written;
            columns += ended;
            if last && self.quotes.open {
                bad = Some("opens a quotation mark that is never closed: nothing from here to the end was read");
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if filled >= ROW_BYTES_MAX => {
                    // What is too long is passed over without being held.
                    bad = Some("is longer than 1 MiB: is a quotation mark open?");
                    filled = 0;
                }
                ReadRecordResult::OutputFull => self.cells.resize((self.cells.len() * 2).min(ROW_BYTES_MAX), 0),
                ReadRecordResult::OutputEndsFull if columns >= COLUMNS_MAX => {
                    bad = Some("has more than 1000 columns");
                    columns = 0;
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize((self.ends.len() * 2).min(COLUMNS_MAX), 0),
                ReadRecordResult::Record => return Ok(Some(self.row(filled, columns, bad))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn row(&self, filled: usize, columns: usize, bad: Option<&'static str>) -> Row {
        if let Some(reason) = bad {
            return Row::Bad(reason);
        }
        let bytes = self.cells.get(..filled).unwrap_or_default();
        if bytes.contains(&0) {
            return Row::Bad("contains a NUL character");
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Row::Bad("is no text") };
        if text.contains('\u{FFFD}') {
            return Row::Bad("contains bytes that are no text in the encoding of the file");
        }
        let mut start = 0;
        let ends = self.ends.iter().take(columns);
        Row::Cells(
            ends.map(|end| text.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default().to_owned())
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use super::*;

    fn all(input: impl BufRead, separator: u8) -> Vec<(u64, Row)> {
        let mut rows = Rows::new(input, separator);
        let mut found = Vec::new();
        while let Some(row) = rows.advance().unwrap() {
            found.push((rows.number(), row));
        }
        found
    }

    fn cells(cells: &[&str]) -> Row {
        Row::Cells(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn rows_have_the_number_of_the_line_they_begin_on() {
        let text = "a;b\r\n\r\n\"x\ny\";\"say \"\"no\"\"\"\r\n5\" nail;;\n\n;last";
        let found = all(BufReader::with_capacity(3, text.as_bytes()), b';');
        let expected = [
            (1, cells(&["a", "b"])),
            (3, cells(&["x\ny", "say \"no\""])),
            (5, cells(&["5\" nail", "", ""])),
            (7, cells(&["", "last"])),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mark_behind_a_blank_line_is_text_in_whatever_pieces_it_arrives() {
        for size in [1, 3, 64] {
            let found = all(BufReader::with_capacity(size, "\n\u{feff}\u{feff}a,b\n".as_bytes()), b',');
            assert_eq!(found, [(2, cells(&["\u{feff}\u{feff}a", "b"]))], "in pieces of {size}");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_told_where_it_opens() {
        let found = all("a,b\n1,\"open\n2,two\n3,three\n".as_bytes(), b',');
        assert_eq!(found.len(), 2);
        let (2, Row::Bad(reason)) = found[1] else { panic!("{found:?}") };
        assert!(reason.contains("never closed"), "{reason}");
        assert_eq!(all("5\" nail".as_bytes(), b',')[0].1, cells(&["5\" nail"]), "a mark within a cell opens nothing");
        assert_eq!(all("\"a\"\"\"".as_bytes(), b',')[0].1, cells(&["a\""]));
    }

    #[test]
    fn a_line_of_a_hundred_megabytes_is_passed_over_and_not_held() {
        let hundred = io::repeat(b'x').take(100 * 1024 * 1024);
        let mut rows = Rows::new(BufReader::new((&b"a,b\n"[..]).chain(hundred).chain(&b"\nc,d\n"[..])), b',');
        assert_eq!(rows.advance().unwrap(), Some(cells(&["a", "b"])));
        let Some(Row::Bad(reason)) = rows.advance().unwrap() else { panic!("it was read") };
        assert!(reason.contains("1 MiB"), "{reason}");
        assert_eq!(rows.advance().unwrap(), Some(cells(&["c", "d"])));
        assert_eq!(rows.number(), 3);
        assert!(rows.cells.capacity() <= ROW_BYTES_MAX);
    }

    #[test]
    fn ten_thousand_columns_are_refused() {
        let found = all(format!("{}\na,b\n", ",".repeat(9_999)).as_bytes(), b',');
        assert_eq!(found[0].1, Row::Bad("has more than 1000 columns"));
        assert_eq!(found[1].1, cells(&["a", "b"]));
        assert_eq!(all(",".repeat(999).as_bytes(), b',')[0].1, cells(&[""; 1_000]));
    }

    #[test]
    fn a_nul_or_a_byte_that_is_no_text_refuses_its_row_only() {
        let found = all("a\0,b\nc,\u{FFFD}\ne,f\n".as_bytes(), b',');
        assert!(matches!(found[0].1, Row::Bad(_)) && matches!(found[1].1, Row::Bad(_)));
        assert_eq!(found[2].1, cells(&["e", "f"]));
    }
}
