//! Every address of the API × every scope by itself, against policy/scopes.md, a table that a privacy officer
//! can read. `UPDATE_SNAPSHOTS=1` writes it anew; look at what changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use store::{FhirType, Interaction, Role, Scopes};
use web::routes::{Allow, Route, routes};

use super::program::entry_of;
use super::{Program, WHOLE, bring_in, matched, somebody};
use crate::site::Site;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policy/scopes.md");
const LETTERS: &str = "cruds";
/// An id that is nobody's.
const NOBODY: &str = "0198a1b2-0000-7000-8000-000000000001";

/// Every scope that there is, by itself.
fn scopes() -> Vec<String> {
    let types: Vec<&str> = FhirType::ALL.into_iter().filter_map(FhirType::code).chain(["*"]).collect();
    let mut scopes: Vec<String> =
        types.iter().flat_map(|kind| LETTERS.chars().map(move |letter| format!("system/{kind}.{letter}"))).collect();
    scopes.extend(["vouchsafe/identifier.reveal", "vouchsafe/identifier.lookup", "system/*.rs"].map(str::to_owned));
    scopes
}

/// Things of the practice, by the names that addresses have for them.
struct Things {
    patient: String,
    flag: String,
    /// The first resource of each type.
    of: BTreeMap<&'static str, String>,
}

impl Things {
    async fn of(site: &Site, program: &Program) -> Self {
        const ENTRIES: [&str; 10] = [
            "AllergyIntolerance",
            "Condition",
            "Device",
            "DocumentReference",
            "Encounter",
            "Immunization",
            "MedicationRequest",
            "Observation",
            "Procedure",
            "RelatedPerson",
        ];
        const KEPT: [&str; 4] = ["Location", "Organization", "Practitioner", "PractitionerRole"];
        let mut files =
            vec![("Patient", vec![json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Scoped"}]})])];
        for kind in ENTRIES {
            let mut entry = entry_of(kind, "p");
            entry["id"] = json!("e");
            files.push((kind, vec![entry]));
        }
        for kind in KEPT {
            files.push((kind, vec![json!({"resourceType": kind, "id": "k"})]));
        }
        let files: Vec<_> = files.iter().map(|(name, resources)| (*name, resources.as_slice())).collect();
        bring_in(site, program.practice, &files).await;
        let patient = matched(&program.json("Patient?family=scoped").await).remove(0);
        let doctor = site.house.actor(program.practice, &[Role::Practitioner]).await;
        let (weight, id) = (practice::patients::writes::Severity::High, patient.parse().unwrap());
        practice::patients::writes::add_alert(&site.house.store, &doctor, site.house.key(), id, weight, "Scoped")
            .await
            .unwrap();
        let mut of = BTreeMap::new();
        for kind in ENTRIES {
            of.insert(kind, matched(&program.json(&format!("{kind}?patient={patient}")).await).remove(0));
        }
        for kind in KEPT {
            of.insert(kind, matched(&program.json(kind).await).remove(0));
        }
        let flag = matched(&program.json(&format!("Flag?patient={patient}")).await).remove(0);
        Self { patient, flag, of }
    }

    /// What an address is asked with, so that nothing but the permission can be missing. `None`: it is no
    /// address at which a scope is asked.
    fn request(&self, program: &Program, route: &Route) -> Option<reqwest::RequestBuilder> {
        let path = route.path.strip_prefix("/fhir/r4/{practice}/")?;
        let kind = path.split('/').next()?;
        let own = self.of.get(kind).map_or(self.patient.as_str(), String::as_str);
        let path = path.replace("{patient}", &self.patient).replace("{alert}", &self.flag);
        let path = path
            .replace("{export}", NOBODY)
            .replace("{piece}", NOBODY)
            .replace("{entry}", own)
            .replace("{resource}", own)
            .replace("{version}", "1");
        let about = format!("patient={}", self.patient);
        let question = match kind {
            "Patient" => "family=scoped",
            "Location" | "Organization" | "Practitioner" | "PractitionerRole" => "",
            _ => &about,
        };
        let body = || {
            let mut body = if kind == "Patient" { somebody("Ana", "Sent") } else { entry_of(kind, &self.patient) };
            body["id"] = json!(own);
            body
        };
        Some(match route.method.as_str() {
            "GET" if path.ends_with("$export") => program.ask(Method::GET, &path).header("prefer", "respond-async"),
            "GET" if !path.contains('/') => program.ask(Method::GET, &format!("{path}?{question}")),
            "POST" if path.ends_with("/_search") => program
                .ask(Method::POST, &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(question.to_owned()),
            "POST" => program.with_body(Method::POST, &path, &body()),
            // Of a version that never was, so that nothing is changed.
            "PUT" => program.with_body(Method::PUT, &path, &body()).header("if-match", "W/\"99\""),
            method => program.ask(method.parse().unwrap(), &path),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_api_opens_with_the_scopes_that_the_matrix_says_and_no_other() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let things = Things::of(&site, &Program::of(&site, practice, WHOLE).await).await;
    let scopes = scopes();
    let programs = Program::each(&site, practice, &scopes).await;
    let mut table: Vec<Route> = routes().into_iter().filter(|route| matches!(route.allow, Allow::Client(_))).collect();
    table.sort_by_key(|route| (route.path, route.method.to_string()));
    let mut page = String::from(INTRODUCTION);
    for route in &table {
        let mut opened: Vec<&str> = Vec::new();
        let asked = programs.chunks(16).zip(scopes.chunks(16));
        for (programs, scopes) in asked {
            let answers = join_all(programs.iter().map(async |program| {
                let request = things.request(program, route).unwrap_or_else(|| panic!("{} has no probe", route.path));
                program.send(request).await
            }))
            .await;
            for (scope, answer) in scopes.iter().zip(answers) {
                match answer.status {
                    StatusCode::FORBIDDEN => assert_eq!(answer.issue(), "forbidden"),
                    StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::PRECONDITION_FAILED => {
                        opened.push(scope);
                    }
                    // An export of nobody's: whoever may have exports is told that there is none.
                    StatusCode::NOT_FOUND if route.path.contains("bulkstatus") => opened.push(scope),
                    other => panic!("{} {} with {scope}: {other} {}", route.method, route.path, answer.body),
                }
            }
        }
        for scope in &opened {
            assert!(fits(scope, route), "{scope} opens {} {}", route.method, route.path);
        }
        let opened: Vec<String> = opened.iter().map(|scope| format!("`{scope}`")).collect();
        let shown = route.path.trim_start_matches("/fhir/r4/{practice}/");
        let said = if opened.is_empty() { "none by itself".to_owned() } else { opened.join(", ") };
        let _ = writeln!(page, "| {} `{shown}` | {said} |", route.method);
    }
    let _ = writeln!(page, "\n{} addresses, each asked with {} scopes.", table.len(), scopes.len());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &page).unwrap();
    }
    let kept = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(kept == page, "policy/scopes.md is not what the program does; UPDATE_SNAPSHOTS=1 writes it anew:\n{page}");
}

/// Whatever the page says: a scope opens nothing of another type than its own, and changes nothing unless it
/// has the letter for it.
fn fits(scope: &str, route: &Route) -> bool {
    let path = route.path.trim_start_matches("/fhir/r4/{practice}/");
    let scopes: Scopes = scope.parse().unwrap();
    let letter = match (route.method.as_str(), path) {
        ("GET", path) if path.contains('/') => Interaction::Read,
        ("POST", path) if !path.contains('/') => Interaction::Create,
        ("PUT", _) => Interaction::Update,
        _ => Interaction::Search,
    };
    // What is taken out in bulk is for whoever may read and search a type.
    if path.contains("$export") || path.starts_with("bulkstatus") {
        return scope == "system/*.rs";
    }
    scopes.allows(FhirType::of(path.split('/').next().unwrap_or_default()), letter)
}

const INTRODUCTION: &str = "# Which scope opens which address of the API

Made by `crates/web/tests/it/fhir/scopes.rs` from the running program; a test keeps it true. Each address was asked with
each scope by itself, as a program would that has no other. Those that are not named were refused, and that they asked
is recorded. A program with several scopes may do what one of them opens. No scope opens a record that is open to named
people only, another practice's, or a number that is masked (`vouchsafe/identifier.reveal` shows numbers in what other
scopes open, and opens nothing by itself). Everybody may read `metadata` and `.well-known/smart-configuration`.

| address | opened by |
|---|---|
";
