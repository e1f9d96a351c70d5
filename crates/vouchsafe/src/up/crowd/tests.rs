use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use testkit::House;

use super::people::{AS_OF, age};
use super::*;

const ALL: [&str; 2] = ["ZA", "AU"];

fn crowd(country: &str) -> Crowd {
    Crowd { country: country.to_owned(), by: vec!["Dr Example".to_owned(), "Sister Example".to_owned()] }
}

fn read(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn day(value: &Value) -> Date {
    value.as_str().unwrap().parse().unwrap()
}

/// The patients by id, and everything about them.
fn world(country: &str) -> (BTreeMap<String, Value>, Vec<Value>) {
    let [(_, who), (_, what)] = crowd(country).files(PATIENTS).unwrap();
    let who = read(&who).into_iter().map(|patient| (patient["id"].as_str().unwrap().to_owned(), patient)).collect();
    (who, read(&what))
}

fn subject(resource: &Value) -> &str {
    let reference = [&resource["subject"], &resource["patient"]].into_iter().find_map(|one| one["reference"].as_str());
    reference.unwrap().strip_prefix("Patient/").unwrap()
}

/// The days that a resource names.
fn days(resource: &Value) -> Vec<Date> {
    let fields =
        ["onsetDateTime", "abatementDateTime", "recordedDate", "authoredOn", "occurrenceDateTime", "effectiveDateTime"];
    let mut days: Vec<Date> =
        fields.iter().filter(|field| !resource[**field].is_null()).map(|f| day(&resource[*f])).collect();
    days.extend(resource["context"]["period"]["start"].as_str().map(|text| text.parse::<Date>().unwrap()));
    days
}

#[test]
fn the_same_seed_gives_the_same_bytes_every_time() {
    for country in ALL {
        assert_eq!(crowd(country).files(60).unwrap(), crowd(country).files(60).unwrap());
    }
    assert_ne!(crowd("ZA").files(60).unwrap(), crowd("AU").files(60).unwrap());
}

#[test]
fn fewer_patients_are_the_first_of_more() {
    let [(_, few), _] = crowd("ZA").files(5).unwrap();
    let [(_, many), _] = crowd("ZA").files(50).unwrap();
    assert!(many.starts_with(&few));
}

#[test]
fn no_two_patients_share_a_number() {
    for country in ALL {
        let (who, _) = world(country);
        assert_eq!(who.len(), usize::try_from(PATIENTS).unwrap());
        let mut seen = BTreeSet::new();
        for identifier in who.values().flat_map(|patient| patient["identifier"].as_array().unwrap()) {
            assert!(seen.insert(identifier["value"].as_str().unwrap().to_owned()), "{identifier}");
        }
    }
}

#[test]
fn nothing_befalls_anybody_before_birth_after_death_or_tomorrow() {
    for country in ALL {
        let (who, what) = world(country);
        assert!(what.len() > 5 * who.len(), "{} records", what.len());
        for resource in &what {
            let patient = &who[subject(resource)];
            let until = patient.get("deceasedDateTime").map_or(AS_OF, day);
            for named in days(resource) {
                assert!(day(&patient["birthDate"]) <= named && named <= until, "{resource}\n{patient}");
            }
            if let (Some(began), Some(ended)) =
                (resource["onsetDateTime"].as_str(), resource["abatementDateTime"].as_str())
            {
                assert!(began <= ended, "{resource}");
            }
        }
    }
}

#[test]
fn illnesses_fit_age_and_sex_and_nobody_is_given_what_they_react_to() {
    for country in ALL {
        let (who, what) = world(country);
        let of = |kind: &str| {
            let kind = kind.to_owned();
            what.iter().filter(move |one| one["resourceType"] == *kind)
        };
        for condition in of("Condition") {
            let patient = &who[subject(condition)];
            let years = age(day(&patient["birthDate"]), day(&condition["onsetDateTime"]));
            match condition["code"]["text"].as_str().unwrap() {
                "Supervision of normal pregnancy" => {
                    assert!(patient["gender"] != "male" && (18..=43).contains(&years), "{years}: {patient}");
                }
                "Benign enlargement of the prostate" => {
                    assert!(patient["gender"] != "female" && years >= 59, "{years}");
                }
                "Acute otitis media" => assert!(years <= 11, "{years}"),
                "Osteoporosis" => assert!(patient["gender"] != "male" && years >= 61, "{years}"),
                _ => {}
            }
        }
        let penicillin: BTreeSet<&str> =
            of("AllergyIntolerance").filter(|one| one["code"]["text"] == "Penicillin").map(subject).collect();
        assert!(!penicillin.is_empty());
        for medicine in of("MedicationRequest") {
            let words = medicine["medicationCodeableConcept"]["text"].as_str().unwrap();
            assert!(!(words.starts_with("Amoxicillin") && penicillin.contains(subject(medicine))), "{medicine}");
        }
    }
}

#[test]
fn names_are_written_in_many_scripts_and_some_are_one_letter_or_one_word() {
    let (mut words, mut scripts) = (Vec::new(), BTreeSet::new());
    for country in ALL {
        for patient in world(country).0.into_values() {
            let name = patient["name"][0].clone();
            let text = format!("{}{}", name["family"].as_str().unwrap_or(""), name["given"][0].as_str().unwrap_or(""));
            scripts.extend(text.chars().filter(|letter| letter.is_alphabetic()).map(|letter| {
                match u32::from(letter) {
                    0x0000..=0x036F | 0x1E00..=0x1EFF => "latin",
                    0x0370..=0x03FF => "greek",
                    0x0400..=0x04FF => "cyrillic",
                    0x0600..=0x06FF => "arabic",
                    0x0900..=0x097F => "devanagari",
                    0x0B80..=0x0BFF => "tamil",
                    0x1200..=0x137F => "ethiopic",
                    0x4E00..=0x9FFF => "han",
                    0xAC00..=0xD7AF => "hangul",
                    _ => "another",
                }
            }));
            words.push(name);
        }
    }
    for script in ["latin", "greek", "cyrillic", "arabic", "devanagari", "tamil", "ethiopic", "han", "hangul"] {
        assert!(scripts.contains(script), "{script}");
    }
    assert!(words.iter().any(|name| name.get("family").is_none()), "a name of one word");
    assert!(
        words
            .iter()
            .any(|name| name["family"].as_str().is_some_and(|family| family.chars().count() == 1 && family.is_ascii()))
    );
}

#[tokio::test]
async fn the_import_takes_every_record_of_the_crowd_and_finds_no_number_wrong() {
    let house = House::open().await;
    for country in ALL {
        let practice = house.practice().await;
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &crowd(country).files(150).unwrap()).unwrap();
        let settings = ImportSettings { source: SOURCE.to_owned(), dry_run: false, named: Vec::new() };
        let report = import_folder(&house.store, practice, folder.path(), &settings, &mut |_| ()).await.unwrap();
        assert_eq!(report.total().reject, 0, "{report}");
        assert!(!report.to_string().contains("unverified"), "{report}");
        // Again, as after a stop: all of it is known.
        let again = import_folder(&house.store, practice, folder.path(), &settings, &mut |_| ()).await.unwrap();
        assert_eq!((again.total().add, again.total().reject), (0, 0), "{again}");
    }
}
