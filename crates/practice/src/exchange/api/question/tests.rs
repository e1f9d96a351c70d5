use proptest::prelude::*;

use super::*;

const BASE: &str = "https://house.test/fhir/r4/p";
const ID: &str = "0198a1b2-0000-7000-8000-000000000001";

fn ask(kind: &str, params: &[(&str, &str)], handling: Handling) -> Result<Search, ApiError> {
    let params: Vec<(String, String)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Search::parse(Kind::named(kind).unwrap(), &params, handling, BASE)
}

fn refused(kind: &str, params: &[(&str, &str)]) -> String {
    ask(kind, params, Handling::Strict).unwrap_err().to_string()
}

#[test]
fn what_is_not_understood_is_refused_unless_it_may_be_left_out() {
    let odd = [("name", "nkosi"), ("favourite-colour", "blue")];
    assert!(refused("Patient", &odd).starts_with("the parameter favourite-colour is not understood"));
    let lenient = ask("Patient", &odd, Handling::Lenient).unwrap();
    assert_eq!(lenient.said, [("name".to_owned(), "nkosi".to_owned())]);
    for name in [
        "name:contains",
        "_sort",
        "_summary",
        "_elements",
        "gender",
        "_has:Flag:patient:code",
        "general-practitioner.name",
    ] {
        assert!(refused("Patient", &[(name, "x")]).contains("not understood"), "{name}");
    }
    assert!(!refused("Patient", &[("Thandi Nkosi 8001015009087", "x")]).contains("Thandi"));
}

#[test]
fn a_name_is_looked_up_by_blind_tokens_and_several_must_all_hold() {
    let both = ask("Patient", &[("family", "Mokoena"), ("given", "Thandi")], Handling::Strict).unwrap();
    assert_eq!(both.token_sets().unwrap().len(), 1);
    assert_eq!(both.token_sets().unwrap()[0].len(), 2);
    let either = ask("Patient", &[("family", "Mokoena,Nkosi"), ("birthdate", "1984-03-07")], Handling::Strict);
    let sets = either.unwrap().token_sets().unwrap();
    assert_eq!(sets.len(), 2);
    assert!(sets.iter().all(|set| set.contains(&(TokenKind::BirthDate, "1984-03-07".to_owned()))));
}

#[test]
fn a_birth_date_that_no_token_can_find_needs_something_beside_it() {
    for date in ["1984", "1984-03", "ge1984-03-07", "lt2000"] {
        assert!(refused("Patient", &[("birthdate", date)]).contains("only be told beside"), "{date}");
        assert!(ask("Patient", &[("birthdate", date), ("name", "nkosi")], Handling::Strict).is_ok(), "{date}");
    }
    assert_eq!(refused("Patient", &[("birthdate", "ap1984")]), "birthdate is compared with eq, ge, le, gt or lt");
    assert!(refused("Patient", &[("birthdate", "7/3/1984")]).starts_with("birthdate is not a date"));
}

#[test]
fn a_search_of_the_record_names_one_patient() {
    assert!(refused("Condition", &[("code", "x")]).contains("must name one patient"));
    for reference in [ID.to_owned(), format!("Patient/{ID}"), format!("{BASE}/Patient/{ID}")] {
        let asked = ask("Condition", &[("patient", &reference)], Handling::Strict).unwrap();
        assert_eq!(asked.patient.flatten().map(|id| id.to_string()).as_deref(), Some(ID));
    }
    for reference in [
        "Patient/1",
        "https://elsewhere.test/Patient/1",
        "Group/1",
        "https://elsewhere.test/fhir/r4/p/Patient/0198a1b2-0000-7000-8000-000000000001",
    ] {
        assert_eq!(ask("Condition", &[("patient", reference)], Handling::Strict).unwrap().patient, Some(None));
    }
    let two = [("patient", ID), ("subject", "Patient/0198a1b2-0000-7000-8000-000000000002")];
    assert_eq!(ask("Condition", &two, Handling::Strict).unwrap().patient, Some(None));
}

#[test]
fn commas_are_alternatives_unless_they_are_escaped() {
    assert_eq!(alternatives("a,b"), ["a", "b"]);
    assert_eq!(alternatives("a\\,b"), ["a,b"]);
    assert_eq!(alternatives("a\\\\,b\\|c"), ["a\\", "b|c"]);
    assert_eq!(alternatives(",,"), Vec::<String>::new());
}

#[test]
fn counts_are_bounded() {
    let count = |text: &str| ask("Patient", &[("_count", text)], Handling::Strict).map(|asked| asked.count);
    assert_eq!(count("7").unwrap(), 7);
    assert_eq!(count("100000").unwrap(), COUNT_MAX);
    for text in ["0", "-1", "x", "99999999999999999999999"] {
        assert!(count(text).is_err(), "{text}");
    }
    let many: Vec<(&str, &str)> = vec![("name", "nkosi"); PARAMS_MAX + 1];
    assert!(refused("Patient", &many).contains("more than"));
    assert!(refused("Patient", &[("_id", &"x,".repeat(ALTERNATIVES_MAX + 1))]).contains("more than"));
}

#[test]
fn an_identifier_is_one_number_of_one_system() {
    for value in ["8001015009087", "http://a.example|1,http://a.example|2", "http://a.example|"] {
        assert!(refused("Patient", &[("identifier", value)]).contains("identifier"), "{value}");
    }
    let asked = ask("Patient", &[("identifier", "http://a.example|1")], Handling::Strict).unwrap();
    assert_eq!(asked.identifier, Some(("http://a.example".to_owned(), "1".to_owned())));
}

proptest! {
    #[test]
    fn any_parameters_get_an_answer(
        params in proptest::collection::vec(("(_id|_count|_lastUpdated|name|family:exact|birthdate|phone|email|identifier|patient|code|date|_include|\\PC{0,8})", "\\PC{0,40}"), 0..6),
        which in 0_usize..16,
    ) {
        let kind = &super::super::kinds::KINDS[which];
        let _ = Search::parse(kind, &params, Handling::Lenient, BASE);
    }
}
