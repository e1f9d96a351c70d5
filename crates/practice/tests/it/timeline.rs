//! The timeline of a record: order, filters, pages, and what its reading leaves in the log.

use std::time::Instant;

use base64::Engine as _;
use jiff::civil::{Date, date};
use kernel::{EntryId, PatientId};
use practice::patients::model::EntryKind;
use practice::patients::timeline::reads::{ENTRIES_PER_PAGE, EntryPage, entries};
use practice::patients::timeline::{EntryFilter, Words, sought};
use store::{Actor, Role, StoreError};
use testkit::{DATA, House, servers};

use crate::desk::{form, found, write_down};
use crate::import::{bring_in, folder_with, patient, sample};

fn problem(n: usize, text: &str, onset: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"c{n}","subject":{{"reference":"Patient/p1"}},"code":{{"text":"{text}"}}{onset}}}"#
    )
}

fn on(day: &str) -> String {
    format!(r#","onsetDateTime":"{day}""#)
}

/// A record with these problems, and whoever reads it.
async fn record(house: &House, problems: &[String]) -> (Actor, PatientId) {
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let files = [("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")), ("Condition.ndjson", problems.join("\n"))];
    bring_in(house, practice, folder_with(&files).path(), false).await;
    let id = found(house, &doctor, "quintal").await[0];
    (doctor, id)
}

async fn page(house: &House, doctor: &Actor, id: PatientId, filter: &EntryFilter) -> EntryPage {
    entries(&house.store, doctor, id, filter).await.expect("a page")
}

fn titles(page: &EntryPage) -> Vec<String> {
    page.entries.iter().map(|line| line.as_ref().unwrap().summary.title.clone()).collect()
}

/// The titles of every page, one after the other.
async fn all_titles(house: &House, doctor: &Actor, id: PatientId, filter: &EntryFilter) -> Vec<String> {
    let mut filter = filter.clone();
    let mut all = Vec::new();
    loop {
        let page = page(house, doctor, id, &filter).await;
        assert!(page.entries.len() <= ENTRIES_PER_PAGE);
        all.extend(titles(&page));
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn page_after_page_shows_each_entry_once_newest_first_and_those_without_a_date_last() {
    let house = House::open().await;
    // Several of one moment, so that a page ends between them; and as many without a date.
    let mut problems: Vec<String> =
        (0..130).map(|n| problem(n, &format!("P{n}"), &on(&format!("20{:02}-05-06", 20 - n / 30)))).collect();
    problems.extend((130..190).map(|n| problem(n, &format!("P{n}"), "")));
    let (doctor, id) = record(&house, &problems).await;
    let all = all_titles(&house, &doctor, id, &EntryFilter::default()).await;
    let mut once: Vec<&String> = all.iter().collect();
    once.sort();
    once.dedup();
    assert_eq!((all.len(), once.len()), (190, 190));
    let number = |title: &String| title[1..].parse::<usize>().unwrap();
    let years: Vec<usize> = all.iter().map(|title| if number(title) < 130 { number(title) / 30 } else { 99 }).collect();
    assert!(years.is_sorted(), "{years:?}");
    let first = page(&house, &doctor, id, &EntryFilter::default()).await;
    assert_eq!((first.total, first.all), (190, 190));
    assert_eq!(first.years, [2020, 2019, 2018, 2017, 2016]);
}

#[tokio::test]
async fn dates_are_those_that_are_shown_wherever_the_practice_is() {
    let house = House::open().await;
    let problems = [
        problem(0, "day before", &on("2024-05-05")),
        problem(1, "a day", &on("2024-05-06")),
        problem(2, "late in the west", &on("2024-05-06T23:30:00-11:00")),
        problem(3, "early in the east", &on("2024-05-06T00:30:00+13:00")),
        problem(4, "day after", &on("2024-05-07")),
        problem(5, "a year", &on("2024")),
        problem(6, "no date", ""),
    ];
    let (doctor, id) = record(&house, &problems).await;
    let within = async |from: Option<Date>, to: Option<Date>| {
        let filter = EntryFilter { from, to, ..EntryFilter::default() };
        let mut titles = all_titles(&house, &doctor, id, &filter).await;
        titles.sort();
        titles
    };
    let day = Some(date(2024, 5, 6));
    assert_eq!(within(day, day).await, ["a day", "a year", "early in the east", "late in the west"]);
    assert_eq!(within(None, Some(date(2024, 5, 5))).await, ["a year", "day before"]);
    assert_eq!(within(Some(date(2024, 5, 7)), None).await, ["a year", "day after"]);
    assert_eq!(within(Some(date(2025, 1, 1)), None).await, Vec::<String>::new());
}

#[tokio::test]
async fn words_are_found_in_title_and_text_and_the_log_does_not_learn_them() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let data = base64::engine::general_purpose::STANDARD.encode("Schmerzen in der Hüfte seit Freitag");
    let note = format!(
        r#"{{"resourceType":"DocumentReference","id":"d1","status":"current","subject":{{"reference":"Patient/p1"}},"type":{{"text":"Progress note"}},"content":[{{"attachment":{{"contentType":"text/plain","data":"{data}"}}}}]}}"#
    );
    let remark = r#"{"resourceType":"Observation","id":"o1","status":"final","subject":{"reference":"Patient/p1"},"code":{"text":"Pulse"},"valueQuantity":{"value":71,"unit":"/min"},"note":[{"text":"after climbing stairs"}]}"#;
    let files = [
        ("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")),
        ("Condition.ndjson", problem(1, "Hip fracture", "")),
        ("DocumentReference.ndjson", note),
        ("Observation.ndjson", remark.to_owned()),
    ];
    bring_in(&house, practice, folder_with(&files).path(), false).await;
    let id = found(&house, &doctor, "quintal").await[0];
    let saying = async |words: &str| {
        let filter = EntryFilter { words: Words::typed(words), ..EntryFilter::default() };
        all_titles(&house, &doctor, id, &filter).await
    };
    assert_eq!(saying("hüfte").await, ["Progress note"]);
    assert_eq!(saying("HUFTE schmerzen").await, ["Progress note"]);
    assert_eq!(saying("hip").await, ["Hip fracture"]);
    assert_eq!(saying("stairs 71").await, ["Pulse"]);
    assert_eq!(saying("stairs hip").await, Vec::<String>::new());
    let kinds = vec![EntryKind::Observation];
    let both = EntryFilter { kinds, words: Words::typed("a"), ..EntryFilter::default() };
    assert_eq!(all_titles(&house, &doctor, id, &both).await, ["Pulse"]);

    let log = servers().await.superuser(DATA).await;
    let events = "select count(*) from audit_event where practice_id = $1 and action = 'patient.record' and field = $2";
    let logged =
        async |field: &str| -> i64 { log.query_one(events, &[&practice.uuid(), &field]).await.unwrap().get(0) };
    assert_eq!((logged("timeline:words").await, logged("timeline:kind+words").await), (5, 1));
    let told =
        "select count(*) from audit_event e where practice_id = $1 and e::text ilike any(array['%hüfte%', '%hip%'])";
    let told: i64 = log.query_one(told, &[&practice.uuid()]).await.unwrap().get(0);
    assert_eq!(told, 0);
}

#[tokio::test]
async fn an_entry_that_does_not_open_is_in_every_search_because_nobody_can_say_whether_it_is_meant() {
    let house = House::open().await;
    let problems = [problem(0, "Asthma", &on("2024-05-05")), problem(1, "Migraine", &on("2024-05-06"))];
    let (doctor, id) = record(&house, &problems).await;
    let intruder = servers().await.superuser(DATA).await;
    intruder.batch_execute("set session_replication_role = replica").await.unwrap();
    let flip = format!(
        "update record_entry set body = set_byte(body, 40, get_byte(body, 40) # 1)
         where patient_id = '{id}' and occurred_at < '2024-05-06' returning id"
    );
    let broken: uuid::Uuid = intruder.query_one(&flip, &[]).await.unwrap().get(0);
    let filter = EntryFilter { words: Words::typed("migraine"), ..EntryFilter::default() };
    let found = page(&house, &doctor, id, &filter).await;
    // Its line still opens: only the body is damaged.
    assert_eq!(titles(&found), ["Migraine", "Asthma"]);
    assert_eq!(found.entries[1].as_ref().unwrap().id.uuid(), broken);
}

#[tokio::test]
async fn a_place_in_another_record_leads_nowhere() {
    let house = House::open().await;
    let (doctor, id) = record(&house, &[problem(0, "Asthma", &on("2024-05-05"))]).await;
    let elsewhere = EntryFilter { after: Some(EntryId::from_uuid(id.uuid())), ..EntryFilter::default() };
    assert_eq!(page(&house, &doctor, id, &elsewhere).await.entries.len(), 0);
    let searched = EntryFilter { words: Words::typed("asthma"), ..elsewhere };
    assert_eq!(page(&house, &doctor, id, &searched).await.entries.len(), 0);
}

#[tokio::test]
async fn more_entries_than_are_examined_at_one_time_are_searched_to_the_end() {
    let house = House::open().await;
    let problems: Vec<String> = (0..2_300)
        .map(|n| problem(n, if n % 1_150 == 0 { "Rare" } else { "Common" }, &on(&format!("{}-01-01", 1000 + n / 3))))
        .collect();
    let (doctor, id) = record(&house, &problems).await;
    let filter = EntryFilter { words: Words::typed("rare"), ..EntryFilter::default() };
    let first = page(&house, &doctor, id, &filter).await;
    assert!(first.stopped && first.next.is_some());
    assert_eq!(first.entries.len(), 1);
    let second = EntryFilter { after: first.next, ..filter };
    let second = page(&house, &doctor, id, &second).await;
    assert!(!second.stopped && second.next.is_none());
    assert_eq!(second.entries.len(), 1);
}

#[tokio::test]
async fn all_the_notes_of_the_sample_in_one_record_are_listed_and_searched() {
    let Some(folder) = sample() else { return };
    let notes = std::fs::read_to_string(folder.join("DocumentReference.000.ndjson")).unwrap();
    let mut mine = Vec::new();
    let mut meant = 0;
    for line in notes.lines() {
        let mut note: serde_json::Value = serde_json::from_str(line).unwrap();
        note["subject"] = serde_json::json!({"reference": "Patient/p1"});
        let data = note["content"][0]["attachment"]["data"].as_str().unwrap().to_owned();
        let text = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        meant += usize::from(String::from_utf8(text).unwrap().to_lowercase().contains("hypertension"));
        mine.push(note.to_string());
    }
    assert_eq!(mine.len(), 1_215);
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let files =
        [("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")), ("DocumentReference.ndjson", mine.join("\n"))];
    bring_in(&house, practice, folder_with(&files).path(), false).await;
    let id = found(&house, &doctor, "quintal").await[0];

    let timed = async |name: &str, filter: &EntryFilter| {
        let mut took = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            page(&house, &doctor, id, filter).await;
            took.push(start.elapsed());
        }
        took.sort();
        println!("{name}: median {:?} of 5", took[2]);
    };
    timed("first page of 1,215 notes", &EntryFilter::default()).await;
    let searched = EntryFilter { words: Words::typed("hypertension"), ..EntryFilter::default() };
    timed("one word, first page", &searched).await;
    let nowhere = EntryFilter { words: Words::typed("no such word"), ..EntryFilter::default() };
    timed("a word that none has", &nowhere).await;
    let dated = EntryFilter { from: Some(date(2010, 1, 1)), to: Some(date(2012, 12, 31)), ..EntryFilter::default() };
    timed("three years", &dated).await;
    assert_eq!(page(&house, &doctor, id, &EntryFilter::default()).await.total, 1_215);
    assert_eq!(all_titles(&house, &doctor, id, &EntryFilter::default()).await.len(), 1_215);
    assert_eq!(all_titles(&house, &doctor, id, &searched).await.len(), meant);
    assert!(meant > 0);
    assert_eq!(all_titles(&house, &doctor, id, &nowhere).await.len(), 0);
}

#[tokio::test]
async fn what_is_looked_for_is_carried_for_whoever_typed_it_for_one_record_and_a_working_day() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let colleague = house.actor(practice, &[Role::Practitioner]).await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let one = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let other = write_down(&house, &doctor, &form("Sipho", "Dube", "1/1/1950")).await;
    let envelope = sought::seal(&house.store, &doctor, one, "HIV test").await.unwrap();
    assert!(!envelope.windows(3).any(|bytes| bytes == b"HIV"));
    let opened =
        async |actor, patient, envelope: &[u8]| sought::open(&house.store, actor, patient, envelope).await.unwrap();
    assert_eq!(opened(&doctor, one, &envelope).await.as_deref(), Some("HIV test"));
    assert_eq!(opened(&colleague, one, &envelope).await, None);
    assert_eq!(opened(&doctor, other, &envelope).await, None);
    let mut altered = envelope.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(opened(&doctor, one, &altered).await, None);
    assert_eq!(opened(&doctor, one, &[]).await, None);
    assert!(matches!(sought::seal(&house.store, &reception, one, "HIV test").await, Err(StoreError::Refused { .. })));
    house.wait(sought::SOUGHT_FOR);
    assert_eq!(opened(&doctor, one, &envelope).await, None, "too long ago");
}
