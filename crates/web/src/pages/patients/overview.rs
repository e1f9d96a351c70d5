//! A patient's page.

use axum::extract::State;
use kernel::{AlertId, PatientId};
use practice::exchange::export::actions::AskPatientExport;
use practice::patients::model::{ContactPoint, ContactSystem, Demographics, EntryKind, HumanName, Language, PersonRow};
use practice::patients::reads::{Page, Read, open};
use practice::patients::rows::EntryLine;

use super::banner::{Known, banner, kind_label, weight};
use super::find::{kinds, today};
use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, show};
use crate::views::patient::{
    AddIdentifier, AlertRow, AlertsPanel, AroundPerson, Contacts, Panel, PatientPage, Seen, Tab,
};
use crate::views::record::EntryRow;
use crate::views::words::{entries, entry};
use crate::views::{Errors, Moment, Room};
use crate::who::{Caller, Member};

/// `GET /patients/{patient}`
pub(super) async fn show_patient(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    show(&view(&app, &member, id).await?)
}

/// The page; also what a refused alert or identifier is shown on.
pub(super) async fn view(app: &AppState, member: &Member, id: PatientId) -> Result<PatientPage, PageError> {
    let page = open(&app.store, &member.actor, id).await?;
    let today = today(app, member).await?;
    let others = u32::try_from(page.other_readers).unwrap_or(0);
    Ok(PatientPage {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known(id, &page), page.may, Tab::Overview, today),
        seen: Some(Seen { at: member.moment(page.at).await?, others }),
        may_restrict: super::standing::may_restrict(member).await?,
        may_merge: super::merging::may_merge(member).await?,
        merged: u64::try_from(page.merged).unwrap_or(0),
        may_export: member.may_patient::<AskPatientExport>().await?,
        contacts: contacts(&page),
        alerts: alerts(member, &page).await?,
        add_identifier: page.may.edit.then(|| AddIdentifier {
            guard: member.guard(),
            errors: Errors::none(),
            kinds: kinds(""),
            number: String::new(),
        }),
        panels: panels(&page),
    })
}

pub(super) fn known(id: PatientId, page: &Page) -> Known<'_> {
    let allergies = page.clinical.as_ref().map(|clinical| clinical.allergies.iter().collect());
    Known { id, patient: &page.patient, identifiers: &page.identifiers, alerts: &page.alerts, allergies }
}

fn contacts(page: &Page) -> Contacts {
    let Ok(patient) = &page.patient else { return Contacts::default() };
    let known = patient.demographics();
    let of = |system| known.contacts_of(system).into_iter().filter_map(said::contact).collect();
    Contacts {
        phones: of(ContactSystem::Phone),
        emails: of(ContactSystem::Email),
        addresses: known.addresses.iter().map(practice::patients::model::Address::lines).collect(),
        former: known.names.iter().filter(|name| name.is_former()).map(HumanName::display).collect(),
        languages: languages(&known),
        people: known.people().iter().filter(|person| !person.is_empty()).map(around).collect(),
    }
}

fn languages(known: &Demographics) -> Vec<String> {
    let mut all: Vec<&Language> = known.languages.iter().collect();
    all.sort_by_key(|language| language.preferred != Some(true));
    all.iter().filter_map(|language| language.language.words().map(str::to_owned)).collect()
}

fn around(person: &PersonRow) -> AroundPerson {
    let point = |system, value: &str| {
        let value = (!value.is_empty()).then(|| value.to_owned());
        said::contact(&ContactPoint { system: Some(system), value, ..ContactPoint::default() })
    };
    AroundPerson {
        relation: person.relation_words().to_owned(),
        name: person.name.clone(),
        contacts: [point(ContactSystem::Phone, &person.phone), point(ContactSystem::Email, &person.email)]
            .into_iter()
            .flatten()
            .collect(),
        address: person.address.lines().map(str::to_owned).collect(),
        may_consent: person.may_consent,
    }
}

async fn alerts(member: &Member, page: &Page) -> Result<AlertsPanel, PageError> {
    let zone = member.zone().await?;
    let rows = page.alerts.iter().map(|alert| {
        let (id, text, severity) = match alert {
            Ok(alert) => (alert.id, Some(alert.text.clone()), alert.severity.as_str()),
            Err(damaged) => (AlertId::from_uuid(damaged.id), None, "high"),
        };
        AlertRow { id: id.to_string(), text, weight: weight(severity), since: Moment::at(id.made_at(), &zone) }
    });
    Ok(AlertsPanel {
        rows: rows.collect(),
        guard: page.may.edit.then(|| member.guard()),
        errors: Errors::none(),
        text: String::new(),
        high: false,
    })
}

/// The kinds in the order in which a clinician looks.
pub(super) const KINDS: [EntryKind; 8] = [
    EntryKind::Problem,
    EntryKind::Medication,
    EntryKind::Allergy,
    EntryKind::Observation,
    EntryKind::Immunisation,
    EntryKind::Visit,
    EntryKind::Procedure,
    EntryKind::Document,
];

/// Of these it says something that there are none. The others have a panel where there is something in it.
const ALWAYS: [EntryKind; 4] = [EntryKind::Problem, EntryKind::Medication, EntryKind::Allergy, EntryKind::Document];

fn panels(page: &Page) -> Option<Vec<Panel>> {
    let clinical = page.clinical.as_ref()?;
    let panel = |kind: EntryKind| {
        let is = |line: &EntryLine| EntryKind::of_stored(&line.kind) == Some(kind);
        let of_kind = |line: &&Read<EntryLine>| line.as_ref().is_ok_and(is);
        let total = clinical.counts.iter().find(|(counted, _)| *counted == kind).map_or(0, |(_, count)| *count);
        let rows: Vec<EntryRow> = clinical.entries.iter().filter(of_kind).map(row).collect();
        let shown = !rows.is_empty() || ALWAYS.contains(&kind);
        shown.then(|| Panel {
            kind: kind.code().to_owned(),
            title: entries(kind.code()),
            rows,
            total: u64::try_from(total).unwrap_or(0),
        })
    };
    let mut panels: Vec<Panel> = KINDS.into_iter().filter_map(panel).collect();
    // A damaged line does not say of what kind it is: it stands with the documents, by its id.
    if let Some(last) = panels.last_mut() {
        last.rows.extend(clinical.entries.iter().filter(|line| line.is_err()).map(row));
    }
    Some(panels)
}

/// An entry in a list.
pub(super) fn row(line: &Read<EntryLine>) -> EntryRow {
    match line {
        Ok(line) => EntryRow {
            id: line.id.to_string(),
            kind: line.kind.clone(),
            kind_label: entry(&line.kind),
            title: Some(line.summary.title.clone()),
            status: line.summary.status.clone(),
            value: line.summary.value.clone(),
            flag: line.summary.flag.clone(),
            when: line.summary.when.as_ref().map(said::day),
            author: line.summary.author.clone(),
            in_error: line.summary.in_error,
        },
        Err(damaged) => EntryRow {
            id: damaged.id.to_string(),
            kind: String::new(),
            kind_label: kind_label(""),
            title: None,
            status: None,
            value: None,
            flag: None,
            when: None,
            author: None,
            in_error: false,
        },
    }
}
