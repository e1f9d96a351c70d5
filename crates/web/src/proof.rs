//! That it is really them: both factors, or a passkey, which is both, proved in the last minutes. Asked in the very form that needs it, so that
//! nothing that was typed is lost.

use identity::account::password::OwnError;
use identity::passkeys::{FromDevice, NoPasskey};
use identity::password::Password;
use kernel::{IdempotencyKey, Secret};
use serde::Deserialize;

use crate::AppState;
use crate::errors::PageError;
use crate::refusals;
use crate::text::say;
use crate::views::Errors;
use crate::views::form::AskDevice;
use crate::who::Person;

/// The fields of a proof, as sent: there where the page asked for them. Part of the form that needs it.
#[derive(Deserialize, Default)]
pub(crate) struct ProofSent {
    /// The password.
    password: Option<Secret<String>>,
    /// The code of the authenticator.
    #[serde(default)]
    code: String,
    #[serde(flatten)]
    device: DeviceSaid,
}

/// What a device answered, if one was asked.
#[derive(Deserialize, Default)]
pub(crate) struct DeviceSaid {
    #[serde(default)]
    ceremony: String,
    #[serde(default)]
    passkey: String,
}

impl DeviceSaid {
    /// The answer with its question; none if the form was sent without one.
    pub(crate) fn given(&self) -> Option<FromDevice<'_>> {
        let given = FromDevice { ceremony: &self.ceremony, credential: &self.passkey };
        (!self.passkey.is_empty()).then_some(given)
    }
}

/// What to ask the person's device on a page with a proof; nothing where none is asked for or none can be.
pub(crate) async fn ask_device(app: &AppState, person: &Person) -> Result<Option<AskDevice>, PageError> {
    if app.identity.proved_lately(&person.me) {
        return Ok(None);
    }
    Ok(app.identity.ask_me(&person.me).await?.map(AskDevice::to_show))
}

/// What is said of a device's answer that is not taken.
pub(crate) fn not_taken(refused: NoPasskey) -> String {
    match refused {
        NoPasskey::Expired => say("passkey-expired"),
        NoPasskey::Refused => say("passkey-refused"),
    }
}

/// Proves both factors once more, unless that was lately. False, and errors of the fields `password` and `code`,
/// where that failed or was not sent.
pub(crate) async fn prove(
    app: &AppState,
    person: &Person,
    sent: &ProofSent,
    once: IdempotencyKey,
    errors: &mut Errors,
) -> Result<bool, PageError> {
    if app.identity.proved_lately(&person.me) {
        return Ok(true);
    }
    let typed = sent.password.as_ref().filter(|password| !password.expose().is_empty());
    let proved = match (sent.device.given(), typed) {
        (Some(given), _) => app.identity.prove_by_passkey(&person.me, given, once).await,
        (None, Some(typed)) => {
            app.identity.prove_again(&person.me, &Password::typed(typed.expose()), &sent.code, once).await
        }
        (None, None) => {
            errors.add("password", say("proof-password-missing"));
            return Ok(false);
        }
    };
    match proved {
        Ok(()) => return Ok(true),
        Err(OwnError::Passkey(refused)) => errors.add("", not_taken(refused)),
        Err(OwnError::CurrentPassword) => errors.add("password", say("current-wrong")),
        Err(OwnError::Code(refused)) => errors.add("code", refusals::code(refused)),
        Err(OwnError::Wait(wait)) => return Err(wait.into()),
        Err(OwnError::Store(error)) => return Err(error.into()),
        Err(OwnError::Password(_) | OwnError::NoOffer) => return Err(PageError::INTERNAL),
    }
    Ok(false)
}
