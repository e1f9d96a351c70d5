//! A table of any encoding is cut into rows, given a mapping and read: never a panic, never a value in the
//! wrong column, the same in whatever pieces it arrives.

use std::io::BufReader;
use std::sync::Arc;

use practice::exchange::csv::{Aside, Field, Look, ORDERS, Row, Rows, Said, Table, Target, Utf8, look, survey};
use practice::exchange::fhir::Line;

use super::kept::{TODAY, pieces, same};

/// The first byte says in what pieces; the rest is the file.
pub(crate) fn holds(bytes: &[u8]) {
    let Some((size, file)) = pieces(bytes) else { return };
    let Ok(found) = look(|| Ok(file), Said::default()).unwrap() else { return };
    let separator = u8::try_from(found.separator).unwrap();
    let open = |size: usize| Rows::new(Utf8::new(BufReader::with_capacity(size, file), found.encoding), separator);
    let cut = |size: usize| -> Vec<(u64, Row)> {
        let mut rows = open(size);
        std::iter::from_fn(|| rows.advance().unwrap().map(|row| (rows.number(), row))).collect()
    };
    assert_eq!(cut(64 * 1024), cut(size), "a table in pieces is cut otherwise");

    let mut mapping = found.proposed();
    assert!(found.fits(&mapping).is_ok(), "what is proposed does not fit its own file");
    if mapping.check().is_err() {
        // Whoever looks at it would choose at least this.
        let Some(first) = mapping.columns.first_mut() else { return };
        first.to = Target::Field(Field::WholeName);
        if mapping.check().is_err() {
            return;
        }
    }
    asks(&found, &open, &mut mapping);
    let mapping = Arc::new(mapping);
    let read = |size: usize| -> Vec<Line> {
        Table::new("table.csv", open(size), Arc::clone(&mapping), Arc::new(Aside::default()), TODAY)
            .map(Result::unwrap)
            .collect()
    };
    same(&read(64 * 1024), &read(size));
}

/// A date whose order cannot be known is asked, and what is read without asking has none.
fn asks<'f>(
    found: &Look,
    open: &impl Fn(usize) -> Rows<Utf8<BufReader<&'f [u8]>>>,
    mapping: &mut practice::exchange::csv::Mapping,
) {
    if survey(open(64 * 1024), mapping).unwrap().is_err() {
        for (order, _) in ORDERS {
            mapping.dates = Some(order);
            let _ = survey(open(64 * 1024), mapping).unwrap();
        }
        mapping.dates = Some(ORDERS[found.rows.len() % ORDERS.len()].0);
    }
}
