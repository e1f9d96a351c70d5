//! What takes minutes: `cargo xtask test --long`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testkit::House;

use crate::import::{bring_in, patient};

/// Writes `patients` patients with eight letters of 24 kB and twenty observations each: 200 kB a patient.
fn write_files(folder: &Path, patients: usize) -> u64 {
    let open = |name: &str| BufWriter::new(File::create(folder.join(name)).unwrap());
    let (mut people, mut letters) = (open("Patient.ndjson"), open("DocumentReference.ndjson"));
    let mut observations = open("Observation.ndjson");
    for n in 0..patients {
        writeln!(people, "{}", patient(&format!("p{n}"), "Quintal", "1980-02-03")).unwrap();
        for letter in 0..8 {
            let data = STANDARD.encode(format!("Letter {letter} about number {n}. ").repeat(620));
            writeln!(
                letters,
                r#"{{"resourceType":"DocumentReference","id":"d{n}-{letter}","status":"current","subject":{{"reference":"Patient/p{n}"}},"description":"Letter","content":[{{"attachment":{{"contentType":"text/plain","data":"{data}"}}}}]}}"#
            )
            .unwrap();
        }
        for observation in 0..20 {
            writeln!(
                observations,
                r#"{{"resourceType":"Observation","id":"o{n}-{observation}","status":"final","subject":{{"reference":"Patient/p{n}"}},"valueString":"{}"}}"#,
                "x".repeat(150)
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
        let bytes = write_files(folder.path(), patients);
        let said = bring_in(&house, practice, folder.path(), false).await;
        assert_eq!((said.total().reject, said.total().add + said.total().keep), (0, patients as u64 * 29), "{said}");
        peaks.push(memory_max_mib());
        eprintln!("{} MB brought in: at most {} MiB", bytes / 1_000_000, memory_max_mib());
    }
    assert!(peaks[1] - peaks[0] < 32, "of 180 MB more, {peaks:?} MiB");
}
