//! The log as evidence: each line's hash is that of the leaf rebuilt from its columns; commitments open
//! with what is sealed, and with nothing else; no value stands in the clear anywhere.

use std::sync::Arc;

use ledger::Opening;
use serde_json::Value;
use store::{Event, KeyringSettings, Resource};

use crate::doors::hex;
use crate::support::evidence::{data_key, event, events, leaf, unsealed};
use crate::support::rows::*;
use crate::support::scratch::{Scratch, TestService, manual};
use crate::support::*;

struct Bench {
    scratch: Scratch,
    service: Arc<TestService>,
    lot: Lot,
}

async fn bench() -> Bench {
    let scratch = Scratch::make().await;
    let service = Arc::new(TestService::default());
    let store = scratch.node(KeyringSettings::default(), service.clone(), &manual()).await;
    let lot = Lot::found(&store).await;
    Bench { scratch, service, lot }
}

#[tokio::test]
async fn every_kind_of_line_hashes_to_the_leaf_that_its_columns_say() {
    let bench = bench().await;
    let lot = &bench.lot;
    let id = lot.patient("Thandi").await;
    lot.patient("Zoe").await;
    lot.name(id).await;
    lot.list().await;
    lot.rename(id, 1, "Thandeka").await.unwrap();
    let reception = lot.member("reception").await;
    assert!(lot.store.enter(&reception).await.unwrap().ask::<ReadClinical>(Resource::Patient(id)).await.is_err());
    let client = bench.scratch.superuser().await;
    let mut seen = Vec::new();
    for practice in [lot.practice, kernel::PracticeId::HOUSE] {
        for row in events(&client, practice).await {
            let leaf = leaf(&row);
            let bytes = leaf.encode().unwrap();
            assert_eq!(ledger::leaf_hash(&bytes).as_slice(), row.get::<_, &[u8]>("leaf_hash"), "{}", leaf.action);
            seen.push(leaf.action);
        }
    }
    for action in
        ["practice.found", "patient.create", "patient.read", "patient.find", "patient.edit", "clinical.read.refused"]
    {
        assert!(seen.iter().any(|one| one == action), "{action}: {seen:?}");
    }
    // An edit behind the program's back: the hash no longer fits.
    client
        .batch_execute(
            "begin; set local session_replication_role = replica;
             update audit_event set actor_id = gen_random_uuid() where action = 'patient.read'; commit",
        )
        .await
        .unwrap();
    let row = event(&client, lot.practice, "patient.read").await;
    assert_ne!(ledger::leaf_hash(&leaf(&row).encode().unwrap()).as_slice(), row.get::<_, &[u8]>("leaf_hash"));
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_change_keeps_before_and_after_sealed_and_their_commitments_open_with_it() {
    let bench = bench().await;
    let lot = &bench.lot;
    let id = lot.patient("Thandi Canary").await;
    lot.rename(id, 1, "Thandeka Canary").await.unwrap();
    let client = bench.scratch.superuser().await;
    let row = event(&client, lot.practice, "patient.edit").await;
    let leaf = leaf(&row);
    let key = data_key(&bench.scratch, &bench.service, lot.practice, id.uuid()).await;
    let place = (lot.practice, leaf.event.uuid());
    let details: Value = unsealed(&key, place, ("audit_event", "details"), row.get("details"));
    let [change] = leaf.changes.as_slice() else { panic!("{:?}", leaf.changes) };
    let [kept] = details["changes"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((change.field.as_str(), kept["field"].as_str()), ("patient.names", Some("patient.names")));
    for (commitment, side, value) in
        [(change.before, "before", "[\"Thandi Canary\"]"), (change.after, "after", "[\"Thandeka Canary\"]")]
    {
        assert_eq!(kept[side].to_string(), value);
        // As docs/spec/leaf.md writes it: 64 hexadecimal digits beside the value.
        let opening: Opening = serde_json::from_value(kept[format!("{side}_opening")].clone()).unwrap();
        assert_eq!(ledger::commit(&opening, value.as_bytes()), commitment.unwrap());
        assert_ne!(ledger::commit(&opening, b"[\"Thandi\"]"), commitment.unwrap());
    }
    // The row carries the event that last wrote it.
    let linked = client.query_one("select event_id from patient where id = $1", &[&id.uuid()]).await.unwrap();
    assert_eq!(linked.get::<_, uuid::Uuid>(0), leaf.event.uuid());
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_list_is_one_event_that_can_be_proved_to_each_patient_singly() {
    let bench = bench().await;
    let lot = &bench.lot;
    let mut patients = Vec::new();
    for name in ["Thandi", "Zoe", "Ng"] {
        patients.push(lot.patient(name).await);
    }
    // Shown in another order than that of their ids.
    let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    let rows: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
    let shown = [patients[2], patients[0], patients[1]];
    let order: Vec<uuid::Uuid> = shown.iter().map(|id| id.uuid()).collect();
    let rows = tx.keep(rows, &order);
    tx.record(Event::new().note(serde_json::json!({ "query": "canary" })), rows).await.unwrap();

    let client = bench.scratch.superuser().await;
    let row = event(&client, lot.practice, "patient.find").await;
    let leaf = leaf(&row);
    assert_eq!((leaf.patient, leaf.subjects.len()), (None, 3));
    let sql = "select patient_id, opening from audit_subject where practice_id = $1 and event_id = $2";
    let named = client.query(sql, &[&lot.practice.uuid(), &leaf.event.uuid()]).await.unwrap();
    assert_eq!(named.len(), 3);
    let place = (lot.practice, leaf.event.uuid());
    for row in named {
        let patient: uuid::Uuid = row.get(0);
        let key = data_key(&bench.scratch, &bench.service, lot.practice, patient).await;
        let opening: Opening = unsealed(&key, place, ("audit_subject", "opening"), row.get(1));
        let commitment = ledger::commit(&opening, patient.as_bytes());
        let at = order.iter().position(|id| *id == patient).unwrap();
        assert_eq!(leaf.subjects[at], commitment, "in the order shown");
        let another = order[(at + 1) % 3];
        assert!(!leaf.subjects.contains(&ledger::commit(&opening, another.as_bytes())));
    }
    let key = data_key(&bench.scratch, &bench.service, lot.practice, lot.practice.uuid()).await;
    let details: Value = unsealed(&key, place, ("audit_event", "details"), row.get("details"));
    assert_eq!(details["note"]["query"], "canary");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn of_a_secret_the_log_keeps_that_it_changed_and_not_what_it_was() {
    let bench = bench().await;
    let person = bench.lot.actor.person().unwrap();
    let client = bench.scratch.superuser().await;
    let key = data_key(&bench.scratch, &bench.service, bench.lot.practice, bench.lot.practice.uuid()).await;
    let house =
        data_key(&bench.scratch, &bench.service, kernel::PracticeId::HOUSE, kernel::PracticeId::HOUSE.uuid()).await;
    let mut secrets = 0;
    for (practice, key) in [(bench.lot.practice, &key), (kernel::PracticeId::HOUSE, &house)] {
        for row in events(&client, practice).await {
            let place = (practice, row.get("event_id"));
            let details: Value = unsealed(key, place, ("audit_event", "details"), row.get("details"));
            let text = details.to_string();
            assert!(!text.contains("argon2id-of-a-password") && !text.contains("totp-secret"));
            for change in details["changes"].as_array().unwrap() {
                if ["person.password", "person.totp"].contains(&change["field"].as_str().unwrap()) {
                    assert_eq!(change["after"], "(secret)");
                    secrets += 1;
                }
            }
        }
    }
    assert_eq!(secrets, 2, "of {person}");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn no_value_stands_in_the_clear_in_any_column_of_any_table() {
    let bench = bench().await;
    let lot = &bench.lot;
    let id = lot.patient("Canaryname").await;
    lot.alert(id, "Canaryalert").await;
    lot.rename(id, 1, "Canaryafter").await.unwrap();
    let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    let rows: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
    tx.record(Event::new().note("Canaryquery".into()), rows).await.unwrap();
    let canaries =
        ["Canaryname", "Canaryalert", "Canaryafter", "Canaryquery", "thandi@example.org", "argon2id-of", "Thandi"];
    let mut looked = 0;
    for client in [bench.scratch.superuser().await, bench.scratch.keyring_superuser().await] {
        let sql = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
        for table in client.query(sql, &[]).await.unwrap() {
            let table: String = table.get(0);
            for row in client.query(&format!("select t::text from {table} t"), &[]).await.unwrap() {
                let text: String = row.get(0);
                looked += 1;
                for canary in canaries {
                    assert!(!text.contains(canary) && !text.contains(&hex(canary)), "{table}: {canary}");
                }
            }
        }
    }
    assert!(looked > 30, "{looked}");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn who_saw_what_of_one_record_tells_reads_lists_refusals_and_values() {
    let bench = bench().await;
    let lot = &bench.lot;
    let (id, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    lot.name(id).await;
    lot.list().await;
    lot.rename(id, 1, "Thandeka").await.unwrap();
    lot.name(other).await;
    let tx = lot.ask::<store::ReadPatientAudit>(Resource::Patient(id)).await.unwrap();
    let page = tx.audit_about(id, None, 10).await.unwrap();
    assert!(page.next.is_none());
    let lines = tx.record(Event::new(), page.lines).await.unwrap();
    let lines: Vec<store::AuditLine> = lines.into_iter().map(Result::unwrap).collect();
    let told: Vec<(&str, bool)> = lines.iter().map(|line| (line.action.as_str(), line.listed)).collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [("patient.create", false), ("patient.edit", false), ("patient.find", true), ("patient.read", false)]
    );
    let edit = lines.iter().find(|line| line.action == "patient.edit").unwrap();
    assert_eq!(edit.changes.len(), 1);
    assert_eq!(edit.changes[0].before, Some(serde_json::json!(["Thandi"])));
    assert_eq!(edit.changes[0].after, Some(serde_json::json!(["Thandeka"])));
    // Page by page, the same lines and none twice.
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let tx = lot.ask::<store::ReadPatientAudit>(Resource::Patient(id)).await.unwrap();
        let page = tx.audit_about(id, before, 1).await.unwrap();
        let next = page.next;
        paged.extend(tx.record(Event::new(), page.lines).await.unwrap().into_iter().map(|line| line.unwrap().event));
        let Some(next) = next else { break };
        before = Some(next);
    }
    for line in &lines {
        assert_eq!(paged.iter().filter(|event| **event == line.event).count(), 1, "{}", line.action);
    }
    bench.scratch.drop().await;
}
