//! Forms come from our own pages: a token in each, tied to the browser that it was given to, and the
//! browser's own word on where a request was started.
//!
//! The token is an HMAC under the browser's own secret (its session's cookie, or at the door its
//! visit's): nothing is kept, a restart breaks no form, and who cannot read the cookie cannot make one.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Entropy, PracticeId, Secret};

use crate::Origin;

/// What a form's token is tied to. A token of one kind is never good for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// To a signed-in browser.
    Session,
    /// To a browser at the door.
    Visit,
}

impl Tie {
    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Session => b"vouchsafe csrf v1 session\0",
            Self::Visit => b"vouchsafe csrf v1 visit\0",
        }
    }
}

/// The token of the forms of the browser that holds `secret`. A form that acts in a practice names it: one
/// that was opened in one practice is not taken in another, to which the person has gone in another tab.
#[must_use]
pub fn token(tie: Tie, secret: &Secret<String>, practice: Option<PracticeId>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let place = place(practice);
    URL_SAFE_NO_PAD.encode([place.as_slice(), hmac::sign(&key, &signed(tie, place)).as_ref()].concat())
}

fn place(practice: Option<PracticeId>) -> [u8; PLACE] {
    practice.map_or([0; PLACE], |practice| practice.uuid().into_bytes())
}

fn signed(tie: Tie, place: [u8; PLACE]) -> Vec<u8> {
    [tie.domain(), &place].concat()
}

/// Length of a practice's id.
const PLACE: usize = 16;

/// Whose a form's token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Of the browser that sent it, opened where it is sent.
    Ours,
    /// Of the browser that sent it, opened in another practice.
    OfAnotherPractice,
    /// Of nobody, or of another browser.
    Foreign,
}

/// Whose the token is that a form was sent with. Compares in constant time.
#[must_use]
pub fn whose(tie: Tie, secret: &Secret<String>, practice: Option<PracticeId>, sent: &str) -> Whose {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let sent = URL_SAFE_NO_PAD.decode(sent).unwrap_or_default();
    let Some((named, tag)) = sent.split_first_chunk::<PLACE>() else { return Whose::Foreign };
    match hmac::verify(&key, &signed(tie, *named), tag) {
        Err(_) => Whose::Foreign,
        Ok(()) if *named == place(practice) => Whose::Ours,
        Ok(()) => Whose::OfAnotherPractice,
    }
}

/// A secret for a browser at the door: 256 random bits.
#[must_use]
pub fn visit_secret(entropy: &Entropy) -> Secret<String> {
    Secret::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()))
}

/// A visit's secret that a cookie carried, if it looks like one of ours.
#[must_use]
pub fn visit_sent(text: &str) -> Option<Secret<String>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == 32).then(|| Secret::new(text.to_owned()))
}

/// Whether a request that may change something was started by a page of ours. Browsers say so in
/// `Sec-Fetch-Site` (since 2023 all of them) and `Origin`; whichever is there must be ours, and one must be.
#[must_use]
pub fn is_our_own(method: &Method, headers: &HeaderMap, origin: &Origin) -> bool {
    if method.is_safe() {
        return true;
    }
    let site = headers.get("sec-fetch-site").map(|site| site == "same-origin");
    let sender = headers.get(header::ORIGIN).map(|sender| sender.as_bytes() == origin.to_string().as_bytes());
    [site, sender].into_iter().flatten().reduce(|a, b| a && b).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use kernel::SystemEntropy;

    use super::*;

    fn secret() -> Secret<String> {
        visit_secret(&Entropy::from(SystemEntropy))
    }

    #[test]
    fn a_token_is_good_for_its_own_browser_and_its_own_kind_only() {
        let (mine, other) = (secret(), secret());
        let token = token(Tie::Session, &mine, None);
        let whose = |tie, secret, sent| whose(tie, secret, None, sent);
        assert_eq!(whose(Tie::Session, &mine, &token), Whose::Ours);
        assert_eq!(whose(Tie::Session, &other, &token), Whose::Foreign);
        assert_eq!(whose(Tie::Visit, &mine, &token), Whose::Foreign);
        assert_eq!(whose(Tie::Session, &mine, ""), Whose::Foreign);
        assert_eq!(whose(Tie::Session, &mine, &token[1..]), Whose::Foreign);
    }

    #[test]
    fn a_token_is_good_in_the_practice_only_in_which_it_was_given() {
        let (secret, here, there) = (secret(), PracticeId::HOUSE, PracticeId::from_uuid(uuid::Uuid::from_u128(7)));
        let sent = token(Tie::Session, &secret, Some(here));
        assert_eq!(whose(Tie::Session, &secret, Some(here), &sent), Whose::Ours);
        assert_eq!(whose(Tie::Session, &secret, Some(there), &sent), Whose::OfAnotherPractice);
        assert_eq!(whose(Tie::Session, &secret, None, &sent), Whose::OfAnotherPractice);
        let mut moved = URL_SAFE_NO_PAD.decode(&sent).unwrap();
        moved[..PLACE].copy_from_slice(there.uuid().as_bytes());
        assert_eq!(whose(Tie::Session, &secret, Some(there), &URL_SAFE_NO_PAD.encode(moved)), Whose::Foreign);
    }

    #[test]
    fn a_token_does_not_tell_the_cookie() {
        let secret = secret();
        assert_ne!(&token(Tie::Visit, &secret, None), secret.expose());
    }

    #[test]
    fn only_a_whole_secret_is_taken_for_a_visit() {
        assert!(visit_sent(secret().expose()).is_some());
        assert!(visit_sent("").is_none() && visit_sent("abc").is_none() && visit_sent("a;b").is_none());
    }

    #[test]
    fn a_change_must_have_been_started_by_a_page_of_ours() {
        let origin: Origin = "https://practice.example".parse().unwrap();
        let ours = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect();
            is_our_own(&Method::POST, &headers, &origin)
        };
        assert!(ours(&[("sec-fetch-site", "same-origin"), ("origin", "https://practice.example")]));
        assert!(ours(&[("origin", "https://practice.example")]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(!ours(&[]));
        assert!(!ours(&[("sec-fetch-site", "same-site"), ("origin", "https://practice.example")]));
        assert!(!ours(&[("sec-fetch-site", "none")]));
        assert!(!ours(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]));
        assert!(!ours(&[("origin", "null")]));
        assert!(!ours(&[("origin", "https://practice.example.evil.example")]));
        assert!(is_our_own(&Method::GET, &HeaderMap::new(), &origin));
    }
}
