//! Exports: which there are, asking for one, being the second person, and fetching the archive.

mod archive;
mod ask;
mod key;
mod list;
mod one;

use practice::exchange::export::actions::{
    AskExport, AskPatientExport, AskPatientForm, AskWholeForm, ReadExports, RefuseExport, TakeExport, WithdrawExport,
};
use practice::exchange::export::{ExportError, State};

use crate::errors::PageError;
use crate::routes::{Allow, Pages};
use crate::text::say;

pub(super) fn routes(pages: Pages) -> Pages {
    let reads = Allow::to::<ReadExports>();
    pages
        .read("/practice/export", reads, list::show_exports)
        .change("/practice/export/key", reads, key::make)
        .read("/practice/export/new", Allow::to::<AskWholeForm>(), ask::form)
        .change("/practice/export/new", Allow::to::<AskExport>(), ask::send)
        .read("/practice/export/{export}", reads, one::show_export)
        .change("/practice/export/{export}/prove", reads, one::prove)
        .change("/practice/export/{export}/agree", reads, one::agree)
        .change("/practice/export/{export}/refuse", Allow::to::<RefuseExport>(), one::refuse)
        .change("/practice/export/{export}/withdraw", Allow::to::<WithdrawExport>(), one::withdraw)
        .read("/practice/export/{export}/archive", Allow::to::<TakeExport>(), archive::fetch)
        .read("/patients/{patient}/export", Allow::to::<AskPatientForm>(), ask::patient_form)
        .change("/patients/{patient}/export", Allow::to::<AskPatientExport>(), ask::patient_send)
}

/// Where an export is, in words.
fn state_said(state: State) -> String {
    say(match state {
        State::Asked => "export-state-asked",
        State::Making => "export-state-making",
        State::Ready => "export-state-ready",
        State::Refused => "export-state-refused",
        State::Withdrawn => "export-state-withdrawn",
        State::Expired => "export-state-expired",
        State::Failed => "export-state-failed",
    })
}

/// How much is done, in percent; nothing where nothing is being made.
fn percent(state: State, done: i64, whole: i64) -> Option<u8> {
    (state == State::Making).then(|| {
        let part = done.saturating_mul(100).checked_div(whole.max(1)).unwrap_or(0);
        u8::try_from(part.clamp(0, 99)).unwrap_or(0)
    })
}

fn page_error(error: ExportError) -> PageError {
    match error {
        ExportError::Store(error) => error.into(),
        other => PageError::of(other.kind()),
    }
}
