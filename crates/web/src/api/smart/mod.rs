//! How a program with keys of its own gets in: SMART Backend Services
//! (<https://hl7.org/fhir/smart-app-launch/backend-services.html>).

mod configuration;
mod token;

use crate::routes::Pages;

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .api_public("/fhir/r4/{practice}/.well-known/smart-configuration", configuration::show)
        .api_proof("/fhir/r4/{practice}/auth/token", token::give)
}

/// Where a pass is given, below the base of a practice's API.
pub(crate) const TOKEN: &str = "/auth/token";
