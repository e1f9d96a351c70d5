use encoding_rs::{UTF_8, WINDOWS_1252};
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::exchange::fhir::{PatientImport, Resource};
use crate::patients::model::{ContactSystem, ContactUse, Gender};

const TODAY: Date = date(2026, 11, 22);

/// What each card came to, by its line.
type Came = Vec<(u64, Result<Resource, String>)>;

fn read(bytes: &[u8]) -> (Came, Report) {
    let encoding = crate::exchange::csv::encoding_of(bytes).unwrap();
    let left_out = Arc::new(LeftOut::default());
    let cards = Cards::new("people.vcf", Utf8::new(bytes, encoding), Arc::clone(&left_out), TODAY);
    let found = cards.map(|line| line.unwrap());
    let found = found.map(|line| (line.number, line.result.map(|(_, r)| r).map_err(|why| why.to_string()))).collect();
    let mut report = Report::default();
    left_out.report("people.vcf", &mut report);
    (found, report)
}

fn patient(text: &str) -> PatientImport {
    match read(text.as_bytes()).0.remove(0).1 {
        Ok(Resource::Patient(patient)) => *patient,
        other => panic!("{:?}", other.map(|_| ())),
    }
}

fn reasons(text: &str) -> Vec<String> {
    read(text.as_bytes())
        .0
        .into_iter()
        .map(|(line, found)| format!("{line} {}", found.err().unwrap_or_default()))
        .collect()
}

const FOUR: &str = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:1\r\nFN:Dr. Lindiwe Mokoena\r\n\
    N:Mokoena;Lindiwe;Grace,Thandi;Dr.;PhD\r\nNICKNAME:Lindi\r\nBDAY:19840307\r\nGENDER:F\r\n\
    TEL;VALUE=uri;PREF=1;TYPE=\"voice,cell\":tel:+27-82-555-0143\r\nTEL;TYPE=fax:011 555 0100\r\n\
    EMAIL;TYPE=work:lindi@example.org\r\nADR;TYPE=home:;;12 Long Street\\, Unit 4;Johannesburg;Gauteng;2000;ZA\r\n\
    LANG:zu\r\nNOTE:First line\\nsecond\\; line that is fol\r\n ded here\r\nORG:Somewhere\r\nX-COLOUR:blue\r\n\
    PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r\nEND:VCARD\r\n";

#[test]
fn a_card_of_version_four_becomes_a_patient() {
    let found = patient(FOUR);
    let known = &found.demographics;
    assert_eq!(known.name().unwrap().display(), "Dr. Lindiwe Grace Thandi Mokoena PhD");
    assert_eq!(known.preferred_name().unwrap().display(), "Lindi");
    assert_eq!(known.birth.unwrap().iso(), "1984-03-07");
    assert_eq!(known.gender, Some(Gender::Female));
    let phone = &known.contacts[0];
    assert_eq!(
        (phone.value.as_deref(), phone.use_, phone.rank),
        (Some("+27-82-555-0143"), Some(ContactUse::Mobile), Some(1))
    );
    assert_eq!(known.contacts[1].system, Some(ContactSystem::Fax));
    assert_eq!(known.addresses[0].lines(), ["12 Long Street, Unit 4", "Johannesburg, Gauteng, 2000", "ZA"]);
    assert_eq!(known.languages[0].language.words(), Some("zu"));
    let (lines, report) = read(FOUR.as_bytes());
    let Ok(Resource::Entry { entry, .. }) = &lines[1].1 else { panic!("a note is an entry") };
    assert_eq!(entry.body.attachments[0].text.as_deref(), Some("First line\nsecond; line that is folded here"));
    let said: Vec<String> = report.findings.iter().map(|finding| finding.reason.clone()).collect();
    assert_eq!(
        said,
        [
            "ORG was left out: it stands there once",
            "PHOTO was left out: it stands there once",
            "X-COLOUR was left out: it stands there once",
        ]
    );
}

#[test]
fn cards_of_versions_three_and_two_are_read() {
    let three = "BEGIN:VCARD\nVERSION:3.0\nN:Ng;;;;\nFN:Ng\nitem1.TEL;type=CELL;type=pref:082 555 0143\nBDAY:1980-11-22T00:00:00Z\nEND:VCARD\n";
    let found = patient(three);
    assert_eq!(found.demographics.name().unwrap().display(), "Ng");
    assert_eq!(found.demographics.contacts[0].use_, Some(ContactUse::Mobile));
    assert_eq!(found.demographics.birth.unwrap().iso(), "1980-11-22");
    let two = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=FCr=\r\ngen\r\nTEL;CELL;VOICE:0171 5550143\r\nEND:VCARD\r\n";
    let found = patient(two);
    assert_eq!(found.demographics.name().unwrap().display(), "Jürgen Müller");
    assert_eq!(found.demographics.contacts[0].use_, Some(ContactUse::Mobile));
    let bytes = WINDOWS_1252
        .encode(
            "BEGIN:VCARD\nVERSION:3.0\nN:Müller;Jürgen;;;\nFN:Jürgen Müller\nADR:;;Königsstraße 5;Köln;;;\nEND:VCARD\n",
        )
        .0;
    assert!(
        matches!(&read(&bytes).0[0].1, Ok(Resource::Patient(p)) if p.demographics.name().unwrap().display() == "Jürgen Müller")
    );
}

#[test]
fn many_cards_stand_in_one_file_and_a_bad_one_stands_alone() {
    let good = |name: &str| format!("BEGIN:VCARD\nVERSION:4.0\nFN:{name}\nEND:VCARD\n");
    let text = [
        good("Ana"),
        "BEGIN:VCARD\nVERSION:4.0\nFN:Eva\nBDAY:22/11/1980\nEND:VCARD\n".to_owned(),
        "BEGIN:VCARD\nVERSION:4.0\nTEL:1234\nEND:VCARD\n".to_owned(),
        "BEGIN:VCARD\nFN:Ev\0e\nEND:VCARD\n".to_owned(),
        "BEGIN:VCARD\nKIND:group\nFN:Family\nEND:VCARD\n".to_owned(),
        "loose\n".to_owned(),
        good("Ida"),
        "BEGIN:VCARD\nFN:Never ended\n".to_owned(),
    ]
    .concat();
    assert_eq!(
        reasons(&text),
        [
            "1 ",
            "5 BDAY is no date with the year first",
            "10 name is missing: there is nothing to know this patient by",
            "14 line contains a NUL character",
            "17 KIND says that the card is not about a person",
            "21 line stands outside of any card: BEGIN:VCARD is missing",
            "22 ",
            "26 ",
        ]
    );
}

#[test]
fn a_birthday_without_a_year_and_words_of_a_gender_are_not_lost_unseen() {
    let found = patient("BEGIN:VCARD\nFN:Ana\nBDAY:--0411\nGENDER:O;mine\nEND:VCARD\n");
    assert_eq!(found.warnings[0].to_string(), "BDAY gives no year: left empty");
    assert!(found.demographics.rest.to_string().contains("mine"));
}

#[test]
fn a_line_of_a_hundred_megabytes_is_passed_over() {
    use std::io::{BufReader, Read as _};
    let hundred = io::repeat(b'x').take(100 * 1024 * 1024);
    let input = BufReader::new(
        (&b"BEGIN:VCARD\nFN:Ana\nNOTE:"[..])
            .chain(hundred)
            .chain(&b"\nEND:VCARD\nBEGIN:VCARD\nFN:Eva\nEND:VCARD\n"[..]),
    );
    let cards = Cards::new("big.vcf", Utf8::new(input, UTF_8), Arc::new(LeftOut::default()), TODAY);
    let said: Vec<String> =
        cards.map(|line| line.unwrap().result.map_or_else(|why| why.to_string(), |_| "taken".to_owned())).collect();
    assert_eq!(said, ["line is longer than 1 MiB", "taken"]);
}

proptest! {
    #[test]
    fn any_text_survives_escaping_and_folding(text in "[^\u{0}\r\u{FFFD}\u{FEFF}]{1,200}", every in 1_usize..40) {
        let escaped = text.replace('\\', "\\\\").replace('\n', "\\n").replace(',', "\\,").replace(';', "\\;");
        let line: Vec<char> = format!("NOTE:{escaped}").chars().collect();
        let folded: Vec<String> = line.chunks(every).map(|part| part.iter().collect()).collect();
        let folded = folded.join("\r\n ");
        let mut lines = Unfolded::new(folded.as_bytes());
        let Some(Cut::Line(unfolded)) = lines.advance().unwrap() else { panic!("no line") };
        prop_assert_eq!(Property::parse(&unfolded).unwrap().text(), text);
        prop_assert_eq!(lines.advance().unwrap(), None);
    }

    #[test]
    fn whatever_the_bytes_a_file_of_cards_is_read_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&[b"BEGIN:VCARD\n".as_slice(), &bytes, b"\nEND:VCARD\n"].concat());
    }
}
