//! What is kept of oneself, and where one is signed in.

use axum::extract::State;
use identity::account::{MyPractice, MySession};

use crate::AppState;
use crate::around::Told;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, show};
use crate::text::{say, say_with};
use crate::views::Room;
use crate::views::account::{Account, Passkey, Session};
use crate::who::{Caller, Person};

/// `GET /account`
pub(super) async fn show_account(State(app): State<AppState>, person: Person, Asked(told): Asked<Told>) -> Answer {
    let account = app.identity.account(&person.me).await?;
    let mut shell = person.shell(Room::Account).await?;
    shell.notice = told.notice();
    let secured = person.moment(account.secured_at).await?;
    let mut sessions = Vec::with_capacity(account.sessions.len());
    for session in account.sessions {
        sessions.push(view(&person, session).await?);
    }
    let mut passkeys = Vec::with_capacity(account.passkeys.len());
    for passkey in account.passkeys {
        let used = match passkey.used_at {
            Some(at) => Some(person.moment(at).await?),
            None => None,
        };
        let added = person.moment(passkey.created_at).await?;
        passkeys.push(Passkey { id: passkey.id.to_string(), name: passkey.name, added, used });
    }
    let wants = |practice: &MyPractice| practice.passkeys_only && !person.me.signed_in.by_passkey;
    show(&Account {
        passkey_wanted: account.practices.iter().any(wants),
        shell,
        email: account.email,
        secured,
        app: account.totp,
        passkeys,
        passkeys_here: app.identity.has_passkeys(),
        codes_left: account.codes_left,
        end_others: (sessions.len() > 1).then(|| person.guard()),
        sessions,
    })
}

async fn view(person: &Person, session: MySession) -> Result<Session, PageError> {
    Ok(Session {
        id: session.id.to_string(),
        device: session.browser.as_deref().map_or_else(|| say("device-unknown"), device),
        from: session.source.to_string(),
        began: person.moment(session.began_at).await?,
        last: person.moment(session.seen_at).await?,
        current: session.current,
        guard: person.guard(),
    })
}

/// "Firefox on Linux", from what a browser says it is. It may say anything: only known words are shown.
fn device(browser: &str) -> String {
    let first =
        |known: &[(&str, &'static str)]| known.iter().find(|(sign, _)| browser.contains(sign)).map(|(_, name)| *name);
    let name = first(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => say_with("device-on", &[("browser", &name), ("system", &system)]),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => say("device-unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_browser_is_named_by_words_that_we_chose() {
        assert_eq!(
            device("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Firefox on Linux"
        );
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(device("<script>alert(1)</script>"), "A browser");
    }
}
