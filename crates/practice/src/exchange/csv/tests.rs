use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use std::sync::Arc;

use super::*;
use crate::exchange::fhir::{Report, Resource};
use crate::patients::model::DateOrder::{DayMonthYear, MonthDayYear};
use crate::patients::model::{BirthDate, Demographics, Gender};

const TODAY: Date = date(2026, 11, 22);

fn looked(bytes: &[u8]) -> Look {
    look(|| Ok(bytes), Said::default()).unwrap().unwrap_or_else(|problem| panic!("{problem}"))
}

/// What each line came to, by its number.
type Came = Vec<(u64, Result<Resource, String>)>;

fn read_by(bytes: &[u8], mapping: &Mapping) -> (Came, Report) {
    let look = looked(bytes);
    let aside = Arc::new(Aside::default());
    let rows = Rows::new(Utf8::new(bytes, look.encoding), byte(look.separator));
    let table = Table::new("people.csv", rows, Arc::new(mapping.clone()), Arc::clone(&aside), TODAY);
    let found = table.map(|line| line.unwrap());
    let found = found
        .map(|line| (line.number, line.result.map(|(_, resource)| resource).map_err(|reject| reject.to_string())))
        .collect();
    let mut report = Report::default();
    aside.report("people.csv", mapping, &mut report);
    (found, report)
}

fn patients(bytes: &[u8], change: impl FnOnce(&mut Mapping)) -> Vec<Result<Demographics, String>> {
    let mut mapping = looked(bytes).proposed();
    change(&mut mapping);
    let (found, _) = read_by(bytes, &mapping);
    found
        .into_iter()
        .filter_map(|(_, result)| match result {
            Ok(Resource::Patient(patient)) => Some(Ok(patient.demographics)),
            Ok(_) => None,
            Err(reason) => Some(Err(reason)),
        })
        .collect()
}

fn dmy(mapping: &mut Mapping) {
    mapping.dates = Some(DateOrder::DayMonthYear);
}

const GERMAN: &str = "Pat.-Nr.;Name;Vorname;Geburtsdatum;Geschlecht;Straße;PLZ;Ort;Telefon;Handy;E-Mail;Bemerkung;Kasse\r\n\
    17;Müller;Jürgen;03.04.1980;männlich;Hauptstr. 5;50667;Köln;0221 555-0143;0171 5550143;j@example.org;\"ruhig\nund nett\";AOK\r\n\
    18;Weiß;Jörg;31.12.1955;M;;;;;;;;\r\n";

#[test]
fn a_table_from_windows_becomes_patients() {
    let bytes = WINDOWS_1252.encode(GERMAN).0;
    let look = looked(&bytes);
    assert_eq!((look.encoding.name(), look.separator, look.asks_order), ("windows-1252", ';', true));
    let mapping = {
        let mut mapping = look.proposed();
        dmy(&mut mapping);
        mapping
    };
    let (found, report) = read_by(&bytes, &mapping);
    let Ok(Resource::Patient(first)) = &found[0].1 else { panic!("{:?}", found[0].1) };
    let known = &first.demographics;
    assert_eq!(known.name().unwrap().display(), "Jürgen Müller");
    assert_eq!(known.birth.unwrap().iso(), "1980-04-03");
    assert_eq!(known.gender, Some(Gender::Male));
    assert_eq!(known.addresses[0].lines(), ["Hauptstr. 5", "Köln, 50667"]);
    assert_eq!(known.contacts.len(), 3);
    assert_eq!(first.identifiers[0].value, "17");
    assert!(first.warnings.is_empty(), "{:?}", first.warnings);
    let Ok(Resource::Entry { entry, .. }) = &found[1].1 else { panic!("a note is an entry") };
    assert_eq!(entry.body.attachments[0].text.as_deref(), Some("ruhig\nund nett"));
    assert_eq!(found[1].0, found[0].0, "both are of one line");
    assert_eq!(found[2].0, 4);
    assert_eq!(report.findings.len(), 1);
    let said = report.findings[0].to_string();
    assert_eq!(said, "people.csv:1: warn: column 13 \"Kasse\" was left out: 1 cell with something in them");
}

#[test]
fn what_is_kept_without_a_field_stays_with_the_patient() {
    let keep = |mapping: &mut Mapping| {
        dmy(mapping);
        mapping.columns[12].to = Target::Field(Field::Keep);
    };
    let found = patients(GERMAN.as_bytes(), keep);
    let rest = found[0].as_ref().unwrap().rest.to_string();
    assert!(rest.contains("Kasse") && rest.contains("AOK"), "{rest}");
}

#[test]
fn dates_that_can_be_read_in_two_ways_are_asked_about() {
    let ask = |text: &str| {
        let mapping = looked(text.as_bytes()).proposed();
        survey(Rows::new(Utf8::new(text.as_bytes(), UTF_8), b','), &mapping).unwrap()
    };
    let text = |date: &str| format!("surname,dob\nNg,1990-01-02\nQuintal,{date}\n");
    assert_eq!(ask(&text("03/04/1980")), Err(MappingProblem::DateOrder { column: 2, line: 3 }));
    assert_eq!(ask(&text("22.11.1980")), Err(MappingProblem::DateOrder { column: 2, line: 3 }));
    for plain in
        ["1980-04-03", "1980/04/03", "19800403", "3 Apr 1980", "1980", "04/1980", "0000-00-00", "1980-04-03 00:00:00"]
    {
        assert_eq!(ask(&text(plain)), Ok(()), "{plain}");
    }
}

#[test]
fn a_date_is_read_in_the_order_that_was_said_and_in_no_other() {
    let born = |date: &str, order| {
        let text = format!("surname,dob\nNg,{date}\n");
        let found = patients(text.as_bytes(), |mapping| mapping.dates = order);
        found[0].as_ref().map(|known| known.birth.map(BirthDate::iso)).map_err(Clone::clone)
    };
    let iso = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(born("03/04/1980", Some(DayMonthYear)), iso("1980-04-03"));
    assert_eq!(born("03/04/1980", Some(MonthDayYear)), iso("1980-03-04"));
    assert_eq!(born("03.04.1980 00:00:00", Some(DayMonthYear)), iso("1980-04-03"));
    assert_eq!(born("1980-04-03T00:00:00", None), iso("1980-04-03"));
    assert_eq!(born("19800403", None), iso("1980-04-03"));
    assert_eq!(born("00/00/0000", Some(DayMonthYear)), Ok(None));
    let reason = |date, order| born(date, order).unwrap_err();
    assert!(reason("22/11/1980", Some(MonthDayYear)).contains("month first"));
    assert!(reason("03/04/80", Some(DayMonthYear)).contains("two digits"));
    assert!(reason("03/04/2080", Some(DayMonthYear)).contains("future"));
    assert!(reason("yesterday", Some(DayMonthYear)).starts_with("column 2 (birth date)"));
}

#[test]
fn m_beside_h_is_asked_about() {
    let text = "apellidos,sexo\nNg,H\nQuintal,M\n";
    let mut mapping = looked(text.as_bytes()).proposed();
    let ask = |mapping: &Mapping| survey(Rows::new(Utf8::new(text.as_bytes(), UTF_8), b','), mapping).unwrap();
    assert_eq!(ask(&mapping), Err(MappingProblem::Genders { column: 2 }));
    mapping.genders = [("H".to_owned(), Gender::Male), ("M".to_owned(), Gender::Female)].into();
    assert_eq!(ask(&mapping), Ok(()));
    let found = patients(text.as_bytes(), |fresh| fresh.genders = mapping.genders.clone());
    let genders: Vec<_> = found.iter().map(|known| known.as_ref().unwrap().gender).collect();
    assert_eq!(genders, [Some(Gender::Male), Some(Gender::Female)]);
}

#[test]
fn formulas_and_marks_of_direction_stay_the_text_they_are() {
    let text = "surname,first name,comments\n=cmd|' /C calc'!A0,\u{200F}לוי\u{200E},+1\n";
    let found = patients(text.as_bytes(), |_| {});
    let name = found[0].as_ref().unwrap().name().unwrap().clone();
    assert_eq!(name.family.as_deref(), Some("=cmd|' /C calc'!A0"));
    assert_eq!(name.given, ["\u{200F}לוי\u{200E}"]);
}

#[test]
fn a_row_that_does_not_fit_is_refused_and_the_next_is_read() {
    let text = "surname,first name,dob\nNg,Ana,1990-01-02,shifted\n,,1990-01-02\nRosario\nA\u{0}B,Eva,\n\n,,\n";
    let found = patients(text.as_bytes(), |_| {});
    let said: Vec<String> =
        found.into_iter().map(|row| row.map_or_else(|why| why, |known| known.name().unwrap().display())).collect();
    assert_eq!(
        said,
        [
            "line has 4 cells where there are 3 columns",
            "name is missing: there is nothing to know this patient by",
            "Rosario",
            "line contains a NUL character",
        ]
    );
}

#[test]
fn columns_may_have_the_same_name_or_none() {
    let text = "surname,phone,phone,,\nNg,082 555 0143,083 555 0144,,\n";
    let look = looked(text.as_bytes());
    let codes: Vec<String> = look.proposed().columns.iter().map(|column| column.to.code()).collect();
    assert_eq!(codes, ["family", "phone", "phone", "leave-out", "leave-out"]);
    let found = patients(text.as_bytes(), |_| {});
    assert_eq!(found[0].as_ref().unwrap().contacts.len(), 2);
}

#[test]
fn a_mapping_is_of_the_file_it_was_made_for() {
    let look = looked(GERMAN.as_bytes());
    let mapping = look.proposed();
    assert_eq!(look.fits(&mapping), Ok(()));
    let other = looked("surname,dob\nNg,1990-01-02\n".as_bytes());
    assert_eq!(other.fits(&mapping), Err(MappingProblem::Columns { mapped: 13, found: 2 }));
    let mut renamed = mapping.clone();
    renamed.columns[3].name = "Todestag".to_owned();
    assert_eq!(look.fits(&renamed), Err(MappingProblem::Name(4)));
    let mut twice = mapping.clone();
    twice.columns[11].to = Target::Field(Field::BirthDate);
    assert!(matches!(twice.check(), Err(MappingProblem::Twice { first: 4, second: 12, .. })));
    let mut nameless = mapping;
    nameless.columns.retain(|column| !matches!(column.to, Target::Field(Field::Family | Field::Given)));
    assert_eq!(nameless.check(), Err(MappingProblem::NoName));
}

#[test]
fn a_mapping_is_written_as_json_that_people_can_read() {
    let text = serde_json::to_string(&looked("surname;dob\nNg;03/04/1980\n".as_bytes()).proposed()).unwrap();
    assert_eq!(
        text,
        r#"{"encoding":"utf-8","separator":";","header":true,"columns":[{"name":"surname","to":"family"},{"name":"dob","to":"birth-date"}]}"#
    );
    assert!(serde_json::from_str::<Mapping>(&text).is_ok());
    assert!(serde_json::from_str::<Mapping>(r#"{"columns":[{"to":"shoe-size"}]}"#).is_err());
    assert!(serde_json::from_str::<Mapping>(r#"{"columns":[],"colour":1}"#).is_err());
}

fn written(rows: &[Vec<String>], separator: char, encoding: &'static Encoding, mark: bool) -> Vec<u8> {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&separator.to_string());
    let text = rows.iter().map(line).collect::<Vec<_>>().join("\r\n");
    let text = if mark { format!("\u{FEFF}{text}") } else { text };
    match encoding {
        encoding if encoding == UTF_16LE => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        encoding if encoding == UTF_16BE => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        encoding => encoding.encode(&text).0.into_owned(),
    }
}

fn read_back(bytes: &[u8], separator: char, encoding: &'static Encoding) -> Vec<Vec<String>> {
    let mut rows = Rows::new(Utf8::new(bytes, encoding), byte(separator));
    let mut found = Vec::new();
    while let Some(row) = rows.advance().unwrap() {
        let Row::Cells(cells) = row else { panic!("{row:?}") };
        found.push(cells);
    }
    found
}

proptest! {
    #[test]
    fn any_table_in_any_unicode_and_with_any_separator_reads_back_the_same(
        rows in proptest::collection::vec(proptest::collection::vec("[^\u{0}\u{FEFF}\u{FFFD}]{0,12}", 3), 1..8),
        separator in proptest::sample::select(SEPARATORS.to_vec()),
        encoding in proptest::sample::select(vec![UTF_8, UTF_16LE, UTF_16BE]),
        mark in any::<bool>(),
    ) {
        let bytes = written(&rows, separator, encoding, mark);
        prop_assert_eq!(read_back(&bytes, separator, encoding), rows);
    }

    #[test]
    fn any_table_in_windows_1252_reads_back_the_same(
        rows in proptest::collection::vec(proptest::collection::vec("[ -~\r\n\t€‚ƒ„…†‡ŠšŒœŽžŸ¡-ÿ]{0,12}", 3), 1..8),
        separator in proptest::sample::select(SEPARATORS.to_vec()),
    ) {
        let bytes = written(&rows, separator, WINDOWS_1252, false);
        prop_assert_eq!(read_back(&bytes, separator, WINDOWS_1252), rows);
    }

    #[test]
    fn whatever_the_bytes_a_look_ends_and_a_table_is_read_to_its_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        if let Ok(found) = look(|| Ok(bytes.as_slice()), Said::default()).unwrap() {
            let (lines, _) = read_by(&bytes, &found.proposed());
            prop_assert!(lines.len() <= 800);
        }
    }
}
