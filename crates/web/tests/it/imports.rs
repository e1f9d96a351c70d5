//! Bringing records in from the page, as a browser does it.

use kernel::{PracticeId, UploadId};
use practice::exchange::csv::Said;
use practice::exchange::uploads::receiving::{Begun, begin};
use practice::exchange::uploads::writes::{map, start};
use practice::exchange::uploads::{UploadLimits, preview, reads, working};
use reqwest::StatusCode;
use store::{Actor, Role};
use testkit::House;
use web::Limits;

use crate::browser::{Browser, Page};
use crate::patients::{at_work, one};
use crate::site::Site;

/// Names, and what stands in them.
type Files<'a> = &'a [(&'a str, &'a [u8])];

const NEW: &str = "/practice/import/new";
const TABLE: &str = "Nr;Nachname;Vorname;Geburtsdatum;Telefon;Kasse\n1;Quintal;Ana;03.04.1980;082 555 0143;AOK\n\
                     2;Ng;Li;1.12.1955;;TK\n3;Rosario;Bea;31.31.1999;;TK\n";

/// What the program's loop does, by hand: all that is due of a practice.
async fn work_off(house: &House, practice: PracticeId) {
    while let Some(id) = house.store.due_work(practice).await.unwrap().first().copied() {
        let Some(claim) = house.store.claim(practice, id).await.unwrap() else { continue };
        let ended = working::go_on(&house.store, &claim).await;
        house.store.settle(&claim, ended).await.unwrap();
    }
}

/// A table that was sent, mapped and tried, for whoever asks for its pages.
pub(crate) async fn tried(house: &House, practice: PracticeId, actor: &Actor) -> UploadId {
    let begun = begin(&house.store, actor, house.key(), UploadLimits::default()).await.unwrap();
    let Begun::Fresh(mut receiving) = begun else { panic!("sent before") };
    receiving.begin_file("table.csv").unwrap();
    receiving.take(b"family;given\nQuintal;Ana\n").await.unwrap();
    receiving.end_file().await.unwrap();
    let id = receiving.finish().await.unwrap();
    let (upload, bytes) = reads::beginning(&house.store, actor, id).await.unwrap();
    let mapping = preview::look(&upload, &bytes, Said::default()).unwrap().proposed();
    map(&house.store, actor, house.key(), id, &mapping).await.unwrap();
    start(&house.store, actor, house.key(), id, true).await.unwrap();
    work_off(house, practice).await;
    id
}

/// Sends files by the form of the page.
async fn send(browser: &Browser, files: &[(&str, &[u8])]) -> Page {
    let (csrf, once) = {
        let hidden = browser.open(NEW).await.hidden(NEW);
        (hidden[0].1.clone(), hidden[1].1.clone())
    };
    browser.answer(browser.files(NEW, &[("csrf", &csrf), ("once", &once)], files)).await
}

/// What of files a practice has in the database: uploads that stand, and pieces.
async fn kept(practice: PracticeId) -> (i64, i64) {
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let uploads = "select count(*) from import_upload where practice_id = $1 and state <> 'gone'";
    let pieces = "select count(*) from import_piece where practice_id = $1";
    let count = async |sql| client.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0);
    (count(uploads).await, count(pieces).await)
}

fn columns<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("encoding", "utf-8"),
        ("separator", "semicolon"),
        ("header", "yes"),
        ("dates", "dmy"),
        ("genders", ""),
        ("column-0", "record-id"),
        ("column-1", "family"),
        ("column-2", "given"),
        ("column-3", "birth-date"),
        ("column-4", "mobile"),
        ("column-5", "leave-out"),
        ("act", "save"),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(given, _)| given == name));
    fields.extend_from_slice(more);
    fields
}

#[tokio::test]
async fn a_table_is_sent_mapped_tried_brought_in_and_taken_back() {
    let (site, practice, owner) = one(Role::Owner).await;
    assert!(owner.open("/team").await.body.contains("href=\"/practice/import\""));
    let page = send(&owner, &[("patients.csv", TABLE.as_bytes())]).await.location().to_owned();
    let shown = owner.open(&page).await;
    assert!(shown.body.contains("Say what the columns of the table are") && shown.body.contains("patients.csv"));
    assert!(!shown.body.contains("/check\""), "nothing is read before that");

    let path = format!("{page}/columns");
    let form = owner.open(&path).await;
    assert_eq!(form.header("cache-control"), "no-store");
    for said in ["Quintal", "082 555 0143", "Nachname", "could be either"] {
        assert!(form.body.contains(said), "{said}");
    }
    let unclear = owner.send(&form, &path, &columns(&[("dates", "")])).await;
    assert_eq!(unclear.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unclear.body.contains("href=\"#dates\""));
    let nobody = owner.send(&form, &path, &columns(&[("column-1", "note"), ("column-2", "leave-out")])).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.body.contains("value=\"note\" selected"), "what was chosen is kept");
    let shown = owner.send(&form, &path, &columns(&[("act", "show")])).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains("3 Apr 1980") && shown.body.contains("is no date with the day first"));
    let preview = owner.send(&form, &path, &[]).await;
    assert_eq!(preview.status, StatusCode::OK, "without a script a button shows it");
    owner.send(&form, &path, &columns(&[])).await.leads_to(&page);

    let ready = owner.open(&page).await;
    owner.send(&ready, &format!("{page}/check"), &[]).await.leads_to(&page);
    assert!(owner.open(&page).await.body.contains("Being tried"));
    work_off(&site.house, practice).await;
    let tried = owner.open(&page).await;
    assert!(tried.body.contains("What trying it came to"));
    let report = owner.open(&format!("{page}/report/try")).await;
    assert!(report.body.contains("is no date with the day first") && report.body.contains("was left out"));
    let table = owner.open(&format!("{page}/report/try/table")).await;
    assert_eq!((table.header("content-type"), table.header("cache-control")), ("text/csv; charset=utf-8", "no-store"));
    assert!(table.body.starts_with("outcome,file,line,type,field,reason\r\n"));

    owner.send(&tried, &format!("{page}/bring-in"), &[]).await.leads_to(&page);
    work_off(&site.house, practice).await;
    let done = owner.open(&page).await;
    assert!(done.body.contains("Brought in") && done.body.contains("The files have been removed"));
    let reception = at_work(&site, practice, &[Role::Reception]).await;
    assert!(reception.open("/patients?q=quintal").await.body.contains("Quintal"));
    let list = owner.open("/practice/import").await;
    assert!(list.body.contains("2 new, 1 not taken"), "{}", list.body);

    let (_, after) = done.body.split_once("href=\"/practice/import/runs/").unwrap();
    let undo = format!("/practice/import/runs/{}", after.split('"').next().unwrap());
    let asks = owner.open(&undo).await;
    assert!(asks.body.contains("2 patients"), "{}", asks.body);
    owner.send(&asks, &undo, &[]).await.leads_to(&page);
    assert!(owner.open(&page).await.body.contains("Being taken back"));
    work_off(&site.house, practice).await;
    assert!(owner.open(&page).await.body.contains("This import has been taken back"));
    assert!(!reception.open("/patients?q=quintal").await.body.contains("who__name"));
}

#[tokio::test]
async fn a_script_is_told_when_the_page_shows_something_else_by_now() {
    let (site, practice, owner) = one(Role::Administrator).await;
    let page = send(&owner, &[("cards.vcf", b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ana Quintal\r\nEND:VCARD\r\n")]).await;
    let page = page.location().to_owned();
    let ready = owner.open(&page).await;
    owner.send(&ready, &format!("{page}/check"), &[]).await.leads_to(&page);
    let looks = async |seen: &str| {
        let request = owner.ask(reqwest::Method::GET, &format!("{page}?seen={seen}")).header("hx-request", "true");
        owner.answer(request.header("sec-fetch-site", "same-origin")).await
    };
    let same = looks("checking").await;
    assert!(same.body.contains("id=\"progress\"") && !same.has("hx-refresh"));
    work_off(&site.house, practice).await;
    assert_eq!(looks("checking").await.header("hx-refresh"), "true");
}

#[tokio::test]
async fn a_form_without_its_token_keeps_nothing_of_its_files() {
    let (site, practice, owner) = one(Role::Owner).await;
    let files: &[(&str, &[u8])] = &[("patients.csv", TABLE.as_bytes())];
    let once = site.house.key().to_string();
    let other = at_work(&site, practice, &[Role::Owner]).await;
    let theirs = other.token(Some(practice));
    let before: [&[(&str, &str)]; 4] =
        [&[], &[("once", &once)], &[("csrf", "made up"), ("once", &once)], &[("csrf", &theirs), ("once", &once)]];
    for before in before {
        let page = owner.answer(owner.files(NEW, before, files)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{before:?}");
    }
    // A token behind the files is none: it would be looked at too late.
    let mine = owner.token(Some(practice));
    let late = [("source", "first"), ("csrf", mine.as_str()), ("once", once.as_str())];
    assert_eq!(owner.answer(owner.files(NEW, &late, files)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(kept(practice).await, (0, 0));
}

#[tokio::test]
async fn who_does_not_run_the_practice_sends_nothing_and_sees_nothing() {
    let (site, practice, owner) = one(Role::Owner).await;
    let page = send(&owner, &[("patients.csv", TABLE.as_bytes())]).await.location().to_owned();
    for role in [Role::Reception, Role::Practitioner, Role::Finance] {
        let asker = at_work(&site, practice, &[role]).await;
        let token = asker.token(Some(practice));
        let once = site.house.key().to_string();
        let before = [("csrf", token.as_str()), ("once", once.as_str())];
        let sent = asker.answer(asker.files(NEW, &before, &[("patients.csv", TABLE.as_bytes())])).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{role:?}");
        for path in ["/practice/import".to_owned(), page.clone(), format!("{page}/columns")] {
            let seen = asker.open(&path).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{role:?} {path}");
            assert!(!seen.body.contains("Quintal"));
        }
    }
    assert_eq!(kept(practice).await, (1, 1));
    let stranger = site.house.practice().await;
    let stranger = at_work(&site, stranger, &[Role::Owner]).await;
    for path in [page.clone(), format!("{page}/columns")] {
        assert_eq!(stranger.open(&path).await.status, StatusCode::NOT_FOUND);
    }
    assert!(!stranger.open("/practice/import").await.body.contains("patients.csv"));
}

#[tokio::test]
async fn what_cannot_be_brought_in_is_said_and_not_kept() {
    let limits = Limits {
        uploads: UploadLimits { file_bytes_max: 2_000, practice_bytes_max: 4 * 1024 * 1024 },
        ..Limits::default()
    };
    let site = Site::with(limits, web::router).await;
    let practice = site.house.practice().await;
    let owner = at_work(&site, practice, &[Role::Owner]).await;
    let large = vec![b'x'; 500_000];
    let wrong: [(Files, &str); 6] = [
        (&[("patients.csv", b"%PDF-1.7")], "patients.csv is a PDF"),
        (&[("patients.xlsx", b"PK\x03\x04xl/workbook.xml")], "save the sheet as CSV"),
        (&[("patients.csv", b"")], "patients.csv is empty"),
        (&[("", b"")], "Choose a file."),
        (&[("patients.csv", &large)], "patients.csv is larger than 1.9 KB"),
        (&[("a.csv", b"x;y\n"), ("b.csv", b"x;y\n")], "only if all of them are FHIR"),
    ];
    for (files, said) in wrong {
        let page = send(&owner, files).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(page.body.contains(said), "{said}: {}", page.body);
        assert!(page.body.contains("href=\"#files\""), "{said}");
    }
    assert_eq!(kept(practice).await, (0, 0));
}

#[tokio::test]
async fn an_import_is_paused_taken_up_and_ended_by_buttons_and_a_second_is_told_so() {
    let (site, practice, owner) = one(Role::Owner).await;
    let line = |id: &str| format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"Quintal"}}]}}"#);
    let page = send(&owner, &[("Patient.ndjson", line("p1").as_bytes())]).await.location().to_owned();
    let other = send(&owner, &[("Patient.ndjson", line("p2").as_bytes())]).await.location().to_owned();
    let steer = async |wish: &str| {
        let shown = owner.open(&page).await;
        owner.send(&shown, &format!("{page}/steer"), &[("wish", wish)]).await
    };
    let ready = owner.open(&page).await;
    owner.send(&ready, &format!("{page}/bring-in"), &[]).await.leads_to(&page);
    steer("pause").await.leads_to(&page);
    assert!(owner.open(&page).await.body.contains("Paused"));
    let ready = owner.open(&other).await;
    let second = owner.send(&ready, &format!("{other}/bring-in"), &[]).await;
    assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(second.body.contains("Another import is under way"));
    steer("go-on").await.leads_to(&page);
    steer("cancel").await.leads_to(&page);
    work_off(&site.house, practice).await;
    let ended = owner.open(&page).await;
    assert!(ended.body.contains("Waits for you"), "nothing was begun: {}", ended.body);
    let token = owner.token(Some(practice));
    let once = site.house.key().to_string();
    let late = [("csrf", token.as_str()), ("once", once.as_str()), ("wish", "pause")];
    let late = owner.answer(owner.post(&format!("{page}/steer"), &late)).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.body.contains("the import has moved on"));
    owner.send(&ended, &format!("{page}/discard"), &[]).await.leads_to("/practice/import");
    assert_eq!(owner.open(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_may_open_restricted_records_is_chosen_by_name() {
    let (site, practice, owner) = one(Role::Owner).await;
    let doctor = site.house.signed_in(practice, &[Role::Practitioner]).await;
    let line = br#"{"resourceType":"Patient","id":"p1","name":[{"family":"Quintal"}]}"#;
    let page = send(&owner, &[("Patient.ndjson", line)]).await.location().to_owned();
    let path = format!("{page}/settings");
    let shown = owner.open(&page).await;
    assert!(shown.body.contains(&doctor.name));
    let id = doctor.id.to_string();
    let fields = [("kind", "fhir"), ("source", "old system"), ("named", id.as_str())];
    owner.send(&shown, &path, &fields).await.leads_to(&page);
    let shown = owner.open(&page).await;
    assert!(shown.body.contains(&format!("value=\"{id}\" checked")) && shown.body.contains("old system"));
    let wrong = owner.send(&shown, &path, &[("kind", "fhir"), ("source", " "), ("named", id.as_str())]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("href=\"#source\""));
}
