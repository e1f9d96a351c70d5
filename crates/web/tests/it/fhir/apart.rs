//! Two practices' programs, doing whatever comes: neither is ever shown an id or a value of the other's.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::program::{SYSTEM, entry_of};
use super::{Program, next};
use crate::browser::Page;
use crate::site::Site;

/// What the programs of a practice may do, from everything to little.
const SCOPES: [&str; 4] = [
    "system/*.cruds vouchsafe/identifier.reveal vouchsafe/identifier.lookup",
    "system/*.cruds",
    "system/Patient.cruds system/Condition.cruds",
    "system/*.rs vouchsafe/identifier.lookup",
];
const FAMILIES: [&str; 3] = ["Mokoena", "Naidoo", "Nkosi"];
/// An id that is nobody's.
const NOBODY: &str = "0198a1b2-0000-7000-8000-000000000001";

/// Whose thing is meant.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Own,
    Other,
    Nobodys,
}

#[derive(Debug, Clone)]
enum Act {
    Add(usize),
    AddLinked(Whose, usize),
    AddEntry(Whose, usize),
    AddUnless(usize),
    Change(Whose, usize),
    Read(Whose, usize),
    Everything(Whose, usize),
    Entries(Whose, usize),
    Find(usize),
    FindById(Whose, usize),
    LookUp,
    Walk,
    Follow(Whose),
    Versions(Whose, usize),
}

fn acts() -> impl Strategy<Value = Vec<(bool, usize, Act)>> {
    let whose = || prop_oneof![Just(Whose::Own), Just(Whose::Other), Just(Whose::Nobodys)];
    let (family, at) = (|| 0..FAMILIES.len(), || 0..4_usize);
    let act = prop_oneof![
        3 => family().prop_map(Act::Add),
        2 => (whose(), at()).prop_map(|(whose, at)| Act::AddLinked(whose, at)),
        3 => (whose(), at()).prop_map(|(whose, at)| Act::AddEntry(whose, at)),
        1 => family().prop_map(Act::AddUnless),
        2 => (whose(), at()).prop_map(|(whose, at)| Act::Change(whose, at)),
        2 => (whose(), at()).prop_map(|(whose, at)| Act::Read(whose, at)),
        2 => (whose(), at()).prop_map(|(whose, at)| Act::Everything(whose, at)),
        2 => (whose(), at()).prop_map(|(whose, at)| Act::Entries(whose, at)),
        2 => family().prop_map(Act::Find),
        1 => (whose(), at()).prop_map(|(whose, at)| Act::FindById(whose, at)),
        1 => Just(Act::LookUp),
        1 => Just(Act::Walk),
        2 => whose().prop_map(Act::Follow),
        1 => (whose(), at()).prop_map(|(whose, at)| Act::Versions(whose, at)),
    ];
    proptest::collection::vec((any::<bool>(), 0..SCOPES.len(), act), 20..40)
}

/// A practice's programs, and what they made.
struct Side {
    programs: Vec<Program>,
    /// A word that stands in everything that is made here.
    word: &'static str,
    patients: Vec<String>,
    cursors: Vec<String>,
    /// Every id that was answered here.
    ids: BTreeSet<Uuid>,
}

impl Side {
    async fn open(site: &Site, word: &'static str) -> Self {
        let practice = site.house.practice().await;
        let programs = Program::each(site, practice, &SCOPES.map(str::to_owned)).await;
        Self { programs, word, patients: Vec::new(), cursors: Vec::new(), ids: BTreeSet::new() }
    }

    fn somebody(&self, family: usize) -> Value {
        json!({"resourceType": "Patient", "name": [{"family": FAMILIES[family], "given": ["Ana"]}],
            "birthDate": "1984-03-07", "telecom": [{"system": "phone", "value": "082 555 0143"}],
            "address": [{"text": self.word}], "identifier": [{"system": SYSTEM, "value": format!("{}-1", self.word)}]})
    }
}

/// Every id that stands in a text.
fn ids_in(text: &str) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices('-') {
        let begin = at.checked_sub(8);
        found.extend(begin.and_then(|begin| text.get(begin..begin + 36)).and_then(|part| part.parse::<Uuid>().ok()));
    }
    found
}

/// One of several; nobody's where there are none.
fn one_of(things: &[String], at: usize) -> String {
    things.get(at % things.len().max(1)).cloned().unwrap_or_else(|| NOBODY.to_owned())
}

/// Does it as one program of a side. Gives what was answered, and the answer to the same about nobody's
/// thing where another practice's was meant.
async fn act(side: &mut Side, other: &Side, which: usize, act: &Act) -> (Page, Option<Page>) {
    let thing = |whose: Whose, at: usize| match whose {
        Whose::Own => one_of(&side.patients, at),
        Whose::Other => one_of(&other.patients, at),
        Whose::Nobodys => NOBODY.to_owned(),
    };
    let program = &side.programs[which];
    let foreign = |whose: &Whose| matches!(whose, Whose::Other);
    let ask = async |whose: &Whose, path: &dyn Fn(&str) -> String, at: usize| {
        let page = program.get(&path(&thing(*whose, at))).await;
        let twin = if foreign(whose) { Some(program.get(&path(NOBODY)).await) } else { None };
        (page, twin)
    };
    let send = async |whose: &Whose, method: Method, body: &dyn Fn(&str) -> (String, Value), at: usize| {
        let of = async |id: &str| {
            let (path, body) = body(id);
            program.send(program.with_body(method.clone(), &path, &body).header("if-match", "W/\"2\"")).await
        };
        let page = of(&thing(*whose, at)).await;
        let twin = if foreign(whose) { Some(of(NOBODY).await) } else { None };
        (page, twin)
    };
    match act {
        Act::Add(family) => (program.post("Patient", &side.somebody(*family)).await, None),
        Act::AddLinked(whose, at) => {
            let body = |id: &str| {
                let mut body = side.somebody(0);
                body["link"] = json!([{"type": "seealso", "other": {"reference": format!("Patient/{id}")}}]);
                ("Patient".to_owned(), body)
            };
            send(whose, Method::POST, &body, *at).await
        }
        Act::AddEntry(whose, at) => {
            let body = |id: &str| {
                let mut body = entry_of("Condition", id);
                body["code"]["text"] = json!(side.word);
                ("Condition".to_owned(), body)
            };
            send(whose, Method::POST, &body, *at).await
        }
        Act::AddUnless(family) => {
            let request = program.with_body(Method::POST, "Patient", &side.somebody(*family));
            let condition = format!("family={}&birthdate=1984-03-07", FAMILIES[*family]);
            (program.send(request.header("if-none-exist", condition)).await, None)
        }
        Act::Change(whose, at) => {
            let body = |id: &str| {
                let mut body = side.somebody(1);
                body["id"] = json!(id);
                (format!("Patient/{id}"), body)
            };
            send(whose, Method::PUT, &body, *at).await
        }
        Act::Read(whose, at) => ask(whose, &|id| format!("Patient/{id}"), *at).await,
        Act::Everything(whose, at) => ask(whose, &|id| format!("Patient/{id}/$everything?_count=1"), *at).await,
        Act::Versions(whose, at) => ask(whose, &|id| format!("Patient/{id}/_history"), *at).await,
        Act::Entries(whose, at) => {
            ask(whose, &|id| format!("Condition?patient={id}&_include=Condition:patient"), *at).await
        }
        Act::Find(family) => (program.get(&format!("Patient?family={}&_count=1", FAMILIES[*family])).await, None),
        Act::FindById(whose, at) => {
            let id = thing(*whose, *at);
            (program.get(&format!("Patient?_id={id}")).await, None)
        }
        Act::LookUp => (program.get(&format!("Patient?identifier={SYSTEM}|{}-1", other.word)).await, None),
        Act::Walk => (program.get("Patient?_count=1").await, None),
        Act::Follow(whose) => {
            let cursors = if foreign(whose) { &other.cursors } else { &side.cursors };
            let cursor = cursors.last().cloned().unwrap_or_else(|| "AAAA".to_owned());
            let page = program.get(&format!("Patient?_cursor={cursor}")).await;
            let twin = if foreign(whose) { Some(program.get("Patient?_cursor=AAAA").await) } else { None };
            (page, twin)
        }
    }
}

/// Whatever is done, in whatever order, by whichever program: no answer holds an id or a word of the other
/// practice, and what is the other's is answered like what never was.
#[test]
fn whatever_programs_do_neither_practice_is_shown_anything_of_the_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&acts(), |acts| {
            runtime.block_on(async {
                let house = Site::open().await;
                let mut sides = [Side::open(&house, "Alphabergwort").await, Side::open(&house, "Betatalwort").await];
                let mut statuses: BTreeMap<StatusCode, usize> = BTreeMap::new();
                for (first, which, deed) in &acts {
                    let [a, b] = &mut sides;
                    let (side, other) = if *first { (a, b) } else { (b, a) };
                    let (page, twin) = act(side, other, *which, deed).await;
                    *statuses.entry(page.status).or_default() += 1;
                    prop_assert!(!page.status.is_server_error(), "{:?}: {}", deed, page.body);
                    let asked: BTreeSet<Uuid> = [other.patients.as_slice(), &side.patients]
                        .concat()
                        .iter()
                        .map(|id| id.parse().unwrap())
                        .collect();
                    let seen = ids_in(&page.body);
                    // What was asked for stands in the address of a search's own answer, and nowhere else.
                    let mut body: Value = serde_json::from_str(&page.body).unwrap_or_default();
                    if let Some(bundle) = body.as_object_mut() {
                        bundle.remove("link");
                    }
                    let told = ids_in(&body.to_string());
                    prop_assert!(told.is_disjoint(&other.ids), "{:?} shows an id of the other: {}", deed, page.body);
                    prop_assert!(
                        seen.difference(&told).all(|id| asked.contains(id)
                            || id.to_string() == NOBODY
                            || side.ids.contains(id)
                            || *id == side.programs[0].practice.uuid()),
                        "{:?}: {}",
                        deed,
                        page.body
                    );
                    prop_assert!(
                        !body.to_string().contains(other.word),
                        "{:?} shows a word of the other: {}",
                        deed,
                        page.body
                    );
                    if let Some(twin) = twin {
                        let plain = |page: &Page| {
                            let body =
                                other.patients.iter().fold(page.body.clone(), |body, id| body.replace(id, NOBODY));
                            (page.status, body)
                        };
                        prop_assert_eq!(plain(&page), plain(&twin), "{:?}", deed);
                        prop_assert!(page.status.is_client_error(), "{:?}: {} {}", deed, page.status, page.body);
                    }
                    let made = page.status == StatusCode::CREATED && body["resourceType"] == "Patient";
                    side.patients.extend(body["id"].as_str().filter(|_| made).map(str::to_owned));
                    if body["resourceType"] == "Bundle" {
                        let whole: Value = serde_json::from_str(&page.body).unwrap();
                        let cursor = next(&whole)
                            .and_then(|url| url.split_once("_cursor=").map(|(_, cursor)| cursor.to_owned()));
                        side.cursors.extend(cursor);
                    }
                    let practice = side.programs[0].practice.uuid();
                    let nobody: Uuid = NOBODY.parse().unwrap();
                    side.ids.extend(told.into_iter().filter(|id| *id != practice && *id != nobody));
                }
                // Each practice has what it made, and nothing came or went by what the other did.
                for side in &sides {
                    let mut path = Some("Patient?_count=100".to_owned());
                    let mut all = BTreeSet::new();
                    while let Some(here) = path {
                        let bundle = side.programs[0].json(&here).await;
                        all.extend(super::matched(&bundle));
                        path = next(&bundle);
                    }
                    prop_assert_eq!(all, side.patients.iter().cloned().collect::<BTreeSet<_>>());
                }
                prop_assert!(sides[0].ids.is_disjoint(&sides[1].ids));
                house.stop().await;
                Ok(())
            })
        })
        .unwrap();
}
