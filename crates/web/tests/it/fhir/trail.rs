//! What a program read stands in the log: one event for each act, with whom and what it was shown.

use practice::audit::reads::of_record;
use serde_json::{Value, json};
use store::{AuditLine, Role};
use uuid::Uuid;

use super::program::entry_of;
use super::{Program, WHOLE, bring_in, matched, next, numbered};
use crate::site::Site;

/// An event as it stands in the log: action, patient, patients of a list.
type Told = (String, Option<Uuid>, Vec<Uuid>);

/// What a program did, in its order, past the doors.
async fn told(program: &Program) -> Vec<Told> {
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select e.action, e.patient_id, array(select s.patient_id from audit_subject s
                   where s.practice_id = e.practice_id and s.event_id = e.event_id order by 1)
               from audit_event e where e.practice_id = $1 and e.actor_id = $2 order by e.event_id";
    let rows = database.query(sql, &[&program.practice.uuid(), &program.id.uuid()]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn each_search_leaves_one_event_with_what_it_returned_and_nothing_else_is_left() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let maker = Program::of(&site, practice, WHOLE).await;
    let about = |kind: &str, id: &str| {
        let mut entry = entry_of(kind, "p");
        entry["id"] = json!(id);
        entry
    };
    bring_in(
        &site,
        practice,
        &[
            (
                "Patient",
                &[json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Event", "given": ["Ana"]}]})],
            ),
            ("Condition", &[about("Condition", "c1"), about("Condition", "c2")]),
            ("Practitioner", &[json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Ng"}]})]),
        ],
    )
    .await;
    let with_number: Uuid = maker.add(&numbered("Ben", "Event")).await["id"].as_str().unwrap().parse().unwrap();
    let patient: Uuid = matched(&maker.json("Patient?given=Ana").await).remove(0).parse().unwrap();
    let conditions = matched(&maker.json(&format!("Condition?patient={patient}")).await);

    let program = Program::of(&site, practice, WHOLE).await;
    let mut both = vec![with_number, patient];
    both.sort();
    let whole = |action: &str| action.to_owned();
    let number = format!("{}|{}", super::program::SYSTEM, super::program::NUMBER);
    let cases: Vec<(String, Vec<Told>)> = vec![
        ("Patient?family=event".to_owned(), vec![(whole("patient.find-whole"), None, both.clone())]),
        ("Patient?family=nobody".to_owned(), vec![(whole("patient.find-whole"), None, vec![])]),
        (
            format!("Patient?identifier={number}"),
            vec![
                (whole("patient.lookup-identifier"), None, vec![]),
                (whole("patient.find-whole"), None, vec![with_number]),
            ],
        ),
        (format!("Patient?_id={patient}"), vec![(whole("patient.find-whole"), None, vec![patient])]),
        (format!("Patient/{patient}"), vec![(whole("patient.read-whole"), Some(patient), vec![])]),
        (format!("Condition?patient={patient}"), vec![(whole("clinical.read"), Some(patient), vec![])]),
        (format!("Condition/{}", conditions[0]), vec![(whole("clinical.read"), Some(patient), vec![])]),
        (
            format!("Condition?patient={patient}&_include=Condition:patient"),
            vec![(whole("patient.record-whole"), Some(patient), vec![])],
        ),
        (format!("Patient/{patient}/$everything"), vec![(whole("patient.record-whole"), Some(patient), vec![])]),
        ("Practitioner".to_owned(), vec![(whole("team.read"), None, vec![])]),
    ];
    let mut before = 0;
    for (question, expected) in cases {
        program.json(&question).await;
        let told = told(&program).await;
        assert_eq!(told[before..], expected, "{question}");
        before = told.len();
    }
    // A page is an act of its own, and names those on it.
    let first = program.json("Patient?family=event&_count=1").await;
    let second = program.json(&next(&first).unwrap()).await;
    let pages = &told(&program).await[before..];
    let shown: Vec<Vec<Uuid>> =
        [&first, &second].map(|page| matched(page).iter().map(|id| id.parse().unwrap()).collect()).into();
    assert_eq!(pages.iter().map(|(_, _, subjects)| subjects.clone()).collect::<Vec<_>>(), shown);

    // Of the record, which entries they were stands sealed with the question.
    let doctor = site.house.actor(practice, &[Role::Practitioner]).await;
    let log = of_record(&site.house.store, &doctor, patient.to_string().parse().unwrap(), None).await.unwrap();
    let lines: Vec<AuditLine> = log.lines.lines.into_iter().map(Result::unwrap).collect();
    let searches: Vec<&Value> =
        lines.iter().filter_map(|line| line.note.as_ref()).filter(|note| note.get("returned").is_some()).collect();
    let asked = |note: &&&Value| note["query"][0] == json!(["patient", patient.to_string()]);
    let search = searches.iter().find(asked).unwrap_or_else(|| panic!("{searches:?}"));
    assert_eq!(search["returned"], json!(conditions));
    assert!(lines.iter().filter(|line| line.listed).all(|line| line.note.is_none()), "another's question is not told");
}
