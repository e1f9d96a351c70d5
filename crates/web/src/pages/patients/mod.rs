//! Patients: finding them, their page, their particulars, the entries of their record, who saw what.

mod alerts;
mod banner;
mod change;
mod details;
mod edit;
mod entry;
mod find;
mod identifiers;
mod lookup;
mod measurements;
mod merging;
mod new;
mod overview;
mod record;
pub(in crate::pages) mod said;
mod standing;
mod typed;
mod who_saw_what;
mod write;

use practice::patients::actions::{
    AccessForm, AskAlike, ClinicalForm, CreatePatient, EditForm, EditPatient, FindPatient, LookUpIdentifier, MergeForm,
    MergePatients, NewForm, OpenAudit, OpenRecord, ReadPatient, RestrictPatient, RevealIdentifier, UndoMerge,
    WriteClinical,
};

pub(super) use banner::export_banner;
pub(super) use find::hit;
pub(super) use record::day_start;

use crate::routes::{Allow, Pages};

pub(super) fn routes(pages: Pages) -> Pages {
    let (reads, edits) = (Allow::to::<ReadPatient>(), Allow::to::<EditPatient>());
    pages
        .read("/patients", Allow::to::<FindPatient>(), find::show_found)
        .change("/patients/lookup", Allow::to::<LookUpIdentifier>(), lookup::send)
        .read("/patients/new", Allow::to::<NewForm>(), new::form)
        .change("/patients/new", Allow::to::<CreatePatient>(), new::send)
        .read("/patients/{patient}", reads, overview::show_patient)
        .read("/patients/{patient}/alike", Allow::to::<AskAlike>(), merging::hint)
        .read("/patients/{patient}/merge", Allow::to::<MergeForm>(), merging::other)
        .read("/patients/{patient}/merge/{other}", Allow::to::<MergeForm>(), merging::both)
        .change("/patients/{patient}/merge/{other}", Allow::to::<MergePatients>(), merging::send)
        .read("/patients/{patient}/merges", Allow::to::<MergeForm>(), merging::show_merges)
        .read("/patients/{patient}/merges/{merge}/undo", Allow::to::<MergeForm>(), merging::ask)
        .change("/patients/{patient}/merges/{merge}/undo", Allow::to::<UndoMerge>(), merging::take_apart)
        .read("/patients/{patient}/access", Allow::to::<AccessForm>(), standing::who)
        .change("/patients/{patient}/access", Allow::to::<RestrictPatient>(), standing::name_them)
        .read("/patients/{patient}/edit", Allow::to::<EditForm>(), edit::form)
        .change("/patients/{patient}/edit", edits, edit::send)
        .read("/patients/{patient}/standing", Allow::to::<EditForm>(), standing::form)
        .change("/patients/{patient}/standing", edits, standing::send)
        .read("/patients/{patient}/details", Allow::to::<EditForm>(), details::form)
        .change("/patients/{patient}/details", edits, details::send)
        .change("/patients/{patient}/identifiers", edits, identifiers::add)
        .change(
            "/patients/{patient}/identifiers/{identifier}/reveal",
            Allow::to::<RevealIdentifier>(),
            identifiers::reveal,
        )
        .read("/patients/{patient}/identifiers/{identifier}/remove", Allow::to::<EditForm>(), identifiers::ask)
        .change("/patients/{patient}/identifiers/{identifier}/remove", edits, identifiers::remove)
        .change("/patients/{patient}/alerts", edits, alerts::add)
        .read("/patients/{patient}/alerts/{alert}/end", Allow::to::<EditForm>(), alerts::ask)
        .change("/patients/{patient}/alerts/{alert}/end", edits, alerts::end)
        .read("/patients/{patient}/record", Allow::to::<OpenRecord>(), record::show_record)
        .change("/patients/{patient}/record", Allow::to::<OpenRecord>(), record::narrow)
        .read("/patients/{patient}/record/{entry}", Allow::to::<OpenRecord>(), entry::show_entry)
        .read("/patients/{patient}/write/{what}", Allow::to::<ClinicalForm>(), write::form)
        .change("/patients/{patient}/write/{what}", Allow::to::<WriteClinical>(), write::send)
        .read("/patients/{patient}/record/{entry}/change", Allow::to::<ClinicalForm>(), change::form)
        .change("/patients/{patient}/record/{entry}/change", Allow::to::<WriteClinical>(), change::send)
        .read("/patients/{patient}/measurements", Allow::to::<OpenRecord>(), measurements::show_measurements)
        .read("/patients/{patient}/audit", Allow::to::<OpenAudit>(), who_saw_what::show_log)
}
