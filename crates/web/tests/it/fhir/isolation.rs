use reqwest::{Method, StatusCode};
use serde_json::json;
use web::routes::{Allow, routes};

use super::program::entry_of;
use super::{MASKED, Program, WHOLE, bring_in, matched, somebody};
use crate::site::Site;

#[tokio::test]
async fn what_another_practice_holds_is_nowhere_at_every_address() {
    let site = Site::open().await;
    let (mine, theirs) = (site.house.practice().await, site.house.practice().await);
    let (me, them) = (Program::of(&site, mine, WHOLE).await, Program::of(&site, theirs, WHOLE).await);
    bring_in(
        &site,
        theirs,
        &[
            ("Patient", &[json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Theirs"}]})]),
            ("Condition", &[json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "Asthma"}})]),
            ("Practitioner", &[json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Ng"}]})]),
        ],
    )
    .await;
    let patient = matched(&them.json("Patient?family=theirs").await).remove(0);
    let entry = matched(&them.json(&format!("Condition?patient={patient}")).await).remove(0);
    let resource = matched(&them.json("Practitioner").await).remove(0);
    let nobody = "0198a1b2-0000-7000-8000-000000000001";
    let mut asked = 0;
    for route in
        routes().into_iter().filter(|route| matches!(route.allow, Allow::Client(_)) && route.path.contains("r4"))
    {
        let Some(path) = route.path.strip_prefix("/fhir/r4/{practice}/") else { continue };
        let fill = |entry: &str, patient: &str, resource: &str| {
            let path = path.replace("{entry}", entry).replace("{alert}", entry);
            path.replace("{patient}", patient).replace("{resource}", resource).replace("{version}", "1")
        };
        let (foreign, made_up) = (fill(&entry, &patient, &resource), fill(nobody, nobody, nobody));
        if foreign == made_up {
            continue;
        }
        let kind = path.split('/').next().unwrap();
        let body = |id: &str| {
            let mut body = if kind == "Patient" { somebody("Ana", "Mine") } else { entry_of(kind, id) };
            // As the address names it: of an entry that is the entry's own id.
            body["id"] = json!(if kind == "Patient" || id == nobody { id } else { &entry });
            body
        };
        let ask = async |path: &str, id: &str| {
            let request = me.ask(route.method.clone(), path);
            let request = if route.method == Method::GET {
                request
            } else {
                me.with_body(route.method.clone(), path, &body(id)).header("if-match", "1")
            };
            me.send(request).await
        };
        let (one, other) = (ask(&foreign, &patient).await, ask(&made_up, nobody).await);
        assert_eq!(one.status, StatusCode::NOT_FOUND, "{} {foreign}: {}", route.method, one.body);
        assert_eq!((one.status, one.body), (other.status, other.body), "{} {foreign}", route.method);
        asked += 1;
    }
    assert!(asked >= 18, "{asked} addresses name a thing");
    assert_eq!(me.json(&format!("Patient?_id={patient}")).await["total"], 0);
    for kind in ["Condition", "Flag", "RelatedPerson"] {
        let (one, other) =
            (me.get(&format!("{kind}?patient={patient}")).await, me.get(&format!("{kind}?patient={nobody}")).await);
        assert_eq!((one.status, &one.body), (StatusCode::NOT_FOUND, &other.body), "{kind}");
    }
    assert_eq!(matched(&me.json("Patient").await), Vec::<String>::new());
    assert_eq!(matched(&me.json("Practitioner").await), Vec::<String>::new());
}

#[tokio::test]
async fn a_reference_to_another_practices_patient_is_refused_like_one_to_nobody() {
    let site = Site::open().await;
    let (mine, theirs) = (site.house.practice().await, site.house.practice().await);
    let (me, them) = (Program::of(&site, mine, MASKED).await, Program::of(&site, theirs, MASKED).await);
    let foreign = them.add(&somebody("Ana", "Theirs")).await["id"].as_str().unwrap().to_owned();
    let own = me.add(&somebody("Ben", "Mine")).await;
    let own_id = own["id"].as_str().unwrap().to_owned();
    let linked = |id: &str| {
        let mut patient = somebody("Cas", "Mine");
        patient["link"] = json!([{"type": "seealso", "other": {"reference": format!("Patient/{id}")}}]);
        patient
    };
    let nobody = "0198a1b2-0000-7000-8000-000000000001";
    let (one, other) = (me.post("Patient", &linked(&foreign)).await, me.post("Patient", &linked(nobody)).await);
    assert_eq!(one.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", one.body);
    assert_eq!(one.body, other.body);
    let mut changed = linked(&foreign);
    changed["id"] = json!(own_id);
    let put = me.put(&format!("Patient/{own_id}"), "1", &changed).await;
    assert_eq!((put.status, put.body), (one.status, one.body));
    assert_eq!(me.post("Patient", &linked(&own_id)).await.status, StatusCode::CREATED);
    let away = me.post("Patient", &linked(&format!("{own_id}/_history/1"))).await;
    assert_eq!(away.status, StatusCode::CREATED, "{}", away.body);
}

#[tokio::test]
async fn two_practices_are_answered_the_same_for_the_same() {
    let site = Site::open().await;
    let (a, b) = (site.house.practice().await, site.house.practice().await);
    let (a, b) = (Program::of(&site, a, MASKED).await, Program::of(&site, b, MASKED).await);
    // What the other practice holds makes no difference.
    for given in ["Ana", "Ben"] {
        b.add(&somebody(given, "Noise")).await;
    }
    let plain = |program: &Program, body: &str| {
        let mut body = body.replace(&program.practice.to_string(), "PRACTICE");
        while let Some(at) = body.find("\"lastUpdated\":\"") {
            body.replace_range(at..at + 15 + 24, "\"at\":");
        }
        body
    };
    for question in [
        "Patient?name=mokoena",
        "Patient/1",
        "Condition?patient=1",
        "Flag",
        "Patient?nickname=x",
        "nowhere",
        "metadata",
        "Patient?_id=x",
    ] {
        let (one, two) = (a.get(question).await, b.get(question).await);
        assert_eq!(one.status, two.status, "{question}");
        assert_eq!(plain(&a, &one.body), plain(&b, &two.body), "{question}");
    }
}
