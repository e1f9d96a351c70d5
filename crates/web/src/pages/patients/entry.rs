//! One entry of a record, whole.

use axum::extract::State;
use kernel::{EntryId, PatientId};
use practice::patients::model::EntryBody as Read;
use practice::patients::reads::entry;
use practice::patients::rows::{Entry as Known, EntryContent};

use super::banner::{self, banner, may};
use super::find::today;
use super::said;
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{At, show};
use crate::text::say;
use crate::views::Room;
use crate::views::patient::Tab;
use crate::views::record::{Entry, EntryBody, EntryRow, Fact, Part};
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
    let (facts, body) = match &found.entry {
        Err(_) => (Vec::new(), EntryBody::Damaged),
        Ok(open) => match &open.body {
            EntryContent::Kept { .. } => (Vec::new(), EntryBody::Kept),
            EntryContent::Read(body) => (facts(body), EntryBody::Open(parts(body))),
        },
    };
    show(&Entry {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known, may(&member).await?, Tab::Record, today(&app, &member).await?),
        row: row(which, found.entry.as_ref().ok()),
        facts,
        body,
        seen: Some(member.moment(found.at).await?),
    })
}

fn row(id: EntryId, open: Option<&Known>) -> EntryRow {
    EntryRow {
        id: id.to_string(),
        kind: open.map(|open| open.kind.clone()).unwrap_or_default(),
        kind_label: open.map(|open| entry_said(&open.kind)).unwrap_or_default(),
        title: open.map(|open| open.summary.title.clone()),
        status: open.and_then(|open| open.summary.status.clone()),
        when: open.and_then(|open| open.summary.when.as_ref().map(said::day)),
        author: open.and_then(|open| open.summary.author.clone()),
        in_error: open.is_some_and(|open| open.summary.in_error),
    }
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
    fact("fact-clinical-status", body.clinical_status.clone());
    fact("fact-verification", body.verification_status.clone());
    fact("fact-criticality", body.criticality.clone());
    fact("fact-severity", body.severity.clone());
    fact("fact-began", body.began.as_ref().map(|at| said::day(at).text).or_else(|| body.began_words.clone()));
    fact("fact-ended", body.ended.as_ref().map(|at| said::day(at).text));
    fact("fact-recorded", body.recorded.as_ref().map(|at| said::day(at).text));
    fact("fact-dosage", Some(body.dosage.join("; ")));
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
