//! A file of vCards is read card by card, the same in whatever pieces it arrives.

use std::io::BufReader;
use std::sync::Arc;

use practice::exchange::csv::{Utf8, encoding_of};
use practice::exchange::fhir::Line;
use practice::exchange::vcard::{Cards, LeftOut};

use super::kept::{TODAY, pieces, same};

/// The first byte says in what pieces; the rest is the file.
pub(crate) fn holds(bytes: &[u8]) {
    let Some((size, file)) = pieces(bytes) else { return };
    let encoding = encoding_of(file).unwrap();
    let read = |size: usize| -> Vec<Line> {
        let text = Utf8::new(BufReader::with_capacity(size, file), encoding);
        Cards::new("cards.vcf", text, Arc::new(LeftOut::default()), TODAY).map(Result::unwrap).collect()
    };
    same(&read(64 * 1024), &read(size));
}
