//! Every address of the site × everybody who can ask for it, against policy/routes.md, a table that a
//! privacy officer can read. `UPDATE_SNAPSHOTS=1` writes it anew; look at what changed.
//!
//! A new route needs a probe here: the list of routes without one must be empty.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use jiff::SignedDuration;
use kernel::{ExportId, InvitationId, MergeId, PatientId, PracticeId, SessionId};
use practice::exchange::archive::Identity;
use practice::exchange::export::ask as ask_export;
use practice::exchange::import::{ImportSettings, import_folder};
use practice::exchange::runs::known_runs;
use practice::patients::merging::Chosen;
use practice::patients::merging::reads::merges;
use practice::patients::merging::writes::{SeenBoth, merge};
use practice::patients::model::{DateOrder, PatientForm};
use practice::patients::writes::{Severity, add_alert, create};
use reqwest::Method;
use store::{Actor, MATRIX_ROLES, Policy, Purpose, ResourceKind, Role, Roles, Versioned};
use testkit::SignedInPerson;
use web::routes::{Allow, Route, routes};

use crate::browser::{Browser, encoded};
use crate::patients::particulars;
use crate::site::Site;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policy/routes.md");
/// A token as the house makes them, and none of its own.
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What stands for the names in braces: things of one practice, fresh for one asker.
struct Things {
    practice: PracticeId,
    ids: BTreeMap<&'static str, String>,
    family: String,
    /// Of the patient, as it stood when it was last looked at.
    version: String,
    /// Who may look.
    maker: Browser,
}

/// What a route is asked with. `None`: it has no probe yet.
fn probe(route: &Route, things: &Things) -> Option<Vec<(&'static str, String)>> {
    // A browser gets no further at the addresses of programs, whatever it sends.
    if route.method == "GET" || matches!(route.allow, Allow::Client(_)) {
        return Some(Vec::new());
    }
    // Guesses at one address are counted, in a database that all tests share.
    let nobody = format!("{}@example.org", things.family);
    let fields: &[(&'static str, &str)] = match route.path {
        "/sign-in" => &[("email", nobody.as_str()), ("password", "no such password"), ("next", "/")],
        "/sign-in/second" | "/sign-in/set-up" => &[("code", "000000"), ("next", "/")],
        "/sign-in/recovery" => &[("recovery_code", "0000"), ("next", "/")],
        "/sign-in/passkey" | "/sign-in/second/passkey" | "/sign-in/set-up/passkey" => {
            &[("ceremony", "none"), ("passkey", "{}"), ("next", "/")]
        }
        "/reset" => &[("email", nobody.as_str())],
        "/reset/{token}" | "/factors/{token}" => &[("password", "no such password")],
        "/invitation/{practice}/{token}" => &[("name", "Nobody"), ("password", "no such password")],
        "/practice" => return Some(vec![("practice", things.practice.to_string())]),
        "/account/password" => &[("current", "not my password"), ("password", "no such password")],
        "/account/totp" => &[("current", "not my password"), ("code", "000000")],
        "/account/recovery-codes" => &[("current", "not my password")],
        "/account/passkeys/new" => &[("name", "Matrix"), ("ceremony", "none"), ("passkey", "{}")],
        "/account/passkeys/show" => &[("ceremony", "none"), ("passkey", "{}"), ("next", "/")],
        "/account/passkeys/{passkey}/name" => &[("name", "Matrix")],
        "/team/sign-in" => &[("rule", "passkey")],
        "/account/passkeys/prove" | "/account/passkeys/{passkey}/remove" => {
            &[("password", "not my password"), ("code", "000000")]
        }
        "/team/invitations" => &[("email", "matrix@example.org"), ("role", "finance")],
        "/practice/export/new" | "/patients/{patient}/export" => {
            let recipient = Identity::fresh().recipient().to_string();
            return Some(vec![("purpose", "legal".to_owned()), ("recipient", recipient)]);
        }
        "/team/{person}/roles" => &[("role", "reception"), ("role", "finance"), ("version", "1")],
        "/team/connections/new" => {
            &[("name", "Matrix"), ("permission", "patients"), ("days", "7"), ("proves", "key"), ("keys", "")]
        }
        "/fhir/r4/{practice}/auth/token" => &[("grant_type", "client_credentials")],
        "/patients/new" => return Some(patient("Nobody Known", None)),
        "/patients/{patient}/edit" => return Some(patient("Somebody Else", Some(&things.version))),
        "/patients/lookup" | "/patients/{patient}/identifiers" => &[("kind", "za-id"), ("number", "8001015009087")],
        "/patients/{patient}/identifiers/{identifier}/reveal" => &[("purpose", "billing")],
        "/patients/{patient}/standing" => {
            return Some(vec![
                ("record", String::new()),
                ("died", "no".to_owned()),
                ("died_on", String::new()),
                ("version", things.version.clone()),
            ]);
        }
        "/patients/{patient}/record" => &[("words", "penicillin"), ("from", ""), ("to", "")],
        "/patients/{patient}/merge/{other}" => {
            return Some(vec![("into", things.version.clone()), ("from", "1".to_owned())]);
        }
        "/patients/{patient}/access" | "/patients/{patient}/merges/{merge}/undo" => {
            return Some(vec![("version", things.version.clone())]);
        }
        "/patients/{patient}/details" => {
            return Some(vec![
                ("names-0-given", String::new()),
                ("names-0-family", String::new()),
                ("version", things.version.clone()),
            ]);
        }
        "/patients/{patient}/write/{what}" => &[("problem", "Asthma"), ("severity", ""), ("began", ""), ("remark", "")],
        "/patients/{patient}/record/{entry}/change" => {
            &[("change", "entered-in-error"), ("remark", "Another patient."), ("version", "1")]
        }
        "/practice/import/{upload}/settings" => &[("kind", "csv"), ("source", "csv")],
        "/practice/import/{upload}/steer" => &[("wish", "pause")],
        "/practice/import/{upload}/columns" | "/practice/import/{upload}/preview" => &[("act", "show")],
        "/patients/{patient}/alerts" => &[("text", "Uses a wheelchair"), ("weight", "usual")],
        "/sign-out"
        | "/practice/import/new"
        | "/practice/import/{upload}/discard"
        | "/practice/import/{upload}/check"
        | "/practice/import/{upload}/bring-in"
        | "/practice/import/runs/{run}/undo"
        | "/invitation/{practice}/{token}/join"
        | "/account/sessions/{session}/end"
        | "/account/sessions/end-others"
        | "/team/invitations/{invitation}/withdraw"
        | "/team/{person}/remove"
        | "/team/{person}/factors"
        | "/team/{person}/let-in"
        | "/team/connections/{client}/end"
        | "/practice/export/key"
        | "/practice/export/{export}/prove"
        | "/practice/export/{export}/agree"
        | "/practice/export/{export}/refuse"
        | "/practice/export/{export}/withdraw"
        | "/patients/{patient}/identifiers/{identifier}/remove"
        | "/patients/{patient}/alerts/{alert}/end" => &[],
        _ => return None,
    };
    Some(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

fn patient(name: &str, version: Option<&str>) -> Vec<(&'static str, String)> {
    let (given, family) = name.split_once(' ').unwrap();
    let typed = particulars(&[("given", given), ("family", family)]);
    let mut fields: Vec<(&'static str, String)> =
        typed.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    fields.extend(version.map(|version| ("version", version.to_owned())));
    fields
}

/// One patient as another system gave it: a number, and an entry of the record.
fn export(folder: &Path, mark: &str) {
    std::fs::write(
        folder.join("Patient.ndjson"),
        r#"{"resourceType":"Patient","id":"p1","identifier":[{"system":"http://example.org/mrn","value":"MRN-MARK"}],"name":[{"family":"MARK","given":["Lindiwe"]}],"birthDate":"1980-01-01"}"#
            .replace("MARK", mark),
    )
    .unwrap();
    std::fs::write(
        folder.join("AllergyIntolerance.ndjson"),
        r#"{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"Patient/p1"},"code":{"text":"Penicillin"},"recordedDate":"2026-01-01"}"#,
    )
    .unwrap();
}

impl Things {
    /// Fresh things of a practice, made by its owner and its practitioner. What `who` may end is theirs.
    async fn of(site: &Site, practice: PracticeId, makers: &SignedInPerson, who: Option<&SignedInPerson>) -> Self {
        let house = &site.house;
        let folder = tempfile::tempdir().unwrap();
        let family = house.unique("m").replace('-', "");
        export(folder.path(), &family);
        let settings = ImportSettings { source: house.unique("matrix"), dry_run: false, named: Vec::new() };
        import_folder(&house.store, practice, folder.path(), &settings, &mut |_| {}).await.unwrap();
        let maker = site.browser();
        maker.set_cookie("__Host-session", makers.cookie.expose());
        let found = maker.open(&format!("/patients?q={family}")).await.body;
        let patient = after(&found, "href=\"/patients/").parse::<PatientId>().unwrap();
        let actor = &makers.actor;
        add_alert(&house.store, actor, house.key(), patient, Severity::Usual, "Speaks isiZulu").await.unwrap();
        let (other, merge) = Self::merged(site, actor, patient).await;
        let page = maker.open(&format!("/patients/{patient}")).await.body;
        let invited = format!("{}@example.org", house.unique("matrix"));
        let roles = Roles::of([Role::Finance]);
        let invitation = house.identity().invite(&makers.me, &invited, "", roles, house.key()).await.unwrap().id;
        let session = match who {
            Some(who) => house.another_browser(who).await.0.session(),
            None => SessionId::new(house.store.clock().now(), house.store.entropy()),
        };
        let member = house.person(practice, &[Role::Reception]).await;
        let (client, _) = house.client(practice, "system/Patient.rs").await;
        let upload = crate::imports::tried(house, practice, actor).await;
        let run = known_runs(&house.store, practice).await.unwrap()[0].id;
        let record = format!("/patients/{patient}");
        let ids = BTreeMap::from([
            ("practice", practice.to_string()),
            ("token", TOKEN.to_owned()),
            ("file", web::assets::address("app.css").trim_start_matches("/assets/").to_owned()),
            ("person", member.id.to_string()),
            ("client", client.to_string()),
            ("invitation", InvitationId::to_string(&invitation)),
            ("session", session.to_string()),
            // Nobody's.
            ("passkey", patient.to_string()),
            ("patient", patient.to_string()),
            ("what", "problem".to_owned()),
            ("identifier", after(&page, &format!("{record}/identifiers/"))),
            ("alert", after(&page, &format!("{record}/alerts/"))),
            ("entry", after(&page, &format!("{record}/record/"))),
            ("other", other.to_string()),
            ("merge", merge.to_string()),
            ("export", Self::export(site, actor).await.to_string()),
            ("upload", upload.to_string()),
            ("which", "try".to_owned()),
            ("run", run.to_string()),
        ]);
        let mut things = Self { practice, ids, family, version: String::new(), maker };
        things.look_again().await;
        things
    }

    /// What was done to the patient by others who were asked makes a form of before too old.
    async fn look_again(&mut self) {
        let edit = format!("/patients/{}/edit", self.ids["patient"]);
        let fields = self.maker.open(&edit).await.hidden(&edit);
        self.version = fields.into_iter().find(|(name, _)| name == "version").unwrap().1;
    }

    /// An export of the practice, which waits for a second person.
    async fn export(site: &Site, actor: &Actor) -> ExportId {
        let (house, recipient) = (&site.house, Identity::fresh().recipient());
        ask_export(&house.store, actor, house.key(), None, &recipient, Purpose::Legal, "").await.unwrap()
    }

    /// Another patient, and a merge of a third into the one that is asked about.
    async fn merged(site: &Site, actor: &Actor, patient: PatientId) -> (PatientId, MergeId) {
        let house = &site.house;
        let form = PatientForm { given: "Nobody".to_owned(), family: "Merged".to_owned(), ..PatientForm::default() };
        let today = house.store.clock().now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let draft = form.parse(DateOrder::YearMonthDay, today).unwrap();
        let other = create(&house.store, actor, house.key(), &form, &draft, true).await.unwrap();
        let third = create(&house.store, actor, house.key(), &form, &draft, true).await.unwrap();
        let both = SeenBoth { into: Versioned(1), from: Versioned(1) };
        let pair = (patient, third);
        merge(&house.store, actor, house.key(), pair, both, &Chosen::default()).await.unwrap();
        (other, merges(&house.store, actor, patient).await.unwrap().1[0].id)
    }

    /// One's own patient, and parts of somebody else's.
    fn with_parts_of(mut self, other: &Self) -> Self {
        for part in ["identifier", "alert", "entry", "other", "merge"] {
            self.ids.insert(part, other.ids[part].clone());
        }
        self
    }

    fn path(&self, route: &Route) -> String {
        self.ids.iter().fold(route.path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }
}

/// The id that stands after a beginning.
fn after(body: &str, begin: &str) -> String {
    let mut places = body.split(begin).skip(1).map(|rest| rest.chars().take(36).collect::<String>());
    places.find(|id| id.parse::<PatientId>().is_ok()).unwrap_or_else(|| panic!("no {begin} in {body}"))
}

/// Asks for an address as a browser does. `303 /sign-in` is told apart from other ways on.
async fn ask(
    site: &Site,
    browser: &Browser,
    here: PracticeId,
    route: &Route,
    path: &str,
    fields: Vec<(&'static str, String)>,
) -> String {
    let page = if route.api {
        // Whatever cookies the browser has: they do not count there.
        let sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let kind = "application/x-www-form-urlencoded";
        let request = browser.ask(route.method.clone(), path).header("content-type", kind).body(encoded(&sent));
        browser.answer(request).await
    } else if route.method == Method::GET {
        browser.open(path).await
    } else {
        let csrf = match route.allow {
            Allow::Public | Allow::Client(_) => browser.open("/sign-in").await.guard().0,
            Allow::SignedIn => browser.token(None),
            Allow::Action(_) => browser.token(Some(here)),
        };
        let once = site.house.key().to_string();
        let mut all = vec![("csrf", csrf.as_str()), ("once", once.as_str())];
        all.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
        if route.path == "/practice/import/new" {
            browser.answer(browser.files(path, &all, &[])).await
        } else {
            browser.answer(browser.post(path, &all)).await
        }
    };
    let to_the_door =
        page.status == 303 && page.header("location").starts_with("/sign-in") && route.path != "/sign-out";
    if to_the_door { "door".to_owned() } else { page.status.as_u16().to_string() }
}

fn kind(path: &str) -> ResourceKind {
    if path.contains("{patient}") {
        ResourceKind::Patient
    } else if path.contains("{person}") {
        ResourceKind::Member
    } else {
        ResourceKind::Practice
    }
}

/// Whether the path names a thing of a practice.
fn names_a_thing(path: &str) -> bool {
    ["{patient}", "{person}", "{invitation}", "{session}", "{client}", "{export}", "{upload}", "{run}"]
        .iter()
        .any(|name| path.contains(name))
}

struct Asker {
    name: &'static str,
    browser: Browser,
    roles: Option<Roles>,
    things: Things,
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_matrix_says() {
    let site = Site::open().await;
    let (mine, other) = (site.house.practice().await, site.house.practice().await);
    let makers = site.house.signed_in(mine, &[Role::Owner, Role::Practitioner]).await;
    let mut askers = vec![Asker {
        name: "nobody",
        browser: site.browser_elsewhere(),
        roles: None,
        things: Things::of(&site, mine, &makers, None).await,
    }];
    for role in MATRIX_ROLES {
        let person = site.house.signed_in(mine, &[role]).await;
        let browser = site.browser_elsewhere();
        browser.set_cookie("__Host-session", person.cookie.expose());
        let things = Things::of(&site, mine, &makers, Some(&person)).await;
        askers.push(Asker { name: role.code(), browser, roles: Some(Roles::of([role])), things });
    }
    let stranger = site.house.signed_in(other, &MATRIX_ROLES).await;
    let browser = site.browser_elsewhere();
    browser.set_cookie("__Host-session", stranger.cookie.expose());
    let foreign = Things::of(&site, mine, &makers, None).await;
    let mixed = Things::of(&site, other, &stranger, None).await.with_parts_of(&foreign);
    askers.push(Asker { name: "another practice", browser: browser.clone(), roles: None, things: foreign });

    let mut table = routes();
    // Whoever has signed out asks for nothing more, what was removed is no longer there, and trying something again
    // takes away what it came to before.
    let late = ["/practice/import/{upload}/discard", "/sign-out"];
    let when = |path: &str| late.iter().position(|late| *late == path).map_or(1, |at| at + 2);
    table.sort_by_key(|route| if route.path.contains("/report/") { 0 } else { when(route.path) });
    let (policy, mut unprobed, mut wrong) = (Policy::load().unwrap(), Vec::new(), Vec::new());
    let mut rows: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for route in &table {
        if route.path.contains("{token}") {
            // Links that are none are counted by network: else the last of them would only be told to wait.
            site.house.wait(SignedDuration::from_mins(1));
        }
        let cells = rows.entry((route.path, route.method.to_string())).or_default();
        for asker in &mut askers {
            if route.method == Method::POST && route.path.starts_with("/patients/{patient}/") {
                asker.things.look_again().await;
            }
            let Some(fields) = probe(route, &asker.things) else {
                unprobed.push(format!("{} {}", route.method, route.path));
                break;
            };
            let here = if asker.name == "another practice" { other } else { mine };
            let said = ask(&site, &asker.browser, here, route, &asker.things.path(route), fields).await;
            if let Some(fault) = misfit(&policy, route, asker, &said) {
                wrong.push(format!("{} {} as {}: {fault}, got {said}", route.method, route.path, asker.name));
            }
            cells.push(said);
        }
    }
    assert!(unprobed.is_empty(), "routes without a probe: {unprobed:#?}");
    let parts = |route: &&Route| {
        !route.api && ["{identifier}", "{alert}", "{entry}"].iter().any(|part| route.path.contains(part))
    };
    browser.set_cookie("__Host-session", site.house.another_browser(&stranger).await.1.expose());
    for route in table.iter().filter(parts) {
        let fields = probe(route, &mixed).unwrap();
        let said = ask(&site, &browser, other, route, &mixed.path(route), fields).await;
        if said != "404" {
            wrong.push(format!("{} {} of another's part: got {said}", route.method, route.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    compare(&page(&askers, &table, &rows));
}

/// What is wrong with an answer, by the policies.
fn misfit(policy: &Policy, route: &Route, asker: &Asker, said: &str) -> Option<String> {
    let expected: &[&str] = match (route.allow, asker.name, asker.roles) {
        // Where a program proves itself, and this one has not.
        (Allow::Public, ..) if route.api && route.method == Method::POST => &["400", "401"],
        (Allow::Public, ..) => return (said == "403" || said == "401").then(|| "public".to_owned()),
        (Allow::Client(_), ..) => &["401"],
        (_, "nobody", _) if route.method == Method::GET => &["door"],
        (_, "nobody", _) => &["401"],
        (_, "another practice", _) if names_a_thing(route.path) => &["404"],
        (Allow::Action(parts), _, Some(roles)) => {
            let may = parts.iter().all(|part| policy.member_may(roles, part, kind(route.path)));
            match may {
                // What is fetched here is not made yet.
                true if route.path.ends_with("/archive") => &["410"],
                true => &["200", "303", "422"],
                false => &["403"],
            }
        }
        _ => return (said == "403").then(|| "one's own".to_owned()),
    };
    (!expected.contains(&said)).then(|| format!("expected {expected:?}"))
}

fn page(askers: &[Asker], table: &[Route], rows: &BTreeMap<(&str, String), Vec<String>>) -> String {
    let mut page = String::from(
        "# Every address and who may use it\n\n\
         Made by `crates/web/tests/it/matrix.rs` from the running program; a test keeps it true. What a role may do\n\
         is decided by `practice.cedar`.\n\n\
         200: shown. 303: done, goes on. 422: allowed, but what the probe typed was not right. 401, door: sign in first.\n\
         403: not for this role; that it was tried is recorded. 404: not there, or not for this practice to know of.\n\
         410: a link that works no more. *another practice*: somebody with every role in another practice who asks for\n\
         the things of this one.\n\n| address | allowed for |",
    );
    for asker in askers {
        let _ = write!(page, " {} |", asker.name);
    }
    page.push_str("\n|---|---|");
    page.push_str(&"---|".repeat(askers.len()));
    for ((path, method), cells) in rows {
        let route = table.iter().find(|route| route.path == *path && route.method.as_str() == method).unwrap();
        let allow = match route.allow {
            Allow::Public => "everybody".to_owned(),
            Allow::SignedIn => "signed in".to_owned(),
            Allow::Action(parts) | Allow::Client(parts) => parts.join(" and "),
        };
        let _ = write!(page, "\n| {method} `{path}` | {allow} | {} |", cells.join(" | "));
    }
    page.push('\n');
    page
}

fn compare(now: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, now).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        kept == now,
        "policy/routes.md is not what the program does; with UPDATE_SNAPSHOTS=1 it is written anew:\n{now}"
    );
}

#[tokio::test]
async fn an_owners_roles_and_membership_are_not_an_administrators_to_change() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let owner = site.house.person(practice, &[Role::Owner]).await;
    let administrator = site.house.signed_in(practice, &[Role::Administrator]).await;
    let browser = site.browser();
    browser.set_cookie("__Host-session", administrator.cookie.expose());
    let csrf = browser.token(Some(practice));
    for (path, extra) in [("roles", Some(("role", "finance"))), ("remove", None), ("factors", None)] {
        let path = format!("/team/{}/{path}", owner.id);
        assert_eq!(browser.open(&path).await.status, 403, "{path}");
        let once = site.house.key().to_string();
        let mut fields = vec![("csrf", csrf.as_str()), ("once", once.as_str())];
        fields.extend(extra);
        fields.extend(extra.map(|_| ("version", "1")));
        assert_eq!(browser.answer(browser.post(&path, &fields)).await.status, 403, "{path}");
    }
}
