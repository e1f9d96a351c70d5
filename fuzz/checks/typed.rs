//! What somebody types into a box is understood or refused, and what was understood is written so that it
//! is understood the same way again.

use practice::patients::model::{BirthDate, DateOrder, Moment};
use practice::patients::search::Query;
use seal::{name_matches, name_query, name_tokens, phone_query, phone_tokens};

/// The bytes as a date, a moment, a name, a telephone number, a search.
pub(crate) fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for order in [DateOrder::DayMonthYear, DateOrder::MonthDayYear, DateOrder::YearMonthDay] {
        if let Ok(birth) = BirthDate::typed(text, order) {
            assert!(
                BirthDate::typed(&birth.to_typed(order), order) == Ok(birth),
                "a date was read otherwise the second time"
            );
        }
        let _ = Query::parse(text, order).tokens();
    }
    if let Ok(birth) = BirthDate::parse(text) {
        assert!(BirthDate::parse(&birth.iso()) == Ok(birth));
    }
    if let Ok(moment) = Moment::parse(text) {
        let _ = (moment.earliest(), moment.date_words());
        assert!(Moment::parse(moment.as_str()).is_ok_and(|again| again == moment));
    }
    let asked = name_query(text);
    if !asked.is_empty() {
        let filed = name_tokens(&[text]);
        assert!(asked.iter().all(|token| filed.contains(token)), "a name is not found by itself");
        assert!(name_matches(&[text], text), "a name does not match itself");
    }
    if let Some(ending) = phone_query(text) {
        assert!(phone_tokens(text).contains(&ending), "a number is not found by itself");
    }
}
