//! Ciphertexts that somebody with the database in their hands has moved, mixed up or damaged. None
//! opens; the row that holds it is named, and the others open.

use store::{Damaged, Event, Resource};
use tokio_postgres::Client;

use crate::support::rows::*;
use crate::support::*;

/// Somebody for whom no rule counts.
async fn intruder() -> Client {
    let client = superuser().await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    client
}

#[tokio::test]
async fn a_ciphertext_that_was_damaged_or_moved_never_opens_and_the_others_do() {
    let (_house, lot) = lot().await;
    let (victim, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    let foreign = Lot::found(&lot.store).await.patient("Thandi").await;
    let client = intruder().await;
    let here = lot.practice.uuid();
    let (id, other_id, foreign_id) = (victim.uuid(), other.uuid(), foreign.uuid());
    client.batch_execute(&format!("create temp table kept as select * from patient where id = '{id}'")).await.unwrap();
    let flipped = |at: &str| {
        format!("update patient set names = set_byte(names, {at}, get_byte(names, {at}) # 1) where id = '{id}'")
    };
    let from = |column: &str, source: &str| {
        format!(
            "update patient set names = (select {column} from patient where id = '{source}') where id = '{id}' and practice_id = '{here}'"
        )
    };
    let attacks = [
        ("the format", flipped("0")),
        ("the algorithm", flipped("1")),
        ("the key's id", flipped("7")),
        ("the nonce", flipped("20")),
        ("the text", flipped("40")),
        ("the tag", flipped("length(names) - 1")),
        ("cut short", format!("update patient set names = substr(names, 1, length(names) - 1) where id = '{id}'")),
        ("lengthened", format!("update patient set names = names || '\\x00' where id = '{id}'")),
        ("emptied", format!("update patient set names = '' where id = '{id}'")),
        ("from another column", from("contacts", &id.to_string())),
        ("from another row", from("names", &other_id.to_string())),
        ("from another practice", from("names", &foreign_id.to_string())),
        ("under another seal version", format!("update patient set seal_version = seal_version + 1 where id = '{id}'")),
        (
            "both columns changed places",
            format!("update patient set names = contacts, contacts = names where id = '{id}'"),
        ),
    ];
    for (what, attack) in attacks {
        assert_eq!(client.execute(&attack, &[]).await.unwrap(), 1, "{what}");
        let damaged = Damaged { table: "patient", id };
        assert_eq!(lot.open(victim).await.unwrap(), Err(damaged), "{what}");
        for row in lot.list().await {
            match row {
                Ok(open) => assert_eq!((open.id, open.names.join(" ").as_str()), (other, "Zoe"), "{what}"),
                Err(named) => assert_eq!(named, damaged, "{what}"),
            }
        }
        // Nor can it be amended into something whole, or removed.
        assert!(lot.rename(victim, 1, "Thandeka").await.is_err(), "{what}");
        let restore = "update patient p set names = k.names, contacts = k.contacts, seal_version = k.seal_version
                       from kept k where p.practice_id = k.practice_id and p.id = k.id";
        client.execute(restore, &[]).await.unwrap();
        assert_eq!(lot.name(victim).await, "Thandi", "{what}: put back");
    }
}

#[tokio::test]
async fn an_older_ciphertext_put_back_in_its_own_place_does_not_open() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let client = intruder().await;
    client
        .batch_execute(&format!("create temp table kept as select * from patient where id = '{}'", id.uuid()))
        .await
        .unwrap();
    lot.rename(id, 1, "Thandeka").await.unwrap();
    let sql = "update patient p set names = k.names from kept k where p.practice_id = k.practice_id and p.id = k.id";
    client.execute(sql, &[]).await.unwrap();
    assert!(lot.open(id).await.unwrap().is_err());
}

#[tokio::test]
async fn a_ciphertext_of_another_table_does_not_open() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let alert = lot.alert(id, "allergic to penicillin").await;
    let entry = kernel::EntryId::from_uuid(alert.uuid());
    let mut tx = lot.write::<EditPatient>(Resource::Patient(id)).await;
    // The same row id, the same key, the same type of column.
    tx.insert::<EntryRow>(Entry {
        id: entry,
        row_version: 1,
        patient_id: id,
        kind: "document".into(),
        occurred_at: None,
        summary: "a letter".into(),
        body: "text".into(),
    })
    .await
    .unwrap();
    tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    let client = intruder().await;
    let sql = "update patient_alert set text = (select summary from record_entry where id = $1) where id = $1";
    client.execute(sql, &[&alert.uuid()]).await.unwrap();
    let tx = lot.ask::<OpenRecord>(Resource::Patient(id)).await.unwrap();
    let alerts: Vec<AlertRow> = tx
        .rows(store::sql!("select * from patient_alert where practice_id = $1 and patient_id = $2"), &[&id.uuid()])
        .await
        .unwrap();
    let entries: Vec<EntryRow> = tx
        .rows(store::sql!("select * from record_entry where practice_id = $1 and patient_id = $2"), &[&id.uuid()])
        .await
        .unwrap();
    let (alerts, entries) = tx.record(Event::new(), (alerts, entries)).await.unwrap();
    assert_eq!(alerts[0], Err(Damaged { table: "patient_alert", id: alert.uuid() }));
    assert_eq!(entries[0].as_ref().unwrap().summary, "a letter");
}

#[tokio::test]
async fn an_alert_given_to_another_patient_does_not_open_as_theirs() {
    let (_house, lot) = lot().await;
    let (one, two) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    let (mine, theirs) = (lot.alert(one, "allergic to penicillin").await, lot.alert(two, "needs a ramp").await);
    let client = intruder().await;
    let sql = "update patient_alert set patient_id = $2 where id = $1";
    client.execute(sql, &[&mine.uuid(), &two.uuid()]).await.unwrap();
    // Both keys are at hand, because the list shows both patients.
    let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    let patients: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
    let alerts: Vec<AlertRow> =
        tx.rows(store::sql!("select * from patient_alert where practice_id = $1 order by id"), &[]).await.unwrap();
    let (patients, alerts) = tx.record(Event::new(), (patients, alerts)).await.unwrap();
    assert!(patients.iter().all(Result::is_ok));
    for alert in alerts {
        match alert {
            Ok(open) => assert_eq!(open.id, theirs),
            Err(damaged) => assert_eq!(damaged.id, mine.uuid()),
        }
    }
}

#[tokio::test]
async fn details_of_the_log_that_were_moved_do_not_open_and_the_other_lines_do() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    lot.rename(id, 1, "Thandeka").await.unwrap();
    let client = intruder().await;
    let sql = "update audit_event set details = (select details from audit_event where practice_id = $1 and action = 'patient.create')
               where practice_id = $1 and action = 'patient.edit'";
    assert_eq!(client.execute(sql, &[&lot.practice.uuid()]).await.unwrap(), 1);
    let tx = lot.ask::<store::ReadPatientAudit>(Resource::Patient(id)).await.unwrap();
    let page = tx.audit_about(id, None, 10).await.unwrap();
    let lines = tx.record(Event::new(), page.lines).await.unwrap();
    let (open, damaged): (Vec<_>, Vec<_>) = lines.into_iter().partition(Result::is_ok);
    assert_eq!((open.len(), damaged.len()), (1, 1));
}
