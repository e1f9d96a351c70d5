//! The one search box: what somebody typed, as blind tokens to look up and as a rule to check each
//! hit by. Pure.

use seal::{TokenKind, name_matches, name_query, normalise, phone_query, phone_tokens};
use store::TokenSet;

use super::model::{BirthDate, ContactSystem, DateOrder, Demographics};
use super::rows::Patient;

/// The longest text the search box takes.
pub const QUERY_CHARS_MAX: usize = 200;

/// What somebody typed into the search box, understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    names: String,
    phone: Option<(TokenKind, String)>,
    emails: Vec<String>,
    births: Vec<BirthDate>,
}

impl Query {
    /// Understands a text: an `@` makes an e-mail address, a whole date a birth date, four digits or
    /// more a phone ending, everything else a name. Several may stand together.
    #[must_use]
    pub fn parse(text: &str, order: DateOrder) -> Self {
        let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
        let text = text.trim();
        let mut query = Self::default();
        if let Some(birth) = whole_date(text, order) {
            query.births.push(birth);
            return query;
        }
        if is_phone(text) {
            query.phone = phone_query(text);
            return query;
        }
        let mut names: Vec<&str> = Vec::new();
        for part in text.split_whitespace() {
            if part.contains('@') {
                query.emails.push(normalise::email(part));
            } else if let Some(birth) = whole_date(part, order) {
                query.births.push(birth);
            } else if is_phone(part) && query.phone.is_none() {
                query.phone = phone_query(part);
            } else {
                names.push(part);
            }
        }
        query.names = names.join(" ");
        query
    }

    /// The tokens that a patient must all have.
    #[must_use]
    pub fn tokens(&self) -> TokenSet {
        let mut tokens: TokenSet = name_query(&self.names).into_iter().collect();
        tokens.extend(self.phone.clone());
        tokens.extend(self.emails.iter().map(|email| (TokenKind::Email, email.clone())));
        tokens.extend(self.births.iter().map(|birth| (TokenKind::BirthDate, birth.iso())));
        tokens
    }

    /// Whether an open patient is meant, and where they stand in the list: by name.
    #[must_use]
    pub fn rank(patient: &Patient, query: &Self) -> Option<String> {
        let known = patient.demographics();
        let names: Vec<&str> = known.searchable_names().collect();
        let called = query.names.is_empty() || name_matches(&names, &query.names);
        let reached = |system, test: &dyn Fn(&str) -> bool| {
            known.contacts.iter().any(|c| c.system == Some(system) && c.value.as_deref().is_some_and(test))
        };
        let phoned = query.phone.as_ref().is_none_or(|ending| {
            let ends = |value: &str| phone_tokens(value).contains(ending);
            reached(ContactSystem::Phone, &ends) || reached(ContactSystem::Sms, &ends)
        });
        let mailed = query.emails.iter().all(|email| reached(ContactSystem::Email, &|v| normalise::email(v) == *email));
        let born = query.births.iter().all(|birth| known.birth.is_some_and(|b| b == *birth));
        (called && phoned && mailed && born).then(|| sort_key(&known))
    }
}

/// Family name, then given names, folded: the order of a list.
#[must_use]
pub fn sort_key(known: &Demographics) -> String {
    let name = known.name().cloned().unwrap_or_default();
    let words = [name.family.unwrap_or_default(), name.given.join(" "), name.text.unwrap_or_default()];
    words.map(|part| normalise::name_words(&part).join(" ")).join("\u{1}")
}

/// The search tokens of a patient.
#[must_use]
pub fn words_of(patient: &Patient) -> TokenSet {
    let known = patient.demographics();
    let names: Vec<&str> = known.searchable_names().collect();
    let mut words = seal::name_tokens(&names);
    for contact in &known.contacts {
        let Some(value) = contact.value.as_deref() else { continue };
        match contact.system {
            Some(ContactSystem::Phone | ContactSystem::Sms) => words.extend(phone_tokens(value)),
            Some(ContactSystem::Email) => {
                words.insert((TokenKind::Email, normalise::email(value)));
            }
            _ => {}
        }
    }
    if let Some(birth) = known.birth.filter(|birth| birth.date().is_some()) {
        words.insert((TokenKind::BirthDate, birth.iso()));
    }
    words
}

fn whole_date(text: &str, order: DateOrder) -> Option<BirthDate> {
    if !text.contains(['-', '/', '.', ' ']) {
        return None;
    }
    BirthDate::typed(text, order).ok().filter(|birth| birth.date().is_some())
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 4 && text.chars().all(|c| c.is_ascii_digit() || " +()-./".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Query {
        Query::parse(text, DateOrder::DayMonthYear)
    }

    #[test]
    fn three_letters_are_a_name() {
        assert_eq!(parsed("med").names, "med");
        assert_eq!(parsed("med").tokens().len(), 1);
    }

    #[test]
    fn a_date_in_the_sites_order_is_a_birth_date() {
        assert_eq!(parsed("7/3/1984").births, [BirthDate::new(1984, Some(3), Some(7)).unwrap()]);
        assert_eq!(parsed("mokoena 1984-03-07").names, "mokoena");
        assert_eq!(parsed("mokoena 1984-03-07").births.len(), 1);
    }

    #[test]
    fn digits_are_a_phone_ending() {
        assert_eq!(parsed("082 555 0143").phone, phone_query("082 555 0143"));
        assert!(parsed("0143").phone.is_some());
        assert_eq!(parsed("12").phone, None, "two digits say nothing");
    }

    #[test]
    fn an_address_is_an_e_mail() {
        assert_eq!(parsed("Lindi@Example.org").emails, ["lindi@example.org"]);
    }

    #[test]
    fn nothing_typed_looks_for_nothing() {
        assert!(parsed("  ").tokens().is_empty());
    }
}
