//! The FHIR data types that people are made of.

use super::Reject;
use super::object::Object;
use crate::patients::model::{
    Address, AddressType, AddressUse, Coding, Concept, ContactPoint, ContactSystem, ContactUse, HumanName,
    LINE_CHARS_MAX, Language, NAME_PART_CHARS_MAX, NAME_TEXT_CHARS_MAX, NameUse, Period,
};

/// The most of anything that one patient may bring: far above what exists, low enough to page.
pub(super) const ITEMS_MAX: usize = 50;
pub(super) const IDENTIFIERS_MAX: usize = 100;
/// The longest text of an entry that is not a note.
pub(super) const WORDS_CHARS_MAX: usize = 20_000;

pub(super) fn period(mut object: Object<'_>) -> Result<Period, Reject> {
    Ok(Period { start: object.moment("start")?, end: object.moment("end")?, extra: object.rest() })
}

pub(super) fn human_name(mut object: Object<'_>) -> Result<HumanName, Reject> {
    Ok(HumanName {
        use_: object.code("use", NameUse::ALL, NameUse::code)?,
        text: object.line("text", NAME_TEXT_CHARS_MAX)?,
        family: object.line("family", NAME_PART_CHARS_MAX)?,
        given: object.lines("given", ITEMS_MAX, NAME_PART_CHARS_MAX)?,
        prefix: object.lines("prefix", ITEMS_MAX, NAME_PART_CHARS_MAX)?,
        suffix: object.lines("suffix", ITEMS_MAX, NAME_PART_CHARS_MAX)?,
        period: object.object("period", period)?,
        extra: object.rest(),
    })
}

pub(super) fn contact_point(mut object: Object<'_>) -> Result<ContactPoint, Reject> {
    Ok(ContactPoint {
        system: object.code("system", ContactSystem::ALL, ContactSystem::code)?,
        use_: object.code("use", ContactUse::ALL, ContactUse::code)?,
        value: object.line("value", LINE_CHARS_MAX)?,
        rank: object.positive("rank")?,
        period: object.object("period", period)?,
        extra: object.rest(),
    })
}

pub(super) fn address(mut object: Object<'_>) -> Result<Address, Reject> {
    Ok(Address {
        use_: object.code("use", AddressUse::ALL, AddressUse::code)?,
        type_: object.code("type", AddressType::ALL, AddressType::code)?,
        // Some systems write the whole address with its line breaks.
        text: object.block("text", NAME_TEXT_CHARS_MAX)?,
        line: object.lines("line", ITEMS_MAX, LINE_CHARS_MAX)?,
        city: object.line("city", LINE_CHARS_MAX)?,
        district: object.line("district", LINE_CHARS_MAX)?,
        state: object.line("state", LINE_CHARS_MAX)?,
        postal_code: object.line("postalCode", LINE_CHARS_MAX)?,
        country: object.line("country", LINE_CHARS_MAX)?,
        period: object.object("period", period)?,
        extra: object.rest(),
    })
}

pub(super) fn coding(mut object: Object<'_>) -> Result<Coding, Reject> {
    Ok(Coding {
        system: object.line("system", LINE_CHARS_MAX)?,
        code: object.line("code", LINE_CHARS_MAX)?,
        display: object.block("display", WORDS_CHARS_MAX)?,
        extra: object.rest(),
    })
}

pub(super) fn concept(mut object: Object<'_>) -> Result<Concept, Reject> {
    Ok(Concept {
        text: object.block("text", WORDS_CHARS_MAX)?,
        coding: object.objects("coding", ITEMS_MAX, coding)?,
        extra: object.rest(),
    })
}

pub(super) fn language(mut object: Object<'_>) -> Result<Language, Reject> {
    Ok(Language {
        language: object.object("language", concept)?.unwrap_or_default(),
        preferred: object.boolean("preferred")?,
        extra: object.rest(),
    })
}
