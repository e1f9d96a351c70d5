//! Whether a patient that comes in is one that the practice knows. Getting this wrong puts one
//! person's record into another's, so whatever is doubtful is rejected with its reason, for
//! somebody to decide.

use super::{PatientImport, Reject};
use crate::patients::identifiers::Identifier;
use crate::patients::model::BirthDate;

/// Something by which a patient may be known already. Looked up as a blind token of its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKey {
    /// The same resource of the same source was imported before.
    Source {
        /// Which source: a name that the importing person gives it, or its address.
        source: String,
        /// The resource's id there.
        id: String,
    },
    /// An identifier that belongs to one person
    /// ([`Identifier::identity_text`]).
    Identity(String),
}

crate::patients::model::personal!(MatchKey);

impl MatchKey {
    /// The text to make a token of. Two kinds of key never give the same text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Source { source, id } => format!("source|{}|{source}|{id}", source.len()),
            Self::Identity(text) => format!("identity|{text}"),
        }
    }
}

/// The keys to look an incoming patient up by: its source first, then its identifiers.
#[must_use]
pub fn match_keys(patient: &PatientImport, source: &str) -> Vec<MatchKey> {
    let mut keys = vec![MatchKey::Source { source: source.to_owned(), id: patient.id.clone() }];
    for text in patient.identifiers.iter().filter_map(Identifier::identity_text) {
        let key = MatchKey::Identity(text);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// What to do with an incoming patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<P> {
    /// Nobody the practice knows.
    Add,
    /// Imported before from the same source: compare, and take what changed.
    Same(P),
    /// Known under an identifier. Compare birth dates ([`birth_dates_disagree`]) before believing it.
    Known(P),
}

/// Decides from what the keys found: the patient known by source and id, and those known by the
/// identifiers.
///
/// # Errors
/// The keys point to different patients.
pub fn decide<P: Copy + PartialEq>(by_source: Option<P>, by_identity: &[P]) -> Result<Decision<P>, Reject> {
    let reject = |field: &str, reason: &'static str| Err(Reject { field: field.to_owned(), reason: reason.into() });
    match (by_source, by_identity.split_first()) {
        (None, None) => Ok(Decision::Add),
        (Some(patient), _) if by_identity.iter().all(|found| *found == patient) => Ok(Decision::Same(patient)),
        (Some(_), _) => reject("Patient.id", "is known as one patient, and an identifier belongs to another"),
        (None, Some((patient, others))) if others.iter().all(|found| found == patient) => Ok(Decision::Known(*patient)),
        (None, Some(_)) => reject("Patient.identifier", "has identifiers that belong to different known patients"),
    }
}

/// The reason not to believe that two are one: birth dates that cannot be the same day.
///
/// # Errors
/// They cannot.
pub fn birth_dates_disagree(incoming: Option<BirthDate>, known: Option<BirthDate>) -> Result<(), Reject> {
    match (incoming, known) {
        (Some(incoming), Some(known)) if !incoming.agrees_with(known) => Err(Reject {
            field: "Patient.birthDate".to_owned(),
            reason: "differs from that of the known patient who has the same identifier".into(),
        }),
        _ => Ok(()),
    }
}
