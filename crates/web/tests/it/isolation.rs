//! Two practices in one installation: neither can tell, from anything that it is answered, that there is
//! another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::Role;
use uuid::Uuid;

use crate::browser::{Browser, Page};
use crate::patients::particulars;
use crate::site::Site;

/// What somebody does.
#[derive(Debug, Clone)]
enum Act {
    WriteDown(usize),
    Find(usize),
    Open(usize),
    Edit(usize, usize),
    Alert(usize),
    GiveNumber(usize),
    Reveal(usize),
    LookUp,
    Show(&'static str),
}

const FAMILIES: [&str; 4] = ["Mokoena", "Mokoatle", "Naidoo", "Nkosi"];

fn acts() -> impl Strategy<Value = Vec<(bool, Act)>> {
    let act = prop_oneof![
        3 => (0..4_usize).prop_map(Act::WriteDown),
        1 => (0..4_usize).prop_map(Act::Find),
        2 => (0..3_usize).prop_map(Act::Open),
        1 => (0..3_usize, 0..4_usize).prop_map(|(which, family)| Act::Edit(which, family)),
        1 => (0..3_usize).prop_map(Act::Alert),
        2 => (0..3_usize).prop_map(Act::GiveNumber),
        1 => (0..3_usize).prop_map(Act::Reveal),
        1 => Just(Act::LookUp),
        1 => prop_oneof![Just("/"), Just("/audit"), Just("/team"), Just("/account"), Just("/patients"), Just("/nowhere")]
            .prop_map(Act::Show),
    ];
    proptest::collection::vec((any::<bool>(), act), 6..16)
}

/// Somebody at work, and the patients whom they wrote down.
struct Desk {
    browser: Browser,
    /// What has a name of its own in every run: the practice's, the person's.
    names: Vec<(String, &'static str)>,
    patients: Vec<String>,
    /// The ids that were seen, by the order in which they were.
    ids: BTreeMap<Uuid, usize>,
}

impl Desk {
    async fn open(site: &Site) -> Self {
        let practice = site.house.practice().await;
        let person = site.house.signed_in(practice, &[Role::Practitioner, Role::Administrator]).await;
        let browser = site.browser_elsewhere();
        browser.set_cookie("__Host-session", person.cookie.expose());
        let home = browser.open("/").await.body;
        let at = home.find("Harbour Street ").expect("the practice's name");
        let practice = home[at..].split('<').next().unwrap().to_owned();
        let network = browser.from().to_string();
        let names = vec![
            (practice, "PRACTICE"),
            (person.name.clone(), "PERSON"),
            (person.email.clone(), "EMAIL"),
            (network, "NETWORK"),
        ];
        Self { browser, names, patients: Vec::new(), ids: BTreeMap::new() }
    }

    /// Does it, and gives all that was answered, without what is drawn at random.
    async fn act(&mut self, act: &Act) -> String {
        let browser = self.browser.clone();
        let patient = |which: usize| self.patients.get(which % self.patients.len().max(1)).cloned();
        let page = match act {
            Act::WriteDown(family) => {
                let typed = [("given", "Ana"), ("family", FAMILIES[*family]), ("birth_date", "7/3/1984")];
                let page = browser.fill("/patients/new", "/patients/new", &particulars(&typed)).await;
                if page.status.is_redirection() {
                    self.patients.push(page.location().to_owned());
                }
                page
            }
            Act::Find(family) => browser.open(&format!("/patients?q={}", &FAMILIES[*family][..3])).await,
            Act::LookUp => {
                let fields = [("kind", "za-id"), ("number", "8001015009087")];
                browser.fill("/patients", "/patients/lookup", &fields).await
            }
            Act::Show(path) => browser.open(path).await,
            Act::Open(which) => match patient(*which) {
                Some(patient) => browser.open(&patient).await,
                None => return "nobody".to_owned(),
            },
            Act::Edit(which, family) => match patient(*which) {
                Some(patient) => {
                    let path = format!("{patient}/edit");
                    let typed = [("given", "Ana"), ("family", FAMILIES[*family])];
                    browser.fill(&path, &path, &particulars(&typed)).await
                }
                None => return "nobody".to_owned(),
            },
            Act::Alert(which) => match patient(*which) {
                Some(patient) => {
                    let fields = [("text", "Uses a wheelchair"), ("weight", "usual")];
                    browser.fill(&patient, &format!("{patient}/alerts"), &fields).await
                }
                None => return "nobody".to_owned(),
            },
            Act::GiveNumber(which) => match patient(*which) {
                Some(patient) => {
                    let fields = [("kind", "za-id"), ("number", "8001015009087")];
                    browser.fill(&patient, &format!("{patient}/identifiers"), &fields).await
                }
                None => return "nobody".to_owned(),
            },
            Act::Reveal(which) => match patient(*which) {
                Some(patient) => {
                    let page = browser.open(&patient).await;
                    let mut forms = page.body.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
                    match forms.find(|path| path.ends_with("/reveal")) {
                        Some(path) => browser.send(&page, path, &[("purpose", "billing")]).await,
                        None => page,
                    }
                }
                None => return "nobody".to_owned(),
            },
        };
        self.seen(&page)
    }

    /// Status, headers and body; ids by the order in which they appear, what protects a form left out.
    fn seen(&mut self, page: &Page) -> String {
        let mut text = format!("{}\n", page.status);
        for (name, value) in &page.headers {
            // The length is that of the body, in which the names of its own are of any length.
            if !["date", "x-request-id", "set-cookie", "content-length"].contains(&name.as_str()) {
                writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
        }
        text.push_str(&page.body.replace(page.header("x-request-id"), "REQUEST"));
        for (name, stands_for) in &self.names {
            text = text.replace(name, stands_for);
        }
        for field in ["csrf", "once"] {
            let begin = format!("name=\"{field}\" value=\"");
            let mut parts = text.split(&begin);
            let first = parts.next().unwrap().to_owned();
            text = parts.fold(first, |all, part| all + &begin + part.split_once('"').map_or(part, |(_, rest)| rest));
        }
        self.numbered(&text)
    }

    fn numbered(&mut self, text: &str) -> String {
        const LENGTH: usize = 36;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let id = text.get(at..at + LENGTH).and_then(|part| part.parse::<Uuid>().ok());
            if let Some(id) = id {
                let next = self.ids.len();
                write!(out, "id{}", self.ids.entry(id).or_insert(next)).unwrap();
                at += LENGTH;
            } else {
                let one = text[at..].chars().next().unwrap();
                out.push(one);
                at += one.len_utf8();
            }
        }
        out
    }
}

/// Of the acts of two practices, mixed, each practice's are answered as they would be alone: bodies,
/// counts, errors, headers (validators too), the order of ids.
#[test]
fn what_a_practice_is_answered_is_what_it_would_be_answered_alone() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&acts(), |acts| {
            runtime.block_on(async {
                let site = Site::open().await;
                let (mut a, mut b) = (Desk::open(&site).await, Desk::open(&site).await);
                let mut alone = Desk::open(&site).await;
                let mut mixed = Vec::new();
                for (of_a, act) in &acts {
                    let said = if *of_a { a.act(act).await } else { b.act(act).await };
                    if *of_a {
                        mixed.push(said);
                    }
                }
                for ((_, act), mixed) in acts.iter().filter(|(of_a, _)| *of_a).zip(mixed) {
                    let by_itself = alone.act(act).await;
                    prop_assert_eq!(mixed, by_itself, "{:?}", act);
                }
                site.stop().await;
                Ok(())
            })
        })
        .unwrap();
}
