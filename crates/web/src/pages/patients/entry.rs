//! One entry of a record, whole.

use axum::extract::State;
use kernel::{EntryId, PatientId};
use practice::patients::model::{EntryBody as Read, Reading};
use practice::patients::reads::entry;
use practice::patients::rows::EntrySummary;

use super::banner::{self, banner, may};
use super::find::today;
use super::said;
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{At, show};
use crate::text::say;
use crate::views::Room;
use crate::views::patient::Tab;
use crate::views::record::{Entry, EntryBody, EntryRow, Fact, Measured, Part};
use crate::views::words::entry as entry_said;
use crate::who::Member;

/// `GET /patients/{patient}/record/{entry}`
pub(super) async fn show_entry(
    State(app): State<AppState>,
    member: Member,
    At((id, which)): At<(PatientId, EntryId)>,
) -> Answer {
    let found = entry(&app.store, &member.actor, id, which).await?;
    let known = banner::Known {
        id,
        patient: &found.patient,
        identifiers: &found.identifiers,
        alerts: &found.alerts,
        allergies: Some(found.allergies.iter().collect()),
    };
    let read = found.entry.as_ref().ok().and_then(|open| open.body.read());
    let body = match (&found.entry, &read) {
        (Err(_), _) => EntryBody::Damaged,
        (Ok(_), None) => EntryBody::Kept,
        (Ok(_), Some(body)) => EntryBody::Open(parts(body)),
    };
    let kind = found.entry.as_ref().map(|open| open.kind.as_str()).unwrap_or_default();
    let summary = read.as_deref().map(EntrySummary::of);
    let summary = summary.as_ref().or(found.entry.as_ref().ok().map(|open| &open.summary));
    show(&Entry {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known, may(&member).await?, Tab::Record, today(&app, &member).await?),
        row: row(which, kind, summary),
        facts: read.as_deref().map(facts).unwrap_or_default(),
        readings: read.as_deref().map(readings).unwrap_or_default(),
        body,
        seen: Some(member.moment(found.at).await?),
    })
}

fn row(id: EntryId, kind: &str, open: Option<&EntrySummary>) -> EntryRow {
    EntryRow {
        id: id.to_string(),
        kind: kind.to_owned(),
        kind_label: entry_said(kind),
        title: open.map(|summary| summary.title.clone()),
        status: open.and_then(|summary| summary.status.clone()),
        value: open.and_then(|summary| summary.value.clone()),
        flag: open.and_then(|summary| summary.flag.clone()),
        when: open.and_then(|summary| summary.when.as_ref().map(said::day)),
        author: open.and_then(|summary| summary.author.clone()),
        in_error: open.is_some_and(|summary| summary.in_error),
    }
}

/// What was measured, a row each. One value without more stands in the heading already.
fn readings(body: &Read) -> Vec<Measured> {
    let row = |reading: &Reading| Measured {
        name: reading.concept.words().map_or_else(|| body.title(), str::to_owned),
        value: reading.words().unwrap_or_default(),
        flag: reading.flags.join(", "),
        usual: reading.usual.join("; "),
    };
    body.readings.iter().map(row).collect()
}

/// What stands beside the note. Codes of the source are shown as they are.
fn facts(body: &Read) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push(Fact { label: say(key), value });
        }
    };
    fact("fact-status", body.status.clone());
    fact("fact-status-reasons", Some(body.status_reasons.join("; ")));
    fact("fact-clinical-status", body.clinical_status.clone());
    fact("fact-verification", body.verification_status.clone());
    fact("fact-criticality", body.criticality.clone());
    fact("fact-severity", body.severity.clone());
    fact("fact-began", body.began.as_ref().map(|at| said::day(at).text).or_else(|| body.began_words.clone()));
    fact("fact-ended", body.ended.as_ref().map(|at| said::day(at).text));
    fact("fact-recorded", body.recorded.as_ref().map(|at| said::day(at).text));
    fact("fact-dosage", Some(body.dosage.join("; ")));
    fact("fact-sites", Some(body.sites.join(", ")));
    fact("fact-methods", Some(body.methods.join(", ")));
    fact("fact-outcomes", Some(body.outcomes.join("; ")));
    fact("fact-places", Some(body.places.join(", ")));
    fact("fact-maker", body.maker.clone());
    fact("fact-lot", body.lot.clone());
    fact("fact-expires", body.expires.as_ref().map(|at| said::day(at).text));
    fact("fact-reactions", Some(body.reactions.join("; ")));
    fact("fact-reasons", Some(body.reasons.join("; ")));
    fact("fact-categories", Some(body.categories.join(", ")));
    fact("fact-authors", Some(body.authors.join(", ")));
    fact("fact-custodian", body.custodian.clone());
    fact("fact-code", body.concept.code().map(str::to_owned));
    facts
}

fn parts(body: &Read) -> Vec<Part> {
    let remarks =
        body.remarks.iter().map(|text| Part { title: String::new(), text: Some(text.clone()), unread: String::new() });
    let files = body.attachments.iter().map(|file| Part {
        title: file.title.clone().unwrap_or_default(),
        text: file.text.clone(),
        unread: file.unread.map(|why| why.words().to_owned()).unwrap_or_default(),
    });
    remarks.chain(files).collect()
}
