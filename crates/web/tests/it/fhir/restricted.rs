//! A record that is open to named people only is nowhere for a program: nobody names one.

use kernel::PatientId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Actor, Role, Versioned};
use web::routes::{Allow, Route, routes};

use super::program::{NUMBER, SYSTEM};
use super::{Program, WHOLE, bring_in, matched, next, somebody};
use crate::site::Site;

/// A word that stands in everything of the restricted record.
const WORD: &str = "Verschwiegen";
/// An id that is nobody's.
const NOBODY: &str = "0198a1b2-0000-7000-8000-000000000001";

/// A practice with a record that will be restricted, and one beside it that refers to it.
struct Shut {
    site: Site,
    program: Program,
    doctor: Actor,
    patient: String,
    /// Its entries: type and id.
    entries: Vec<(&'static str, String)>,
    flag: String,
    beside: String,
}

impl Shut {
    async fn ready() -> Self {
        let site = Site::open().await;
        let practice = site.house.practice().await;
        let program = Program::of(&site, practice, WHOLE).await;
        let doctor = site.house.actor(practice, &[Role::Practitioner]).await;
        let about = |id: &str| json!({"reference": format!("Patient/{id}")});
        let code = json!({"text": WORD});
        bring_in(
            &site,
            practice,
            &[
                (
                    "Patient",
                    &[
                        json!({"resourceType": "Patient", "id": "shut", "name": [{"family": WORD, "given": ["Ana"]}],
                            "birthDate": "1984-03-07", "telecom": [{"system": "phone", "value": "0825550143"}],
                            "identifier": [{"system": SYSTEM, "value": NUMBER}]}),
                        json!({"resourceType": "Patient", "id": "open", "name": [{"family": "Offen", "given": ["Ana"]}],
                            "birthDate": "1984-03-07", "telecom": [{"system": "phone", "value": "0825550143"}]}),
                    ],
                ),
                (
                    "Condition",
                    &[
                        json!({"resourceType": "Condition", "id": "c1", "subject": about("shut"), "code": code}),
                        json!({"resourceType": "Condition", "id": "c2", "subject": about("open"), "code": {"text": "Cough"},
                            "asserter": about("shut"), "evidence": [{"detail": [{"reference": "Condition/c1"}]}]}),
                    ],
                ),
                (
                    "Observation",
                    &[json!({"resourceType": "Observation", "id": "o1", "status": "final", "subject": about("shut"),
                        "code": code, "valueString": WORD})],
                ),
                (
                    "RelatedPerson",
                    &[json!({"resourceType": "RelatedPerson", "id": "r1", "patient": about("shut"),
                        "name": [{"family": WORD}]})],
                ),
            ],
        )
        .await;
        let patient = matched(&program.json(&format!("Patient?family={WORD}")).await).remove(0);
        let beside = matched(&program.json("Patient?family=Offen").await).remove(0);
        let mut entries = Vec::new();
        for kind in ["Condition", "Observation", "RelatedPerson"] {
            entries.push((kind, matched(&program.json(&format!("{kind}?patient={patient}")).await).remove(0)));
        }
        let weight = practice::patients::writes::Severity::High;
        let id: PatientId = patient.parse().unwrap();
        practice::patients::writes::add_alert(&site.house.store, &doctor, site.house.key(), id, weight, WORD)
            .await
            .unwrap();
        let flag = matched(&program.json(&format!("Flag?patient={patient}")).await).remove(0);
        Self { site, program, doctor, patient, entries, flag, beside }
    }

    /// Leaves the record open to its doctor, or to everybody again.
    async fn restrict(&self, version: i64, shut: bool) {
        let house = &self.site.house;
        let named: Vec<_> = self.doctor.person().into_iter().filter(|_| shut).collect();
        let id = self.patient.parse().unwrap();
        let seen = Versioned(version);
        practice::patients::standing::writes::restrict(&house.store, &self.doctor, house.key(), id, seen, &named)
            .await
            .unwrap();
    }

    fn entry(&self, kind: &str) -> &str {
        &self.entries.iter().find(|(known, _)| *known == kind).unwrap().1
    }

    /// The path of a route about this record, and the same about nobody's; `None` if it names no thing.
    fn paths(&self, route: &Route) -> Option<(String, String)> {
        let path = route.path.strip_prefix("/fhir/r4/{practice}/").filter(|path| path.contains('{'))?;
        let kind = path.split('/').next().unwrap();
        let entry = self.entries.iter().find(|(known, _)| *known == kind).map_or(NOBODY, |(_, id)| id);
        let fill = |patient: &str, entry: &str, flag: &str| {
            let path = path.replace("{patient}", patient).replace("{entry}", entry).replace("{alert}", flag);
            path.replace("{resource}", NOBODY).replace("{version}", "1")
        };
        let (ours, nobodys) = (fill(&self.patient, entry, &self.flag), fill(NOBODY, NOBODY, NOBODY));
        (ours != nobodys).then_some((ours, nobodys))
    }

    /// Every question that could show something of it.
    async fn answers(&self) -> Vec<(String, String)> {
        let (patient, beside, condition) = (&self.patient, &self.beside, self.entry("Condition"));
        let mut answers = Vec::new();
        for question in [
            format!("Patient?family={WORD}"),
            format!("Patient?name={WORD}"),
            format!("Patient?family={WORD},Offen"),
            "Patient?given=Ana".to_owned(),
            "Patient?given=Ana&_count=1".to_owned(),
            "Patient?birthdate=1984-03-07".to_owned(),
            "Patient?phone=0825550143".to_owned(),
            format!("Patient?_id={patient}"),
            format!("Patient?_id={patient},{beside}"),
            format!("Patient?identifier={SYSTEM}|{NUMBER}"),
            "Patient".to_owned(),
            "Patient?_count=1".to_owned(),
            "Patient?_lastUpdated=ge2020".to_owned(),
            format!("Condition?patient={beside}"),
            format!("Condition?patient={beside}&_id={condition}"),
            format!("Condition?patient={beside}&_include=Condition:patient"),
            format!("Patient/{beside}/$everything"),
        ] {
            let mut path = Some(question.clone());
            while let Some(here) = path {
                let page = self.program.get(&here).await;
                assert_eq!(page.status, StatusCode::OK, "{question}: {}", page.body);
                path = next(&page.json());
                answers.push((question.clone(), page.body));
            }
        }
        answers
    }

    /// What betrays the record in an answer.
    fn betrays(&self, answer: &str) -> bool {
        let ids = self.entries.iter().map(|(_, id)| id.as_str()).chain([self.patient.as_str(), self.flag.as_str()]);
        // What was asked stands in the address of the answer itself.
        let mut bundle: Value = serde_json::from_str(answer).unwrap();
        bundle.as_object_mut().unwrap().remove("link");
        let said = bundle.to_string();
        ids.chain([WORD, NUMBER]).any(|part| said.contains(part))
    }
}

#[tokio::test]
async fn a_restricted_record_is_not_found_counted_included_referred_to_or_paged_to() {
    let shut = Shut::ready().await;
    let open = shut.answers().await;
    assert!(open.iter().filter(|(_, answer)| shut.betrays(answer)).count() > 12, "the questions would show it");
    let program = &shut.program;
    let first = program.json("Patient?given=Ana&_count=1").await;
    let everything = program.json(&format!("Patient/{}/$everything?_count=1", shut.patient)).await;
    assert_eq!(matched(&first), [shut.patient.as_str().max(shut.beside.as_str())]);

    shut.restrict(1, true).await;
    for (question, answer) in shut.answers().await {
        assert!(!shut.betrays(&answer), "{question}: {answer}");
        let bundle: Value = serde_json::from_str(&answer).unwrap();
        let people: Vec<String> = matched(&bundle)
            .into_iter()
            .filter(|_| question.starts_with("Patient?") || question == "Patient")
            .collect();
        assert!(
            bundle["total"].as_u64().is_none_or(|total| !question.starts_with("Patient?") || total <= 1),
            "{answer}"
        );
        assert!(people.iter().all(|id| *id == shut.beside), "{question}: {answer}");
    }
    // The pages that were begun before it was shut.
    let mut path = next(&first);
    while let Some(here) = path {
        let bundle = program.json(&here).await;
        assert!(!shut.betrays(&bundle.to_string()), "{bundle}");
        path = next(&bundle);
    }
    let rest = program.get(&next(&everything).unwrap()).await;
    assert_eq!(rest.status, StatusCode::NOT_FOUND, "{}", rest.body);

    shut.restrict(2, false).await;
    let again = shut.answers().await;
    assert_eq!(again.len(), open.len(), "open to all again, it is there again");
    assert!(again.iter().filter(|(_, answer)| shut.betrays(answer)).count() > 12);
}

#[tokio::test]
async fn at_every_address_a_restricted_record_is_answered_like_one_that_never_was() {
    let shut = Shut::ready().await;
    let program = &shut.program;
    shut.restrict(1, true).await;
    let clients = routes().into_iter().filter(|route| matches!(route.allow, Allow::Client(_)));
    let (mut asked, mut probed) = (0, Vec::new());
    for route in clients {
        let Some((ours, nobodys)) = shut.paths(&route) else { continue };
        let ask = async |path: &str| {
            let request = program.ask(route.method.clone(), path);
            let kind = path.split('/').next().unwrap();
            let id = path.split('/').nth(1).unwrap();
            let request = if route.method == Method::GET {
                request
            } else {
                program.with_body(route.method.clone(), path, &sent(kind, id, &shut.beside)).header("if-match", "1")
            };
            program.send(request).await
        };
        let (one, other) = (ask(&ours).await, ask(&nobodys).await);
        assert_eq!(one.status, StatusCode::NOT_FOUND, "{} {ours}: {}", route.method, one.body);
        assert_eq!((one.status, &one.body), (other.status, &other.body), "{} {ours}", route.method);
        asked += 1;
        probed.push(ours);
    }
    assert!(asked >= 6, "{probed:?}");
    // A question about the record, and a reference to it.
    for kind in ["Condition", "Observation", "Flag", "RelatedPerson", "Immunization"] {
        let ask = async |id: &str| program.get(&format!("{kind}?patient={id}&_count=1")).await;
        let (one, other) = (ask(&shut.patient).await, ask(NOBODY).await);
        assert_eq!((one.status, &one.body), (StatusCode::NOT_FOUND, &other.body), "{kind}");
    }
    let written = async |id: &str| program.post("Condition", &super::program::entry_of("Condition", id)).await;
    let (one, other) = (written(&shut.patient).await, written(NOBODY).await);
    assert_eq!((one.status, &one.body), (StatusCode::UNPROCESSABLE_ENTITY, &other.body));
    let linked = async |id: &str| {
        let mut patient = somebody("Cas", "Linked");
        patient["link"] = json!([{"type": "seealso", "other": {"reference": format!("Patient/{id}")}}]);
        program.post("Patient", &patient).await
    };
    let (one, other) = (linked(&shut.patient).await, linked(NOBODY).await);
    assert_eq!((one.status, &one.body), (StatusCode::UNPROCESSABLE_ENTITY, &other.body));
    let condition = format!("identifier={SYSTEM}|{NUMBER}");
    let request =
        program.with_body(Method::POST, "Patient", &somebody("Dan", "Fresh")).header("if-none-exist", condition);
    assert_eq!(program.send(request).await.status, StatusCode::CREATED, "nobody is told whom they may not know of");
    let refused = shut.site.house.logged_by(program.practice, program.id.uuid(), "patient.read.refused").await;
    assert!(refused > 0, "that it was tried is recorded");
}

/// A resource of a type as a program would send it.
fn sent(kind: &str, id: &str, patient: &str) -> Value {
    let mut resource = match kind {
        "Patient" => somebody("Ana", WORD),
        _ => super::program::entry_of(kind, patient),
    };
    resource["id"] = json!(id);
    resource
}
