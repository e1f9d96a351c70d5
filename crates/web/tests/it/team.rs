//! The team: inviting, joining, roles, removing.

use identity::totp::TotpSecret;
use jiff::SignedDuration;
use kernel::PracticeId;
use reqwest::StatusCode;
use store::Role;
use testkit::{PASSWORD, Person};

use crate::browser::{Browser, Page};
use crate::door::sign_in;
use crate::site::Site;

/// The code of the authenticator whose secret a page shows.
pub(crate) fn code_on(site: &Site, page: &Page) -> String {
    let typed = page.body.split("id=\"enrol-secret\">").nth(1).unwrap().split('<').next().unwrap();
    let secret: TotpSecret = serde_json::from_value(base32(typed).into()).unwrap();
    secret.code_at(site.house.store.clock().now())
}

/// RFC 4648, section 6, as an app reads it.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| *letter != b' ') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        held = (held << 5) | u32::try_from(value).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

async fn owner() -> (Site, Browser, Person, PracticeId) {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let person = site.house.person(practice, &[Role::Owner]).await;
    let browser = site.browser();
    sign_in(&site, &browser, &person, "").await;
    (site, browser, person, practice)
}

/// Invites an address; gives the path of the link.
async fn invite(site: &Site, browser: &Browser, email: &str, role: &str) -> String {
    let page = browser.fill("/team/invitations", "/team/invitations", &[("email", email), ("role", role)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (_, after) = page.body.split_once(&format!("{}/invitation/", site.origin())).unwrap();
    format!("/invitation/{}", after.split(['<', '"']).next().unwrap())
}

#[tokio::test]
async fn somebody_new_joins_by_a_link_and_sets_up_an_authenticator_before_anything_opens() {
    let (site, owner, ..) = owner().await;
    let email = format!("{}@example.org", site.house.unique("new"));
    let link = invite(&site, &owner, &email, "reception").await;
    let new = site.browser();
    let typed = [("name", "Naledi Dlamini"), ("password", "short")];
    let weak = new.fill(&link, &link, &typed).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.body.contains("Naledi Dlamini") && !weak.body.contains("\"short\""));
    let typed = [("name", "Naledi Dlamini"), ("password", PASSWORD)];
    new.send(&weak, &link, &typed).await.leads_to("/sign-in/second");
    new.open("/").await.leads_to("/sign-in");
    let set_up = new.open("/sign-in/second").await;
    let wrong = new.send(&set_up, "/sign-in/set-up", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let codes = new.send(&wrong, "/sign-in/set-up", &[("code", &code_on(&site, &wrong))]).await;
    assert_eq!(codes.status, StatusCode::OK, "{}", codes.body);
    assert_eq!(codes.body.matches("<li><code>").count(), 10);
    assert!(new.open("/").await.body.contains("Naledi Dlamini"));
    assert_eq!(site.browser().open(&link).await.status, StatusCode::GONE, "a link works once");
    assert!(owner.open("/team").await.body.contains("Naledi Dlamini"));
}

#[tokio::test]
async fn somebody_with_an_account_signs_in_and_joins() {
    let (site, owner, ..) = owner().await;
    let elsewhere = site.house.practice().await;
    let person = site.house.person(elsewhere, &[Role::Practitioner]).await;
    let link = invite(&site, &owner, &person.email, "practitioner").await;
    let browser = site.browser();
    let page = browser.open(&link).await;
    assert!(page.body.contains("/sign-in?next=/invitation/"));
    sign_in(&site, &browser, &person, &format!("?next={link}")).await.leads_to(&link);
    let page = browser.open(&link).await;
    browser.send(&page, &format!("{link}/join"), &[]).await.leads_to("/?done=joined");
    assert!(browser.open("/?done=joined").await.body.contains("You have joined this practice."));
}

#[tokio::test]
async fn an_invitation_without_a_role_keeps_the_address() {
    let (_site, owner, ..) = owner().await;
    let page = owner.fill("/team/invitations", "/team/invitations", &[("email", "new@example.org")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("new@example.org") && page.body.contains("Choose at least one role."));
}

#[tokio::test]
async fn inviting_twice_with_one_form_makes_one_invitation() {
    let (_site, owner, ..) = owner().await;
    let form = owner.open("/team/invitations").await;
    let fields = [("email", "twice@example.org"), ("role", "finance")];
    assert_eq!(owner.send(&form, "/team/invitations", &fields).await.status, StatusCode::OK);
    owner.send(&form, "/team/invitations", &fields).await.leads_to("/team?done=invited");
    assert_eq!(owner.open("/team").await.body.matches("<bdi>twice@example.org</bdi>").count(), 1);
    let other = [("email", "other@example.org"), ("role", "finance")];
    assert_eq!(owner.send(&form, "/team/invitations", &other).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn changed_roles_are_in_effect_at_the_next_request() {
    let (site, owner, _, practice) = owner().await;
    let member = site.house.person(practice, &[Role::Reception]).await;
    let browser = site.browser();
    sign_in(&site, &browser, &member, "").await;
    assert_eq!(browser.open("/team/invitations").await.status, StatusCode::FORBIDDEN);
    let path = format!("/team/{}/roles", member.id);
    let none = owner.open(&path).await;
    let (csrf, once) = (owner.token(Some(practice)), site.house.key().to_string());
    let version = none.hidden(&path).into_iter().find(|(name, _)| name == "version").unwrap().1;
    let fields = [("csrf", csrf.as_str()), ("once", &once), ("version", &version)];
    assert_eq!(owner.answer(owner.post(&path, &fields)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    owner.fill(&path, &path, &[("role", "administrator")]).await.leads_to("/team?done=roles");
    assert_eq!(browser.open("/team/invitations").await.status, StatusCode::OK);
    // The form that was made before the change is too late.
    let late =
        [("csrf", csrf.as_str()), ("once", &site.house.key().to_string()), ("version", &version), ("role", "finance")];
    assert_eq!(owner.answer(owner.post(&path, &late)).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_removed_members_next_request_opens_nothing() {
    let (site, owner, person, practice) = owner().await;
    let member = site.house.person(practice, &[Role::Practitioner]).await;
    let browser = site.browser();
    sign_in(&site, &browser, &member, "").await;
    assert_eq!(browser.open("/team").await.status, StatusCode::OK);
    let path = format!("/team/{}/remove", member.id);
    let question = owner.open(&path).await;
    assert!(question.body.contains(&format!("Remove {}", member.name)));
    owner.send(&question, &path, &[]).await.leads_to("/team?done=removed");
    for path in ["/team", "/"] {
        let page = browser.open(path).await;
        page.leads_to("/account");
        assert!(!page.body.contains(&person.name));
    }
    assert_eq!(browser.open("/account").await.status, StatusCode::OK, "the account is their own");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (_site, owner, person, _) = owner().await;
    let path = format!("/team/{}/remove", person.id);
    let page = owner.fill(&path, &path, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("A practice needs an owner."));
}

#[tokio::test]
async fn another_practices_member_is_nowhere() {
    let (site, owner, ..) = owner().await;
    let foreign = site.house.person(site.house.practice().await, &[Role::Reception]).await;
    for path in [format!("/team/{}/roles", foreign.id), format!("/team/{}/remove", foreign.id)] {
        let page = owner.open(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains(&foreign.name));
    }
}

#[tokio::test]
async fn an_invitation_that_was_withdrawn_opens_nothing() {
    let (site, owner, ..) = owner().await;
    let link = invite(&site, &owner, "withdrawn@example.org", "finance").await;
    let team = owner.open("/team").await;
    let actions = team.body.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let path = actions.into_iter().find(|path| path.ends_with("/withdraw")).unwrap().to_owned();
    owner.send(&team, &path, &[]).await.leads_to("/team?done=uninvited");
    assert_eq!(site.browser().open(&link).await.status, StatusCode::GONE);
    assert!(!owner.open("/team").await.body.contains("withdrawn@example.org"));
}

#[tokio::test]
async fn somebody_who_lost_their_phone_comes_back_by_a_link_and_into_another_practice_when_that_agrees() {
    let (site, owner, me, practice) = owner().await;
    let (other, lost) = (site.house.practice().await, site.house.person(practice, &[Role::Reception]).await);
    site.house.add_to(other, &lost, &[Role::Practitioner]).await;
    let (theirs, other_owner) = (site.browser(), site.browser());
    sign_in(&site, &theirs, &lost, "").await;
    let person = site.house.person(other, &[Role::Owner]).await;
    sign_in(&site, &other_owner, &person, "").await;

    let ask = format!("/team/{}/factors", lost.id);
    let page = owner.open("/team").await;
    assert!(page.body.contains(&ask) && !page.body.contains("Not let in"));
    assert!(owner.open(&ask).await.body.contains(&lost.email));
    // It was proved a while ago that it is them: once more, and then the same question.
    site.house.wait(SignedDuration::from_mins(11));
    let unproved = owner.fill(&ask, &ask, &[]).await;
    assert_eq!(unproved.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = site.house.code(&me);
    owner.send(&unproved, &ask, &[("password", PASSWORD), ("code", &code)]).await.leads_to(&ask);
    owner.fill(&ask, &ask, &[]).await.leads_to("/team?done=factors-reset");
    theirs.open("/").await.leads_to("/sign-in");

    let letters = site.house.letters_to(lost.id).await;
    let link = letters.iter().find_map(|text| text.lines().find_map(|line| line.split_once("/factors/"))).unwrap().1;
    let link = format!("/factors/{link}");
    let wrong = theirs.fill(&link, &link, &[("password", "not this one either")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("This is not your password."));
    theirs.send(&wrong, &link, &[("password", PASSWORD)]).await.leads_to("/sign-in/second");
    let set_up = theirs.open("/sign-in/second").await;
    site.house.wait(SignedDuration::from_mins(1));
    let codes = theirs.send(&set_up, "/sign-in/set-up", &[("code", &code_on(&site, &set_up))]).await;
    assert_eq!(codes.body.matches("<li><code>").count(), 10);
    assert_eq!(site.browser().open(&link).await.status, StatusCode::GONE);

    let there = |page: Page| page.body.contains(&other.to_string());
    assert!(!there(theirs.open("/account").await), "a practice that holds them is offered");
    let let_in = format!("/team/{}/let-in", lost.id);
    assert!(other_owner.open("/team").await.body.contains("Not let in"));
    other_owner.fill(&let_in, &let_in, &[]).await.leads_to("/team?done=let-in");
    assert!(!other_owner.open("/team").await.body.contains("Not let in"));
    other_owner.open(&let_in).await.leads_to("/team");
    assert!(there(theirs.open("/account").await));
}
