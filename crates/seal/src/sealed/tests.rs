use kernel::{PracticeId, SystemEntropy};
use uuid::Uuid;

use super::*;

fn entropy() -> Entropy {
    Entropy::from(SystemEntropy)
}

fn key() -> DataKey {
    DataKey::generate(DataKeyId::from_uuid(Uuid::from_u128(9)), &entropy())
}

fn place() -> Place {
    Place { practice: PracticeId::HOUSE, table: "patient", column: "name", row: Uuid::from_u128(2), seal_version: 1 }
}

#[test]
fn a_value_comes_back_from_what_was_stored() {
    let key = key();
    let names = vec!["Zoë".to_owned(), "王芳".to_owned()];
    let sealed = Sealed::seal(&names, place(), &key, &entropy()).unwrap();
    let stored = Sealed::<Vec<String>>::from_stored(*sealed.place(), sealed.envelope().to_vec());
    assert_eq!(stored.key_id(), Ok(key.id()));
    assert_eq!(stored.clone().open(&key).unwrap(), names);
}

#[test]
fn a_value_of_another_type_is_malformed_and_not_repeated() {
    let key = key();
    let sealed = Sealed::seal(&"Ng".to_owned(), place(), &key, &entropy()).unwrap();
    let number = Sealed::<u32>::from_stored(place(), sealed.envelope().to_vec());
    let error = number.open(&key).unwrap_err();
    assert_eq!(error, SealError::Malformed);
    assert!(!format!("{error} {error:?}").contains("Ng"));
}

#[test]
fn debug_shows_the_column_only() {
    let sealed = Sealed::seal(&"Ng".to_owned(), place(), &key(), &entropy()).unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(patient.name)");
}

/// Does not compile once `Sealed` is `Serialize`: the call below would then be ambiguous.
#[test]
fn a_sealed_value_cannot_be_serialised() {
    trait Ambiguous<A> {
        fn holds() -> bool {
            true
        }
    }
    struct IfSerialisable;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + Serialize> Ambiguous<IfSerialisable> for T {}
    assert!(<Sealed<String> as Ambiguous<_>>::holds());
}
