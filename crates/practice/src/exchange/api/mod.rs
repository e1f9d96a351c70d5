//! The FHIR API, without HTTP: what can be asked for, understood; answered through the doors.
//!
//! `kinds` is the one table of what is there: the capability statement is printed from it and requests
//! are understood by it, so that what is said and what is done cannot differ. `question` reads search
//! parameters, `matching` decides inside the transaction whether an open row is meant, `cursor` says
//! where the next page begins, `page` what one holds. `reads` and `writes`, and those of `searches`,
//! `everything` and `history`, ask, read, record and open, as everywhere.

pub mod bulk;
pub mod cursor;
pub mod entries;
pub mod everything;
pub mod history;
pub mod kinds;
mod leads;
mod matching;
mod numbers;
pub mod page;
pub mod question;
pub mod reads;
pub mod searches;
pub mod writes;

use store::StoreError;

pub(in crate::exchange) use leads::{Leads, Sources};
pub(in crate::exchange) use reads::traced;

/// Why a request could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked makes no sense here. The words are ours, without a value.
    #[error("{0}")]
    Invalid(String),
    /// What was sent is a resource that is not taken: where, and why.
    #[error("{0}")]
    Unprocessable(crate::exchange::fhir::Reject),
    /// The version that was seen is no longer the one that stands.
    #[error("changed since it was read")]
    Stale,
    /// Several resources are what a conditional request means.
    #[error("more than one resource is meant")]
    Several,
    /// Too many identifiers were looked up.
    #[error("too many identifiers were looked up")]
    TooMany {
        /// When it is free again, in seconds.
        wait_seconds: i64,
    },
}

impl From<crate::exchange::fhir::Reject> for ApiError {
    fn from(reject: crate::exchange::fhir::Reject) -> Self {
        Self::Unprocessable(reject)
    }
}
