//! One's own account.

use askama::Template;

use super::door::Enrolment;
use super::form::{AskDevice, Errors, Guard};
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// A place where the person is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session's id.
    pub id: String,
    /// "Firefox on Linux".
    pub device: String,
    /// From which address it was last used.
    pub from: String,
    /// When it began.
    pub began: Moment,
    /// When it was last used.
    pub last: Moment,
    /// Whether it is the one that reads this.
    pub current: bool,
    /// For `POST /account/sessions/{id}/end`.
    pub guard: Guard,
}

/// A passkey of the person.
#[derive(Debug, Clone)]
pub struct Passkey {
    /// Its id.
    pub id: String,
    /// What its person calls it.
    pub name: String,
    /// When it was added.
    pub added: Moment,
    /// When it was last used.
    pub used: Option<Moment>,
}

/// `GET /account/passkeys/new`; posts to the same address.
///
/// Fields: `name`, `ceremony` and `passkey` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "account/passkey.html")]
pub struct NewPasskey {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The name as typed.
    pub typed: String,
    /// Where to go afterwards; empty: to the account.
    pub next: String,
    /// For the device that is to hold it.
    pub asked: AskDevice,
}

/// `GET /account/passkeys/{passkey}/name`; posts to the same address.
///
/// Fields: `name`.
#[derive(Debug, Clone, Template)]
#[template(path = "account/passkey_name.html")]
pub struct RenamePasskey {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The passkey's id.
    pub id: String,
    /// The name as typed, or as it is.
    pub typed: String,
}

/// `GET /account/passkeys/show`, where the practice lets nobody in without a passkey; posts to the same address.
///
/// Fields: `next`, `ceremony` and `passkey` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "account/passkey_shown.html")]
pub struct ShowPasskey {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The practices that want it.
    pub practices: Vec<String>,
    /// Where to go afterwards.
    pub next: String,
    /// Where a passkey is made, and from there on.
    pub make: String,
    /// What to ask the device; nothing where the person has no passkey.
    pub passkey: Option<AskDevice>,
}

/// Before something that an unlocked screen is not enough for; posts to [`Self::action`].
///
/// Fields: those of `partials/proof.html`.
#[derive(Debug, Clone, Template)]
#[template(path = "account/prove.html")]
pub struct ProveFirst {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// What it is for: "Add a passkey".
    pub title: String,
    /// What will happen, in a sentence.
    pub what_happens: String,
    /// The button.
    pub button: String,
    /// Whether it does what cannot be undone.
    pub danger: bool,
    /// Where the form posts.
    pub action: String,
    /// Where to go in the end; empty: to the account.
    pub next: String,
    /// Whether both factors have to be proved: they were not lately.
    pub prove: bool,
    /// With it, for a passkey instead.
    pub passkey: Option<AskDevice>,
}

/// `GET /account`. Forms: end a session, end all others (`POST /account/sessions/end-others`),
/// switch the practice (`POST /practice`, field `practice`).
#[derive(Debug, Clone, Template)]
#[template(path = "account/overview.html")]
pub struct Account {
    /// Round the page; its practices are listed.
    pub shell: Shell,
    /// The sign-in address.
    pub email: String,
    /// When password, authenticator, passkeys or recovery codes were last changed.
    pub secured: Moment,
    /// Whether there is an authenticator app.
    pub app: bool,
    /// The person's passkeys, oldest first.
    pub passkeys: Vec<Passkey>,
    /// Whether a practice of theirs lets nobody in without a passkey, and none was shown in this session.
    pub passkey_wanted: bool,
    /// Whether passkeys can be had here.
    pub passkeys_here: bool,
    /// Recovery codes left.
    pub codes_left: u32,
    /// Where the person is signed in.
    pub sessions: Vec<Session>,
    /// With it "Sign out everywhere else" is offered.
    pub end_others: Option<Guard>,
}

impl Account {
    /// Whether so few recovery codes are left that new ones are due.
    #[must_use]
    pub fn few_codes(&self) -> bool {
        self.codes_left < 3
    }
}

/// `GET /account/password`; posts to the same address.
///
/// Fields: `current`, `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "account/password.html")]
pub struct ChangePassword {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// For password managers (hidden from people).
    pub email: String,
}

/// `GET /account/totp`; posts to the same address.
///
/// Fields: `current` (the password), `code`, `enrolment` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "account/totp.html")]
pub struct ChangeTotp {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// For the authenticator app.
    pub enrolment: Enrolment,
    /// Whether this replaces an app.
    pub replaces: bool,
}

/// `GET /account/recovery-codes`; posts to the same address, which answers [`CodesShown`].
///
/// Fields: `current` (the password).
#[derive(Debug, Clone, Template)]
#[template(path = "account/codes.html")]
pub struct NewCodes {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Codes that stop working.
    pub left: u32,
}

/// Fresh recovery codes, shown once.
#[derive(Debug, Clone, Template)]
#[template(path = "account/codes_shown.html")]
pub struct CodesShown {
    /// Round the page.
    pub shell: Shell,
    /// The codes, grouped for reading.
    pub codes: Vec<String>,
    /// For the print: whose codes these are.
    pub email: String,
    /// When they were made.
    pub made: Moment,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::door::fixture::{codes, enrolment};
    use crate::views::patient::fixture::moment;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{ask_device, guard, shell};

    fn session(id: &str, device: &str, from: &str, last: &str, current: bool) -> Session {
        Session {
            id: id.into(),
            device: device.into(),
            from: from.into(),
            began: moment("2026-11-22T05:58:00Z"),
            last: moment(last),
            current,
            guard: guard(),
        }
    }

    pub(crate) fn account() -> Account {
        Account {
            shell: shell(Room::Account),
            email: "thandi@harbourstreet.example".into(),
            secured: moment("2026-06-02T09:10:00Z"),
            app: true,
            passkeys: Vec::new(),
            passkey_wanted: false,
            passkeys_here: true,
            codes_left: 2,
            sessions: vec![
                session("s1", "Firefox on Linux", "196.25.1.14", "2026-11-22T12:02:31Z", true),
                session("s2", "Safari on iPhone", "2c0f:f4c0:1000:44::9", "2026-11-22T07:31:00Z", false),
            ],
            end_others: Some(guard()),
        }
    }

    pub(crate) fn with_passkeys() -> Account {
        let passkey = |id: &str, name: &str, used: Option<&str>| Passkey {
            id: id.into(),
            name: name.into(),
            added: moment("2026-10-02T09:10:00Z"),
            used: used.map(moment),
        };
        let passkeys =
            vec![passkey("k1", "My phone", Some("2026-11-22T12:02:31Z")), passkey("k2", "Key on the ring", None)];
        Account { app: false, passkeys, passkey_wanted: true, codes_left: 9, ..account() }
    }

    pub(crate) fn new_passkey() -> NewPasskey {
        NewPasskey {
            shell: shell(Room::Account),
            guard: guard(),
            errors: Errors::none(),
            typed: String::new(),
            next: String::new(),
            asked: AskDevice { makes: true, ..ask_device() },
        }
    }

    pub(crate) fn passkey_refused() -> NewPasskey {
        let mut errors = Errors::none();
        errors.add("name", "Give it a name of at most 60 characters.");
        NewPasskey {
            errors,
            typed: "A name that goes on and on and on and on and on and on and on and on".into(),
            ..new_passkey()
        }
    }

    pub(crate) fn remove_passkey() -> ProveFirst {
        ProveFirst {
            shell: shell(Room::Account),
            guard: guard(),
            errors: Errors::none(),
            title: "Take away “My phone”?".into(),
            what_happens: "Nobody can sign in with it any more, and you are signed out everywhere else.".into(),
            button: "Continue".into(),
            danger: false,
            action: "/account/passkeys/k1/remove".into(),
            next: String::new(),
            prove: true,
            passkey: Some(ask_device()),
        }
    }

    pub(crate) fn rename_passkey() -> RenamePasskey {
        RenamePasskey {
            shell: shell(Room::Account),
            guard: guard(),
            errors: Errors::none(),
            id: "k1".into(),
            typed: "My phone".into(),
        }
    }

    pub(crate) fn show_passkey() -> ShowPasskey {
        ShowPasskey {
            shell: shell(Room::Account),
            guard: guard(),
            errors: Errors::none(),
            practices: vec!["Harbour Street Practice".into()],
            next: "/patients".into(),
            make: "/account/passkeys/new?next=/patients".into(),
            passkey: Some(ask_device()),
        }
    }

    pub(crate) fn make_passkey() -> ShowPasskey {
        ShowPasskey { passkey: None, ..show_passkey() }
    }

    pub(crate) fn password() -> ChangePassword {
        let mut errors = Errors::none();
        errors.add("current", "This is not your current password. Type it again.");
        ChangePassword { shell: shell(Room::Account), guard: guard(), errors, email: account().email }
    }

    pub(crate) fn totp() -> ChangeTotp {
        ChangeTotp {
            shell: shell(Room::Account),
            guard: guard(),
            errors: Errors::none(),
            enrolment: enrolment(),
            replaces: true,
        }
    }

    pub(crate) fn new_codes() -> NewCodes {
        NewCodes { shell: shell(Room::Account), guard: guard(), errors: Errors::none(), left: 2 }
    }

    pub(crate) fn codes_shown() -> CodesShown {
        CodesShown {
            shell: shell(Room::Account),
            codes: codes(),
            email: account().email,
            made: moment("2026-11-22T12:02:31Z"),
        }
    }
}
