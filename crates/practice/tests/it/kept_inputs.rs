//! The inputs that fuzzing begins with (`fuzz/seeds`) and those it found worth keeping (`fuzz/corpus`), given to the
//! same checks (`fuzz/checks`): what was found once stays found, without a fuzzer.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

#[path = "../../../../fuzz/checks/bundle.rs"]
mod bundle;
#[path = "../../../../fuzz/checks/csv.rs"]
mod csv;
#[path = "../../../../fuzz/checks/envelope.rs"]
mod envelope;
#[path = "../../../../fuzz/checks/fhir_line.rs"]
mod fhir_line;
#[path = "../../../../fuzz/kept.rs"]
mod kept;
#[path = "../../../../fuzz/checks/leaf.rs"]
mod leaf;
#[path = "../../../../fuzz/checks/query.rs"]
mod query;
#[path = "../../../../fuzz/checks/typed.rs"]
mod typed;
#[path = "../../../../fuzz/checks/vcard.rs"]
mod vcard;

/// Replays all inputs of a target; says which one it is that does not hold.
fn replay(target: &str, holds: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let seeds = fs::read_dir(fuzz.join("seeds").join(target)).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.display().to_string(), fs::read(&path).unwrap())
    });
    let corpus = fs::read_to_string(fuzz.join("corpus").join(format!("{target}.txt"))).unwrap();
    let kept = corpus.lines().map(|line| (line.to_owned(), BASE64_STANDARD.decode(line).unwrap()));
    let mut count = 0;
    for (name, input) in seeds.chain(kept) {
        let held = std::panic::catch_unwind(|| holds(&input));
        assert!(held.is_ok(), "this input of {target} does not hold: {name}");
        count += 1;
    }
    assert!(count > 0, "nothing was kept for {target}");
}

#[test]
fn a_file_of_json_is_read_the_same_in_whatever_pieces_it_arrives() {
    replay("bundle", bundle::holds);
}

#[test]
fn a_table_is_read_the_same_in_whatever_pieces_it_arrives() {
    replay("csv", csv::holds);
}

#[test]
fn a_file_of_cards_is_read_the_same_in_whatever_pieces_it_arrives() {
    replay("vcard", vcard::holds);
}

#[test]
fn an_envelope_opens_only_as_it_was_sealed() {
    replay("envelope", envelope::holds);
}

#[test]
fn a_line_of_an_import_is_refused_with_a_reason_or_kept_whole() {
    replay("fhir_line", fhir_line::holds);
}

#[test]
fn a_line_of_the_log_reads_in_one_way_only() {
    replay("leaf", leaf::holds);
}

#[test]
fn a_question_to_the_api_is_understood_the_same_way_on_its_next_page() {
    replay("query", query::holds);
}

#[test]
fn what_was_typed_is_understood_the_same_way_twice() {
    replay("typed", typed::holds);
}
