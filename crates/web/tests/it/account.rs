//! One's own account.

use reqwest::StatusCode;
use store::Role;
use testkit::{PASSWORD, Person};

use crate::browser::Browser;
use crate::door::sign_in;
use crate::site::Site;

const NEW: &str = "seven brown otters at noon";

async fn signed_in() -> (Site, Browser, Person) {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let person = site.house.person(practice, &[Role::Owner]).await;
    let browser = site.browser();
    sign_in(&site, &browser, &person, "").await;
    (site, browser, person)
}

#[tokio::test]
async fn a_changed_password_signs_out_every_other_browser() {
    let (site, browser, person) = signed_in().await;
    let other = site.browser();
    sign_in(&site, &other, &person, "").await;
    let fields = [("current", PASSWORD), ("password", NEW)];
    browser.fill("/account/password", "/account/password", &fields).await.leads_to("/account?done=password");
    assert!(browser.open("/account?done=password").await.body.contains("The password is changed."));
    other.open("/account").await.leads_to("/sign-in?next=/account");
}

#[tokio::test]
async fn a_password_is_refused_beside_its_field_and_none_comes_back() {
    let (_site, browser, _person) = signed_in().await;
    for (current, new, field) in [("not this one 1", NEW, "current-error"), (PASSWORD, "short 1", "password-error")] {
        let fields = [("current", current), ("password", new)];
        let page = browser.fill("/account/password", "/account/password", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(&format!("id=\"{field}\"")), "{}", page.body);
        assert!(!page.body.contains(current) && !page.body.contains(new));
    }
}

#[tokio::test]
async fn a_change_sent_twice_is_made_once_and_with_other_content_refused() {
    let (_site, browser, _person) = signed_in().await;
    let form = browser.open("/account/password").await;
    let fields = [("current", PASSWORD), ("password", NEW)];
    for _ in 0..2 {
        browser.send(&form, "/account/password", &fields).await.leads_to("/account?done=password");
    }
    let other = [("current", NEW), ("password", "eight green herons by the sea")];
    let fresh = browser.open("/account/password").await;
    browser.send(&fresh, "/account/password", &other).await.leads_to("/account?done=password");
}

#[tokio::test]
async fn another_authenticator_takes_the_place_of_the_first() {
    let (site, browser, person) = signed_in().await;
    let form = browser.open("/account/totp").await;
    assert!(form.body.contains("<svg") && !form.body.contains("<?xml"));
    let wrong = browser.send(&form, "/account/totp", &[("current", PASSWORD), ("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A code of this half minute was used for signing in.
    site.house.wait(jiff::SignedDuration::from_secs(30));
    let code = crate::team::code_on(&site, &wrong);
    browser
        .send(&wrong, "/account/totp", &[("current", PASSWORD), ("code", &code)])
        .await
        .leads_to("/account?done=totp");
    let fresh = site.browser();
    crate::door::password(&fresh, &person, "").await;
    let old = fresh.fill("/sign-in/second", "/sign-in/second", &[("code", &site.house.code(&person))]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY, "the first authenticator opens nothing any more");
}

#[tokio::test]
async fn new_recovery_codes_are_shown_once_and_replace_the_old() {
    let (site, browser, person) = signed_in().await;
    let shown = browser.fill("/account/recovery-codes", "/account/recovery-codes", &[("current", PASSWORD)]).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.body.matches("<li><code>").count(), 10);
    let fresh = site.browser();
    crate::door::password(&fresh, &person, "").await;
    let old = person.codes[0].expose();
    let page = fresh.fill("/sign-in/recovery", "/sign-in/recovery", &[("recovery_code", old)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn one_ends_another_browser_or_all_and_nobody_elses() {
    let (site, browser, person) = signed_in().await;
    let others = [site.browser(), site.browser()];
    for other in &others {
        sign_in(&site, other, &person, "").await;
    }
    let account = browser.open("/account").await;
    let actions = account.body.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let path =
        actions.into_iter().find(|path| path.starts_with("/account/sessions/") && path.ends_with("/end")).unwrap();
    let path = path.to_owned();
    browser.send(&account, &path, &[]).await.leads_to("/account?done=session-ended");
    let still_in = |page: crate::browser::Page| page.status == StatusCode::OK;
    let mut left = 0;
    for other in &others {
        left += usize::from(still_in(other.open("/account").await));
    }
    assert_eq!(left, 1);
    let account = browser.open("/account").await;
    browser.send(&account, "/account/sessions/end-others", &[]).await.leads_to("/account?done=others-ended");
    for other in &others {
        assert!(!still_in(other.open("/account").await));
    }
    assert!(still_in(browser.open("/account").await));

    // Somebody else's session is nowhere.
    let stranger = site.house.person(site.house.practice().await, &[Role::Owner]).await;
    let theirs = site.house.sign_in(stranger).await.me.session();
    let account = browser.open("/account").await;
    let (csrf, once) = account.guard();
    let foreign = format!("/account/sessions/{theirs}/end");
    let page = browser.answer(browser.post(&foreign, &[("csrf", &csrf), ("once", &once)])).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_goes_to_another_of_ones_practices_and_to_no_other() {
    let (site, browser, person) = signed_in().await;
    let (second, foreign) = (site.house.practice().await, site.house.practice().await);
    site.house.add_to(second, &person, &[Role::Reception]).await;
    let today = browser.open("/").await;
    assert!(today.body.contains("Work in another practice"));
    let (csrf, once) = today.guard();
    let to = |practice: kernel::PracticeId, once: &str| {
        let fields = [("csrf", csrf.clone()), ("once", once.to_owned()), ("practice", practice.to_string())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.answer(browser.post("/practice", &fields))
    };
    assert_eq!(to(foreign, &site.house.key().to_string()).await.status, StatusCode::NOT_FOUND);
    to(second, &once).await.leads_to("/");
    // Reception sees no audit of the practice; an owner did.
    assert!(today.body.contains("href=\"/audit\"") && !browser.open("/").await.body.contains("href=\"/audit\""));
}

#[tokio::test]
async fn a_form_opened_in_one_practice_is_not_taken_in_another() {
    let (site, browser, person) = signed_in().await;
    let second = site.house.practice().await;
    site.house.add_to(second, &person, &[Role::Owner]).await;
    let stale = browser.open("/team/invitations").await;
    let home = browser.open("/").await;
    browser.send(&home, "/practice", &[("practice", &second.to_string())]).await.leads_to("/");
    let fields = [("email", "stale@example.org"), ("role", "finance")];
    let refused = browser.send(&stale, "/team/invitations", &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("This form belongs to another practice"));
    assert!(!browser.open("/team").await.body.contains("stale@example.org"));
}
