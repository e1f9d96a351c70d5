//! A file of JSON is read to its end or to where it stops being JSON, the same in whatever pieces it arrives.

use std::io::BufReader;

use practice::exchange::fhir::{JsonFile, Line};

use super::kept::{TODAY, pieces, same};

/// The first byte says in what pieces; the rest is the file.
pub(crate) fn holds(bytes: &[u8]) {
    let Some((size, file)) = pieces(bytes) else { return };
    let read = |size: usize| -> Vec<Line> {
        let open = || BufReader::with_capacity(size, file);
        JsonFile::new("bundle.json", open(), open(), TODAY).unwrap().map(Result::unwrap).collect()
    };
    same(&read(64 * 1024), &read(size));
}
