//! The tables of this slice: what is clear, what is sealed, and under whose key.

use std::borrow::Cow;

use jiff::Timestamp;
use kernel::{AccessId, AlertId, EntryId, IdentifierId, MergeId, PatientId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identifiers::Identifier;
use super::merging::Kept;
use super::model::{
    Address, BirthDate, Concept, ContactPoint, Deceased, Demographics, EntryBody, Gender, HumanName, Language, Moment,
    Reading,
};
use crate::exchange::fhir;

store::sealed_row! {
    /// A patient: names, birth, how to reach them. Its key is the unit of erasure.
    pub row PatientRow opens Patient patched by PatientPatch in "patient" id PatientId, keyed patient(id) {
        clear { active: bool, restricted: bool, merged_into: Option<PatientId>, passed: i64 }
        sealed {
            names: Vec<HumanName>,
            birth: Option<BirthDate>,
            gender: Option<Gender>,
            pronouns: Option<String>,
            deceased: Option<Deceased>,
            contacts: Vec<ContactPoint>,
            addresses: Vec<Address>,
            languages: Vec<Language>,
            marital: Option<Concept>,
            rest: Value,
        }
    }
}

store::sealed_row! {
    /// That somebody may open a restricted record.
    pub row AccessRow opens Access patched by AccessPatch in "patient_access" id AccessId, keyed patient(patient_id) {
        clear { patient_id: PatientId, person_id: PersonId }
        sealed {}
    }
}

store::sealed_row! {
    /// That one record was merged into another, and what was before.
    pub row MergeRow opens Merge patched by MergePatch in "patient_merge" id MergeId, keyed patient(into_id) {
        clear { patient_id: PatientId, into_id: PatientId, made_at: Timestamp, undone_at: Option<Timestamp> }
        sealed { kept: Kept }
        secret [kept]
    }
}

store::sealed_row! {
    /// A number that others gave a patient.
    pub row IdentifierRow opens KnownIdentifier patched by IdentifierPatch in "patient_identifier" id IdentifierId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, active: bool }
        sealed { value: Identifier, masked: String }
    }
}

impl KnownIdentifier {
    /// One that is new and stands.
    #[must_use]
    pub fn new(id: IdentifierId, patient_id: PatientId, value: Identifier) -> Self {
        Self {
            id,
            row_version: 1,
            patient_id,
            kind: value.kind.code().to_owned(),
            active: true,
            masked: value.masked(),
            value,
        }
    }
}

store::sealed_row! {
    /// The same, masked: the number itself stays sealed.
    pub view MaskedRow opens MaskedIdentifier in "patient_identifier" id IdentifierId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, active: bool }
        sealed { masked: String }
    }
}

store::sealed_row! {
    /// A warning that must not be overlooked.
    pub row AlertRow opens Alert patched by AlertPatch in "patient_alert" id AlertId, keyed patient(patient_id) {
        clear { patient_id: PatientId, severity: String, active: bool }
        sealed { text: String }
    }
}

/// The one line that a list shows of an entry.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct EntrySummary {
    /// What it is.
    pub title: String,
    /// Its status, in the source's words.
    pub status: Option<String>,
    /// Whether it speaks of the present.
    pub current: bool,
    /// Whether the source took it back.
    pub in_error: bool,
    /// How dangerous, of an allergy.
    pub criticality: Option<String>,
    /// What happens, of an allergy.
    pub reaction: Option<String>,
    /// Of an allergy: that none is known.
    pub none_known: bool,
    /// What was measured, of a measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What whoever measured makes of it, where it is not "normal".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// When, as precisely as the source says.
    pub when: Option<Moment>,
    /// Who wrote it.
    pub author: Option<String>,
}

impl EntrySummary {
    /// The line of an entry.
    #[must_use]
    pub fn of(body: &EntryBody) -> Self {
        Self {
            title: body.title(),
            status: body.clinical_status.clone().or_else(|| body.status.clone()),
            current: body.is_current(),
            in_error: body.entered_in_error(),
            criticality: body.criticality.clone(),
            reaction: body.reactions.first().cloned(),
            none_known: body.is_no_known_allergy(),
            value: body.value_words(),
            flag: body.readings.iter().find_map(Reading::flag).map(str::to_owned),
            when: [&body.began, &body.recorded, &body.ended].into_iter().flatten().next().cloned(),
            author: body.authors.first().cloned(),
        }
    }

    /// What it is and, of a measurement, what came out.
    #[must_use]
    pub fn said(&self) -> String {
        self.value.as_ref().map_or_else(|| self.title.clone(), |value| format!("{} {value}", self.title))
    }

    /// The line of a resource that is kept as it came.
    #[must_use]
    pub fn kept(resource_type: &str) -> Self {
        Self {
            title: resource_type.to_owned(),
            status: None,
            current: false,
            in_error: false,
            criticality: None,
            reaction: None,
            none_known: false,
            value: None,
            flag: None,
            when: None,
            author: None,
        }
    }
}

/// What an entry holds: readable, or a resource kept as it came until its own room is built.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum EntryContent {
    /// Readable parts beside the source.
    Read(Box<EntryBody>),
    /// A resource kept whole; FHIR JSON as text.
    Kept {
        /// The source resource, byte for byte.
        source: String,
    },
}

impl EntryContent {
    /// The readable parts. A resource that was kept because it had no room then is read now, by the same
    /// reader that an import uses; `None` if it still has none.
    #[must_use]
    pub fn read(&self) -> Option<Cow<'_, EntryBody>> {
        match self {
            Self::Read(body) => Some(Cow::Borrowed(body)),
            Self::Kept { source } => fhir::entry_of(source).map(|entry| Cow::Owned(entry.body)),
        }
    }
}

store::sealed_row! {
    /// One entry of a record, whole.
    pub row EntryRow opens Entry patched by EntryPatch in "record_entry" id EntryId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, occurred_at: Option<Timestamp> }
        sealed { summary: EntrySummary, body: EntryContent }
    }
}

store::sealed_row! {
    /// One entry of a record, as a list shows it: its body stays sealed.
    pub view EntryLineRow opens EntryLine in "record_entry" id EntryId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, occurred_at: Option<Timestamp> }
        sealed { summary: EntrySummary }
    }
}

impl Patient {
    /// A new patient with these particulars.
    #[must_use]
    pub fn new(id: PatientId, known: Demographics) -> Self {
        let Demographics { names, birth, gender, pronouns, deceased, contacts, addresses, languages, marital, rest } =
            known;
        Self {
            id,
            row_version: 1,
            active: true,
            restricted: false,
            merged_into: None,
            passed: 0,
            names,
            birth,
            gender,
            pronouns,
            deceased,
            contacts,
            addresses,
            languages,
            marital,
            rest,
        }
    }

    /// The particulars, for reading and for forms.
    #[must_use]
    pub fn demographics(&self) -> Demographics {
        Demographics {
            names: self.names.clone(),
            birth: self.birth,
            gender: self.gender,
            pronouns: self.pronouns.clone(),
            deceased: self.deceased.clone(),
            contacts: self.contacts.clone(),
            addresses: self.addresses.clone(),
            languages: self.languages.clone(),
            marital: self.marital.clone(),
            rest: self.rest.clone(),
        }
    }
}

/// A patch that puts these particulars in place of those that stand; what is equal does not count as
/// a change.
#[must_use]
pub fn replacing(known: Demographics) -> PatientPatch {
    PatientPatch {
        active: None,
        restricted: None,
        merged_into: None,
        passed: None,
        names: Some(known.names),
        birth: Some(known.birth),
        gender: Some(known.gender),
        pronouns: Some(known.pronouns),
        deceased: Some(known.deceased),
        contacts: Some(known.contacts),
        addresses: Some(known.addresses),
        languages: Some(known.languages),
        marital: Some(known.marital),
        rest: Some(known.rest),
    }
}
