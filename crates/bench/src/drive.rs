//! Asks the program over HTTPS and counts: one scene, some connections, practice after practice.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use kernel::{Clock, Entropy, IdempotencyKey, SystemClock, SystemEntropy};
use serde::{Deserialize, Serialize};

use crate::client::{Address, Caller, Connection};
use crate::load::Filled;
use crate::patients::{self, Draws};
use crate::work::{Said, say};
use crate::{Outcome, run};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Scene {
    /// A patient's page, as somebody who treats patients opens it.
    PatientPage,
    /// The record of a patient, newest first.
    Timeline,
    /// A search by family name that finds four people.
    NameSearch,
    /// A new patient by the form.
    Create,
    /// A Patient over FHIR.
    FhirRead,
    /// A search over FHIR by family name that finds four people.
    FhirSearch,
    /// A new Patient over FHIR.
    FhirCreate,
}

impl Scene {
    pub(crate) const ALL: [Self; 7] = [
        Self::PatientPage,
        Self::Timeline,
        Self::NameSearch,
        Self::Create,
        Self::FhirRead,
        Self::FhirSearch,
        Self::FhirCreate,
    ];

    /// Its name in the figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PatientPage => "patient_page",
            Self::Timeline => "timeline",
            Self::NameSearch => "name_search",
            Self::Create => "create",
            Self::FhirRead => "fhir_read",
            Self::FhirSearch => "fhir_search",
            Self::FhirCreate => "fhir_create",
        }
    }
}

/// One measurement.
#[derive(Serialize, Deserialize)]
pub(crate) struct Drive {
    pub(crate) address: Address,
    pub(crate) practices: Vec<Filled>,
    pub(crate) scene: Scene,
    pub(crate) connections: usize,
    pub(crate) warm_up_ms: u64,
    pub(crate) count_ms: u64,
    /// Another seed asks for other patients.
    pub(crate) seed: u64,
}

/// What was counted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Driven {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// What the connections share.
struct Shared {
    drive: Drive,
    /// The token of the forms of each practice's session.
    tokens: Vec<String>,
    counts: Cell<bool>,
    over: Cell<bool>,
    next: Cell<usize>,
    /// Microseconds of each answer that counted.
    took_us: RefCell<Vec<u32>>,
    draws: RefCell<Draws>,
    clock: Clock,
    entropy: Entropy,
}

impl Drive {
    pub(crate) async fn perform(self) -> Outcome<Driven> {
        let tls = self.address.tls()?;
        let mut tokens = Vec::new();
        if self.scene == Scene::Create {
            let mut connection = self.address.connect(tls.clone()).await?;
            for practice in &self.practices {
                let page = connection.get("/patients/new", Caller::Browser { cookie: &practice.cookie }).await?;
                tokens.push(token_of_form(&page.body, "/patients/new")?);
            }
        }
        let (connections, warm_up_ms, count_ms) = (self.connections, self.warm_up_ms, self.count_ms);
        let shared = Rc::new(Shared {
            draws: RefCell::new(Draws::new(self.seed)),
            drive: self,
            tokens,
            counts: Cell::new(false),
            over: Cell::new(false),
            next: Cell::new(0),
            took_us: RefCell::default(),
            clock: Clock::from(SystemClock),
            entropy: Entropy::from(SystemEntropy),
        });
        let local = tokio::task::LocalSet::new();
        let workers: Vec<_> = {
            let mut workers = Vec::with_capacity(connections);
            for _ in 0..connections {
                let connection = shared.drive.address.connect(tls.clone()).await?;
                workers.push(local.spawn_local(Rc::clone(&shared).ask(connection)));
            }
            workers
        };
        let seconds = local
            .run_until(async {
                tokio::time::sleep(Duration::from_millis(warm_up_ms)).await;
                say(&Said::<()>::Begins)?;
                shared.counts.set(true);
                let began = Instant::now();
                tokio::time::sleep(Duration::from_millis(count_ms)).await;
                shared.counts.set(false);
                let seconds = began.elapsed().as_secs_f64();
                say(&Said::<()>::Ends)?;
                shared.over.set(true);
                for worker in workers {
                    worker.await??;
                }
                Outcome::Ok(seconds)
            })
            .await?;
        let mut took_us = shared.took_us.take();
        took_us.sort_unstable();
        let requests = u64::try_from(took_us.len())?;
        Ok(Driven { requests, seconds, p50_ms: run::rank_ms(&took_us, 50), p99_ms: run::rank_ms(&took_us, 99) })
    }
}

impl Shared {
    /// One connection's life: the next practice, somebody there, an answer, again.
    async fn ask(self: Rc<Self>, mut connection: Connection) -> Outcome {
        while !self.over.get() {
            let turn = self.next.get();
            self.next.set(turn + 1);
            let at = turn % self.drive.practices.len();
            let practice = self.drive.practices.get(at).ok_or("no practice")?;
            let began = Instant::now();
            self.one(&mut connection, at, practice).await?;
            if self.counts.get() {
                let us = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
                self.took_us.borrow_mut().push(us);
            }
        }
        Ok(())
    }

    async fn one(&self, connection: &mut Connection, at: usize, practice: &Filled) -> Outcome {
        let drawn = |limit| self.draws.borrow_mut().below(limit);
        let patient = || practice.patients.get(drawn(practice.patients.len())).ok_or("a practice without patients");
        let family = || patients::family(practice.from + drawn(practice.until - practice.from));
        let nobody_yet = || drawn(100_000_000) + 100_000_000;
        let once = || IdempotencyKey::new(self.clock.now(), &self.entropy);
        let browser = Caller::Browser { cookie: &practice.cookie };
        let program = Caller::Program { key: &practice.key };
        let fhir = format!("/fhir/r4/{}/Patient", practice.slug);
        let scene = self.drive.scene;
        let answer = match scene {
            Scene::PatientPage => connection.get(&format!("/patients/{}", patient()?), browser).await?,
            Scene::Timeline => connection.get(&format!("/patients/{}/record", patient()?), browser).await?,
            Scene::NameSearch => connection.get(&format!("/patients?q={}", family()), browser).await?,
            Scene::Create => {
                let token = self.tokens.get(at).ok_or("a practice without a token")?;
                let mut form = format!("csrf={token}&once={}", once());
                for (field, value) in patients::typed(nobody_yet()) {
                    write!(form, "&{field}={}", value.replace('+', "%2B").replace(' ', "+"))?;
                }
                connection.submit("/patients/new", &practice.cookie, form).await?
            }
            Scene::FhirRead => connection.get(&format!("{fhir}/{}", patient()?), program).await?,
            Scene::FhirSearch => connection.get(&format!("{fhir}?family={}", family()), program).await?,
            Scene::FhirCreate => {
                connection.create(&fhir, &practice.key, once(), &patients::patient(nobody_yet())).await?
            }
        };
        let right = match scene {
            Scene::Create => answer.status == 303 && answer.location.is_some_and(|to| to.starts_with("/patients/")),
            Scene::FhirCreate => answer.status == 201,
            Scene::FhirSearch => {
                // A family may be spread over two practices.
                answer.status == 200 && !serde_json::from_slice::<Found>(&answer.body)?.entry.is_empty()
            }
            _ => answer.status == 200 && !answer.body.is_empty(),
        };
        if right { Ok(()) } else { Err(format!("{} was answered with {}", scene.name(), answer.status).into()) }
    }
}

/// What a search over FHIR finds.
#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    entry: Vec<serde::de::IgnoredAny>,
}

/// The token of the form that leads to `action`: a page has other forms, whose tokens are good elsewhere.
fn token_of_form(page: &[u8], action: &str) -> Outcome<String> {
    let page = std::str::from_utf8(page)?;
    let form = page.split(&format!("action=\"{action}\"")).nth(1);
    let value = form.and_then(|form| form.split("name=\"csrf\" value=\"").nth(1)?.split('"').next());
    Ok(value.ok_or("the form of a new patient has no token")?.to_owned())
}
