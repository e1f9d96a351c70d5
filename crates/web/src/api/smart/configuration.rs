//! What there is to know before a program proves itself.

use axum::Json;
use serde_json::{Value, json};
use store::FhirType;

use super::TOKEN;
use crate::api::caller::Base;

/// `GET /fhir/r4/{practice}/.well-known/smart-configuration`
///
/// Made from the address alone: it says the same whether or not there is such a practice.
pub(super) async fn show(base: Base) -> Json<Value> {
    let kinds = FhirType::ALL.into_iter().filter_map(FhirType::code).map(|kind| format!("system/{kind}.rs"));
    let own = ["system/*.rs", "system/Patient.cu", "vouchsafe/identifier.reveal", "vouchsafe/identifier.lookup"];
    let scopes: Vec<String> = own.into_iter().map(str::to_owned).chain(kinds).collect();
    Json(json!({
        "token_endpoint": format!("{}{TOKEN}", base.url),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": scopes,
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }))
}
