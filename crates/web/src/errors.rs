//! Why a handler could not give its page. The page that is shown instead is made in one place
//! ([`crate::passage`]), which knows whose request it was.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Wait;
use identity::password::HashError;
use kernel::{ErrorKind, PatientId};
use store::StoreError;

use crate::views::fault::Fault;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// Nobody is signed in, or no longer: a page leads to the sign-in and back, a form is told so.
    SignedOut,
    /// The way in took too long, or was gone already in this browser: it begins again.
    BeginAgain,
    /// Signed in, and in no practice: to one's own account, where the practices are.
    NoPractice,
    /// The practice lets nobody in without a passkey: a page leads to where one is shown and back, a form is told so.
    PasskeyWanted,
    /// The record was merged into this one: a page leads there, and so does a form that says nothing of how
    /// the record stood.
    Merged(PatientId),
    /// Something else went wrong.
    Fault(Fault),
}

impl PageError {
    /// Nothing is here, or nothing that this practice may know of.
    pub const MISSING: Self = Self::Fault(Fault::NotFound);
    /// A fault of the program.
    pub const INTERNAL: Self = Self::Fault(Fault::Internal);
    /// The request made no sense.
    pub const BAD_REQUEST: Self = Self::Fault(Fault::BadRequest);

    /// The answer for a kind of failure. Counts of seconds are the house's usual ones.
    #[must_use]
    pub const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Invalid => Self::BAD_REQUEST,
            ErrorKind::SignedOut => Self::SignedOut,
            ErrorKind::Forbidden => Self::Fault(Fault::Forbidden),
            ErrorKind::Missing => Self::MISSING,
            ErrorKind::Conflict => Self::Fault(Fault::Conflict),
            ErrorKind::TooLarge => Self::Fault(Fault::TooLarge),
            ErrorKind::Busy => Self::Fault(Fault::Unavailable(crate::limits::RETRY_SECONDS)),
            ErrorKind::Damaged | ErrorKind::Internal => Self::INTERNAL,
        }
    }

    /// The fault that belongs to a status which no handler of ours gave.
    #[must_use]
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::MISSING,
            StatusCode::METHOD_NOT_ALLOWED => Self::Fault(Fault::WrongWay),
            StatusCode::PAYLOAD_TOO_LARGE => Self::Fault(Fault::TooLarge),
            _ if status.is_server_error() => Self::INTERNAL,
            _ => Self::BAD_REQUEST,
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::BeginAgain => StatusCode::SEE_OTHER,
            other => StatusCode::from_u16(other.fault().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What the page says.
    pub(crate) const fn fault(self) -> Fault {
        match self {
            Self::SignedOut | Self::BeginAgain | Self::NoPractice => Fault::Forbidden,
            Self::PasskeyWanted => Fault::PasskeyWanted,
            Self::Merged(_) => Fault::Merged,
            Self::Fault(fault) => fault,
        }
    }

    /// Seconds after which it is worth trying again.
    pub(crate) const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Fault(Fault::TooMany(seconds) | Fault::Unavailable(seconds)) => Some(seconds),
            _ => None,
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        match kind {
            // Errors of the doors carry ids and kinds, never a value.
            ErrorKind::Damaged | ErrorKind::Internal => tracing::error!(%error, "the store failed"),
            ErrorKind::Busy => tracing::warn!(%error, "the store is not ready"),
            _ => {}
        }
        match error {
            StoreError::Damaged(damaged) => Self::Fault(Fault::Damaged(damaged.id)),
            StoreError::Merged { into } => Self::Merged(into),
            StoreError::PasskeyWanted => Self::PasskeyWanted,
            _ => Self::of(kind),
        }
    }
}

impl From<Wait> for PageError {
    fn from(wait: Wait) -> Self {
        Self::Fault(Fault::TooMany(u32::try_from(wait.seconds).unwrap_or(u32::MAX)))
    }
}

impl From<HashError> for PageError {
    fn from(error: HashError) -> Self {
        tracing::error!(%error, "a password could not be hashed");
        Self::of(error.kind())
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a template failed");
        Self::INTERNAL
    }
}

/// Bare: the passage puts the page in.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What a handler gives.
pub type Answer = Result<Response, PageError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_practices_id_and_no_id_are_the_same_answer() {
        assert_eq!(PageError::from(StoreError::Missing), PageError::MISSING);
        assert_eq!(PageError::MISSING.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn what_is_over_for_now_says_when_to_come_back() {
        let busy = PageError::of(ErrorKind::Busy);
        assert_eq!((busy.status(), busy.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(5)));
        assert_eq!(PageError::Fault(Fault::TooMany(30)).retry_after(), Some(30));
    }
}
