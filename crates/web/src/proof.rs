//! That it is really them: both factors, proved in the last minutes. Asked in the very form that needs it, so that
//! nothing that was typed is lost.

use identity::account::password::OwnError;
use identity::password::Password;
use kernel::{IdempotencyKey, Secret};

use crate::AppState;
use crate::errors::PageError;
use crate::refusals;
use crate::text::say;
use crate::views::Errors;
use crate::who::Member;

/// The two fields, as sent: there where the page asked for them.
pub(crate) struct ProofSent<'a> {
    /// The password.
    pub(crate) password: Option<&'a Secret<String>>,
    /// The code of the authenticator.
    pub(crate) code: &'a str,
}

/// Proves both factors once more, unless that was lately. False, and errors of the fields `password` and `code`,
/// where that failed or was not sent.
pub(crate) async fn prove(
    app: &AppState,
    member: &Member,
    sent: &ProofSent<'_>,
    once: IdempotencyKey,
    errors: &mut Errors,
) -> Result<bool, PageError> {
    if app.identity.proved_lately(&member.me) {
        return Ok(true);
    }
    let Some(password) = sent.password.filter(|password| !password.expose().is_empty()) else {
        errors.add("password", say("proof-password-missing"));
        return Ok(false);
    };
    let proved = app.identity.prove_again(&member.me, &Password::typed(password.expose()), sent.code, once).await;
    match proved {
        Ok(()) => return Ok(true),
        Err(OwnError::CurrentPassword) => errors.add("password", say("current-wrong")),
        Err(OwnError::Code(refused)) => errors.add("code", refusals::code(refused)),
        Err(OwnError::Wait(wait)) => return Err(wait.into()),
        Err(OwnError::Store(error)) => return Err(error.into()),
        Err(OwnError::Password(_) | OwnError::NoOffer) => return Err(PageError::INTERNAL),
    }
    Ok(false)
}
