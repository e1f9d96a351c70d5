//! AES-256-GCM with random 96-bit nonces: the one cipher of the house, in the one form in which it
//! is used: `nonce (12) | ciphertext | tag (16)`.
//!
//! Public for key services, which wrap keys under a root key of their own. Everything else seals
//! through [`DataKey`](crate::DataKey) and [`Kek`](crate::Kek).
//!
//! Random nonces are safe below 2^32 messages under one key (NIST SP 800-38D, section 8.3). A data
//! key belongs to one patient or one purpose and stays far below.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use kernel::Entropy;
use zeroize::Zeroizing;

use crate::SealError;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;
/// Bytes of an authentication tag.
pub const TAG_LENGTH: usize = 16;
/// By how many bytes a sealed text is longer than its plaintext.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LENGTH;

/// A key's bytes, wiped when dropped.
pub type KeyBytes = Zeroizing<[u8; KEY_LENGTH]>;

/// The expanded key lives on AWS-LC's own heap, which wipes what it frees.
fn expand(key: &KeyBytes) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key.as_slice()).map(LessSafeKey::new).map_err(|_| SealError::Failed)
}

/// `plaintext` encrypted, and authenticated together with `aad`, under a fresh random nonce.
pub fn encrypt(key: &KeyBytes, aad: &[u8], plaintext: &[u8], entropy: &Entropy) -> Result<Vec<u8>, SealError> {
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
    append_encrypted(&mut out, key, entropy.bytes(), aad, plaintext)?;
    Ok(out)
}

/// Appends `nonce | ciphertext | tag` to `out`.
pub(crate) fn append_encrypted(
    out: &mut Vec<u8>,
    key: &KeyBytes,
    nonce: [u8; NONCE_LEN],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(), SealError> {
    // Room first: were the buffer to move after the plaintext is in it, a copy would stay behind.
    out.reserve_exact(plaintext.len().saturating_add(OVERHEAD));
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plaintext);
    let body = out.get_mut(start..).ok_or(SealError::Failed)?;
    let tag = expand(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
        .map_err(|_| SealError::Failed)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// The plaintext of `nonce | ciphertext | tag`, if it was encrypted under this key with this `aad`.
pub fn decrypt(key: &KeyBytes, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Malformed)?;
    if body.len() < TAG_LENGTH {
        return Err(SealError::Malformed);
    }
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = expand(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), buffer.as_mut_slice())
        .map_err(|_| SealError::DoesNotOpen)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}
