//! The API: what programs see of the house, at `/fhir/r4/{practice}`. It is another door than that of the
//! pages. Who calls is said by `Authorization: Bearer` and by nothing else: no cookie is looked at and none
//! is given, so there is no form to be forged and no token in one. What goes wrong is told as a FHIR
//! `OperationOutcome`.
//!
//! Adding an address: a file under `api/<room>/`, its handler with a [`caller::ApiCaller`] (or, if it
//! takes a body, with [`caller::ApiSent`] last), and one line in that room's `routes`.

pub mod caller;
mod fhir;
pub mod outcome;
pub(crate) mod smart;

use crate::routes::Pages;

/// What every address of the API begins with. No page's does.
pub const ROOT: &str = "/fhir/";

/// Whether a path is the API's, there or not.
#[must_use]
pub fn is_address(path: &str) -> bool {
    path.starts_with(ROOT)
}

pub(crate) fn all(pages: Pages) -> Pages {
    [smart::routes, fhir::routes].into_iter().fold(pages, |pages, room| room(pages))
}
