//! What a row becomes in the parts of an archive: a line of NDJSON, a row of a table. Pure.

use kernel::PatientId;
use serde_json::{Value, json};
use store::AuditLine;

use super::table::Table;
use crate::exchange::fhir::out::{self, Links, ShownIdentifier, Stamp};
use crate::exchange::fhir::{IN_USE, RESTRICTED};
use crate::patients::model::ContactSystem;
use crate::patients::rows::{Alert, Entry, Patient};

/// Lines of NDJSON.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u64,
}

impl Lines {
    /// Adds a resource.
    pub(super) fn push(&mut self, resource: &Value) {
        // A `Value` has only keys that are text, so it can be written; a buffer takes everything.
        if serde_json::to_writer(&mut self.bytes, resource).is_ok() {
            self.bytes.push(b'\n');
            self.count += 1;
        }
    }
}

/// A patient as a resource, with every number in full, with the mark of a record that was open to named people only,
/// and, of one that was merged away, whether it was in use.
pub(super) fn patient(
    open: &Patient,
    stamp: Stamp,
    numbers: &[ShownIdentifier],
    away: &[PatientId],
    links: &Links,
) -> Value {
    let mut resource = out::patient(open, stamp, numbers, away, links);
    let mut ours: Vec<Value> = Vec::new();
    if open.restricted {
        ours.push(json!({ "url": RESTRICTED, "valueBoolean": true }));
    }
    if open.merged_into.is_some() {
        // FHIR says of a record that was replaced that it is not active; this is what it says of itself.
        ours.push(json!({ "url": IN_USE, "valueBoolean": open.active }));
    }
    if !ours.is_empty()
        && let Some(fields) = resource.as_object_mut()
    {
        let mut extensions = match fields.remove("extension") {
            Some(Value::Array(extensions)) => extensions,
            _ => Vec::new(),
        };
        extensions.extend(ours);
        fields.insert("extension".to_owned(), extensions.into());
    }
    resource
}

/// An alert as a resource.
pub(super) fn alert(open: &Alert, stamp: Stamp) -> Value {
    out::flag(open, stamp)
}

/// An entry as a resource; nothing if what is stored is none.
pub(super) fn entry(open: &Entry, stamp: Stamp, links: &Links) -> Option<Value> {
    out::entry(open, stamp, links)
}

/// The name that heads a record, without marks of direction.
pub(super) fn name_of(open: &Patient) -> String {
    let known = open.demographics();
    known.name().map(crate::patients::model::HumanName::display).unwrap_or_default()
}

/// The table of patients.
pub(super) fn patients_table() -> Table {
    Table::new(&[
        "id",
        "name",
        "family",
        "given",
        "birth date",
        "gender",
        "deceased",
        "in use",
        "restricted",
        "phones",
        "e-mails",
        "addresses",
        "languages",
        "identifiers",
        "merged into",
    ])
}

/// A patient's row.
pub(super) fn patient_row(table: &mut Table, open: &Patient, numbers: &[ShownIdentifier]) {
    let known = open.demographics();
    let main = known.name();
    let yes = |is: bool| if is { "yes" } else { "no" };
    let points = |system| {
        let values: Vec<&str> = known.contacts_of(system).iter().filter_map(|point| point.value.as_deref()).collect();
        values.join("; ")
    };
    let addresses: Vec<String> = known.addresses.iter().map(|address| address.lines().join(", ")).collect();
    let languages: Vec<&str> = known.languages.iter().filter_map(|language| language.language.words()).collect();
    let whole = |number: &ShownIdentifier| match number {
        ShownIdentifier::Whole(_, identifier) => Some(format!("{}: {}", identifier.kind.label(), identifier.value)),
        ShownIdentifier::Masked(..) | ShownIdentifier::Damaged(..) => None,
    };
    let identifiers: Vec<String> = numbers.iter().filter_map(whole).collect();
    table.row(&[
        &open.id.to_string(),
        &name_of(open),
        main.and_then(|name| name.family.as_deref()).unwrap_or_default(),
        &main.map(|name| name.given.join(" ")).unwrap_or_default(),
        &known.birth.map(crate::patients::model::BirthDate::iso).unwrap_or_default(),
        known.gender.map(crate::patients::model::Gender::code).unwrap_or_default(),
        yes(known.deceased.as_ref().is_some_and(crate::patients::model::Deceased::is_dead)),
        yes(open.active),
        yes(open.restricted),
        &points(ContactSystem::Phone),
        &points(ContactSystem::Email),
        &addresses.join("; "),
        &languages.join("; "),
        &identifiers.join("; "),
        &open.merged_into.map(|into| into.to_string()).unwrap_or_default(),
    ]);
}

/// The table of entries of one type.
pub(super) fn entries_table() -> Table {
    Table::new(&["patient", "id", "when", "what", "value", "status", "taken back", "by"])
}

/// An entry's row.
pub(super) fn entry_row(table: &mut Table, open: &Entry) {
    let said = &open.summary;
    table.row(&[
        &open.patient_id.to_string(),
        &open.id.to_string(),
        said.when.as_ref().map(crate::patients::model::Moment::as_str).unwrap_or_default(),
        &said.title,
        said.value.as_deref().unwrap_or_default(),
        said.status.as_deref().unwrap_or_default(),
        if said.in_error { "yes" } else { "no" },
        said.author.as_deref().unwrap_or_default(),
    ]);
}

/// A line of the log: who did what, when, from where; no values.
pub(super) fn log_line(line: &AuditLine) -> Value {
    let who = match (line.person, line.client, line.machine) {
        (Some(person), ..) => json!({ "person": person }),
        (_, Some(client), _) => json!({ "program": client }),
        (_, _, machine) => json!({ "machine": machine }),
    };
    json!({
        "event": line.event,
        "at": line.at,
        "who": who,
        "from": line.source,
        "action": line.action,
        "record": line.record.as_ref().map(|(kind, id)| json!({ "kind": kind, "id": id })),
        "patient": line.patient,
        "field": line.field,
        "purpose": line.purpose,
        "changed": line.changed_fields,
    })
}
