use kernel::SystemEntropy;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn entropy() -> Entropy {
    Entropy::from(SystemEntropy)
}

fn practice(number: u128) -> PracticeId {
    PracticeId::from_uuid(Uuid::from_u128(number))
}

fn id(number: u128) -> DataKeyId {
    DataKeyId::from_uuid(Uuid::from_u128(number))
}

/// A key of the same bytes under another practice or version: nothing but what is authenticated
/// can tell the two apart.
fn same_bytes(kek: &Kek, practice: PracticeId, version: i32) -> Kek {
    Kek::from_bytes(KekContext { practice, version }, kek.expose_bytes().clone())
}

#[test]
fn a_wrapped_key_comes_back_the_same() {
    let kek = Kek::generate(practice(1), 4, &entropy());
    let key = DataKey::generate(id(1), &entropy());
    let wrapped = kek.wrap(&key, &entropy()).unwrap();
    let again = kek.unwrap(id(1), &wrapped).unwrap();
    assert_eq!(again.id(), key.id());
    assert_eq!(again.bytes(), key.bytes());
}

#[test]
fn a_wrapped_key_names_the_version_that_wrapped_it() {
    let wrapped = |version| {
        let kek = Kek::generate(practice(1), version, &entropy());
        kek.wrap(&DataKey::generate(id(1), &entropy()), &entropy()).unwrap()
    };
    assert_eq!(wrapped_kek_version(&wrapped(4)), Ok(4));
    assert_eq!(wrapped_kek_version(&wrapped(i32::MAX)), Ok(i32::MAX));
    assert_eq!(wrapped_kek_version(&wrapped(4)[..65]), Err(SealError::Malformed));
    assert_eq!(wrapped_kek_version(b""), Err(SealError::Malformed));
}

#[test]
fn a_wrapped_key_moved_to_another_practice_version_or_id_does_not_unwrap() {
    let kek = Kek::generate(practice(1), 4, &entropy());
    let wrapped = kek.wrap(&DataKey::generate(id(1), &entropy()), &entropy()).unwrap();
    let opened = |kek: &Kek, id, wrapped: &[u8]| kek.unwrap(id, wrapped).map(|_| ());

    assert_eq!(opened(&same_bytes(&kek, practice(2), 4), id(1), &wrapped), Err(SealError::DoesNotOpen));
    assert_eq!(opened(&kek, id(2), &wrapped), Err(SealError::DoesNotOpen));

    let later = same_bytes(&kek, practice(1), 5);
    assert_eq!(opened(&later, id(1), &wrapped), Err(SealError::WrongKey));
    let mut renamed = wrapped;
    renamed.splice(2..6, 5_i32.to_be_bytes());
    assert_eq!(opened(&later, id(1), &renamed), Err(SealError::DoesNotOpen));
}

#[test]
fn a_wrapped_key_is_no_field_and_a_field_is_no_wrapped_key() {
    let kek = Kek::generate(practice(1), 1, &entropy());
    let key = DataKey::generate(id(1), &entropy());
    let wrapped = kek.wrap(&key, &entropy()).unwrap();
    assert_eq!(crate::envelope_key_id(&wrapped), Err(SealError::Malformed));
    let place =
        crate::Place { practice: practice(1), table: "t", column: "c", row: Uuid::from_u128(1), seal_version: 1 };
    let envelope = key.seal(&place, b"", &entropy()).unwrap();
    assert_eq!(wrapped_kek_version(&envelope), Err(SealError::Malformed));
}

#[test]
fn debug_shows_whose_key_it_is_only() {
    let context = KekContext { practice: PracticeId::HOUSE, version: 2 };
    let kek = Kek::from_bytes(context, KeyBytes::new([0xab; 32]));
    assert_eq!(format!("{kek:?}"), "Kek(00000000-0000-7000-8000-000000000001, version 2)");
}

proptest! {
    #[test]
    fn one_flipped_bit_anywhere_never_unwraps(at in 0_usize..66 * 8) {
        let kek = Kek::generate(practice(1), 1, &entropy());
        let mut wrapped = kek.wrap(&DataKey::generate(id(1), &entropy()), &entropy()).unwrap();
        prop_assert_eq!(wrapped.len(), 66);
        wrapped[at / 8] ^= 1 << (at % 8);
        prop_assert!(kek.unwrap(id(1), &wrapped).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_unwrap_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let kek = Kek::generate(practice(1), 1, &entropy());
        prop_assert!(kek.unwrap(id(1), &bytes).is_err());
    }
}
