//! The demonstration's practices, people and patients: invented, and made through the same doors as
//! real ones. What its people sign in with is kept beside the root key, outside the data.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use identity::founding::{FoundError, NewPerson, NewPersonError, NewPractice};
use identity::password::Password;
use identity::second::Proof;
use identity::totp::TotpSecret;
use identity::{Identity, Me};
use jiff::SignedDuration;
use kernel::{IdempotencyKey, PatientId, PracticeId, Secret, Source};
use practice::patients::identifiers::{Identifier, IdentifierKind};
use practice::patients::model::{DateOrder, PatientForm};
use practice::patients::writes::{self, PatientError, Severity};
use serde::{Deserialize, Serialize};
use store::{Actor, Role, Roles, StoreError};
use uuid::Uuid;

use crate::doors::{clock, entropy};
use crate::failure::Failure;
use crate::terminal::step;
use crate::up::crowd::{self, Crowd};

const INVENTED: &str = include_str!("invented.json");

/// Whom to make, and where to keep what they sign in with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Demonstration {
    pub(crate) people: PathBuf,
    /// Only the patients that are there at once.
    pub(crate) few: bool,
}

#[derive(Deserialize)]
struct Practice {
    slug: String,
    name: String,
    place: String,
    time_zone: String,
    country: String,
    people: Vec<Person>,
    /// Who enters the patients.
    desk: String,
    patients: Vec<Patient>,
}

#[derive(Deserialize)]
struct Person {
    name: String,
    email: String,
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Patient {
    form: PatientForm,
    identifiers: Vec<(IdentifierKind, String)>,
    alerts: Vec<(String, String)>,
}

/// What the demonstration's people sign in with.
#[derive(Serialize, Deserialize)]
pub(crate) struct SignIns {
    /// One for all of them.
    pub(crate) password: Secret<String>,
    people: Vec<SignIn>,
    /// Everybody and everything is there, but for the crowd.
    complete: bool,
    /// The practices whose crowd is there, by slug.
    #[serde(default)]
    crowded: Vec<String>,
}

/// One person.
#[derive(Serialize, Deserialize)]
struct SignIn {
    email: String,
    totp: TotpSecret,
}

fn practices() -> Result<Vec<Practice>, Failure> {
    serde_json::from_str(INVENTED).map_err(|error| Failure::said(format!("the invented people: {error}")))
}

impl SignIns {
    /// Reads what is kept.
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(file).map_err(Failure::io("cannot read", file))?;
        serde_json::from_slice(&bytes)
            .map_err(|_| Failure::said(format!("{} is damaged: start with --fresh", file.display())))
    }

    fn write(&self, file: &Path) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Failure::said(error.to_string()))?;
        let beside = file.with_extension("new");
        let write = || {
            let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
            out.write_all(&bytes)?;
            out.sync_all()?;
            std::fs::rename(&beside, file)
        };
        write().map_err(Failure::io("cannot write", file))
    }

    fn of(&self, email: &str) -> Option<&SignIn> {
        self.people.iter().find(|person| person.email == email)
    }

    /// The code that a person's authenticator shows now, and for how many more seconds.
    pub(crate) fn code(&self, email: &str) -> Result<(String, i64), Failure> {
        let person = self.of(email).ok_or_else(|| {
            let known: Vec<&str> = self.people.iter().map(|person| person.email.as_str()).collect();
            Failure::said(format!("the demonstration has nobody with the address {email}; it has {}", known.join(", ")))
        })?;
        let now = clock().now();
        Ok((person.totp.code_at(now), 30 - now.as_second().rem_euclid(30)))
    }

    /// The sign-in lines.
    pub(crate) fn lines(&self) -> Result<Vec<String>, Failure> {
        let mut lines = Vec::new();
        for practice in practices()? {
            lines.push(format!("{} ({})", practice.name, practice.place));
            for person in &practice.people {
                let secret = self.of(&person.email).map(|known| known.totp.typing_form());
                let secret =
                    secret.as_ref().map_or("(its secret was lost: start with --fresh)", |secret| secret.expose());
                let roles = person.roles.join(", ");
                lines.push(format!("  {:<24} {roles:<20} {} {secret}", person.email, pad(&person.name, 16)));
            }
        }
        Ok(lines)
    }

    /// The same for authenticator apps: an address for each person.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.people.iter().map(|one| one.totp.enrolment_url("demonstration", &one.email).expose().clone()).collect()
    }
}

fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

impl Demonstration {
    /// Makes what is missing. Killed at any point, it goes on the next time.
    pub(crate) async fn make(&self, identity: &Identity) -> Result<(), Failure> {
        let mut known = if self.people.exists() {
            SignIns::read(&self.people)?
        } else {
            let fresh = SignIns { password: password(), people: Vec::new(), complete: false, crowded: Vec::new() };
            fresh.write(&self.people)?;
            fresh
        };
        if known.complete {
            return Ok(());
        }
        step("making two practices with invented people and patients");
        for practice in practices()? {
            let id = found(identity, &practice).await?;
            for person in &practice.people {
                self.person(identity, id, person, &mut known).await?;
            }
            patients(identity, &practice, &known).await?;
            step(&format!("{}: {} people, {} patients", practice.name, practice.people.len(), practice.patients.len()));
        }
        known.complete = true;
        known.write(&self.people)
    }

    /// Brings in the crowd of each practice, while people work already. What a stop cut short goes on with
    /// the next start.
    pub(crate) async fn crowd(&self, identity: &Identity) -> Result<(), Failure> {
        let mut known = SignIns::read(&self.people)?;
        for practice in practices()? {
            if self.few || known.crowded.contains(&practice.slug) {
                continue;
            }
            let id = identity.practice_by_slug(&practice.slug).await;
            let id = id.map_err(|error| failed("an invented practice", &error))?;
            let id = id.ok_or_else(|| Failure::said("an invented practice is gone"))?;
            step(&format!(
                "{}: {} more patients with their histories come in meanwhile",
                practice.name,
                crowd::PATIENTS
            ));
            let mut quarters = 0;
            practice
                .crowd()
                .bring(identity.store(), id, &mut |percent| {
                    if percent / 25 > quarters {
                        quarters = percent / 25;
                        step(&format!("{}: {percent} of a hundred are in", practice.name));
                    }
                })
                .await?;
            known.crowded.push(practice.slug);
            known.write(&self.people)?;
        }
        Ok(())
    }

    async fn person(
        &self,
        identity: &Identity,
        practice: PracticeId,
        person: &Person,
        known: &mut SignIns,
    ) -> Result<(), Failure> {
        let roles: Result<Vec<Role>, _> = person.roles.iter().map(|role| role.parse()).collect();
        let roles = Roles::of(roles.map_err(|_| Failure::said("an invented person has a role that is none"))?);
        let (email, name) = (person.email.clone(), person.name.clone());
        let new = NewPerson { email, name, roles, password: Password::typed(known.password.expose()) };
        match identity.found_person_with(practice, &new).await {
            Ok(founded) => {
                if let Some(secrets) = founded.secrets {
                    known.people.push(SignIn { email: new.email, totp: secrets.totp });
                    known.write(&self.people)?;
                }
                Ok(())
            }
            // Made by a start that was cut short.
            Err(NewPersonError::OnTheTeam) => Ok(()),
            Err(error) => Err(failed("an invented person", &error)),
        }
    }
}

impl Practice {
    fn crowd(&self) -> Crowd {
        let treats = |person: &&Person| person.roles.iter().any(|role| role == "practitioner");
        let by = self.people.iter().filter(treats).map(|person| person.name.clone()).collect();
        Crowd { country: self.country.clone(), by }
    }
}

async fn found(identity: &Identity, practice: &Practice) -> Result<PracticeId, Failure> {
    let new = NewPractice {
        slug: practice.slug.clone(),
        name: practice.name.clone(),
        time_zone: practice.time_zone.clone(),
        country: practice.country.clone(),
    };
    match identity.found_practice(&new).await {
        Ok(id) => Ok(id),
        Err(FoundError::SlugTaken { slug }) => {
            let known =
                identity.practice_by_slug(&slug).await.map_err(|error| failed("an invented practice", &error))?;
            known.ok_or_else(|| Failure::said("an invented practice is there and is not"))
        }
        Err(error) => Err(failed("an invented practice", &error)),
    }
}

/// Enters the patients as somebody at the front desk would: signed in, each through the form.
async fn patients(identity: &Identity, practice: &Practice, known: &SignIns) -> Result<(), Failure> {
    let me = sign_in(identity, &practice.desk, known).await?;
    let (store, zone) = (identity.store(), jiff::tz::TimeZone::get(&practice.time_zone));
    let zone = zone.map_err(|error| failed("an invented practice", &error))?;
    let today = writes::today(store, &zone);
    let actor = identity.actor(&me).map_err(|error| failed("an invented patient", &error))?;
    let mut keys = Keys::of(&actor);
    for patient in &practice.patients {
        let draft = patient.form.parse(DateOrder::YearMonthDay, today).map_err(|wrong| {
            let fields: Vec<&str> = wrong.iter().map(|error| error.field).collect();
            Failure::said(format!("an invented patient is not valid: {}", fields.join(", ")))
        })?;
        let id = once(writes::create(store, &actor, keys.next(), &patient.form, &draft, true).await)?;
        let Some(id) = id else { continue };
        enter_rest(identity, &actor, &mut keys, id, patient).await?;
    }
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    identity.sign_out(&me, key).await.map_err(|error| failed("signing out", &error))
}

async fn enter_rest(
    identity: &Identity,
    actor: &Actor,
    keys: &mut Keys,
    id: PatientId,
    patient: &Patient,
) -> Result<(), Failure> {
    let store = identity.store();
    for (kind, text) in &patient.identifiers {
        let identifier = Identifier::parse(*kind, text)
            .map_err(|error| Failure::said(format!("an invented number is not valid ({})", error.field)))?;
        once(writes::add_identifier(store, actor, keys.next(), id, identifier).await.map_err(PatientError::from))?;
    }
    for (severity, text) in &patient.alerts {
        let severity = if severity == "high" { Severity::High } else { Severity::Usual };
        once(writes::add_alert(store, actor, keys.next(), id, severity, text).await.map_err(PatientError::from))?;
    }
    Ok(())
}

/// What was entered by another version of the program, in other words, is left as it is.
fn once<T>(done: Result<T, PatientError>) -> Result<Option<T>, Failure> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(PatientError::Store(StoreError::KeyReused)) => Ok(None),
        Err(error) => Err(failed("an invented patient", &error)),
    }
}

/// The same keys every time, so that a start that was cut short goes on where it was.
struct Keys {
    base: u128,
    count: u128,
}

impl Keys {
    fn of(actor: &Actor) -> Self {
        Self { base: actor.practice().uuid().as_u128(), count: 0 }
    }

    fn next(&mut self) -> IdempotencyKey {
        self.count += 1;
        IdempotencyKey::from_uuid(Uuid::from_u128(self.base.wrapping_add(self.count)))
    }
}

async fn sign_in(identity: &Identity, email: &str, known: &SignIns) -> Result<Me, Failure> {
    let wrong = || Failure::said("the demonstration was cut short in the middle of a person: start with --fresh");
    let store = identity.store();
    let key = || IdempotencyKey::new(store.clock().now(), store.entropy());
    let password = Password::typed(known.password.expose());
    let person = known.of(email).ok_or_else(wrong)?;
    let half = identity.begin(email, &password, &Source::Host, key()).await;
    let half = half.map_err(|error| failed("signing in", &error))?;
    // The code of half a minute ago is good too, and leaves the present one to whoever reads it off.
    let code = person.totp.code_at(store.clock().now() - SignedDuration::from_secs(30));
    let entered = identity.finish(half.token.expose(), Proof::Totp(&code), &Source::Host, None, key()).await;
    let entered = entered.map_err(|error| failed("signing in", &error))?;
    let me = identity.me(entered.token.expose(), Source::Host).await.map_err(|error| failed("signing in", &error))?;
    me.ok_or_else(wrong)
}

fn failed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::said(format!("the demonstration could not be made ({what}): {}", crate::servers::whole(error)))
}

/// Twenty letters and digits that are not mistaken for one another, in groups: 100 bits.
fn password() -> Secret<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut text = String::with_capacity(24);
    for (index, byte) in entropy().bytes::<20>().into_iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(*LETTERS.get(usize::from(byte % 32)).unwrap_or(&b'x')));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invented_patient_and_number_is_valid() {
        for practice in practices().unwrap() {
            assert!(practice.patients.len() >= 12);
            assert!(practice.people.iter().any(|person| person.email == practice.desk));
            for patient in &practice.patients {
                let today = jiff::civil::date(2026, 1, 1);
                assert_eq!(patient.form.parse(DateOrder::YearMonthDay, today).err(), None);
                for (kind, text) in &patient.identifiers {
                    let parsed = Identifier::parse(*kind, text);
                    assert!(parsed.is_ok(), "{} {text}", kind.code());
                }
            }
        }
    }

    #[test]
    fn one_person_is_in_both_practices_and_one_owner_treats_nobody() {
        let practices = practices().unwrap();
        let [one, other] = practices.as_slice() else { panic!("two practices") };
        let in_both = |person: &&Person| other.people.iter().any(|theirs| theirs.email == person.email);
        assert_eq!(one.people.iter().filter(in_both).count(), 1);
        assert!(one.people.iter().any(|person| person.roles == ["owner"]));
        for role in ["owner", "administrator", "practitioner", "reception", "finance"] {
            for practice in &practices {
                assert!(practice.people.iter().any(|person| person.roles.iter().any(|own| own == role)), "{role}");
            }
        }
    }
}
