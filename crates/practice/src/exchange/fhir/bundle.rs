//! Reading a FHIR R4 Bundle: a file of one JSON object with its resources in `entry`. Entries are cut
//! out of the stream one after the other, so a bundle may be of any size; one entry may have as many
//! bytes as a line of NDJSON ([`LINE_BYTES_MAX`]). A file that is one resource and no bundle is read too.
//!
//! What a bundle says of itself (total, links, signature) is not kept: it speaks of the transport.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use super::cutter::{Cut, Cutter, Next, Stop};
use super::{Head, LINE_BYTES_MAX, Line, Named, Reject, Resource, read_named};

/// Bundles that carry resources of their own. The others answer to what was sent, or are messages to a
/// program.
const KINDS: [&str; 5] = ["collection", "transaction", "batch", "document", "searchset"];

/// A file of JSON, read one resource after the other. Memory: one entry.
pub struct JsonFile<R> {
    file: Arc<str>,
    today: Date,
    cutter: Cutter<R>,
    /// Entries begun.
    number: u64,
    state: State,
}

enum State {
    /// Nothing is taken of it, for this reason.
    Refused(Reject),
    /// One resource, no bundle.
    Single,
    /// Before the first member of the bundle.
    Start,
    /// Among the members of the bundle.
    Members {
        first: bool,
    },
    /// Among the entries.
    Entries {
        first: bool,
    },
    Done,
}

impl<R: BufRead> JsonFile<R> {
    /// A reader at the start of a file, which is opened twice: `look` is for finding out what kind of file
    /// it is, since that may stand behind the entries.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(file: &str, look: R, input: R, today: Date) -> io::Result<Self> {
        let state = match kind(look) {
            Ok(state) => state,
            Err(Stop::Io(error)) => return Err(error),
            Err(stop) => State::Refused(refusal(&stop)),
        };
        Ok(Self { file: file.into(), today, cutter: Cutter::new(input), number: 0, state })
    }

    fn line(&self, result: Result<(Head, Resource), Reject>) -> Line {
        Line { file: Arc::clone(&self.file), number: self.number.max(1), end: self.cutter.taken(), result }
    }

    fn advance(&mut self) -> Result<Option<Line>, Stop> {
        loop {
            match &self.state {
                State::Done => return Ok(None),
                State::Refused(reject) => {
                    let line = self.line(Err(reject.clone()));
                    self.state = State::Done;
                    return Ok(Some(line));
                }
                State::Single => {
                    self.state = State::Done;
                    self.cutter.mark()?;
                    let result = match self.cutter.value(LINE_BYTES_MAX)? {
                        Cut::Whole(bytes) => read_named(&bytes, Named::default(), self.today),
                        Cut::TooLong => Err(Reject::line("is longer than 16 MiB")),
                    };
                    self.cutter.end()?;
                    return Ok(Some(self.line(result)));
                }
                State::Start => {
                    self.cutter.mark()?;
                    self.cutter.take(b'{')?;
                    self.state = State::Members { first: true };
                }
                State::Members { first } => {
                    if self.cutter.member(b'}', *first)? == Next::End {
                        self.state = State::Done;
                        self.cutter.end()?;
                        return Ok(None);
                    }
                    self.state = State::Members { first: false };
                    if self.cutter.name()? == "entry" && self.cutter.comes(b'[')? {
                        self.cutter.take(b'[')?;
                        self.state = State::Entries { first: true };
                    } else {
                        self.cutter.pass()?;
                    }
                }
                State::Entries { first } => {
                    if self.cutter.member(b']', *first)? == Next::End {
                        self.state = State::Members { first: false };
                        continue;
                    }
                    self.state = State::Entries { first: false };
                    self.number += 1;
                    let result = match self.cutter.value(LINE_BYTES_MAX)? {
                        Cut::Whole(bytes) => entry(&bytes, self.today),
                        Cut::TooLong => Err(Reject::line("is longer than 16 MiB")),
                    };
                    return Ok(Some(self.line(result)));
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for JsonFile<R> {
    type Item = io::Result<Line>;

    /// The next resource. Where the file is cut short or stops being JSON, one reject says so and nothing
    /// follows; a line's number is that of the entry in the bundle, from 1.
    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Ok(line) => line.map(Ok),
            Err(stop) => {
                self.state = State::Done;
                if let Stop::Io(error) = stop {
                    return Some(Err(error));
                }
                self.number += 1;
                Some(Ok(self.line(Err(refusal(&stop)))))
            }
        }
    }
}

fn refusal(stop: &Stop) -> Reject {
    Reject::line(match stop {
        Stop::Short => "ends before its JSON is complete: the file was cut short here",
        Stop::Shape | Stop::Io(_) => "is not JSON from here on",
    })
}

/// What kind of file it is. Stops as soon as that is known.
fn kind<R: BufRead>(look: R) -> Result<State, Stop> {
    let mut cutter = Cutter::new(look);
    cutter.mark()?;
    cutter.take(b'{')?;
    let (mut resource_type, mut bundle_type) = (None, None);
    let mut first = true;
    while cutter.member(b'}', first)? == Next::Value {
        first = false;
        match cutter.name()?.as_str() {
            "resourceType" => resource_type = Some(word(&mut cutter)?),
            "type" => bundle_type = Some(word(&mut cutter)?),
            _ => cutter.pass()?,
        }
        let is_bundle = resource_type.as_deref().map(|name| name == "Bundle");
        if is_bundle == Some(false) || (is_bundle == Some(true) && bundle_type.is_some()) {
            break;
        }
    }
    let refused = |field: &str, reason: Cow<'static, str>| State::Refused(Reject { field: field.to_owned(), reason });
    Ok(match (resource_type.as_deref(), bundle_type.as_deref()) {
        (None, _) => refused("resourceType", "is missing: this is not a FHIR resource".into()),
        (Some("Bundle"), Some(known)) if KINDS.contains(&known) => State::Start,
        (Some("Bundle"), _) => refused("Bundle.type", format!("must be one of {}", KINDS.join(", ")).into()),
        (Some(_), _) => State::Single,
    })
}

/// A short text; empty if it is none.
fn word<R: BufRead>(cutter: &mut Cutter<R>) -> Result<String, Stop> {
    Ok(match cutter.value(256)? {
        Cut::Whole(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Cut::TooLong => String::new(),
    })
}

/// The parts of an entry that matter here.
#[derive(Default)]
struct Entry {
    full_url: Option<Vec<u8>>,
    resource: Option<Vec<u8>>,
    request: Option<Vec<u8>>,
}

/// Reads one entry: the resource in it, byte for byte, under the name that the bundle gives it.
fn entry(bytes: &[u8], today: Date) -> Result<(Head, Resource), Reject> {
    let at =
        |field: &str, reason: &'static str| Reject { field: format!("Bundle.entry{field}"), reason: reason.into() };
    let parts = parts(bytes).map_err(|problem| problem.unwrap_or_else(|| at("", "is not a JSON object")))?;
    let request: Option<Value> = parts.request.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let method = request.as_ref().and_then(|request| request.get("method")).and_then(Value::as_str);
    if !matches!(method, None | Some("POST" | "PUT")) {
        return Err(at(".request.method", "asks for something else than to add a resource: it was left alone"));
    }
    let resource = parts.resource.ok_or_else(|| at(".resource", "is missing"))?;
    let full_url: Option<String> = match parts.full_url {
        None => None,
        Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|_| at(".fullUrl", "must be text"))?),
    };
    read_named(&resource, Named::by_url(full_url), today)
}

/// Takes an entry apart. `Err(None)`: it is no JSON object.
fn parts(bytes: &[u8]) -> Result<Entry, Option<Reject>> {
    let shape = |_: Stop| None;
    let mut cutter = Cutter::new(bytes);
    let mut parts = Entry::default();
    cutter.take(b'{').map_err(shape)?;
    let mut first = true;
    while cutter.member(b'}', first).map_err(shape)? == Next::Value {
        first = false;
        let name = cutter.name().map_err(shape)?;
        let Cut::Whole(value) = cutter.value(usize::MAX).map_err(shape)? else { return Err(None) };
        let place = match name.as_str() {
            "fullUrl" => &mut parts.full_url,
            "resource" => &mut parts.resource,
            "request" => &mut parts.request,
            _ => continue,
        };
        if place.replace(value).is_some() {
            let reason = "appears twice in one object".into();
            return Err(Some(Reject { field: format!("Bundle.entry.{name}"), reason }));
        }
    }
    Ok(parts)
}
