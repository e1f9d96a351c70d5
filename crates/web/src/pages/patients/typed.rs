//! The form of a patient: what was typed, kept, with what is to be put right.

use jiff::civil::Date;
use practice::patients::model::{DateOrder, FieldError, Gender, PatientForm as Typed};

use crate::views::patients::PatientValues;
use crate::views::{Choice, Errors};

/// What was typed, as the page shows it again.
pub(super) fn values(typed: &Typed) -> PatientValues {
    let typed = typed.clone();
    PatientValues {
        gender: Gender::ALL
            .iter()
            .map(|gender| Choice::new(gender.code(), gender.label(), gender.code() == typed.gender))
            .collect(),
        title: typed.title,
        given: typed.given,
        family: typed.family,
        preferred: typed.preferred,
        pronouns: typed.pronouns,
        birth_date: typed.birth_date,
        phone: typed.phone,
        email: typed.email,
        address: typed.address,
        city: typed.city,
        state: typed.state,
        postal_code: typed.postal_code,
        country: typed.country,
        language: typed.language,
    }
}

/// What is to be put right.
pub(super) fn errors(found: Vec<FieldError>) -> Errors {
    let mut errors = Errors::none();
    for error in found {
        errors.add(error.field, error.message);
    }
    errors
}

/// How a birth date is typed here, by example.
pub(super) fn date_example(today: Date, order: DateOrder) -> String {
    let example = practice::patients::model::BirthDate::new(1984, Some(3), Some(7));
    example.map_or_else(|_| today.to_string(), |birth| birth.to_typed(order))
}
