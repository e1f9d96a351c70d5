//! A program that a practice has let in, and what it does again and again.

use identity::clients::{DAYS_USUAL, NewClient, ProvesBy};
use kernel::{ClientId, PracticeId};
use practice::exchange::import::{ImportSettings, import_folder};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use store::Role;

use crate::browser::{Browser, Page};
use crate::site::Site;

/// Reads, searches and changes everything; sees no identifier.
pub(crate) const MASKED: &str = "system/*.cruds";
/// The same, and sees identifiers.
pub(crate) const WHOLE: &str = "system/*.cruds vouchsafe/identifier.reveal vouchsafe/identifier.lookup";

/// A program with its key.
pub(crate) struct Program {
    browser: Browser,
    key: String,
    pub(crate) id: ClientId,
    pub(crate) practice: PracticeId,
    pub(crate) base: String,
}

impl Program {
    /// One that a practice lets in with these scopes.
    pub(crate) async fn of(site: &Site, practice: PracticeId, scopes: &str) -> Self {
        let (id, key) = site.house.client(practice, scopes).await;
        let base = format!("/fhir/r4/{practice}");
        Self { browser: site.browser_elsewhere(), key: key.expose().clone(), id, practice, base }
    }

    /// Several that one owner lets in, one for each text of scopes.
    pub(crate) async fn each(site: &Site, practice: PracticeId, scopes: &[String]) -> Vec<Self> {
        let owner = site.house.actor(practice, &[Role::Owner]).await;
        let mut programs = Vec::new();
        for scope in scopes {
            let new = NewClient {
                name: site.house.unique("Connection"),
                scopes: scope.parse().unwrap(),
                days: DAYS_USUAL,
                proves_by: ProvesBy::Key,
            };
            let made = site.house.identity().make_client(&owner, &new, site.house.key()).await.unwrap();
            let key = made.key.unwrap().expose().clone();
            let base = format!("/fhir/r4/{practice}");
            programs.push(Self { browser: site.browser_elsewhere(), key, id: made.id, practice, base });
        }
        programs
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// A request below this practice's API.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let path = path.split_once(&self.base).map_or(path, |(_, rest)| rest.trim_start_matches('/'));
        self.browser.ask(method, &format!("{}/{path}", self.base)).bearer_auth(&self.key)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Page {
        self.browser.answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(self.ask(Method::GET, path)).await
    }

    /// Reads, and expects it to be there.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        page.json()
    }

    pub(crate) fn with_body(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.ask(method, path).header("content-type", "application/fhir+json").body(body.to_string())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Page {
        self.send(self.with_body(Method::POST, path, body)).await
    }

    pub(crate) async fn put(&self, path: &str, version: &str, body: &Value) -> Page {
        self.send(self.with_body(Method::PUT, path, body).header("if-match", version)).await
    }

    /// Adds a patient and gives it as it was answered.
    pub(crate) async fn add(&self, patient: &Value) -> Value {
        let page = self.post("Patient", patient).await;
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
        page.json()
    }
}

impl Page {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.body))
    }

    /// The code of the first issue, which every error has.
    pub(crate) fn issue(&self) -> String {
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", self.body);
        assert_eq!(self.header("content-type"), "application/fhir+json");
        outcome["issue"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// Somebody to add.
pub(crate) fn somebody(given: &str, family: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "name": [{"use": "official", "family": family, "given": [given]}],
        "birthDate": "1984-03-07", "gender": "female",
        "telecom": [{"system": "phone", "value": "082 555 0143"}, {"system": "email", "value": "ana@example.org"}],
    })
}

/// The number of a South African identity document that passes its check.
pub(crate) const NUMBER: &str = "8001015009087";
/// A system whose numbers nobody else knows.
pub(crate) const SYSTEM: &str = "http://example.org/card";

pub(crate) fn numbered(given: &str, family: &str) -> Value {
    let mut patient = somebody(given, family);
    patient["identifier"] = json!([{"use": "official", "system": SYSTEM, "value": NUMBER}]);
    patient
}

/// An entry of a record as a program would send it: of a type, about a patient.
pub(crate) fn entry_of(kind: &str, patient: &str) -> Value {
    let about = json!({"reference": format!("Patient/{patient}")});
    let concept = json!({"coding": [{"system": "http://example.org/codes", "code": "c-1"}], "text": "Something seen"});
    let mut resource = match kind {
        "AllergyIntolerance" => json!({"patient": about, "code": concept, "clinicalStatus": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}),
        "Condition" => json!({"subject": about, "code": concept}),
        "Device" => json!({"patient": about, "status": "active", "type": concept}),
        "DocumentReference" => json!({"status": "current", "subject": about, "type": concept,
            "content": [{"attachment": {"contentType": "text/plain", "data": "U2VlbiB0b2RheS4="}}]}),
        "Encounter" => {
            json!({"status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}, "subject": about, "type": [concept]})
        }
        "Immunization" => json!({"status": "completed", "patient": about, "vaccineCode": concept,
            "occurrenceDateTime": "2025-03-04"}),
        "MedicationRequest" => json!({"status": "active", "intent": "order", "subject": about,
            "medicationCodeableConcept": concept}),
        "Observation" => json!({"status": "final", "subject": about, "code": concept,
            "effectiveDateTime": "2025-03-04T10:00:00+02:00", "valueQuantity": {"value": 7.25, "unit": "mmol/L"}}),
        "Procedure" => json!({"status": "completed", "subject": about, "code": concept, "performedDateTime": "2025"}),
        "RelatedPerson" => json!({"patient": about, "name": [{"family": "Guardian"}]}),
        _ => panic!("no entry of a record: {kind}"),
    };
    resource["resourceType"] = json!(kind);
    resource
}

/// The ids of what a bundle matched.
pub(crate) fn matched(bundle: &Value) -> Vec<String> {
    assert_eq!(bundle["type"], "searchset", "{bundle}");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let meant = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
    meant.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

/// The address of the next page.
pub(crate) fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    links.iter().find(|link| link["relation"] == "next").map(|link| link["url"].as_str().unwrap().to_owned())
}

/// Brings files in, and gives nothing: what came of them is asked for.
pub(crate) async fn bring_in(site: &Site, practice: PracticeId, files: &[(&str, &[Value])]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, resources) in files {
        let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
        std::fs::write(folder.path().join(format!("{name}.ndjson")), lines.join("\n")).unwrap();
    }
    let settings = ImportSettings { source: site.house.unique("fhir"), dry_run: false, named: Vec::new() };
    import_folder(&site.house.store, practice, folder.path(), &settings, &mut |_| {}).await.unwrap();
}
