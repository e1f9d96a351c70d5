//! Taking typed fields out of a JSON object. What is taken is gone from the object; what is left
//! at the end is what has no room of its own, and is kept as it is.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::Reject;
use crate::patients::model::{Moment, TextProblem, block, line};

/// Where something stands in a resource, for naming it: "Patient.name[0].family".
#[derive(Clone, Copy)]
pub(super) enum At<'p> {
    Root(&'p str),
    Field(&'p At<'p>, &'static str),
    Item(&'p At<'p>, usize),
}

impl<'p> At<'p> {
    pub(super) const fn field(&'p self, name: &'static str) -> Self {
        At::Field(self, name)
    }

    pub(super) const fn item(&'p self, at: usize) -> Self {
        At::Item(self, at)
    }

    pub(super) fn reject(&self, reason: impl Into<Cow<'static, str>>) -> Reject {
        Reject { field: self.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root(name) => f.write_str(name),
            At::Field(parent, name) => write!(f, "{parent}.{name}"),
            At::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

/// An object that is being taken apart.
pub(super) struct Object<'p> {
    map: Map<String, Value>,
    at: &'p At<'p>,
}

impl<'p> Object<'p> {
    pub(super) const fn new(map: Map<String, Value>, at: &'p At<'p>) -> Self {
        Self { map, at }
    }

    /// The object that a value is.
    pub(super) fn of(value: Value, at: &'p At<'p>) -> Result<Self, Reject> {
        match value {
            Value::Object(map) => Ok(Self { map, at }),
            _ => Err(at.reject("must be an object")),
        }
    }

    pub(super) const fn at(&self) -> &'p At<'p> {
        self.at
    }

    /// What is left.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.map
    }

    /// A look at a field that stays where it is.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Puts something back.
    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.map.insert(name.to_owned(), value);
    }

    /// A field of any type. `null`, which FHIR does not allow here, counts as absent. (Removing
    /// keeps the order of what is left.)
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name).filter(|value| !value.is_null())
    }

    fn string(&mut self, name: &'static str) -> Result<Option<String>, Reject> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.at.field(name).reject("must be text")),
        }
    }

    /// A text of one line, in NFC.
    pub(super) fn line(&mut self, name: &'static str, chars_max: usize) -> Result<Option<String>, Reject> {
        let text = self.string(name)?;
        text.map(|text| line(&text, chars_max)).transpose().map_err(|problem| refused(self.at.field(name), problem))
    }

    /// A text of any number of lines, in NFC.
    pub(super) fn block(&mut self, name: &'static str, chars_max: usize) -> Result<Option<String>, Reject> {
        let text = self.string(name)?;
        text.map(|text| block(&text, chars_max)).transpose().map_err(|problem| refused(self.at.field(name), problem))
    }

    /// A code out of a closed list.
    pub(super) fn code<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        code: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Reject> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let found = all.iter().copied().find(|value| code(*value) == text);
        found.map(Some).ok_or_else(|| {
            let codes: Vec<&str> = all.iter().map(|value| code(*value)).collect();
            self.at.field(name).reject(format!("must be one of {}", codes.join(", ")))
        })
    }

    /// True or false.
    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Reject> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.at.field(name).reject("must be true or false")),
        }
    }

    /// A whole number from 1 on.
    pub(super) fn positive(&mut self, name: &'static str) -> Result<Option<u32>, Reject> {
        let problem = || self.at.field(name).reject("must be a whole number from 1 on");
        match self.map.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
                number.ok_or_else(problem)?;
            }
        }
        Ok(self.take(name).and_then(|value| u32::try_from(value.as_u64()?).ok()))
    }

    /// A date, or a date with a time.
    pub(super) fn moment(&mut self, name: &'static str) -> Result<Option<Moment>, Reject> {
        let text = self.string(name)?;
        let moment = text.map(|text| Moment::parse(&text)).transpose();
        moment.map_err(|problem| self.at.field(name).reject(problem.to_string()))
    }

    /// An object inside this one.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Object<'_>) -> Result<T, Reject>,
    ) -> Result<Option<T>, Reject> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let at = self.at.field(name);
        read(Object::of(value, &at)?).map(Some)
    }

    /// A list of anything.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        count_max: usize,
        mut read: impl FnMut(Value, &At<'_>) -> Result<T, Reject>,
    ) -> Result<Vec<T>, Reject> {
        let at = self.at.field(name);
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() > count_max => {
                Err(at.reject(format!("has more than {count_max} items")))
            }
            Some(Value::Array(items)) => {
                items.into_iter().enumerate().map(|(index, item)| read(item, &at.item(index))).collect()
            }
            Some(_) => Err(at.reject("must be a list")),
        }
    }

    /// A list of objects.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        count_max: usize,
        mut read: impl FnMut(Object<'_>) -> Result<T, Reject>,
    ) -> Result<Vec<T>, Reject> {
        self.list(name, count_max, |item, at| read(Object::of(item, at)?))
    }

    /// A list of one-line texts. A `null`, which FHIR allows here as a place for an extension, is
    /// an empty text, so that positions stay.
    pub(super) fn lines(
        &mut self,
        name: &'static str,
        count_max: usize,
        chars_max: usize,
    ) -> Result<Vec<String>, Reject> {
        self.list(name, count_max, |item, at| match item {
            Value::Null => Ok(String::new()),
            Value::String(text) => line(&text, chars_max).map_err(|problem| refused(*at, problem)),
            _ => Err(at.reject("must be text")),
        })
    }
}

fn refused(at: At<'_>, problem: TextProblem) -> Reject {
    at.reject(problem.to_string())
}
