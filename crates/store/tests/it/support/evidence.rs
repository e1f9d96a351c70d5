//! What somebody can make out who has the log's columns, and, with the keys, the details: the leaf
//! rebuilt as docs/spec/leaf.md says, the sealed parts opened.

use kernel::{DataKeyId, EventId, PatientId, PracticeId};
use ledger::{ActorKind, Leaf, Record};
use seal::{DataKey, KekContext, KeyService, Place};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Sealed;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::scratch::{Scratch, TestService};

/// The leaf that a row of the log stands for.
pub fn leaf(row: &Row) -> Leaf {
    let kind = match row.get::<_, i16>("actor_kind") {
        1 => ActorKind::Person,
        2 => ActorKind::Machine,
        4 => ActorKind::Client,
        _ => ActorKind::Visitor,
    };
    let record: Option<String> = row.get("record_kind");
    Leaf {
        practice: PracticeId::from_uuid(row.get("practice_id")),
        event: EventId::from_uuid(row.get("event_id")),
        at_microseconds: row.get::<_, jiff::Timestamp>("at").as_microsecond(),
        actor: ledger::Actor { kind, id: row.get("actor_id") },
        source: row.get("source"),
        action: row.get("action"),
        record: record.map(|kind| Record { kind, id: row.get("record_id") }),
        patient: row.get::<_, Option<Uuid>>("patient_id").map(PatientId::from_uuid),
        field: row.get("field"),
        purpose: row.get("purpose"),
        details_hash: ledger::details_hash(row.get("details")),
        changes: ledger::decode_changes(row.get("changes")).unwrap(),
        subjects: ledger::decode_subjects(row.get("subjects")).unwrap(),
    }
}

/// Every event of a practice with the hash that waits for the sequencer, oldest first.
pub async fn events(client: &Client, practice: PracticeId) -> Vec<Row> {
    let sql = "select e.*, p.leaf_hash from audit_event e
               join audit_pending p on p.practice_id = e.practice_id and p.event_id = e.event_id
               where e.practice_id = $1 order by e.at, e.event_id";
    client.query(sql, &[&practice.uuid()]).await.unwrap()
}

/// The one event of this action.
pub async fn event(client: &Client, practice: PracticeId, action: &str) -> Row {
    let mut all: Vec<Row> = events(client, practice).await;
    all.retain(|row| row.get::<_, String>("action") == action);
    assert_eq!(all.len(), 1, "{action}");
    all.remove(0)
}

/// A data key, by way of the keyring and the key service.
pub async fn data_key(scratch: &Scratch, service: &TestService, practice: PracticeId, id: Uuid) -> DataKey {
    let keyring = scratch.keyring_superuser().await;
    let sql = "select k.version, k.wrapped, d.wrapped from data_key d
               join kek k on k.practice_id = d.practice_id and k.version = d.kek_version
               where d.practice_id = $1 and d.id = $2";
    let row = keyring.query_one(sql, &[&practice.uuid(), &id]).await.unwrap();
    let context = KekContext { practice, version: row.get(0) };
    let kek = service.unwrap(&context, row.get(1)).await.unwrap();
    kek.unwrap(DataKeyId::from_uuid(id), row.get(2)).unwrap()
}

/// Opens what the log has sealed for an event.
pub fn unsealed<T: Serialize + DeserializeOwned>(
    key: &DataKey,
    (practice, event): (PracticeId, Uuid),
    (table, column): (&'static str, &'static str),
    envelope: Vec<u8>,
) -> T {
    let place = Place { practice, table, column, row: event, seal_version: 1 };
    Sealed::<T>::from_stored(place, envelope).open(key).unwrap()
}
