//! Values of the log in words that a person reads: a name as it is written, an address on one line, a code as
//! its word. The log keeps them in the notation of their columns.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use practice::patients::identifiers::IdentifierKind;
use practice::patients::model::{
    Address, BirthDate, Concept, ContactPoint, Deceased, Demographics, HumanName, Language, PersonRow, is_blank,
};
use practice::patients::rows::{EntryContent, EntrySummary};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::ChangeLine;

use crate::text::{say, say_with};
use crate::views::Moment;
use crate::views::audit::Change;
use crate::views::words::{entry, field, gender};

/// What changed, field by field. Of a list (names, ways to reach somebody) only the lines that came or went;
/// what began empty, and that a new thing is active, is not worth a line.
pub(super) fn changes(lines: &[ChangeLine], zone: &TimeZone) -> Vec<Change> {
    let new_and_active = |line: &ChangeLine| line.before.is_none() && line.field.ends_with(".active");
    let told = lines.iter().filter(|line| !is_plumbing(&line.field) && !new_and_active(line));
    told.map(|line| change(line, zone))
        .filter(|change| !(change.before.is_empty() && change.after.is_empty()))
        .collect()
}

/// The fields that changed, by their names alone, each once.
pub(super) fn fields(names: &[String]) -> String {
    let mut said: Vec<String> = Vec::new();
    for name in names.iter().filter(|name| !is_plumbing(name)) {
        let word = field(name);
        if !said.contains(&word) {
            said.push(word);
        }
    }
    said.join(", ")
}

/// What only holds rows together, or says what the line itself says: ids, hashes, times of writing, how far
/// an import has come.
fn is_plumbing(name: &str) -> bool {
    let by_hand = name.ends_with(".occurred_at");
    let ends = ["_id", "_hash", "_token", "_by", "_at", ".digest"];
    name.starts_with("import_run.")
        || name == "patient_merge.kept"
        || (!by_hand && ends.iter().any(|end| name.ends_with(end)))
}

fn change(line: &ChangeLine, zone: &TimeZone) -> Change {
    let said = |value: &Option<Value>| value.as_ref().map(|value| words(&line.field, value, zone)).unwrap_or_default();
    let (mut before, mut after) = (said(&line.before), said(&line.after));
    if before == after {
        // Something within it changed that has no words of its own, such as an order of preference.
        if !before.is_empty() {
            after.push(say("change-within"));
            before.clear();
        }
    } else {
        let stayed: Vec<String> = before.iter().filter(|line| after.contains(line)).cloned().collect();
        before.retain(|line| !stayed.contains(line));
        after.retain(|line| !stayed.contains(line));
    }
    Change { field: field(&line.field), before, after }
}

/// The lines of a value. What has no words yet is shown as its texts, one after the other.
fn words(name: &str, value: &Value, zone: &TimeZone) -> Vec<String> {
    let (table, column) = name.split_once('.').unwrap_or(("", name));
    let told = match (table, column) {
        ("patient", "names") => each(value, |name: HumanName| name.display()),
        ("patient", "birth") => one(value, |birth: BirthDate| birth.to_string()),
        ("patient", "gender") => value.as_str().and_then(gender).map(|word| vec![word]),
        ("patient", "deceased") => one(value, deceased),
        ("patient", "contacts") => each(value, contact),
        ("patient", "addresses") => each(value, |address: Address| address.lines().join(", ")),
        ("patient", "languages") => each(value, |one: Language| one.language.words().unwrap_or_default().to_owned()),
        ("patient", "marital") => one(value, |concept: Concept| concept.words().unwrap_or_default().to_owned()),
        ("patient", "rest") => Some(rest(value)),
        ("patient_identifier", "kind") => {
            value.as_str().and_then(IdentifierKind::from_code).map(|kind| vec![kind.label().to_owned()])
        }
        ("patient_alert", "severity") => {
            value.as_str().map(|code| vec![say(if code == "high" { "weight-high" } else { "weight-usual" })])
        }
        ("record_entry", "kind") => value.as_str().map(|kind| vec![entry(kind)]),
        ("record_entry", "summary") => one(value, |line: EntrySummary| line.said()),
        ("record_entry", "body") => one(value, |content| content_said(&content)),
        _ => None,
    };
    let lines = told.unwrap_or_else(|| plain(value, zone));
    lines.into_iter().filter(|line| !is_blank(line)).collect()
}

fn one<T: DeserializeOwned>(value: &Value, said: impl Fn(T) -> String) -> Option<Vec<String>> {
    T::deserialize(value).ok().map(|value| vec![said(value)])
}

fn each<T: DeserializeOwned>(value: &Value, said: impl Fn(T) -> String) -> Option<Vec<String>> {
    Vec::<T>::deserialize(value).ok().map(|values| values.into_iter().map(said).collect())
}

fn deceased(told: Deceased) -> String {
    match told {
        Deceased::Boolean(dead) => yes_or_no(dead),
        Deceased::DateTime(at) => at.date_words(),
    }
}

fn contact(point: ContactPoint) -> String {
    let value = point.value.unwrap_or_default();
    match point.use_ {
        Some(usage) => format!("{value} ({})", usage.code()),
        None => value,
    }
}

fn content_said(content: &EntryContent) -> String {
    let characters = match content {
        EntryContent::Read(body) => body.source.chars().count(),
        EntryContent::Kept { source } => source.chars().count(),
    };
    say_with("value-content", &[("count", &characters)])
}

/// The people around a patient, one a line, and that there is more.
fn rest(value: &Value) -> Vec<String> {
    let around = Demographics { rest: value.clone(), ..Demographics::default() }.people();
    let person = |person: &PersonRow| {
        let consent = person.may_consent.then(|| say("person-consents"));
        let parts = [Some(person.name.clone()), Some(person.phone.clone()), Some(person.email.clone()), consent];
        let address = Some(person.address.lines().collect::<Vec<_>>().join(", "));
        let said: Vec<String> = parts.into_iter().chain([address]).flatten().filter(|part| !is_blank(part)).collect();
        format!("{}: {}", person.relation_words(), said.join(", "))
    };
    let more = value.as_object().is_some_and(|map| map.keys().any(|key| key != "contact"));
    around.iter().map(person).chain(more.then(|| say("value-rest"))).collect()
}

fn yes_or_no(yes: bool) -> String {
    say(if yes { "yes" } else { "no" })
}

/// A value without a form of its own: every text in it.
fn plain(value: &Value, zone: &TimeZone) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(yes) => vec![yes_or_no(*yes)],
        Value::String(text) => vec![moment(text, zone).unwrap_or_else(|| text.clone())],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().map(|item| plain(item, zone).join(" ")).collect(),
        Value::Object(map) => {
            vec![map.values().flat_map(|part| plain(part, zone)).collect::<Vec<_>>().join(" ")]
        }
    }
}

fn moment(text: &str, zone: &TimeZone) -> Option<String> {
    // Only what can be nothing else: a date alone may be a date of birth.
    let at: Timestamp =
        text.parse().ok().filter(|_| text.contains('T') && text.starts_with(|c: char| c.is_ascii_digit()))?;
    let moment = Moment::at(at, zone);
    Some(crate::views::when::spoken(&moment))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(field: &str, before: Value, after: Value) -> Change {
        let some = |value: Value| (!value.is_null()).then_some(value);
        let line = ChangeLine { field: field.to_owned(), before: some(before), after: some(after) };
        changes(&[line], &TimeZone::UTC).remove(0)
    }

    #[test]
    fn a_name_is_told_as_it_is_written() {
        let change = told(
            "patient.names",
            json!([{"use": "official", "family": "Mokoena", "given": ["Lindiwe", "Grace"]}]),
            json!([{"use": "official", "family": "Dlamini", "given": ["Lindiwe", "Grace"], "prefix": ["Dr"]}]),
        );
        assert_eq!(change.before, ["Lindiwe Grace Mokoena"]);
        assert_eq!(change.after, ["Dr Lindiwe Grace Dlamini"]);
    }

    #[test]
    fn of_the_ways_to_reach_somebody_only_the_one_that_changed_is_told() {
        let mail = json!({"system": "email", "value": "lindi@mail.example"});
        let change = told(
            "patient.contacts",
            json!([{"system": "phone", "value": "082 555 0143", "use": "mobile"}, mail]),
            json!([{"system": "phone", "value": "082 555 0199", "use": "mobile"}, mail]),
        );
        assert_eq!(
            (change.before, change.after),
            (vec!["082 555 0143 (mobile)".into()], vec!["082 555 0199 (mobile)".into()])
        );
    }

    #[test]
    fn an_address_is_one_line_and_a_code_is_its_word() {
        let address = json!([{"line": ["14 Harbour Street"], "city": "Hout Bay", "postalCode": "7806"}]);
        assert_eq!(told("patient.addresses", Value::Null, address).after, ["14 Harbour Street, Hout Bay, 7806"]);
        assert_eq!(told("patient.birth", Value::Null, json!("1984-03-07")).after, ["7 Mar 1984"]);
        assert_eq!(told("patient.gender", json!("unknown"), json!("female")).after, ["Female"]);
        assert_eq!(told("patient_alert.active", json!(true), json!(false)).after, ["No"]);
        assert_eq!(told("patient_identifier.kind", Value::Null, json!("passport")).after, ["Passport number"]);
    }

    #[test]
    fn a_change_without_words_of_its_own_is_still_said_to_be_one() {
        let change = told("patient.contacts", json!([{"value": "1", "rank": 1}]), json!([{"value": "1", "rank": 2}]));
        assert!(change.before.is_empty() && change.after.len() == 2, "{change:?}");
    }

    #[test]
    fn no_value_is_shown_in_the_notation_of_the_log() {
        let odd = json!({"a": ["x", {"b": "y"}], "c": null});
        for field in ["patient.names", "patient.contacts", "patient.deceased", "record_entry.body", "x.y"] {
            let said = told(field, Value::Null, odd.clone()).after.join("\n");
            assert!(!said.contains(['{', '[', '"']), "{field}: {said}");
        }
    }

    #[test]
    fn ids_that_only_hang_a_row_under_its_patient_are_left_out() {
        let line =
            ChangeLine { field: "patient_alert.patient_id".into(), before: None, after: Some(json!("01985f4e")) };
        assert!(changes(&[line], &TimeZone::UTC).is_empty());
    }
}
