//! People who act in a house: founded, given roles, signed in with both factors, through the flows
//! that real people use.
//!
//! ```ignore
//! let house = House::open().await;
//! let practice = house.practice().await;
//! let owner = house.signed_in(practice, &[Role::Owner]).await;
//! let tx = house.store.enter(&owner.actor).await?;
//! ```

use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use identity::clients::{DAYS_USUAL, NewClient, ProvesBy};
use identity::founding::{NewPerson, NewPractice};
use identity::password::{Hasher, Password};
use identity::second::{Entered, Proof};
use identity::sign_in::HalfSignedIn;
use identity::totp::{STEP_SECONDS, TotpSecret};
use identity::{Identity, Me};
use jiff::SignedDuration;
use kernel::{ClientId, Clock, IdempotencyKey, PersonId, PracticeId, Secret, Source, SystemEntropy};
use store::{Actor, OutboxRow, Role, Roles, sql};
use uuid::Uuid;

use crate::House;
use crate::servers::{DATA, servers};

/// The password of everybody that a test makes.
pub const PASSWORD: &str = "nine quiet herons by the weir";

/// Somebody who can sign in.
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// The address they sign in with. Their password is [`PASSWORD`].
    pub email: String,
    /// Their authenticator.
    pub totp: TotpSecret,
    /// Their recovery codes, as printed.
    pub codes: Vec<Secret<String>>,
    last_step: AtomicI64,
}

/// Somebody signed in. Dereferences to the [`Person`].
pub struct SignedInPerson {
    /// Who.
    pub person: Person,
    /// What the flows of identity are asked by.
    pub me: Me,
    /// The actor in the practice that the browser is in.
    pub actor: Actor,
    /// The session's cookie.
    pub cookie: Secret<String>,
}

impl Deref for SignedInPerson {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.person
    }
}

/// A line of a log, as [`House::log`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// What was done.
    pub action: String,
    /// Which field, where the event names one.
    pub field: Option<String>,
    /// The record it was about.
    pub record: Option<Uuid>,
    /// Whether a person did it (and not a visitor or a job).
    pub by_person: bool,
}

store::actions! {
    /// A test looks at letters.
    ReadLetters = "test.read-letters", house;
}

fn hasher() -> &'static Hasher {
    static HASHER: OnceLock<Hasher> = OnceLock::new();
    HASHER.get_or_init(|| Hasher::new(SystemEntropy.into()).expect("a hasher"))
}

impl House {
    /// The flows of identity in this house. Refusals do not wait.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::new(self.store.clone(), hasher().clone(), "https://house.test", Duration::ZERO)
    }

    /// A fresh idempotency key.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(Clock::from(self.clock.clone()).now(), self.store.entropy())
    }

    /// A text that no other test has: for slugs, addresses and names.
    #[must_use]
    pub fn unique(&self, begin: &str) -> String {
        let bytes = self.store.entropy().bytes::<8>();
        format!("{begin}-{:016x}", u64::from_be_bytes(bytes))
    }

    /// A new practice, without people.
    pub async fn practice(&self) -> PracticeId {
        let slug = self.unique("p");
        let new = NewPractice {
            name: format!("Harbour Street {slug}"),
            slug,
            time_zone: "Africa/Johannesburg".to_owned(),
            country: "ZA".to_owned(),
        };
        self.identity().found_practice(&new).await.expect("a practice")
    }

    /// A new person with roles in a practice, not signed in.
    pub async fn person(&self, practice: PracticeId, roles: &[Role]) -> Person {
        let email = format!("{}@example.org", self.unique("person"));
        let name = format!("Thandi {}", self.unique("Mbeki"));
        let roles = Roles::of(roles.iter().copied());
        let new = NewPerson { email: email.clone(), name: name.clone(), roles, password: Password::typed(PASSWORD) };
        let founded = self.identity().found_person_with(practice, &new).await.expect("a person");
        let secrets = founded.secrets.expect("a new account");
        let (totp, codes) = (secrets.totp, secrets.codes);
        Person { id: founded.person, name, email, totp, codes, last_step: AtomicI64::new(0) }
    }

    /// Gives a person roles in another practice.
    pub async fn add_to(&self, practice: PracticeId, person: &Person, roles: &[Role]) {
        let new = NewPerson {
            email: person.email.clone(),
            name: person.name.clone(),
            roles: Roles::of(roles.iter().copied()),
            password: Password::typed(PASSWORD),
        };
        self.identity().found_person_with(practice, &new).await.expect("a member");
    }

    /// A new person with roles in a practice, signed in.
    pub async fn signed_in(&self, practice: PracticeId, roles: &[Role]) -> SignedInPerson {
        let person = self.person(practice, roles).await;
        self.sign_in(person).await
    }

    /// Somebody signed in, in the shortest form: their actor in the practice.
    pub async fn actor(&self, practice: PracticeId, roles: &[Role]) -> Actor {
        self.signed_in(practice, roles).await.actor
    }

    /// A program that a practice has let in, with a key that opens these scopes: its id and the key.
    pub async fn client(&self, practice: PracticeId, scopes: &str) -> (ClientId, Secret<String>) {
        let owner = self.actor(practice, &[Role::Owner]).await;
        let new = NewClient {
            name: self.unique("Connection"),
            scopes: scopes.parse().expect("scopes"),
            days: DAYS_USUAL,
            proves_by: ProvesBy::Key,
        };
        let made = self.identity().make_client(&owner, &new, self.key()).await.expect("a connection");
        (made.id, made.key.expect("a key, the first time"))
    }

    /// Signs a person in with password and one-time code. If they have used the present code, time
    /// passes until the next.
    pub async fn sign_in(&self, person: Person) -> SignedInPerson {
        let entered = self.enter(&person).await;
        let me = self.me(&entered.token).await.expect("a session");
        let actor = self.identity().actor(&me).expect("a practice");
        SignedInPerson { person, me, actor, cookie: entered.token }
    }

    /// One more browser of a person: a session of its own.
    pub async fn another_browser(&self, person: &Person) -> (Me, Secret<String>) {
        let entered = self.enter(person).await;
        (self.me(&entered.token).await.expect("a session"), entered.token)
    }

    /// Who a cookie says this is, at this moment.
    pub async fn me(&self, cookie: &Secret<String>) -> Option<Me> {
        self.identity().me(cookie.expose(), self.source.clone()).await.expect("the session's row")
    }

    /// The first half of a sign-in.
    pub async fn half(&self, person: &Person) -> HalfSignedIn {
        let password = Password::typed(PASSWORD);
        let begun = self.identity().begin(&person.email, &password, &self.source, self.key()).await;
        begun.expect("the password is right")
    }

    /// The one-time code that a person's authenticator shows; waits for one that was not used yet.
    pub fn code(&self, person: &Person) -> String {
        let now = Clock::from(self.clock.clone()).now();
        let step_seconds = i64::try_from(STEP_SECONDS).unwrap();
        let free = (person.last_step.load(Ordering::Relaxed) + 1) * step_seconds;
        if now.as_second() < free {
            self.wait(SignedDuration::from_secs(free - now.as_second()));
        }
        let now = Clock::from(self.clock.clone()).now();
        person.last_step.store(now.as_second() / step_seconds, Ordering::Relaxed);
        person.totp.code_at(now)
    }

    async fn enter(&self, person: &Person) -> Entered {
        let half = self.half(person).await;
        let code = self.code(person);
        let proof = Proof::Totp(&code);
        let (token, browser) = (half.token.expose(), Some("Firefox on Linux"));
        self.identity().finish(token, proof, &self.source, browser, self.key()).await.expect("the code is right")
    }

    /// The texts of the letters that flows have sent to a person, the house's and not yet gone. (The
    /// house's outbox is everybody's; a practice's own is read with `store.claim_letter`.)
    pub async fn letters_to(&self, person: PersonId) -> Vec<String> {
        let tx = self.store.visit::<ReadLetters>(self.source.clone()).await.expect("the house");
        let of_person = sql!(
            "select o.* from outbox o
             join audit_event e on e.practice_id = o.practice_id and e.event_id = o.event_id
             where o.practice_id = $1 and e.record_id = $2 and o.state = 'waiting' order by o.id"
        );
        let rows: Vec<OutboxRow> = tx.rows(of_person, &[&person.uuid()]).await.expect("the outbox");
        let open = tx.open(rows).await.expect("the outbox's keys");
        tx.keep_counts().await.expect("the end of reading");
        open.into_iter().filter_map(|row| row.expect("a letter").message).map(|letter| letter.text).collect()
    }

    /// What this test's people did, by the log of a practice (or of the house): action, field and the
    /// record it was about. Read past the doors.
    pub async fn log(&self, practice: PracticeId) -> Vec<LogLine> {
        let client = servers().await.superuser(DATA).await;
        let sql = "select action, field, record_id, actor_kind from audit_event
                   where practice_id = $1 and source = $2 order by at, event_id";
        let rows = client.query(sql, &[&practice.uuid(), &self.source.to_string()]).await.expect("the log");
        let line = |row: &tokio_postgres::Row| LogLine {
            action: row.get(0),
            field: row.get(1),
            record: row.get(2),
            by_person: row.get::<_, i16>(3) == 1,
        };
        rows.iter().map(line).collect()
    }

    /// How often an action stands in a log among what this test's people did.
    pub async fn logged(&self, practice: PracticeId, action: &str) -> usize {
        self.log(practice).await.iter().filter(|line| line.action == action).count()
    }

    /// How often an action stands in a practice's log by one actor, whatever its kind. Read past the doors.
    pub async fn logged_by(&self, practice: PracticeId, actor: Uuid, action: &str) -> i64 {
        let client = servers().await.superuser(DATA).await;
        let sql = "select count(*) from audit_event where practice_id = $1 and actor_id = $2 and action = $3";
        client.query_one(sql, &[&practice.uuid(), &actor, &action]).await.expect("the log").get(0)
    }

    /// Another network than the house's own.
    #[must_use]
    pub fn elsewhere(&self) -> Source {
        let mut address = self.store.entropy().bytes::<16>();
        address[0] = 0xfd;
        Source::network(std::net::Ipv6Addr::from(address).into())
    }
}
