use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::{Opening, commit, details_hash, leaf_hash};

const SPECIFICATION: &str = include_str!("../../../../docs/spec/leaf.md");

/// The hexadecimal digits of a fenced block of the specification, its notes left out.
fn block(name: &str) -> String {
    let fence = format!("```{name}");
    let lines = SPECIFICATION.lines().skip_while(|line| *line != fence).skip(1).take_while(|line| *line != "```");
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(u32::from(half), 16))
        .collect()
}

/// The example of the specification.
fn example() -> Leaf {
    let id = |last: u128| Uuid::from_u128(0x0192_0c5e_7c1d_7a3b_9c55_2f1d_6b8e_4a00 | last);
    let commitment = |opening, value: &[u8]| Some(commit(&Opening::from_bytes([opening; 32]), value));
    let change = |field: &str, before, after| Change { field: field.to_owned(), before, after };
    Leaf {
        practice: PracticeId::from_uuid(id(0x10)),
        event: EventId::from_uuid(id(0x11)),
        at_microseconds: 1_760_000_000_123_456,
        actor: Actor { kind: ActorKind::Person, id: id(0x12) },
        source: "203.0.113.7".to_owned(),
        action: "patient.edit".to_owned(),
        record: Some(Record { kind: "patient".to_owned(), id: id(0x13) }),
        patient: Some(PatientId::from_uuid(id(0x13))),
        field: Some("name".to_owned()),
        purpose: None,
        details_hash: details_hash(b"sealed details"),
        changes: vec![
            change("name", commitment(0xa1, br#""Zoe Ng""#), commitment(0xa2, r#""Zoë Ng""#.as_bytes())),
            change("birth", None, commitment(0xa3, br#""1990-02-28""#)),
        ],
        subjects: vec![commit(&Opening::from_bytes([0xa4; 32]), id(0x13).as_bytes())],
    }
}

#[test]
fn the_example_of_the_specification_is_what_this_program_writes() {
    let bytes = example().encode().unwrap();
    assert_eq!(to_hex(&bytes), block("leaf"));
    assert_eq!(to_hex(&leaf_hash(&bytes)), block("hash"));
    assert_eq!(Leaf::decode(&bytes), Ok(example()));
}

/// What the reader that was written from the specification makes of a leaf. `None` where there is no Python.
fn read_elsewhere(leaf: &Leaf) -> Option<serde_json::Value> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/leaf.py");
    let started = Command::new("python3").args(["-B", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = started.ok()?;
    python.stdin.take().unwrap().write_all(to_hex(&leaf.encode().unwrap()).as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn every_kind_of_actor_is_read_elsewhere_by_its_name() {
    for (kind, name) in [
        (ActorKind::Person, "person"),
        (ActorKind::Machine, "machine"),
        (ActorKind::Visitor, "visitor"),
        (ActorKind::Client, "client"),
    ] {
        let leaf = Leaf { actor: Actor { kind, ..example().actor }, ..example() };
        let Some(read) = read_elsewhere(&leaf) else { return };
        assert_eq!(read["leaf"]["actor"]["kind"], name);
    }
}

#[test]
fn a_reader_written_from_the_specification_agrees() {
    let leaf = example();
    // Where there is no Python this test has nothing to compare with.
    let Some(read) = read_elsewhere(&leaf) else { return };
    let change = |change: &Change| {
        let hex = |commitment: &Option<Commitment>| commitment.as_ref().map(|bytes| to_hex(bytes));
        serde_json::json!({ "field": change.field, "before": hex(&change.before), "after": hex(&change.after) })
    };
    let expected = serde_json::json!({
        "leaf": {
            "practice": leaf.practice,
            "event": leaf.event,
            "at_microseconds": leaf.at_microseconds,
            "actor": { "kind": "person", "id": leaf.actor.id.to_string() },
            "source": leaf.source,
            "action": leaf.action,
            "record": { "kind": "patient", "id": leaf.record.unwrap().id.to_string() },
            "patient": leaf.patient,
            "field": leaf.field,
            "purpose": leaf.purpose,
            "details_hash": to_hex(&leaf.details_hash),
            "changes": leaf.changes.iter().map(change).collect::<Vec<_>>(),
            "subjects": leaf.subjects.iter().map(|subject| to_hex(subject)).collect::<Vec<_>>(),
        },
        "leaf_hash": block("hash"),
    });
    assert_eq!(read, expected);
}

#[test]
fn a_leaf_of_another_version_is_not_guessed_at() {
    let mut bytes = example().encode().unwrap();
    bytes[0] = 2;
    assert_eq!(Leaf::decode(&bytes), Err(LeafError::UnknownVersion));
    assert_eq!(Leaf::decode(b""), Err(LeafError::Malformed));
}

#[test]
fn an_unknown_actor_kind_is_refused() {
    let bytes = example().encode().unwrap();
    // version, practice, event, time: the kind stands at 1 + 16 + 16 + 8.
    for kind in [0, 5, 255] {
        let mut changed = bytes.clone();
        changed[41] = kind;
        assert_eq!(Leaf::decode(&changed), Err(LeafError::Malformed));
    }
}

#[test]
fn a_text_or_list_that_is_too_long_is_neither_written_nor_read() {
    let longest = Leaf { action: "x".repeat(255), ..example() };
    assert_eq!(Leaf::decode(&longest.encode().unwrap()), Ok(longest));
    assert_eq!(Leaf { action: "x".repeat(256), ..example() }.encode(), Err(LeafError::TooLarge));
    assert_eq!(Leaf { field: Some("x".repeat(70_000)), ..example() }.encode(), Err(LeafError::TooLarge));
    let change = Change { field: String::new(), before: None, after: None };
    assert_eq!(encode_changes(&vec![change; 10_001]), Err(LeafError::TooLarge));
    assert_eq!(encode_subjects(&vec![[0; 32]; 1_000_001]), Err(LeafError::TooLarge));

    let mut long_source = example().encode().unwrap();
    long_source.splice(58..71, [&[1, 0][..], &[b'x'; 256]].concat());
    assert_eq!(Leaf::decode(&long_source), Err(LeafError::Malformed));
}

#[test]
fn a_count_without_its_things_is_refused_without_reserving_room() {
    assert_eq!(decode_subjects(&1_000_000_u32.to_be_bytes()), Err(LeafError::Malformed));
    assert_eq!(decode_subjects(&u32::MAX.to_be_bytes()), Err(LeafError::Malformed));
    assert_eq!(decode_changes(&10_000_u32.to_be_bytes()), Err(LeafError::Malformed));
}

#[test]
fn a_text_that_is_not_utf_8_is_refused() {
    let mut bytes = example().encode().unwrap();
    let source = bytes.windows(11).position(|window| window == b"203.0.113.7").unwrap();
    bytes[source] = 0xff;
    assert_eq!(Leaf::decode(&bytes), Err(LeafError::Malformed));
}

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

prop_compose! {
    fn any_change()(field in "\\PC{0,12}", before in option::of(any::<[u8; 32]>()), after in option::of(any::<[u8; 32]>())) -> Change {
        Change { field, before, after }
    }
}

prop_compose! {
    fn any_leaf()(
        ids in (any_uuid(), any_uuid(), any_uuid()),
        at_microseconds in any::<i64>(),
        kind in prop_oneof![
            Just(ActorKind::Person),
            Just(ActorKind::Machine),
            Just(ActorKind::Visitor),
            Just(ActorKind::Client)
        ],
        texts in ("\\PC{0,20}", "\\PC{0,20}"),
        record in option::of(("\\PC{0,12}", any_uuid())),
        patient in option::of(any_uuid()),
        codes in (option::of("\\PC{0,12}"), option::of("\\PC{0,12}")),
        details_hash in any::<[u8; 32]>(),
        changes in vec(any_change(), 0..4),
        subjects in vec(any::<[u8; 32]>(), 0..4),
    ) -> Leaf {
        Leaf {
            practice: PracticeId::from_uuid(ids.0),
            event: EventId::from_uuid(ids.1),
            at_microseconds,
            actor: Actor { kind, id: ids.2 },
            source: texts.0,
            action: texts.1,
            record: record.map(|(kind, id)| Record { kind, id }),
            patient: patient.map(PatientId::from_uuid),
            field: codes.0,
            purpose: codes.1,
            details_hash,
            changes,
            subjects,
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(leaf in any_leaf()) {
        let bytes = leaf.encode().unwrap();
        prop_assert_eq!(Leaf::decode(&bytes), Ok(leaf));
    }

    #[test]
    fn columns_hold_what_the_leaf_holds(leaf in any_leaf()) {
        let (changes, subjects) = (encode_changes(&leaf.changes).unwrap(), encode_subjects(&leaf.subjects).unwrap());
        prop_assert!(leaf.encode().unwrap().ends_with(&[&changes[..], &subjects].concat()));
        prop_assert_eq!(decode_changes(&changes), Ok(leaf.changes));
        prop_assert_eq!(decode_subjects(&subjects), Ok(leaf.subjects));
    }

    #[test]
    fn two_different_leaves_never_share_their_bytes(one in any_leaf(), two in any_leaf()) {
        prop_assert_eq!(one.encode() == two.encode(), one == two);
    }

    /// Every byte, not a sample of them: a leaf is short.
    #[test]
    fn a_changed_byte_is_refused_or_is_the_canonical_form_of_another_leaf(leaf in any_leaf(), by in 1_u8..) {
        let bytes = leaf.encode().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= by;
            if let Ok(other) = Leaf::decode(&changed) {
                prop_assert_ne!(&other, &leaf);
                prop_assert_eq!(other.encode(), Ok(changed));
            }
        }
    }

    #[test]
    fn cut_or_lengthened_bytes_are_refused(leaf in any_leaf(), more in vec(any::<u8>(), 1..20)) {
        let bytes = leaf.encode().unwrap();
        for length in 0..bytes.len() {
            prop_assert!(Leaf::decode(&bytes[..length]).is_err());
        }
        prop_assert_eq!(Leaf::decode(&[bytes, more].concat()), Err(LeafError::Malformed));
    }

    #[test]
    fn arbitrary_bytes_decode_canonically_or_not_at_all(bytes in vec(any::<u8>(), 0..400)) {
        let dressed = [&[VERSION][..], &bytes].concat();
        for candidate in [bytes, dressed] {
            if let Ok(leaf) = Leaf::decode(&candidate) {
                prop_assert_eq!(leaf.encode(), Ok(candidate));
            }
        }
    }
}
