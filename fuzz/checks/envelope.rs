//! An envelope opens if it is byte for byte what was sealed, under its key and in its place, and never
//! otherwise.

use std::sync::OnceLock;

use kernel::{DataKeyId, Entropy, PracticeId, SystemEntropy};
use seal::{DataKey, Place, envelope_key_id};
use uuid::Uuid;

const PLACE: Place = Place {
    practice: PracticeId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
    table: "patient",
    column: "names",
    row: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002),
    seal_version: 1,
};

fn key() -> &'static (DataKey, Entropy) {
    static KEY: OnceLock<(DataKey, Entropy)> = OnceLock::new();
    KEY.get_or_init(|| {
        let entropy = Entropy::from(SystemEntropy);
        let id = DataKeyId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0003));
        (DataKey::generate(id, &entropy), entropy)
    })
}

/// Four bytes say what is done to the envelope; the rest is what is sealed.
pub(crate) fn holds(bytes: &[u8]) {
    let (key, entropy) = key();
    let _ = envelope_key_id(bytes);
    assert!(key.open(&PLACE, bytes).is_err(), "bytes that nobody sealed opened");

    let Some((&[high, low, flip, how], plaintext)) = bytes.split_first_chunk() else { return };
    let sealed = key.seal(&PLACE, plaintext, entropy).unwrap();
    assert_eq!(key.open(&PLACE, &sealed).unwrap().as_slice(), plaintext);
    assert_eq!(envelope_key_id(&sealed).unwrap(), key.id());

    let at = usize::from(u16::from_be_bytes([high, low])) % sealed.len();
    let mut altered = sealed.clone();
    match how % 3 {
        0 => altered[at] ^= flip,
        1 => altered.truncate(at),
        _ => altered.insert(at, flip),
    }
    if altered != sealed {
        assert!(key.open(&PLACE, &altered).is_err(), "an altered envelope opened");
    }
    let row = Uuid::from_u128(PLACE.row.as_u128() ^ (u128::from(flip) + 1));
    for elsewhere in [
        Place { row, ..PLACE },
        Place { seal_version: PLACE.seal_version + 1, ..PLACE },
        Place { column: "name", ..PLACE },
        Place { table: "patien", column: "tnames", ..PLACE },
        Place { practice: PracticeId::HOUSE, ..PLACE },
    ] {
        assert!(key.open(&elsewhere, &sealed).is_err(), "an envelope opened in another place");
    }
}
