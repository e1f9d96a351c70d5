//! What the porch refuses, in words for the form.

use identity::password::NewPasswordError;
use identity::password_rules::{LENGTH_MAX, LENGTH_MIN, PasswordRefused};
use identity::totp::CodeRefused;

use crate::errors::PageError;
use crate::text::{say, say_with};

/// Why a password may not be chosen, and what to do.
#[must_use]
pub fn password(refused: &PasswordRefused) -> String {
    match refused {
        PasswordRefused::TooShort { length } => {
            say_with("password-too-short", &[("least", &LENGTH_MIN), ("length", length)])
        }
        PasswordRefused::TooLong { length } => {
            say_with("password-too-long", &[("most", &LENGTH_MAX), ("length", length)])
        }
        PasswordRefused::ContextWord { .. } => say_with("password-context", &[("least", &LENGTH_MIN)]),
        PasswordRefused::Common => say("password-common"),
        PasswordRefused::Pattern => say("password-pattern"),
    }
}

/// The same, or the fault of the house that it is.
pub fn new_password(error: NewPasswordError) -> Result<String, PageError> {
    match error {
        NewPasswordError::Refused(refused) => Ok(password(&refused)),
        NewPasswordError::Hash(error) => Err(error.into()),
    }
}

/// Why a code was not taken.
#[must_use]
pub fn code(refused: CodeRefused) -> String {
    say(match refused {
        CodeRefused::Wrong => "code-wrong",
        CodeRefused::Used => "code-used",
    })
}
