//! What kind of file something is, from its first bytes.

use encoding_rs::Encoding;

use super::{FileKind, NotAFile};

/// Bytes that are looked at.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// How files begin that are no text, and what they are.
const BEGINNINGS: [(&[u8], NotAFile); 11] = [
    (b"%PDF", NotAFile::Pdf),
    (b"\xD0\xCF\x11\xE0", NotAFile::Spreadsheet),
    (b"\x1F\x8B", NotAFile::Packed),
    (b"7z\xBC\xAF", NotAFile::Packed),
    (b"Rar!", NotAFile::Packed),
    (b"age-encryption.org/", NotAFile::Packed),
    (b"\x89PNG", NotAFile::NoText),
    (b"\xFF\xD8\xFF", NotAFile::NoText),
    (b"GIF8", NotAFile::NoText),
    (b"\x7FELF", NotAFile::NoText),
    (b"SQLite format 3", NotAFile::NoText),
];

/// What stands in the directory of a workbook, near its beginning.
const WORKBOOKS: [&[u8]; 3] = [b"xl/", b"application/vnd.oasis.opendocument.spreadsheet", b"[Content_Types].xml"];

/// What kind of file begins so, and whether it is one JSON value.
///
/// # Errors
/// What it is, where it is none that could be brought in.
pub(super) fn kind_of(name: &str, head: &[u8], encoding: &'static Encoding) -> Result<(FileKind, bool), NotAFile> {
    if let Some((_, what)) = BEGINNINGS.iter().find(|(begin, _)| head.starts_with(begin)) {
        return Err(*what);
    }
    if head.starts_with(b"PK\x03\x04") {
        let has = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
        return Err(if WORKBOOKS.iter().any(|mark| has(mark)) { NotAFile::Spreadsheet } else { NotAFile::Packed });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(NotAFile::Packed);
    }
    let text = encoding.decode(head).0;
    let text = text.trim_start();
    if text.is_empty() {
        return Err(NotAFile::Empty);
    }
    if text.contains('\0') {
        return Err(NotAFile::NoText);
    }
    if text.starts_with('{') {
        return Ok((FileKind::Fhir, is_whole(name, text)));
    }
    let card = text.get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCARD"));
    Ok((if card { FileKind::Vcard } else { FileKind::Csv }, false))
}

/// Whether a file of JSON is one value: by its name, as at the command line; where the name does not say, a first
/// line that is no value by itself tells.
fn is_whole(name: &str, text: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("json") => true,
        Some("ndjson") => false,
        _ => {
            let line = text.lines().next().unwrap_or_default();
            let whole_line = text.len() > line.len();
            whole_line && serde_json::from_str::<serde::de::IgnoredAny>(line).is_err()
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, UTF_16LE};

    use super::*;

    fn kind(name: &str, head: &[u8]) -> Result<(FileKind, bool), NotAFile> {
        kind_of(name, head, UTF_8)
    }

    #[test]
    fn a_file_is_what_stands_in_it_and_not_what_its_name_says() {
        assert_eq!(kind("patients.csv", b"%PDF-1.7 ..."), Err(NotAFile::Pdf));
        assert_eq!(kind("patients.csv", b"PK\x03\x04....[Content_Types].xml"), Err(NotAFile::Spreadsheet));
        assert_eq!(kind("patients.csv", b"PK\x03\x04....photos/1.jpg"), Err(NotAFile::Packed));
        assert_eq!(kind("patients.csv", b"\x89PNG\r\n"), Err(NotAFile::NoText));
        assert_eq!(kind("patients.csv", b"a\0b"), Err(NotAFile::NoText));
        assert_eq!(kind("patients.csv", b" \r\n"), Err(NotAFile::Empty));
        assert_eq!(kind("anything", b"name,born\n"), Ok((FileKind::Csv, false)));
        assert_eq!(kind("patients.csv", b"begin:vcard\r\n"), Ok((FileKind::Vcard, false)));
        let wide: Vec<u8> = "name;born\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(kind_of("patients.csv", &wide, UTF_16LE), Ok((FileKind::Csv, false)));
    }

    #[test]
    fn one_json_value_is_told_from_many_lines_of_it() {
        assert_eq!(kind("Patient.ndjson", b"{\n"), Ok((FileKind::Fhir, false)));
        assert_eq!(kind("bundle.json", b"{\"resourceType\":\"Bundle\"}\n{"), Ok((FileKind::Fhir, true)));
        assert_eq!(kind("export", b"{\"resourceType\":\"Patient\"}\n{"), Ok((FileKind::Fhir, false)));
        assert_eq!(kind("export", b"{\n  \"resourceType\": \"Bundle\"\n}"), Ok((FileKind::Fhir, true)));
    }
}
