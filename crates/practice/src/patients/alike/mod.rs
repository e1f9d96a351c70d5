//! Who else somebody may be: records that say so much the same that somebody should look. Pure, but for
//! `reads`. Nothing new is kept for it: those who may be meant are found by the search tokens that are there,
//! opened and compared.

pub mod reads;

use std::collections::BTreeSet;

use seal::{TokenKind, normalise, phone_tokens};
use store::TokenSet;

use super::model::{BirthDate, ContactSystem, Demographics};
use super::rows::Patient;

/// Telephone numbers, and addresses of mail, by which a person is compared.
const CONTACTS_MAX: usize = 5;
/// Digits of a telephone number that are compared.
const PHONE_DIGITS: usize = 7;
/// From so many letters on, one letter may differ.
const TYPING_MISTAKE_CHARS_MIN: usize = 4;
/// A name is the beginning of another from so many letters on.
const SHORT_FORM_CHARS_MIN: usize = 3;

/// What of a person is compared.
#[derive(Clone, PartialEq, Default)]
pub struct Likeness {
    names: BTreeSet<String>,
    birth: Option<BirthDate>,
    phones: BTreeSet<(TokenKind, String)>,
    emails: BTreeSet<String>,
}

super::model::personal!(Likeness);

impl Likeness {
    /// Of a person.
    #[must_use]
    pub fn of(known: &Demographics) -> Self {
        let of = |systems: &[ContactSystem]| -> Vec<&str> {
            let points = known.contacts.iter().filter(|point| point.system.is_some_and(|is| systems.contains(&is)));
            points.filter_map(|point| point.value.as_deref()).take(CONTACTS_MAX).collect()
        };
        let phones = of(&[ContactSystem::Phone, ContactSystem::Sms]);
        Self {
            names: known.searchable_names().flat_map(normalise::name_words).collect(),
            birth: known.birth.filter(|birth| birth.date().is_some()),
            phones: phones.into_iter().filter_map(phone_ending).collect(),
            emails: of(&[ContactSystem::Email]).into_iter().map(normalise::email).collect(),
        }
    }

    /// The tokens of which one set must be had by whoever is alike.
    #[must_use]
    pub fn token_sets(&self) -> Vec<TokenSet> {
        let birth = self.birth.map(|birth| (TokenKind::BirthDate, birth.iso()));
        let emails = self.emails.iter().map(|email| (TokenKind::Email, email.clone()));
        birth
            .into_iter()
            .chain(self.phones.iter().cloned())
            .chain(emails)
            .map(|token| TokenSet::from([token]))
            .collect()
    }

    /// Whether two may be the same person: of birth date, name, and telephone or e-mail, two agree and the
    /// third does not say otherwise. Relatives share a number and often a name, not a birth date; twins share
    /// that too, so somebody has to look.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let same_birth = self.birth.is_some() && self.birth == other.birth;
        let born_apart = self.birth.zip(other.birth).is_some_and(|(one, other)| one != other);
        let same_name = names_alike(&self.names, &other.names);
        let reached = !self.phones.is_disjoint(&other.phones) || !self.emails.is_disjoint(&other.emails);
        match (same_birth, same_name, reached) {
            (true, true, _) | (true, _, true) => true,
            (false, true, true) => !born_apart,
            _ => false,
        }
    }

    /// As [`Likeness::is_like`], for rows.
    pub(super) fn ranks(patient: &Patient, likeness: &Self) -> Option<()> {
        likeness.is_like(&Self::of(&patient.demographics())).then_some(())
    }
}

/// The ending by which a number is the same with its country code and without: the longest of its tokens that
/// leaves both out.
fn phone_ending(number: &str) -> Option<(TokenKind, String)> {
    let endings = phone_tokens(number).into_iter().filter(|(_, ending)| ending.len() <= PHONE_DIGITS);
    endings.max_by_key(|(_, ending)| ending.len())
}

/// Whether two people are called much the same: two words of their names, or the only one.
fn names_alike(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if few.len() == 1 {
        return few.iter().all(|word| many.contains(word));
    }
    few.iter().filter(|word| many.iter().any(|name| words_alike(word, name))).count() >= 2
}

/// The same word, its beginning ("Jon", "Jonathan"), or one letter typed wrong.
fn words_alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if short.len() >= SHORT_FORM_CHARS_MIN && long.starts_with(short) {
        return true;
    }
    short.len() >= TYPING_MISTAKE_CHARS_MIN && one_letter_apart(short, long)
}

/// Whether one letter was left out, put in or changed.
fn one_letter_apart(short: &[char], long: &[char]) -> bool {
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    let (short_rest, long_rest) = (short.get(same..).unwrap_or_default(), long.get(same + 1..).unwrap_or_default());
    if short.len() == long.len() { short_rest.get(1..) == Some(long_rest) } else { short_rest == long_rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::model::{ContactPoint, HumanName};

    fn person(given: &str, family: &str, birth: &str, phone: &str, email: &str) -> Likeness {
        let point = |system, value: &str| ContactPoint {
            system: Some(system),
            value: (!value.is_empty()).then(|| value.to_owned()),
            ..ContactPoint::default()
        };
        Likeness::of(&Demographics {
            names: vec![HumanName {
                given: vec![given.to_owned()],
                family: Some(family.to_owned()),
                ..HumanName::default()
            }],
            birth: BirthDate::parse(birth).ok(),
            contacts: vec![point(ContactSystem::Phone, phone), point(ContactSystem::Email, email)],
            ..Demographics::default()
        })
    }

    #[test]
    fn two_of_three_make_somebody_alike() {
        let one = person("Thandi", "Nkosi", "1984-03-07", "082 555 0143", "t@example.org");
        let like = |given, family, birth, phone, email| one.is_like(&person(given, family, birth, phone, email));
        assert!(like("Thandi", "Nkosi", "1984-03-07", "", ""), "name and birth date");
        assert!(like("Thandiwe", "Nkosy", "1984-03-07", "", ""), "a long form and a typing mistake");
        assert!(like("Nomsa", "Dube", "1984-03-07", "+27 82 555 0143", ""), "birth date and telephone");
        assert!(like("Thandi", "Nkosi", "", "", "T@Example.org"), "name and e-mail, birth date not known");
        assert!(!like("Thandi", "Nkosi", "1984-03-08", "082 555 0143", ""), "born on another day");
        assert!(!like("Sipho", "Nkosi", "", "082 555 0143", ""), "a relative");
        assert!(!like("Sipho", "Dube", "1984-03-07", "", ""), "born on the same day and nothing else");
        assert!(!like("Thandi", "Nkosi", "", "", ""), "a name alone");
    }

    #[test]
    fn one_letter_may_be_wrong_and_not_two() {
        assert!(words_alike("meyer", "meier") && words_alike("nkosi", "nkos") && words_alike("botha", "bothma"));
        assert!(!words_alike("meyer", "maier") && !words_alike("ng", "no") && !words_alike("ann", "ana"));
        assert!(words_alike("jon", "jonathan") && !words_alike("jo", "jonathan"));
    }
}
