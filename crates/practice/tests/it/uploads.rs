//! Files that somebody sends to be brought in: in pieces, tried, brought in by the job, taken back, put away.

use jiff::SignedDuration;
use kernel::{PersonId, PracticeId, UploadId};
use practice::exchange::csv::Said as CsvSaid;
use practice::exchange::fhir::Report;
use practice::exchange::uploads::reads::{self, Page};
use practice::exchange::uploads::receiving::{Begun, Receiving, begin};
use practice::exchange::uploads::writes::{Said, Wish, ask_undo, discard, map, say, start, steer};
use practice::exchange::uploads::{
    ARRIVES_WITHIN, FileKind, KEPT_FOR, NotAFile, PIECE_BYTES, UploadError, UploadLimits, UploadState, preview, working,
};
use practice::exchange::{ImportSettings, import_csv, look_at_csv};
use practice::patients::model::DateOrder;
use store::{Actor, Claim, Ended, LEASE, Role, StoreError};
use testkit::House;

use crate::desk::found;
use crate::import::{allergy, bring_in, folder_with, patient};

const TABLE: &str = "Pat.-Nr.;Nachname;Vorname;Geburtsdatum\n1;Quintal;Ana;03.04.1980\n2;Müller;Jürgen;1.12.1955\n\
                     3;Ng;Li;31.31.1999\n";

/// Sends files as a browser does.
async fn send(house: &House, actor: &Actor, files: &[(&str, &[u8])]) -> Result<UploadId, UploadError> {
    let begun = begin(&house.store, actor, house.key(), UploadLimits::default()).await?;
    let Begun::Fresh(mut receiving) = begun else { panic!("sent before") };
    let sent = send_into(&mut receiving, files).await;
    if sent.is_err() {
        receiving.give_up().await?;
    }
    sent
}

async fn send_into(receiving: &mut Receiving<'_>, files: &[(&str, &[u8])]) -> Result<UploadId, UploadError> {
    for (name, bytes) in files {
        receiving.begin_file(name)?;
        for chunk in bytes.chunks(7_919) {
            receiving.take(chunk).await?;
        }
        receiving.end_file().await?;
    }
    receiving.finish().await
}

/// What the program's loop does, by hand: all that is due of a practice.
async fn work_off(house: &House, practice: PracticeId) {
    while let Some(claim) = claimed(house, practice).await {
        let ended = working::go_on(&house.store, &claim).await;
        house.store.settle(&claim, ended).await.unwrap();
    }
}

async fn claimed(house: &House, practice: PracticeId) -> Option<Claim> {
    for id in house.store.due_work(practice).await.unwrap() {
        if let Some(claim) = house.store.claim(practice, id).await.unwrap() {
            return Some(claim);
        }
    }
    None
}

/// What a job that was killed left behind. What it had sent to the server may still be under way there, and holds
/// the row until it is over.
async fn left_behind(house: &House, practice: PracticeId) -> Claim {
    for _ in 0..10_000 {
        if let Some(claim) = claimed(house, practice).await {
            return claim;
        }
    }
    panic!("nothing is due")
}

async fn page(house: &House, actor: &Actor, id: UploadId) -> Page {
    reads::page(&house.store, actor, id).await.unwrap()
}

async fn state(house: &House, actor: &Actor, id: UploadId) -> UploadState {
    page(house, actor, id).await.upload.stands()
}

async fn report(house: &House, actor: &Actor, id: UploadId, dry: bool) -> Report {
    reads::report(&house.store, actor, id, dry).await.unwrap().report
}

async fn pieces(id: UploadId) -> i64 {
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select count(*) from import_piece where upload_id = $1";
    client.query_one(sql, &[&id.uuid()]).await.unwrap().get(0)
}

/// Says what the columns of the table are, as its page proposes it.
async fn mapped(house: &House, actor: &Actor, id: UploadId) {
    let (upload, bytes) = reads::beginning(&house.store, actor, id).await.unwrap();
    let mut mapping = preview::look(&upload, &bytes, CsvSaid::default()).unwrap().proposed();
    mapping.dates = Some(DateOrder::DayMonthYear);
    map(&house.store, actor, house.key(), id, &mapping).await.unwrap();
}

async fn tried(house: &House, practice: PracticeId, actor: &Actor, id: UploadId, dry: bool) -> Report {
    start(&house.store, actor, house.key(), id, dry).await.unwrap();
    work_off(house, practice).await;
    report(house, actor, id, dry).await
}

async fn at_work(house: &House) -> (PracticeId, Actor, Actor) {
    let practice = house.practice().await;
    (practice, house.actor(practice, &[Role::Owner]).await, house.actor(practice, &[Role::Reception]).await)
}

/// Many patients, more than a batch and more than a piece.
fn many(count: usize) -> Vec<u8> {
    let filler = "x".repeat(1_000);
    let line = |n: usize| {
        let line = patient(&format!("p{n}"), &format!("Quintal{n}"), "1980-02-03");
        line.replace("\"birthDate\"", &format!("\"text\":{{\"status\":\"empty\",\"div\":\"{filler}\"}},\"birthDate\""))
    };
    (0..count).map(|n| line(n) + "\n").collect::<String>().into_bytes()
}

#[tokio::test]
async fn a_table_is_sent_looked_at_tried_and_brought_in_as_the_command_line_does_it() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let table = encoding_rs_windows(TABLE);
    let id = send(&house, &owner, &[("C:\\export\\Patienten.csv", &table)]).await.unwrap();
    let here = page(&house, &owner, id).await;
    assert_eq!((here.upload.file_kind(), here.upload.files[0].name.as_str()), (FileKind::Csv, "Patienten.csv"));
    let unmapped = start(&house.store, &owner, house.key(), id, true).await;
    assert!(matches!(unmapped, Err(UploadError::Mapping(_))), "{unmapped:?}");

    let (upload, bytes) = reads::beginning(&house.store, &owner, id).await.unwrap();
    let look = preview::look(&upload, &bytes, CsvSaid::default()).unwrap();
    assert!(look.asks_order && look.encoding.name() == "windows-1252");
    assert_eq!(preview::samples(&look)[1], ["Quintal", "Müller", "Ng"]);
    let mut mapping = look.proposed();
    mapping.dates = Some(DateOrder::DayMonthYear);
    let today = jiff::civil::date(2026, 11, 23);
    let rows = preview::rows(&look, &bytes, &mapping, today);
    let said: Vec<bool> = rows.iter().map(|row| matches!(row, preview::PreviewRow::Patient { .. })).collect();
    assert_eq!(said, [true, true, false]);

    map(&house.store, &owner, house.key(), id, &mapping).await.unwrap();
    let dry = tried(&house, practice, &owner, id, true).await;
    assert_eq!((dry.total().add, dry.total().reject), (2, 1), "{dry}");
    assert_eq!(state(&house, &owner, id).await, UploadState::Checked);
    assert_eq!(found(&house, &reception, "quintal").await, []);
    let done = tried(&house, practice, &owner, id, false).await;
    assert_eq!(done, dry);
    assert_eq!(state(&house, &owner, id).await, UploadState::Brought);
    assert_eq!(found(&house, &reception, "müller").await.len(), 1);
    assert_eq!(pieces(id).await, 0, "what was brought in is needed no more");
    assert!(reads::beginning(&house.store, &owner, id).await.is_err());

    let elsewhere = house.practice().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Patienten.csv");
    std::fs::write(&file, &table).unwrap();
    let settings = ImportSettings { source: "csv".to_owned(), dry_run: false, named: Vec::new() };
    look_at_csv(&file, CsvSaid::default()).unwrap();
    let by_hand = import_csv(&house.store, elsewhere, &file, &mapping, &settings, &mut |_| {}).await.unwrap();
    assert_eq!(by_hand, done, "the same as at the command line");
    let again = import_csv(&house.store, practice, &file, &mapping, &settings, &mut |_| {}).await.unwrap();
    assert_eq!((again.total().add, again.total().skip), (0, 2), "and known again there");
}

fn encoding_rs_windows(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[tokio::test]
async fn what_is_sent_is_sealed_and_gone_when_its_week_is_over() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let id = send(&house, &owner, &[("Mokoena.csv", TABLE.as_bytes())]).await.unwrap();
    mapped(&house, &owner, id).await;
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select u.files || u.settings || p.content from import_upload u join import_piece p on p.upload_id = u.id
               where u.id = $1";
    let stored: Vec<u8> = client.query_one(sql, &[&id.uuid()]).await.unwrap().get(0);
    // `cXVpbnRhb` and the like is what the words would be as base64.
    for canary in ["Quintal", "UXVpbnRhb", "1pbnRhb", "Mokoena", "Nachname", "Geburtsdatum"] {
        assert!(!stored.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary}");
    }
    work_off(&house, practice).await;
    house.wait(ARRIVES_WITHIN + SignedDuration::from_secs(1));
    work_off(&house, practice).await;
    assert_eq!(pieces(id).await, 1, "what arrived whole stays");
    house.wait(KEPT_FOR);
    work_off(&house, practice).await;
    let owner = house.actor(practice, &[Role::Owner]).await;
    assert_eq!((pieces(id).await, state(&house, &owner, id).await), (0, UploadState::Expired));
}

#[tokio::test]
async fn what_never_arrives_whole_is_put_away() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let begun = begin(&house.store, &owner, house.key(), UploadLimits::default()).await.unwrap();
    let Begun::Fresh(mut receiving) = begun else { panic!("sent before") };
    receiving.begin_file("Patient.ndjson").unwrap();
    receiving.take(&vec![b' '; PIECE_BYTES + 1]).await.unwrap();
    drop(receiving);
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select id from import_upload where practice_id = $1";
    let id = UploadId::from_uuid(client.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0));
    assert_eq!(pieces(id).await, 1);
    house.wait(ARRIVES_WITHIN + SignedDuration::from_secs(1));
    work_off(&house, practice).await;
    assert_eq!(pieces(id).await, 0);
}

#[tokio::test]
async fn what_is_no_file_to_bring_in_is_refused_and_kept_nowhere() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let refused = |files: &'static [(&'static str, &'static [u8])]| send(&house, &owner, files);
    let not = |sent: Result<UploadId, UploadError>| match sent {
        Err(UploadError::NotAFile { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(not(refused(&[("patients.csv", b"%PDF-1.7 and so on")]).await), NotAFile::Pdf);
    assert_eq!(not(refused(&[("patients.csv", b"PK\x03\x04 xl/workbook")]).await), NotAFile::Spreadsheet);
    assert_eq!(not(refused(&[("patients.csv", b"")]).await), NotAFile::Empty);
    assert!(matches!(refused(&[("", b"")]).await, Err(UploadError::Nothing)));
    assert!(matches!(refused(&[("a.csv", b"x,y\n"), ("b.csv", b"x,y\n")]).await, Err(UploadError::NotTogether)));
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select count(*) from import_piece where practice_id = $1";
    let left: i64 = client.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0);
    assert_eq!(left, 0);
    assert!(reads::list(&house.store, &owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_and_a_practice_have_their_limits() {
    let house = House::open().await;
    let (_, owner, _) = at_work(&house).await;
    let limits = UploadLimits { file_bytes_max: 100, practice_bytes_max: 2 * PIECE_BYTES as u64 };
    let send = async |bytes: &[u8]| {
        let Begun::Fresh(mut receiving) = begin(&house.store, &owner, house.key(), limits).await? else {
            panic!("sent before")
        };
        send_into(&mut receiving, &[("a.csv", bytes)]).await
    };
    assert!(matches!(send(&[b'x'; 101]).await, Err(UploadError::TooLarge { bytes_max: 100, .. })));
    send(&[b'x'; 100]).await.unwrap();
    send(&[b'x'; 100]).await.unwrap();
    assert!(matches!(send(b"x").await, Err(UploadError::Full { .. })));
}

#[tokio::test]
async fn a_killed_import_goes_on_with_equal_counts() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let patients = many(1_500);
    let id = send(&house, &owner, &[("Patient.ndjson", &patients)]).await.unwrap();
    assert!(pieces(id).await > 1);
    start(&house.store, &owner, house.key(), id, false).await.unwrap();
    let mut kills = 0;
    loop {
        let claim = left_behind(&house, practice).await;
        let before = page(&house, &owner, id).await.run.map_or(0, |run| run.added);
        let (store, held) = (house.store.clone(), claim.clone());
        let job = tokio::spawn(async move { working::go_on(&store, &held).await });
        // It dies when it has got on, in the middle of the next batch.
        while kills < 2 && !job.is_finished() {
            if page(&house, &owner, id).await.run.is_some_and(|run| run.added > before) {
                job.abort();
                break;
            }
        }
        if let Ok(ended) = job.await {
            assert!(matches!(ended, Ok(Ended::Finished)), "{ended:?}");
            house.store.settle(&claim, ended).await.unwrap();
            break;
        }
        kills += 1;
        house.wait(LEASE + SignedDuration::from_secs(1));
    }
    assert!(kills > 0, "it was never killed");
    let done = report(&house, &owner, id, false).await;
    assert_eq!((done.total().add, done.total().reject), (1_500, 0));
    let run = page(&house, &owner, id).await.run.unwrap();
    assert_eq!((run.state.as_str(), run.added), ("finished", 1_500));
    assert_eq!(found(&house, &reception, "quintal999").await.len(), 1);
}

/// Does what is due, and tells it to pause or end when it has got on.
async fn until_it_got_on(house: &House, practice: PracticeId, owner: &Actor, id: UploadId, wish: Wish) -> i64 {
    let claim = claimed(house, practice).await.unwrap();
    let (store, held) = (house.store.clone(), claim.clone());
    let job = tokio::spawn(async move { working::go_on(&store, &held).await });
    let before = page(house, owner, id).await.upload.done_resources;
    while page(house, owner, id).await.upload.done_resources == before && !job.is_finished() {}
    steer(&house.store, owner, house.key(), id, wish).await.unwrap();
    house.store.keep(&claim).await.unwrap();
    let ended = job.await.unwrap();
    assert!(matches!(ended, Ok(Ended::Stopped)), "{ended:?}");
    house.store.settle(&claim, ended).await.unwrap();
    page(house, owner, id).await.run.unwrap().added
}

#[tokio::test]
async fn an_import_is_paused_goes_on_is_ended_and_taken_back_as_one() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let patients = many(3_000);
    let id = send(&house, &owner, &[("Patient.ndjson", &patients)]).await.unwrap();
    start(&house.store, &owner, house.key(), id, false).await.unwrap();
    let added = until_it_got_on(&house, practice, &owner, id, Wish::Pause).await;
    assert!(added > 0 && added < 3_000, "{added}");
    assert_eq!(page(&house, &owner, id).await.work.unwrap().state, "paused");
    assert!(claimed(&house, practice).await.is_none(), "nobody goes on with it");
    let other = send(&house, &owner, &[("Patient.ndjson", patient("q1", "Rosario", "1981-01-01").as_bytes())]).await;
    let second = start(&house.store, &owner, house.key(), other.unwrap(), false).await;
    assert!(matches!(second, Err(UploadError::Running)), "{second:?}");

    steer(&house.store, &owner, house.key(), id, Wish::GoOn).await.unwrap();
    let now = until_it_got_on(&house, practice, &owner, id, Wish::Cancel).await;
    assert!(now >= added && now < 3_000, "what was counted before is not forgotten: {now}");
    work_off(&house, practice).await;
    let here = page(&house, &owner, id).await;
    assert_eq!(here.upload.stands(), UploadState::Cancelled);
    assert!(here.done.is_some_and(|counts| counts.add > 0), "it says what it came to until then");
    assert_eq!(found(&house, &reception, "quintal0").await.len(), 1);

    let run = here.upload.run_id.unwrap();
    ask_undo(&house.store, &owner, house.key(), run).await.unwrap();
    work_off(&house, practice).await;
    assert_eq!(page(&house, &owner, id).await.run.unwrap().state, "undone");
    assert_eq!(found(&house, &reception, "quintal0").await, []);
    let done = tried(&house, practice, &owner, id, false).await;
    assert_eq!(done.total().add, 3_000, "and the same files come in anew");
}

#[tokio::test]
async fn what_somebody_worked_on_is_not_taken_back_and_the_page_knows_why() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let files = patient("p1", "Quintal", "1980-02-03");
    let id = send(&house, &owner, &[("Patient.ndjson", files.as_bytes())]).await.unwrap();
    tried(&house, practice, &owner, id, false).await;
    let patient = found(&house, &reception, "quintal").await[0];
    let severity = practice::patients::writes::Severity::Usual;
    practice::patients::writes::add_alert(&house.store, &reception, house.key(), patient, severity, "Speaks isiZulu")
        .await
        .unwrap();
    let run = page(&house, &owner, id).await.upload.run_id.unwrap();
    ask_undo(&house.store, &owner, house.key(), run).await.unwrap();
    work_off(&house, practice).await;
    let here = page(&house, &owner, id).await;
    assert_eq!(reads::undo_fault(here.undo.as_ref()), Some(working::fault::WORKED_ON));
    assert_eq!(found(&house, &reception, "quintal").await.len(), 1);
}

#[tokio::test]
async fn bundles_lines_and_cards_come_in_as_they_do_at_the_command_line() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let lines = patient("p1", "Quintal", "1980-02-03");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{}}},{{"resource":{}}}]}}"#,
        allergy("a1", "p1", "Penicillin"),
        patient("p2", "Rosario", "1981-02-03")
    );
    let files = [("Patient.ndjson", lines.as_bytes()), ("more.json", bundle.as_bytes())];
    let id = send(&house, &owner, &files).await.unwrap();
    let done = tried(&house, practice, &owner, id, false).await;
    let elsewhere = house.practice().await;
    let folder = folder_with(&[("Patient.ndjson", lines.clone()), ("more.json", bundle.clone())]);
    assert_eq!(done, bring_in(&house, elsewhere, folder.path(), false).await);

    let cards = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Zoleka Dlamini\r\nEND:VCARD\r\n";
    let id = send(&house, &owner, &[("contacts.vcf", cards)]).await.unwrap();
    assert_eq!(page(&house, &owner, id).await.upload.file_kind(), FileKind::Vcard);
    assert_eq!(tried(&house, practice, &owner, id, false).await.total().add, 1);
    assert_eq!(found(&house, &reception, "zoleka").await.len(), 1);
}

#[tokio::test]
async fn a_table_whose_dates_nobody_explained_goes_back_to_its_columns() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let id = send(&house, &owner, &[("a.csv", TABLE.as_bytes())]).await.unwrap();
    let (upload, bytes) = reads::beginning(&house.store, &owner, id).await.unwrap();
    let mapping = preview::look(&upload, &bytes, CsvSaid::default()).unwrap().proposed();
    map(&house.store, &owner, house.key(), id, &mapping).await.unwrap();
    start(&house.store, &owner, house.key(), id, true).await.unwrap();
    work_off(&house, practice).await;
    let here = page(&house, &owner, id).await.upload;
    assert_eq!((here.stands(), here.problem.as_deref()), (UploadState::Ready, Some("dates 4 2")));
}

#[tokio::test]
async fn who_may_open_restricted_records_is_somebody_who_treats_here() {
    let house = House::open().await;
    let (practice, owner, reception) = at_work(&house).await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let restricted = patient("p1", "Quintal", "1980-02-03").replace(
        "\"birthDate\"",
        r#""extension":[{"url":"urn:vouchsafe:restricted","valueBoolean":true}],"birthDate""#,
    );
    let id = send(&house, &owner, &[("Patient.ndjson", restricted.as_bytes())]).await.unwrap();
    assert_eq!(tried(&house, practice, &owner, id, true).await.total().reject, 1, "nobody could open it");
    let said = |named: &[PersonId]| Said { kind: FileKind::Fhir, source: "fhir".to_owned(), named: named.to_vec() };
    let nobody = said(&[reception.person().unwrap()]);
    let refused = say(&house.store, &owner, house.key(), id, &nobody).await;
    assert!(matches!(refused, Err(UploadError::Named)), "{refused:?}");
    say(&house.store, &owner, house.key(), id, &said(&[doctor.person().unwrap()])).await.unwrap();
    assert_eq!(tried(&house, practice, &owner, id, false).await.total().add, 1);
    assert_eq!(found(&house, &doctor, "quintal").await.len(), 1);
    assert_eq!(found(&house, &reception, "quintal").await, []);
}

#[tokio::test]
async fn only_who_runs_the_practice_sends_files_and_nobody_sees_those_of_another() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let id = send(&house, &owner, &[("a.csv", TABLE.as_bytes())]).await.unwrap();
    for role in [Role::Reception, Role::Practitioner, Role::Finance] {
        let actor = house.actor(practice, &[role]).await;
        let sent = begin(&house.store, &actor, house.key(), UploadLimits::default()).await;
        assert!(matches!(sent, Err(UploadError::Store(StoreError::Refused { .. }))), "{role:?}");
        let seen = reads::beginning(&house.store, &actor, id).await;
        assert!(matches!(seen, Err(StoreError::Refused { .. })), "{role:?}");
        assert!(matches!(reads::list(&house.store, &actor).await, Err(StoreError::Refused { .. })), "{role:?}");
        let asked = start(&house.store, &actor, house.key(), id, true).await;
        assert!(matches!(asked, Err(UploadError::Store(StoreError::Refused { .. }))), "{role:?}");
    }
    let administrator = house.actor(practice, &[Role::Administrator]).await;
    assert!(reads::beginning(&house.store, &administrator, id).await.is_ok());
    let (_, stranger, _) = at_work(&house).await;
    let missing = |found: bool| assert!(found, "of another practice");
    missing(matches!(reads::page(&house.store, &stranger, id).await, Err(StoreError::Missing)));
    missing(matches!(reads::beginning(&house.store, &stranger, id).await, Err(StoreError::Missing)));
    missing(matches!(
        start(&house.store, &stranger, house.key(), id, true).await,
        Err(UploadError::Store(StoreError::Missing))
    ));
    missing(matches!(
        discard(&house.store, &stranger, house.key(), id).await,
        Err(UploadError::Store(StoreError::Missing))
    ));
    assert!(reads::list(&house.store, &stranger).await.unwrap().is_empty());
    discard(&house.store, &owner, house.key(), id).await.unwrap();
    assert_eq!(pieces(id).await, 0);
    assert!(matches!(reads::page(&house.store, &owner, id).await, Err(StoreError::Missing)));
}

#[tokio::test]
async fn a_run_says_in_its_event_who_asked_for_it() {
    let house = House::open().await;
    let (practice, owner, _) = at_work(&house).await;
    let files = patient("p1", "Quintal", "1980-02-03");
    let id = send(&house, &owner, &[("Patient.ndjson", files.as_bytes())]).await.unwrap();
    tried(&house, practice, &owner, id, false).await;
    let run = page(&house, &owner, id).await.upload.run_id.unwrap();
    ask_undo(&house.store, &owner, house.key(), run).await.unwrap();
    let person = owner.person().unwrap().uuid();
    for action in ["import.send", "import.ask", "import.ask-undo"] {
        assert!(house.logged_by(practice, person, action).await > 0, "{action}");
    }
}
