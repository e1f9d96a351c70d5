//! One card as a patient.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;

use super::property::Property;
use crate::exchange::fhir::{Finding, Head, Outcome, Reject, Report, Resource, ResourceKey};
use crate::exchange::gathered::{AddressPart, Gathered, NamePart, put_address};
use crate::patients::model::{Address, AddressUse, BirthDate, ContactSystem, ContactUse, DateOrder, Gender, is_blank};

/// Properties that were given no field, by name: nothing disappears unseen.
#[derive(Debug, Default)]
pub struct LeftOut {
    counts: Mutex<BTreeMap<String, u64>>,
}

impl LeftOut {
    fn note(&self, name: &str) {
        // A name of the standard or an X- name; how long one may be, nobody says.
        let name: String = name.chars().take(60).collect();
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(super) fn say(&self, file: &str, report: &mut Report) {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, count) in counts {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            let reason = format!("{name} was left out: it stands there {times}");
            report.note(Finding::plain(Outcome::Warn, file, 1, "property", &reason));
        }
    }
}

/// Says nothing of the person: how the card is made.
const SILENT: [&str; 5] = ["VERSION", "PRODID", "REV", "KIND", "SOURCE"];

pub(super) struct Card<'a> {
    pub(super) properties: &'a [Property],
    pub(super) left_out: &'a LeftOut,
}

impl Card<'_> {
    fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = &Property> + use<'_, 'n> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// Known again by its UID; without one, by all that it says.
    fn key(&self) -> ResourceKey {
        let uid = self.all("UID").map(|uid| uid.raw.trim().to_owned()).find(|uid| !uid.is_empty());
        if let Some(uid) = uid {
            return ResourceKey::of("card", &uid);
        }
        // When the card was written says nothing of the person.
        let said = self.properties.iter().filter(|property| property.name != "REV");
        let said: Vec<String> = said.map(|property| format!("{}:{}", property.name, property.raw)).collect();
        ResourceKey::of("card without a uid", &said.join("\n"))
    }

    pub(super) fn patient(&self, today: Date) -> Vec<Result<(Head, Resource), Reject>> {
        let mut gathered = Gathered::new(self.key());
        if let Err(problem) = self.fill(&mut gathered, today) {
            return vec![Err(problem)];
        }
        let found = gathered.finish(today);
        if found.first().is_some_and(Result::is_ok) {
            self.count_left_out();
        }
        found
    }

    fn count_left_out(&self) {
        const TAKEN: [&str; 14] = [
            "N", "FN", "NICKNAME", "BDAY", "GENDER", "TEL", "EMAIL", "ADR", "LANG", "NOTE", "UID", "BEGIN", "END",
            "LABEL",
        ];
        for property in self.properties {
            let known = TAKEN.contains(&property.name.as_str()) || SILENT.contains(&property.name.as_str());
            if property.is_binary() || !known && !is_blank(&property.raw) {
                self.left_out.note(&property.name);
            }
        }
    }

    fn fill(&self, gathered: &mut Gathered, today: Date) -> Result<(), Reject> {
        let group = |kind: &Property| ["group", "org", "location"].contains(&kind.raw.trim().to_lowercase().as_str());
        if self.all("KIND").any(group) {
            return Err(Reject { field: "KIND".to_owned(), reason: "says that the card is not about a person".into() });
        }
        for property in self.properties.iter().filter(|property| !property.is_binary()) {
            let at = property.name.as_str();
            match at {
                "N" => name(gathered, property)?,
                "FN" => gathered.name(NamePart::Whole, &property.text(), at)?,
                "NICKNAME" => {
                    let first = property.parts().into_iter().flatten().find(|name| !is_blank(name));
                    gathered.name(NamePart::Preferred, &first.unwrap_or_default(), at)?;
                }
                "BDAY" => birth(gathered, property, today)?,
                "GENDER" => gender(gathered, property),
                "TEL" => phone(gathered, property)?,
                "EMAIL" => {
                    let use_ = use_of(property);
                    gathered.contact(ContactSystem::Email, use_, &property.text(), at)?;
                    rank(gathered, property);
                }
                "ADR" => gathered.further_address(address(property)?),
                "LANG" => gathered.language(&property.text(), at)?,
                "NOTE" => gathered.note(&property.text(), at)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn name(gathered: &mut Gathered, property: &Property) -> Result<(), Reject> {
    // Family; given; further given; prefixes; suffixes (RFC 6350, section 6.2.2).
    let order = [NamePart::Family, NamePart::Given, NamePart::Given, NamePart::Prefix, NamePart::Suffix];
    for (part, texts) in order.into_iter().zip(property.parts()) {
        if part == NamePart::Family {
            gathered.name(part, &texts.join(" "), "N")?;
            continue;
        }
        for text in texts {
            gathered.name(part, &text, "N")?;
        }
    }
    Ok(())
}

fn birth(gathered: &mut Gathered, property: &Property, today: Date) -> Result<(), Reject> {
    let text = property.text();
    let day = text.trim().split('T').next().unwrap_or_default();
    if is_blank(day) {
        return Ok(());
    }
    if day.starts_with("--") {
        gathered.warn("BDAY", "gives no year: left empty");
        return Ok(());
    }
    // 19800403 is the form of version 4.0.
    let plain = match (day.get(..4), day.get(4..6), day.get(6..)) {
        (Some(year), Some(month), Some(date)) if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{year}-{month}-{date}")
        }
        _ => day.to_owned(),
    };
    // All versions have the year first; a day that stands first is somebody's own notation.
    let birth = BirthDate::typed(&plain, DateOrder::YearMonthDay)
        .map_err(|_| Reject { field: "BDAY".to_owned(), reason: "is no date with the year first".into() })?;
    gathered.birth(birth, today, "BDAY")
}

/// `M`, `F;grrrl`, `;it's complicated`: a letter, and the person's own words (RFC 6350, section 6.2.7).
fn gender(gathered: &mut Gathered, property: &Property) {
    let parts = property.parts();
    let word = |at: usize| parts.get(at).and_then(|part| part.first()).map(String::as_str).unwrap_or_default();
    let gender = match word(0).to_ascii_uppercase().as_str() {
        "M" => Some(Gender::Male),
        "F" => Some(Gender::Female),
        "O" | "N" => Some(Gender::Other),
        "U" => Some(Gender::Unknown),
        "" => None,
        _ => {
            gathered.warn("GENDER", "is a word that is not known here: left empty");
            None
        }
    };
    gathered.known().gender = gender;
    if !is_blank(word(1)) && gathered.keep("GENDER", word(1), "GENDER").is_err() {
        gathered.warn("GENDER", "has words that cannot be kept");
    }
}

fn use_of(property: &Property) -> Option<ContactUse> {
    if property.is("cell") {
        Some(ContactUse::Mobile)
    } else if property.is("work") {
        Some(ContactUse::Work)
    } else if property.is("home") {
        Some(ContactUse::Home)
    } else {
        None
    }
}

fn phone(gathered: &mut Gathered, property: &Property) -> Result<(), Reject> {
    let text = property.text();
    // Version 4.0 writes an address: tel:+49-221-5550143;ext=12
    let number = text.trim().strip_prefix("tel:").unwrap_or(text.trim());
    let system = match property {
        _ if property.is("fax") => ContactSystem::Fax,
        _ if property.is("pager") => ContactSystem::Pager,
        _ => ContactSystem::Phone,
    };
    gathered.contact(system, use_of(property), number, "TEL")?;
    rank(gathered, property);
    Ok(())
}

/// Gives the contact that was added last its place among the others.
fn rank(gathered: &mut Gathered, property: &Property) {
    if let (Some(rank), Some(last)) = (property.rank(), gathered.known().contacts.last_mut()) {
        last.rank = Some(rank);
    }
}

fn address(property: &Property) -> Result<Address, Reject> {
    // Box; further line; street; town; region; code; country (RFC 6350, section 6.3.1).
    let parts = property.parts();
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    let mut address = Address {
        use_: match property {
            _ if property.is("work") => Some(AddressUse::Work),
            _ if property.is("home") => Some(AddressUse::Home),
            _ => None,
        },
        ..Address::default()
    };
    let order = [
        (2, AddressPart::Line),
        (1, AddressPart::Line),
        (0, AddressPart::Line),
        (3, AddressPart::City),
        (4, AddressPart::State),
        (5, AddressPart::PostalCode),
        (6, AddressPart::Country),
    ];
    for (at, to) in order {
        put_address(&mut address, to, &part(at).join(", "), "ADR")?;
    }
    Ok(address)
}
