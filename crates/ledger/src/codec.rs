//! The few forms that a leaf is made of: fixed bytes, big-endian numbers, text and lists with
//! their length before them, and things that may be absent.

use crate::LeafError;

pub(crate) const ABSENT: u8 = 0;
pub(crate) const PRESENT: u8 = 1;

/// Writes. Lengths are checked here, so that nothing is ever written that would not be read.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str, length_max: u16) -> Result<(), LeafError> {
        let length = u16::try_from(text.len()).ok().filter(|length| *length <= length_max);
        self.bytes(&length.ok_or(LeafError::TooLarge)?.to_be_bytes());
        self.bytes(text.as_bytes());
        Ok(())
    }

    pub(crate) fn count(&mut self, count: usize, count_max: u32) -> Result<(), LeafError> {
        let count = u32::try_from(count).ok().filter(|count| *count <= count_max);
        self.bytes(&count.ok_or(LeafError::TooLarge)?.to_be_bytes());
        Ok(())
    }

    pub(crate) fn optional<T: ?Sized>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T) -> Result<(), LeafError>,
    ) -> Result<(), LeafError> {
        match value {
            None => {
                self.byte(ABSENT);
                Ok(())
            }
            Some(value) => {
                self.byte(PRESENT);
                write(self, value)
            }
        }
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads, and refuses whatever [`Writer`] would not have written.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], LeafError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(LeafError::Malformed)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, LeafError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn text(&mut self, length_max: u16) -> Result<String, LeafError> {
        let length = u16::from_be_bytes(self.array()?);
        if length > length_max {
            return Err(LeafError::Malformed);
        }
        let (text, rest) = self.0.split_at_checked(usize::from(length)).ok_or(LeafError::Malformed)?;
        self.0 = rest;
        str::from_utf8(text).map(str::to_owned).map_err(|_| LeafError::Malformed)
    }

    /// A list of `count_max` things at most, each read by `read`.
    pub(crate) fn list<T>(
        &mut self,
        count_max: u32,
        read: impl Fn(&mut Self) -> Result<T, LeafError>,
    ) -> Result<Vec<T>, LeafError> {
        let count = u32::from_be_bytes(self.array()?);
        if count > count_max {
            return Err(LeafError::Malformed);
        }
        // Grows as it is read: a count without its things reserves nothing.
        (0..count).map(|_| read(self)).collect()
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, LeafError>,
    ) -> Result<Option<T>, LeafError> {
        match self.byte()? {
            ABSENT => Ok(None),
            PRESENT => read(self).map(Some),
            _ => Err(LeafError::Malformed),
        }
    }

    pub(crate) const fn done(self) -> Result<(), LeafError> {
        if self.0.is_empty() { Ok(()) } else { Err(LeafError::Malformed) }
    }
}
