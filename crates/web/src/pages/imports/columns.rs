//! What the columns of a table are, with the first rows as they would become patients.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::tz::TimeZone;
use kernel::UploadId;
use practice::exchange::csv::{Column, Field, Look, Mapping, MappingProblem, ORDERS, Said, Target};
use practice::exchange::known_mapping;
use practice::exchange::uploads::preview::{PreviewRow, look, rows, samples};
use practice::exchange::uploads::reads::beginning;
use practice::exchange::uploads::writes::map;
use practice::exchange::uploads::{FileKind, Upload, UploadError};
use practice::patients::model::{DateOrder, Gender, HumanName};

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::fields::Fields;
use crate::pages::patients::said::birth;
use crate::text::{say, say_with};
use crate::views::imports::{ColumnRow, Columns, PreviewLine};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

/// The encodings that a page offers beside the one that was found.
const ENCODINGS: [&str; 8] =
    ["utf-8", "windows-1252", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "iso-8859-2", "macintosh"];

/// Separators by their names in the form.
const SEPARATORS: [(char, &str, &str); 4] = [
    (',', "comma", "separator-comma"),
    (';', "semicolon", "separator-semicolon"),
    ('\t', "tab", "separator-tab"),
    ('|', "bar", "separator-bar"),
];

/// A table as its page is about it.
struct Looked {
    upload: Upload,
    bytes: Vec<u8>,
    look: Result<Look, MappingProblem>,
}

async fn looked(app: &AppState, member: &Member, id: UploadId, said: Option<Said>) -> Result<Looked, PageError> {
    let (upload, bytes) = beginning(&app.store, &member.actor, id).await?;
    if upload.file_kind() != FileKind::Csv {
        return Err(PageError::MISSING);
    }
    let kept = upload.settings.mapping.as_ref().and_then(|mapping| Said::by(mapping).ok());
    let look = look(&upload, &bytes, said.or(kept).unwrap_or_default());
    Ok(Looked { upload, bytes, look })
}

/// `GET /practice/import/{upload}/columns`
pub(super) async fn form(State(app): State<AppState>, member: Member, At(id): At<UploadId>) -> Answer {
    let looked = looked(&app, &member, id, None).await?;
    let mapping = match (&looked.upload.settings.mapping, &looked.look) {
        (Some(mapping), _) => mapping.clone(),
        (None, Ok(look)) => proposed(&app, &member, look).await?,
        (None, Err(_)) => nothing(),
    };
    let genders = genders_said(&mapping);
    show(&view(&app, &member, &looked, &mapping, genders, Errors::none()).await?)
}

fn nothing() -> Mapping {
    let (encoding, separator, genders) = (None, None, BTreeMap::new());
    Mapping { encoding, separator, header: true, dates: None, genders, columns: Vec::new() }
}

/// What the practice said of such a table the last time; else what its columns most likely are.
async fn proposed(app: &AppState, member: &Member, look: &Look) -> Result<Mapping, PageError> {
    let found = look.proposed();
    let known = known_mapping(&app.store, member.actor.practice(), look).await?;
    let known = known.filter(|known| look.fits(known).is_ok());
    Ok(known.map_or(found.clone(), |known| Mapping {
        encoding: found.encoding,
        separator: found.separator,
        header: found.header,
        ..known
    }))
}

/// What the form says of how the file is written.
fn written(fields: &Fields) -> Result<(Said, Mapping), PageError> {
    let separator = SEPARATORS.iter().find(|(_, name, _)| *name == fields.text("separator")).map(|(c, ..)| *c);
    let mapping = Mapping {
        encoding: Some(fields.text("encoding").to_owned()).filter(|label| !label.is_empty()),
        separator,
        header: fields.text("header") == "yes",
        dates: DateOrder::ALL.iter().copied().find(|order| order.code() == fields.text("dates")),
        ..nothing()
    };
    let said = Said::by(&mapping).map_err(|_| PageError::BAD_REQUEST)?;
    Ok((said, mapping))
}

/// What a form says: the table read so, where its columns go, and what of it is no word for a gender.
async fn sent_form(
    app: &AppState,
    member: &Member,
    id: UploadId,
    fields: &Fields,
) -> Result<(Looked, Mapping, Errors), PageError> {
    let (said, mut mapping) = written(fields)?;
    let looked = looked(app, member, id, Some(said)).await?;
    let mut errors = Errors::none();
    match genders_typed(fields.text("genders")) {
        Ok(genders) => mapping.genders = genders,
        Err(line) => errors.add("genders", say_with("columns-genders-line", &[("line", &line)])),
    }
    if let Ok(look) = &looked.look {
        // Where it is read otherwise than before, its columns are proposed anew.
        let found = look.proposed();
        let target = |(at, column): (usize, Column)| {
            let chosen = Target::from_code(fields.text(&format!("column-{at}")));
            Column { to: chosen.unwrap_or(column.to), ..column }
        };
        let again = fields.text("act") == "read";
        mapping.columns =
            if again { found.columns } else { found.columns.into_iter().enumerate().map(target).collect() };
    }
    Ok((looked, mapping, errors))
}

/// `POST /practice/import/{upload}/columns`
pub(super) async fn send(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Fields>) -> Answer {
    let Sent { by: member, form: fields, once } = sent;
    let (looked, mapping, mut errors) = sent_form(&app, &member, id, &fields).await?;
    let genders = fields.text("genders").to_owned();
    if fields.text("act") != "save" {
        return show(&view(&app, &member, &looked, &mapping, genders, errors).await?);
    }
    if let Some(problem) = in_the_way(&looked, &mapping) {
        let (field, words) = said::mapping_problem(&problem);
        errors.add(field, words);
    }
    if errors.is_empty() {
        match map(&app.store, &member.actor, once, id, &mapping).await {
            Ok(()) => return go_to(&format!("/practice/import/{id}")),
            Err(UploadError::Store(error)) => return Err(error.into()),
            Err(error) => errors = said::refused(error)?,
        }
    }
    refuse(&view(&app, &member, &looked, &mapping, genders, errors).await?)
}

/// `POST /practice/import/{upload}/preview`: the same page; a script takes the preview out of it.
pub(super) async fn preview_it(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Fields>) -> Answer {
    let (looked, mapping, errors) = sent_form(&app, &sent.by, id, &sent.form).await?;
    let genders = sent.form.text("genders").to_owned();
    show(&view(&app, &sent.by, &looked, &mapping, genders, errors).await?)
}

/// What must be said otherwise before the table can be read so.
fn in_the_way(looked: &Looked, mapping: &Mapping) -> Option<MappingProblem> {
    let look = match &looked.look {
        Ok(look) => look,
        Err(problem) => return Some(problem.clone()),
    };
    if let Err(problem) = mapping.check().and_then(|()| look.fits(mapping)) {
        return Some(problem);
    }
    let birth = mapping.column_of(Field::BirthDate)?;
    let first = u64::from(mapping.header) + 1;
    let asks = mapping.dates.is_none() && look.asks_order;
    asks.then_some(MappingProblem::DateOrder { column: birth + 1, line: first })
}

fn genders_said(mapping: &Mapping) -> String {
    let lines: Vec<String> =
        mapping.genders.iter().map(|(word, gender)| format!("{word} = {}", gender.code())).collect();
    lines.join("\n")
}

/// Reads `H = male`, a line each. An error is the line that says something else.
fn genders_typed(text: &str) -> Result<BTreeMap<String, Gender>, usize> {
    let mut genders = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (word, gender) = line.split_once('=').ok_or(at + 1)?;
        let gender = Gender::from_code(&gender.trim().to_lowercase()).ok_or(at + 1)?;
        if word.trim().is_empty() {
            return Err(at + 1);
        }
        genders.insert(word.trim().to_owned(), gender);
    }
    Ok(genders)
}

async fn view(
    app: &AppState,
    member: &Member,
    looked: &Looked,
    mapping: &Mapping,
    genders: String,
    errors: Errors,
) -> Result<Columns, PageError> {
    let (columns, preview) = match &looked.look {
        Ok(look) => {
            let today = app.clock().now().to_zoned(TimeZone::UTC).date().tomorrow().unwrap_or(jiff::civil::Date::MAX);
            let preview = rows(look, &looked.bytes, mapping, today);
            (column_rows(look, mapping), preview.iter().map(line).collect())
        }
        Err(_) => (Vec::new(), Vec::new()),
    };
    let encoding = looked.look.as_ref().map_or_else(
        |_| mapping.encoding.clone().unwrap_or_default(),
        |look| look.encoding.name().to_ascii_lowercase(),
    );
    let separator = looked.look.as_ref().map_or(mapping.separator, |look| Some(look.separator));
    let header = looked.look.as_ref().map_or(mapping.header, |look| !look.names.is_empty());
    let mut encodings: Vec<&str> = ENCODINGS.to_vec();
    if !encodings.contains(&encoding.as_str()) && !encoding.is_empty() {
        encodings.push(&encoding);
    }
    Ok(Columns {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        id: looked.upload.id.to_string(),
        what: said::what(&looked.upload),
        encodings: encodings.iter().map(|name| Choice::new(*name, name.to_uppercase(), *name == encoding)).collect(),
        separators: SEPARATORS
            .iter()
            .map(|(character, name, key)| Choice::new(*name, say(key), Some(*character) == separator))
            .collect(),
        headers: vec![
            Choice::new("yes", say("import-header-yes"), header),
            Choice::new("no", say("import-header-no"), !header),
        ],
        dates: ORDERS
            .iter()
            .map(|(order, label)| Choice::new(order.code(), *label, mapping.dates == Some(*order)))
            .collect(),
        genders,
        columns,
        preview_problem: in_the_way(looked, mapping).map(|problem| said::mapping_problem(&problem).1),
        preview,
    })
}

fn column_rows(look: &Look, mapping: &Mapping) -> Vec<ColumnRow> {
    let row = |(at, samples): (usize, Vec<String>)| {
        let name = look.names.get(at).map(|name| name.trim()).filter(|name| !name.is_empty());
        let to = mapping.columns.get(at).map_or(Target::Field(Field::LeaveOut), |column| column.to);
        ColumnRow {
            field: format!("column-{at}"),
            name: name.map_or_else(|| say_with("import-column-number", &[("number", &(at + 1))]), str::to_owned),
            samples,
            targets: Target::all().map(|target| Choice::new(target.code(), target.label(), target == to)).collect(),
        }
    };
    samples(look).into_iter().enumerate().map(row).collect()
}

fn line(row: &PreviewRow) -> PreviewLine {
    match row {
        PreviewRow::Refused { line, problem } => PreviewLine {
            line: *line,
            name: String::new(),
            birth: String::new(),
            contacts: Vec::new(),
            notes: vec![problem.to_string()],
            refused: true,
        },
        PreviewRow::Patient { line, patient, notes } => {
            let known = &patient.demographics;
            let mut said: Vec<String> = patient.warnings.iter().map(ToString::to_string).collect();
            said.extend(patient.alerts.iter().map(|alert| say_with("import-preview-alert", &[("alert", alert)])));
            if *notes > 0 {
                said.push(say_with("import-preview-notes", &[("count", notes)]));
            }
            if !patient.identifiers.is_empty() {
                said.push(say_with("import-preview-numbers", &[("count", &patient.identifiers.len())]));
            }
            let points = known.contacts.iter().filter_map(|point| point.value.clone());
            let addresses = known.addresses.iter().map(|address| address.lines().join(", "));
            PreviewLine {
                line: *line,
                name: known.names.iter().map(HumanName::display).collect::<Vec<_>>().join(", "),
                birth: known.birth.map(|on| birth(on).text).unwrap_or_default(),
                contacts: points.chain(addresses).collect(),
                notes: said,
                refused: false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_genders_are_read_a_line_each() {
        let read = genders_typed(" H = male\n\nM=Female \n").unwrap();
        assert_eq!(read, BTreeMap::from([("H".to_owned(), Gender::Male), ("M".to_owned(), Gender::Female)]));
        for (text, line) in [("H male", 1), ("H = male\nM = perhaps", 2), ("= male", 1)] {
            assert_eq!(genders_typed(text), Err(line), "{text}");
        }
    }
}
