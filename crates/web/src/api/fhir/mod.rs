//! FHIR R4: reading, searching and changing what the practice holds. What is there stands in one table
//! ([`practice::exchange::api::kinds`]); a file here for each kind of request.

mod answer;
mod bulk;
mod create;
mod everything;
mod history;
mod metadata;
mod question;
mod read;
mod search;
mod update;

use practice::exchange::api::ApiError as Failed;
use practice::exchange::api::bulk::{AskBulk, ReadBulk};
use practice::exchange::api::kinds::Kind;
use practice::patients::actions::{
    AddEntry, ChangeEntry, CreatePatient, EditPatient, FindPatient, OpenRecord, ReadClinical, ReadDirectory,
    ReadPatient,
};

use axum::http::{HeaderMap, StatusCode};

use self::question::Question;
use super::caller::{ApiCaller, ApiSent};
use super::outcome::{ApiError, IssueType};
use crate::extract::At;
use crate::limits::FORM_BYTES_MAX;
use crate::routes::{Allow, Change, Pages};

/// What one resource may weigh that a client sends.
const RESOURCE_BYTES_MAX: usize = 1024 * 1024;
/// The same of a document, which may carry its files.
const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The addresses of a type: one, its versions, many, many by POST.
macro_rules! typed {
    ($pages:expr, $($name:literal $id:literal $read:ty, $search:ty;)+) => {{
        let mut pages = $pages;
        $(if let Some(kind) = Kind::named($name) {
            pages = pages
                .api_read(
                    concat!("/fhir/r4/{practice}/", $name, "/{", $id, "}"),
                    Allow::client::<$read>(),
                    move |by: ApiCaller, at: At<(String, String)>, headers: HeaderMap, question: Question| {
                        read::one(kind, by, at, headers, question)
                    },
                )
                .api_read(
                    concat!("/fhir/r4/{practice}/", $name, "/{", $id, "}/_history"),
                    Allow::client::<$read>(),
                    move |by: ApiCaller, at: At<(String, String)>, headers: HeaderMap, question: Question| {
                        history::all(kind, by, at, headers, question)
                    },
                )
                .api_read(
                    concat!("/fhir/r4/{practice}/", $name, "/{", $id, "}/_history/{version}"),
                    Allow::client::<$read>(),
                    move |by: ApiCaller, at: At<(String, String, String)>, headers: HeaderMap, question: Question| {
                        history::one(kind, by, at, headers, question)
                    },
                )
                .api_read(
                    concat!("/fhir/r4/{practice}/", $name),
                    Allow::client::<$search>(),
                    move |by: ApiCaller, headers: HeaderMap, question: Question| search::get(kind, by, headers, question),
                )
                .api_change(
                    Change::Post,
                    FORM_BYTES_MAX,
                    concat!("/fhir/r4/{practice}/", $name, "/_search"),
                    Allow::client::<$search>(),
                    move |headers: HeaderMap, question: Question, sent: ApiSent| search::post(kind, headers, question, sent),
                );
        })+
        pages
    }};
}

/// The addresses at which entries of a type are added and changed.
macro_rules! written {
    ($pages:expr, $($name:literal $bytes:expr;)+) => {{
        let mut pages = $pages;
        $(if let Some(kind) = Kind::named($name) {
            pages = pages
                .api_change(
                    Change::Post,
                    $bytes,
                    concat!("/fhir/r4/{practice}/", $name),
                    Allow::client::<AddEntry>(),
                    move |headers: HeaderMap, question: Question, sent: ApiSent| create::entry(kind, headers, question, sent),
                )
                .api_change(
                    Change::Put,
                    $bytes,
                    concat!("/fhir/r4/{practice}/", $name, "/{entry}"),
                    Allow::client::<ChangeEntry>(),
                    move |at: At<(String, String)>, headers: HeaderMap, question: Question, sent: ApiSent| {
                        update::entry(kind, at, headers, question, sent)
                    },
                );
        })+
        pages
    }};
}

pub(super) fn routes(pages: Pages) -> Pages {
    let pages = pages
        .api_public("/fhir/r4/{practice}/metadata", metadata::show)
        .api_read("/fhir/r4/{practice}/$export", Allow::client::<AskBulk>(), bulk::system)
        .api_read("/fhir/r4/{practice}/Patient/$export", Allow::client::<AskBulk>(), bulk::patients)
        .api_read("/fhir/r4/{practice}/bulkstatus/{export}", Allow::client::<ReadBulk>(), bulk::status)
        .api_change(
            Change::Delete,
            FORM_BYTES_MAX,
            "/fhir/r4/{practice}/bulkstatus/{export}",
            Allow::client::<AskBulk>(),
            bulk::cancel,
        )
        .api_read("/fhir/r4/{practice}/bulkstatus/{export}/{piece}", Allow::client::<ReadBulk>(), bulk::file)
        .api_read("/fhir/r4/{practice}/Patient/{patient}/$everything", Allow::client::<OpenRecord>(), everything::show)
        .api_change(
            Change::Post,
            RESOURCE_BYTES_MAX,
            "/fhir/r4/{practice}/Patient",
            Allow::client::<CreatePatient>(),
            create::patient,
        )
        .api_change(
            Change::Put,
            RESOURCE_BYTES_MAX,
            "/fhir/r4/{practice}/Patient/{patient}",
            Allow::client::<EditPatient>(),
            update::patient,
        );
    let pages = written! { pages,
        "AllergyIntolerance" RESOURCE_BYTES_MAX;
        "Condition" RESOURCE_BYTES_MAX;
        "DocumentReference" DOCUMENT_BYTES_MAX;
        "Encounter" RESOURCE_BYTES_MAX;
        "Immunization" RESOURCE_BYTES_MAX;
        "MedicationRequest" RESOURCE_BYTES_MAX;
        "Observation" RESOURCE_BYTES_MAX;
        "Procedure" RESOURCE_BYTES_MAX;
    };
    typed! { pages,
        "AllergyIntolerance" "entry" ReadClinical, ReadClinical;
        "Condition" "entry" ReadClinical, ReadClinical;
        "Device" "entry" ReadClinical, ReadClinical;
        "DocumentReference" "entry" ReadClinical, ReadClinical;
        "Encounter" "entry" ReadClinical, ReadClinical;
        "Flag" "alert" OpenRecord, OpenRecord;
        "Immunization" "entry" ReadClinical, ReadClinical;
        "Location" "resource" ReadDirectory, ReadDirectory;
        "MedicationRequest" "entry" ReadClinical, ReadClinical;
        "Observation" "entry" ReadClinical, ReadClinical;
        "Organization" "resource" ReadDirectory, ReadDirectory;
        "Patient" "patient" ReadPatient, FindPatient;
        "Practitioner" "resource" ReadDirectory, ReadDirectory;
        "PractitionerRole" "resource" ReadDirectory, ReadDirectory;
        "Procedure" "entry" ReadClinical, ReadClinical;
        "RelatedPerson" "entry" ReadPatient, ReadPatient;
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Store(error) => error.into(),
            Failed::Invalid(words) => Self::bad_request(words),
            Failed::Unprocessable(reject) => {
                let at = if reject.field == "line" { String::new() } else { reject.field.clone() };
                let said = if at.is_empty() { format!("The body {}.", reject.reason) } else { format!("{reject}.") };
                let kind = if at.is_empty() { IssueType::Structure } else { IssueType::Invalid };
                let status = if at.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
                Self::new(status, kind, said).at(at)
            }
            Failed::Stale => {
                let words = "The resource is no longer at the version that was named. Read it again, then send the change again.";
                Self::new(StatusCode::PRECONDITION_FAILED, IssueType::Conflict, words)
            }
            Failed::Several => {
                let words = "More than one resource is meant. Say more, so that it is one.";
                Self::new(StatusCode::PRECONDITION_FAILED, IssueType::MultipleMatches, words)
            }
            Failed::TooMany { wait_seconds } => Self::throttled(u32::try_from(wait_seconds).unwrap_or(u32::MAX)),
        }
    }
}

/// The id in an address. What can be none of ours is nowhere.
fn id_of(text: &str) -> Result<uuid::Uuid, ApiError> {
    let id = uuid::Uuid::try_parse(text).map_err(|_| ApiError::missing())?;
    if id.hyphenated().to_string() == text { Ok(id) } else { Err(ApiError::missing()) }
}
