//! What a program asks of the API, and where its next page begins, is understood or refused with words; a
//! cursor says exactly what was sealed in it.

use jiff::Timestamp;
use practice::exchange::api::cursor::Cursor;
use practice::exchange::api::kinds::KINDS;
use practice::exchange::api::question::{ALTERNATIVES_MAX, COUNT_MAX, Handling, Search};

const BASE: &str = "https://localhost:8443/fhir/r4/0190a1b2-0000-7000-8000-000000000001";

/// The first byte chooses a type; behind it stand names and values, a line each.
pub(crate) fn holds(bytes: &[u8]) {
    if let Some(cursor) = Cursor::from_bytes(bytes, Timestamp::MIN) {
        assert!(Cursor::from_bytes(&cursor.to_bytes(), Timestamp::MIN).is_some_and(|again| again == cursor));
        assert!(Cursor::from_bytes(bytes, cursor.until).is_none(), "a cursor is good after its time");
    }
    let Some((which, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let kind = &KINDS[usize::from(*which) % KINDS.len()];
    let params: Vec<(String, String)> =
        text.split('\n').map(|line| line.split_once('=').unwrap_or((line, ""))).map(owned).collect();
    for handling in [Handling::Strict, Handling::Lenient] {
        let Ok(search) = Search::parse(kind, &params, handling, BASE) else { continue };
        assert!((1..=COUNT_MAX).contains(&search.count));
        assert!(search.filters.iter().all(|filter| filter.tests.len() <= ALTERNATIVES_MAX));
        let _ = search.token_sets();
        let (from, until) = search.updated_bounds();
        let _ = (from, until);
        // The next page asks what this one said that it understood.
        let again = Search::parse(kind, &search.said, Handling::Strict, BASE);
        assert!(again.is_ok_and(|again| again == search), "the next page would ask something else");
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
