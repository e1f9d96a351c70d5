//! What people type is nowhere to be found in what an installation leaves behind: dumps of both servers, the
//! write-ahead log, the logs, every file of the data folder. And the search does find what lies there openly.

mod fill;
mod program;
mod scan;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Output;

use crate::harness::{Place, Program};
use crate::servers::{sql, tool};
use fill::Planted;
use scan::{Found, Scan};

const SERVERS: [&str; 2] = ["data", "keyring"];

fn written(output: &Output) -> Vec<u8> {
    [output.stdout.as_slice(), &output.stderr].concat()
}

/// Everything that the servers hold, as text.
fn dumps(place: &Place, scan: &Scan) -> BTreeSet<Found> {
    let mut found = BTreeSet::new();
    for server in SERVERS {
        let dump = tool(place, server, "pg_dumpall").output().unwrap();
        assert!(dump.status.success() && dump.stdout.len() > 5_000, "{}", String::from_utf8_lossy(&dump.stderr));
        found.extend(scan.bytes(&format!("the dump of {server}"), &dump.stdout));
        sql(place, server, "checkpoint");
    }
    found
}

/// The write-ahead log as PostgreSQL's own tool tells it.
fn told_by_the_write_ahead_log(place: &Place, scan: &Scan) -> BTreeSet<Found> {
    let mut found = BTreeSet::new();
    for server in SERVERS {
        let folder = place.path("data").join(format!("pg-{server}/data/pg_wal"));
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let first = names.filter(|name| name.len() == 24).min().unwrap();
        let told = tool(place, server, "pg_waldump").arg("--path").arg(&folder).arg(first).output().unwrap();
        assert!(told.stdout.len() > 5_000, "{}", String::from_utf8_lossy(&told.stderr));
        found.extend(scan.bytes(&format!("the records of {server}"), &told.stdout));
    }
    found
}

/// The files that are there when the program has stopped, the logs among them, and what it said.
fn files(place: &Place, program: Program, scan: &Scan) -> BTreeSet<Found> {
    let said = program.stops().join("\n");
    let mut found = scan.bytes("what the program said", said.as_bytes());
    let log = std::fs::read(place.path("house.log")).unwrap();
    assert!(log.len() > 1_000, "a log of {} bytes", log.len());
    found.extend(scan.bytes("the log", &log));
    let (in_files, count, bytes) = scan.folder(&place.path("data"));
    eprintln!("{count} files, {} MiB searched", bytes >> 20);
    assert!(count > 500 && bytes > 64 << 20, "{count} files, {bytes} bytes");
    found.extend(in_files);
    found
}

/// Fills an installation, looks for what was typed, then lays one word out openly and looks again.
fn search(patients: usize) {
    let place = Place::with_key();
    place.write_settings(&format!(
        "[log]\nlevel = \"debug\"\nformat = \"json\"\nfile = \"{}\"\n",
        place.path("house.log").display()
    ));
    let program = place.serving();
    let Planted { words, secrets, program, said } = fill::fill(&place, program, patients);
    let scan = Scan::of(&words, &secrets);
    eprintln!("{} words and {} secrets planted, in {} forms", words.len(), secrets.len(), scan.forms());
    let mut found = scan.bytes("what the import said", &said);
    found.extend(dumps(&place, &scan));
    found.extend(told_by_the_write_ahead_log(&place, &scan));
    found.extend(files(&place, program, &scan));
    assert_eq!(found, BTreeSet::new());

    // The same search, with one word in one column of one row, one in a file, and one in a file's name.
    let program = place.serving();
    let [column, file, name] = [&words[0], &words[1], &words[2]];
    let row = format!("insert into throttle values (gen_random_uuid(), '{column}', sha256('\\x00'), 1, now())");
    sql(&place, "data", &row);
    let mut utf16 = std::fs::File::create(place.path("data").join(name)).unwrap();
    utf16.write_all(&file.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
    let mut found = dumps(&place, &scan);
    found.extend(files(&place, program, &scan));
    let is_in =
        |word: &str, place: &str| found.iter().any(|found| found.word == word && found.place.starts_with(place));
    assert!(is_in(column, "the dump of data"), "{found:?}");
    assert!(is_in(column, "pg-data/data/base/") && is_in(column, "pg-data/data/pg_wal/"), "{found:?}");
    assert!(is_in(file, name) && is_in(name, "the name of a file"), "{found:?}");
}

/// Servers of its own.
mod own_cluster {
    #[test]
    fn nothing_that_was_typed_or_imported_lies_open_anywhere_in_what_is_left_behind() {
        super::search(1);
    }
}

mod long {
    #[test]
    #[ignore = "long: thousands of patients, a kill and a rotation of keys in between"]
    fn of_thousands_of_patients_nothing_lies_open_either() {
        super::search(3_000);
    }
}
