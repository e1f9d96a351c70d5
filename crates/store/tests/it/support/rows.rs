//! Row types on the real tables, declared here so that these tests need no room above.

use jiff::Timestamp;
use kernel::{PatientId, PersonId, PracticeId, SessionId};
use uuid::Uuid;

store::sealed_row! {
    pub row ListingRow opens Listing patched by ListingPatch in "practice_listing" id PracticeId, keyed practice {
        clear { slug: String, state: String }
        sealed {}
    }
}

store::sealed_row! {
    pub row PracticeRow opens Practice patched by PracticePatch in "practice" id PracticeId, keyed practice {
        clear { time_zone: String, country: String }
        sealed { name: String }
    }
}

store::sealed_row! {
    pub row PersonRow opens Person patched by PersonPatch in "person" id PersonId, keyed person(id) {
        clear { email_token: Vec<u8>, state: String, created_at: Timestamp, secured_at: Timestamp }
        sealed { display_name: String, email: String, language: Option<String>, password: String, totp: String }
        secret [password, totp]
    }
}

store::sealed_row! {
    pub row SessionRow opens Session patched by SessionPatch in "session" id SessionId, keyed person(person_id) {
        clear {
            token_hash: Vec<u8>,
            person_id: PersonId,
            entered: Option<PracticeId>,
            factors: String,
            created_at: Timestamp,
            expires_at: Timestamp,
            proved_at: Timestamp,
            ended_at: Option<Timestamp>,
            ended_why: Option<String>,
        }
        sealed { browser: String, source: String }
    }
}

store::sealed_row! {
    pub row MembershipRow opens Membership patched by MembershipPatch in "membership" id PersonId, keyed practice {
        clear { roles: String, status: String, joined_at: Timestamp, ended_at: Option<Timestamp> }
        sealed { display_name: String, email: String, title: Option<String> }
    }
}

store::sealed_row! {
    pub row PatientRow opens Patient patched by PatientPatch in "patient" id PatientId, keyed patient(id) {
        clear { active: bool }
        sealed {
            names: Vec<String>,
            birth: Option<String>,
            gender: Option<String>,
            pronouns: Option<String>,
            deceased: Option<String>,
            contacts: Vec<String>,
            addresses: Vec<String>,
            languages: Vec<String>,
            marital: Option<String>,
            rest: serde_json::Value,
        }
    }
}

store::sealed_row! {
    pub row AlertRow opens Alert patched by AlertPatch in "patient_alert" id kernel::AlertId, keyed patient(patient_id) {
        clear { patient_id: PatientId, severity: String, active: bool }
        sealed { text: String }
    }
}

store::sealed_row! {
    pub row IdentifierRow opens Identifier patched by IdentifierPatch in "patient_identifier" id kernel::IdentifierId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, active: bool }
        sealed { value: String, masked: String }
    }
}

store::sealed_row! {
    pub row EntryRow opens Entry patched by EntryPatch in "record_entry" id kernel::EntryId, keyed patient(patient_id) {
        clear { patient_id: PatientId, kind: String, occurred_at: Option<Timestamp> }
        sealed { summary: String, body: String }
    }
}

store::sealed_row! {
    pub row KeptRow opens Kept patched by KeptPatch in "kept_resource" id kernel::ResourceId, keyed practice {
        clear { resource_type: String }
        sealed { resource: String }
    }
}

store::sealed_row! {
    pub row RunRow opens Run patched by RunPatch in "import_run" id kernel::ImportId, keyed practice {
        clear {
            state: String, started_at: Timestamp, digest: Vec<u8>, added: i64, matched: i64,
            skipped: i64, rejected: i64,
        }
        sealed { source: String }
    }
}

store::sealed_row! {
    pub row CodeRow opens RecoveryCode patched by RecoveryCodePatch in "recovery_code" id Uuid, keyed person(person_id) {
        clear { person_id: PersonId, code_hash: Vec<u8>, created_at: Timestamp, used_at: Option<Timestamp> }
        sealed {}
    }
}

/// A patient of this name, and nothing else known.
pub fn patient(id: PatientId, name: &str) -> Patient {
    Patient {
        id,
        row_version: 1,
        active: true,
        names: vec![name.to_owned()],
        birth: None,
        gender: None,
        pronouns: None,
        deceased: None,
        contacts: Vec::new(),
        addresses: Vec::new(),
        languages: Vec::new(),
        marital: None,
        rest: serde_json::Value::Null,
    }
}
