//! Flag: a warning on a record.

use serde_json::{Value, json};

use super::links::to_patient;
use super::{Stamp, head};
use crate::patients::rows::Alert;

const PRIORITY: &str = "http://hl7.org/fhir/StructureDefinition/flag-priority";
const PRIORITIES: &str = "http://hl7.org/fhir/flag-priority-code";

/// An alert as a resource.
#[must_use]
pub fn flag(alert: &Alert, stamp: Stamp) -> Value {
    let mut fhir = head("Flag", &alert.id.to_string(), stamp, None);
    if alert.severity == "high" {
        let high = json!({ "coding": [{ "system": PRIORITIES, "code": "PH", "display": "High priority" }] });
        fhir.insert("extension".to_owned(), json!([{ "url": PRIORITY, "valueCodeableConcept": high }]));
    }
    fhir.insert("status".to_owned(), if alert.active { "active" } else { "inactive" }.into());
    fhir.insert("code".to_owned(), json!({ "text": alert.text }));
    to_patient(&mut fhir, "subject", alert.patient_id.uuid());
    fhir.into()
}
