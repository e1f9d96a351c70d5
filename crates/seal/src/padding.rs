//! Padding: a sealed value shows only the bucket its length falls into, so that the length of a
//! name or a number does not betray it.
//!
//! `length (u32, big-endian) | payload | zeros`, filled up to 32, 64, 128, 256, 512, 1024 bytes or
//! the next multiple of 1024.

use zeroize::Zeroizing;

use crate::SealError;

const LENGTH_BYTES: usize = 4;
const BUCKET_MIN: usize = 32;
const BUCKET_STEP: usize = 1024;

/// The bucket that `length` bytes, the length prefix among them, are filled up to.
fn bucket(length: usize) -> usize {
    if length <= BUCKET_STEP {
        length.next_power_of_two().max(BUCKET_MIN)
    } else {
        length.div_ceil(BUCKET_STEP).saturating_mul(BUCKET_STEP)
    }
}

/// `payload` with its length before it, filled up to its bucket.
pub(crate) fn pad(payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let length = u32::try_from(payload.len()).map_err(|_| SealError::TooLarge)?;
    let size = bucket(LENGTH_BYTES.saturating_add(payload.len()));
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
    out.resize(size, 0);
    Ok(out)
}

/// The payload within `padded`. Strict: the one padding that [`pad`] would have made, or nothing.
pub(crate) fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let length = padded.first_chunk::<LENGTH_BYTES>().ok_or(SealError::Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SealError::Malformed)?;
    let end = LENGTH_BYTES.checked_add(length).ok_or(SealError::Malformed)?;
    let filling = padded.get(end..).ok_or(SealError::Malformed)?;
    if padded.len() != bucket(end) || filling.iter().any(|byte| *byte != 0) {
        return Err(SealError::Malformed);
    }
    padded.truncate(end);
    padded.drain(..LENGTH_BYTES);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_specification() {
        let sizes = [0, 28, 29, 60, 61, 124, 252, 508, 1020, 1021, 2044, 2045];
        let padded = sizes.map(|size| pad(&vec![7; size]).unwrap().len());
        assert_eq!(padded, [32, 32, 64, 64, 128, 128, 256, 512, 1024, 2048, 2048, 3072]);
    }

    #[test]
    fn what_was_padded_comes_back() {
        for size in 0..3000 {
            let payload = vec![0; size];
            assert_eq!(*unpad(pad(&payload).unwrap()).unwrap(), payload);
        }
    }

    #[test]
    fn padding_that_hides_something_is_refused() {
        let good = pad(b"Ng").unwrap();
        let mut dirty = good.clone();
        *dirty.last_mut().unwrap() = 1;
        let mut wider = good.clone();
        wider.resize(64, 0);
        let mut longer = good.clone();
        longer[0] = 0xff;
        for bad in [dirty, wider, longer, Zeroizing::new(vec![0, 0, 0]), Zeroizing::new(Vec::new())] {
            assert_eq!(unpad(bad), Err(SealError::Malformed));
        }
    }
}
