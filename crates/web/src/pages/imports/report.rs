//! What trying an import or bringing it in came to, line by line.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use kernel::UploadId;
use practice::exchange::fhir::{Counts, Finding, Outcome};
use practice::exchange::uploads::reads::{page, report};
use serde::Deserialize;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, At, show};
use crate::text::{say, say_with};
use crate::views::imports::{CountRow, FindingRow, ImportReport};
use crate::views::{Pager, Room};
use crate::who::Member;

/// Lines on one page.
const LINES: usize = 100;

#[derive(Deserialize)]
pub(super) struct Question {
    /// Lines before the first one shown.
    #[serde(default)]
    from: usize,
}

fn is_dry(which: &str) -> Result<bool, PageError> {
    match which {
        "try" => Ok(true),
        "done" => Ok(false),
        _ => Err(PageError::MISSING),
    }
}

/// `GET /practice/import/{upload}/report/{which}`
pub(super) async fn show_report(
    State(app): State<AppState>,
    member: Member,
    At((id, which)): At<(UploadId, String)>,
    Asked(asked): Asked<Question>,
) -> Answer {
    let kept = report(&app.store, &member.actor, id, is_dry(&which)?).await?;
    let upload = page(&app.store, &member.actor, id).await?.upload;
    let findings = &kept.report.findings;
    let from = asked.from.min(findings.len());
    let shown: Vec<&Finding> = findings.iter().skip(from).take(LINES).collect();
    let place = |from: usize| format!("/practice/import/{id}/report/{which}?from={from}");
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let last = from + shown.len();
    let pager = Pager {
        first: number(from + 1),
        last: if shown.is_empty() { 0 } else { number(last) },
        total: Some(number(findings.len())),
        previous: (from > 0).then(|| place(from.saturating_sub(LINES))),
        next: (last < findings.len()).then(|| place(last)),
    };
    let mut counts: Vec<CountRow> = kept.report.counts.iter().map(|(name, counts)| row(name, counts)).collect();
    counts.push(row(&say("import-total"), &kept.report.total()));
    show(&ImportReport {
        shell: member.shell(Room::Team).await?,
        id: id.to_string(),
        title: say(if which == "try" { "import-tried" } else { "import-done" }),
        which,
        what: said::what(&upload),
        written: member.moment(kept.written_at).await?,
        heads: Outcome::ALL.iter().map(|outcome| said::outcome_word(*outcome)).collect(),
        counts,
        all: number(findings.len()).saturating_add(kept.report.more),
        rows: shown.into_iter().map(finding).collect(),
        more: (kept.report.more > 0).then(|| say_with("import-more", &[("count", &kept.report.more)])),
        pager,
    })
}

fn row(name: &str, counts: &Counts) -> CountRow {
    let Counts { add, matched, skip, keep, warn, reject } = *counts;
    CountRow { name: name.to_owned(), counts: vec![add, matched, skip, keep, warn, reject] }
}

fn finding(finding: &Finding) -> FindingRow {
    FindingRow {
        outcome: said::outcome_word(finding.outcome),
        caution: finding.outcome == Outcome::Reject,
        file: finding.file.clone(),
        line: finding.line,
        field: if finding.field.is_empty() { finding.resource_type.clone() } else { finding.field.clone() },
        reason: finding.reason.clone(),
    }
}

/// `GET /practice/import/{upload}/report/{which}/table`: the same lines for a spreadsheet.
pub(super) async fn table(
    State(app): State<AppState>,
    member: Member,
    At((id, which)): At<(UploadId, String)>,
) -> Answer {
    let kept = report(&app.store, &member.actor, id, is_dry(&which)?).await?;
    let name = format!("attachment; filename=\"import-{which}.csv\"");
    let name = HeaderValue::try_from(name).map_err(|_| PageError::INTERNAL)?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], kept.report.table()).into_response())
}
