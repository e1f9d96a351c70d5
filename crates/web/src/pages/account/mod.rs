//! One's own account: open to everybody signed in, in whichever practice or none.

mod codes;
mod overview;
mod passkey_shown;
mod passkeys;
mod password;
mod sessions;
mod totp;

use identity::account::password::OwnError;

use crate::errors::PageError;
use crate::proof::not_taken;
use crate::refusals;
use crate::routes::{Allow, Pages};
use crate::text::say;
use crate::views::Errors;

/// Where a passkey is shown to a practice that lets nobody in without one.
pub(crate) const SHOW_PASSKEY: &str = "/account/passkeys/show";

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/account", Allow::SignedIn, overview::show_account)
        .read("/account/password", Allow::SignedIn, password::form)
        .change("/account/password", Allow::SignedIn, password::send)
        .read("/account/totp", Allow::SignedIn, totp::form)
        .change("/account/totp", Allow::SignedIn, totp::send)
        .read("/account/passkeys/new", Allow::SignedIn, passkeys::form)
        .change("/account/passkeys/new", Allow::SignedIn, passkeys::send)
        .read(SHOW_PASSKEY, Allow::SignedIn, passkey_shown::form)
        .change(SHOW_PASSKEY, Allow::SignedIn, passkey_shown::send)
        .read("/account/passkeys/{passkey}/name", Allow::SignedIn, passkeys::rename_form)
        .change("/account/passkeys/{passkey}/name", Allow::SignedIn, passkeys::rename)
        .change("/account/passkeys/prove", Allow::SignedIn, passkeys::prove_first)
        .read("/account/passkeys/{passkey}/remove", Allow::SignedIn, passkeys::ask_remove)
        .change("/account/passkeys/{passkey}/remove", Allow::SignedIn, passkeys::remove)
        .read("/account/recovery-codes", Allow::SignedIn, codes::form)
        .change("/account/recovery-codes", Allow::SignedIn, codes::send)
        .change("/account/sessions/{session}/end", Allow::SignedIn, sessions::end)
        .change("/account/sessions/end-others", Allow::SignedIn, sessions::end_others)
}

/// What a form says, beside which field.
fn said(error: OwnError) -> Result<Errors, PageError> {
    let (field, words) = match error {
        OwnError::CurrentPassword => ("current", say("current-wrong")),
        OwnError::Password(refused) => ("password", refusals::new_password(refused)?),
        OwnError::Code(refused) => ("code", refusals::code(refused)),
        OwnError::Passkey(refused) => ("", not_taken(refused)),
        OwnError::NoOffer => ("code", say("totp-too-late")),
        OwnError::Wait(wait) => return Err(wait.into()),
        OwnError::Store(error) => return Err(error.into()),
    };
    let mut errors = Errors::none();
    errors.add(field, words);
    Ok(errors)
}
