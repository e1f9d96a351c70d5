//! One row as a patient.

use jiff::civil::Date;

use super::guess::folded;
use super::mapping::Mapping;
use super::target::{Field, Target};
use crate::exchange::fhir::{Head, Reject, Resource, ResourceKey};
use crate::exchange::gathered::{AddressPart, Gathered, NamePart};
use crate::patients::identifiers::IdentifierKind;
use crate::patients::model::{BirthDate, ContactSystem, ContactUse, DateOrder, Gender, is_blank, line};

/// What a row gives: a patient and notes about them, or why it is not taken.
pub(super) type Found = Vec<Result<(Head, Resource), Reject>>;

/// Dates that systems write where there is none.
const NO_DATES: [&str; 5] = ["0000-00-00", "00/00/0000", "00.00.0000", "00-00-0000", "1900-01-00"];

/// Reads a row.
pub(super) fn patient(cells: &[String], mapping: &Mapping, today: Date) -> Found {
    let number = mapping.column_of(Field::RecordId).and_then(|at| cells.get(at)).map(|id| id.trim());
    let key = match number.filter(|id| !is_blank(id)) {
        Some(id) => ResourceKey::of("record", id),
        None if mapping.knows_again() => {
            let reason = "is empty: without it a second import could not know this one";
            return vec![Err(Reject { field: "record number".to_owned(), reason: reason.into() })];
        }
        None => ResourceKey::of("row", &cells.join("\u{1f}")),
    };
    let mut gathered = Gathered::new(key);
    for (at, (cell, column)) in cells.iter().zip(&mapping.columns).enumerate() {
        if is_blank(cell) {
            continue;
        }
        // A column is named by its number and by what it goes to: its own name may be anything.
        let place = format!("column {} ({})", at + 1, column.to.label().to_lowercase());
        let put = match column.to {
            Target::Identifier(kind) => gathered.identifier(kind, cell, &place),
            Target::Field(Field::Keep) => {
                let name = if is_blank(&column.name) { format!("column {}", at + 1) } else { column.name.clone() };
                gathered.keep(&name, cell, &place)
            }
            Target::Field(Field::BirthDate) => birth(&mut gathered, cell, mapping.dates, today, &place),
            Target::Field(Field::Gender) => {
                gender(&mut gathered, cell, mapping, &place);
                Ok(())
            }
            Target::Field(field) => put(&mut gathered, field, cell, &place),
        };
        if let Err(problem) = put {
            return vec![Err(problem)];
        }
    }
    gathered.finish(today)
}

fn put(gathered: &mut Gathered, field: Field, cell: &str, at: &str) -> Result<(), Reject> {
    use ContactSystem::{Email, Fax, Phone};
    match field {
        Field::LeaveOut | Field::Keep | Field::BirthDate | Field::Gender => Ok(()),
        Field::RecordId => gathered.identifier(IdentifierKind::Mrn, cell, at),
        Field::WholeName => gathered.name(NamePart::Whole, cell, at),
        Field::Family => gathered.name(NamePart::Family, cell, at),
        Field::Given => gathered.name(NamePart::Given, cell, at),
        Field::Prefix => gathered.name(NamePart::Prefix, cell, at),
        Field::Suffix => gathered.name(NamePart::Suffix, cell, at),
        Field::Preferred => gathered.name(NamePart::Preferred, cell, at),
        Field::FormerFamily => gathered.name(NamePart::Former, cell, at),
        Field::Pronouns => {
            let words = line(cell.trim(), 100)
                .map_err(|problem| Reject { field: at.to_owned(), reason: problem.to_string().into() })?;
            gathered.known().pronouns = Some(words);
            Ok(())
        }
        Field::Phone => gathered.contact(Phone, Some(ContactUse::Home), cell, at),
        Field::Mobile => gathered.contact(Phone, Some(ContactUse::Mobile), cell, at),
        Field::WorkPhone => gathered.contact(Phone, Some(ContactUse::Work), cell, at),
        Field::Fax => gathered.contact(Fax, None, cell, at),
        Field::Email => gathered.contact(Email, None, cell, at),
        Field::WholeAddress => gathered.address(AddressPart::Whole, cell, at),
        Field::Street => gathered.address(AddressPart::Line, cell, at),
        Field::City => gathered.address(AddressPart::City, cell, at),
        Field::District => gathered.address(AddressPart::District, cell, at),
        Field::State => gathered.address(AddressPart::State, cell, at),
        Field::PostalCode => gathered.address(AddressPart::PostalCode, cell, at),
        Field::Country => gathered.address(AddressPart::Country, cell, at),
        Field::Language => gathered.language(cell, at),
        Field::Alert => gathered.alert(cell, at),
        Field::Note => gathered.note(cell, at),
    }
}

/// A date without the time of day that databases write behind it.
fn day_of(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.split_once(['T', ' ']) {
        Some((day, time)) if time.contains(':') && time.starts_with(|c: char| c.is_ascii_digit()) => day,
        _ => cell,
    }
}

/// Whether somebody must say in which order a date stands: it is in figures, and the year is not first.
pub(super) fn is_ambiguous(cell: &str) -> bool {
    let day = day_of(cell);
    if is_blank(day) || NO_DATES.contains(&day) || day.chars().any(char::is_alphabetic) {
        return false;
    }
    let parts: Vec<&str> = day.split(|c: char| !c.is_numeric()).filter(|part| !part.is_empty()).collect();
    matches!(parts.as_slice(), [first, _, _] if first.chars().count() != 4)
}

fn birth(gathered: &mut Gathered, cell: &str, order: Option<DateOrder>, today: Date, at: &str) -> Result<(), Reject> {
    let day = day_of(cell);
    if NO_DATES.contains(&day) {
        gathered.warn(at, "is the sign of a system for no date: left empty");
        return Ok(());
    }
    let reject = |reason: &'static str| Reject { field: at.to_owned(), reason: reason.into() };
    // 19800403: the digits of a date, year first.
    let plain = match (day.len(), day.get(..4), day.get(4..6), day.get(6..)) {
        (8, Some(year), Some(month), Some(date)) if day.bytes().all(|b| b.is_ascii_digit()) => {
            Some(format!("{year}-{month}-{date}"))
        }
        _ => None,
    };
    let day = plain.as_deref().unwrap_or(day);
    let birth = BirthDate::typed(day, order.unwrap_or(DateOrder::YearMonthDay)).map_err(|_| {
        let short = day.split(|c: char| !c.is_ascii_digit()).all(|part| part.len() < 4);
        if short && day.chars().any(|c| c.is_ascii_digit()) {
            return reject("is a date whose year has two digits: export it with four");
        }
        reject(match order {
            Some(DateOrder::DayMonthYear) => "is no date with the day first",
            Some(DateOrder::MonthDayYear) => "is no date with the month first",
            Some(DateOrder::YearMonthDay) | None => "is no date with the year first",
        })
    })?;
    gathered.birth(birth, today, at)
}

/// The words for a gender that mean the same in every language that uses them; `H`, a man in some, is not
/// among them, since `M` is then often a woman.
const GENDERS: &[(Gender, &[&str])] = &[
    (
        Gender::Male,
        &[
            "m",
            "male",
            "man",
            "maennlich",
            "mannlich",
            "herr",
            "homme",
            "masculin",
            "masculino",
            "hombre",
            "homem",
            "maschio",
            "manlik",
            "mann",
        ],
    ),
    (
        Gender::Female,
        &[
            "f", "female", "woman", "w", "weiblich", "frau", "femme", "feminin", "femenino", "feminino", "mujer",
            "mulher", "femmina", "v", "vrouw", "vroulik",
        ],
    ),
    (
        Gender::Other,
        &["o", "other", "x", "d", "divers", "nonbinary", "nichtbinar", "anders", "autre", "otro", "outro", "altro"],
    ),
    (
        Gender::Unknown,
        &["u", "unknown", "unbekannt", "onbekend", "inconnu", "desconocido", "desconhecido", "sconosciuto"],
    ),
];

fn gender(gathered: &mut Gathered, cell: &str, mapping: &Mapping, at: &str) {
    let word = folded(cell);
    let said = mapping.genders.iter().find(|(said, _)| folded(said) == word).map(|(_, gender)| *gender);
    let known = || GENDERS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(gender, _)| *gender);
    match said.or_else(known) {
        Some(gender) => gathered.known().gender = Some(gender),
        None => gathered.warn(at, "is a word that is not known here: left empty"),
    }
}
