//! Lines of a card, unfolded: a line that begins with a blank goes on with the one before (RFC 6350,
//! section 3.2), and one of quoted-printable that ends in `=` goes on with the next.

use std::io::{self, BufRead, Read as _};

/// The longest unfolded line, in bytes: a photograph in base64 may stand in one, and is left out.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// One unfolded line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Line(String),
    Bad(&'static str),
}

pub(super) struct Unfolded<R> {
    input: R,
    /// Physical lines behind us.
    lines: u64,
    /// Where the last unfolded line begins.
    number: u64,
}

impl<R: BufRead> Unfolded<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, lines: 0, number: 0 }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn input(&self) -> &R {
        &self.input
    }

    /// Adds the next physical line without its end. False where there is none.
    fn physical(&mut self, into: &mut Vec<u8>, too_long: &mut bool) -> io::Result<bool> {
        let room = (LINE_BYTES_MAX + 2).saturating_sub(into.len());
        let before = into.len();
        let limit = u64::try_from(room).unwrap_or(u64::MAX);
        let mut used = (&mut self.input).take(limit).read_until(b'\n', into)?;
        if used == 0 && room > 0 {
            return Ok(false);
        }
        if into.last() == Some(&b'\n') && into.len() > before {
            into.pop();
            if into.last() == Some(&b'\r') {
                into.pop();
            }
        } else if into.len() > LINE_BYTES_MAX {
            *too_long = true;
            used += self.input.skip_until(b'\n')?;
            into.truncate(before);
        }
        self.lines += 1;
        Ok(used > 0)
    }

    fn next_is_blank(&mut self) -> io::Result<bool> {
        Ok(matches!(self.input.fill_buf()?.first(), Some(b' ' | b'\t')))
    }

    /// The next unfolded line.
    pub(super) fn advance(&mut self) -> io::Result<Option<Cut>> {
        self.number = self.lines + 1;
        let mut line = Vec::new();
        let mut too_long = false;
        if !self.physical(&mut line, &mut too_long)? {
            return Ok(None);
        }
        loop {
            let soft = line.ends_with(b"=") && is_quoted_printable(&line);
            if soft {
                line.pop();
                if !self.physical(&mut line, &mut too_long)? {
                    break;
                }
            } else if self.next_is_blank()? {
                self.input.consume(1);
                // The end of the file, or of the line, may follow the blank at once.
                if !self.physical(&mut line, &mut too_long)? {
                    break;
                }
            } else {
                break;
            }
        }
        if too_long {
            return Ok(Some(Cut::Bad("is longer than 1 MiB")));
        }
        if line.contains(&0) {
            return Ok(Some(Cut::Bad("contains a NUL character")));
        }
        Ok(Some(match String::from_utf8(line) {
            Ok(text) if text.contains('\u{FFFD}') => {
                Cut::Bad("contains bytes that are no text in the encoding of the file")
            }
            Ok(text) => Cut::Line(text),
            Err(_) => Cut::Bad("is no text"),
        }))
    }
}

/// Whether the parameters before the value name this encoding.
fn is_quoted_printable(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    head.to_ascii_uppercase().windows(16).any(|part| part == b"QUOTED-PRINTABLE")
}
