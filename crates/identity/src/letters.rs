//! The letters of this room: plain words, no name of any patient, one link.

use jiff::Timestamp;
use kernel::Secret;
use store::Letter;

/// To somebody who forgot their password.
pub(crate) fn reset(to: &str, link: &Secret<String>) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Choose a new password".to_owned(),
        text: format!(
            "Somebody asked to choose a new password for this address.\n\n\
             If it was you, open this link within 15 minutes:\n\n{}\n\n\
             The link works once. You will still be asked for a code of your authenticator when you sign in.\n\n\
             If it was not you, do nothing: your password stays as it is.\n",
            link.expose()
        ),
    }
}

/// What has changed of that by which somebody signs in.
pub(crate) enum Changed<'a> {
    /// The password.
    Password,
    /// The authenticator.
    App,
    /// The recovery codes.
    Codes,
    /// There is one passkey more, of this name.
    PasskeyAdded(&'a str),
    /// There is one passkey less, of this name.
    PasskeyRemoved(&'a str),
    /// The second factor was set up anew.
    Reset,
}

/// To somebody whose way in has changed, so that they know it if it was not them.
pub(crate) fn changed(to: &str, base_url: &str, what: &Changed<'_>) -> Letter {
    let (subject, happened) = match what {
        Changed::Password => ("Your password was changed", "The password of your account was changed.".to_owned()),
        Changed::App => {
            ("Your authenticator app was set up", "Another authenticator app was set up for your account.".to_owned())
        }
        Changed::Codes => (
            "You have new recovery codes",
            "New recovery codes were made for your account. The old ones work no more.".to_owned(),
        ),
        Changed::PasskeyAdded(name) => (
            "A passkey was added to your account",
            format!("The passkey \u{201c}{name}\u{201d} was added to your account. With it one can sign in."),
        ),
        Changed::PasskeyRemoved(name) => (
            "A passkey was taken away from your account",
            format!(
                "The passkey \u{201c}{name}\u{201d} was taken away from your account. It signs in nobody any more."
            ),
        ),
        Changed::Reset => (
            "Your second factor was reset",
            "Another app or passkey was set up for your account in the place of all that there were, recovery codes too."
                .to_owned(),
        ),
    };
    Letter {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: format!(
            "{happened}\n\nIf it was you, there is nothing to do.\n\n\
             If it was not you, choose a new password now, which signs everybody out, and look through your account:\n\n\
             {base_url}/reset\n"
        ),
    }
}

/// To somebody whose second factor is to be set up anew.
pub(crate) fn factor_reset(to: &str, practice: &str, link: &Secret<String>) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Set up your second factor anew".to_owned(),
        text: format!(
            "{practice} has started this, because you said that you cannot sign in any more.\n\n\
             Open this link within an hour. It asks for your password, and then you set up an authenticator app or a \
             passkey:\n\n{}\n\n\
             It works until you have done so. If you belong to other practices too, they let you in again when \
             somebody there has agreed.\n\n\
             If you can still sign in as before, do that instead: it ends this, and all stays as it was. If you know \
             nothing of it, tell an owner of {practice}.\n",
            link.expose()
        ),
    }
}

/// To those who answer for a team of which somebody is held.
pub(crate) fn held(to: &str, practice: &str, name: &str, base_url: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: format!("{name} cannot enter {practice} at the moment"),
        text: format!(
            "Another practice of {name} has started that they set up their second factor anew. So that nobody comes \
             into {practice} that way, {name} is not let in there until one of you agrees.\n\n\
             Ask them whether it was them, not by mail, and then agree on the page of the team of {practice}:\n\n\
             {base_url}/team\n"
        ),
    }
}

/// To somebody who is let in again.
pub(crate) fn let_in(to: &str, practice: &str, base_url: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: format!("You can enter {practice} again"),
        text: format!(
            "{practice} has agreed that your second factor was reset. You can go there again:\n\n{base_url}/account\n"
        ),
    }
}

/// To those who answer for a team whose people are let in by something else from now on.
pub(crate) fn sign_in_rule(to: &str, practice: &str, by: &str, passkeys_only: bool) -> Letter {
    let (subject, happens) = if passkeys_only {
        (
            format!("{practice} lets its people in by passkeys only"),
            "From now on nobody comes in by a password and a code. Whoever has no passkey yet is asked to set one up \
             when they next come in.",
        )
    } else {
        (
            format!("{practice} lets its people in without a passkey again"),
            "From now on a password and a code of an authenticator app will do as well as a passkey.",
        )
    };
    Letter {
        to: to.to_owned(),
        subject,
        text: format!(
            "{by} has said so under Team.\n\n{happens}\n\nIf you know nothing of it, talk to {by}, and look at who \
             did what in the practice.\n"
        ),
    }
}

/// To somebody who is invited.
pub(crate) fn invitation(to: &str, practice: &str, link: &Secret<String>, until: Timestamp) -> Letter {
    let day = until.strftime("%-d %B %Y");
    Letter {
        to: to.to_owned(),
        subject: format!("You are invited to {practice}"),
        text: format!(
            "{practice} invites you to its team on Vouchsafe.\n\n\
             Open this link before {day}:\n\n{}\n\n\
             If you have an account, sign in with it and accept; otherwise you choose a password and set up an \
             authenticator app on your phone.\n\n\
             The link is for you alone and works once. If you do not know this practice, do nothing.\n",
            link.expose()
        ),
    }
}
