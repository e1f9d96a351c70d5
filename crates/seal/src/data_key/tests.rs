use kernel::{PracticeId, SystemEntropy};
use proptest::prelude::*;

use super::*;

fn entropy() -> Entropy {
    Entropy::from(SystemEntropy)
}

fn id(number: u128) -> DataKeyId {
    DataKeyId::from_uuid(Uuid::from_u128(number))
}

fn place() -> Place {
    Place {
        practice: PracticeId::from_uuid(Uuid::from_u128(1)),
        table: "patient",
        column: "name",
        row: Uuid::from_u128(2),
        seal_version: 1,
    }
}

/// Every place that differs from [`place`] in one component.
fn other_places() -> Vec<Place> {
    let here = place();
    vec![
        Place { practice: PracticeId::from_uuid(Uuid::from_u128(3)), ..here },
        Place { table: "person", ..here },
        Place { column: "birth", ..here },
        Place { row: Uuid::from_u128(4), ..here },
        Place { seal_version: 2, ..here },
        // The same letters, divided otherwise between table and column.
        Place { table: "patientn", column: "ame", ..here },
    ]
}

#[test]
fn a_ciphertext_moved_to_another_place_never_opens() {
    let key = DataKey::generate(id(1), &entropy());
    let envelope = key.seal(&place(), b"Ng", &entropy()).unwrap();
    assert_eq!(key.open(&place(), &envelope).unwrap().as_slice(), b"Ng");
    for elsewhere in other_places() {
        assert_eq!(key.open(&elsewhere, &envelope), Err(SealError::DoesNotOpen), "{elsewhere:?}");
    }
}

#[test]
fn another_key_does_not_open_even_under_the_same_id() {
    let envelope = DataKey::generate(id(1), &entropy()).seal(&place(), b"Ng", &entropy()).unwrap();
    assert_eq!(DataKey::generate(id(2), &entropy()).open(&place(), &envelope), Err(SealError::WrongKey));
    assert_eq!(DataKey::generate(id(1), &entropy()).open(&place(), &envelope), Err(SealError::DoesNotOpen));
}

#[test]
fn a_key_id_written_over_does_not_open() {
    let bytes = KeyBytes::default();
    let (first, second) = (DataKey::from_bytes(id(1), bytes.clone()), DataKey::from_bytes(id(2), bytes));
    let mut envelope = first.seal(&place(), b"Ng", &entropy()).unwrap();
    envelope.splice(2..18, id(2).uuid().into_bytes());
    assert_eq!(second.open(&place(), &envelope), Err(SealError::DoesNotOpen));
}

#[test]
fn the_envelope_names_its_key() {
    let envelope = DataKey::generate(id(7), &entropy()).seal(&place(), b"", &entropy()).unwrap();
    assert_eq!(envelope_key_id(&envelope), Ok(id(7)));
    assert_eq!(envelope_key_id(b""), Err(SealError::Malformed));
    assert_eq!(envelope_key_id(&envelope[..45]), Err(SealError::Malformed));
}

#[test]
fn values_within_one_bucket_are_equally_long_when_sealed() {
    let key = DataKey::generate(id(1), &entropy());
    let length = |size: usize| key.seal(&place(), &vec![b'x'; size], &entropy()).unwrap().len();
    // 46 bytes of header, nonce and tag about a bucket of 32 or 64.
    assert!((0..=28).all(|size| length(size) == 46 + 32));
    assert!((29..=60).all(|size| length(size) == 46 + 64));
}

#[test]
fn the_same_value_sealed_twice_looks_different() {
    let key = DataKey::generate(id(1), &entropy());
    let [one, two] = [(), ()].map(|()| key.seal(&place(), b"Ng", &entropy()).unwrap());
    assert_ne!(one, two);
}

#[test]
fn more_than_a_value_may_hold_is_refused() {
    let key = DataKey::generate(id(1), &entropy());
    let huge = vec![0; PLAINTEXT_LENGTH_MAX + 1];
    assert_eq!(key.seal(&place(), &huge, &entropy()), Err(SealError::TooLarge));
}

#[test]
fn debug_shows_the_key_s_name_only() {
    let key = DataKey::from_bytes(id(1), Zeroizing::new([0xab; 32]));
    assert_eq!(format!("{key:?}"), "DataKey(00000000-0000-0000-0000-000000000001)");
}

/// The example of `docs/spec/envelope.md`.
#[test]
fn the_example_of_the_specification_opens() {
    let specification = include_str!("../../../../docs/spec/envelope.md");
    let hex: String = specification
        .lines()
        .skip_while(|line| *line != "```envelope")
        .skip(1)
        .take_while(|line| *line != "```")
        .collect();
    let envelope: Vec<u8> =
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let example = Place {
        practice: "01920c5e-7c1d-7a3b-9c55-2f1d6b8e4a10".parse().unwrap(),
        table: "patient",
        column: "name",
        row: Uuid::parse_str("01920c5e-7c1d-7a3b-9c55-2f1d6b8e4a11").unwrap(),
        seal_version: 3,
    };
    let bytes = KeyBytes::new(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    let key = DataKey::from_bytes("01920c5e-7c1d-7a3b-9c55-2f1d6b8e4a12".parse().unwrap(), bytes);
    assert_eq!(key.open(&example, &envelope).unwrap().as_slice(), br#""Zoe Ng""#);
}

proptest! {
    #[test]
    fn what_was_sealed_opens(payload in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let key = DataKey::generate(id(1), &entropy());
        let envelope = key.seal(&place(), &payload, &entropy()).unwrap();
        let opened = key.open(&place(), &envelope).unwrap();
        prop_assert_eq!(opened.as_slice(), payload);
    }

    #[test]
    fn one_flipped_bit_anywhere_never_opens(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let key = DataKey::generate(id(1), &entropy());
        let mut envelope = key.seal(&place(), &payload, &entropy()).unwrap();
        let bit = at.index(envelope.len() * 8);
        envelope[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.open(&place(), &envelope).is_err());
    }

    #[test]
    fn cut_or_lengthened_never_opens(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        more in proptest::collection::vec(any::<u8>(), 1..50),
    ) {
        let key = DataKey::generate(id(1), &entropy());
        let envelope = key.seal(&place(), &payload, &entropy()).unwrap();
        prop_assert!(key.open(&place(), &envelope[..at.index(envelope.len())]).is_err());
        prop_assert!(key.open(&place(), &[envelope, more].concat()).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let key = DataKey::generate(id(1), &entropy());
        prop_assert!(key.open(&place(), &bytes).is_err());
        let dressed = [&header(key.id())[..], &bytes].concat();
        prop_assert!(key.open(&place(), &dressed).is_err());
    }

    #[test]
    fn two_different_places_are_never_written_as_the_same_bytes(
        one in (any::<u128>(), "[a-c]{0,3}", "[a-c]{0,3}", any::<u128>(), any::<i32>()),
        two in (any::<u128>(), "[a-c]{0,3}", "[a-c]{0,3}", any::<u128>(), any::<i32>()),
    ) {
        let written = |(practice, table, column, row, seal_version): &(u128, String, String, u128, i32)| {
            let here = Place {
                practice: PracticeId::from_uuid(Uuid::from_u128(*practice)),
                table: table.clone().leak(),
                column: column.clone().leak(),
                row: Uuid::from_u128(*row),
                seal_version: *seal_version,
            };
            authenticated(&here, id(1))
        };
        let same_but_for_names = (one.0, two.1.clone(), two.2.clone(), one.3, one.4);
        prop_assert_eq!(written(&one) == written(&two), one == two);
        prop_assert_eq!(written(&one) == written(&same_but_for_names), one == same_but_for_names);
    }
}
