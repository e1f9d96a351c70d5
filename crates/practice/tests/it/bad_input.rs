use std::io::Write as _;

use store::Role;
use testkit::House;

use crate::desk::found;
use crate::import::{bring_in, folder_with, patient};

/// Each line of bad input of the issue's list, beside one good patient: the good one always comes in.
#[tokio::test]
async fn bad_lines_are_rejected_and_the_rest_comes_in() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let folder = folder_with(&[]);
    let mut file = std::fs::File::create(folder.path().join("Patient.ndjson")).unwrap();
    let mut line = |bytes: &[u8]| {
        file.write_all(bytes).unwrap();
        file.write_all(b"\n").unwrap();
    };
    line(patient("good", "Goodwin", "1980-02-03").as_bytes());
    line(br#"{"resourceType":"Patient","id":7}"#);
    line(br#"{"resourceType":"Patient","id":"wrong","name":"Smith"}"#);
    line(b"{\"resourceType\":\"Patient\",\"id\":\"utf\",\"gender\":\"\xff\xfe\"}");
    line(b"{\"resourceType\":\"Patient\",\"id\":\"nul\",\"gender\":\"\0\"}");
    line(patient("zero", "Zero", "0000-01-01").as_bytes());
    line(patient("far", "Far", "9999-12-31").as_bytes());
    line(patient("long", &"x".repeat(10_000), "1980-02-03").as_bytes());
    line(patient("good", "Duplicate", "1980-02-03").as_bytes());
    line(
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"deep\",\"extension\":{}{}}}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        )
        .as_bytes(),
    );
    line(br#"{"resourceType":"Patient","id":"cut","name":[{"fam"#);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (1, 10), "{said}");
    assert_eq!(said.findings.iter().filter(|finding| finding.reason.is_empty()).count(), 0, "each says why");
    assert_eq!(found(&house, &reception, "goodwin").await.len(), 1);
}

#[tokio::test]
async fn names_that_break_other_systems_come_in_as_they_are_written() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let names = [
        ("a", "الأحمد", "الأحمد"),
        ("b", "शर्मा", "शर्मा"),
        ("c", "王芳", "王芳"),
        ("d", "Rosé🌹", "rosé"),
        ("e", "\u{200f}כהן\u{200f}", "כהן"),
    ];
    let text: String = names.iter().map(|(id, name, _)| patient(id, name, "1980-02-03") + "\n").collect();
    let folder = folder_with(&[("Patient.ndjson", text)]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (5, 0), "{said}");
    for (_, _, query) in names {
        assert_eq!(found(&house, &reception, query).await.len(), 1, "{query}");
    }
}

#[tokio::test]
async fn a_line_of_a_hundred_megabytes_is_passed_over() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = folder_with(&[]);
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.path().join("Patient.ndjson")).unwrap());
    file.write_all(b"{\"resourceType\":\"Patient\",\"id\":\"huge\",\"gender\":\"").unwrap();
    let piece = vec![b'x'; 1 << 16];
    for _ in 0..1600 {
        file.write_all(&piece).unwrap();
    }
    file.write_all(b"\"}\n").unwrap();
    writeln!(file, "{}", patient("after", "Afterwards", "1980-02-03")).unwrap();
    drop(file);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (1, 1), "{said}");
    assert!(said.findings[0].reason.contains("16 MiB"));
}
