use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use kernel::PracticeId;
use practice::exchange::csv::{Field, Look, Mapping, Said, Target};
use practice::exchange::fhir::Report;
use practice::exchange::{ImportError, ImportSettings, import_csv, import_vcard, known_mapping, look_at_csv};
use practice::patients::model::DateOrder;
use practice::patients::reads::{self, EntryFilter};
use store::Role;
use testkit::House;

use crate::desk::found;

const GERMAN: &str = "Pat.-Nr.;Nachname;Vorname;Geburtsdatum;Geschlecht;Telefon;Warnhinweis;Bemerkung;Kasse\r\n\
    17;Müller;Jürgen;03.04.1980;m;0221 5550143;Latexallergie;ruhig;AOK\r\n\
    18;Weiß;Jörg;31.12.1955;m;;;;TK\r\n\
    19;Özdemir;Ayşe;29.02.1981;w;;;;\r\n";

fn settings(dry_run: bool) -> ImportSettings {
    ImportSettings { source: "old system".to_owned(), dry_run, named: Vec::new() }
}

fn written(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn looked(file: &Path) -> Look {
    look_at_csv(file, Said::default()).unwrap()
}

fn day_first(file: &Path) -> Mapping {
    Mapping { dates: Some(DateOrder::DayMonthYear), ..looked(file).proposed() }
}

async fn bring_in(
    house: &House,
    practice: PracticeId,
    file: &Path,
    mapping: &Mapping,
    dry_run: bool,
) -> Result<Report, ImportError> {
    import_csv(&house.store, practice, file, mapping, &settings(dry_run), &mut |_| {}).await
}

#[tokio::test]
async fn a_table_comes_in_with_its_alerts_and_notes_and_twice_it_changes_nothing() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "patienten.csv", GERMAN.as_bytes());
    let mapping = day_first(&file);
    let dry = bring_in(&house, practice, &file, &mapping, true).await.unwrap();
    assert_eq!(found(&house, &doctor, "müller").await, [], "a dry run changes nothing");
    let done = bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    assert_eq!(done, dry);
    assert_eq!((done.counts["Patient"].add, done.total().reject), (2, 1), "{done}");
    assert_eq!(
        done.findings[0].to_string(),
        "patienten.csv:4: reject: column 4 (birth date) is no date with the day first"
    );
    assert!(done.findings[1].reason.contains("\"Kasse\" was left out: 2 cells"), "{done}");
    let muller = found(&house, &doctor, "muller").await;
    let opened = reads::open(&house.store, &doctor, muller[0]).await.unwrap();
    assert_eq!(opened.alerts.len(), 1);
    let page = reads::entries(&house.store, &doctor, muller[0], &EntryFilter::default()).await.unwrap();
    assert_eq!(page.total, 1, "the note");
    let again = bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    assert_eq!((again.total().add, again.total().matched, again.total().skip), (0, 0, 3), "{again}");
}

#[tokio::test]
async fn a_row_that_changed_is_taken_over_by_its_record_number() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "patienten.csv", GERMAN.as_bytes());
    let mapping = day_first(&file);
    bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    let married = GERMAN.replace("Weiß;Jörg", "Schwarz;Jörg").replace("Latexallergie", "Latexallergie und Nüsse");
    let file = written(&folder, "neu.csv", married.as_bytes());
    let done = bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    assert_eq!((done.total().add, done.total().matched), (0, 2), "{done}");
    assert_eq!(found(&house, &doctor, "schwarz").await.len(), 1);
    let muller = found(&house, &doctor, "müller").await;
    let opened = reads::open(&house.store, &doctor, muller[0]).await.unwrap();
    assert_eq!(opened.alerts.len(), 2, "a warning is added and none is taken away");
}

#[tokio::test]
async fn a_mapping_is_kept_sealed_and_offered_again_for_the_same_columns() {
    let house = House::open().await;
    let (practice, other) = (house.practice().await, house.practice().await);
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "patienten.csv", GERMAN.as_bytes());
    let mut mapping = day_first(&file);
    let look = looked(&file);
    assert!(known_mapping(&house.store, practice, &look).await.unwrap().is_none());
    bring_in(&house, practice, &file, &mapping, true).await.unwrap();
    assert!(known_mapping(&house.store, practice, &look).await.unwrap().is_none(), "a dry run keeps nothing");
    bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    mapping.columns[8].to = Target::Field(Field::Keep);
    bring_in(&house, practice, &file, &mapping, false).await.unwrap();
    let newer = written(
        &folder,
        "andere.csv",
        b"PAT.-NR.;Nachname;Vorname;geburtsdatum;Geschlecht;Telefon;Warnhinweis;Bemerkung;Kasse\n1;A;B;1.1.1990;;;;;\n",
    );
    let known = known_mapping(&house.store, practice, &looked(&newer)).await.unwrap().expect("the last one");
    assert!(known == mapping);
    assert!(known_mapping(&house.store, other, &look).await.unwrap().is_none(), "it is this practice's own");
    let less = written(&folder, "weniger.csv", b"Nachname;Vorname\nA;B\n");
    assert!(known_mapping(&house.store, practice, &looked(&less)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_must_be_asked_stops_a_table_before_anything_is_written() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "patienten.csv", GERMAN.as_bytes());
    let asked = bring_in(&house, practice, &file, &looked(&file).proposed(), false).await.unwrap_err();
    assert!(asked.to_string().contains("column 4 has birth dates whose order"), "{asked}");
    let mut other = day_first(&file);
    other.columns.pop();
    let asked = bring_in(&house, practice, &file, &other, false).await.unwrap_err();
    assert!(asked.to_string().contains("belongs to another file"), "{asked}");
    assert_eq!(found(&house, &doctor, "jörg").await, []);
}

#[tokio::test]
async fn bad_tables_are_told_what_is_wrong_and_their_good_rows_come_in() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = tempfile::tempdir().unwrap();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let latin = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect::<Vec<u8>>();
    let wide = format!("{}\n", (0..10_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","));
    for (name, bytes, query, reason) in [
        ("utf16.csv", utf16("surname;dob\nUtfson;1980-02-03\n"), "utfson", ""),
        ("latin.csv", latin("surname;first name\nMüllerson;Jürgen\nWeiß;Jörg\n"), "müllerson", ""),
        (
            "open.csv",
            b"surname,dob\nOpenson,1980-02-03\n\"Never,1980-02-03\nLost,1980-02-03\n".to_vec(),
            "openson",
            "never closed",
        ),
        ("nul.csv", b"surname,dob\nNulson,1980-02-03\nN\0,1980-02-03\n".to_vec(), "nulson", "NUL"),
        ("formula.csv", b"surname,first name\n=cmd|' /C calc'!A0,Formula\n".to_vec(), "formula", ""),
        ("marks.csv", "surname,first name\n\u{200f}כהן\u{200f},Marks\n".as_bytes().to_vec(), "marks", ""),
        ("twice.csv", b"surname,phone,phone,,\nTwiceson,0825550143,0825550144,,\n".to_vec(), "twiceson", ""),
    ] {
        let file = written(&folder, name, &bytes);
        let done = bring_in(&house, practice, &file, &looked(&file).proposed(), false).await.unwrap();
        assert_eq!(found(&house, &doctor, query).await.len(), 1, "{name}: {done}");
        let wrong = done.findings.iter().any(|finding| !reason.is_empty() && finding.reason.contains(reason));
        assert_eq!((wrong, done.total().reject), (!reason.is_empty(), u64::from(!reason.is_empty())), "{name}: {done}");
    }
    let file = written(&folder, "wide.csv", wide.as_bytes());
    let refused = look_at_csv(&file, Said::default()).err().unwrap().to_string();
    assert!(refused.contains("more than 1000 columns"), "{refused}");
    let file = written(&folder, "empty.csv", b"\n\n");
    assert!(look_at_csv(&file, Said::default()).err().unwrap().to_string().contains("no row"));
}

#[tokio::test]
async fn a_table_with_a_line_of_a_hundred_megabytes_comes_in_around_it() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.csv");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    file.write_all(b"surname,dob\nBefore,1980-02-03\n").unwrap();
    let piece = vec![b'x'; 1 << 16];
    for _ in 0..1600 {
        file.write_all(&piece).unwrap();
    }
    file.write_all(b"\nAfterwards,1980-02-03\n").unwrap();
    drop(file);
    let done = bring_in(&house, practice, &path, &looked(&path).proposed(), false).await.unwrap();
    assert_eq!((done.total().add, done.total().reject), (2, 1), "{done}");
    assert!(done.findings[0].reason.contains("1 MiB"), "{done}");
}

#[tokio::test]
async fn a_table_whose_import_was_cut_short_is_finished_by_the_same_again() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..450).map(|n| format!("{n};Quintal;Ana;1980-02-03")).collect();
    let file = written(&folder, "many.csv", format!("id;surname;first name;dob\n{}\n", rows.join("\n")).as_bytes());
    let mapping = looked(&file).proposed();
    let settings = settings(false);
    let cut = tokio::spawn({
        let (store, file, mapping) = (house.store.clone(), file.clone(), mapping.clone());
        let settings = settings.clone();
        async move {
            let mut batches = 0;
            let mut told = |_: &practice::exchange::Progress| {
                batches += 1;
                assert!(batches < 2, "the power goes");
            };
            import_csv(&store, practice, &file, &mapping, &settings, &mut told).await.map(|_| ())
        }
    });
    assert!(cut.await.unwrap_err().is_panic());
    let done = import_csv(&house.store, practice, &file, &mapping, &settings, &mut |_| {}).await.unwrap();
    assert_eq!(done.total().add, 450, "{done}");
    let again = import_csv(&house.store, practice, &file, &mapping, &settings, &mut |_| {}).await.unwrap();
    assert_eq!((again.total().add, again.total().skip), (0, 450));
}

#[tokio::test]
async fn cards_come_in_and_twice_they_change_nothing() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        &folder,
        "people.vcf",
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Lindiwe Mokoena\r\nN:Mokoena;Lindiwe;;;\r\nBDAY:19840307\r\n\
         TEL;TYPE=cell:082 555 0143\r\nNOTE:Speaks isiZulu\r\nORG:Bakery\r\nEND:VCARD\r\n\
         BEGIN:VCARD\r\nVERSION:3.0\r\nTEL:1234\r\nEND:VCARD\r\n"
            .as_bytes(),
    );
    let bring = |dry_run| {
        let (store, file) = (house.store.clone(), file.clone());
        async move { import_vcard(&store, practice, &file, &settings(dry_run), &mut |_| {}).await.unwrap() }
    };
    let dry = bring(true).await;
    let done = bring(false).await;
    assert_eq!(dry, done);
    assert_eq!((done.total().add, done.total().reject, done.total().warn), (2, 1, 1), "{done}");
    assert_eq!(found(&house, &doctor, "mokoena").await.len(), 1);
    let again = bring(false).await;
    assert_eq!((again.total().add, again.total().skip), (0, 2), "{again}");
}
