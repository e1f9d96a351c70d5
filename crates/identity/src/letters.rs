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
