//! Codes of the record as words on the page. An unknown code shows as it is: a new action must
//! never make a page fail, only look unfinished until its text is written.

use crate::text::{say, say_with};

/// A role of a membership, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Team, money, figures; no clinical content.
    Owner,
    /// Like an owner, and patients' contacts; may not touch owners.
    Administrator,
    /// The clinical record.
    Practitioner,
    /// Contacts and the front desk.
    Reception,
    /// Money; finds patients, edits none.
    Finance,
}

impl Role {
    /// Every role, in the order of the team page.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Administrator, Self::Practitioner, Self::Reception, Self::Finance];

    /// What forms send, in the field `role`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Practitioner => "practitioner",
            Self::Reception => "reception",
            Self::Finance => "finance",
        }
    }

    /// The role of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Its name.
    #[must_use]
    pub fn label(self) -> String {
        say(match self {
            Self::Owner => "role-owner",
            Self::Administrator => "role-administrator",
            Self::Practitioner => "role-practitioner",
            Self::Reception => "role-reception",
            Self::Finance => "role-finance",
        })
    }

    /// What it allows, in a line.
    #[must_use]
    pub fn hint(self) -> String {
        say(match self {
            Self::Owner => "role-owner-hint",
            Self::Administrator => "role-administrator-hint",
            Self::Practitioner => "role-practitioner-hint",
            Self::Reception => "role-reception-hint",
            Self::Finance => "role-finance-hint",
        })
    }
}

/// Why an identifier is revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To treat the patient.
    Treatment,
    /// To make sure who it is.
    Identity,
    /// For a claim or an invoice.
    Billing,
    /// The patient asked.
    PatientAsked,
    /// A law or a court asks.
    Legal,
}

impl Purpose {
    /// Every purpose, in the order of the select.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Treatment, Self::Billing, Self::PatientAsked, Self::Legal];

    /// What forms send, in the field `purpose`, and what the audit keeps.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Identity => "identity",
            Self::Billing => "billing",
            Self::PatientAsked => "patient-asked",
            Self::Legal => "legal",
        }
    }

    /// The purpose of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }

    /// In words.
    #[must_use]
    pub fn label(self) -> String {
        say(match self {
            Self::Treatment => "purpose-treatment",
            Self::Identity => "purpose-identity",
            Self::Billing => "purpose-billing",
            Self::PatientAsked => "purpose-patient-asked",
            Self::Legal => "purpose-legal",
        })
    }
}

/// A kind of identifier, by its code.
#[must_use]
pub fn identifier_kind(code: &str) -> String {
    say(match code {
        "za-id" => "identifier-za-id",
        "au-medicare" => "identifier-au-medicare",
        "au-ihi" => "identifier-au-ihi",
        "nl-bsn" => "identifier-nl-bsn",
        "uk-nhs" => "identifier-uk-nhs",
        "us-ssn" => "identifier-us-ssn",
        "medical-aid" | "insurance" => "identifier-insurance",
        "national" => "identifier-national",
        "passport" => "identifier-passport",
        "driving-licence" => "identifier-driving-licence",
        "record-number" | "mrn" => "identifier-record-number",
        _ => "identifier-other",
    })
}

/// An administrative gender, by its FHIR code.
#[must_use]
pub fn gender(code: &str) -> Option<String> {
    Some(say(match code {
        "female" => "gender-female",
        "male" => "gender-male",
        "other" => "gender-other",
        "unknown" => "gender-unknown",
        _ => return None,
    }))
}

/// A kind of entry, for a heading: "Problems".
#[must_use]
pub fn entries(kind: &str) -> String {
    say(match kind {
        "problem" => "record-kind-problem",
        "medication" => "record-kind-medication",
        "allergy" => "record-kind-allergy",
        "document" => "record-kind-document",
        _ => return kind.to_owned(),
    })
}

/// A kind of entry, for one of them: "Problem".
#[must_use]
pub fn entry(kind: &str) -> String {
    say(match kind {
        "problem" => "entry-kind-problem",
        "medication" => "entry-kind-medication",
        "allergy" => "entry-kind-allergy",
        "document" => "entry-kind-document",
        _ => return kind.to_owned(),
    })
}

/// A kind with its count, for the filter: "Problems, 14"; an empty kind stands for all.
#[must_use]
pub fn entries_counted(kind: &str, count: u64) -> String {
    let kind = if kind.is_empty() { say("record-kind-all") } else { entries(kind) };
    say_with("record-kind-counted", &[("kind", &kind), ("count", &count)])
}

/// What was done, by the audit's action name.
#[must_use]
pub fn action(name: &str) -> String {
    let key = match name {
        "home.read" => "action-home-read",
        "patient.find" => "action-patient-find",
        "patient.lookup-identifier" => "action-patient-lookup",
        "patient.create" => "action-patient-create",
        "patient.read" => "action-patient-read",
        "patient.edit" => "action-patient-edit",
        "patient.record" | "clinical.read" => "action-clinical-read",
        "patient.audit" => "action-patient-audit",
        "identifier.reveal" => "action-identifier-reveal",
        "team.read" => "action-team-read",
        "team.invite" => "action-team-invite",
        "team.roles" => "action-team-roles",
        "team.remove" => "action-team-remove",
        "audit.read" => "action-audit-read",
        "practice.edit" => "action-practice-edit",
        "import" | "import.patient" | "import.entry" => "action-import",
        _ => return name.to_owned(),
    };
    say(key)
}

/// A field of a patient, by its name in the record.
#[must_use]
pub fn field(name: &str) -> String {
    let key = match name {
        "name" => "field-name",
        "given" => "patient-given",
        "family" => "patient-family",
        "preferred" | "preferred_name" => "patient-preferred",
        "pronouns" => "patient-pronouns",
        "birth" | "birth_date" => "patient-birth",
        "gender" => "patient-gender",
        "phone" | "phones" => "field-phones",
        "email" | "emails" => "field-emails",
        "address" | "addresses" => "patient-address",
        "identifier" | "identifiers" => "field-identifiers",
        "alert" | "alerts" => "field-alerts",
        "roles" => "field-roles",
        _ => return name.to_owned(),
    };
    say(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_role_or_purpose_leads_back_to_it() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_code(purpose.code()), Some(purpose));
        }
    }

    #[test]
    fn an_unknown_action_shows_as_it_is() {
        assert_eq!(action("diary.move"), "diary.move");
    }
}
