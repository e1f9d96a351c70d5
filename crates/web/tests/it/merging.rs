//! Two records of one person, as a browser meets them.

use reqwest::StatusCode;
use store::Role;

use crate::browser::{Browser, Page};
use crate::patients::{at_work, one, particulars, write_down};

fn id(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

async fn merge(browser: &Browser, into: &str, from: &str, chosen: &[(&str, &str)]) -> Page {
    let path = format!("{into}/merge/{}", id(from));
    browser.fill(&path, &path, chosen).await
}

/// The first address on a page that begins and ends so.
fn address(page: &Page, begin: &str, end: &str) -> String {
    let mut all = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    all.find(|path| path.starts_with(begin) && path.ends_with(end))
        .unwrap_or_else(|| panic!("{}", page.body))
        .to_owned()
}

#[tokio::test]
async fn two_records_are_found_compared_made_one_and_taken_apart() {
    let (_site, _, doctor) = one(Role::Practitioner).await;
    let into = write_down(&doctor, "Lindiwe", "Mokoena").await;
    let typed = [("given", "Lindi"), ("family", "Mokoena"), ("birth_date", "8/3/1984"), ("phone", "082 555 0199")];
    let from = doctor.fill("/patients/new", "/patients/new", &particulars(&typed)).await.location().to_owned();
    let looked = doctor.open(&format!("{into}/merge?q=lindi")).await;
    let compare = address(&looked, &format!("{into}/merge/"), id(&from));
    let page = doctor.open(&compare).await;
    assert!(page.body.contains("7 Mar 1984") && page.body.contains("8 Mar 1984") && page.body.contains("082 555 0199"));
    merge(&doctor, &into, &from, &[("names", "this"), ("birth", "other")]).await.leads_to(&into);
    let page = doctor.open(&into).await;
    for said in ["Lindiwe", "8 Mar 1984", "082 555 0199", "One record was made one with this"] {
        assert!(page.body.contains(said), "{said}");
    }
    doctor.open(&from).await.leads_to(&into);
    doctor.open(&format!("{from}/record?kind=document")).await.leads_to(&format!("{into}/record?kind=document"));
    let found = doctor.open("/patients?q=lindi").await;
    assert_eq!(found.body.matches("class=\"who__name\"").count(), 1);

    let undo = address(&doctor.open(&format!("{into}/merges")).await, &format!("{into}/merges/"), "/undo");
    let page = doctor.open(&undo).await;
    assert!(page.body.contains("Back to what this record said: Birth date."));
    doctor.send(&page, &undo, &[]).await.leads_to(&into);
    assert_eq!(doctor.open(&from).await.status, StatusCode::OK);
    let page = doctor.open(&into).await;
    assert!(page.body.contains("7 Mar 1984") && !page.body.contains("082 555 0199"));
    let again = doctor.open(&undo).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_of_a_record_that_was_merged_meanwhile_loses_nothing() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let reception = at_work(&site, practice, &[Role::Reception]).await;
    let into = write_down(&doctor, "Lindiwe", "Mokoena").await;
    let typed = particulars(&[("given", "Lindi"), ("family", "Mokoena"), ("birth_date", "8/3/1984")]);
    let from = doctor.fill("/patients/new", "/patients/new", &typed).await.location().to_owned();
    let (edit, standing) = (format!("{from}/edit"), format!("{from}/standing"));
    let form = reception.open(&edit).await;
    let stands = reception.open(&standing).await;
    let alert = reception.open(&from).await;
    let stale = doctor.open(&format!("{into}/merge/{}", id(&from))).await;
    merge(&doctor, &into, &from, &[]).await.leads_to(&into);

    let sent = particulars(&[("given", "Lindi"), ("family", "Mokoena"), ("phone", "082 555 0177")]);
    let conflict = reception.send(&form, &edit, &sent).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.body.contains("082 555 0177"), "what was typed is kept");
    reception.send(&conflict, &format!("{into}/edit"), &sent).await.leads_to(&into);

    let closed = [("record", "inactive"), ("died", "no"), ("died_on", "")];
    let refused = reception.send(&stands, &standing, &closed).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "what was chosen of one record is not done to another");
    assert!(refused.body.contains("was made one with another"));

    let path = format!("{from}/alerts");
    let fields = [("text", "Uses a wheelchair"), ("weight", "usual")];
    let led = reception.send(&alert, &path, &fields).await;
    assert_eq!(
        (led.status, led.header("location")),
        (StatusCode::TEMPORARY_REDIRECT, format!("{into}/alerts").as_str())
    );
    let (csrf, once) = (alert.hidden(&path)[0].1.clone(), alert.hidden(&path)[1].1.clone());
    let again = [("csrf", csrf.as_str()), ("once", once.as_str()), fields[0], fields[1]];
    reception.answer(reception.post(&format!("{into}/alerts"), &again)).await.leads_to(&into);
    assert!(reception.open(&into).await.body.contains("Uses a wheelchair"));

    let path = format!("{into}/merge/{}", id(&from));
    let late = doctor.send(&stale, &path, &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn whoever_may_not_merge_is_offered_nothing_of_it() {
    let (site, practice, reception) = one(Role::Reception).await;
    let doctor = at_work(&site, practice, &[Role::Practitioner]).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    let other = write_down(&doctor, "Sipho", "Dube").await;
    assert!(!reception.open(&patient).await.body.contains("/merge"));
    assert!(doctor.open(&patient).await.body.contains("/merge"));
    for path in [
        format!("{patient}/alike"),
        format!("{patient}/merge"),
        format!("{patient}/merge/{}", id(&other)),
        format!("{patient}/merges"),
    ] {
        assert_eq!(reception.open(&path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn who_may_be_the_same_person_is_said_on_the_record() {
    let (_site, _, doctor) = one(Role::Practitioner).await;
    let one = write_down(&doctor, "Thandi", "Nkosi").await;
    let typed = particulars(&[("given", "Thandiwe"), ("family", "Nkosy"), ("birth_date", "7/3/1984")]);
    let asked = doctor.fill("/patients/new", "/patients/new", &typed).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.body.contains(&format!("href=\"{one}\"")), "asked before a second one is made");
    let mut sent = typed.clone();
    sent.push(("another", "yes"));
    let other = doctor.send(&asked, "/patients/new", &sent).await.location().to_owned();
    let hint = doctor.open(&format!("{one}/alike")).await;
    assert!(hint.body.contains("Perhaps the same person"));
    assert!(hint.body.contains(&format!("href=\"{one}/merge/{}\"", id(&other))));
}
