//! What a form or a question mark carries: names and values, read strictly.
//!
//! Refused: bytes that are not UTF-8, NUL characters, broken percent signs' text, more fields than
//! anybody types, a field twice where one is expected, and a field that nobody reads: a page and its
//! handler that do not agree would otherwise lose what somebody typed, silently.

use std::fmt;

use percent_encoding::percent_decode;
use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use crate::limits::FIELDS_MAX;

/// Names and values in the order in which they were sent. A form with numbered rows (`phone-0`,
/// `phone-1`) takes this as it is; any other a struct with `#[derive(Deserialize)]`, in which a
/// checkbox or a list needs `#[serde(default)]`, since nothing is sent for an empty one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// What is wrong with the fields. Names of fields only, no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFields {
    /// Not UTF-8.
    #[error("a field is not UTF-8")]
    NotText,
    /// A NUL character.
    #[error("a field holds a NUL character")]
    Nul,
    /// More than [`FIELDS_MAX`].
    #[error("too many fields")]
    TooMany,
    /// One that the handler reads was not sent.
    #[error("the field {0} was not sent")]
    Missing(&'static str),
    /// One that the handler does not read.
    #[error("the field {0} is not known here")]
    Unknown(Name),
    /// Sent more than once.
    #[error("the field {0} was sent more than once")]
    Twice(Name),
    /// Not of the kind that the handler reads.
    #[error("the field {0} is not of its kind")]
    Wrong(Name),
    /// Refused by the form as a whole.
    #[error("the form does not fit")]
    Misfit,
}

/// A field's name as a log may show it: whoever made it up cannot write the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    fn of(name: &str) -> Self {
        Self(name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadFields> {
        let pieces = || bytes.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty());
        if pieces().count() > FIELDS_MAX {
            return Err(BadFields::TooMany);
        }
        pieces()
            .map(|piece| {
                let mut halves = piece.splitn(2, |byte| *byte == b'=');
                let name = decode(halves.next().unwrap_or_default())?;
                Ok((name, decode(halves.next().unwrap_or_default())?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The value of a field that is sent once; `None` if it was not sent.
    pub fn one(&self, name: &str) -> Result<Option<&str>, BadFields> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(BadFields::Twice(Name::of(name))),
        }
    }

    /// The value of a text field, empty if it was not sent.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of a field, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes a field out that is sent once.
    pub(crate) fn take(&mut self, name: &'static str) -> Result<String, BadFields> {
        let value = self.one(name)?.ok_or(BadFields::Missing(name))?.to_owned();
        self.0.retain(|(sent, _)| sent != name);
        Ok(value)
    }

    /// What the fields say. With `spare`, fields that nobody reads are let go.
    fn read<T: DeserializeOwned>(self, spare: bool) -> Result<T, BadFields> {
        let mut grouped: Vec<(String, Values)> = Vec::new();
        for (name, value) in self.0 {
            match grouped.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.sent.push(value),
                None => grouped.push((name.clone(), Values { name, sent: vec![value], spare })),
            }
        }
        T::deserialize(MapDeserializer::new(grouped.into_iter()))
    }

    /// A form: every field must be read.
    pub fn form<T: DeserializeOwned>(self) -> Result<T, BadFields> {
        self.read(false)
    }

    /// What stands behind the question mark of an address: others may have added to it.
    pub fn question<T: DeserializeOwned>(self) -> Result<T, BadFields> {
        self.read(true)
    }
}

fn decode(bytes: &[u8]) -> Result<String, BadFields> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_decode(&spaced).decode_utf8().map_err(|_| BadFields::NotText)?;
    if text.contains('\0') { Err(BadFields::Nul) } else { Ok(text.into_owned()) }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields")
            }
            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut pairs = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Vec<String>>()? {
                    pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Fields(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The values of one field.
struct Values {
    name: String,
    sent: Vec<String>,
    spare: bool,
}

impl Values {
    fn single(mut self) -> Result<String, BadFields> {
        match (self.sent.pop(), self.sent.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(BadFields::Twice(Name::of(&self.name))),
        }
    }

    fn number<T: std::str::FromStr>(self) -> Result<T, BadFields> {
        let name = Name::of(&self.name);
        self.single()?.parse().map_err(|_| BadFields::Wrong(name))
    }
}

impl IntoDeserializer<'_, BadFields> for Values {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident,)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
            visitor.$visit(self.number()?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Values {
    type Error = BadFields;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        if self.sent.len() == 1 { self.deserialize_str(visitor) } else { self.deserialize_seq(visitor) }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        let name = Name::of(&self.name);
        visitor.visit_string(self.single()?).map_err(|error| match error {
            // An id or a code that does not parse says so without a name.
            BadFields::Misfit => BadFields::Wrong(name),
            other => other,
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, BadFields> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        let Self { name, sent, spare } = self;
        visitor.visit_seq(SeqDeserializer::new(sent.into_iter().map(|value| Self {
            name: name.clone(),
            sent: vec![value],
            spare,
        })))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BadFields> {
        let name = Name::of(&self.name);
        visitor.visit_enum(self.single()?.into_deserializer()).map_err(|_: BadFields| BadFields::Wrong(name))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        let name = Name::of(&self.name);
        match self.single()?.as_str() {
            "yes" | "on" | "true" => visitor.visit_bool(true),
            "no" | "false" => visitor.visit_bool(false),
            _ => Err(BadFields::Wrong(name)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadFields> {
        if self.spare { visitor.visit_unit() } else { Err(BadFields::Unknown(Name::of(&self.name))) }
    }

    numbers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
    }
}

impl de::Error for BadFields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        // What serde says here can quote a value.
        Self::Misfit
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

#[cfg(test)]
mod tests {
    use kernel::PatientId;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Form {
        name: String,
        #[serde(default)]
        role: Vec<String>,
        #[serde(default)]
        another: bool,
        version: Option<i64>,
    }

    fn form(text: &str) -> Result<Form, BadFields> {
        Fields::parse(text.as_bytes())?.form()
    }

    #[test]
    fn a_form_is_read_with_its_lists_and_its_empty_boxes() {
        let read = form("name=Zo%C3%AB+Botha&role=owner&role=finance&version=3").unwrap();
        assert_eq!(read.name, "Zoë Botha");
        assert_eq!(read.role, ["owner", "finance"]);
        assert_eq!((read.another, read.version), (false, Some(3)));
        assert_eq!(
            form("name=&another=yes").unwrap(),
            Form { name: String::new(), role: vec![], another: true, version: None }
        );
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(form("name=%FF"), Err(BadFields::NotText));
        assert_eq!(form("name=a%00b"), Err(BadFields::Nul));
        assert_eq!(form("na%00me=a"), Err(BadFields::Nul));
    }

    #[test]
    fn a_field_that_nobody_reads_or_twice_or_never_is_refused_by_its_name() {
        assert_eq!(form("name=a&nmae=b"), Err(BadFields::Unknown(Name::of("nmae"))));
        assert_eq!(form("name=a&name=b"), Err(BadFields::Twice(Name::of("name"))));
        assert_eq!(form("role=owner"), Err(BadFields::Missing("name")));
        assert_eq!(form("name=a&version=x"), Err(BadFields::Wrong(Name::of("version"))));
    }

    #[test]
    fn an_error_shows_no_value_and_no_made_up_name_as_it_is() {
        #[derive(Debug, Deserialize)]
        struct ById {
            #[allow(dead_code, reason = "it is the parsing that is tested")]
            id: PatientId,
        }
        let error = Fields::parse(b"id=8001015009087").unwrap().form::<ById>().unwrap_err();
        assert_eq!(error.to_string(), "the field id is not of its kind");
        let error = form("name=a&x%0Aforged%20line=1").unwrap_err();
        assert_eq!(error.to_string(), "the field xforgedline is not known here");
    }

    #[test]
    fn a_question_may_carry_more_than_is_read() {
        let read: Form = Fields::parse(b"name=a&utm_source=mail").unwrap().question().unwrap();
        assert_eq!(read.name, "a");
    }

    #[test]
    fn numbered_rows_are_taken_as_they_are() {
        let fields: Fields = Fields::parse(b"phone-0=021&phone-1=&csrf=x").unwrap().form().unwrap();
        assert_eq!((fields.text("phone-0"), fields.text("phone-1"), fields.text("phone-2")), ("021", "", ""));
        assert_eq!(fields.iter().count(), 3);
    }

    #[test]
    fn more_fields_than_anybody_types_are_refused() {
        assert_eq!(Fields::parse("a=1&".repeat(FIELDS_MAX + 1).as_bytes()), Err(BadFields::TooMany));
        assert!(Fields::parse("a=1&".repeat(FIELDS_MAX).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(fields) = Fields::parse(&bytes) {
                prop_assert!(fields.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0')));
                let _ = fields.form::<Form>();
            }
        }
    }
}
