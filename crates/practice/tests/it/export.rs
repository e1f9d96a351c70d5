//! Exports, from asking to the archive in its recipient's hands, and back into another practice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use kernel::{ExportId, PatientId, PersonId, PracticeId};
use practice::audit::reads::of_record;
use practice::exchange::archive::{Identity, Manifest, Signer, hex, open, sha256, verify};
use practice::exchange::export::{
    self, ALONE_WAITS, ExportError, KEPT_FOR, PIECE_BYTES_MAX, Portion, State, approve, ask, go_on, layout, one, piece,
    refuse, withdraw,
};
use practice::exchange::fhir::Report;
use practice::exchange::{ImportSettings, import_folder};
use practice::patients::reads::{self, seen};
use practice::patients::{standing, writes};
use serde_json::Value;
use store::{Actor, LEASE, Purpose, Role, StoreError};
use tempfile::TempDir;
use testkit::House;

use crate::desk::{form, found, write_down};
use crate::import::{allergy, bring_in, folder_with, patient};

const LINK: &str = "https://house.example/practice/export";

pub(crate) fn signer() -> Signer {
    Signer::new("house.example", &[7; 32]).unwrap()
}

pub(crate) async fn ask_whole(house: &House, actor: &Actor, identity: &Identity) -> Result<ExportId, ExportError> {
    ask(&house.store, actor, house.key(), None, &identity.recipient(), Purpose::Legal, LINK).await
}

pub(crate) async fn ask_one(
    house: &House,
    actor: &Actor,
    id: PatientId,
    identity: &Identity,
) -> Result<ExportId, ExportError> {
    ask(&house.store, actor, house.key(), Some(id), &identity.recipient(), Purpose::PatientRequest, LINK).await
}

/// What the program's loop does, by hand: all that is due of a practice.
pub(crate) async fn work_off(house: &House, practice: PracticeId) {
    while let Some(id) = house.store.due_work(practice).await.unwrap().first().copied() {
        let Some(claim) = house.store.claim(practice, id).await.unwrap() else { continue };
        let ended = go_on(&house.store, &signer(), &claim).await;
        assert!(ended.is_ok(), "{ended:?}");
        house.store.settle(&claim, ended).await.unwrap();
    }
}

pub(crate) async fn state(house: &House, actor: &Actor, id: ExportId) -> State {
    one(&house.store, actor, id).await.unwrap().state
}

/// The archive, as a download gives it.
pub(crate) async fn fetched(house: &House, actor: &Actor, id: ExportId) -> Result<Vec<u8>, ExportError> {
    let layout = layout(&house.store, actor, id).await?;
    let mut bytes = Vec::new();
    while let Some(portion) = layout.at(bytes.len() as u64, PIECE_BYTES_MAX) {
        match portion {
            Portion::Plain(more) => bytes.extend(more),
            Portion::Part { number, from, bytes: count } => {
                bytes.extend(piece(&house.store, actor, &layout, number, from, count).await?);
            }
        }
    }
    assert_eq!(bytes.len() as u64, layout.bytes, "as long as it says");
    Ok(bytes)
}

pub(crate) struct Opened {
    folder: TempDir,
    pub(crate) manifest: Manifest,
}

impl Opened {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("open")
    }
}

pub(crate) fn opened(bytes: &[u8], identity: &Identity) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let manifest = open(bytes, Some(signer().verifier()), identity, &folder.path().join("open")).unwrap();
    Opened { folder, manifest }
}

/// A practice with an owner, a practitioner, and an export of all of it, opened.
pub(crate) async fn whole_of(house: &House, practice: PracticeId) -> Opened {
    let (owner, doctor) = two(house, practice).await;
    let identity = Identity::fresh();
    let id = ask_whole(house, &owner, &identity).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    work_off(house, practice).await;
    assert_eq!(state(house, &owner, id).await, State::Ready);
    opened(&fetched(house, &owner, id).await.unwrap(), &identity)
}

pub(crate) async fn two(house: &House, practice: PracticeId) -> (Actor, Actor) {
    (house.actor(practice, &[Role::Owner]).await, house.actor(practice, &[Role::Practitioner]).await)
}

fn small() -> TempDir {
    folder_with(&[
        (
            "Patient.ndjson",
            format!("{}\n{}\n", patient("p1", "Quintal", "1980-02-03"), patient("p2", "Ng", "1999-01-01")),
        ),
        ("AllergyIntolerance.ndjson", format!("{}\n", allergy("a1", "p1", "Penicillin"))),
    ])
}

/// A practice into which a small import came.
async fn practice_with_some(house: &House) -> PracticeId {
    let practice = house.practice().await;
    bring_in(house, practice, small().path(), false).await;
    practice
}

pub(crate) async fn import(house: &House, practice: PracticeId, folder: &Path, named: &[PersonId]) -> Report {
    let settings = ImportSettings { source: "archive".to_owned(), dry_run: false, named: named.to_vec() };
    import_folder(&house.store, practice, folder, &settings, &mut |_| {}).await.unwrap()
}

// ---- the archive ----

#[tokio::test]
async fn an_archive_opens_with_its_identity_alone_and_not_here() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let identity = Identity::fresh();
    let id = ask_whole(&house, &owner, &identity).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    work_off(&house, practice).await;
    let bytes = fetched(&house, &owner, id).await.unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"Quintal"), "a name is in it in the clear");
    verify(bytes.as_slice(), Some(signer().verifier())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    assert!(open(bytes.as_slice(), None, &Identity::fresh(), &folder.path().join("open")).is_err());
    let opened = opened(&bytes, &identity);
    let patients = fs::read_to_string(opened.path().join("Patient.000.ndjson")).unwrap();
    assert!(patients.contains("Quintal") && patients.lines().count() == 2, "{patients}");
    assert_eq!(opened.manifest.counts.get("AllergyIntolerance"), Some(&1));
    let index = fs::read_to_string(opened.path().join("index.html")).unwrap();
    assert!(index.contains("Harbour Street") && index.contains("list/000.html"), "{index}");
    let list = fs::read_to_string(opened.path().join("list/000.html")).unwrap();
    let pages: Vec<&str> = list.split("../patients/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(pages.len(), 2, "{list}");
    let texts = pages.iter().map(|page| fs::read_to_string(opened.path().join("patients").join(page)).unwrap());
    let about_both: String = texts.collect();
    assert!(about_both.contains("Quintal") && about_both.contains("Penicillin"), "{about_both}");
    for file in ["csv/patients.000.csv", "csv/AllergyIntolerance.000.csv", "csv/team.000.csv", "audit/000.ndjson"] {
        assert!(opened.path().join(file).exists(), "{file}");
    }
}

#[tokio::test]
async fn any_stretch_of_an_archive_is_that_stretch() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    work_off(&house, practice).await;
    let bytes = fetched(&house, &owner, id).await.unwrap();
    let layout = layout(&house.store, &owner, id).await.unwrap();
    for at in (0..bytes.len()).step_by(331).chain([bytes.len() - 1]) {
        let got = match layout.at(at as u64, 100).unwrap() {
            Portion::Plain(got) => got,
            Portion::Part { number, from, bytes } => {
                piece(&house.store, &owner, &layout, number, from, bytes).await.unwrap()
            }
        };
        assert!(!got.is_empty() && bytes[at..].starts_with(&got), "from byte {at}");
    }
    assert_eq!(layout.at(layout.bytes, 100), None);
}

/// Whoever makes it dies again and again, somewhere else each time.
#[tokio::test]
async fn a_killed_export_goes_on_and_gives_the_same() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let identity = Identity::fresh();
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let step = async |id: ExportId| -> (i32, i32) {
        let row = client.query_one("select step, cut from export where id = $1", &[&id.uuid()]).await.unwrap();
        (row.get(0), row.get(1))
    };
    let mut made = Vec::new();
    for killed in [false, true] {
        let id = ask_whole(&house, &owner, &identity).await.unwrap();
        approve(&house.store, &doctor, house.key(), id).await.unwrap();
        let mut kills = 0;
        loop {
            if !killed {
                break;
            }
            let due = house.store.due_work(practice).await.unwrap();
            let Some(id_of_work) = due.first().copied() else { break };
            let claim = house.store.claim(practice, id_of_work).await.unwrap().unwrap();
            if claim.about() != id.uuid() {
                house.store.settle(&claim, go_on(&house.store, &signer(), &claim).await).await.unwrap();
                continue;
            }
            let (store, before) = (house.store.clone(), step(id).await);
            let job = tokio::spawn(async move {
                let ended = go_on(&store, &signer(), &claim).await;
                store.settle(&claim, ended).await.unwrap();
            });
            // As soon as it has got on, whatever it does at that moment.
            while !job.is_finished() && step(id).await == before {
                tokio::task::yield_now().await;
            }
            job.abort();
            if job.await.is_err() {
                kills += 1;
            }
            house.wait(LEASE);
        }
        assert!(!killed || kills > 3, "killed {kills} times");
        work_off(&house, practice).await;
        made.push(opened(&fetched(&house, &owner, id).await.unwrap(), &identity).manifest);
    }
    let records = |manifest: &Manifest| -> BTreeMap<String, String> {
        let of = manifest.parts.iter().filter(|part| part.name.ends_with("ndjson") && !part.name.starts_with("audit"));
        of.map(|part| (part.name.clone(), part.sha256.clone())).collect()
    };
    assert_eq!(records(&made[0]), records(&made[1]));
    assert_eq!(made[0].counts, made[1].counts);
    let names = |manifest: &Manifest| manifest.parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&made[0]), names(&made[1]));
}

/// Whoever lost the claim to the making (it was not heard of for a while, and somebody else took it up) writes
/// nothing: otherwise a part would stand in the archive twice.
#[tokio::test]
async fn a_job_that_lost_its_claim_writes_no_part() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let identity = Identity::fresh();
    let id = ask_whole(&house, &owner, &identity).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    let due = house.store.due_work(practice).await.unwrap();
    let lost = house.store.claim(practice, due[0]).await.unwrap().unwrap();
    house.wait(LEASE);
    let due = house.store.due_work(practice).await.unwrap();
    let taken_up = house.store.claim(practice, due[0]).await.unwrap().unwrap();
    assert_eq!(lost.about(), taken_up.about());
    let ended = go_on(&house.store, &signer(), &lost).await;
    assert!(!matches!(ended, Ok(store::Ended::Later(_) | store::Ended::Finished)), "{ended:?}");
    assert_eq!(parts_left(practice).await, 0);
    let ended = go_on(&house.store, &signer(), &taken_up).await;
    house.store.settle(&taken_up, ended).await.unwrap();
    let manifest = opened(&fetched(&house, &owner, id).await.unwrap(), &identity).manifest;
    let mut names: Vec<String> = manifest.parts.iter().map(|part| part.name.clone()).collect();
    let made = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), made, "each part once");
}

/// Whoever knows how an archive is laid out gets no byte of it for that.
#[tokio::test]
async fn each_stretch_is_given_to_whom_it_may_be_given_at_that_moment() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    work_off(&house, practice).await;
    let laid_out = layout(&house.store, &owner, id).await.unwrap();
    assert!(piece(&house.store, &owner, &laid_out, 3, 0, 10).await.is_ok());
    let theirs = piece(&house.store, &doctor, &laid_out, 3, 0, 10).await;
    assert!(matches!(theirs, Err(ExportError::Store(StoreError::Missing))), "{:?}", theirs.err());
    let reception = house.actor(practice, &[Role::Reception]).await;
    let theirs = piece(&house.store, &reception, &laid_out, 3, 0, 10).await;
    assert!(matches!(theirs, Err(ExportError::Store(StoreError::Refused { .. }))), "{:?}", theirs.err());
    let elsewhere = house.actor(house.practice().await, &[Role::Owner]).await;
    assert!(piece(&house.store, &elsewhere, &laid_out, 3, 0, 10).await.is_err());
    withdraw(&house.store, &owner, house.key(), id).await.unwrap();
    let late = piece(&house.store, &owner, &laid_out, 3, 0, 10).await;
    assert!(matches!(late, Err(ExportError::NotThere)), "though the parts are there still: {:?}", late.err());
    assert!(parts_left(practice).await > 3);
}

// ---- there and back ----

/// A resource without what belongs to the installation: ids, versions, times of writing; references lead to what
/// the other resource is, not to its id.
fn shape(value: &Value, of: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| !(name.as_str() == "id" && is_ours(value)));
            let shaped: BTreeMap<String, Value> =
                kept.map(|(name, value)| (name.clone(), field(name, value, of))).collect();
            shaped.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(|item| shape(item, of)).collect(),
        other => other.clone(),
    }
}

fn field(name: &str, value: &Value, of: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) if name == "reference" => {
            of.get(text).map_or_else(|| value.clone(), |target| Value::String(target.clone()))
        }
        Value::Object(meta) if name == "meta" => {
            let kept = meta.iter().filter(|(name, _)| !matches!(name.as_str(), "versionId" | "lastUpdated"));
            let kept: BTreeMap<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            kept.into_iter().collect()
        }
        // Numbers of a patient, and records that were merged into it, have no order but that of our ids.
        Value::Array(numbers) if name == "identifier" || name == "link" => {
            let mut numbers: Vec<Value> = numbers.iter().map(|number| shape(number, of)).collect();
            numbers.sort_by_key(Value::to_string);
            numbers.into()
        }
        other => shape(other, of),
    }
}

fn is_ours(value: &Value) -> bool {
    value.as_str().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok())
}

/// Everything that stands in the FHIR files of an open archive, sorted, in shape.
pub(crate) fn shapes(folder: &Path) -> Vec<String> {
    let mut resources: Vec<Value> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            let text = fs::read_to_string(path).unwrap();
            resources.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    let name = |resource: &Value| {
        format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
    };
    // What each is, without what it points to; then with that in the place of what it points to.
    let blank: BTreeMap<String, String> =
        resources.iter().map(|resource| (name(resource), "elsewhere".into())).collect();
    let of: BTreeMap<String, String> = resources
        .iter()
        .map(|resource| (name(resource), hex(&sha256(shape(resource, &blank).to_string().as_bytes()))))
        .collect();
    let mut all: Vec<String> = resources.iter().map(|resource| shape(resource, &of).to_string()).collect();
    all.sort();
    all
}

/// Everything that a record can hold, written down by hand.
pub(crate) async fn by_hand(house: &House, doctor: &Actor) -> PatientId {
    let id = write_down(house, doctor, &form("Nomsa", "Dlamini", "7/3/1951")).await;
    let number = practice::patients::identifiers::Identifier::parse(
        practice::patients::identifiers::IdentifierKind::ZaId,
        "8001015009087",
    )
    .unwrap();
    writes::add_identifier(&house.store, doctor, house.key(), id, number).await.unwrap();
    writes::add_alert(&house.store, doctor, house.key(), id, writes::Severity::High, "Bites. \"Quoted\", too")
        .await
        .unwrap();
    writes::add_alert(&house.store, doctor, house.key(), id, writes::Severity::Usual, "=Hard of hearing")
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn what_is_exported_and_brought_in_elsewhere_is_exported_as_the_same() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    bring_in(&house, practice, small().path(), false).await;
    let known = by_hand(&house, &doctor).await;
    let closed = write_down(&house, &doctor, &form("Zola", "Khumalo", "1/2/1960")).await;
    let person = doctor.person().unwrap();
    standing::writes::restrict(&house.store, &doctor, house.key(), closed, seen(1), &[person]).await.unwrap();
    let first = whole_of(&house, practice).await;
    assert_eq!(first.manifest.damaged, 0);

    let elsewhere = house.practice().await;
    let there = house.signed_in(elsewhere, &[Role::Practitioner]).await;
    let report = import(&house, elsewhere, &first.path(), &[there.person.id]).await;
    assert_eq!(report.total().reject, 0, "{report}");
    let second = whole_of(&house, elsewhere).await;
    assert_eq!(first.manifest.counts, second.manifest.counts);
    let (before, after) = (shapes(&first.path()), shapes(&second.path()));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    // Not only on paper.
    let page = reads::open(&house.store, &there.actor, found(&house, &there.actor, "dlamini").await[0]).await.unwrap();
    assert_eq!(page.alerts.len(), 2);
    assert_eq!(page.identifiers.len(), 1);
    assert_eq!(found(&house, &there.actor, "khumalo").await.len(), 1);
    let other = house.actor(elsewhere, &[Role::Practitioner]).await;
    assert_eq!(found(&house, &other, "khumalo").await, [], "it stays open to named people only");
    let _ = known;
    // And once more: nothing changes.
    let again = import(&house, elsewhere, &first.path(), &[there.person.id]).await;
    assert_eq!(again.total().add + again.total().matched + again.total().reject, 0, "{again}");
}

#[tokio::test]
async fn a_restricted_record_is_in_the_practices_export_and_comes_in_only_where_somebody_is_named() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (owner, doctor) = two(&house, practice).await;
    let id = write_down(&house, &doctor, &form("Zola", "Khumalo", "1/2/1960")).await;
    let me = doctor.person().unwrap();
    standing::writes::restrict(&house.store, &doctor, house.key(), id, seen(1), &[me]).await.unwrap();
    let whole = whole_of(&house, practice).await;
    let patients = fs::read_to_string(whole.path().join("Patient.000.ndjson")).unwrap();
    assert!(patients.contains("Khumalo") && patients.contains("urn:vouchsafe:restricted"), "{patients}");
    // Alone, it is exported by nobody who may not open it.
    let other = house.actor(practice, &[Role::Practitioner, Role::Administrator]).await;
    let asked = ask_one(&house, &other, id, &Identity::fresh()).await;
    assert!(matches!(asked, Err(ExportError::Store(StoreError::Refused { .. }))), "{asked:?}");
    let asked = ask_one(&house, &owner, id, &Identity::fresh()).await;
    assert!(matches!(asked, Err(ExportError::Store(StoreError::Refused { .. }))), "{asked:?}");
    assert!(ask_one(&house, &doctor, id, &Identity::fresh()).await.is_ok());

    let elsewhere = house.practice().await;
    let report = import(&house, elsewhere, &whole.path(), &[]).await;
    assert_eq!(report.total().add, 0, "{report}");
    assert!(report.to_string().contains("--named"), "{report}");
}

// ---- who may ---

#[tokio::test]
async fn reception_and_finance_export_nothing_and_an_owner_no_single_record() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let refused = |asked: Result<ExportId, ExportError>| {
        assert!(matches!(asked, Err(ExportError::Store(StoreError::Refused { .. }))), "{asked:?}");
    };
    for role in [Role::Reception, Role::Finance] {
        let actor = house.actor(practice, &[role]).await;
        refused(ask_whole(&house, &actor, &Identity::fresh()).await);
        refused(ask_one(&house, &actor, id, &Identity::fresh()).await);
        assert!(export::exports(&house.store, &actor).await.is_err());
    }
    refused(ask_whole(&house, &doctor, &Identity::fresh()).await);
    let owner = house.actor(practice, &[Role::Owner]).await;
    refused(ask_one(&house, &owner, id, &Identity::fresh()).await);
}

#[tokio::test]
async fn one_person_cannot_export_a_practice_alone() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
    let same = approve(&house.store, &owner, house.key(), id).await;
    assert!(matches!(same, Err(ExportError::SecondPerson)), "{same:?}");
    house.wait(ALONE_WAITS * 2);
    work_off(&house, practice).await;
    assert_eq!(state(&house, &owner, id).await, State::Asked);
    assert!(matches!(fetched(&house, &owner, id).await, Err(ExportError::NotThere)));
    refuse(&house.store, &doctor, house.key(), id).await.unwrap();
    assert_eq!(state(&house, &owner, id).await, State::Refused);
    let late = approve(&house.store, &doctor, house.key(), id).await;
    assert!(matches!(late, Err(ExportError::NotNow)), "{late:?}");
    for action in ["export.ask", "export.refuse"] {
        assert_eq!(house.logged(practice, action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn where_nobody_else_could_agree_a_day_passes_and_the_owner_is_told() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let owner = house.actor(practice, &[Role::Owner]).await;
    let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
    let letters = house.store.due_letters(practice).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = house.store.claim_letter(practice, letters[0]).await.unwrap().unwrap().letter;
    assert!(letter.subject.contains("24 hours") && letter.text.contains(LINK), "{}", letter.text);
    house.wait(ALONE_WAITS - SignedDuration::from_secs(1));
    work_off(&house, practice).await;
    assert_eq!(state(&house, &owner, id).await, State::Asked);
    house.wait(SignedDuration::from_secs(1));
    work_off(&house, practice).await;
    assert_eq!(state(&house, &owner, id).await, State::Ready);
}

#[tokio::test]
async fn a_record_that_an_administrator_asks_for_waits_for_somebody_who_treats() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (owner, doctor) = two(&house, practice).await;
    let clerk = house.actor(practice, &[Role::Administrator]).await;
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let identity = Identity::fresh();
    let asked = ask_one(&house, &clerk, id, &identity).await.unwrap();
    work_off(&house, practice).await;
    assert_eq!(state(&house, &clerk, asked).await, State::Asked);
    let no = approve(&house.store, &owner, house.key(), asked).await;
    assert!(matches!(no, Err(ExportError::Store(StoreError::Refused { .. }))), "{no:?}");
    approve(&house.store, &doctor, house.key(), asked).await.unwrap();
    work_off(&house, practice).await;
    let opened = opened(&fetched(&house, &clerk, asked).await.unwrap(), &identity);
    assert_eq!(opened.manifest.counts, BTreeMap::from([("Patient".to_owned(), 1)]));
}

// ---- what is left of it ----

#[tokio::test]
async fn the_export_stands_in_who_saw_what_of_each_record() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let other = write_down(&house, &doctor, &form("Ana", "Ng", "7/3/1985")).await;
    whole_of(&house, practice).await;
    for id in [id, other] {
        let log = of_record(&house.store, &doctor, id, None).await.unwrap();
        let lines: Vec<_> = log.lines.lines.iter().flatten().collect();
        let read = lines.iter().filter(|line| line.action == "record.export" && line.machine == Some("export"));
        assert!(read.count() >= 2, "{:?}", lines.iter().map(|line| &line.action).collect::<Vec<_>>());
    }
    ask_one(&house, &doctor, id, &Identity::fresh()).await.unwrap();
    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    let asked = log.lines.lines.iter().flatten().find(|line| line.action == "export.ask-patient").unwrap();
    assert_eq!((asked.person, asked.purpose.as_deref()), (doctor.person(), Some("patient-request")));
}

#[tokio::test]
async fn an_archive_whose_time_is_over_cannot_be_had_and_is_gone() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (owner, doctor) = two(&house, practice).await;
    let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
    approve(&house.store, &doctor, house.key(), id).await.unwrap();
    work_off(&house, practice).await;
    let layout = layout(&house.store, &owner, id).await.unwrap();
    house.wait(KEPT_FOR);
    assert!(matches!(fetched(&house, &owner, id).await, Err(ExportError::NotThere)), "before anything was removed");
    let late = piece(&house.store, &owner, &layout, 3, 0, 1).await;
    assert!(matches!(late, Err(ExportError::NotThere)), "nor what was begun before");
    work_off(&house, practice).await;
    assert_eq!(state(&house, &owner, id).await, State::Expired);
    assert_eq!(parts_left(practice).await, 0);
}

#[tokio::test]
async fn an_export_that_is_withdrawn_leaves_no_parts_and_others_cannot_withdraw_or_fetch_it() {
    let house = House::open().await;
    let practice = practice_with_some(&house).await;
    let (_, doctor) = two(&house, practice).await;
    let id = found(&house, &doctor, "quintal").await[0];
    let export = ask_one(&house, &doctor, id, &Identity::fresh()).await.unwrap();
    work_off(&house, practice).await;
    let other = house.actor(practice, &[Role::Practitioner]).await;
    let theirs = fetched(&house, &other, export).await;
    assert!(matches!(theirs, Err(ExportError::Store(StoreError::Missing))), "{:?}", theirs.err());
    let theirs = withdraw(&house.store, &other, house.key(), export).await;
    assert!(matches!(theirs, Err(ExportError::Store(StoreError::Missing))), "{theirs:?}");
    assert!(parts_left(practice).await > 3);
    withdraw(&house.store, &doctor, house.key(), export).await.unwrap();
    work_off(&house, practice).await;
    assert_eq!(parts_left(practice).await, 0);
    assert_eq!(state(&house, &doctor, export).await, State::Withdrawn);
    assert!(fetched(&house, &doctor, export).await.is_err());
}

async fn parts_left(practice: PracticeId) -> i64 {
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select count(*) from export_part where practice_id = $1";
    client.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_archive_that_was_brought_in_is_taken_back_with_its_alerts_and_whom_it_named() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    by_hand(&house, &doctor).await;
    let closed = write_down(&house, &doctor, &form("Zola", "Khumalo", "1/2/1960")).await;
    let me = doctor.person().unwrap();
    standing::writes::restrict(&house.store, &doctor, house.key(), closed, seen(1), &[me]).await.unwrap();
    let whole = whole_of(&house, practice).await;

    let elsewhere = house.practice().await;
    let there = house.signed_in(elsewhere, &[Role::Practitioner]).await;
    let report = import(&house, elsewhere, &whole.path(), &[there.person.id]).await;
    assert_eq!(report.total().reject, 0, "{report}");
    let run = last_run(&house, elsewhere).await;
    let undone = practice::exchange::runs::undo(&house.store, elsewhere, run, false).await.unwrap();
    assert_eq!(undone.patients, 2);
    assert_eq!(found(&house, &there.actor, "dlamini").await, []);
    let again = import(&house, elsewhere, &whole.path(), &[there.person.id]).await;
    assert_eq!(again.total().add, report.total().add, "{again}");
    // What somebody here has changed since is not taken away.
    let id = found(&house, &there.actor, "dlamini").await[0];
    let page = reads::open(&house.store, &there.actor, id).await.unwrap();
    let alert = page.alerts[0].as_ref().unwrap().id;
    writes::end_alert(&house.store, &there.actor, house.key(), id, alert).await.unwrap();
    let run = last_run(&house, elsewhere).await;
    assert!(practice::exchange::runs::undo(&house.store, elsewhere, run, false).await.is_err());
}

/// The import that stands.
pub(crate) async fn last_run(house: &House, practice: PracticeId) -> kernel::ImportId {
    let runs = practice::exchange::runs::known_runs(&house.store, practice).await.unwrap();
    runs.iter().find(|run| run.state == "finished" && run.added > 0).unwrap().id
}
