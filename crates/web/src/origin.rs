//! Where this installation is reached, and by that: what its own pages are.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The installation's own origin, `https://host` or `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
}

/// A text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: write https:// and the host name, with the port if it is not 443, and nothing after it")]
pub struct NotAnOrigin;

impl Origin {
    /// The host's name, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is this machine. Browsers remember HSTS by host name, for all ports and for
    /// all programs of a developer's machine; so it is not sent there.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare.ends_with(".localhost")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The whole address of a path on this site, for a mail.
    #[must_use]
    pub fn with(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let uri: Uri = text.parse().map_err(|_| NotAnOrigin)?;
        let authority = uri.authority().ok_or(NotAnOrigin)?;
        if uri.scheme_str() != Some("https") || authority.as_str().contains('@') || text.ends_with('/') {
            return Err(NotAnOrigin);
        }
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(NotAnOrigin);
        }
        let host = authority.host().to_ascii_lowercase();
        // As browsers write it: lower case, the scheme's own port left out.
        let text = match authority.port_u16() {
            None | Some(443) => format!("https://{host}"),
            Some(port) => format!("https://{host}:{port}"),
        };
        Ok(Self { text, host })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A path on this site to go to: begins with one `/`, has no other host, and none of the characters
/// by which browsers read an address differently from us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

/// What a path keeps when it stands in a question: `/patients/0198-…` stays readable.
const IN_QUESTION: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The longest path that is carried along.
const PATH_CHARS_MAX: usize = 600;

impl LocalPath {
    /// The path, if it is one of this site.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
        let here = text.starts_with('/') && !text.starts_with("//") && text.len() <= PATH_CHARS_MAX;
        let uri: Uri = if plain && here { text.parse().ok()? } else { return None };
        (uri.authority().is_none() && uri.scheme().is_none()).then(|| Self(text.to_owned()))
    }

    /// The path, or the first page: also where the path leads back to the door itself.
    #[must_use]
    pub fn or_home(text: &str) -> Self {
        let back_to_the_door = |path: &Self| {
            let bare = path.0.split('?').next().unwrap_or_default();
            bare == "/sign-out" || bare == "/sign-in" || bare.starts_with("/sign-in/")
        };
        Self::parse(text).filter(|path| !back_to_the_door(path)).unwrap_or_else(|| Self("/".to_owned()))
    }

    /// The address of a step that leads here in the end: `/sign-in?next=/patients`.
    #[must_use]
    pub fn after(&self, step: &str) -> String {
        if self.0 == "/" {
            step.to_owned()
        } else {
            format!("{step}?next={}", utf8_percent_encode(&self.0, &IN_QUESTION))
        }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, said) in [
            ("https://Practice.example", "https://practice.example"),
            ("https://practice.example:443", "https://practice.example"),
            ("https://localhost:8443", "https://localhost:8443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), said);
        }
    }

    #[test]
    fn an_address_with_more_than_a_host_is_no_origin() {
        for text in [
            "",
            "practice.example",
            "http://practice.example",
            "https://practice.example/",
            "https://a.example/b",
            "https://a.example?b",
            "https://a@b.example",
            "https://",
            "https://a.example#b",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |text: &str| text.parse::<Origin>().unwrap().is_local();
        assert!(local("https://localhost:8443") && local("https://127.0.0.1") && local("https://[::1]:1"));
        assert!(!local("https://practice.example") && !local("https://localhost.example"));
    }

    #[test]
    fn a_path_that_leaves_the_site_is_no_path() {
        for text in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil",
            "/a\nb",
            "/a b",
            "/\t/evil.example",
            "/ä",
            "/a#b",
            "/a\0",
        ] {
            assert_eq!(LocalPath::parse(text), None, "{text:?}");
            assert_eq!(LocalPath::or_home(text).as_str(), "/", "{text:?}");
        }
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(PATH_CHARS_MAX))), None);
    }

    #[test]
    fn a_path_of_this_site_is_kept_with_its_question() {
        for text in ["/", "/patients?q=ng", "/patients/0198-x/record?kind=note&page=2", "/a?next=//evil"] {
            assert_eq!(LocalPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn nobody_is_sent_back_to_the_door_after_signing_in() {
        for text in ["/sign-in", "/sign-in?next=/", "/sign-in/second", "/sign-out"] {
            assert_eq!(LocalPath::or_home(text).as_str(), "/");
        }
        assert_eq!(LocalPath::or_home("/sign-inside").as_str(), "/sign-inside");
    }
}
