use serde_json::{Value, json};

use super::*;
use crate::patients::model::{Details, PersonRow, RowError};

fn known() -> Demographics {
    serde_json::from_value(json!({
        "names": [
            {"use": "official", "family": "Mokoena", "given": ["Lindiwe", "", "Grace"], "suffix": ["Jr"]},
            {"use": "old", "text": "Lindiwe Dlamini", "period": {"end": "2010"}},
        ],
        "contacts": [
            {"system": "phone", "use": "mobile", "value": "082 555 0143", "rank": 2},
            {"system": "email", "value": "lindi@mail.example", "extension": [{"url": "x", "valueString": "y"}]},
        ],
        "addresses": [{"line": ["14 Harbour Street"], "city": "Hout Bay", "extension": [{"url": "geo"}]}],
        "languages": [{"language": {"coding": [{"code": "zu", "display": "isiZulu"}]}, "preferred": true}],
        "rest": {
            "photo": [{"title": "a photo"}],
            "contact": [{
                "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}],
                "name": {"family": "Mokoena", "given": ["Nomsa"]}, "gender": "female",
                "telecom": [{"system": "phone", "value": "021 555 0100", "rank": 1}, {"system": "fax", "value": "1"}],
                "address": {"line": ["3 Main Road"], "city": "Worcester"},
            }],
        },
    }))
    .unwrap()
}

#[test]
fn what_comes_back_as_it_was_shown_stays_to_the_last_detail() {
    let patient = known();
    let shown = Details::of(&patient);
    assert!(shown.check().is_ok());
    assert!(shown.apply(&patient) == patient);
    assert!(Details::of(&Demographics::default()).apply(&Demographics::default()) == Demographics::default());
}

#[test]
fn rows_that_change_places_keep_what_belongs_to_them() {
    let patient = known();
    let mut rows = Details::of(&patient);
    rows.contacts.reverse();
    let turned = rows.apply(&patient);
    assert_eq!(turned.contacts[0].extra.len(), 1);
    assert_eq!(turned.contacts[1].rank, Some(2));
    let mut rows = Details::of(&patient);
    rows.contacts.remove(0);
    let left = rows.apply(&patient).contacts;
    assert!(left.len() == 1 && left[0] == patient.contacts[1], "the one that is gone takes nothing along");
}

#[test]
fn a_row_that_is_emptied_is_taken_away_and_one_that_is_new_is_added() {
    let patient = known();
    let mut rows = Details::of(&patient);
    rows.names[1] = NameRow::default();
    rows.names.push(NameRow { use_: "usual".into(), given: "Lindi".into(), ..NameRow::default() });
    rows.contacts[0].value = "082 555 0199".into();
    rows.languages.push(LanguageRow { language: "English".into(), preferred: false });
    let changed = rows.apply(&patient);
    assert_eq!(changed.names.len(), 2);
    assert!(changed.names[0] == patient.names[0], "who keeps a name keeps its suffix");
    assert_eq!(changed.preferred_name().unwrap().display(), "Lindi");
    assert_eq!(changed.contacts[0].rank, Some(2));
    assert_eq!(changed.languages.len(), 2);
    assert!(changed.rest == patient.rest);
}

#[test]
fn the_people_around_an_imported_patient_are_read_and_changed_without_loss() {
    let patient = known();
    let people = patient.people();
    assert_eq!((people[0].relation_words(), people[0].name.as_str()), ("Next of kin", "Nomsa Mokoena"));
    assert_eq!((people[0].phone.as_str(), people[0].address.as_str()), ("021 555 0100", "3 Main Road\nWorcester"));
    let mut rows = Details::of(&patient);
    rows.people[0].phone = "021 555 0111".into();
    rows.people[0].may_consent = true;
    rows.people.push(PersonRow { relation: "guardian".into(), name: "Sipho Khumalo".into(), ..PersonRow::default() });
    let changed = rows.apply(&patient);
    let contact = &changed.rest["contact"];
    assert_eq!(contact[0]["gender"], "female");
    assert_eq!(contact[0]["name"], patient.rest["contact"][0]["name"]);
    assert_eq!(contact[0]["telecom"][1]["value"], "1", "a fax that has no field stays");
    assert_eq!(contact[1]["relationship"][0]["coding"][0]["code"], "GUARD");
    assert_eq!(changed.rest["photo"], patient.rest["photo"]);
    let again = changed.people();
    assert!(again[0].may_consent && again[0].phone == "021 555 0111");
    assert_eq!(again[1].relation_words(), "Guardian");
    rows.people.clear();
    let none = rows.apply(&changed);
    assert!(none.people().is_empty() && none.rest.get("contact").is_none() && none.rest.get("photo").is_some());
    let alone = Demographics { rest: Value::Null, ..patient };
    assert_eq!(Details::of(&alone).apply(&alone).rest, Value::Null);
}

#[test]
fn what_lies_beyond_the_rows_of_the_form_stays() {
    let mut patient = known();
    patient.contacts =
        (0..40).map(|n| ContactPoint { value: Some(n.to_string()), ..ContactPoint::default() }).collect();
    let mut rows = Details::of(&patient);
    assert_eq!(rows.contacts.len(), ROWS_MAX);
    rows.contacts.clear();
    assert_eq!(rows.apply(&patient).contacts.len(), 40 - ROWS_MAX);
}

#[test]
fn what_cannot_be_is_said_with_its_row() {
    let mut rows = Details::of(&known());
    rows.contacts[1].value = "lindi(at)mail".into();
    rows.contacts.push(ContactRow { value: "1".into(), ..ContactRow::default() });
    rows.people[0].name = String::new();
    rows.names[0].family = "x".repeat(400);
    let errors = rows.check().unwrap_err();
    let at: Vec<(&str, usize, &str)> =
        errors.iter().map(|RowError { list, row, field, .. }| (*list, *row, *field)).collect();
    assert_eq!(
        at,
        [("names", 0, "family"), ("contacts", 1, "value"), ("contacts", 2, "system"), ("people", 0, "name")]
    );
    assert!(errors.iter().all(|error| !error.message.contains("lindi")), "no message repeats what was typed");
    assert_eq!(Details::default().check().unwrap_err()[0].field, "family");
}

#[test]
fn crooked_contacts_of_another_system_are_shown_as_far_as_they_go_and_kept() {
    for contact in
        [json!([null]), json!(["x"]), json!([{"name": "Nomsa", "telecom": 7, "relationship": {}}]), json!({}), json!(3)]
    {
        let patient = Demographics { rest: json!({ "contact": contact }), ..known() };
        let rows = Details::of(&patient);
        assert!(rows.apply(&patient) == patient);
    }
}
