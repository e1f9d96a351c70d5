//! What is known of a patient, in the words of a page.

use jiff::civil::Date;
use practice::patients::model::{BirthDate, ContactPoint, ContactSystem, Moment as Told};

use crate::views::Day;
use crate::views::patient::Contact;
use crate::views::when::age;

/// A birth date, as precisely as it is known.
pub(in crate::pages) fn birth(birth: BirthDate) -> Day {
    match (birth.date(), birth.month()) {
        (Some(date), _) => Day::of(date),
        (None, Some(month)) => Day::month(birth.year(), month),
        (None, None) => Day::year(birth.year()),
    }
}

/// An age, where the day of birth is known.
pub(super) fn age_on(birth: Option<BirthDate>, today: Date) -> Option<String> {
    age(birth?.date()?, today)
}

/// A source's moment: its day, in the source's own words of time.
pub(super) fn day(told: &Told) -> Day {
    Day { iso: told.as_str().chars().take(10).collect(), text: told.date_words() }
}

/// A phone number or e-mail address, with what a telephone or a mail program makes of it.
pub(super) fn contact(point: &ContactPoint) -> Option<Contact> {
    let value = point.value.clone()?;
    let link = match point.system {
        Some(ContactSystem::Phone | ContactSystem::Sms) => {
            let dialled: String = value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            (dialled.len() >= 3).then(|| format!("tel:{dialled}"))
        }
        Some(ContactSystem::Email) => Some(format!("mailto:{value}")),
        _ => None,
    };
    let usage = point.use_.map(|usage| usage.code().to_owned()).unwrap_or_default();
    Some(Contact { value, usage, link })
}
