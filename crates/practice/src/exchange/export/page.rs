//! Pages that can be read in any browser, without a network and without this program: an index, lists of
//! patients, and a page for each record with the texts and files of its documents.
//!
//! Everything that somebody wrote is escaped; the pages have no script, and say so themselves.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::PatientId;
use serde_json::Value;

use super::record::name_of;
use crate::exchange::archive::{END_BYTES, header, padding};
use crate::exchange::fhir::out::{ShownIdentifier, source_of};
use crate::patients::model::{EntryKind, is_blank, isolated};
use crate::patients::rows::{Alert, Entry, Patient};

/// No script, no form, nothing from anywhere: not even if a record holds something that looks like it.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;\
border-bottom:1px solid #8886}pre{white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid #8886;\
padding-left:.75rem;font:inherit}.alert{border:2px solid #c00;padding:.5rem}.off{text-decoration:line-through}\
h2{margin-top:2rem}</style>";

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Many small files in one part: a tar within the archive.
#[derive(Default)]
pub(super) struct Bundle {
    bytes: Vec<u8>,
    count: u64,
    modified: i64,
}

impl Bundle {
    /// Files that were all made at one moment, in seconds since 1970.
    pub(super) fn new(modified: i64) -> Self {
        Self { modified, ..Self::default() }
    }

    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        let bytes = content.len() as u64;
        let Some(header) = header(name, bytes, self.modified) else { return };
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(content);
        let end = self.bytes.len() + usize::try_from(padding(bytes)).unwrap_or(0);
        self.bytes.resize(end, 0);
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        let end = self.bytes.len() + END_BYTES;
        self.bytes.resize(end, 0);
        self.bytes
    }
}

/// One line of a list of patients.
pub(super) fn list_line(open: &Patient) -> String {
    let birth = open.demographics().birth.map(crate::patients::model::BirthDate::iso).unwrap_or_default();
    let name = match name_of(open) {
        name if is_blank(&name) => "No name".to_owned(),
        name => isolated(&name),
    };
    let went =
        open.merged_into.map(|into| format!("<br>Made one with <a href=\"../patients/{into}.html\">this record</a>"));
    format!(
        "<tr><td><a href=\"../patients/{}.html\"><bdi>{}</bdi></a>{}</td><td>{}</td></tr>\n",
        open.id,
        escaped(&name),
        went.unwrap_or_default(),
        escaped(&birth)
    )
}

/// A list of patients, as one page of several.
pub(super) fn list_page(number: i32, lines: &str) -> Vec<u8> {
    format!(
        "{HEAD}<title>Patients, page {n}</title></head><body><p><a href=\"../index.html\">All pages</a></p>\
         <h1>Patients, page {n}</h1><table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Born</th></tr></thead>\
         <tbody>\n{lines}</tbody></table></body></html>\n",
        n = number + 1
    )
    .into_bytes()
}

/// What the index says of the whole.
pub(super) struct Whole<'a> {
    pub(super) practice: &'a str,
    pub(super) taken: &'a str,
    pub(super) lists: usize,
    pub(super) tables: &'a [String],
    pub(super) counts: &'a [(String, u64)],
}

/// The first page.
pub(super) fn index_page(whole: &Whole<'_>) -> Vec<u8> {
    let mut page = format!(
        "{HEAD}<title>Exported records</title></head><body><h1>Records of <bdi>{}</bdi></h1>\
         <p>As they stood on {}. These pages need no program but a browser, and no network.</p><h2>Patients</h2><ul>\n",
        escaped(&isolated(whole.practice)),
        escaped(whole.taken)
    );
    for number in 0..whole.lists {
        let _ = writeln!(page, "<li><a href=\"list/{number:03}.html\">Page {}</a></li>", number + 1);
    }
    page.push_str("</ul><h2>For a spreadsheet</h2><ul>\n");
    for name in whole.tables {
        let _ = writeln!(page, "<li><a href=\"{0}\">{0}</a></li>", escaped(name));
    }
    page.push_str("</ul><h2>For another system (FHIR R4)</h2><table><tbody>\n");
    for (kind, count) in whole.counts {
        let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{count}</td></tr>", escaped(kind));
    }
    page.push_str(
        "</tbody></table><p>The files that end in <code>.ndjson</code>. Who saw and changed what stands in the folder \
         <code>audit</code>; what proves that nothing was altered, in <code>proof</code>.</p></body></html>\n",
    );
    page.into_bytes()
}

/// A patient's page, or one of several where the record is long.
pub(super) struct Record<'a> {
    pub(super) patient: &'a Patient,
    pub(super) numbers: &'a [ShownIdentifier],
    pub(super) alerts: &'a [&'a Alert],
    pub(super) entries: &'a [&'a Entry],
    /// Records that were merged into this one: what belongs to them stands here.
    pub(super) came: &'a [PatientId],
    pub(super) page: i32,
    pub(super) more: bool,
}

fn page_name(patient: &Patient, page: i32) -> String {
    if page == 0 { format!("{}.html", patient.id) } else { format!("{}-{}.html", patient.id, page + 1) }
}

fn pair(page: &mut String, what: &str, value: &str) {
    if !is_blank(value) {
        let _ = writeln!(page, "<tr><th scope=\"row\">{what}</th><td><bdi>{}</bdi></td></tr>", escaped(value));
    }
}

impl Record<'_> {
    /// Adds the page, and the files that its documents hold.
    pub(super) fn write(&self, bundle: &mut Bundle) {
        let patient = self.patient;
        let name = match name_of(patient) {
            name if is_blank(&name) => "No name".to_owned(),
            name => isolated(&name),
        };
        let mut page =
            format!("{HEAD}<title>Record</title></head><body><p><a href=\"../index.html\">All pages</a></p>");
        let _ = write!(page, "<h1><bdi>{}</bdi></h1>", escaped(&name));
        for alert in self.alerts.iter().filter(|alert| alert.active) {
            let _ = writeln!(page, "<p class=\"alert\"><strong>Alert:</strong> {}</p>", escaped(&alert.text));
        }
        if let Some(into) = patient.merged_into {
            let _ = writeln!(
                page,
                "<p>This record was made one with <a href=\"{into}.html\">another of the same person</a>. Everything that \
                 was written in it stands there.</p>"
            );
        }
        if self.page == 0 {
            self.particulars(&mut page);
        }
        for kind in EntryKind::ALL.iter().map(|kind| Some(*kind)).chain([None]) {
            self.kind(kind, &mut page, bundle);
        }
        if self.page > 0 {
            let _ = write!(page, "<p><a href=\"{}\">The page before</a></p>", page_name(patient, self.page - 1));
        }
        if self.more {
            let _ = write!(page, "<p><a href=\"{}\">The next page</a></p>", page_name(patient, self.page + 1));
        }
        page.push_str("</body></html>\n");
        bundle.add(&format!("patients/{}", page_name(patient, self.page)), page.as_bytes());
    }

    fn particulars(&self, page: &mut String) {
        let known = self.patient.demographics();
        page.push_str("<table><tbody>\n");
        for name in &known.names {
            let use_ = name.use_.map(|use_| format!(" ({})", use_.code())).unwrap_or_default();
            pair(page, "Name", &format!("{}{use_}", name.display()));
        }
        pair(page, "Born", &known.birth.map(crate::patients::model::BirthDate::iso).unwrap_or_default());
        pair(page, "Gender", known.gender.map(crate::patients::model::Gender::label).unwrap_or_default());
        pair(page, "Pronouns", known.pronouns.as_deref().unwrap_or_default());
        if known.deceased.as_ref().is_some_and(crate::patients::model::Deceased::is_dead) {
            pair(page, "Deceased", "yes");
        }
        for away in self.came {
            let _ = writeln!(
                page,
                "<tr><th scope=\"row\">Made one with</th><td><a href=\"{away}.html\">another record of the same \
                 person</a>, whose entries stand here too</td></tr>"
            );
        }
        if !self.patient.active {
            pair(page, "Record", "not in use");
        }
        if self.patient.restricted {
            pair(page, "Record", "was open to named people only");
        }
        for number in self.numbers {
            if let ShownIdentifier::Whole(_, identifier) = number {
                pair(page, &escaped(identifier.kind.label()), &identifier.value);
            }
        }
        for point in &known.contacts {
            let system = point.system.map_or("contact", crate::patients::model::ContactSystem::code);
            pair(page, system, point.value.as_deref().unwrap_or_default());
        }
        for address in &known.addresses {
            pair(page, "Address", &address.lines().join(", "));
        }
        for language in &known.languages {
            pair(page, "Language", language.language.words().unwrap_or_default());
        }
        for person in known.people() {
            let words = [person.name.as_str(), &person.phone, &person.email, &person.address];
            let words: Vec<&str> = words.into_iter().filter(|words| !is_blank(words)).collect();
            pair(page, person.relation_words(), &words.join(", "));
        }
        page.push_str("</tbody></table>\n");
    }

    /// The entries of a kind; `None` for those that have no room of their own.
    fn kind(&self, kind: Option<EntryKind>, page: &mut String, bundle: &mut Bundle) {
        let of_kind: Vec<&Entry> =
            self.entries.iter().copied().filter(|entry| EntryKind::of_stored(&entry.kind) == kind).collect();
        if of_kind.is_empty() {
            return;
        }
        let _ = writeln!(page, "<h2>{}</h2><table><tbody>", kind.map_or("Other", EntryKind::label));
        for entry in of_kind {
            write_entry(entry, page, bundle);
        }
        page.push_str("</tbody></table>\n");
    }
}

fn write_entry(entry: &Entry, page: &mut String, bundle: &mut Bundle) {
    let said = &entry.summary;
    let when = said.when.as_ref().map(crate::patients::model::Moment::date_words).unwrap_or_default();
    let off = if said.in_error { " class=\"off\"" } else { "" };
    let _ = write!(page, "<tr{off}><td>{}</td><td>{}", escaped(&when), escaped(&said.said()));
    for words in [&said.status, &said.criticality, &said.reaction, &said.flag, &said.author].into_iter().flatten() {
        let _ = write!(page, "<br>{}", escaped(words));
    }
    if said.in_error {
        page.push_str("<br>Taken back: this was entered in error");
    }
    let body = entry.body.read();
    if let Some(body) = &body {
        for words in body.dosage.iter().chain(&body.reasons).chain(&body.outcomes).chain(&body.remarks) {
            let _ = write!(page, "<br>{}", escaped(words));
        }
        for text in body.texts() {
            let _ = write!(page, "<pre>{}</pre>", escaped(text));
        }
    }
    for (name, label, content) in files_of(entry) {
        bundle.add(&name, &content);
        let _ = write!(page, "<br><a href=\"../{name}\">{}</a>", escaped(&label));
    }
    page.push_str("</td></tr>\n");
}

/// The files of a document: where they go, what they are called, and their bytes.
fn files_of(entry: &Entry) -> Vec<(String, String, Vec<u8>)> {
    let Some(source) = source_of(entry) else { return Vec::new() };
    let content = source.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut files = Vec::new();
    for (at, part) in content.iter().enumerate() {
        let Some(attachment) = part.get("attachment") else { continue };
        let text = |name| attachment.get(name).and_then(Value::as_str);
        let Some(bytes) = text("data").and_then(|data| STANDARD.decode(data).ok()).filter(|bytes| !bytes.is_empty())
        else {
            continue;
        };
        let ending = ending(text("contentType").unwrap_or_default());
        let name = format!("files/{}/{}-{}.{ending}", entry.patient_id, entry.id, at + 1);
        let label = text("title").filter(|title| !is_blank(title)).map_or_else(|| format!("File {}", at + 1), isolated);
        files.push((name, label, bytes));
    }
    files
}

/// How a file's name ends, by its media type: of those that open as something to look at. What could run when
/// it is opened (a page, a script) is given as text.
fn ending(media_type: &str) -> &'static str {
    match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/pdf" => "pdf",
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/tiff" => "tif",
        "application/dicom" => "dcm",
        "application/rtf" | "text/rtf" => "rtf",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        kind if kind.starts_with("text/") || kind.ends_with("xml") || kind.ends_with("json") => "txt",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_is_never_markup() {
        assert_eq!(
            escaped("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
    }

    #[test]
    fn a_file_that_could_run_is_given_as_text() {
        for kind in ["text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", "image/svg+xml"] {
            assert_eq!(ending(kind), "txt", "{kind}");
        }
        for kind in ["application/javascript", "application/x-msdownload", "", "nonsense"] {
            assert_eq!(ending(kind), "bin", "{kind}");
        }
    }
}
