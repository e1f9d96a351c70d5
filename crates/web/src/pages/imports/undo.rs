//! Taking back what one import added: first what that would come to, or what stops it.

use axum::extract::State;
use kernel::ImportId;
use practice::exchange::runs::{NAMED_MAX, UndoError, Undone, undo};
use practice::exchange::uploads::reads::{RunPage, run};
use practice::exchange::uploads::writes::ask_undo;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::pages::Button;
use crate::text::{say, say_with};
use crate::views::imports::{Fact, UndoImport};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

fn back(found: &RunPage) -> String {
    let list = || "/practice/import".to_owned();
    found.upload.map_or_else(list, |upload| format!("/practice/import/{upload}"))
}

/// `GET /practice/import/runs/{run}/undo`
pub(super) async fn ask(State(app): State<AppState>, member: Member, At(id): At<ImportId>) -> Answer {
    let found = run(&app.store, &member.actor, id).await?;
    if found.is_asked() {
        return go_to(&back(&found));
    }
    show(&view(&app, &member, found, Errors::none()).await?)
}

/// `POST /practice/import/runs/{run}/undo`
pub(super) async fn send(State(app): State<AppState>, At(id): At<ImportId>, sent: Sent<Button>) -> Answer {
    let asked = ask_undo(&app.store, &sent.by.actor, sent.once, id).await;
    let words = match asked {
        Ok(()) => {
            let found = run(&app.store, &sent.by.actor, id).await?;
            return go_to(&back(&found));
        }
        Err(UndoError::Unknown) => return Err(PageError::MISSING),
        Err(UndoError::Store(error)) => return Err(error.into()),
        Err(UndoError::Already) => say("import-undo-already"),
        Err(_) => say("import-undo-running"),
    };
    let found = run(&app.store, &sent.by.actor, id).await?;
    refuse(&view(&app, &sent.by, found, Errors::whole(words)).await?)
}

async fn view(app: &AppState, member: &Member, found: RunPage, errors: Errors) -> Result<UndoImport, PageError> {
    let (mut patients, mut may) = (Vec::new(), false);
    let lines = match undo(&app.store, member.actor.practice(), found.run.id, true).await {
        Ok(undone) => {
            may = true;
            would(undone)
        }
        Err(UndoError::WorkedOn { patients: named, count }) => {
            patients = named.iter().map(ToString::to_string).collect();
            let mut lines = vec![say_with("import-undo-stopped", &[("count", &count)])];
            if count > NAMED_MAX {
                lines.push(say_with("import-undo-first", &[("count", &NAMED_MAX)]));
            }
            lines
        }
        Err(UndoError::Later) => vec![say("import-undo-later")],
        Err(UndoError::Already) => vec![say("import-undo-already")],
        Err(UndoError::Running | UndoError::Stopped) => vec![say("import-undo-running")],
        Err(UndoError::Unknown) => return Err(PageError::MISSING),
        Err(UndoError::Store(error)) => return Err(error.into()),
    };
    let began = member.moment(found.run.started_at).await?;
    let fact = |key: &str, value: String| Fact { label: say(key), value };
    Ok(UndoImport {
        shell: member.shell(Room::Team).await?,
        errors,
        run: found.run.id.to_string(),
        back: back(&found),
        facts: vec![
            fact("import-source", found.source.unwrap_or_else(|| say("damaged"))),
            fact("import-when", crate::views::when::spoken(&began)),
            fact("import-came-to", said::run_counts(Some(&found.run))),
        ],
        lines,
        patients,
        guard: may.then(|| member.guard()),
    })
}

fn would(undone: Undone) -> Vec<String> {
    let mut lines = vec![say_with(
        "import-undo-what",
        &[("patients", &undone.patients), ("entries", &undone.entries), ("kept", &undone.kept)],
    )];
    if undone.changed > 0 {
        lines.push(say_with("import-undo-changed", &[("count", &undone.changed)]));
    }
    lines
}
