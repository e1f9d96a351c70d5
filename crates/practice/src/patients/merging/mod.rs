//! Two records of one person become one, and two again.
//!
//! Nothing is moved and nothing sealed anew: the record that was merged away stays as it is, under its own
//! key, and says which one stands for the person now (`patient.merged_into`). What belongs to a patient is
//! read under every record of theirs ([`store::Tx::records_of`]). Only what the surviving record takes over
//! is written into it: of the fields that can be had once the chosen ones, of lists what it did not have.
//! What was there before is kept ([`Kept`]), so that taking it back restores it.

pub mod reads;
mod undoing;
pub mod writes;

use std::collections::BTreeSet;

use kernel::{PatientId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use undoing::Undoing;

use super::model::{Address, ContactPoint, Demographics, Language};

/// Records that may be merged into one.
pub const RECORDS_MAX: usize = 50;

super::model::codes! {
    /// A field that a person has once, so that one of two must be chosen.
    Field {
        Names = "names",
        Birth = "birth",
        Gender = "gender",
        Pronouns = "pronouns",
        Deceased = "deceased",
        Marital = "marital",
    }
}

impl Field {
    /// What a record says in this field.
    #[must_use]
    pub fn of(self, known: &Demographics) -> Value {
        let value = match self {
            Self::Names => serde_json::to_value(&known.names),
            Self::Birth => serde_json::to_value(known.birth),
            Self::Gender => serde_json::to_value(known.gender),
            Self::Pronouns => serde_json::to_value(&known.pronouns),
            Self::Deceased => serde_json::to_value(&known.deceased),
            Self::Marital => serde_json::to_value(&known.marital),
        };
        value.unwrap_or(Value::Null)
    }

    /// Whether a record says nothing in it.
    #[must_use]
    pub fn is_empty(self, known: &Demographics) -> bool {
        matches!(self.of(known), Value::Null) || (self == Self::Names && known.names.is_empty())
    }

    /// Takes the field over from `from`.
    fn take(self, into: &mut Demographics, from: &Demographics) {
        match self {
            Self::Names => into.names.clone_from(&from.names),
            Self::Birth => into.birth = from.birth,
            Self::Gender => into.gender = from.gender,
            Self::Pronouns => into.pronouns.clone_from(&from.pronouns),
            Self::Deceased => into.deceased.clone_from(&from.deceased),
            Self::Marital => into.marital.clone_from(&from.marital),
        }
    }

    /// The fields in which two records do not say the same.
    #[must_use]
    pub fn differing(one: &Demographics, other: &Demographics) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|field| field.of(one) != field.of(other)).collect()
    }
}

/// Which fields are taken from the record that is merged away; the others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chosen(pub BTreeSet<&'static str>);

impl Chosen {
    /// These fields.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = Field>) -> Self {
        Self(fields.into_iter().map(Field::code).collect())
    }

    fn has(&self, field: Field) -> bool {
        self.0.contains(field.code())
    }
}

/// What a field said, and what it says now.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Which.
    pub field: Field,
    /// Before, as the record that stands had it.
    pub before: Demographics,
}

/// What a list got that it did not have.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Added {
    /// Telephones, e-mail and the like.
    pub contacts: Vec<ContactPoint>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Languages.
    pub languages: Vec<Language>,
    /// The people around the patient, as FHIR has them.
    pub people: Vec<Value>,
}

/// Who might open the record that stands, before and after.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// Nobody named and this false: whoever may read records.
    pub before: bool,
    /// Who was named.
    pub named_before: BTreeSet<PersonId>,
    /// Who is named since.
    pub named_after: BTreeSet<PersonId>,
}

/// What a merge did to the record that stands, for taking it back.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The fields that were taken from the other record.
    pub taken: Vec<Taken>,
    /// What the taken fields have said since, one record that holds them all.
    pub after: Demographics,
    /// What lists got.
    pub added: Added,
    /// Nothing where the merge did not change who may open the record.
    pub restricted: Option<Restricted>,
    /// Records that had been merged into the other one before, and came along.
    pub along: Vec<PatientId>,
}

super::model::personal!(Taken, Added, Kept);

/// What a list has of `more` that it did not have.
fn fresh<T: Clone + PartialEq>(list: &[T], more: &[T]) -> Vec<T> {
    let mut fresh: Vec<T> = Vec::new();
    for item in more {
        if !list.contains(item) && !fresh.contains(item) {
            fresh.push(item.clone());
        }
    }
    fresh
}

/// The people around a patient, as FHIR `Patient.contact` has them.
fn people(known: &Demographics) -> Vec<Value> {
    known.rest.get("contact").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn set_people(known: &mut Demographics, people: Vec<Value>) {
    if !known.rest.is_object() {
        known.rest = Value::Object(serde_json::Map::new());
    }
    if let Some(rest) = known.rest.as_object_mut() {
        if people.is_empty() {
            rest.shift_remove("contact");
        } else {
            rest.insert("contact".to_owned(), Value::Array(people));
        }
    }
}

/// What the record that stands says from now on, and what is kept for taking it back.
#[must_use]
pub fn united(into: &Demographics, from: &Demographics, chosen: &Chosen) -> (Demographics, Kept) {
    let mut known = into.clone();
    let mut kept = Kept::default();
    for field in Field::differing(into, from).into_iter().filter(|field| chosen.has(*field)) {
        let mut before = Demographics::default();
        field.take(&mut before, into);
        field.take(&mut known, from);
        field.take(&mut kept.after, from);
        kept.taken.push(Taken { field, before });
    }
    kept.added = Added {
        contacts: fresh(&into.contacts, &from.contacts),
        addresses: fresh(&into.addresses, &from.addresses),
        languages: fresh(&into.languages, &from.languages),
        people: fresh(&people(into), &people(from)),
    };
    known.contacts.extend(kept.added.contacts.iter().cloned());
    known.addresses.extend(kept.added.addresses.iter().cloned());
    known.languages.extend(kept.added.languages.iter().cloned());
    if !kept.added.people.is_empty() {
        let mut all = people(into);
        all.extend(kept.added.people.iter().cloned());
        set_people(&mut known, all);
    }
    (known, kept)
}

/// Who may open the record that stands, once a record with these people named is merged into it: those who
/// are named in both, where both name some. `None` where nothing changes.
#[must_use]
pub fn narrowed(into: (bool, &BTreeSet<PersonId>), from: (bool, &BTreeSet<PersonId>)) -> Option<BTreeSet<PersonId>> {
    let after = match (into.0, from.0) {
        (_, false) => return None,
        (false, true) => from.1.clone(),
        (true, true) => into.1.intersection(from.1).copied().collect(),
    };
    (!into.0 || after != *into.1).then_some(after)
}
