//! What takes minutes: `cargo xtask test --long`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use practice::exchange::archive::Identity;
use practice::exchange::csv::Said;
use practice::exchange::export::{approve, layout};
use practice::exchange::{ImportSettings, import_csv, look_at_csv};
use testkit::House;

use crate::export::{ask_whole, two, work_off};
use crate::import::{allergy, bring_in, patient};

/// What an observation says of 150 letters. With letters of 24 kB, a patient is 200 kB.
fn in_words(_: usize) -> String {
    format!(r#""valueString":"{}""#, "x".repeat(150))
}

/// What an observation says by a number. With letters of 2 kB, a patient is 29 records and 27 kB.
fn in_numbers(observation: usize) -> String {
    format!(
        r#""code":{{"text":"Weight"}},"effectiveDateTime":"2026-01-02","valueQuantity":{{"value":{observation},"unit":"kg"}}"#
    )
}

/// Writes `patients` patients with eight letters of so many lines and twenty observations each. Gives the bytes.
fn write_files(folder: &Path, patients: usize, lines: usize, says: fn(usize) -> String) -> u64 {
    let open = |name: &str| BufWriter::new(File::create(folder.join(name)).unwrap());
    let (mut people, mut letters) = (open("Patient.ndjson"), open("DocumentReference.ndjson"));
    let mut observations = open("Observation.ndjson");
    for n in 0..patients {
        writeln!(people, "{}", patient(&format!("p{n}"), "Quintal", "1980-02-03")).unwrap();
        for letter in 0..8 {
            let data = STANDARD.encode(format!("Letter {letter} about number {n}. ").repeat(lines));
            writeln!(
                letters,
                r#"{{"resourceType":"DocumentReference","id":"d{n}-{letter}","status":"current","subject":{{"reference":"Patient/p{n}"}},"description":"Letter","content":[{{"attachment":{{"contentType":"text/plain","data":"{data}"}}}}]}}"#
            )
            .unwrap();
        }
        for observation in 0..20 {
            writeln!(
                observations,
                r#"{{"resourceType":"Observation","id":"o{n}-{observation}","status":"final","subject":{{"reference":"Patient/p{n}"}},{}}}"#,
                says(observation)
            )
            .unwrap();
        }
    }
    for file in [people, letters, observations] {
        file.into_inner().unwrap();
    }
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// The most memory that this process ever had, in MiB.
fn memory_max_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test]
#[ignore = "long: brings in two hundred megabytes"]
async fn an_import_ten_times_as_large_takes_no_more_memory() {
    let house = House::open().await;
    let mut peaks = Vec::new();
    for patients in [100, 1000] {
        let practice = house.practice().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = write_files(folder.path(), patients, 620, in_words);
        let said = bring_in(&house, practice, folder.path(), false).await;
        assert_eq!((said.total().reject, said.total().add + said.total().keep), (0, patients as u64 * 29), "{said}");
        peaks.push(memory_max_mib());
        eprintln!("{} MB brought in: at most {} MiB", bytes / 1_000_000, memory_max_mib());
    }
    assert!(peaks[1] - peaks[0] < 32, "of 180 MB more, {peaks:?} MiB");
}

/// One bundle, each patient behind what is about them: 100 kB a patient.
fn write_bundle(file: &Path, patients: usize) {
    let mut file = BufWriter::new(File::create(file).unwrap());
    file.write_all(br#"{"resourceType":"Bundle","type":"collection","entry":["#).unwrap();
    for n in 0..patients {
        let comma = if n == 0 { "" } else { "," };
        let about = allergy(&format!("a{n}"), &format!("p{n}"), &"Latex, and more ".repeat(600));
        let letter = format!(
            r#"{{"resourceType":"QuestionnaireResponse","id":"o{n}","status":"completed","subject":{{"reference":"Patient/p{n}"}},"item":[{{"linkId":"1","text":"{}"}}]}}"#,
            "x".repeat(90_000)
        );
        let patient = patient(&format!("p{n}"), "Quintal", "1980-02-03");
        write!(file, r#"{comma}{{"resource":{about}}},{{"resource":{letter}}},{{"resource":{patient}}}"#).unwrap();
    }
    file.write_all(b"]}").unwrap();
    file.into_inner().unwrap();
}

/// A table with a note of 100 kB in each row.
fn write_table(file: &Path, patients: usize) {
    let mut file = BufWriter::new(File::create(file).unwrap());
    writeln!(file, "id;surname;dob;notes").unwrap();
    for n in 0..patients {
        writeln!(file, "{n};Quintal;1980-02-03;\"{}\"", "a note\n".repeat(14_000)).unwrap();
    }
    file.into_inner().unwrap();
}

#[tokio::test]
#[ignore = "long: brings in two hundred megabytes"]
async fn a_bundle_and_a_table_ten_times_as_large_take_no_more_memory() {
    let house = House::open().await;
    let mut peaks = Vec::new();
    for patients in [100, 1000] {
        let (bundles, tables) = (house.practice().await, house.practice().await);
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle.json");
        write_bundle(&bundle, patients);
        let said = bring_in(&house, bundles, &bundle, false).await;
        assert_eq!((said.total().reject, said.total().add + said.total().keep), (0, patients as u64 * 3), "{said}");
        let table = folder.path().join("table.csv");
        write_table(&table, patients);
        let mapping = look_at_csv(&table, Said::default()).unwrap().proposed();
        let settings = ImportSettings { source: "test".to_owned(), dry_run: false, named: Vec::new() };
        let said = import_csv(&house.store, tables, &table, &mapping, &settings, &mut |_| {}).await.unwrap();
        assert_eq!((said.total().reject, said.total().add), (0, patients as u64 * 2), "{said}");
        peaks.push(memory_max_mib());
        eprintln!("bundle and table of {patients}: at most {} MiB", memory_max_mib());
    }
    assert!(peaks[1] - peaks[0] < 32, "of 180 MB more, {peaks:?} MiB");
}

/// From being agreed to until the archive is ready. What the export takes for itself is the difference to what the
/// bringing in took before. It is printed, and held to nothing but a bound that would notice a whole practice in memory.
#[tokio::test]
#[ignore = "long: brings in and takes out a hundred megabytes"]
async fn an_export_of_thousands_of_patients_prints_its_speed_and_its_memory() {
    let house = House::open().await;
    for patients in [1_000_u32, 3_000] {
        let practice = house.practice().await;
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path(), patients as usize, 60, in_numbers);
        let said = bring_in(&house, practice, folder.path(), false).await;
        assert_eq!(said.total().reject, 0, "{said}");
        let before_mib = memory_max_mib();
        let began = std::time::Instant::now();
        let (owner, doctor) = two(&house, practice).await;
        let id = ask_whole(&house, &owner, &Identity::fresh()).await.unwrap();
        approve(&house.store, &doctor, house.key(), id).await.unwrap();
        work_off(&house, practice).await;
        let took = began.elapsed();
        let bytes = layout(&house.store, &owner, id).await.unwrap().bytes;
        let records = patients * 29;
        eprintln!(
            "{patients} patients, {records} records, an archive of {} MB: {:.1} s, {:.0} records a second; at most {} MiB \
             ({before_mib} MiB before)",
            bytes / 1_000_000,
            took.as_secs_f64(),
            f64::from(records) / took.as_secs_f64(),
            memory_max_mib()
        );
        assert!(memory_max_mib() < 400, "{} MiB", memory_max_mib());
    }
}

#[tokio::test]
#[ignore = "long: seven thousand records there and back"]
async fn every_patient_of_the_sample_goes_there_and_back_beside_merges_of_every_kind() {
    crate::export_merged::there_and_back(usize::MAX).await;
}
