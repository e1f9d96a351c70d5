//! Somebody who works with an installation through its pages: keeps cookies, sends the hidden fields of forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use identity::totp::TotpSecret;
use kernel::{Clock, IdempotencyKey, SystemClock, SystemEntropy};
use reqwest::header::SET_COOKIE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder};

use crate::harness::{Place, said};

/// The password of everybody who joins, unless they choose another.
pub(crate) const PASSWORD: &str = "nine quiet herons by the weir";

/// A browser at one installation.
pub(crate) struct Visitor {
    client: Client,
    origin: String,
    cookies: Mutex<BTreeMap<String, String>>,
    /// Requests that went out and were not answered to the end.
    broken_off: AtomicU64,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it leads, if it leads on.
    pub(crate) location: String,
    pub(crate) body: String,
}

/// Somebody who has joined and is signed in.
pub(crate) struct Member {
    pub(crate) visitor: Visitor,
    /// The token of the forms of the practice.
    pub(crate) csrf: String,
    /// The token of the forms of their own account.
    pub(crate) own: String,
    /// The secret of their authenticator, as the page showed it: letters of base 32.
    pub(crate) secret: String,
    /// Their recovery codes, as printed.
    pub(crate) codes: Vec<String>,
}

/// The key of a form that was never sent.
pub(crate) fn once() -> String {
    IdempotencyKey::new(Clock::from(SystemClock).now(), &SystemEntropy.into()).to_string()
}

impl Visitor {
    #[allow(clippy::disallowed_methods, reason = "it speaks to the real program over the network")]
    pub(crate) fn of(place: &Place) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .use_rustls_tls()
            .tls_built_in_root_certs(false)
            .add_root_certificate(Certificate::from_pem(place.certificate().as_bytes()).unwrap())
            .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], place.port)))
            .redirect(Policy::none())
            .timeout(Duration::from_secs(15))
            .no_proxy()
            .build()
            .unwrap();
        Self {
            client,
            origin: format!("https://localhost:{}", place.port),
            cookies: Mutex::default(),
            broken_off: AtomicU64::default(),
        }
    }

    /// `None` when nobody answers, or the answer breaks off.
    async fn answer(&self, request: RequestBuilder) -> Option<Answer> {
        let cookies =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let response = request.header("cookie", cookies.join("; ")).send().await;
        let response = response.map_err(|error| self.note(&error)).ok()?;
        for line in response.headers().get_all(SET_COOKIE) {
            let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status().as_u16();
        let location = response.headers().get("location").map_or("", |value| value.to_str().unwrap()).to_owned();
        Some(Answer { status, location, body: response.text().await.map_err(|error| self.note(&error)).ok()? })
    }

    fn note(&self, error: &reqwest::Error) {
        if !error.is_connect() {
            self.broken_off.fetch_add(1, Relaxed);
        }
    }

    /// How many requests went out and were not answered to the end: nobody knows what became of them.
    pub(crate) fn broken_off(&self) -> u64 {
        self.broken_off.load(Relaxed)
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Answer> {
        self.answer(self.client.get(format!("{}{path}", self.origin)).header("sec-fetch-site", "none")).await
    }

    /// Asks the API as a program with a key would; with a resource, it sends it.
    pub(crate) async fn as_program(&self, key: &str, path: &str, resource: Option<(Method, String)>) -> Answer {
        let address = format!("{}{path}", self.origin);
        let request = match resource {
            None => self.client.get(address),
            Some((method, body)) => {
                self.client.request(method, address).header("content-type", "application/fhir+json").body(body)
            }
        };
        let sent = request.bearer_auth(key).send().await.unwrap();
        let status = sent.status().as_u16();
        let location = sent.headers().get("location").map_or("", |value| value.to_str().unwrap()).to_owned();
        Answer { status, location, body: sent.text().await.unwrap() }
    }

    /// Sends fields as a form of this site.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let request = self.client.post(format!("{}{path}", self.origin));
        let request = request.header("origin", &self.origin).header("sec-fetch-site", "same-origin");
        let encoded = fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
        let body = encoded.collect::<Vec<_>>().join("&");
        self.answer(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Fills in the form of a page that posts to `path`, and sends it with its hidden fields.
    pub(crate) async fn send(&self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let hidden = page.hidden(path);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        all.extend_from_slice(fields);
        self.post(path, &all).await.unwrap()
    }

    /// Opens a page, fills in its form and sends it.
    pub(crate) async fn fill(&self, at: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(at).await.unwrap();
        assert_eq!(page.status, 200, "{at}: {}", page.body);
        self.send(&page, path, fields).await
    }

    /// What the browser keeps: values of cookies.
    pub(crate) fn kept(&self) -> Vec<String> {
        self.cookies.lock().unwrap().values().cloned().collect()
    }
}

impl Answer {
    /// The hidden fields of the form that posts to `path`.
    pub(crate) fn hidden(&self, path: &str) -> Vec<(String, String)> {
        let form = self.body.split(&format!("action=\"{path}\"")).nth(1);
        let form = form.unwrap_or_else(|| panic!("no form for {path} ({}): {}", self.status, self.body));
        let attribute = |tag: &str, name: &str| {
            let (_, after) = tag.split_once(&format!(" {name}=\""))?;
            after.split('"').next().map(|text| text.replace("&#38;", "&").replace("&#34;", "\""))
        };
        let tags = form.split("</form>").next().unwrap().split("<input ").skip(1);
        tags.map(|tag| format!(" {}", tag.split('>').next().unwrap()))
            .filter(|tag| tag.contains("type=\"hidden\""))
            .map(|tag| (attribute(&tag, "name").unwrap(), attribute(&tag, "value").unwrap_or_default()))
            .collect()
    }

    /// The token of the form that posts to `path`.
    fn token_of(&self, path: &str) -> String {
        let csrf = self.hidden(path).into_iter().find(|(name, _)| name == "csrf");
        csrf.unwrap_or_else(|| panic!("{}", self.body)).1
    }

    /// The text between two marks.
    pub(crate) fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.body.split_once(before)?.1.split_once(after).map(|(text, _)| text)
    }
}

/// Founds a practice from the host's command line.
pub(crate) fn found(place: &Place, slug: &str, name: &str) {
    let zone = ["--time-zone", "Africa/Johannesburg", "--country", "ZA"];
    let founded = place.run(&[&["practice", "create", slug, "--name", name], zone.as_slice()].concat());
    assert!(founded.status.success(), "{founded:?}");
}

/// The path of an invitation's link, from the host's command line.
pub(crate) fn invited(place: &Place, slug: &str, email: &str, roles: &[&str]) -> String {
    let mut words = vec!["person", "invite", slug, email];
    words.extend(roles.iter().flat_map(|role| ["--role", role]));
    let invited = said(&place.run(&words));
    let link = invited.split_once("/invitation/").unwrap_or_else(|| panic!("no link: {invited}")).1;
    format!("/invitation/{}", link.split_whitespace().next().unwrap())
}

impl Member {
    /// Takes up an invitation: name and password, then an authenticator.
    pub(crate) async fn joins(place: &Place, link: &str, name: &str, password: &str) -> Self {
        let visitor = Visitor::of(place);
        let accepted = visitor.fill(link, link, &[("name", name), ("password", password)]).await;
        assert_eq!(accepted.location, "/sign-in/second", "{}", accepted.body);
        let set_up = visitor.get("/sign-in/second").await.unwrap();
        let secret =
            set_up.between("id=\"enrol-secret\">", "<").unwrap_or_else(|| panic!("{}", set_up.body)).to_owned();
        let entered = visitor.send(&set_up, "/sign-in/set-up", &[("code", &code(&secret))]).await;
        assert_eq!(entered.status, 200, "{}", entered.body);
        let codes = entered.body.split("<li><code>").skip(1).map(|line| line.split('<').next().unwrap().to_owned());
        let account = visitor.get("/account").await.unwrap();
        let own = account.token_of("/sign-out");
        let csrf = visitor.get("/patients/new").await.unwrap().token_of("/patients/new");
        Self { codes: codes.collect(), csrf, own, secret, visitor }
    }

    /// Sends a form of a signed-in page, under a key of its own.
    pub(crate) async fn sends(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let once = once();
        let csrf = if path.starts_with("/account/") { &self.own } else { &self.csrf };
        let guard = [("csrf", csrf.as_str()), ("once", once.as_str())];
        self.visitor.post(path, &[&guard, fields].concat()).await.unwrap()
    }
}

/// The code that an authenticator with this secret shows now.
pub(crate) fn code(secret: &str) -> String {
    let secret: TotpSecret = serde_json::from_value(base32(secret).into()).unwrap();
    secret.code_at(Clock::from(SystemClock).now())
}

/// RFC 4648, section 6, as an app reads it.
pub(crate) fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| *letter != b' ') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        held = (held << 5) | u32::try_from(value).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

/// As a browser writes a form's field.
pub(crate) fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut written, byte| {
        if byte.is_ascii_alphanumeric() {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
        written
    })
}
