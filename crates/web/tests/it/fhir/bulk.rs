//! Bulk data, as a program meets it; the job is driven by hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use kernel::PracticeId;
use practice::exchange::api::bulk::making::{go_on, step};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Ended, Role, Versioned};

use super::program::{NUMBER, SYSTEM, entry_of};
use super::{MASKED, Program, WHOLE, bring_in, matched, numbered};
use crate::browser::Page;
use crate::site::Site;

/// Does what is due of a practice; gives what became of each work.
pub(crate) async fn work_off(site: &Site, practice: PracticeId) -> Vec<Ended> {
    let store = &site.house.store;
    let mut done = Vec::new();
    for id in store.due_work(practice).await.unwrap() {
        if let Some(claim) = store.claim(practice, id).await.unwrap() {
            let ended = go_on(store, &claim).await.unwrap();
            store.settle(&claim, Ok(ended)).await.unwrap();
            done.push(ended);
        }
    }
    done
}

impl Program {
    async fn begin(&self, path: &str) -> Page {
        self.send(self.ask(Method::GET, path).header("prefer", "respond-async")).await
    }

    /// Asks for an export and gives where it is waited for.
    async fn exports(&self, path: &str) -> String {
        let begun = self.begin(path).await;
        assert_eq!((begun.status, begun.body.as_str()), (StatusCode::ACCEPTED, ""), "{path}");
        begun.header("content-location").to_owned()
    }

    /// The lines of a file.
    async fn lines(&self, url: &str) -> Vec<Value> {
        let page = self.get(url).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (StatusCode::OK, "application/fhir+ndjson"),
            "{}",
            page.body
        );
        page.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Everything of an export that is complete, by type.
    async fn fetch(&self, status: &str) -> BTreeMap<String, Vec<Value>> {
        let manifest = self.json(status).await;
        let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for file in manifest["output"].as_array().unwrap() {
            let lines = self.lines(file["url"].as_str().unwrap()).await;
            assert_eq!(file["count"], lines.len());
            let kind = file["type"].as_str().unwrap();
            assert!(lines.iter().all(|line| line["resourceType"] == kind));
            all.entry(kind.to_owned()).or_default().extend(lines);
        }
        all
    }
}

fn ids(resources: &[Value]) -> BTreeSet<String> {
    resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// A practice with two patients, their entries and its own people.
async fn filled(site: &Site, practice: PracticeId) {
    let about = |kind: &str, id: &str, whom: &str| {
        let mut entry = entry_of(kind, whom);
        entry["id"] = json!(id);
        entry
    };
    bring_in(
        site,
        practice,
        &[
            (
                "Patient",
                &[
                    json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Bulk", "given": ["Ana"]}],
                        "identifier": [{"system": SYSTEM, "value": NUMBER}]}),
                    json!({"resourceType": "Patient", "id": "q", "name": [{"family": "Verschwiegen"}]}),
                ],
            ),
            ("Encounter", &[about("Encounter", "e", "p")]),
            (
                "Condition",
                &[
                    {
                        let mut one = about("Condition", "c1", "p");
                        one["encounter"] = json!({"reference": "Encounter/e"});
                        one
                    },
                    about("Condition", "c2", "q"),
                ],
            ),
            ("Practitioner", &[json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Ng"}]})]),
        ],
    )
    .await;
}

#[tokio::test]
async fn everything_is_asked_for_waited_for_and_fetched_as_it_is_read_one_by_one() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (seeing, blind) = (Program::of(&site, practice, WHOLE).await, Program::of(&site, practice, MASKED).await);
    filled(&site, practice).await;
    for (program, path, kept) in [(&seeing, "$export", true), (&blind, "Patient/$export", false)] {
        let status = program.exports(path).await;
        let waiting = program.get(&status).await;
        assert_eq!((waiting.status, waiting.header("retry-after")), (StatusCode::ACCEPTED, "5"));
        assert!(waiting.header("x-progress").ends_with("resources"), "{}", waiting.header("x-progress"));
        assert!(matches!(work_off(&site, practice).await.as_slice(), [Ended::Later(_)]));
        let ready = program.get(&status).await;
        assert_eq!(
            (ready.status, ready.header("content-type")),
            (StatusCode::OK, "application/json"),
            "{}",
            ready.body
        );
        assert!(ready.has("expires"));
        let manifest = ready.json();
        assert_eq!(manifest["requiresAccessToken"], true);
        assert!(manifest["request"].as_str().unwrap().ends_with(path));
        assert_eq!(manifest["error"], json!([]));
        let all = program.fetch(&status).await;
        let types: Vec<&str> = all.keys().map(String::as_str).collect();
        let mut expected = vec!["Condition", "Encounter", "Patient"];
        expected.extend(kept.then_some("Practitioner"));
        assert_eq!(types, expected);
        // Each resource is the one that is read by its id.
        for (kind, resources) in &all {
            for resource in resources {
                let path = format!("{kind}/{}", resource["id"].as_str().unwrap());
                assert_eq!(resource, &program.json(&path).await);
            }
        }
        assert_eq!(ids(&all["Patient"]), matched(&program.json("Patient").await).into_iter().collect());
        let text = json!(all).to_string();
        assert_eq!(text.contains(NUMBER), kept, "masked is masked here too");
    }
}

#[tokio::test]
async fn what_is_wanted_of_an_export_is_understood_or_refused() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    filled(&site, practice).await;
    for (question, code) in [
        ("$export?_type=Condition,Claim", "invalid"),
        ("Patient/$export?_type=Practitioner", "invalid"),
        ("$export?_type=", "invalid"),
        ("$export?_outputFormat=text/csv", "invalid"),
        ("$export?_since=yesterday", "invalid"),
        ("$export?_typeFilter=Condition?code=x", "invalid"),
        ("$export?_elements=id", "invalid"),
        ("$export?patient=Patient/1", "invalid"),
    ] {
        let page = program.begin(question).await;
        assert_eq!((page.status, page.issue().as_str()), (StatusCode::BAD_REQUEST, code), "{question}");
    }
    let without = program.get("$export").await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST, "it is asked for by whoever can wait");
    let lenient = program.ask(Method::GET, "$export?_type=Condition,Claim&_elements=id");
    let lenient = program.send(lenient.header("prefer", "respond-async, handling=lenient")).await;
    assert_eq!(lenient.status, StatusCode::ACCEPTED, "{}", lenient.body);
    work_off(&site, practice).await;
    let all = program.fetch(lenient.header("content-location")).await;
    assert_eq!(all.keys().collect::<Vec<_>>(), ["Condition"]);

    site.house.wait(SignedDuration::from_mins(5));
    let since = site.house.store.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut patient = program.json("Patient?family=bulk").await["entry"][0]["resource"].clone();
    patient["gender"] = json!("other");
    let path = format!("Patient/{}", patient["id"].as_str().unwrap());
    let version = patient["meta"]["versionId"].as_str().unwrap().to_owned();
    assert_eq!(program.put(&path, &version, &patient).await.status, StatusCode::OK);
    let status = program.exports(&format!("$export?_since={since}&_outputFormat=application/fhir%2Bndjson")).await;
    work_off(&site, practice).await;
    let all = program.fetch(&status).await;
    assert_eq!(all.iter().map(|(kind, found)| (kind.as_str(), found.len())).collect::<Vec<_>>(), [("Patient", 1)]);
}

#[tokio::test]
async fn an_export_has_what_its_scopes_open_and_is_for_the_one_who_asked() {
    let site = Site::open().await;
    let (practice, other) = (site.house.practice().await, site.house.practice().await);
    filled(&site, practice).await;
    let narrow = Program::of(&site, practice, "system/Patient.rs system/Condition.r").await;
    let status = narrow.exports("$export").await;
    work_off(&site, practice).await;
    assert_eq!(
        narrow.fetch(&status).await.keys().collect::<Vec<_>>(),
        ["Patient"],
        "searching conditions is not open to it"
    );
    assert_eq!(narrow.begin("$export?_type=Condition").await.status, StatusCode::FORBIDDEN);
    let nothing = Program::of(&site, practice, "system/Patient.cu").await;
    assert_eq!(nothing.begin("$export").await.status, StatusCode::FORBIDDEN);
    assert_eq!(nothing.get(&status).await.status, StatusCode::FORBIDDEN);

    let manifest = narrow.json(&status).await;
    let file = manifest["output"][0]["url"].as_str().unwrap().to_owned();
    let beside = Program::of(&site, practice, WHOLE).await;
    let elsewhere = Program::of(&site, other, WHOLE).await;
    for path in [&status, &file] {
        assert_eq!(beside.get(path).await.status, StatusCode::NOT_FOUND, "what one asked for is for no other");
        let there = path.replace(&practice.to_string(), &other.to_string());
        assert_eq!(elsewhere.get(&there).await.status, StatusCode::NOT_FOUND);
        assert_eq!(narrow.send(narrow.ask(Method::GET, path).bearer_auth("x")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(beside.send(beside.ask(Method::DELETE, &status)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(narrow.get(&file).await.status, StatusCode::OK, "it is still there");
    // Another practice's records are in no export.
    filled(&site, other).await;
    let own = beside.exports("$export").await;
    work_off(&site, practice).await;
    let theirs = matched(&elsewhere.json("Patient").await);
    let text = json!(beside.fetch(&own).await).to_string();
    assert!(theirs.iter().all(|id| !text.contains(id)));
}

#[tokio::test]
async fn a_restricted_record_is_in_no_export() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    filled(&site, practice).await;
    let shut = matched(&program.json("Patient?family=Verschwiegen").await).remove(0);
    let open = matched(&program.json("Patient?family=bulk").await).remove(0);
    let doctor = site.house.actor(practice, &[Role::Practitioner]).await;
    let weight = practice::patients::writes::Severity::High;
    let id = shut.parse().unwrap();
    practice::patients::writes::add_alert(&site.house.store, &doctor, site.house.key(), id, weight, "Verschwiegen")
        .await
        .unwrap();
    let named = doctor.person().unwrap();
    practice::patients::standing::writes::restrict(
        &site.house.store,
        &doctor,
        site.house.key(),
        id,
        Versioned(1),
        &[named],
    )
    .await
    .unwrap();
    for path in ["$export", "Patient/$export"] {
        let status = program.exports(path).await;
        work_off(&site, practice).await;
        let all = program.fetch(&status).await;
        assert_eq!(ids(&all["Patient"]), BTreeSet::from([open.clone()]));
        assert_eq!(all["Condition"].len(), 1);
        assert!(!all.contains_key("Flag"));
        let text = json!(all).to_string();
        assert!(!text.contains(&shut) && !text.contains("Verschwiegen"), "{text}");
    }
}

#[tokio::test]
async fn an_export_is_taken_up_where_it_was_left_and_each_patient_in_it_is_in_the_log() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    // More than one batch.
    let people: Vec<Value> = (0..450)
        .map(|at| json!({"resourceType": "Patient", "id": format!("p{at}"), "name": [{"family": format!("Many{at}")}]}))
        .collect();
    bring_in(&site, practice, &[("Patient", &people)]).await;
    filled(&site, practice).await;
    let status = program.exports("$export").await;
    let store = &site.house.store;
    // One that is told to stop goes after the piece that it is at.
    let id = store.due_work(practice).await.unwrap().remove(0);
    let claim = store.claim(practice, id).await.unwrap().unwrap();
    claim.tell_to_stop();
    assert_eq!(go_on(store, &claim).await.unwrap(), Ended::Stopped);
    store.settle(&claim, Ok(Ended::Stopped)).await.unwrap();
    // One that dies holds its claim until the lease ends, and writes nothing after.
    site.house.wait(SignedDuration::from_mins(2));
    let id = store.due_work(practice).await.unwrap().remove(0);
    let dead = store.claim(practice, id).await.unwrap().unwrap();
    for _ in 0..8 {
        assert_eq!(step(store, &dead).await.unwrap(), None);
    }
    let told = program.get(&status).await.header("x-progress").to_owned();
    assert!(!told.starts_with("0 "), "it got on: {told}");
    site.house.wait(SignedDuration::from_mins(2));
    let alive = store.claim(practice, id).await.unwrap().unwrap();
    assert!(step(store, &dead).await.is_err(), "whoever lost the claim writes nothing");
    let ended = go_on(store, &alive).await.unwrap();
    assert!(matches!(ended, Ended::Later(_)));
    store.settle(&alive, Ok(ended)).await.unwrap();

    let all = program.fetch(&status).await;
    assert_eq!(ids(&all["Patient"]).len(), 452);
    assert_eq!(all["Patient"].len(), 452, "nobody twice");
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select count(distinct s.patient_id) from audit_subject s join audit_event e
               on e.practice_id = s.practice_id and e.event_id = s.event_id
               where s.practice_id = $1 and e.action like 'bulk.gather%' and e.field = 'Patient'";
    let told: i64 = database.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0);
    assert_eq!(told, 452);
    let count = async |sql: &str| -> i64 {
        let sql = format!(
            "select count(*) from audit_event where practice_id = $1 and record_kind = 'bulk-export' and {sql}"
        );
        database.query_one(&sql, &[&practice.uuid()]).await.unwrap().get(0)
    };
    assert_eq!(count("field = 'asked' and action = 'record.export' and actor_kind = 4").await, 1);
    assert_eq!(count("field = 'complete' and action = 'bulk.lay-down' and actor_kind = 2").await, 1);
    let files = program.json(&status).await["output"].as_array().unwrap().len();
    let fetched = count("action = 'record.export' and field like '% %' and actor_kind = 4").await;
    assert_eq!(usize::try_from(fetched).unwrap(), files, "each file that was fetched");
}

#[tokio::test]
async fn an_export_is_cancelled_ends_with_its_day_and_with_the_program() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    filled(&site, practice).await;
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let pieces = async || -> i64 {
        let sql = "select count(*) from bulk_piece where practice_id = $1";
        database.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0)
    };
    // Complete, and cancelled.
    let status = program.exports("$export").await;
    work_off(&site, practice).await;
    assert!(pieces().await > 0);
    let delete = |path: &str| program.ask(Method::DELETE, path);
    assert_eq!(program.send(delete(&status)).await.status, StatusCode::ACCEPTED);
    assert_eq!((program.get(&status).await.status, pieces().await), (StatusCode::NOT_FOUND, 0));
    assert_eq!(program.send(delete(&status)).await.status, StatusCode::NOT_FOUND);
    work_off(&site, practice).await;
    // Cancelled before anything was made.
    let status = program.exports("$export").await;
    assert_eq!(program.send(delete(&status)).await.status, StatusCode::ACCEPTED);
    work_off(&site, practice).await;
    assert_eq!((program.get(&status).await.status, pieces().await), (StatusCode::NOT_FOUND, 0));
    // Its day is over.
    let status = program.exports("$export").await;
    work_off(&site, practice).await;
    let file = program.json(&status).await["output"][0]["url"].as_str().unwrap().to_owned();
    site.house.wait(SignedDuration::from_hours(25));
    for path in [&status, &file] {
        assert_eq!(program.get(path).await.status, StatusCode::NOT_FOUND, "also before the job has come by");
    }
    assert!(pieces().await > 0);
    assert_eq!(work_off(&site, practice).await, [Ended::Finished]);
    assert_eq!(pieces().await, 0);
    // Not too many at once; and whoever is let in no longer gets nothing more.
    let first = program.exports("$export").await;
    program.exports("$export").await;
    let third = program.begin("$export").await;
    assert_eq!((third.status, third.has("retry-after")), (StatusCode::TOO_MANY_REQUESTS, true));
    database.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    let sql = "update api_client set state = 'revoked' where practice_id = $1 and id = $2";
    database.execute(sql, &[&practice.uuid(), &program.id.uuid()]).await.unwrap();
    database.batch_execute("commit").await.unwrap();
    work_off(&site, practice).await;
    assert_eq!((program.get(&first).await.status, pieces().await), (StatusCode::UNAUTHORIZED, 0));
}

#[tokio::test]
async fn a_row_that_does_not_open_is_told_and_holds_nothing_up() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    program.add(&numbered("Ana", "Whole")).await;
    let damaged = program.add(&numbered("Ben", "Damaged")).await["id"].as_str().unwrap().to_owned();
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    database.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    let id: uuid::Uuid = damaged.parse().unwrap();
    let sql = "update patient set names = birth where practice_id = $1 and id = $2";
    assert_eq!(database.execute(sql, &[&practice.uuid(), &id]).await.unwrap(), 1);
    database.batch_execute("commit").await.unwrap();
    let status = program.exports("$export").await;
    work_off(&site, practice).await;
    let manifest = program.json(&status).await;
    assert_eq!(manifest["output"][0]["count"], 1);
    let error = manifest["error"][0]["url"].as_str().unwrap();
    let told = program.lines(error).await;
    assert_eq!((&told[0]["resourceType"], told.len()), (&json!("OperationOutcome"), 1));
    assert!(!told[0].to_string().contains(&damaged));
}
