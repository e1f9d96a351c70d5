use reqwest::{Method, StatusCode};
use serde_json::json;

use super::program::NUMBER;
use super::{MASKED, Program, WHOLE, matched, numbered, somebody};
use crate::site::Site;

#[tokio::test]
async fn a_patient_is_added_read_found_and_changed() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let made = program.post("Patient", &somebody("Ana", "Mokoena")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let patient = made.json();
    let id = patient["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("{}{}/Patient/{id}", site.origin(), program.base));
    assert_eq!(made.header("etag"), "W/\"1\"");

    let read = program.get(&format!("Patient/{id}")).await;
    assert_eq!((read.status, read.json()), (StatusCode::OK, patient.clone()));
    assert_eq!(read.header("etag"), "W/\"1\"");
    assert!(read.has("last-modified"));
    for question in [
        "name=moko",
        "family=Mokoena&given=Ana",
        "family:exact=Mokoena",
        "given=ana,nobody",
        "birthdate=1984-03-07",
        "name=mokoena&birthdate=ge1984-03&birthdate=lt1985",
        "phone=082 555 0143",
        "phone=%2B27825550143",
        "email=ANA@example.org",
        &format!("_id={id}"),
        "name=mokoena&_lastUpdated=ge2020",
        "_lastUpdated=ge2020",
    ] {
        assert_eq!(matched(&program.json(&format!("Patient?{question}")).await), [id], "{question}");
    }
    for question in [
        "name=nkosi",
        "family=Ana",
        "given=Mokoena",
        "family:exact=mokoena",
        "birthdate=1984-03-08",
        "name=mokoena&birthdate=gt1984",
        "phone=0825550144",
        "email=na@example.org",
        "_id=0198a1b2-0000-7000-8000-000000000001",
        "_id=1",
        "name=mokoena&_lastUpdated=lt2020",
    ] {
        assert_eq!(matched(&program.json(&format!("Patient?{question}")).await), Vec::<String>::new(), "{question}");
    }

    let mut changed = patient.clone();
    changed["name"][0]["family"] = json!("Nkosi");
    changed["link"] = json!([{"type": "seealso", "other": {"reference": format!("Patient/{id}")}}]);
    let put = program.put(&format!("Patient/{id}"), "W/\"1\"", &changed).await;
    assert_eq!((put.status, put.header("etag")), (StatusCode::OK, "W/\"2\""), "{}", put.body);
    assert_eq!(put.json()["name"][0]["family"], "Nkosi");
    assert_eq!(put.json()["link"], changed["link"]);
    assert_eq!(matched(&program.json("Patient?family=nkosi").await), [id]);
    assert_eq!(matched(&program.json("Patient?family=mokoena").await), Vec::<String>::new());
}

#[tokio::test]
async fn nobodys_change_is_written_over() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let mut patient = program.add(&somebody("Ana", "Mokoena")).await;
    let path = format!("Patient/{}", patient["id"].as_str().unwrap());
    patient["gender"] = json!("other");
    // By the tag, or by the version in the resource itself; without either, not at all.
    let first = program.send(program.with_body(Method::PUT, &path, &patient)).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let mut second = patient.clone();
    second["gender"] = json!("male");
    let stale = program.put(&path, "W/\"1\"", &second).await;
    assert_eq!((stale.status, stale.issue().as_str()), (StatusCode::PRECONDITION_FAILED, "conflict"));
    let stale = program.send(program.with_body(Method::PUT, &path, &second)).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    second.as_object_mut().unwrap().remove("meta");
    let blind = program.send(program.with_body(Method::PUT, &path, &second)).await;
    assert_eq!((blind.status, blind.issue().as_str()), (StatusCode::PRECONDITION_REQUIRED, "required"));
    for tag in ["*", "W/\"x\"", "W/\"99\""] {
        assert_eq!(program.put(&path, tag, &second).await.status, StatusCode::PRECONDITION_FAILED, "{tag}");
    }
    assert_eq!(program.json(&path).await["gender"], "other");
}

#[tokio::test]
async fn what_is_sent_again_is_done_once() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let send = || program.with_body(Method::POST, "Patient", &somebody("Ana", "Once")).header("idempotency-key", "k-1");
    let (one, two) = (program.send(send()).await, program.send(send()).await);
    assert_eq!((one.status, two.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", two.body);
    assert_eq!(one.json(), two.json());
    assert_eq!(matched(&program.json("Patient?family=once").await).len(), 1);
    let other = program.with_body(Method::POST, "Patient", &somebody("Ben", "Once")).header("idempotency-key", "k-1");
    assert_eq!(program.send(other).await.status, StatusCode::CONFLICT);
    // Another program's key of the same name is another key.
    let beside = Program::of(&site, practice, MASKED).await;
    let theirs = beside.with_body(Method::POST, "Patient", &somebody("Ana", "Once")).header("idempotency-key", "k-1");
    assert_eq!(beside.send(theirs).await.status, StatusCode::CREATED);
    assert_eq!(matched(&program.json("Patient?family=once").await).len(), 2);

    // A change over a version needs no key: sent again it is the same change.
    let mut patient = one.json();
    let path = format!("Patient/{}", patient["id"].as_str().unwrap());
    patient["gender"] = json!("male");
    let (first, again) = (program.put(&path, "W/\"1\"", &patient).await, program.put(&path, "W/\"1\"", &patient).await);
    assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK), "{}", again.body);
    assert_eq!((first.header("etag"), again.header("etag")), ("W/\"2\"", "W/\"2\""));
}

#[tokio::test]
async fn a_patient_is_added_only_if_there_is_none() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let send = |condition: &str| {
        let request = program.with_body(Method::POST, "Patient", &numbered("Ana", "Single"));
        program.send(request.header("if-none-exist", condition))
    };
    let condition = format!("identifier=http://example.org/card|{NUMBER}");
    let (first, second) = (send(&condition).await, send(&condition).await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::OK), "{}", second.body);
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(send("family=single&birthdate=1984-03-07").await.status, StatusCode::OK);
    program.add(&somebody("Ana", "Single")).await;
    let several = send("family=single").await;
    assert_eq!((several.status, several.issue().as_str()), (StatusCode::PRECONDITION_FAILED, "multiple-matches"));
    assert_eq!(send("_count=1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(send("nickname=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_client_says_what_it_is_answered_with() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let send = |prefer: &'static str| {
        program.send(program.with_body(Method::POST, "Patient", &somebody("Ana", "Short")).header("prefer", prefer))
    };
    let minimal = send("return=minimal").await;
    assert_eq!((minimal.status, minimal.body.as_str(), minimal.header("etag")), (StatusCode::CREATED, "", "W/\"1\""));
    let outcome = send("return=OperationOutcome").await;
    assert_eq!(
        (outcome.status, outcome.json()["resourceType"].as_str()),
        (StatusCode::CREATED, Some("OperationOutcome"))
    );
    let id = minimal.header("location").rsplit('/').next().unwrap().to_owned();
    let known = program.ask(Method::GET, &format!("Patient/{id}")).header("if-none-match", "W/\"1\"");
    let unchanged = program.send(known).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    // Who may add and not read is told that it was done.
    let writer = Program::of(&site, practice, "system/Patient.cu").await;
    let mut made = writer.add(&somebody("Ana", "Blind")).await;
    let path = format!("Patient/{}", made["id"].as_str().unwrap());
    assert_eq!(writer.get(&path).await.status, StatusCode::FORBIDDEN);
    made["gender"] = json!("male");
    let put = writer.put(&path, "W/\"1\"", &made).await;
    assert_eq!((put.status, put.body.as_str(), put.header("etag")), (StatusCode::OK, "", "W/\"2\""));
}

#[tokio::test]
async fn a_search_leaves_one_event_with_those_whom_it_returned() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let mut made = Vec::new();
    for given in ["Ana", "Ben", "Cas"] {
        made.push(program.add(&somebody(given, "Event")).await["id"].as_str().unwrap().to_owned());
    }
    program.add(&somebody("Dan", "Other")).await;
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let events = || async {
        let sql = "select e.event_id, array(select s.patient_id::text from audit_subject s
                       where s.practice_id = e.practice_id and s.event_id = e.event_id order by 1)
                   from audit_event e where e.practice_id = $1 and e.actor_id = $2 and e.action = 'patient.find'
                   order by e.event_id";
        let rows = database.query(sql, &[&practice.uuid(), &program.id.uuid()]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Vec<String>>(1)).collect::<Vec<_>>()
    };
    assert_eq!(events().await, Vec::<Vec<String>>::new());
    program.json("Patient?family=event").await;
    made.sort();
    assert_eq!(events().await, [made]);
    program.json("Patient?family=nobody-of-that-name").await;
    assert_eq!(events().await[1], Vec::<String>::new());
}
