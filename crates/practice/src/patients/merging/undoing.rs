//! What taking a merge back does: everything goes back that nobody has changed since.

use super::{Field, Kept, people, set_people};
use crate::patients::model::Demographics;

/// What goes back, and what stays because somebody changed it since.
#[derive(Clone, Default, PartialEq)]
pub struct Undoing {
    /// What the record that stands says from then on.
    pub known: Demographics,
    /// Fields that go back to what they said.
    pub back: Vec<Field>,
    /// Fields that stay as they are.
    pub stays: Vec<Field>,
    /// How many items of lists go.
    pub items_back: usize,
    /// How many are no longer as they were taken over, and stay or are gone already.
    pub items_stay: usize,
}

crate::patients::model::personal!(Undoing);

impl Undoing {
    /// Of a merge, by what the record says now.
    #[must_use]
    pub fn of(kept: &Kept, now: &Demographics) -> Self {
        let mut undoing = Self { known: now.clone(), ..Self::default() };
        for taken in &kept.taken {
            if taken.field.of(now) == taken.field.of(&kept.after) {
                taken.field.take(&mut undoing.known, &taken.before);
                undoing.back.push(taken.field);
            } else {
                undoing.stays.push(taken.field);
            }
        }
        let Self { known, items_back, items_stay, .. } = &mut undoing;
        let mut count = |(back, stay): (usize, usize)| {
            *items_back += back;
            *items_stay += stay;
        };
        count(without(&mut known.contacts, &kept.added.contacts));
        count(without(&mut known.addresses, &kept.added.addresses));
        count(without(&mut known.languages, &kept.added.languages));
        if !kept.added.people.is_empty() {
            let mut around = people(known);
            count(without(&mut around, &kept.added.people));
            set_people(known, around);
        }
        undoing
    }
}

/// Takes what was added away again; how many went, and how many were no longer there as they were.
fn without<T: PartialEq>(list: &mut Vec<T>, added: &[T]) -> (usize, usize) {
    let mut went = 0;
    for item in added {
        if let Some(place) = list.iter().rposition(|known| known == item) {
            list.remove(place);
            went += 1;
        }
    }
    (went, added.len() - went)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::PersonId;
    use serde_json::json;

    use crate::patients::merging::{Chosen, Field, Undoing, narrowed, united};
    use crate::patients::model::{BirthDate, ContactPoint, ContactSystem, Demographics, Gender, HumanName};

    fn phone(number: &str) -> ContactPoint {
        ContactPoint { system: Some(ContactSystem::Phone), value: Some(number.to_owned()), ..ContactPoint::default() }
    }

    fn person(family: &str, birth: &str, phones: &[&str]) -> Demographics {
        Demographics {
            names: vec![HumanName { family: Some(family.to_owned()), ..HumanName::default() }],
            birth: BirthDate::parse(birth).ok(),
            contacts: phones.iter().map(|number| phone(number)).collect(),
            ..Demographics::default()
        }
    }

    #[test]
    fn what_is_chosen_is_taken_and_lists_are_united_without_doubles() {
        let into = person("Nkosi", "1984-03-07", &["082 1", "082 2"]);
        let from = Demographics {
            gender: Some(Gender::Female),
            rest: json!({ "contact": [{ "name": { "text": "Nomsa" } }], "photo": [] }),
            ..person("Khumalo", "1984-03-08", &["082 2", "082 3"])
        };
        let (known, kept) = united(&into, &from, &Chosen::of([Field::Birth]));
        assert!(known.birth == from.birth && known.names == into.names && known.gender.is_none());
        let numbers: Vec<&str> = known.contacts.iter().filter_map(|point| point.value.as_deref()).collect();
        assert_eq!(numbers, ["082 1", "082 2", "082 3"]);
        assert_eq!(known.rest, json!({ "contact": [{ "name": { "text": "Nomsa" } }] }));
        let back = Undoing::of(&kept, &known);
        assert!(back.known.birth == into.birth && back.known.contacts == into.contacts);
        assert_eq!((back.back.as_slice(), back.stays.as_slice()), ([Field::Birth].as_slice(), [].as_slice()));
        assert!(back.known.people().is_empty());
    }

    #[test]
    fn what_was_changed_since_stays() {
        let into = person("Nkosi", "1984-03-07", &[]);
        let from = person("Khumalo", "1984-03-08", &["082 3"]);
        let (mut known, kept) = united(&into, &from, &Chosen::of([Field::Birth, Field::Names]));
        known.birth = BirthDate::parse("1990-01-01").ok();
        known.contacts = vec![phone("082 4")];
        let back = Undoing::of(&kept, &known);
        assert_eq!(
            (back.back.as_slice(), back.stays.as_slice()),
            ([Field::Names].as_slice(), [Field::Birth].as_slice())
        );
        assert_eq!((back.items_back, back.items_stay), (0, 1));
        assert!(back.known.birth == known.birth && back.known.contacts == known.contacts);
    }

    #[test]
    fn the_narrower_circle_of_people_stands() {
        let person = |number: u128| PersonId::from_uuid(uuid::Uuid::from_u128(number));
        let people =
            |numbers: &[u128]| -> BTreeSet<PersonId> { numbers.iter().map(|number| person(*number)).collect() };
        let (none, some, others) = (people(&[]), people(&[1, 2]), people(&[2, 3]));
        assert_eq!(narrowed((false, &none), (false, &none)), None);
        assert_eq!(narrowed((true, &some), (false, &none)), None);
        assert_eq!(narrowed((false, &none), (true, &some)), Some(some.clone()));
        assert_eq!(narrowed((true, &some), (true, &others)), Some(people(&[2])));
        assert_eq!(narrowed((true, &some), (true, &some)), None);
    }
}
