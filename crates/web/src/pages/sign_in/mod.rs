//! Signing in: the password, then the second factor (or setting one up), then the house.

mod passkey;
mod password;
mod recovery;
mod second;
mod set_up;
mod sign_out;

use identity::second::{CODES_FEW, Entered};
use identity::sign_in::SignInError;
use serde::Deserialize;

pub(crate) use password::ended;

use crate::call::Call;
use crate::cookies::Cookie;
use crate::errors::{Answer, PageError};
use crate::extract::{go, go_to};
use crate::origin::LocalPath;
use crate::proof::not_taken;
use crate::refusals;
use crate::routes::{Allow, Pages};
use crate::text::say;

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/sign-in", Allow::Public, password::form)
        .change("/sign-in", Allow::Public, password::send)
        .change("/sign-in/passkey", Allow::Public, passkey::alone)
        .change("/sign-in/second/passkey", Allow::Public, passkey::second)
        .change("/sign-in/set-up/passkey", Allow::Public, passkey::set_up)
        .read("/sign-in/second", Allow::Public, second::form)
        .change("/sign-in/second", Allow::Public, second::send)
        .read("/sign-in/recovery", Allow::Public, recovery::form)
        .change("/sign-in/recovery", Allow::Public, recovery::send)
        .change("/sign-in/set-up", Allow::Public, set_up::send)
        .change("/sign-out", Allow::SignedIn, sign_out::send)
}

/// Where to go after the last step; carried through all of them.
#[derive(Debug, Default, Deserialize)]
struct Onward {
    #[serde(default)]
    next: String,
}

impl Onward {
    fn path(&self) -> LocalPath {
        LocalPath::or_home(&self.next)
    }
}

/// The cookie of a browser that has proved the password; without one the way begins again.
fn half(call: &Call) -> Result<String, PageError> {
    call.half().map(|token| token.text().expose().clone()).ok_or(PageError::BeginAgain)
}

/// Lets the browser in: its session's cookie in the place of the half sign-in's.
fn let_in(call: &Call, entered: &Entered) {
    call.keep(Cookie::Session, &entered.token);
    call.forget(Cookie::HalfSignIn);
}

/// Lets it in and goes on; on the first page it is said when recovery codes run out.
fn into_the_house(call: &Call, entered: &Entered, next: &LocalPath) -> Answer {
    let_in(call, entered);
    if next.as_str() == "/" && entered.codes_left <= CODES_FEW {
        return go_to(&format!("/?codes={}", entered.codes_left));
    }
    go(next)
}

/// What the form of a step says, or where its failure leads instead.
fn said(error: SignInError) -> Result<String, PageError> {
    match error {
        SignInError::Refused => Ok(say("sign-in-refused")),
        SignInError::Code(refused) => Ok(refusals::code(refused)),
        SignInError::NotARecoveryCode(_) => Ok(say("recovery-not-a-code")),
        SignInError::RecoveryCode => Ok(say("recovery-wrong")),
        SignInError::Passkey(refused) => Ok(not_taken(refused)),
        SignInError::Wait(wait) => Err(wait.into()),
        SignInError::Expired => Err(PageError::BeginAgain),
        SignInError::Hash(error) => Err(error.into()),
        SignInError::Store(error) => Err(error.into()),
    }
}

/// The next step, carrying along where to go in the end.
fn step(path: &str, next: &LocalPath) -> Answer {
    go_to(&next.after(path))
}
