//! HMAC-SHA256 and HKDF-SHA256 (RFC 2104, RFC 5869), as the blind index uses them.

use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::SealError;
use crate::cipher::KEY_LENGTH;

/// How many bytes HKDF shall give.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Fills `out` with HKDF-SHA256 of `secret`.
pub(crate) fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), SealError> {
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| SealError::Failed)
}

/// A key for HMAC-SHA256, derived for one purpose. AWS-LC wipes its state when it is dropped.
pub(crate) fn derived_mac_key(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<hmac::Key, SealError> {
    let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
    hkdf_sha256(secret, salt, info, bytes.as_mut_slice())?;
    Ok(mac_key(bytes.as_slice()))
}

pub(crate) fn mac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// The first `N` bytes of HMAC-SHA256 over the parts, one after another. `N` is at most 32.
pub(crate) fn truncated<const N: usize>(key: &hmac::Key, parts: &[&[u8]]) -> [u8; N] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let tag = context.sign();
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}
