use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> KeyBytes {
    KeyBytes::new([byte; KEY_LENGTH])
}

#[test]
fn what_is_written_is_what_the_specification_shows() {
    let keys = RootKeys::from([(1, key(0xab)), (12, key(0x0c))]);
    let written = text(&keys);
    let lines: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, [HEADER, &format!("1 {}", "ab".repeat(32)), &format!("12 {}", "0c".repeat(32)), END]);
    assert_eq!(parse(written.as_bytes()), Ok(keys));
}

#[test]
fn a_text_that_is_not_as_it_should_be_is_refused_at_its_first_wrong_line() {
    let hex = "ab".repeat(32);
    let good = format!("{HEADER}\n1 {hex}\nend\n");
    assert!(parse(good.as_bytes()).is_ok());
    for (text, line) in [
        (String::new(), 1),
        ("\n".to_owned(), 1),
        (format!("vouchsafe root keys 2\n1 {hex}\nend\n"), 1),
        (format!("{HEADER}\nend\n"), 2),
        (format!("{HEADER}\n# note\nend\n"), 3),
        (format!("{HEADER}\n1 {hex}\n"), 3),
        (format!("{HEADER}\n1 {hex}\nend"), 3),
        (format!("{HEADER}\n1 {hex}\nend\n\n"), 3),
        (format!("{HEADER}\n1 {hex}\nend\nend\n"), 3),
        (format!("{HEADER}\n1 {hex}\n2 {}\nend\n", &hex[1..]), 3),
        (format!("{HEADER}\n1 {hex}\n2 {}zz\nend\n", &hex[2..]), 3),
        (format!("{HEADER}\n1 {}\nend\n", hex.to_uppercase()), 2),
        (format!("{HEADER}\n1  {hex}\nend\n"), 2),
        (format!("{HEADER}\n1 {hex} \nend\n"), 2),
        (format!("{HEADER}\n0 {hex}\nend\n"), 2),
        (format!("{HEADER}\n01 {hex}\nend\n"), 2),
        (format!("{HEADER}\n+1 {hex}\nend\n"), 2),
        (format!("{HEADER}\n4294967296 {hex}\nend\n"), 2),
        (format!("{HEADER}\n1 {hex}\n1 {hex}\nend\n"), 3),
        (format!("{HEADER}\n2 {hex}\n1 {hex}\nend\n"), 3),
        (format!("{HEADER}\n1 {hex}\n\nend\n"), 3),
    ] {
        assert_eq!(parse(text.as_bytes()), Err(line), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_keys_survive_being_written(keys in proptest::collection::btree_map(1_u32.., any::<[u8; 32]>(), 1..5)) {
        let keys: RootKeys = keys.into_iter().map(|(epoch, bytes)| (epoch, KeyBytes::new(bytes))).collect();
        prop_assert_eq!(parse(text(&keys).as_bytes()), Ok(keys));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused(at in any::<prop::sample::Index>()) {
        let whole = text(&RootKeys::from([(1, key(1)), (2, key(2))]));
        prop_assert!(parse(&whole.as_bytes()[..at.index(whole.len())]).is_err());
    }
}
