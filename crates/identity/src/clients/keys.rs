//! The public keys of a program that proves itself by a signature (JWKS, RFC 7517): what is taken when
//! they are pasted, and whether a proof (a JWT, RFC 7523) was made with one of them.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::ClientId;
use serde::Deserialize;
use serde_json::Value;
use store::StoreError;

/// The longest text of keys that is taken, in bytes.
const KEYS_BYTES_MAX: usize = 16 * 1024;
/// Keys in one set: an old one and a new one, and room.
const KEYS_MAX: usize = 8;
/// A proof is good this long at most (SMART App Launch, "Backend Services", section 3.1.5.2).
const PROOF_LIFE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// How far the clock of the program may be ahead of ours.
const CLOCKS_MAY_STRAY: SignedDuration = SignedDuration::from_secs(30);
/// The longest `jti` that is taken, in bytes.
const PROOF_ID_BYTES_MAX: usize = 200;
/// Bytes of an RSA modulus: 2048 to 8192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// What only a private key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why pasted keys were not taken, in words for the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysRefused {
    /// No JSON, or JSON of another kind.
    #[error("Paste the public keys as a JWKS: a JSON object with a list called keys")]
    NotASet,
    /// Too long, or too many.
    #[error("Paste 1 to 8 keys, 16 KB at most")]
    TooMany,
    /// A private key.
    #[error(
        "This holds a private key, which must never leave the program. Make new keys, and paste their public halves"
    )]
    Private,
    /// A key without a name, or two of one.
    #[error("Give each key a kid of its own")]
    NoId,
    /// Not of a kind that proofs are made with.
    #[error("Use RSA keys of 2048 bits or more for RS384, or EC keys on P-384 for ES384")]
    Kind,
}

/// Keys that were looked at.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: JwkSet,
    text: String,
}

/// A proof that was made with one of the keys, for this address, and is good at this moment.
pub(super) struct Proof {
    /// Its own id, by which it is good once.
    pub(super) id: String,
    /// When it would end.
    pub(super) ends: Timestamp,
}

/// What a proof must say. `aud` is one text: a proof that is good elsewhere too is not taken.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    jti: String,
}

/// Who a proof says made it. Nothing is proved by that: it is by whom the keys are looked up.
pub(super) fn said_to_be(proof: &str) -> Option<ClientId> {
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(proof).ok()?;
    claims.iss.parse().ok()
}

impl KeySet {
    /// The keys that somebody pasted.
    pub fn parse(pasted: &str) -> Result<Self, KeysRefused> {
        let pasted = pasted.trim();
        if pasted.len() > KEYS_BYTES_MAX {
            return Err(KeysRefused::TooMany);
        }
        let value: Value = serde_json::from_str(pasted).map_err(|_| KeysRefused::NotASet)?;
        let listed = value.get("keys").and_then(Value::as_array).ok_or(KeysRefused::NotASet)?;
        if listed.is_empty() || listed.len() > KEYS_MAX {
            return Err(KeysRefused::TooMany);
        }
        if listed.iter().any(|key| PRIVATE.iter().any(|name| key.get(name).is_some())) {
            return Err(KeysRefused::Private);
        }
        let keys: JwkSet = serde_json::from_value(value).map_err(|_| KeysRefused::NotASet)?;
        for (place, key) in keys.keys.iter().enumerate() {
            let id = key.common.key_id.as_deref().filter(|id| !id.is_empty()).ok_or(KeysRefused::NoId)?;
            if keys.keys.iter().skip(place + 1).any(|other| other.common.key_id.as_deref() == Some(id)) {
                return Err(KeysRefused::NoId);
            }
            if algorithm(key).is_none() || DecodingKey::from_jwk(key).is_err() {
                return Err(KeysRefused::Kind);
            }
        }
        let text = serde_json::to_string(&keys).map_err(|_| KeysRefused::NotASet)?;
        Ok(Self { keys, text })
    }

    /// The keys of a row.
    pub(super) fn stored(text: String) -> Result<Self, StoreError> {
        let keys = serde_json::from_str(&text).map_err(|_| StoreError::Unreadable { what: "keys" })?;
        Ok(Self { keys, text })
    }

    /// The keys as they are kept.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a proof proves, if it was made by this client with one of these keys for this address, and is
    /// good at this moment. Whatever is wrong with it, the answer is the same.
    pub(super) fn proved(&self, proof: &str, client: ClientId, address: &str, at: Timestamp) -> Option<Proof> {
        let header = jsonwebtoken::decode_header(proof).ok()?;
        let key = self.keys.find(header.kid.as_deref()?)?;
        // The key says which algorithm it is for, never the proof.
        let algorithm = algorithm(key)?;
        if header.alg != algorithm || header.crit.is_some() {
            return None;
        }
        let name = client.to_string();
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["iss", "sub", "aud"]);
        validation.set_issuer(&[&name]);
        validation.set_audience(&[address]);
        // By our own clock, below.
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(key).ok()?;
        let claims = jsonwebtoken::decode::<Claims>(proof, &key, &validation).ok()?.claims;
        let (ends, latest) = (Timestamp::from_second(claims.exp).ok()?, at.saturating_add(PROOF_LIFE_MAX).ok()?);
        let begins = claims.nbf.map_or(Ok(at), Timestamp::from_second).ok()?;
        let good = claims.iss == name
            && claims.sub == name
            && claims.aud == address
            && ends > at
            && ends.duration_since(latest) <= CLOCKS_MAY_STRAY
            && begins.duration_since(at) <= CLOCKS_MAY_STRAY
            && (1..=PROOF_ID_BYTES_MAX).contains(&claims.jti.len());
        good.then_some(Proof { id: claims.jti, ends })
    }
}

/// The one algorithm that a key is for: RS384 or ES384, and no other.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let bytes = rsa.n.len() * 3 / 4;
            MODULUS_BYTES.contains(&bytes).then_some((Algorithm::RS384, KeyAlgorithm::RS384))?
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => {
            (Algorithm::ES384, KeyAlgorithm::ES384)
        }
        _ => return None,
    };
    let for_signing = key.common.public_key_use.as_ref().is_none_or(|use_| *use_ == PublicKeyUse::Signature);
    (for_signing && key.common.key_algorithm.is_none_or(|named| named == name)).then_some(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point of P-384 (the base point of the curve, SEC 2, section 2.5.1).
    const EC: &str = r#"{"kty":"EC","crv":"P-384","kid":"a","x":"qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3","y":"NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"}"#;

    fn set(keys: &[&str]) -> String {
        format!("{{\"keys\":[{}]}}", keys.join(","))
    }

    #[test]
    fn a_public_key_is_taken_and_kept() {
        let keys = KeySet::parse(&set(&[EC])).unwrap();
        assert_eq!(KeySet::stored(keys.text().to_owned()).unwrap().text(), keys.text());
    }

    #[test]
    fn what_is_no_set_of_public_keys_says_what_to_do() {
        let private = EC.replace("\"kid\"", "\"d\":\"AA\",\"kid\"");
        let other_curve = EC.replace("P-384", "P-256");
        let for_encryption = EC.replace("\"kid\"", "\"use\":\"enc\",\"kid\"");
        let wrong_name = EC.replace("\"kid\"", "\"alg\":\"ES256\",\"kid\"");
        let small = r#"{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}"#;
        let secret = r#"{"kty":"oct","kid":"s","k":"c2VjcmV0"}"#;
        for (pasted, why) in [
            (String::new(), KeysRefused::NotASet),
            ("[]".to_owned(), KeysRefused::NotASet),
            (EC.to_owned(), KeysRefused::NotASet),
            (set(&[]), KeysRefused::TooMany),
            (set(&[EC; 9]), KeysRefused::TooMany),
            (" ".repeat(10) + &"x".repeat(KEYS_BYTES_MAX + 1), KeysRefused::TooMany),
            (set(&[&private]), KeysRefused::Private),
            (set(&[secret]), KeysRefused::Private),
            (set(&[EC, EC]), KeysRefused::NoId),
            (set(&[&EC.replace("\"kid\":\"a\",", "")]), KeysRefused::NoId),
            (set(&[&other_curve]), KeysRefused::Kind),
            (set(&[&for_encryption]), KeysRefused::Kind),
            (set(&[&wrong_name]), KeysRefused::Kind),
            (set(&[small]), KeysRefused::Kind),
        ] {
            assert_eq!(KeySet::parse(&pasted).err(), Some(why), "{pasted}");
        }
    }
}
