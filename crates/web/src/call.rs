//! One request, from its arrival to its answer: what is known of it before any page is.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use identity::Me;
use identity::account::Greeting;
use identity::token::{ForHalfSignIn, ForSession, Token};
use ipnet::IpNet;
use kernel::{IdempotencyKey, Secret, Source};
use tokio::sync::OnceCell;

use crate::cookies::Cookie;
use crate::errors::PageError;
use crate::origin::LocalPath;
use crate::views::Guard;
use crate::{AppState, api, csrf};

/// One request. Cheap to clone; every clone is the same request.
#[derive(Clone)]
pub struct Call(Arc<Inner>);

struct Inner {
    app: AppState,
    reference: String,
    source: Source,
    method: Method,
    api: bool,
    here: LocalPath,
    back: LocalPath,
    htmx: bool,
    browser: Option<String>,
    session: Option<Token<ForSession>>,
    half: Option<Token<ForHalfSignIn>>,
    visit: OnceLock<Secret<String>>,
    came_from: LocalPath,
    me: OnceLock<Me>,
    greeting: OnceCell<Greeting>,
    set: Mutex<Vec<HeaderValue>>,
}

/// The longest name of a browser that is kept.
const BROWSER_CHARS_MAX: usize = 200;

impl Call {
    /// What a request says of itself.
    pub(crate) fn of(request: &Request, app: &AppState) -> Self {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let api = api::is_address(request.uri().path());
        let htmx = !api && text("hx-request") == Some("true");
        let here = request.uri().path_and_query().map_or("/", |path| path.as_str());
        // A fragment is fetched from a page: that page is where to come back to.
        let home = app.origin().to_string();
        let page = text("hx-current-url").and_then(|url| url.strip_prefix(&home));
        let method = request.method().clone();
        let back = match (htmx, method.is_safe()) {
            (true, _) => page.unwrap_or("/"),
            (false, true) => here,
            (false, false) => "/",
        };
        // Programs are known by what they carry themselves; a browser cannot be made to act for them.
        let cookie = |cookie: Cookie| if api { None } else { cookie.sent(headers) };
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Self(Arc::new(Inner {
            reference: format!("{:016x}", u64::from_be_bytes(app.entropy().bytes())),
            // Without a peer there was no network: a test that calls the router itself.
            source: peer.map_or(Source::Host, |peer| source(peer, headers, &app.settings.trusted_proxies)),
            method,
            api,
            here: LocalPath::or_home(here),
            back: LocalPath::or_home(back),
            htmx,
            browser: text("user-agent").map(|name| name.chars().take(BROWSER_CHARS_MAX).collect()),
            session: cookie(Cookie::Session).and_then(|text| Token::parse(text).ok()),
            half: cookie(Cookie::HalfSignIn).and_then(|text| Token::parse(text).ok()),
            visit: cookie(Cookie::Visit).and_then(csrf::visit_sent).map(OnceLock::from).unwrap_or_default(),
            came_from: LocalPath::or_home(text("referer").and_then(|url| url.strip_prefix(&home)).unwrap_or("/")),
            me: OnceLock::new(),
            greeting: OnceCell::new(),
            set: Mutex::default(),
            app: app.clone(),
        }))
    }

    /// By which a log and the person at the telephone mean the same request.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.0.reference
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// Whether a part of a page asks, and not a person who goes somewhere.
    #[must_use]
    pub fn is_htmx(&self) -> bool {
        self.0.htmx
    }

    /// Whether it is a request of the API.
    #[must_use]
    pub fn is_api(&self) -> bool {
        self.0.api
    }

    /// What the browser calls itself, cut short.
    #[must_use]
    pub fn browser(&self) -> Option<&str> {
        self.0.browser.as_deref()
    }

    /// The session's token, whether or not it is still good.
    #[must_use]
    pub fn session(&self) -> Option<&Token<ForSession>> {
        self.0.session.as_ref()
    }

    /// The half sign-in's token, whether or not it is still good.
    #[must_use]
    pub fn half(&self) -> Option<&Token<ForHalfSignIn>> {
        self.0.half.as_ref()
    }

    /// Gives the browser a cookie with the answer.
    pub fn keep(&self, cookie: Cookie, value: &Secret<String>) {
        self.set(cookie.set(value));
    }

    /// Takes a cookie away with the answer.
    pub fn forget(&self, cookie: Cookie) {
        self.set(cookie.clear());
    }

    fn set(&self, line: Option<HeaderValue>) {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner).extend(line);
    }

    pub(crate) fn cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut self.0.set.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn app(&self) -> &AppState {
        &self.0.app
    }

    pub(crate) fn method(&self) -> &Method {
        &self.0.method
    }

    /// What was asked for.
    pub(crate) fn here(&self) -> &LocalPath {
        &self.0.here
    }

    /// Where to come back to after signing in.
    pub(crate) fn back(&self) -> &LocalPath {
        &self.0.back
    }

    /// The page that led here, for a way back.
    pub(crate) fn came_from(&self) -> &LocalPath {
        &self.0.came_from
    }

    /// Who it is, if that has been read.
    pub(crate) fn known(&self) -> Option<&Me> {
        self.0.me.get()
    }

    /// Keeps who it is: a session is read once in a request.
    pub(crate) fn know(&self, me: Me) -> &Me {
        self.0.me.get_or_init(|| me)
    }

    /// Who is greeted, read once in a request.
    pub(crate) async fn greeting(&self, me: &Me) -> Result<&Greeting, PageError> {
        Ok(self.0.greeting.get_or_try_init(|| self.0.app.identity.greeting(me)).await?)
    }

    /// The visit's secret; a browser that has none yet is given one with the answer.
    pub(crate) fn visit(&self) -> &Secret<String> {
        self.0.visit.get_or_init(|| {
            let secret = csrf::visit_secret(self.0.app.entropy());
            self.keep(Cookie::Visit, &secret);
            secret
        })
    }

    /// The hidden fields of a form: its token and a fresh idempotency key.
    pub(crate) fn guard(&self, csrf: String) -> Guard {
        let once = IdempotencyKey::new(self.0.app.clock().now(), self.0.app.entropy());
        Guard { csrf, once: once.to_string() }
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or(PageError::INTERNAL)
    }
}

/// Where a request comes from: the peer, or, if that is a proxy we trust, the last address of
/// `X-Forwarded-For` that is none of ours. What stands before that anybody may have written.
fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Source {
    let ours = |address: &IpAddr| trusted.iter().any(|net| net.contains(&address.to_canonical()));
    let mut nearest = peer;
    if ours(&peer) {
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
            let Ok(address) = hop.trim().parse() else { break };
            nearest = address;
            if !ours(&address) {
                break;
            }
        }
    }
    Source::network(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        source(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_chooses_the_address_they_are_seen_at() {
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &["10.0.0.0/8"]), "203.0.113.9");
        // The proxy appends whom it saw; what came with the request stands before that.
        assert_eq!(seen("10.0.0.2", &["1.1.1.1, 203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.2", &["1.1.1.1", "203.0.113.9, 10.0.0.3"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn a_proxy_that_says_nothing_sensible_is_the_source_itself() {
        assert_eq!(seen("10.0.0.2", &[], &["10.0.0.0/8"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.2", &["unknown"], &["10.0.0.0/8"]), "10.0.0.2");
        assert_eq!(seen("::ffff:10.0.0.2", &["203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
    }
}
