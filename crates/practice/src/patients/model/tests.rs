use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const TODAY: Date = date(2026, 11, 22);

fn name(family: &str, given: &[&str]) -> HumanName {
    HumanName {
        family: Some(family.to_owned()),
        given: given.iter().map(|given| (*given).to_owned()).collect(),
        ..HumanName::default()
    }
}

#[test]
fn a_name_is_shown_as_the_person_writes_it() {
    let plain =
        HumanName { prefix: vec!["Dr".into()], suffix: vec!["PhD".into()], ..name("Naidoo", &["Asha", "Devi"]) };
    assert_eq!(plain.display(), "Dr Asha Devi Naidoo PhD");
    assert_eq!(name("王", &["小明"]).display(), "王小明");
    assert_eq!(name("김", &["민준"]).display(), "김민준");
    assert_eq!(name("やまだ", &["たろう"]).display(), "やまだたろう");
    assert_eq!(name("عبد الله", &["محمد"]).display(), "محمد عبد الله");
    assert_eq!(name("शर्मा", &["राम"]).display(), "राम शर्मा");
    assert_eq!(name("Wang", &["小明"]).display(), "小明 Wang");
    assert_eq!(name("Smith", &["", "Jo"]).display(), "Jo Smith");
    let text = HumanName { text: Some("Björk Guðmundsdóttir".into()), ..name("Guðmundsdóttir", &["Björk"]) };
    assert_eq!(text.display(), "Björk Guðmundsdóttir");
    assert_eq!(HumanName::default().display(), "");
}

#[test]
fn a_name_cannot_turn_what_stands_around_it() {
    assert_eq!(isolated("Asha"), "\u{2068}Asha\u{2069}");
    // An end of isolate that closes nothing would end ours; an opened one is closed.
    assert_eq!(isolated("a\u{2069}b"), "\u{2068}ab\u{2069}");
    assert_eq!(isolated("\u{2067}a"), "\u{2068}\u{2067}a\u{2069}\u{2069}");
    // Overrides and marks stay as typed: they end with the isolate.
    assert_eq!(isolated("\u{202E}abc\u{200F}"), "\u{2068}\u{202E}abc\u{200F}\u{2069}");
    assert_eq!(name("Levi\u{200F}", &["דוד"]).to_string(), "\u{2068}דוד Levi\u{200F}\u{2069}");
}

#[test]
fn names_are_stored_as_fhir_writes_them_with_nothing_lost() {
    let source = json!({
        "use": "official", "family": "Ng", "given": ["Wei", "Ming"],
        "period": {"start": "2001"}, "extension": [{"url": "x", "valueDecimal": 1.5}], "_family": {"id": "a"},
    });
    let read: HumanName = serde_json::from_value(source.clone()).unwrap();
    assert_eq!(read.use_, Some(NameUse::Official));
    assert_eq!(serde_json::to_value(&read).unwrap(), source);
}

#[test]
fn the_heading_name_is_the_official_one_and_the_preferred_name_stands_beside_it() {
    let used = |use_, family: &str| HumanName { use_: Some(use_), ..name(family, &["Asha"]) };
    let call = HumanName { use_: Some(NameUse::Usual), given: vec!["Ash".into()], ..HumanName::default() };
    let patient = Demographics {
        names: vec![used(NameUse::Maiden, "Pillay"), call, used(NameUse::Official, "Naidoo")],
        ..Demographics::default()
    };
    assert_eq!(patient.name().unwrap().display(), "Asha Naidoo");
    assert_eq!(patient.preferred_name().unwrap().display(), "Ash");
    assert_eq!(patient.searchable_names().collect::<Vec<_>>(), ["Pillay", "Asha", "Ash", "Naidoo", "Asha"]);
    let only = Demographics { names: vec![used(NameUse::Maiden, "Pillay")], ..Demographics::default() };
    assert_eq!(only.name().unwrap().display(), "Asha Pillay");
    assert!(only.preferred_name().is_none());
}

#[test]
fn a_birth_date_is_as_precise_as_it_is_known() {
    for text in ["1980", "1980-11", "1980-11-22", "0001-01-01", "9999-12-31", "2000-02-29"] {
        assert_eq!(BirthDate::parse(text).unwrap().iso(), text);
        let stored = serde_json::to_value(BirthDate::parse(text).unwrap()).unwrap();
        assert_eq!(stored, json!(text));
    }
    for (text, problem) in [
        ("0000", TimeProblem::Year),
        ("0000-01-01", TimeProblem::Year),
        ("1980-13", TimeProblem::Month),
        ("1980-00", TimeProblem::Month),
        ("1900-02-29", TimeProblem::Day),
        ("1980-04-31", TimeProblem::Day),
        ("10000-01-01", TimeProblem::Shape),
        ("80", TimeProblem::Shape),
        ("1980-1-2", TimeProblem::Shape),
        ("1980-11-22T00:00:00Z", TimeProblem::Shape),
        ("-980", TimeProblem::Shape),
        ("１９８０", TimeProblem::Shape),
        ("", TimeProblem::Shape),
    ] {
        assert_eq!(BirthDate::parse(text), Err(problem), "{text}");
    }
    assert!(BirthDate::parse("9999-12-31").unwrap().is_after(TODAY));
    assert!(!BirthDate::parse("2026").unwrap().is_after(TODAY));
    assert!(BirthDate::parse("2026-12").unwrap().is_after(TODAY));
}

#[test]
fn an_age_is_said_as_clinicians_say_it() {
    let said = |birth: &str, on: Date| BirthDate::parse(birth).unwrap().age(on).map(|age| age.to_string());
    assert_eq!(said("2026-11-22", TODAY).unwrap(), "0 days");
    assert_eq!(said("2026-11-21", TODAY).unwrap(), "1 day");
    assert_eq!(said("2026-10-25", TODAY).unwrap(), "4 weeks");
    assert_eq!(said("2026-08-22", TODAY).unwrap(), "3 months");
    assert_eq!(said("2024-11-23", TODAY).unwrap(), "23 months");
    assert_eq!(said("2024-11-22", TODAY).unwrap(), "2 years");
    assert_eq!(said("1980-11-23", TODAY).unwrap(), "45 years");
    assert_eq!(said("1980", TODAY).unwrap(), "about 46 years");
    assert_eq!(said("2000-02-29", date(2026, 2, 28)).unwrap(), "25 years");
    assert_eq!(said("2000-02-29", date(2026, 3, 1)).unwrap(), "26 years");
    assert_eq!(said("2026-11-23", TODAY), None);
    assert_eq!(said("0001-01-01", date(9999, 12, 31)).unwrap(), "9998 years");
}

#[test]
fn birth_dates_agree_as_far_as_both_are_known() {
    let agree = |a, b| BirthDate::parse(a).unwrap().agrees_with(BirthDate::parse(b).unwrap());
    assert!(agree("1980", "1980-11-22") && agree("1980-11", "1980-11-22") && agree("1980-11-22", "1980-11-22"));
    assert!(!agree("1980", "1981") && !agree("1980-10", "1980-11-22") && !agree("1980-11-22", "1980-11-23"));
}

#[test]
fn a_typed_date_is_read_in_the_order_of_the_site() {
    let read = |text, order| BirthDate::typed(text, order).map(BirthDate::iso);
    for text in
        ["22/11/1980", "22.11.1980", "22 11 1980", "22 Nov 1980", "22 november 1980", "Nov 22, 1980", "1980-11-22"]
    {
        assert_eq!(read(text, DateOrder::DayMonthYear).unwrap(), "1980-11-22", "{text}");
    }
    assert_eq!(read("11/22/1980", DateOrder::MonthDayYear).unwrap(), "1980-11-22");
    assert_eq!(read("1980/11/22", DateOrder::YearMonthDay).unwrap(), "1980-11-22");
    assert_eq!(read("11/1980", DateOrder::DayMonthYear).unwrap(), "1980-11");
    assert_eq!(read("1980", DateOrder::DayMonthYear).unwrap(), "1980");
    assert_eq!(read("\u{200F}22/11/1980", DateOrder::DayMonthYear).unwrap(), "1980-11-22");
    assert_eq!(read("٢٢/١١/١٩٨٠", DateOrder::DayMonthYear).unwrap(), "1980-11-22");
    for (text, words) in [
        ("22/11/80", "Enter the year of birth with four digits"),
        ("31/02/1980", "Enter a day that exists in that month"),
        ("11/22/1980", "Enter a month from 1 to 12"),
        ("1/1/0000", "Enter a year of birth from 0001 on: there is no year 0"),
        ("yesterday", "Enter the birth date as in 22/11/1980, or only the year if no more is known"),
        ("1/2/3/4", "Enter the birth date as in 22/11/1980, or only the year if no more is known"),
        ("22/Nov/Dec", "Enter the birth date as in 22/11/1980, or only the year if no more is known"),
    ] {
        assert_eq!(read(text, DateOrder::DayMonthYear), Err(words), "{text}");
    }
    for order in DateOrder::ALL {
        for text in ["1980-11-22", "1980-11", "1980", "0007-01-02"] {
            let date = BirthDate::parse(text).unwrap();
            assert_eq!(BirthDate::typed(&date.to_typed(*order), *order), Ok(date));
        }
    }
}

#[test]
fn a_moment_keeps_its_words_its_precision_and_its_offset() {
    for (text, at, shown) in [
        ("1987-11-19T00:22:16.824-05:00", "1987-11-19T05:22:16.824Z", "19 Nov 1987, 00:22 (UTC-05:00)"),
        ("2015-02-07T13:28:17Z", "2015-02-07T13:28:17Z", "7 Feb 2015, 13:28 (UTC)"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", "31 Dec 2016, 23:59 (UTC)"),
        ("2015-02", "2015-02-01T00:00:00Z", "Feb 2015"),
        ("2015", "2015-01-01T00:00:00Z", "2015"),
        ("2015-02-07T13:28", "2015-02-07T13:28:00Z", "7 Feb 2015, 13:28"),
        ("2015-02-07T13:28:17.1234567891234+05:30", "2015-02-07T07:58:17.123456789Z", "7 Feb 2015, 13:28 (UTC+05:30)"),
    ] {
        let moment = Moment::parse(text).unwrap();
        assert_eq!(moment.as_str(), text);
        assert_eq!(moment.earliest().to_string(), at);
        assert_eq!(moment.to_string(), shown);
        assert_eq!(serde_json::from_value::<Moment>(json!(text)).unwrap(), moment);
    }
    assert!(!Moment::parse("2015-02-07T13:28").unwrap().has_offset());
    assert_eq!(Moment::parse("9999-12-31T23:00:00-12:00").unwrap().earliest(), jiff::Timestamp::MAX);
    assert_eq!(Moment::parse("0001-01-01").unwrap().earliest().to_string(), "0001-01-01T00:00:00Z");
    for (text, problem) in [
        ("2015-02T10:00:00Z", TimeProblem::Shape),
        ("2015-02-07T24:00:00Z", TimeProblem::Time),
        ("2015-02-07T10:60:00Z", TimeProblem::Time),
        ("2015-02-07T10:00:00+15:00", TimeProblem::Offset),
        ("2015-02-07 10:00:00", TimeProblem::Shape),
        ("2015-02-07T10:00:00.Z", TimeProblem::Shape),
        ("0000-01-01T00:00:00Z", TimeProblem::Year),
    ] {
        assert_eq!(Moment::parse(text), Err(problem), "{text}");
    }
    let now: jiff::Timestamp = "2026-11-22T14:02:03.5Z".parse().unwrap();
    assert_eq!(Moment::at(now).as_str(), "2026-11-22T14:02:03Z");
}

#[test]
fn an_entry_taken_back_is_neither_true_nor_current() {
    let body = |field: &str, value: &str| {
        let mut json = json!({});
        json[field] = json!(value);
        serde_json::from_value::<EntryBody>(json).unwrap()
    };
    for field in ["status", "verification_status", "document_status"] {
        let wrong = body(field, "entered-in-error");
        assert!(wrong.entered_in_error() && !wrong.is_current());
    }
    assert!(body("clinical_status", "active").is_current());
    assert!(!body("clinical_status", "resolved").is_current());
    assert!(EntryBody::default().is_current());
    let forbidden = EntryBody {
        concept: Concept { text: Some("Aspirin".into()), ..Concept::default() },
        do_not_give: true,
        ..EntryBody::default()
    };
    assert_eq!(forbidden.title(), "Do not give: Aspirin");
}

#[test]
fn nothing_personal_is_printed_by_debug() {
    let patient = Demographics { names: vec![name("Naidoo", &["Asha"])], ..Demographics::default() };
    let form = PatientForm { family: "Naidoo".into(), ..PatientForm::default() };
    let printed = format!("{patient:?} {form:?} {:?} {:?}", patient.names, BirthDate::parse("1980").unwrap());
    assert_eq!(printed, "Demographics(..) PatientForm(..) [HumanName(..)] BirthDate(..)");
}

proptest! {
    #[test]
    fn no_text_makes_a_date_fall_over(text in "\\PC{0,40}", digits in "[0-9T:Z+./ -]{0,40}") {
        for text in [&text, &digits] {
            let _ = BirthDate::parse(text);
            for order in DateOrder::ALL {
                let _ = BirthDate::typed(text, *order);
            }
            if let Ok(moment) = Moment::parse(text) {
                prop_assert_eq!(moment.as_str(), text.as_str());
                let _ = (moment.earliest(), moment.to_string());
            }
        }
    }

    #[test]
    fn an_isolated_text_is_always_closed(text in "[a\u{2066}-\u{2069}\u{202A}-\u{202E}]{0,20}") {
        let mut open = 0_i32;
        let isolated = isolated(&text);
        let last = isolated.chars().count() - 1;
        for (at, c) in isolated.chars().enumerate() {
            match c {
                '\u{2066}'..='\u{2068}' => open += 1,
                '\u{2069}' => open -= 1,
                _ => {}
            }
            prop_assert!(open > 0 || at == last);
        }
        prop_assert_eq!(open, 0);
    }

    #[test]
    fn what_is_stored_is_in_nfc(text in "\\PC{0,60}") {
        if let Ok(stored) = line(&text, 300) {
            prop_assert!(unicode_normalization::is_nfc(&stored));
            prop_assert_eq!(line(&stored, 300).unwrap(), stored);
        }
    }
}

mod details;
mod form;
