//! Patients: finding them, their page, their particulars, the entries of their record, who saw what.

mod alerts;
mod banner;
mod edit;
mod entry;
mod find;
mod identifiers;
mod lookup;
mod measurements;
mod new;
mod overview;
mod record;
mod said;
mod typed;
mod who_saw_what;

use practice::patients::actions::{
    CreatePatient, EditForm, EditPatient, FindPatient, LookUpIdentifier, NewForm, OpenAudit, OpenRecord, ReadPatient,
    RevealIdentifier,
};

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
        .read("/patients/{patient}/edit", Allow::to::<EditForm>(), edit::form)
        .change("/patients/{patient}/edit", edits, edit::send)
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
        .read("/patients/{patient}/record/{entry}", Allow::to::<OpenRecord>(), entry::show_entry)
        .read("/patients/{patient}/measurements", Allow::to::<OpenRecord>(), measurements::show_measurements)
        .read("/patients/{patient}/audit", Allow::to::<OpenAudit>(), who_saw_what::show_log)
}
