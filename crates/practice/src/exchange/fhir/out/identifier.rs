//! Identifiers, in full or masked.

use kernel::IdentifierId;
use serde_json::{Map, Value, json};

use super::{absent, put};
use crate::patients::identifiers::{Identifier, IdentifierKind};

/// Gives a value as it may be shown instead of the value (FHIR R4, 2.24.0.11.1).
const RENDERED: &str = "http://hl7.org/fhir/StructureDefinition/rendered-value";
const TABLE_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// A number of a patient, as the one who asks may see it. A masked one does not hold the number: it cannot
/// slip out.
#[derive(Clone, PartialEq)]
pub enum ShownIdentifier {
    /// In full.
    Whole(IdentifierId, Box<Identifier>),
    /// Its masked form.
    Masked(IdentifierId, IdentifierKind, String),
    /// It does not open any more.
    Damaged(IdentifierId, IdentifierKind),
}

crate::patients::model::personal!(ShownIdentifier);

impl ShownIdentifier {
    /// The number's id: the element id, by which a changed patient names an identifier without telling it.
    #[must_use]
    pub const fn id(&self) -> IdentifierId {
        match self {
            Self::Whole(id, _) | Self::Masked(id, ..) | Self::Damaged(id, _) => *id,
        }
    }

    /// Whether the number is hidden.
    #[must_use]
    pub const fn is_masked(&self) -> bool {
        matches!(self, Self::Masked(..))
    }

    pub(super) fn fhir(&self) -> Value {
        match self {
            Self::Whole(id, identifier) => whole(*id, identifier),
            Self::Masked(id, kind, masked) => {
                hidden(*id, *kind, &[absent("masked"), json!({ "url": RENDERED, "valueString": masked })])
            }
            Self::Damaged(id, kind) => hidden(*id, *kind, &[absent("error")]),
        }
    }
}

fn whole(id: IdentifierId, identifier: &Identifier) -> Value {
    let Identifier { kind, system, value, extra, .. } = identifier;
    let mut fhir = extra.clone();
    fhir.insert("id".to_owned(), id.to_string().into());
    put(&mut fhir, "system", system.as_deref().into());
    put(&mut fhir, "value", value.as_str().into());
    if !fhir.contains_key("type") && system.is_none() {
        put(&mut fhir, "type", kind_type(*kind));
    }
    fhir.into()
}

/// No value: why, and how it is shown.
fn hidden(id: IdentifierId, kind: IdentifierKind, instead: &[Value]) -> Value {
    let mut fhir = Map::new();
    fhir.insert("id".to_owned(), id.to_string().into());
    put(&mut fhir, "type", kind_type(kind));
    put(&mut fhir, "system", kind.system().into());
    fhir.insert("_value".to_owned(), json!({ "extension": instead }));
    fhir.into()
}

fn kind_type(kind: IdentifierKind) -> Value {
    let mut concept = Map::new();
    if let Some(code) = kind.type_code() {
        concept.insert("coding".to_owned(), json!([{ "system": TABLE_0203, "code": code }]));
    }
    concept.insert("text".to_owned(), kind.label().into());
    concept.into()
}
