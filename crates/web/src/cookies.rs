//! The cookies: three, all of the host alone (`__Host-`: set over HTTPS, for `/`, by no other host of
//! the domain), none of them readable by script.

use axum::http::{HeaderMap, HeaderValue, header};
use kernel::Secret;

/// A cookie of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// A signed-in browser. Ends with the browser, or when the session does.
    Session,
    /// A browser between the password and the second factor.
    HalfSignIn,
    /// A browser at the door, so that the forms there are tied to it.
    Visit,
}

impl Cookie {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "__Host-session",
            Self::HalfSignIn => "__Host-half",
            Self::Visit => "__Host-visit",
        }
    }

    /// `Lax` where a link in a mail must find the browser as it is: signed in, or with the sign-in
    /// page open in another tab. No GET changes anything, and no POST from elsewhere carries it.
    const fn same_site(self) -> &'static str {
        match self {
            Self::Session | Self::Visit => "Lax",
            Self::HalfSignIn => "Strict",
        }
    }

    /// The value that a browser sent.
    #[must_use]
    pub fn sent(self, headers: &HeaderMap) -> Option<&str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name()).then_some(value))
    }

    /// The header that sets it. The value is a token's text, which needs no escaping; one that does
    /// is a fault of the program and sets nothing.
    #[must_use]
    pub fn set(self, value: &Secret<String>) -> Option<HeaderValue> {
        let plain = value.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let attributes = format!("Path=/; Secure; HttpOnly; SameSite={}", self.same_site());
        let line = plain.then(|| format!("{}={}; {attributes}", self.name(), value.expose()))?;
        let mut header = HeaderValue::try_from(line).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The header that takes it away.
    #[must_use]
    pub fn clear(self) -> Option<HeaderValue> {
        let line = format!("{}=; Path=/; Secure; HttpOnly; SameSite={}; Max-Age=0", self.name(), self.same_site());
        HeaderValue::try_from(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; __Host-session=T0k_en-; x__Host-half=1"));
        assert_eq!(Cookie::Session.sent(&headers), Some("T0k_en-"));
        assert_eq!(Cookie::HalfSignIn.sent(&headers), None);
    }

    #[test]
    fn each_cookie_belongs_to_the_host_alone_and_no_script_reads_it() {
        for cookie in [Cookie::Session, Cookie::HalfSignIn, Cookie::Visit] {
            for line in [cookie.set(&Secret::new("abc".to_owned())), cookie.clear()] {
                let line = line.unwrap();
                let line = line.to_str().unwrap();
                assert!(line.starts_with("__Host-"), "{line}");
                for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite="] {
                    assert!(line.contains(attribute), "{line}");
                }
                assert!(!line.contains("Domain"), "{line}");
            }
        }
    }

    #[test]
    fn a_value_that_would_end_the_cookie_sets_none() {
        assert_eq!(Cookie::Session.set(&Secret::new("a; Domain=evil.example".to_owned())), None);
    }
}
