//! Coming in and going out.

use kernel::Source;
use reqwest::{Method, StatusCode};
use store::Role;
use testkit::{PASSWORD, Person};

use crate::browser::{Browser, Page};
use crate::site::Site;

/// The first step.
pub(crate) async fn password(browser: &Browser, person: &Person, next: &str) -> Page {
    let fields = [("email", person.email.as_str()), ("password", PASSWORD)];
    browser.fill(&format!("/sign-in{next}"), "/sign-in", &fields).await
}

/// Both steps.
pub(crate) async fn sign_in(site: &Site, browser: &Browser, person: &Person, next: &str) -> Page {
    let second = password(browser, person, next).await.location().to_owned();
    assert!(second.starts_with("/sign-in/second"));
    browser.fill(&second, "/sign-in/second", &[("code", &site.house.code(person))]).await
}

async fn one(roles: &[Role]) -> (Site, Browser, Person) {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let person = site.house.person(practice, roles).await;
    let browser = site.browser();
    (site, browser, person)
}

#[tokio::test]
async fn somebody_signs_in_with_both_factors_and_is_greeted() {
    let (site, browser, person) = one(&[Role::Reception]).await;
    sign_in(&site, &browser, &person, "").await.leads_to("/");
    let today = browser.open("/").await;
    assert_eq!(today.status, StatusCode::OK, "{}", today.body);
    assert!(today.body.contains(&person.name));
    assert!(browser.cookie("__Host-half").is_none(), "the half sign-in is over");
}

#[tokio::test]
async fn the_password_alone_opens_nothing() {
    let (_site, browser, person) = one(&[Role::Owner]).await;
    password(&browser, &person, "").await.leads_to("/sign-in/second");
    assert!(browser.cookie("__Host-session").is_none());
    browser.open("/").await.leads_to("/sign-in");
    let half = browser.cookie("__Host-half").unwrap();
    browser.set_cookie("__Host-session", &half);
    browser.open("/team").await.leads_to("/sign-in?next=/team");
}

#[tokio::test]
async fn a_wrong_password_keeps_the_address_and_never_the_password() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let typed = "Not my password 12";
    let page = browser.fill("/sign-in", "/sign-in", &[("email", &person.email), ("password", typed)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("The e-mail or the password is not right"));
    assert!(page.body.contains(&person.email) && !page.body.contains(typed));
    let nobody = format!("{}@example.org", site.house.unique("nobody"));
    let unknown = browser.fill("/sign-in", "/sign-in", &[("email", &nobody), ("password", typed)]).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.body.contains("The e-mail or the password is not right"));
}

#[tokio::test]
async fn guessing_is_told_to_wait() {
    let (_site, browser, person) = one(&[Role::Owner]).await;
    let fields = [("email", person.email.as_str()), ("password", "a wrong guess 1")];
    let guess = || browser.fill("/sign-in", "/sign-in", &fields);
    for _ in 0..5 {
        assert_eq!(guess().await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page = guess().await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.header("retry-after"), "5");
    assert!(page.body.contains("A little slower"));
}

#[tokio::test]
async fn somebody_goes_on_to_where_they_wanted_and_never_to_another_site() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let door = browser.open("/team?done=x&a=b").await.location().to_owned();
    assert_eq!(door, "/sign-in?next=/team%3Fdone%3Dx%26a%3Db");
    sign_in(&site, &browser, &person, &door["/sign-in".len()..]).await.leads_to("/team?done=x&a=b");
    for evil in
        ["//evil.example", "https://evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"]
    {
        let fresh = site.browser();
        sign_in(&site, &fresh, &person, &format!("?next={evil}")).await.leads_to("/");
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_a_wrong_one_is_said_beside_its_field() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let code = site.house.code(&person);
    password(&browser, &person, "").await;
    let wrong = browser.fill("/sign-in/second", "/sign-in/second", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"code-error\""));
    browser.send(&wrong, "/sign-in/second", &[("code", &code)]).await.leads_to("/");
    let other = site.browser();
    password(&other, &person, "").await;
    let used = other.fill("/sign-in/second", "/sign-in/second", &[("code", &code)]).await;
    assert_eq!(used.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(used.body.contains("This code was used already"));
}

#[tokio::test]
async fn a_recovery_code_lets_somebody_in_once() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let code = person.codes[0].expose();
    for (browser, status) in [(browser, StatusCode::SEE_OTHER), (site.browser(), StatusCode::UNPROCESSABLE_ENTITY)] {
        password(&browser, &person, "").await;
        let page = browser.fill("/sign-in/recovery", "/sign-in/recovery", &[("recovery_code", code)]).await;
        assert_eq!(page.status, status, "{}", page.body);
    }
}

#[tokio::test]
async fn without_a_password_there_is_no_second_step() {
    let site = Site::open().await;
    for path in ["/sign-in/second", "/sign-in/recovery"] {
        site.browser().open(path).await.leads_to("/sign-in?done=too-late");
    }
}

#[tokio::test]
async fn a_second_step_that_is_over_begins_again_and_ends_nobodys_session() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    sign_in(&site, &browser, &person, "").await;
    let step = site.browser();
    password(&step, &person, "").await;
    let form = step.open("/sign-in/second").await;
    site.house.wait(jiff::SignedDuration::from_mins(11));
    step.send(&form, "/sign-in/second", &[("code", &site.house.code(&person))])
        .await
        .leads_to("/sign-in?done=too-late");
    browser.open("/sign-in/second").await.leads_to("/sign-in?done=too-late");
    assert_eq!(browser.open("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_cookies_belong_to_this_host_and_no_script_reads_them() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let mut lines = Vec::new();
    let first = browser.open("/sign-in").await;
    let second = browser.send(&first, "/sign-in", &[("email", &person.email), ("password", PASSWORD)]).await;
    let last = browser.fill("/sign-in/second", "/sign-in/second", &[("code", &site.house.code(&person))]).await;
    for page in [first, second, last] {
        lines.extend(page.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()));
    }
    for name in ["__Host-visit=", "__Host-half=", "__Host-session="] {
        let line = lines.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {lines:?}"));
        for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite="] {
            assert!(line.contains(attribute), "{line}");
        }
        assert!(!line.contains("Domain"), "{line}");
    }
}

#[tokio::test]
async fn signing_in_sent_twice_signs_in_once() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let first = browser.open("/sign-in").await;
    let fields = [("email", person.email.as_str()), ("password", PASSWORD)];
    for _ in 0..2 {
        browser.send(&first, "/sign-in", &fields).await.leads_to("/sign-in/second");
    }
    let (code, second) = (site.house.code(&person), browser.open("/sign-in/second").await);
    let half = browser.cookie("__Host-half").unwrap();
    for _ in 0..2 {
        // The answer was lost: the browser still has the cookie of the half sign-in.
        browser.set_cookie("__Host-half", &half);
        browser.send(&second, "/sign-in/second", &[("code", &code)]).await.leads_to("/");
    }
    assert_eq!(browser.open("/").await.status, StatusCode::OK);
    let account = browser.open("/account").await;
    assert_eq!(account.body.matches("Firefox on Linux").count(), 1, "one session, though sent twice");
}

#[tokio::test]
async fn signing_out_is_in_effect_at_once() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    sign_in(&site, &browser, &person, "").await;
    let kept = browser.cookie("__Host-session").unwrap();
    let (today, form) = (browser.open("/").await, browser.open("/account/password").await);
    browser.send(&today, "/sign-out", &[]).await.leads_to("/sign-in?done=signed-out");
    assert!(browser.cookie("__Host-session").is_none());
    assert!(browser.open("/sign-in?done=signed-out").await.body.contains("You are signed out."));
    browser.set_cookie("__Host-session", &kept);
    browser.open("/").await.leads_to("/sign-in");
    browser.set_cookie("__Host-session", &kept);
    let late = browser.send(&form, "/account/password", &[("current", "a"), ("password", "b")]).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.body.contains("You are no longer signed in."));
}

#[tokio::test]
async fn a_form_of_an_earlier_session_is_refused_in_the_next() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    sign_in(&site, &browser, &person, "").await;
    let today = browser.open("/").await;
    sign_in(&site, &browser, &person, "").await;
    assert_eq!(browser.send(&today, "/sign-out", &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_part_of_a_page_is_told_to_go_to_the_door() {
    let site = Site::open().await;
    let browser = site.browser();
    let request = browser
        .ask(Method::GET, "/team")
        .header("hx-request", "true")
        .header("hx-current-url", format!("{}/team?a=b", site.origin()));
    let page = browser.answer(request).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.header("hx-redirect"), "/sign-in?next=/team%3Fa%3Db");
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_mail_and_the_second_factor_still_asked() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    let asked = browser.fill("/reset", "/reset", &[("email", &person.email)]).await;
    let nobody = format!("{}@example.org", site.house.unique("nobody"));
    let nobody = browser.fill("/reset", "/reset", &[("email", &nobody)]).await;
    assert_eq!((asked.status, &asked.body), (StatusCode::OK, &nobody.body), "the same answer for everybody");
    let letter = site.house.letters_to(person.id).await.pop().unwrap();
    let path = letter.split_whitespace().find_map(|word| word.strip_prefix(&site.origin())).unwrap().to_owned();
    let weak = browser.fill(&path, &path, &[("password", "password1234")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.body.contains("id=\"password-error\"") && !weak.body.contains("password1234"));
    let new = "seven brown otters at noon";
    browser.send(&weak, &path, &[("password", new)]).await.leads_to("/sign-in?done=password");
    assert_eq!(browser.open(&path).await.status, StatusCode::GONE, "a link works once");
    let step = browser.fill("/sign-in", "/sign-in", &[("email", &person.email), ("password", new)]).await;
    step.leads_to("/sign-in/second");
}

#[tokio::test]
async fn where_people_come_from_is_what_the_proxy_saw() {
    let (site, browser, person) = one(&[Role::Owner]).await;
    sign_in(&site, &browser, &person, "").await;
    let Source::Network(from) = site.house.source else { panic!() };
    assert!(browser.open("/account").await.body.contains(&from.to_string()));
}
