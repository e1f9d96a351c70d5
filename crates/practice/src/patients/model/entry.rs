//! One entry of a record as it is read: an allergy, a medication, a problem, a visit, a document. The
//! source resource is kept whole beside the readable parts, so that nothing is dropped.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codes::{codes, personal};
use super::finding::{Reading, readings_words};
use super::{Concept, Moment, is_blank};

codes! {
    /// What kind of entry it is. Stored in the clear: it says nothing of anyone.
    EntryKind {
        Allergy = "allergy",
        Medication = "medication",
        Problem = "problem",
        Document = "document",
        Immunisation = "immunisation",
        Observation = "observation",
        Procedure = "procedure",
        Visit = "visit",
    }
}

impl EntryKind {
    /// The word on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Allergy => "Allergy",
            Self::Medication => "Medication",
            Self::Problem => "Problem",
            Self::Document => "Document",
            Self::Immunisation => "Immunisation",
            Self::Observation => "Measurement or finding",
            Self::Procedure => "Procedure",
            Self::Visit => "Visit",
        }
    }

    /// The FHIR resource that it is read from.
    #[must_use]
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::Allergy => "AllergyIntolerance",
            Self::Medication => "MedicationRequest",
            Self::Problem => "Condition",
            Self::Document => "DocumentReference",
            Self::Immunisation => "Immunization",
            Self::Observation => "Observation",
            Self::Procedure => "Procedure",
            Self::Visit => "Encounter",
        }
    }

    /// The kind that is read from a resource of this type.
    #[must_use]
    pub fn of_resource(resource_type: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.resource_type() == resource_type)
    }

    /// The kind of a stored entry: by its code, or by the type of a resource that was kept as it came
    /// because it had no room then.
    #[must_use]
    pub fn of_stored(code: &str) -> Option<Self> {
        Self::from_code(code).or_else(|| Self::of_resource(code))
    }
}

codes! {
    /// Why an attachment is not shown as text.
    Unread {
        NotText = "not-text",
        Elsewhere = "elsewhere",
        Charset = "charset",
        Damaged = "damaged",
    }
}

impl Unread {
    /// The sentence on screen.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotText => "This file is kept and is not text: it cannot be read here.",
            Self::Elsewhere => "The source gave only the address of this file, not the file.",
            Self::Charset => "This text is kept; its characters could not be read with the character set it names.",
            Self::Damaged => "This file arrived damaged: its base64 could not be decoded.",
        }
    }
}

/// A file of a document. Text is decoded; anything else stays in [`EntryBody::source`].
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Attachment {
    /// The media type as the source wrote it, its charset included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The file's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text, exactly as it was encoded: not normalised, line ends as they came. What renders
    /// it escapes it, whatever the media type says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why there is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
    /// Size of the file in bytes, if it came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether the base64 was taken out of [`EntryBody::source`], because `text` is the same
    /// bytes. See [`EntryBody::resource`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
}

/// What an entry says. The whole of it is one sealed column.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EntryBody {
    /// What it is about: the substance, the medication, the problem, the type of document.
    #[serde(default)]
    pub concept: Concept,
    /// A name that the source gave this very document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `status` of whatever has one ("active", "stopped", "superseded", "final", "not-done").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `docStatus` of a document ("preliminary", "final", "amended", "entered-in-error").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_status: Option<String>,
    /// What a medication request is for: "order", "plan", "proposal".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Clinical status of an allergy or problem ("active", "resolved").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinical_status: Option<String>,
    /// Verification status of an allergy or problem ("confirmed", "entered-in-error").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_status: Option<String>,
    /// How much harm an allergy may do: "low", "high", "unable-to-assess".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<String>,
    /// How severe a problem is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Categories, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// How an allergy shows itself, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<String>,
    /// How a medication is taken, one line for each instruction; how much of a vaccine was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dosage: Vec<String>,
    /// Why: of a medication, a visit, a procedure, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// FHIR `doNotPerform`: the medication must *not* be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_give: bool,
    /// The source changed the meaning of the entry in a way this program does not know (FHIR
    /// `modifierExtension`, `implicitRules`): show it with a warning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub qualified: bool,
    /// What was measured or found: the observation's own value first, then its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
    /// Which part of the body, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// How it was done, in words: a method, a route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// What came of it, in words: outcome, complications, how a stay ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<String>,
    /// Why the status is what it is: why something was not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_reasons: Vec<String>,
    /// Where it happened, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Who made a vaccine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
    /// The batch of a vaccine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// Until when the batch was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// Who wrote, ordered, did or recorded it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Which organisation keeps it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custodian: Option<String>,
    /// When it happened, began or was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// When it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Moment>,
    /// When, where the source said it otherwise than by a date ("childhood", "age 42 years").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_words: Option<String>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The files of a document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The source resource as JSON text, byte for byte as it came, but for the base64 of the
    /// attachments that are [`Attachment::lifted`]: there it is an empty text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl EntryBody {
    /// The one line of a list. Clinical content: never in a page's title, mail, or address.
    #[must_use]
    pub fn title(&self) -> String {
        let described = self.description.as_deref().filter(|text| !is_blank(text));
        let what = described.or_else(|| self.concept.words()).unwrap_or("No description");
        if self.do_not_give {
            format!("Do not give: {what}")
        } else if self.was_not_done() {
            format!("Not done: {what}")
        } else {
            what.to_owned()
        }
    }

    /// Whether it says that something was *not* done: a vaccine not given, a procedure left out.
    #[must_use]
    pub fn was_not_done(&self) -> bool {
        self.status.as_deref() == Some("not-done")
    }

    /// What was measured, in one line: "120/80 mmHg".
    #[must_use]
    pub fn value_words(&self) -> Option<String> {
        readings_words(&self.readings, &self.concept)
    }

    /// Whether an allergy says that there is none: SNOMED CT's "No known allergy (situation)", the code that
    /// FHIR R4 names for it in the value set of `AllergyIntolerance.code`.
    #[must_use]
    pub fn is_no_known_allergy(&self) -> bool {
        let snomed = |system: &Option<String>| system.as_deref() == Some("http://snomed.info/sct");
        self.concept.coding.iter().any(|coding| snomed(&coding.system) && coding.code.as_deref() == Some("716186003"))
    }

    /// Whether the source took the entry back: it must not be read as true.
    #[must_use]
    pub fn entered_in_error(&self) -> bool {
        let is = |status: &Option<String>| status.as_deref() == Some("entered-in-error");
        is(&self.status) || is(&self.verification_status) || is(&self.document_status)
    }

    /// Whether the entry speaks of the present: not resolved, stopped, superseded, refuted or in
    /// error. What does not say counts as present.
    #[must_use]
    pub fn is_current(&self) -> bool {
        const PAST: [&str; 8] =
            ["inactive", "resolved", "remission", "stopped", "completed", "cancelled", "superseded", "refuted"];
        let past = |status: &Option<String>| status.as_deref().is_some_and(|status| PAST.contains(&status));
        !(self.entered_in_error()
            || past(&self.status)
            || past(&self.clinical_status)
            || past(&self.verification_status))
    }

    /// The text of all files that are text, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.attachments.iter().filter_map(|attachment| attachment.text.as_deref())
    }

    /// The source resource again, with the lifted attachments put back.
    ///
    /// # Errors
    /// The stored source is not JSON.
    pub fn resource(&self) -> Result<Value, serde_json::Error> {
        use base64::Engine as _;
        let mut resource: Value = serde_json::from_str(&self.source)?;
        for (at, attachment) in self.attachments.iter().enumerate().filter(|(_, attachment)| attachment.lifted) {
            let text = attachment.text.as_deref().unwrap_or_default();
            if let Some(data) = resource.pointer_mut(&format!("/content/{at}/attachment/data")) {
                *data = Value::String(base64::engine::general_purpose::STANDARD.encode(text));
            }
        }
        Ok(resource)
    }
}

personal!(Attachment, EntryBody);
