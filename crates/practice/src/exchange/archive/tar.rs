//! The little of tar (POSIX ustar) that an archive needs: plain files with short names. What else a tar can
//! hold (links, devices, owners, long names) is refused when it is read.

use std::io::{self, Read};

/// Bytes of the header before each file.
pub const HEADER_BYTES: usize = 512;
/// Bytes after the last file.
pub const END_BYTES: usize = 1024;
/// The longest name.
const NAME_BYTES_MAX: usize = 100;
/// The largest file, in bytes: eleven octal digits.
const SIZE_MAX: u64 = 0o777_7777_7777;

/// Why a tar is not read on.
#[derive(Debug, thiserror::Error)]
pub enum TarProblem {
    /// Not a tar, or not one as this program writes them.
    #[error("this is no archive as Vouchsafe writes them")]
    Form,
    /// It ends in the middle.
    #[error("the archive ends in the middle: it was not fetched to its end")]
    Short,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for TarProblem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Io(error) }
    }
}

/// How many zeros follow a file of this size.
#[must_use]
pub const fn padding(bytes: u64) -> u64 {
    (HEADER_BYTES as u64 - bytes % HEADER_BYTES as u64) % HEADER_BYTES as u64
}

/// The header of a file; `None` if its name or size does not fit. `modified` is in seconds since 1970.
#[must_use]
pub fn header(name: &str, bytes: u64, modified: i64) -> Option<[u8; HEADER_BYTES]> {
    if !is_safe(name) || bytes > SIZE_MAX {
        return None;
    }
    let mut block = [0; HEADER_BYTES];
    let mut put = |at: usize, text: &str| {
        block.iter_mut().skip(at).zip(text.bytes()).for_each(|(to, from)| *to = from);
    };
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{bytes:011o}\0"));
    put(136, &format!("{:011o}\0", modified.max(0)));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()).for_each(|(to, from)| *to = from);
    Some(block)
}

/// Whether a name leads to a place inside the folder it is opened in, on any system.
fn is_safe(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(plain)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.'))
}

/// Reads a tar from its start, a file after the other.
pub struct Tar<R> {
    input: R,
    /// Bytes of the file at hand that were not read, and the zeros after it.
    left: u64,
    padding: u64,
}

impl<R: Read> Tar<R> {
    /// At its start.
    pub const fn new(input: R) -> Self {
        Self { input, left: 0, padding: 0 }
    }

    /// The name and size of the next file; nothing after the last. What was not read of the one before is passed
    /// over.
    ///
    /// # Errors
    /// It is not a tar as this program writes them.
    pub fn advance(&mut self) -> Result<Option<(String, u64)>, TarProblem> {
        if io::copy(&mut (&mut self.input).take(self.left), &mut io::sink())? < self.left {
            return Err(TarProblem::Short);
        }
        let mut block = [0; HEADER_BYTES];
        let zeros = usize::try_from(self.padding).unwrap_or(0);
        let between = block.get_mut(..zeros).ok_or(TarProblem::Form)?;
        self.input.read_exact(between)?;
        if between.iter().any(|byte| *byte != 0) {
            return Err(TarProblem::Form);
        }
        (self.left, self.padding) = (0, 0);
        self.input.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            // A second block of zeros ends it, and nothing follows that.
            self.input.read_exact(&mut block)?;
            let more = io::copy(&mut (&mut self.input).take(1), &mut io::sink())?;
            return if more == 0 && block.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(TarProblem::Form) };
        }
        let text = |from: usize, to: usize| -> Option<&str> {
            let field = block.get(from..to)?;
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            str::from_utf8(field.get(..end)?).ok()
        };
        let number = |from, to| u64::from_str_radix(text(from, to)?.trim(), 8).ok();
        let (Some(name), Some(bytes), Some(modified)) = (text(0, 100), number(124, 136), number(136, 148)) else {
            return Err(TarProblem::Form);
        };
        // As this program writes it, to the last byte: there is no room for anything else to hide in.
        let modified = i64::try_from(modified).map_err(|_| TarProblem::Form)?;
        if header(name, bytes, modified) != Some(block) {
            return Err(TarProblem::Form);
        }
        (self.left, self.padding) = (bytes, padding(bytes));
        Ok(Some((name.to_owned(), bytes)))
    }
}

/// The file at hand.
impl<R: Read> Read for Tar<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let Some(out) = out.get_mut(..room) else { return Ok(0) };
        let read = self.input.read(out)?;
        if read == 0 && room > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
