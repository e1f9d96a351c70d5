//! Whom a resource is about: the forms a reference has, and an index of what they may point to.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{Context, SHA256};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Head;

/// A name of a resource as 16 bytes of SHA-256: enough to tell a billion apart, small enough to
/// hold for every line of a gigabyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey([u8; 16]);

impl ResourceKey {
    /// The key of a resource by its type and id.
    #[must_use]
    pub fn of(resource_type: &str, id: &str) -> Self {
        Self::hash(&["id", resource_type, id])
    }

    /// The key of a resource by one of its identifiers.
    #[must_use]
    pub(super) fn alias(resource_type: &str, system: &str, value: &str) -> Self {
        Self::hash(&["identifier", resource_type, system, value])
    }

    /// The key of a resource by its address in a bundle (`fullUrl`).
    #[must_use]
    pub(super) fn full_url(resource_type: &str, url: &str) -> Self {
        match url.strip_prefix("urn:uuid:") {
            Some(uuid) => Self::hash(&["uuid", resource_type, &uuid.to_ascii_lowercase()]),
            None => Self::hash(&["url", resource_type, url]),
        }
    }

    fn base(base: &str) -> Self {
        Self::hash(&["base", base.trim_end_matches('/')])
    }

    /// The key as text, for making a token of.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Where [`Seen`] keeps it: its first byte.
    fn shelf(self) -> usize {
        let [first, ..] = self.0;
        usize::from(first)
    }

    fn hash(parts: &[&str]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let digest = context.finish();
        let mut key = [0; 16];
        key.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(key)
    }
}

/// A reference from one resource to another.
#[derive(Clone, PartialEq, Eq)]
pub enum Reference {
    /// `Patient/123`
    Local {
        /// The type it names.
        resource_type: String,
        /// The id.
        id: String,
    },
    /// `https://server/fhir/Patient/123`
    Absolute {
        /// The server.
        base: String,
        /// The type it names.
        resource_type: String,
        /// The id.
        id: String,
    },
    /// `urn:uuid:…`: a resource to which its bundle gives that address, or whose id is that UUID.
    Uuid(String),
    /// `Patient?identifier=system|value`, or a reference that gives only an identifier.
    Conditional {
        /// The type it names.
        resource_type: String,
        /// The identifier's system; nothing where any would do.
        system: Option<String>,
        /// The identifier's value.
        value: String,
    },
    /// `#x`: something inside the resource itself.
    Contained,
}

crate::patients::model::personal!(Reference);

impl Reference {
    /// Reads a FHIR `Reference` object. `expected` is the type where the reference does not say it.
    ///
    /// # Errors
    /// What is wrong with it, without its value.
    pub fn of(value: &Value, expected: &str) -> Result<Self, &'static str> {
        let text = |name| value.get(name).and_then(Value::as_str);
        if value.get("reference").is_some_and(|reference| !reference.is_string()) {
            return Err("must be text");
        }
        if let Some(reference) = text("reference") {
            return Self::parse(reference);
        }
        let identifier = value.get("identifier").ok_or("is missing")?;
        let part = |name| identifier.get(name).and_then(Value::as_str).map(str::to_owned);
        let value = part("value").ok_or("gives neither a reference nor an identifier with a value")?;
        let resource_type = text("type").unwrap_or(expected).to_owned();
        Ok(Self::Conditional { resource_type, system: part("system"), value })
    }

    /// Reads the text of a reference.
    ///
    /// # Errors
    /// What is wrong with it, without its value.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > 2_048 {
            return Err("is longer than 2048 bytes");
        }
        if text.starts_with('#') {
            return Ok(Self::Contained);
        }
        if let Some(uuid) = text.strip_prefix("urn:uuid:") {
            return Ok(Self::Uuid(uuid.to_ascii_lowercase()));
        }
        if let Some((resource_type, query)) = text.split_once('?') {
            return conditional(resource_type, query);
        }
        let absolute = text.starts_with("http://") || text.starts_with("https://");
        let path = text.split_once("/_history/").map_or(text, |(path, _)| path);
        let mut parts = path.rsplitn(3, '/');
        let (Some(id), Some(resource_type)) = (parts.next(), parts.next()) else {
            return Err("is not a reference: Type/id, an address, urn:uuid or Type?identifier=system|value");
        };
        let base = parts.next();
        if id.is_empty() || !is_type(resource_type) {
            return Err("does not name a type and an id");
        }
        let (resource_type, id) = (resource_type.to_owned(), id.to_owned());
        match base {
            Some(base) if absolute => Ok(Self::Absolute { base: base.to_owned(), resource_type, id }),
            None if !absolute => Ok(Self::Local { resource_type, id }),
            _ => Err("is neither a relative nor an absolute reference"),
        }
    }

    /// Whether it can point to a patient, as far as it says.
    #[must_use]
    pub fn may_be_patient(&self) -> bool {
        match self {
            Self::Local { resource_type, .. }
            | Self::Absolute { resource_type, .. }
            | Self::Conditional { resource_type, .. } => resource_type == "Patient",
            Self::Uuid(_) => true,
            Self::Contained => false,
        }
    }

    /// The type that it names.
    #[must_use]
    pub fn type_named(&self) -> Option<&str> {
        match self {
            Self::Local { resource_type, .. }
            | Self::Absolute { resource_type, .. }
            | Self::Conditional { resource_type, .. } => Some(resource_type),
            Self::Uuid(_) | Self::Contained => None,
        }
    }

    /// The key of what it points to by type and id.
    #[must_use]
    pub fn key(&self) -> Option<ResourceKey> {
        match self {
            Self::Local { resource_type, id } | Self::Absolute { resource_type, id, .. } => {
                Some(ResourceKey::of(resource_type, id))
            }
            Self::Uuid(_) | Self::Conditional { .. } | Self::Contained => None,
        }
    }

    /// The server that it names.
    pub(super) fn base(&self) -> Option<ResourceKey> {
        match self {
            Self::Absolute { base, .. } => Some(ResourceKey::base(base)),
            _ => None,
        }
    }
}

fn is_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn conditional(resource_type: &str, query: &str) -> Result<Reference, &'static str> {
    const OTHER: &str = "searches by something else than one identifier";
    if !is_type(resource_type) {
        return Err("does not name a type");
    }
    let token = query.strip_prefix("identifier=").filter(|token| !token.contains('&')).ok_or(OTHER)?;
    let token = percent_decode_str(token).decode_utf8().map_err(|_| "is not UTF-8 once its % signs are decoded")?;
    let (system, value) = match token.split_once('|') {
        Some((system, value)) => (Some(system).filter(|system| !system.is_empty()), value),
        None => (None, token.as_ref()),
    };
    if value.is_empty() {
        return Err("searches by an identifier without a value");
    }
    Ok(Reference::Conditional {
        resource_type: resource_type.to_owned(),
        system: system.map(str::to_owned),
        value: value.to_owned(),
    })
}

/// Which resources have been met, in little more than 16 bytes each: a hash table takes up to three times as much, and
/// five times while it grows.
#[derive(Debug, Default)]
pub struct Seen {
    /// By the first byte of the key, so that what is put in order at a time stays small.
    shelves: Vec<Shelf>,
    count: usize,
}

/// Keys in order, and behind them those that have come since, as they came.
#[derive(Debug, Default, Clone)]
struct Shelf {
    keys: Vec<ResourceKey>,
    in_order: usize,
}

impl Shelf {
    fn has(&self, key: ResourceKey) -> bool {
        let (in_order, since) = self.keys.split_at(self.in_order);
        in_order.binary_search(&key).is_ok() || since.contains(&key)
    }

    fn put(&mut self, key: ResourceKey) {
        if self.keys.len() == self.keys.capacity() {
            self.keys.reserve_exact(32 + self.keys.len() / 8);
        }
        self.keys.push(key);
        // So few that looking through them costs less than hashing the name did.
        if self.keys.len() - self.in_order > 32 + self.in_order / 32 {
            // Which finds what is in order already, and merges the rest into it.
            self.keys.sort();
            self.in_order = self.keys.len();
        }
    }
}

impl Seen {
    /// Notes a resource; false if one of the same type and id was noted before.
    pub fn first(&mut self, key: ResourceKey) -> bool {
        if self.shelves.is_empty() {
            self.shelves.resize_with(256, Shelf::default);
        }
        if self.has(key) {
            return false;
        }
        if let Some(shelf) = self.shelves.get_mut(key.shelf()) {
            shelf.put(key);
        }
        self.count += 1;
        true
    }

    /// Whether it was noted.
    #[must_use]
    pub fn has(&self, key: ResourceKey) -> bool {
        self.shelves.get(key.shelf()).is_some_and(|shelf| shelf.has(key))
    }

    /// How many were noted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Nothing that it could mean is in the files.
    #[error("points to nothing in these files")]
    Missing,
    /// Several resources carry the identifier.
    #[error("searches by an identifier that several resources carry")]
    Ambiguous,
    /// A search for an identifier of any system.
    #[error("searches by an identifier without a system")]
    NoSystem,
    /// Absolute references of the files name several servers: which is this one?
    #[error("is absolute, and the references of these files name more than one server")]
    SeveralServers,
    /// Of another type than it should be.
    #[error("points to a resource of another type")]
    OtherType,
}

/// What references may point to, built in a first pass over the files. About 18 bytes for a
/// resource and 60 for an identifier: a gigabyte of resources takes some tens of megabytes.
#[derive(Debug, Default)]
pub struct Index {
    seen: Seen,
    /// What stands in the files more than once.
    repeated: HashSet<ResourceKey>,
    /// Identifier to resource; `None` where several carry it.
    aliases: HashMap<ResourceKey, Option<ResourceKey>>,
    base: Option<ResourceKey>,
    several_bases: bool,
}

impl Index {
    /// Adds a resource; false if one of the same type and id was added before.
    pub fn add(&mut self, head: &Head) -> bool {
        if let Some(base) = head.base {
            self.several_bases |= self.base.is_some_and(|known| known != base);
            self.base = Some(base);
        }
        for alias in &head.aliases {
            match self.aliases.entry(*alias) {
                Entry::Vacant(vacant) => drop(vacant.insert(Some(head.key))),
                Entry::Occupied(mut taken) if *taken.get() != Some(head.key) => drop(taken.insert(None)),
                Entry::Occupied(_) => {}
            }
        }
        let first = self.seen.first(head.key);
        if !first {
            self.repeated.insert(head.key);
        }
        first
    }

    /// Whether a resource is known to stand in the files once and no second time.
    #[must_use]
    pub fn stands_once(&self, key: ResourceKey) -> bool {
        self.seen.has(key) && !self.repeated.contains(&key)
    }

    /// How many resources it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.count()
    }

    /// The resource that a reference points to, of the type that it must be.
    ///
    /// # Errors
    /// Why it leads nowhere. A conditional one may still be known to the practice.
    pub fn resolve(&self, reference: &Reference, expected: &str) -> Result<ResourceKey, Unresolved> {
        if let Some(alias) = full_url_of(reference, expected)
            && let Some(known) = self.aliases.get(&alias)
        {
            let key = known.ok_or(Unresolved::Ambiguous)?;
            let other = matches!(reference, Reference::Absolute { resource_type, .. } if resource_type != expected);
            return if other { Err(Unresolved::OtherType) } else { Ok(key) };
        }
        let key = match reference {
            Reference::Uuid(uuid) => ResourceKey::of(expected, uuid),
            Reference::Contained => return Err(Unresolved::OtherType),
            Reference::Local { resource_type, .. }
            | Reference::Absolute { resource_type, .. }
            | Reference::Conditional { resource_type, .. }
                if resource_type != expected =>
            {
                return Err(Unresolved::OtherType);
            }
            // An absolute reference is one to these files as long as all of them name one server.
            Reference::Absolute { .. } if self.several_bases => return Err(Unresolved::SeveralServers),
            Reference::Local { resource_type, id } | Reference::Absolute { resource_type, id, .. } => {
                ResourceKey::of(resource_type, id)
            }
            Reference::Conditional { system: None, .. } => return Err(Unresolved::NoSystem),
            Reference::Conditional { resource_type, system: Some(system), value } => {
                let alias = ResourceKey::alias(resource_type, system, value);
                self.aliases.get(&alias).ok_or(Unresolved::Missing)?.ok_or(Unresolved::Ambiguous)?
            }
        };
        if self.seen.has(key) { Ok(key) } else { Err(Unresolved::Missing) }
    }
}

/// The address that a bundle may have given to what a reference means.
fn full_url_of(reference: &Reference, expected: &str) -> Option<ResourceKey> {
    match reference {
        Reference::Uuid(uuid) => Some(ResourceKey::full_url(expected, &format!("urn:uuid:{uuid}"))),
        Reference::Absolute { base, resource_type, id } => {
            Some(ResourceKey::full_url(resource_type, &format!("{base}/{resource_type}/{id}")))
        }
        _ => None,
    }
}
