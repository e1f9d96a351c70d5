//! The headers of every answer, whatever it is: pages, faults, files.

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use crate::Origin;

/// What a page may load and where it may send: this site's own files and forms, nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Devices that no page of ours asks for, nor any that could be put into one.
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), \
    gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()";

const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: that would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A year, the host itself: a practice may have other hosts under its name that are not ours.
const HSTS: &str = "max-age=31536000";

/// Adds what every answer carries.
pub fn secure(headers: &mut HeaderMap, origin: &Origin) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !origin.is_local() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    // Whoever may be kept says so itself: the files whose address carries their hash.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        secure(&mut headers, &origin.parse().unwrap());
        headers
    }

    #[test]
    fn a_host_of_its_own_is_remembered_as_https_and_this_machine_is_not() {
        assert_eq!(of("https://practice.example")[header::STRICT_TRANSPORT_SECURITY], HSTS);
        assert!(!of("https://localhost:8443").contains_key(header::STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn nothing_is_kept_unless_it_says_so() {
        assert_eq!(of("https://localhost")[header::CACHE_CONTROL], "no-store");
        let mut headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("immutable"))]);
        secure(&mut headers, &"https://localhost".parse().unwrap());
        assert_eq!(headers[header::CACHE_CONTROL], "immutable");
    }

    #[test]
    fn the_policy_has_no_exception_for_inline_or_evaluated_script() {
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
        assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none'"));
    }
}
