//! Forms come from our own pages: a token in each, tied to the browser that it was given to, and the
//! browser's own word on where a request was started.
//!
//! The token is an HMAC under the browser's own secret (its session's cookie, or at the door its
//! visit's): nothing is kept, a restart breaks no form, and who cannot read the cookie cannot make one.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Entropy, Secret};

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

/// The token of the forms of the browser that holds `secret`.
#[must_use]
pub fn token(tie: Tie, secret: &Secret<String>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, tie.domain()))
}

/// Whether a form's token is that of the browser that sent it. Compares in constant time.
#[must_use]
pub fn matches(tie: Tie, secret: &Secret<String>, sent: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    URL_SAFE_NO_PAD.decode(sent).is_ok_and(|tag| hmac::verify(&key, tie.domain(), &tag).is_ok())
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
        let token = token(Tie::Session, &mine);
        assert!(matches(Tie::Session, &mine, &token));
        assert!(!matches(Tie::Session, &other, &token));
        assert!(!matches(Tie::Visit, &mine, &token));
        assert!(!matches(Tie::Session, &mine, ""));
        assert!(!matches(Tie::Session, &mine, &token[1..]));
    }

    #[test]
    fn a_token_does_not_tell_the_cookie() {
        let secret = secret();
        assert_ne!(&token(Tie::Visit, &secret), secret.expose());
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
