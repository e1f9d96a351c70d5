//! A browser: keeps cookies, says where its requests were started, sends the hidden fields of forms.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use kernel::{PracticeId, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use web::csrf::{self, Tie};

use crate::site::{Site, provider};

/// A browser.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    origin: String,
    from: IpAddr,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    #[allow(clippy::disallowed_methods, reason = "these tests are about the server's own edge")]
    pub(crate) fn new(site: &Site, from: IpAddr) -> Self {
        provider();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", from.to_string().parse().unwrap());
        let client = Client::builder()
            .use_rustls_tls()
            .tls_built_in_root_certs(false)
            .add_root_certificate(Certificate::from_der(&site.authority).unwrap())
            .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], site.address.port())))
            .user_agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .default_headers(headers)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { client, origin: site.origin(), from, cookies: Arc::default() }
    }

    /// The network it comes from.
    pub(crate) fn from(&self) -> IpAddr {
        self.from
    }

    /// A request with this browser's cookies and nothing else.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.origin));
        if line.is_empty() { request } else { request.header("cookie", line.join("; ")) }
    }

    /// Sends a request and keeps the cookies of the answer.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Page {
        self.read(request.send().await.unwrap()).await
    }

    /// The same for a request that has been built.
    pub(crate) async fn run(&self, request: reqwest::Request) -> Page {
        self.read(self.client.execute(request).await.unwrap()).await
    }

    async fn read(&self, response: Response) -> Page {
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all("set-cookie") {
            let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status, headers, body: response.text().await.unwrap() }
    }

    /// Opens an address.
    pub(crate) async fn open(&self, path: &str) -> Page {
        let request = self.ask(Method::GET, path).header("sec-fetch-site", "none");
        self.answer(request).await
    }

    /// A form on its way, as a browser sends it from a page of this site.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.ask(Method::POST, path)
            .header("origin", &self.origin)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(fields))
    }

    /// Files on their way, as a browser sends them from a form of this site: what stands before them comes first.
    pub(crate) fn files(&self, path: &str, before: &[(&str, &str)], files: &[(&str, &[u8])]) -> RequestBuilder {
        const BOUNDARY: &str = "----a-boundary-of-nobody";
        let mut body = Vec::new();
        for (name, value) in before {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        for (name, bytes) in files {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.ask(Method::POST, path)
            .header("origin", &self.origin)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(body)
    }

    /// Fills in the form of a page that posts to `path`, and sends it. What the fields leave out is sent
    /// as it stands on the page.
    pub(crate) async fn send(&self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = page.hidden(path);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        all.extend_from_slice(fields);
        self.answer(self.post(path, &all)).await
    }

    /// Opens a page, fills in its form and sends it.
    pub(crate) async fn fill(&self, at: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.open(at).await;
        assert_eq!(page.status, StatusCode::OK, "{at}: {}", page.body);
        self.send(&page, path, fields).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// The token of the forms that a signed-in browser finds in a practice (`None`: in its own account).
    pub(crate) fn token(&self, practice: Option<PracticeId>) -> String {
        let session = self.cookie("__Host-session").unwrap_or_default();
        csrf::token(Tie::Session, &Secret::new(session), practice)
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value: &HeaderValue| value.to_str().unwrap())
    }

    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.headers.contains_key(HeaderName::from_static(name))
    }

    /// Where it leads, if it leads on.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location")
    }

    /// Asserts where it leads.
    pub(crate) fn leads_to(&self, path: &str) {
        assert_eq!(self.location(), path);
    }

    /// Token and key of the first form on the page.
    pub(crate) fn guard(&self) -> (String, String) {
        let value = |name: &str| {
            let (_, after) = self.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            after.split('"').next().unwrap().to_owned()
        };
        (value("csrf"), value("once"))
    }

    /// The hidden fields of the form that posts to `path`.
    pub(crate) fn hidden(&self, path: &str) -> Vec<(String, String)> {
        let form = format!("action=\"{path}\"");
        let (_, after) = self.body.split_once(&form).unwrap_or_else(|| panic!("no form for {path}: {}", self.body));
        let form = after.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let (_, after) = tag.split_once(&format!(" {name}=\""))?;
            after.split('"').next().map(unescaped)
        };
        form.split("<input ")
            .skip(1)
            .map(|tag| format!(" {}", tag.split('>').next().unwrap()))
            .filter(|tag| tag.contains("type=\"hidden\""))
            .map(|tag| (attribute(&tag, "name").unwrap(), attribute(&tag, "value").unwrap_or_default()))
            .collect()
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"")
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    pairs.join("&")
}
