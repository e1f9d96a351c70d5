//! A house with practices, members and patients of the test's own, made through the doors.

pub mod evidence;
pub mod rows;
pub mod scratch;

use kernel::{Entropy, IdempotencyKey, PatientId, PersonId, PracticeId, SessionId, Source, SystemEntropy};
use rows::*;
use store::{Actor, Event, Job, Once, Resource, SessionHash, Store, StoreError, Tx, Versioned, sql};
use testkit::House;
use tokio_postgres::Client;
use uuid::Uuid;

store::actions! {
    pub Found = "practice.found", house;
    pub Home = "home.read", reads;
    pub FindPatient = "patient.find", reads;
    pub ReadPatient = "patient.read", reads;
    pub ReadClinical = "clinical.read", reads;
    pub OpenRecord = "patient.record", reads, all of [ReadPatient, ReadClinical];
    pub CreatePatient = "patient.create", writes;
    pub EditPatient = "patient.edit", writes;
    pub EditPractice = "practice.edit", writes;
    pub ReadExported = "record.export", reads;
}

pub const BY_ID: store::Sql = sql!("select * from patient where practice_id = $1 and id = $2");
pub const ALL: store::Sql = sql!("select * from patient where practice_id = $1 order by id");

pub fn entropy() -> Entropy {
    SystemEntropy.into()
}

pub fn random() -> [u8; 32] {
    entropy().bytes()
}

/// A key that no request has used yet.
pub fn key() -> IdempotencyKey {
    IdempotencyKey::new(testkit::START, &entropy())
}

pub fn somewhere() -> Source {
    Source::network("203.0.113.7".parse().unwrap())
}

/// One practice in a house, and a practitioner in it.
pub struct Lot {
    pub store: Store,
    pub practice: PracticeId,
    pub actor: Actor,
}

/// A house and one practice in it.
pub async fn lot() -> (House, Lot) {
    let house = House::open().await;
    let lot = Lot::found(&house.store).await;
    (house, lot)
}

/// Somebody with the data cluster in their hands.
pub async fn superuser() -> Client {
    testkit::servers().await.superuser(testkit::DATA).await
}

/// Somebody with the keyring in their hands.
pub async fn keyring_superuser() -> Client {
    testkit::servers().await.superuser(testkit::KEYRING).await
}

/// The running role, past the store's doors.
pub async fn running_role() -> Client {
    testkit::servers().await.as_role(testkit::DATA, "vouchsafe_run").await
}

pub async fn scope(client: &Client, practice: PracticeId) {
    client.query("select set_config('app.practice', $1::uuid::text, false)", &[&practice.uuid()]).await.unwrap();
}

impl Lot {
    pub async fn found(store: &Store) -> Self {
        let practice = PracticeId::new(testkit::START, &entropy());
        store.found_keys(practice).await.unwrap();
        store.know(practice).await.unwrap();
        let mut tx = store.host::<Found>(Job::Founding).await.unwrap();
        let slug = format!("p{}", practice.uuid().simple());
        tx.insert::<ListingRow>(Listing { id: practice, row_version: 1, slug, state: "active".into() }).await.unwrap();
        tx.step_into(practice).await.unwrap();
        tx.insert::<PracticeRow>(Practice {
            id: practice,
            row_version: 1,
            time_zone: "Africa/Johannesburg".into(),
            country: "ZA".into(),
            name: "A practice".into(),
        })
        .await
        .unwrap();
        tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
        let actor = join(store, practice, "practitioner").await;
        Self { store: store.clone(), practice, actor }
    }

    /// Another person of this practice.
    pub async fn member(&self, roles: &str) -> Actor {
        join(&self.store, self.practice, roles).await
    }

    pub async fn ask<A: store::Reads>(&self, resource: Resource) -> Result<Tx<A>, StoreError> {
        self.store.enter(&self.actor).await?.ask::<A>(resource).await
    }

    pub async fn write<A: store::Writes>(&self, resource: Resource) -> Tx<A> {
        self.write_once(resource, key(), &()).await.unwrap().unwrap()
    }

    /// `None` if it was done before.
    pub async fn write_once<A: store::Writes>(
        &self,
        resource: Resource,
        key: IdempotencyKey,
        sent: &(impl serde::Serialize + Sync),
    ) -> Result<Option<Tx<A>>, StoreError> {
        Ok(match self.store.enter(&self.actor).await?.ask_once::<A>(resource, key, sent).await? {
            Once::Fresh(tx) => Some(tx),
            Once::Done(_) => None,
        })
    }

    pub async fn patient(&self, name: &str) -> PatientId {
        let mut tx = self.write::<CreatePatient>(Resource::Practice).await;
        let id = tx.new_patient().await.unwrap();
        tx.insert::<PatientRow>(patient(id, name)).await.unwrap();
        tx.commit(Event::new().about("patient", id.uuid()), id.to_string().into()).await.unwrap();
        id
    }

    pub async fn alert(&self, patient: PatientId, text: &str) -> kernel::AlertId {
        let id = kernel::AlertId::new(testkit::START, &entropy());
        let mut tx = self.write::<EditPatient>(Resource::Patient(patient)).await;
        let (severity, text) = ("usual".to_owned(), text.to_owned());
        tx.insert::<AlertRow>(Alert { id, row_version: 1, patient_id: patient, severity, active: true, text })
            .await
            .unwrap();
        tx.commit(Event::new().about("alert", id.uuid()), serde_json::Value::Null).await.unwrap();
        id
    }

    /// The row as it is stored, without an event.
    pub async fn row(&self, patient: PatientId) -> PatientRow {
        let tx = self.ask::<ReadPatient>(Resource::Patient(patient)).await.unwrap();
        tx.row(BY_ID, &[&patient.uuid()]).await.unwrap()
    }

    /// The patient, opened and recorded.
    pub async fn open(&self, patient: PatientId) -> Result<Result<Patient, store::Damaged>, StoreError> {
        let tx = self.ask::<ReadPatient>(Resource::Patient(patient)).await?;
        let row: PatientRow = tx.row(BY_ID, &[&patient.uuid()]).await?;
        tx.record(Event::new().about("patient", patient.uuid()), row).await
    }

    pub async fn name(&self, patient: PatientId) -> String {
        self.open(patient).await.unwrap().unwrap().names.join(" ")
    }

    /// Every patient of the practice, opened as a list.
    pub async fn list(&self) -> Vec<Result<Patient, store::Damaged>> {
        let tx = self.ask::<FindPatient>(Resource::Practice).await.unwrap();
        let rows: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
        tx.record(Event::new(), rows).await.unwrap()
    }

    pub async fn rename(&self, patient: PatientId, seen: i64, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write::<EditPatient>(Resource::Patient(patient)).await;
        let row: PatientRow = tx.row(BY_ID, &[&patient.uuid()]).await?;
        let patch = PatientPatch { names: Some(vec![name.to_owned()]), ..PatientPatch::default() };
        let changed = tx.amend(&row, Versioned(seen), patch).await?;
        tx.commit(Event::new().about("patient", patient.uuid()), serde_json::Value::Null).await?;
        Ok(changed)
    }

    /// How many events this practice has.
    pub async fn events(&self) -> i64 {
        let sql = "select count(*) from audit_event where practice_id = $1";
        superuser().await.query_one(sql, &[&self.practice.uuid()]).await.unwrap().get(0)
    }
}

/// A new person, signed in, with these roles in the practice.
pub async fn join(store: &Store, practice: PracticeId, roles: &str) -> Actor {
    let (_, hash) = sign_up(store, practice, roles).await;
    let signed_in = store.session(hash).await.unwrap().unwrap();
    store.actor(&signed_in, somewhere()).unwrap()
}

pub async fn sign_up(store: &Store, practice: PracticeId, roles: &str) -> (PersonId, SessionHash) {
    store.know(practice).await.unwrap();
    let mut tx = store.host::<Found>(Job::Founding).await.unwrap();
    let id = tx.new_person().await.unwrap();
    let (at, hash) = (tx.at(), random());
    let session = SessionId::new(at, &entropy());
    tx.insert::<PersonRow>(Person {
        id,
        row_version: 1,
        email_token: random()[..16].to_vec(),
        state: "active".into(),
        created_at: at,
        secured_at: at,
        display_name: "Thandi".into(),
        email: "thandi@example.org".into(),
        language: None,
        password: "argon2id-of-a-password".into(),
        totp: "totp-secret".into(),
    })
    .await
    .unwrap();
    tx.insert::<SessionRow>(Session {
        id: session,
        row_version: 1,
        token_hash: hash.to_vec(),
        person_id: id,
        entered: Some(practice),
        factors: "password+totp".into(),
        created_at: at,
        expires_at: at + jiff::SignedDuration::from_hours(12),
        proved_at: at,
        ended_at: None,
        ended_why: None,
        browser: "Chromium".into(),
        source: "203.0.113.7".into(),
    })
    .await
    .unwrap();
    let seen = sql!("insert into session_seen (practice_id, session_id, seen_at) values ($1, $2, $3)");
    tx.execute(seen, &[&session.uuid(), &at]).await.unwrap();
    tx.step_into(practice).await.unwrap();
    tx.insert::<MembershipRow>(Membership {
        id,
        row_version: 1,
        roles: roles.into(),
        status: "active".into(),
        joined_at: at,
        ended_at: None,
        display_name: "Thandi".into(),
        email: "thandi@example.org".into(),
        title: None,
    })
    .await
    .unwrap();
    tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    (id, SessionHash(hash))
}

/// The SQLSTATE of a refusal.
pub fn code<T: std::fmt::Debug>(result: Result<T, tokio_postgres::Error>) -> String {
    result.unwrap_err().code().unwrap().code().to_owned()
}

pub fn uuid() -> Uuid {
    key().uuid()
}
