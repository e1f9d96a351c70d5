//! The files of a document: text is decoded by its charset, anything else is kept as it is.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8};

use super::datatypes::WORDS_CHARS_MAX;
use super::object::Object;
use super::{Reject, datatypes};
use crate::patients::model::{Attachment, LINE_CHARS_MAX, Unread};

/// Base64 whose padding may have been left off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Below this, lifting the text out of the source saves nothing.
const LIFT_BYTES_MIN: usize = 64;

/// Reads `DocumentReference.content`. Text in UTF-8 is lifted out of `source`: there its base64
/// becomes an empty text, since the decoded text is the same bytes.
pub(super) fn contents(object: &mut Object<'_>, source: &mut String) -> Result<Vec<Attachment>, Reject> {
    object.objects("content", datatypes::ITEMS_MAX, |mut content| {
        let read = content.object("attachment", |attachment| attached(attachment, source))?;
        Ok(read.unwrap_or_else(|| Attachment { unread: Some(Unread::Elsewhere), ..Attachment::default() }))
    })
}

fn attached(mut object: Object<'_>, source: &mut String) -> Result<Attachment, Reject> {
    let content_type = object.line("contentType", LINE_CHARS_MAX)?;
    let title = object.block("title", WORDS_CHARS_MAX)?;
    let data = match object.take("data") {
        None => None,
        Some(serde_json::Value::String(data)) => Some(data),
        Some(_) => return Err(object.at().field("data").reject("must be text in base64")),
    };
    let blank = Attachment { content_type, title, ..Attachment::default() };
    let Some(data) = data else { return Ok(Attachment { unread: Some(Unread::Elsewhere), ..blank }) };

    // FHIR lets blanks stand in base64.
    let packed: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let Ok(bytes) = BASE64.decode(&packed) else {
        return Ok(Attachment { unread: Some(Unread::Damaged), ..blank });
    };
    let size = u64::try_from(bytes.len()).ok();
    match decode(blank.content_type.as_deref(), &bytes) {
        Err(unread) => Ok(Attachment { unread: Some(unread), bytes: size, ..blank }),
        Ok(text) => {
            let same = text.as_bytes() == bytes && BASE64.encode(&text) == data;
            let lifted = same && data.len() >= LIFT_BYTES_MIN && lift(source, &data);
            Ok(Attachment { text: Some(text), bytes: size, lifted, ..blank })
        }
    }
}

/// Empties the one JSON text in `source` that is exactly `data`; does nothing if there is none (it
/// is written with escapes) or more than one.
fn lift(source: &mut String, data: &str) -> bool {
    let quoted = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| source.as_bytes().get(before));
        before == Some(&b'"') && source.as_bytes().get(at + data.len()) == Some(&b'"')
    };
    let mut places = source.match_indices(data).map(|(at, _)| at).filter(|at| quoted(*at));
    let (Some(at), None) = (places.next(), places.next()) else { return false };
    source.replace_range(at..at + data.len(), "");
    true
}

/// The text that bytes are, by the media type's charset: UTF-8 where none is named.
fn decode(content_type: Option<&str>, bytes: &[u8]) -> Result<String, Unread> {
    let (media, parameters) =
        content_type.unwrap_or_default().split_once(';').unwrap_or((content_type.unwrap_or_default(), ""));
    let media = media.trim().to_ascii_lowercase();
    if !media.is_empty() && !is_text(&media) {
        return Err(Unread::NotText);
    }
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    let named = match charset {
        None => UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or(Unread::Charset)?,
    };
    // A byte order mark tells the two kinds of UTF-16 apart, and stays part of a UTF-8 text.
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some((found, mark)) if found != UTF_8 && (charset.is_none() || named != UTF_8) => (found, mark),
        _ => (named, 0),
    };
    let body = bytes.get(mark..).unwrap_or(bytes);
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    let failed = if media.is_empty() { Unread::NotText } else { Unread::Charset };
    text.map(std::borrow::Cow::into_owned).filter(|text| !text.contains('\0')).ok_or(failed)
}

/// Media types whose text means something to a reader. RTF is text only for machines.
fn is_text(media: &str) -> bool {
    match media {
        "text/rtf" | "text/richtext" => false,
        "application/json" | "application/xml" | "application/xhtml+xml" => true,
        _ => media.starts_with("text/") || media.ends_with("+json") || media.ends_with("+xml"),
    }
}
