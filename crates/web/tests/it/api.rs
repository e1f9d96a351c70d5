//! The API's door: who is let in, by what, to what; and what a page says of that.

mod program;

use axum::response::IntoResponse as _;
use jiff::SignedDuration;
use kernel::{PatientId, PracticeId};
use practice::patients::actions::{EditPatient, ReadClinical, ReadPatient};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use store::{Event, FhirType, FhirTypes, Interaction, Resource, Role};
use testkit::{DATA, servers};
use web::Limits;
use web::api::caller::{ApiCaller, ApiSent};
use web::api::outcome::ApiAnswer;
use web::extract::At;
use web::routes::{Allow, Change, everything, routes, site};

use crate::browser::{Browser, Page};
use crate::patients::particulars;
use crate::site::Site;

async fn read_patient(by: ApiCaller, At((_, id)): At<(String, PatientId)>) -> ApiAnswer {
    let tx = by.store().enter(&by.actor).await?.ask::<ReadPatient>(Resource::Patient(id)).await?;
    tx.record(Event::new().about("patient", id.uuid()), ()).await?;
    Ok(by.base.url.clone().into_response())
}

async fn read_conditions(by: ApiCaller, At((_, id)): At<(String, PatientId)>) -> ApiAnswer {
    let named = by.store().enter(&by.actor).await?.naming(FhirTypes::of([FhirType::Condition]), Interaction::Search);
    let tx = named.ask::<ReadClinical>(Resource::Patient(id)).await?;
    tx.record(Event::new().about("patient", id.uuid()), ()).await?;
    Ok("conditions".into_response())
}

async fn read_everything(by: ApiCaller, At((_, id)): At<(String, PatientId)>) -> ApiAnswer {
    let tx = by.store().enter(&by.actor).await?.ask::<ReadClinical>(Resource::Patient(id)).await?;
    tx.record(Event::new().about("patient", id.uuid()), ()).await?;
    Ok("everything".into_response())
}

async fn echo(sent: ApiSent) -> ApiAnswer {
    Ok(sent.bytes.into_response())
}

const ECHO_BYTES_MAX: usize = 1_000;

/// The site as it is, with a few addresses of the API that these tests ask.
pub(crate) struct Api {
    pub(crate) site: Site,
    pub(crate) practice: PracticeId,
    patient: String,
}

impl Api {
    pub(crate) async fn open() -> Self {
        let with = Site::with(Limits::default(), |app| {
            let reads = Allow::client::<ReadPatient>();
            let pages = everything()
                .api_read("/fhir/r4/{practice}/test/patient/{patient}", reads, read_patient)
                .api_read("/fhir/r4/{practice}/test/conditions/{patient}", reads, read_conditions)
                .api_read("/fhir/r4/{practice}/test/everything/{patient}", reads, read_everything)
                .api_change(
                    Change::Put,
                    ECHO_BYTES_MAX,
                    "/fhir/r4/{practice}/test/echo",
                    Allow::client::<EditPatient>(),
                    echo,
                );
            site(app, pages)
        });
        let site = with.await;
        let practice = site.house.practice().await;
        let desk = site.house.signed_in(practice, &[Role::Reception]).await;
        let browser = site.browser();
        browser.set_cookie("__Host-session", desk.cookie.expose());
        let typed = particulars(&[("given", "Ana"), ("family", "Mokoena")]);
        let made = browser.fill("/patients/new", "/patients/new", &typed).await;
        let patient = made.location().rsplit('/').next().unwrap().to_owned();
        Self { site, practice, patient }
    }

    fn base(&self) -> String {
        format!("/fhir/r4/{}", self.practice)
    }

    /// An address of the tests, about the practice's patient.
    fn of(&self, what: &str) -> String {
        format!("{}/test/{what}/{}", self.base(), self.patient)
    }

    /// Asks with a token.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Page {
        let browser = self.site.browser();
        browser.answer(browser.ask(Method::GET, path).header("authorization", format!("Bearer {token}"))).await
    }

    /// A browser of somebody with a role.
    async fn somebody(&self, role: Role) -> Browser {
        let person = self.site.house.signed_in(self.practice, &[role]).await;
        let browser = self.site.browser();
        browser.set_cookie("__Host-session", person.cookie.expose());
        browser
    }
}

pub(crate) fn json(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{}: {}", page.status, page.body))
}

fn is_outcome(page: &Page, status: StatusCode, code: &str) {
    assert_eq!(page.status, status, "{}", page.body);
    assert_eq!(page.header("content-type"), "application/fhir+json");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    let told = json(page);
    assert_eq!((&told["resourceType"], &told["issue"][0]["code"]), (&"OperationOutcome".into(), &code.into()));
}

/// The name, the permissions and the rest of the form of a connection.
fn connection<'a>(name: &'a str, permission: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("name", name), ("permission", permission), ("days", "90"), ("proves", "key"), ("keys", "")]
}

const NEW: &str = "/team/connections/new";

/// The key that a page shows.
fn key_on(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.body.split("id=\"key\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// What the page of connections offers to end.
async fn end_path(browser: &Browser) -> String {
    let list = browser.open("/team/connections").await;
    let paths = list.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    paths.into_iter().find(|path| path.ends_with("/end")).unwrap().to_owned()
}

#[tokio::test]
async fn a_key_opens_its_own_practice_by_id_and_by_short_name_and_no_other() {
    let api = Api::open().await;
    let (_, key) = api.site.house.client(api.practice, "system/Patient.rs").await;
    let opened = api.get(&api.of("patient"), key.expose()).await;
    assert_eq!(
        (opened.status, opened.body.as_str()),
        (StatusCode::OK, format!("{}{}", api.site.origin(), api.base()).as_str())
    );
    let other = api.site.house.practice().await;
    let foreign =
        api.get(&api.of("patient").replace(&api.practice.to_string(), &other.to_string()), key.expose()).await;
    is_outcome(&foreign, StatusCode::UNAUTHORIZED, "login");
    assert_eq!(foreign.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    // A practice that there is, and one that there is not, are one answer.
    let nowhere =
        api.get(&api.of("patient").replace(&api.practice.to_string(), "no-such-practice"), key.expose()).await;
    assert_eq!((foreign.status, &foreign.body), (nowhere.status, &nowhere.body));
    // And of its own practice it reaches no other's patient.
    let (_, foreign_key) = api.site.house.client(other, "system/*.cruds").await;
    let path = api.of("patient").replace(&api.practice.to_string(), &other.to_string());
    is_outcome(&api.get(&path, foreign_key.expose()).await, StatusCode::NOT_FOUND, "not-found");
    let client = servers().await.superuser(DATA).await;
    let row =
        client.query_one("select slug from practice_listing where id = $1", &[&api.practice.uuid()]).await.unwrap();
    let by_name = api.of("patient").replace(&api.practice.to_string(), row.get(0));
    assert_eq!(api.get(&by_name, key.expose()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_is_malformed_made_up_expired_or_ended_gets_the_same_answer() {
    let api = Api::open().await;
    let house = &api.site.house;
    let (_, key) = house.client(api.practice, "system/Patient.rs").await;
    let (ended, ended_key) = house.client(api.practice, "system/Patient.rs").await;
    let owner = house.actor(api.practice, &[Role::Owner]).await;
    assert_eq!(api.get(&api.of("patient"), ended_key.expose()).await.status, StatusCode::OK);
    house.identity().end_client(&owner, ended, house.key()).await.unwrap();
    let another = house.practice().await;
    let (_, made_up) = house.client(another, "system/Patient.rs").await;
    let mut answers = Vec::new();
    for token in
        ["x", &key.expose()[..40], &key.expose().replace("_key_", "_pass_"), made_up.expose(), ended_key.expose()]
    {
        answers.push(api.get(&api.of("patient"), token).await);
    }
    assert_eq!(api.get(&api.of("patient"), key.expose()).await.status, StatusCode::OK);
    house.wait(SignedDuration::from_hours(24 * 90));
    answers.push(api.get(&api.of("patient"), key.expose()).await);
    for answer in &answers {
        is_outcome(answer, StatusCode::UNAUTHORIZED, "login");
        assert_eq!(answer.body, answers[0].body);
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    let browser = api.site.browser();
    let nobody = browser.answer(browser.ask(Method::GET, &api.of("patient"))).await;
    is_outcome(&nobody, StatusCode::UNAUTHORIZED, "login");
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn no_cookie_counts_in_the_api_and_none_is_given() {
    let api = Api::open().await;
    let doctor = api.somebody(Role::Practitioner).await;
    for what in ["patient", "everything"] {
        let answer = doctor.open(&api.of(what)).await;
        is_outcome(&answer, StatusCode::UNAUTHORIZED, "login");
        assert!(!answer.has("set-cookie"));
    }
    // A program sends no Origin, and none is asked for: there is nothing that a browser could be made to do.
    let (_, key) = api.site.house.client(api.practice, "system/Patient.cu").await;
    let put = |kind: &'static str, body: Vec<u8>| {
        let browser = api.site.browser();
        let path = format!("{}/test/echo", api.base());
        let bearer = format!("Bearer {}", key.expose());
        async move {
            let request = browser.ask(Method::PUT, &path).header("authorization", bearer);
            browser.answer(request.header("content-type", kind).body(body)).await
        }
    };
    let taken = put("application/fhir+json", b"{}".to_vec()).await;
    assert_eq!((taken.status, taken.body.as_str()), (StatusCode::OK, "{}"));
    is_outcome(
        &put("application/fhir+xml", b"<a/>".to_vec()).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not-supported",
    );
    let large = put("application/fhir+json", vec![b' '; ECHO_BYTES_MAX + 1]).await;
    is_outcome(&large, StatusCode::PAYLOAD_TOO_LARGE, "too-long");
    // The body is read only of who is known.
    let browser = api.site.browser();
    let path = format!("{}/test/echo", api.base());
    let request =
        browser.ask(Method::PUT, &path).header("content-type", "text/plain").body(vec![0; ECHO_BYTES_MAX + 1]);
    is_outcome(&browser.answer(request).await, StatusCode::UNAUTHORIZED, "login");
    let wrong_way = browser.answer(browser.ask(Method::DELETE, &path)).await;
    is_outcome(&wrong_way, StatusCode::METHOD_NOT_ALLOWED, "not-supported");
    assert_eq!(wrong_way.header("allow"), "PUT");
    is_outcome(&api.get("/fhir/r4/nowhere/at/all", "x").await, StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn a_scope_opens_what_it_names_and_a_refusal_is_in_the_log_under_the_programs_name() {
    let api = Api::open().await;
    let house = &api.site.house;
    for (scopes, opens) in [
        ("system/Patient.r", ["200", "403", "403"]),
        ("system/Patient.s", ["403", "403", "403"]),
        ("system/Condition.s", ["403", "200", "403"]),
        ("system/Condition.r system/Observation.rs", ["403", "403", "403"]),
        ("vouchsafe/identifier.reveal vouchsafe/identifier.lookup", ["403", "403", "403"]),
        ("system/*.rs", ["200", "200", "200"]),
    ] {
        let (client, key) = house.client(api.practice, scopes).await;
        let mut said = Vec::new();
        for what in ["patient", "conditions", "everything"] {
            let answer = api.get(&api.of(what), key.expose()).await;
            if answer.status == StatusCode::FORBIDDEN {
                is_outcome(&answer, StatusCode::FORBIDDEN, "forbidden");
                assert_eq!(answer.header("www-authenticate"), "Bearer error=\"insufficient_scope\"");
            }
            said.push(answer.status.as_u16().to_string());
        }
        assert_eq!(said, opens, "{scopes}");
        assert!(client.to_string().len() == 36);
    }
    assert_eq!(house.logged(api.practice, "patient.read").await, 2);
    assert!(house.logged(api.practice, "patient.read.refused").await >= 4);
    assert!(house.logged(api.practice, "clinical.read.refused").await >= 6);
}

#[tokio::test]
async fn a_connection_is_made_on_a_page_its_key_shown_once_and_only_its_hash_kept() {
    let api = Api::open().await;
    let owner = api.somebody(Role::Owner).await;
    let team = owner.open("/team").await;
    assert!(team.body.contains("href=\"/team/connections\""));
    let form = owner.open(NEW).await;
    let made = owner.send(&form, NEW, &connection("Lab results", "patients")).await;
    let key = key_on(&made);
    assert_eq!(api.get(&api.of("patient"), &key).await.status, StatusCode::OK);
    // The same form again: one connection, and no key a second time.
    let again = owner.send(&form, NEW, &connection("Lab results", "patients")).await;
    again.leads_to("/team/connections?done=connected");
    let list = owner.open("/team/connections?done=connected").await;
    assert!(list.body.contains("Its key was shown when it was made"));
    assert_eq!(list.body.matches("<bdi>Lab results</bdi>").count(), 1);
    assert!(list.body.contains("See patients") && !list.body.contains(&key[20..]));
    // Nothing in the database holds the key, in whole or as its random part.
    let client = servers().await.superuser(DATA).await;
    let mut seen = 0;
    for table in ["api_client", "api_token", "api_client_seen", "idempotency", "audit_event", "outbox"] {
        let sql = format!("select to_jsonb(t)::text from {table} t where practice_id = $1");
        for row in client.query(&sql, &[&api.practice.uuid()]).await.unwrap() {
            let text: String = row.get(0);
            assert!(!text.contains("vouchsafe_key_") && !text.contains(&key[14..40]), "{table}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[tokio::test]
async fn a_form_that_does_not_fit_keeps_what_was_typed_and_says_what_to_do() {
    let api = Api::open().await;
    let owner = api.somebody(Role::Administrator).await;
    let form = owner.open(NEW).await;
    let none = [("name", "Lab results"), ("days", "90"), ("proves", "key"), ("keys", "")];
    let page = owner.send(&form, NEW, &none).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Choose one permission or more.") && page.body.contains("value=\"Lab results\""));
    let mut long = connection("Lab results", "patients");
    long[2] = ("days", "366");
    let page = owner.send(&form, NEW, &long).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Choose how long it is good, a year at most."));
    let page = owner.send(&form, NEW, &connection(" ", "patients")).await;
    assert!(page.body.contains("Give the connection a name"));
    let private = r#"{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"AA","y":"AA","d":"c2VjcmV0LWtleQ"}]}"#;
    let mut own = connection("Figures", "everything");
    (own[3], own[4]) = (("proves", "own-keys"), ("keys", private));
    let page = owner.send(&form, NEW, &own).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("This holds a private key") && !page.body.contains("c2VjcmV0LWtleQ"));
}

#[tokio::test]
async fn a_connection_that_was_ended_is_refused_at_its_next_request_and_who_saw_what_names_it() {
    let api = Api::open().await;
    let owner = api.somebody(Role::Owner).await;
    let made = owner.fill(NEW, NEW, &connection("Recall letters of Dr Ng", "patients")).await;
    let key = key_on(&made);
    let never = owner.open("/team/connections").await;
    assert!(never.body.contains("Not yet"));
    assert_eq!(api.get(&api.of("patient"), &key).await.status, StatusCode::OK);
    assert!(!owner.open("/team/connections").await.body.contains("Not yet"), "it has been heard of");
    let path = end_path(&owner).await;
    let question = owner.open(&path).await;
    assert!(question.body.contains("End the connection Recall letters of Dr Ng?"));
    owner.send(&question, &path, &[]).await.leads_to("/team/connections?done=disconnected");
    is_outcome(&api.get(&api.of("patient"), &key).await, StatusCode::UNAUTHORIZED, "login");
    let log = owner.open("/audit").await;
    assert!(log.body.contains("Recall letters of Dr Ng") && log.body.contains("Ended a connection"));
    let doctor = api.somebody(Role::Practitioner).await;
    let record = doctor.open(&format!("/patients/{}/audit", api.patient)).await;
    assert!(record.body.contains("Recall letters of Dr Ng"), "{}", record.body);
    let again = owner.open(&path).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "what has ended is not ended again");
}

#[tokio::test]
async fn reception_and_those_who_treat_let_no_program_in() {
    let api = Api::open().await;
    let (client, _) = api.site.house.client(api.practice, "system/Patient.rs").await;
    for role in [Role::Reception, Role::Practitioner, Role::Finance] {
        let browser = api.somebody(role).await;
        assert!(!browser.open("/team").await.body.contains("/team/connections"));
        for path in ["/team/connections".to_owned(), NEW.to_owned(), format!("/team/connections/{client}/end")] {
            assert_eq!(browser.open(&path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let (csrf, once) = (browser.token(Some(api.practice)), api.site.house.key().to_string());
        let mut fields = vec![("csrf", csrf.as_str()), ("once", once.as_str())];
        fields.extend(connection("Lab results", "everything"));
        assert_eq!(browser.answer(browser.post(NEW, &fields)).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_program_is_written_down_as_used_at_most_once_a_minute() {
    let api = Api::open().await;
    let (client, key) = api.site.house.client(api.practice, "system/Patient.rs").await;
    let database = servers().await.superuser(DATA).await;
    let seen = async || -> Option<jiff::Timestamp> {
        let sql = "select seen_at from api_client_seen where practice_id = $1 and client_id = $2";
        database.query_one(sql, &[&api.practice.uuid(), &client.uuid()]).await.unwrap().get(0)
    };
    assert_eq!(seen().await, None);
    api.get(&api.of("patient"), key.expose()).await;
    let first = seen().await.unwrap();
    api.site.house.wait(SignedDuration::from_secs(59));
    api.get(&api.of("patient"), key.expose()).await;
    assert_eq!(seen().await, Some(first));
    api.site.house.wait(SignedDuration::from_secs(2));
    api.get(&api.of("patient"), key.expose()).await;
    assert!(seen().await.unwrap() > first);
}

#[tokio::test]
async fn what_a_program_has_under_way_stops_when_it_is_ended() {
    let api = Api::open().await;
    let house = &api.site.house;
    let (client, key) = house.client(api.practice, "system/Patient.rs").await;
    let hash = identity::clients::token::ClientToken::parse(key.expose()).unwrap().hash();
    let actor = house.store.client(api.practice, hash, house.source.clone()).await.unwrap().unwrap();
    assert!(house.store.enter(&actor).await.is_ok());
    let owner = house.actor(api.practice, &[Role::Owner]).await;
    house.identity().end_client(&owner, client, house.key()).await.unwrap();
    house.wait(SignedDuration::from_secs(6));
    let asked = house.store.enter(&actor).await.unwrap().standing(PatientId::from_uuid(uuid::Uuid::nil())).await;
    assert!(matches!(asked, Err(store::StoreError::SignedOut)));
}

#[test]
fn what_stands_under_fhir_is_the_apis_and_nothing_else_is() {
    for route in routes() {
        assert_eq!(route.api, web::api::is_address(route.path), "{}", route.path);
        assert_eq!(route.api, route.path.starts_with("/fhir/r4/{practice}/"), "{}", route.path);
        assert!(route.api || !matches!(route.allow, Allow::Client(_)), "{}", route.path);
        assert!(!route.api || matches!(route.allow, Allow::Client(_) | Allow::Public), "{}", route.path);
    }
}
