//! The floor: the statements of a read, of a patient's page, of a search and of a new patient, pipelined
//! over the same driver and made durable as the product makes them, without HTTP, TLS, permission and
//! sealing. What the product costs above this is what its promises cost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{try_join, try_join_all, try_join3, try_join4, try_join5};
use jiff::Timestamp;
use kernel::{Clock, Entropy, EventId, PatientId, SystemClock, SystemEntropy};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Outcome;
use crate::load::{Filled, Socket};
use crate::patients::Draws;
use crate::work::{Said, say};

/// Of what the floor is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FloorScene {
    /// One patient's row, and the event.
    Read,
    /// What a patient's page reads, and the event.
    PatientPage,
    /// A new patient with sixteen search tokens, and the event.
    Create,
}

impl FloorScene {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::PatientPage, Self::Create];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::PatientPage => "patient_page",
            Self::Create => "create",
        }
    }
}

/// One measurement.
#[derive(Serialize, Deserialize)]
pub(crate) struct Floor {
    pub(crate) data: Socket,
    pub(crate) practices: Vec<Filled>,
    pub(crate) scene: FloorScene,
    pub(crate) connections: usize,
    pub(crate) count_ms: u64,
    pub(crate) seed: u64,
}

/// What was counted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Floored {
    pub(crate) rounds: u64,
    pub(crate) seconds: f64,
}

const SCOPE: &str = "select set_config('app.practice', $1::uuid::text, true)";
const MEMBER: &str = "select roles from membership where practice_id = $1 and id = $2 and status = 'active'";
const PATIENT: &str = "select * from patient where practice_id = $1 and id = $2";
const IDENTIFIERS: &str =
    "select * from patient_identifier where practice_id = $1 and patient_id = $2 and active order by id limit 200";
const ALERTS: &str = "select * from patient_alert where practice_id = $1 and patient_id = $2 and active
    order by severity, id desc limit 200";
const ENTRIES: &str = "select * from record_entry where practice_id = $1 and patient_id = $2
    order by occurred_at desc nulls last, id limit 50";
const EVENT: &str = "
    with event as (
        insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, patient_id, details,
            changes, subjects)
        values ($1, $2, $3, 1, $4, 'floor', 'floor.read', $5, $6, '', '')
    )
    insert into audit_pending (practice_id, event_id, leaf_hash) values ($1, $2, $7)";
const NEW_PATIENT: &str = "
    insert into patient (practice_id, id, row_version, seal_version, event_id, active, names, birth, gender, pronouns,
        deceased, contacts, addresses, languages, marital, rest)
    values ($1, $2, 1, 1, $3, true, $4, $4, $4, $4, $4, $4, $4, $4, $4, $4)";
const TOKENS: &str = "
    insert into search_token (practice_id, token, subject_id, epoch)
    select $1, token, $3, 1 from unnest($2::bytea[]) as t (token)";

/// The statements of one connection, prepared once.
struct Prepared {
    client: Client,
    scope: Statement,
    member: Statement,
    patient: Statement,
    identifiers: Statement,
    alerts: Statement,
    entries: Statement,
    event: Statement,
    new_patient: Statement,
    tokens: Statement,
}

impl Prepared {
    async fn on(socket: &Socket) -> Outcome<Self> {
        let client = socket.connect("vouchsafe_run").await?;
        Ok(Self {
            scope: client.prepare(SCOPE).await?,
            member: client.prepare(MEMBER).await?,
            patient: client.prepare(PATIENT).await?,
            identifiers: client.prepare(IDENTIFIERS).await?,
            alerts: client.prepare(ALERTS).await?,
            entries: client.prepare(ENTRIES).await?,
            event: client.prepare(EVENT).await?,
            new_patient: client.prepare(NEW_PATIENT).await?,
            tokens: client.prepare(TOKENS).await?,
            client,
        })
    }
}

/// What all connections share.
struct Shared {
    floor: Floor,
    counts: Cell<bool>,
    over: Cell<bool>,
    next: Cell<usize>,
    rounds: Cell<u64>,
    draws: RefCell<Draws>,
    clock: Clock,
    entropy: Entropy,
}

impl Floor {
    pub(crate) async fn perform(self) -> Outcome<Floored> {
        let count = Duration::from_millis(self.count_ms);
        let shared = Rc::new(Shared {
            draws: RefCell::new(Draws::new(self.seed)),
            counts: Cell::new(false),
            over: Cell::new(false),
            next: Cell::new(0),
            rounds: Cell::new(0),
            clock: Clock::from(SystemClock),
            entropy: Entropy::from(SystemEntropy),
            floor: self,
        });
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let mut workers = Vec::new();
                for _ in 0..shared.floor.connections {
                    let prepared = Prepared::on(&shared.floor.data).await?;
                    workers.push(tokio::task::spawn_local(Rc::clone(&shared).ask(prepared)));
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
                say(&Said::<()>::Begins)?;
                shared.counts.set(true);
                let began = Instant::now();
                tokio::time::sleep(count).await;
                shared.counts.set(false);
                let seconds = began.elapsed().as_secs_f64();
                say(&Said::<()>::Ends)?;
                shared.over.set(true);
                for worker in workers {
                    worker.await??;
                }
                Outcome::Ok(Floored { rounds: shared.rounds.get(), seconds })
            })
            .await
    }
}

impl Shared {
    async fn ask(self: Rc<Self>, on: Prepared) -> Outcome {
        while !self.over.get() {
            let turn = self.next.get();
            self.next.set(turn + 1);
            let practices = &self.floor.practices;
            let practice = practices.get(turn % practices.len()).ok_or("no practice")?;
            let at = self.draws.borrow_mut().below(practice.patients.len());
            let patient = *practice.patients.get(at).ok_or("a practice without patients")?;
            self.round(&on, practice, patient).await?;
            if self.counts.get() {
                self.rounds.set(self.rounds.get() + 1);
            }
        }
        Ok(())
    }

    async fn round(&self, on: &Prepared, practice: &Filled, patient: Uuid) -> Outcome {
        let now = self.clock.now();
        let event = EventId::new(now, &self.entropy).uuid();
        if self.floor.scene == FloorScene::Create {
            return self.create(on, practice, event, now).await;
        }
        let one: &[&(dyn ToSql + Sync)] = &[&practice.id, &patient];
        let mut reads = vec![&on.patient];
        if self.floor.scene == FloorScene::PatientPage {
            reads.extend([&on.identifiers, &on.alerts, &on.entries]);
        }
        let client = &on.client;
        // One trip; the futures of one client are sent in the order in which they are asked first.
        try_join5(
            client.batch_execute("begin read only"),
            client.execute(&on.scope, &[&practice.id]),
            client.query(&on.member, &[&practice.id, &practice.person]),
            try_join_all(reads.into_iter().map(|read| client.query(read, one))),
            client.batch_execute("commit"),
        )
        .await?;
        self.event(on, practice, event, now, Some(patient)).await
    }

    /// The event, durable, in a transaction and a trip of its own.
    async fn event(
        &self,
        on: &Prepared,
        practice: &Filled,
        event: Uuid,
        now: Timestamp,
        patient: Option<Uuid>,
    ) -> Outcome {
        let client = &on.client;
        let (details, leaf) = ([7_u8; 120].as_slice(), [7_u8; 32].as_slice());
        try_join4(
            client.batch_execute("begin"),
            client.execute(&on.scope, &[&practice.id]),
            client.execute(&on.event, &[&practice.id, &event, &now, &practice.person, &patient, &details, &leaf]),
            client.batch_execute("commit"),
        )
        .await?;
        Ok(())
    }

    async fn create(&self, on: &Prepared, practice: &Filled, event: Uuid, now: Timestamp) -> Outcome {
        let client = &on.client;
        let id = PatientId::new(now, &self.entropy).uuid();
        let sealed = [7_u8; 130].as_slice();
        let tokens: Vec<Vec<u8>> = (0..16).map(|_| self.entropy.bytes::<16>().to_vec()).collect();
        let (details, leaf) = ([7_u8; 900].as_slice(), [7_u8; 32].as_slice());
        let patient = Some(id);
        try_join(
            try_join4(
                client.batch_execute("begin"),
                client.execute(&on.scope, &[&practice.id]),
                client.query(&on.member, &[&practice.id, &practice.person]),
                client.execute(&on.new_patient, &[&practice.id, &id, &event, &sealed]),
            ),
            try_join3(
                client.execute(&on.tokens, &[&practice.id, &tokens, &id]),
                client.execute(&on.event, &[&practice.id, &event, &now, &practice.person, &patient, &details, &leaf]),
                client.batch_execute("commit"),
            ),
        )
        .await?;
        Ok(())
    }
}
