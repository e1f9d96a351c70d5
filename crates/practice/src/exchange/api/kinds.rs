//! What is there: each type of resource, where it lives, how it can be searched. The capability statement
//! says exactly this, and a test holds it against HL7's own list of search parameters.

use store::FhirType;

/// Where resources of a type live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Patients.
    Patient,
    /// Alerts, as flags.
    Alert,
    /// Entries of patients' records.
    Entry,
    /// Resources of the practice that belong to no patient.
    Kept,
}

/// What a search parameter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compares {
    /// A text, by its beginning.
    Text,
    /// A code, with or without its system.
    Token,
    /// A date or a span of time.
    Date,
    /// The patient whom it is about.
    Patient,
}

impl Compares {
    /// FHIR's word for it (`search-param-type`).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Token => "token",
            Self::Date => "date",
            Self::Patient => "reference",
        }
    }
}

/// A search parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Its name, as HL7 gives it.
    pub name: &'static str,
    /// What it compares.
    pub compares: Compares,
    /// The fields that it looks at; empty where it is not a field of a source.
    pub fields: &'static [&'static str],
    /// What to know about it here.
    pub note: &'static str,
}

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Where it lives.
    pub home: Home,
    /// Its own search parameters, beside those that all have.
    pub params: &'static [Param],
    /// Parameters by which a search gives the patient too (`_include=Condition:patient`).
    pub includes: &'static [&'static str],
}

const fn token(name: &'static str, fields: &'static [&'static str]) -> Param {
    Param { name, compares: Compares::Token, fields, note: "system|code, |code or code; several with commas" }
}

const fn date(name: &'static str, fields: &'static [&'static str]) -> Param {
    Param { name, compares: Compares::Date, fields, note: "with eq, ge, le, gt, lt" }
}

const fn about(name: &'static str) -> Param {
    Param { name, compares: Compares::Patient, fields: &[], note: "one patient; must be given, unless _id is" }
}

/// Parameters that every type has.
pub const COMMON: [Param; 2] = [
    Param { name: "_id", compares: Compares::Token, fields: &[], note: "several with commas" },
    Param {
        name: "_lastUpdated",
        compares: Compares::Date,
        fields: &[],
        note: "with eq, ge, le, gt, lt; to the millisecond",
    },
];

const NAME_NOTE: &str =
    "by the beginning of each word, 3 letters or more (a shorter word must be whole); :exact; former names too";

const PATIENT: &[Param] = &[
    Param { name: "name", compares: Compares::Text, fields: &[], note: NAME_NOTE },
    Param { name: "family", compares: Compares::Text, fields: &[], note: NAME_NOTE },
    Param { name: "given", compares: Compares::Text, fields: &[], note: NAME_NOTE },
    Param {
        name: "birthdate",
        compares: Compares::Date,
        fields: &[],
        note: "a whole date; beside another parameter also a year or month, and ge, le, gt, lt",
    },
    Param { name: "phone", compares: Compares::Token, fields: &[], note: "a number, or its last 4 digits or more" },
    Param { name: "email", compares: Compares::Token, fields: &[], note: "the whole address" },
    Param {
        name: "identifier",
        compares: Compares::Token,
        fields: &[],
        note: "system|value, one alone; needs the scope vouchsafe/identifier.lookup, counted and recorded",
    },
];

/// Every type, in the order of the alphabet.
pub const KINDS: [Kind; 16] = [
    Kind {
        name: "AllergyIntolerance",
        home: Home::Entry,
        params: &[
            about("patient"),
            token("clinical-status", &["clinicalStatus"]),
            token("verification-status", &["verificationStatus"]),
            token("category", &["category"]),
            token("criticality", &["criticality"]),
            token("code", &["code"]),
            date("date", &["recordedDate"]),
        ],
        includes: &["patient"],
    },
    Kind {
        name: "Condition",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("clinical-status", &["clinicalStatus"]),
            token("verification-status", &["verificationStatus"]),
            token("category", &["category"]),
            token("code", &["code"]),
            date("onset-date", &["onsetDateTime", "onsetPeriod"]),
            date("recorded-date", &["recordedDate"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind {
        name: "Device",
        home: Home::Entry,
        params: &[about("patient"), token("status", &["status"]), token("type", &["type"])],
        includes: &["patient"],
    },
    Kind {
        name: "DocumentReference",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("status", &["status"]),
            token("category", &["category"]),
            token("type", &["type"]),
            date("date", &["date"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind {
        name: "Encounter",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("status", &["status"]),
            token("class", &["class"]),
            token("type", &["type"]),
            date("date", &["period"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind { name: "Flag", home: Home::Alert, params: &[about("patient"), about("subject")], includes: &[] },
    Kind {
        name: "Immunization",
        home: Home::Entry,
        params: &[
            about("patient"),
            token("status", &["status"]),
            token("vaccine-code", &["vaccineCode"]),
            date("date", &["occurrenceDateTime"]),
        ],
        includes: &["patient"],
    },
    Kind { name: "Location", home: Home::Kept, params: &[], includes: &[] },
    Kind {
        name: "MedicationRequest",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("status", &["status"]),
            token("intent", &["intent"]),
            token("category", &["category"]),
            token("code", &["medicationCodeableConcept"]),
            date("authoredon", &["authoredOn"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind {
        name: "Observation",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("status", &["status"]),
            token("category", &["category"]),
            token("code", &["code"]),
            date("date", &["effectiveDateTime", "effectivePeriod", "effectiveInstant"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind { name: "Organization", home: Home::Kept, params: &[], includes: &[] },
    Kind { name: "Patient", home: Home::Patient, params: PATIENT, includes: &[] },
    Kind { name: "Practitioner", home: Home::Kept, params: &[], includes: &[] },
    Kind { name: "PractitionerRole", home: Home::Kept, params: &[], includes: &[] },
    Kind {
        name: "Procedure",
        home: Home::Entry,
        params: &[
            about("patient"),
            about("subject"),
            token("status", &["status"]),
            token("category", &["category"]),
            token("code", &["code"]),
            date("date", &["performedDateTime", "performedPeriod"]),
        ],
        includes: &["patient", "subject"],
    },
    Kind { name: "RelatedPerson", home: Home::Entry, params: &[about("patient")], includes: &["patient"] },
];

impl Kind {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The type by which scopes know it.
    #[must_use]
    pub fn scope(&self) -> FhirType {
        FhirType::of(self.name)
    }

    /// The search parameter of this name, of its own or one that all have.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().chain(&COMMON).find(|param| param.name == name)
    }

    /// As what kind of entry a client can write this type; nothing for types that have no room of their own, are
    /// no entries, or are guardians, whom people write down.
    #[must_use]
    pub fn written_as(&self) -> Option<crate::patients::model::EntryKind> {
        crate::patients::model::EntryKind::of_resource(self.name).filter(|_| self.home == Home::Entry)
    }

    /// Whether a client can add and change this type.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.home == Home::Patient || self.written_as().is_some()
    }

    /// How an entry of this type is stored: by the kind's code, or, from when it had no room of its own, by
    /// the type's name.
    #[must_use]
    pub fn stored_as(&self) -> [&'static str; 2] {
        use crate::patients::model::EntryKind;
        let readable = EntryKind::ALL.iter().find(|kind| kind.resource_type() == self.name);
        [readable.map_or(self.name, |kind| kind.code()), self.name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_in_order_and_each_is_found() {
        assert!(KINDS.iter().is_sorted_by_key(|kind| kind.name));
        assert!(KINDS.iter().all(|kind| Kind::named(kind.name) == Some(kind)));
        assert_eq!(Kind::named("Claim"), None);
        assert_eq!(Kind::named("Condition").map(Kind::stored_as), Some(["problem", "Condition"]));
        assert_eq!(Kind::named("Device").map(Kind::stored_as), Some(["Device", "Device"]));
    }

    #[test]
    fn what_can_be_included_is_a_parameter_that_names_the_patient() {
        for kind in &KINDS {
            for name in kind.includes {
                assert_eq!(kind.param(name).map(|param| param.compares), Some(Compares::Patient), "{}", kind.name);
            }
        }
    }
}
