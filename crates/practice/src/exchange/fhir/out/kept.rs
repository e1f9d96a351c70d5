//! Practitioner, Organization, Location and others that belong to no patient: as they came.

use serde_json::Value;

use super::links::{Links, rewrite_all};
use super::{Stamp, head};

/// A resource that was kept whole, under our id. `None` if what is stored is not a JSON object.
#[must_use]
pub fn kept(resource_type: &str, id: &str, source: &str, stamp: Stamp, links: &Links) -> Option<Value> {
    let Ok(Value::Object(source)) = serde_json::from_str(source) else { return None };
    let mut fhir = head(resource_type, id, stamp, source.get("meta"));
    let kept = source.into_iter().filter(|(name, _)| !matches!(name.as_str(), "resourceType" | "id" | "meta"));
    fhir.extend(kept);
    rewrite_all(&mut fhir, links);
    Some(fhir.into())
}
