//! JSON that cannot mislead: no field twice in one object, no NUL in a text, at most 64 levels, at
//! most a million values. `serde_json` alone would silently let the last of two fields win.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};

use super::Reject;

/// How deep objects and lists may lie in one another.
pub(super) const DEPTH_MAX: usize = 64;
/// How many values one line may hold: a line of 16 MiB could otherwise unfold to a gigabyte.
pub(super) const VALUES_MAX: usize = 1_000_000;

/// Reads one line as a JSON object.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, Reject> {
    let state = State { values: Cell::new(0), fault: RefCell::new(None) };
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = Part { state: &state, place: Place::Root, depth: 0 }
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    match parsed {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Reject::line("is not a JSON object")),
        Err(error) => Err(state.fault.take().unwrap_or_else(|| describe(&error))),
    }
}

/// The error in our words: those of `serde_json` may repeat what stands in the line.
fn describe(error: &serde_json::Error) -> Reject {
    match error.classify() {
        Category::Eof => Reject::line("ends before its JSON is complete: the file was cut short here"),
        _ => Reject::line(format!("is not JSON (byte {})", error.column())),
    }
}

struct State {
    values: Cell<usize>,
    fault: RefCell<Option<Reject>>,
}

/// Where the parser is: a list from the leaf to the root, on the stack.
#[derive(Clone, Copy)]
enum Place<'p> {
    Root,
    Field(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
            Self::Field(parent, name) => {
                let dot = if matches!(parent, Place::Root) { "" } else { "." };
                // A field that FHIR cannot have may be somebody's name: it is not repeated.
                let known = name.len() <= 40
                    && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                write!(f, "{parent}{dot}{}", if known { name } else { "?" })
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Part<'p> {
    state: &'p State,
    place: Place<'p>,
    depth: usize,
}

impl Part<'_> {
    fn fault<E: serde::de::Error>(&self, reason: &'static str) -> E {
        let path = self.place.to_string();
        let field = if path.is_empty() { "line".to_owned() } else { path };
        self.state.fault.replace(Some(Reject { field, reason: reason.into() }));
        E::custom("refused")
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(self.fault("contains a NUL character")) } else { Ok(()) }
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < DEPTH_MAX {
            Ok(self.depth + 1)
        } else {
            self.state.fault.replace(Some(Reject::line("is nested deeper than 64 levels")));
            Err(E::custom("refused"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let values = self.state.values.get() + 1;
        self.state.values.set(values);
        if values > VALUES_MAX {
            self.state.fault.replace(Some(Reject::line("holds more than a million values")));
            return Err(D::Error::custom("refused"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) =
            items.next_element_seed(Part { place: Place::Item(&self.place, list.len()), depth, ..self })?
        {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let part = Part { place: Place::Field(&self.place, &name), depth, ..self };
            part.text(&name)?;
            if map.contains_key(&name) {
                return Err(part.fault("appears twice in one object"));
            }
            let value = fields.next_value_seed(part)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}
