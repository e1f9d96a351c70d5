//! One import: where it is, what can be done, how it is brought in.

use axum::extract::State;
use axum::response::IntoResponse;
use kernel::UploadId;
use practice::exchange::uploads::reads::{Page, page, undo_fault};
use practice::exchange::uploads::writes::{Said, discard, say as say_of};
use practice::exchange::uploads::{FileKind, UploadState, working};
use serde::Deserialize;

use super::{said, steer};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, At, Sent, go_to, refuse, show};
use crate::pages::Button;
use crate::text::{say, say_with, size};
use crate::views::imports::{Act, Fact, ImportPage, Next, Progress, SettingsForm, ShortReport};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    seen: Option<String>,
}

/// `GET /practice/import/{upload}`
pub(super) async fn show_import(
    State(app): State<AppState>,
    member: Member,
    At(id): At<UploadId>,
    Asked(asked): Asked<Question>,
) -> Answer {
    let found = page(&app.store, &member.actor, id).await?;
    if member.call().is_htmx() && asked.seen.as_deref() != Some(seen(&found).as_str()) {
        // It is something else by now: buttons and all.
        return Ok([("hx-refresh", "true")].into_response());
    }
    show(&view(&member, found, Errors::none(), None).await?)
}

/// The page with what is in the way.
pub(super) async fn refused(
    app: &AppState,
    member: &Member,
    id: UploadId,
    errors: Errors,
    typed: Option<&Form>,
) -> Answer {
    let found = page(&app.store, &member.actor, id).await?;
    refuse(&view(member, found, errors, typed).await?)
}

#[derive(Deserialize)]
pub(super) struct Form {
    kind: String,
    source: String,
    #[serde(default)]
    named: Vec<String>,
}

/// `POST /practice/import/{upload}/settings`
pub(super) async fn settings(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let kind = FileKind::from_code(&form.kind).ok_or(PageError::BAD_REQUEST)?;
    let named: Result<Vec<_>, _> = form.named.iter().map(|id| id.parse()).collect();
    let named = named.map_err(|_| PageError::BAD_REQUEST)?;
    let came = say_of(&app.store, &member.actor, once, id, &Said { kind, source: form.source.clone(), named }).await;
    match came {
        Ok(()) => go_to(&format!("/practice/import/{id}")),
        Err(error) => refused(&app, &member, id, said::refused(error)?, Some(&form)).await,
    }
}

/// `POST /practice/import/{upload}/discard`
pub(super) async fn discard_it(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Button>) -> Answer {
    match discard(&app.store, &sent.by.actor, sent.once, id).await {
        Ok(()) => go_to("/practice/import"),
        other => steer::done(&app, &sent.by, id, other).await,
    }
}

fn is_paused(found: &Page) -> bool {
    found.work.as_ref().is_some_and(|work| work.state == "paused")
}

fn is_undoing(found: &Page) -> bool {
    found.undo.as_ref().is_some_and(|work| !work.is_over())
}

/// What a page of it shows: the same text as long as its buttons are the same.
fn seen(found: &Page) -> String {
    let (paused, undoing) = (is_paused(found), is_undoing(found));
    format!("{}{}{}", found.upload.state, if paused { ".paused" } else { "" }, if undoing { ".undoing" } else { "" })
}

async fn view(member: &Member, found: Page, errors: Errors, typed: Option<&Form>) -> Result<ImportPage, PageError> {
    let stands = found.upload.stands();
    let (paused, undoing) = (is_paused(&found), is_undoing(&found));
    let (state, caution) = said::state(Some(&found.upload), found.run.as_ref(), paused);
    let open = stands.is_open() && !undoing;
    let taken_back = found.run.as_ref().is_some_and(|run| run.state == "undone");
    let over = matches!(stands, UploadState::Brought | UploadState::Expired);
    let undo = found.run.as_ref().filter(|_| !taken_back && !stands.is_under_way() && !undoing);
    let ends = member.moment(found.upload.ends_at).await?;
    let (undone, undone_kind) = undone(&found, taken_back && over);
    Ok(ImportPage {
        shell: member.shell(Room::Team).await?,
        errors,
        id: found.upload.id.to_string(),
        what: said::what(&found.upload),
        by: found.asked_name.clone().unwrap_or_else(|| say("connection-by-somebody")),
        began: member.moment(found.upload.began_at).await?,
        state,
        caution,
        problem: found.upload.problem.as_deref().map(said::problem),
        progress: progress(member, &found, paused, undoing),
        reports: reports(&found),
        undone,
        undone_kind,
        next: open.then(|| next(member, &found)),
        settings: open.then(|| settings_form(member, &found, typed)),
        files: files(&found),
        kept: if over {
            say("import-files-gone")
        } else {
            say_with("import-files-kept", &[("day", &ends.day), ("time", &ends.time)])
        },
        discard: open.then(|| member.guard()),
        undo: undo.map(|run| format!("/practice/import/runs/{}/undo", run.id)),
    })
}

fn undone(found: &Page, taken_back: bool) -> (Option<String>, &'static str) {
    if taken_back {
        return (Some(say("import-undone")), "done");
    }
    let why = undo_fault(found.undo.as_ref()).map(|fault| {
        say(match fault {
            working::fault::WORKED_ON => "import-undo-worked-on",
            working::fault::LATER => "import-undo-later",
            _ => "import-undo-failed",
        })
    });
    (why, "caution")
}

fn files(found: &Page) -> Vec<Fact> {
    let files = found.upload.files.iter();
    files
        .map(|file| Fact {
            label: if file.name.is_empty() { say("import-no-name") } else { file.name.clone() },
            value: size(file.bytes),
        })
        .collect()
}

fn progress(member: &Member, found: &Page, paused: bool, undoing: bool) -> Option<Progress> {
    let upload = &found.upload;
    let title = match upload.stands() {
        _ if undoing => say("import-state-undoing"),
        UploadState::Checking | UploadState::Bringing if paused => say("import-state-paused"),
        UploadState::Checking => say("import-state-checking"),
        UploadState::Bringing => say("import-state-bringing"),
        _ => return None,
    };
    let stops = found.work.as_ref().is_some_and(|work| work.asked_to_stop);
    let count = u64::try_from(upload.done_resources).unwrap_or_default();
    let size = |count: i64| size(u64::try_from(count).unwrap_or_default());
    let (done, whole) = (size(upload.done_bytes), size(upload.all_bytes));
    let said = if undoing {
        say("import-undoing-wait")
    } else if stops {
        say("import-stopping")
    } else if upload.learning {
        say_with("import-progress-learning", &[("done", &done), ("whole", &whole)])
    } else {
        say_with("import-progress", &[("done", &done), ("whole", &whole), ("count", &count)])
    };
    let act = |wish, key, danger| Act { guard: member.guard(), wish, label: say(key), danger };
    let acts = match (undoing, paused) {
        (true, _) => Vec::new(),
        (false, true) => vec![act("go-on", "import-go-on", false), act("cancel", "import-cancel", true)],
        (false, false) => vec![act("pause", "import-pause", false), act("cancel", "import-cancel", true)],
    };
    let whole = if undoing { 0 } else { upload.all_bytes };
    let (done, live, seen) = (upload.done_bytes.min(whole), !paused, seen(found));
    Some(Progress { title, said, done, whole, live, seen, acts })
}

fn reports(found: &Page) -> Vec<ShortReport> {
    let done = found.done.map(|counts| ShortReport {
        which: "done",
        title: say(if found.upload.stands() == UploadState::Brought { "import-done" } else { "import-so-far" }),
        facts: said::facts(counts),
    });
    let tried = found.tried.filter(|_| found.upload.stands() != UploadState::Brought);
    let tried =
        tried.map(|counts| ShortReport { which: "try", title: say("import-tried"), facts: said::facts(counts) });
    done.into_iter().chain(tried).collect()
}

fn next(member: &Member, found: &Page) -> Next {
    let upload = &found.upload;
    let table = upload.file_kind() == FileKind::Csv;
    let mapped = !table || upload.settings.mapping.is_some();
    let tried = upload.stands() == UploadState::Checked;
    let begun = upload.run_id.is_some();
    let lead = match (mapped, tried, begun) {
        (false, ..) => "import-next-columns",
        (true, false, false) => "import-next-check",
        (true, true, _) => "import-next-bring",
        (true, false, true) => "import-next-go-on",
    };
    // By it a changed row would be known again.
    let numbered = upload.settings.mapping.as_ref().is_none_or(|mapping| !table || mapping.knows_again());
    let lead = if numbered { say(lead) } else { format!("{} {}", say(lead), say("columns-no-record-id")) };
    Next {
        lead,
        columns: table.then(|| format!("/practice/import/{}/columns", upload.id)),
        columns_first: !mapped || upload.problem.is_some(),
        check: mapped.then(|| member.guard()),
        check_first: mapped && !tried && !begun && upload.problem.is_none(),
        bring: mapped.then(|| member.guard()),
        bring_first: tried || (mapped && begun),
    }
}

fn settings_form(member: &Member, found: &Page, typed: Option<&Form>) -> SettingsForm {
    let upload = &found.upload;
    let chosen = typed.map_or(upload.kind.as_str(), |form| form.kind.as_str());
    let kinds = FileKind::ALL.iter();
    let named = |id: &str| match typed {
        Some(form) => form.named.iter().any(|named| named == id),
        None => upload.settings.named.iter().any(|named| named.to_string() == id),
    };
    let people = found.practitioners.iter().filter(|_| upload.file_kind() == FileKind::Fhir);
    SettingsForm {
        guard: member.guard(),
        kinds: kinds.map(|kind| Choice::new(kind.code(), said::kind(*kind), kind.code() == chosen)).collect(),
        source: typed.map_or_else(|| upload.settings.source.clone(), |form| form.source.clone()),
        named: people
            .map(|(id, name)| {
                let id = id.to_string();
                let ticked = named(&id);
                Choice::new(id, name.clone(), ticked)
            })
            .collect(),
    }
}
