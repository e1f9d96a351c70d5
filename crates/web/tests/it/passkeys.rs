//! Passkeys, by the pages.

use jiff::SignedDuration;
use kernel::PracticeId;
use reqwest::StatusCode;
use store::Role;
use testkit::{Device, PASSWORD, Person};

use crate::browser::{Browser, Page};
use crate::door::{password, sign_in};
use crate::site::Site;

/// What the page asks a device.
fn options(page: &Page) -> String {
    let (_, rest) = page.body.split_once("data-options=\"").unwrap_or_else(|| panic!("{}", page.body));
    let (text, _) = rest.split_once('"').unwrap();
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}

/// Answers the question of a page by the device.
async fn show(browser: &Browser, device: &mut Device, page: &Page, path: &str) -> Page {
    browser.send(page, path, &[("passkey", &device.show(&options(page)))]).await
}

/// Somebody signed in who has just added a passkey.
async fn somebody() -> (Site, Browser, Person, Device) {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (browser, person, device) = somebody_of(&site, practice).await;
    (site, browser, person, device)
}

/// The same, an owner of this practice.
async fn somebody_of(site: &Site, practice: PracticeId) -> (Browser, Person, Device) {
    let person = site.house.person(practice, &[Role::Owner]).await;
    let browser = site.browser();
    sign_in(site, &browser, &person, "").await;
    let mut device = Device::at(&site.origin());
    let form = browser.open("/account/passkeys/new").await;
    let fields = [("name", "My <phone>"), ("passkey", &device.make(&options(&form)))];
    browser.send(&form, "/account/passkeys/new", &fields).await.leads_to("/account?done=passkey-added");
    (browser, person, device)
}

#[tokio::test]
async fn somebody_signs_in_by_a_passkey_and_goes_on_to_where_they_wanted() {
    let (site, _, person, mut device) = somebody().await;
    let fresh = site.browser();
    let page = fresh.open("/sign-in?next=/account").await;
    show(&fresh, &mut device, &page, "/sign-in/passkey").await.leads_to("/account");
    let account = fresh.open("/account").await;
    assert!(account.body.contains(&person.email));
    assert!(account.body.contains("My &#60;phone&#62;"), "{}", account.body);
}

#[tokio::test]
async fn an_answer_that_is_none_is_said_and_the_page_asks_anew() {
    let (site, ..) = somebody().await;
    let fresh = site.browser();
    let page = fresh.open("/sign-in").await;
    for (answer, words) in [("", "Nothing came of it"), ("{}", "This passkey is not one of yours here")] {
        let refused = fresh.send(&page, "/sign-in/passkey", &[("passkey", answer)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(words), "{}", refused.body);
        assert_ne!(options(&refused), options(&page), "the same challenge twice");
    }
    assert!(fresh.cookie("__Host-session").is_none());
}

#[tokio::test]
async fn behind_the_password_a_passkey_is_offered_to_whom_has_one() {
    let (site, _, person, mut device) = somebody().await;
    let fresh = site.browser();
    password(&fresh, &person, "").await.leads_to("/sign-in/second");
    let page = fresh.open("/sign-in/second").await;
    assert!(page.body.contains("id=\"code\""), "the app is no way any more");
    show(&fresh, &mut device, &page, "/sign-in/second/passkey").await.leads_to("/");

    let practice = site.house.practice().await;
    let other = site.house.person(practice, &[Role::Owner]).await;
    let fresh = site.browser();
    password(&fresh, &other, "").await;
    assert!(!fresh.open("/sign-in/second").await.body.contains("v-passkey"));
}

#[tokio::test]
async fn before_a_passkey_is_added_or_taken_away_it_is_proved_that_it_is_oneself() {
    let (site, browser, person, mut device) = somebody().await;
    let account = browser.open("/account").await.body;
    let (_, rest) = account.split_once("/account/passkeys/0").unwrap();
    let remove = format!("/account/passkeys/0{}/remove", rest.split('/').next().unwrap());
    site.house.wait(SignedDuration::from_mins(10));

    let first = browser.open("/account/passkeys/new").await;
    assert!(first.body.contains("Show that it is you") && !first.body.contains("id=\"name\""));
    let wrong = [("password", "not this one 1"), ("code", "000000")];
    let refused = browser.send(&first, "/account/passkeys/prove", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("id=\"password-error\""), "{}", refused.body);

    // By the passkey itself it is proved, and then it is taken away: it is not the last factor.
    let ask = browser.open(&remove).await;
    assert!(ask.body.contains("Take away “My &#60;phone&#62;”?"), "{}", ask.body);
    let bare = browser.send(&ask, &remove, &[]).await;
    assert!(bare.body.contains("Enter your password"), "{}", bare.body);
    show(&browser, &mut device, &bare, &remove).await.leads_to(&remove);
    browser.fill(&remove, &remove, &[]).await.leads_to("/account?done=passkey-removed");
    let fields = [("password", PASSWORD), ("code", &site.house.code(&person))];
    let gone = browser.open(&remove).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    browser.send(&first, "/account/passkeys/prove", &fields).await.leads_to("/account/passkeys/new");
}

#[tokio::test]
async fn a_name_that_does_not_fit_is_kept_and_said_beside_its_field() {
    let (_site, browser, ..) = somebody().await;
    let form = browser.open("/account/passkeys/new").await;
    let made = Device::at("https://elsewhere.example").make(&options(&form));
    let long = "n".repeat(61);
    let page = browser.send(&form, "/account/passkeys/new", &[("name", &long), ("passkey", &made)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("id=\"name-error\"") && page.body.contains(&long));
    let again = browser.send(&page, "/account/passkeys/new", &[("name", "Fits"), ("passkey", &made)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("This passkey is not one of yours here"));
}

async fn comes_in(browser: &Browser) -> bool {
    browser.open("/patients").await.status == StatusCode::OK
}

#[tokio::test]
async fn a_practice_lets_its_people_in_by_passkeys_only_and_they_go_on_where_they_were() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (owner, ..) = somebody_of(&site, practice).await;
    let person = site.house.person(practice, &[Role::Reception]).await;
    let theirs = site.browser();
    sign_in(&site, &theirs, &person, "").await;
    let written = theirs.open("/patients/new").await;
    assert!(owner.open("/team").await.body.contains("/team/sign-in"));
    assert!(!theirs.open("/team").await.body.contains("/team/sign-in"));
    let page = owner.open("/team/sign-in").await;
    assert!(page.body.contains("Of 2 on the team, one has a passkey."), "{}", page.body);
    owner.send(&page, "/team/sign-in", &[]).await.leads_to("/team?done=sign-in-rule");

    // Whoever is inside is led to the passkey and back; a form that was being written loses nothing.
    let wanted = "/account/passkeys/show?next=/patients";
    theirs.open("/patients").await.leads_to(wanted);
    let refused = theirs.send(&written, "/patients/new", &[("given", "Nomsa")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("This needs your passkey") && refused.body.contains("Nothing was saved"));
    assert!(theirs.open("/account").await.body.contains("/account/passkeys/show"));
    let none = theirs.open(wanted).await;
    assert!(none.body.contains("lets its people in by a passkey only"));
    let make = "/account/passkeys/new?next=/patients";
    assert!(none.body.contains(make), "{}", none.body);
    let form = theirs.open(make).await;
    let mut device = Device::at(&site.origin());
    let fields = [("name", "My phone"), ("passkey", &device.make(&options(&form)))];
    theirs.send(&form, "/account/passkeys/new", &fields).await.leads_to("/patients");
    assert!(comes_in(&theirs).await);

    // Another day, by password and code: the passkey is shown once, and they are where they wanted to be.
    site.house.wait(SignedDuration::from_mins(1));
    let fresh = site.browser();
    sign_in(&site, &fresh, &person, "").await;
    let page = fresh.open(wanted).await;
    let failed = fresh.send(&page, "/account/passkeys/show", &[]).await;
    assert_eq!(failed.status, StatusCode::UNPROCESSABLE_ENTITY);
    show(&fresh, &mut device, &failed, "/account/passkeys/show").await.leads_to("/patients");
    assert!(comes_in(&fresh).await);
    fresh.open(wanted).await.leads_to("/patients");
    let by_passkey = site.browser();
    let page = by_passkey.open("/sign-in?next=/patients").await;
    show(&by_passkey, &mut device, &page, "/sign-in/passkey").await.leads_to("/patients");
    assert!(comes_in(&by_passkey).await);

    // And back.
    owner.fill("/team/sign-in", "/team/sign-in", &[]).await.leads_to("/team?done=sign-in-rule");
    let plain = site.browser();
    site.house.wait(SignedDuration::from_mins(1));
    sign_in(&site, &plain, &person, "").await;
    assert!(comes_in(&plain).await);
}

#[tokio::test]
async fn a_passkey_is_renamed_on_its_page() {
    let (_site, browser, ..) = somebody().await;
    let account = browser.open("/account").await.body;
    let (_, rest) = account.split_once("/account/passkeys/0").unwrap();
    let rename = format!("/account/passkeys/0{}/name", rest.split('/').next().unwrap());
    let wrong = browser.fill(&rename, &rename, &[("name", " ")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    browser.send(&wrong, &rename, &[("name", "Blue key")]).await.leads_to("/account?done=passkey-renamed");
    assert!(browser.open("/account").await.body.contains("Blue key"));
}
