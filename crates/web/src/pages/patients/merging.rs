//! Two records of one person: finding the other, both side by side, one record, and two again.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::{MergeId, PatientId};
use practice::patients::actions::{MergeForm, MergePatients, ReadClinical};
use practice::patients::alike::reads::alike;
use practice::patients::merging::reads::{Side, UndoPage, compare, merges, undo_page};
use practice::patients::merging::writes::{MergeError, SeenBoth, merge, undo};
use practice::patients::merging::{Chosen, Field, RECORDS_MAX};
use practice::patients::model::{Deceased, Demographics, HumanName, is_blank};
use practice::patients::reads::{find, seen};
use practice::patients::rows::Patient;
use practice::patients::search::Query;
use serde::Deserialize;
use store::{Resource, StoreError};

use super::banner::{Known, banner, kind_label, may, name_of};
use super::find::{hit, today};
use super::overview::known;
use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, At, Sent, go_to, page, refuse, show};
use crate::text::{list, say, say_with};
use crate::views::merging::{Alike, Compare, Differing, MergeFind, MergedRow, Merges, United, Unmerge};
use crate::views::patient::Tab;
use crate::views::words::gender;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    q: String,
}

/// `GET /patients/{patient}/merge?q=`
pub(super) async fn other(
    State(app): State<AppState>,
    member: Member,
    At(id): At<PatientId>,
    Asked(asked): Asked<Question>,
) -> Answer {
    member.must::<MergeForm>(Resource::Patient(id)).await?;
    let patient = practice::patients::reads::open(&app.store, &member.actor, id).await?;
    let today = today(&app, &member).await?;
    let query = Query::parse(&asked.q, member.date_order().await?);
    let found = if asked.q.trim().is_empty() {
        None
    } else {
        let found = find(&app.store, &member.actor, &asked.q, &query).await?.patients;
        let others = found.iter().filter(|found| found.as_ref().is_ok_and(|found| found.id != id));
        Some(others.map(|found| hit(found, today)).collect())
    };
    show(&MergeFind {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known(id, &patient), patient.may, Tab::Aside, today),
        name: name_of(&patient.patient),
        q: asked.q,
        found,
    })
}

/// `GET /patients/{patient}/alike`: fetched by the patient's page once that is there.
pub(super) async fn hint(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let found = alike(&app.store, &member.actor, id).await?;
    let today = today(&app, &member).await?;
    let hits = found.iter().filter(|hit| hit.is_ok()).map(|found| hit(found, today)).collect();
    show(&Alike { shell: member.shell(Room::Patients).await?, id: id.to_string(), hits })
}

/// `GET /patients/{patient}/merge/{other}`
pub(super) async fn both(
    State(app): State<AppState>,
    member: Member,
    At((into, from)): At<(PatientId, PatientId)>,
) -> Answer {
    show(&view(&app, &member, into, from, None, Errors::none()).await?)
}

#[derive(Deserialize)]
pub(super) struct Form {
    into: String,
    from: String,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

/// `POST /patients/{patient}/merge/{other}`
pub(super) async fn send(
    State(app): State<AppState>,
    At((into, from)): At<(PatientId, PatientId)>,
    sent: Sent<Form>,
) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version = |text: &str| text.parse().map(seen).map_err(|_| PageError::BAD_REQUEST);
    let versions = SeenBoth { into: version(&form.into)?, from: version(&form.from)? };
    let taken = |field: &&Field| form.fields.get(field.code()).is_some_and(|choice| choice == "other");
    let chosen: Vec<Field> = Field::ALL.iter().filter(taken).copied().collect();
    let chosen_fields = Chosen::of(chosen.iter().copied());
    let merging = merge(&app.store, &member.actor, once, (into, from), versions, &chosen_fields);
    match Box::pin(merging).await {
        Ok(()) => go_to(&format!("/patients/{into}")),
        Err(MergeError::TooMany) => {
            let errors = Errors::whole(say_with("merge-too-many", &[("most", &RECORDS_MAX)]));
            refuse(&view(&app, &member, into, from, Some(&chosen), errors).await?)
        }
        Err(MergeError::Store(StoreError::Conflict)) => {
            let errors = Errors::whole(say("merge-conflict"));
            page(StatusCode::CONFLICT, &view(&app, &member, into, from, Some(&chosen), errors).await?)
        }
        Err(MergeError::Store(error)) => Err(error.into()),
    }
}

async fn view(
    app: &AppState,
    member: &Member,
    into: PatientId,
    from: PatientId,
    chosen: Option<&[Field]>,
    errors: Errors,
) -> Result<Compare, PageError> {
    let (here, there) = compare(&app.store, &member.actor, into, from).await?;
    let one = here.patient.as_ref().map_err(|damaged| StoreError::from(*damaged))?;
    let other = there.patient.as_ref().map_err(|damaged| StoreError::from(*damaged))?;
    let (known, theirs) = (one.demographics(), other.demographics());
    let may = may(member).await?;
    let banner = banner(
        member,
        &Known {
            id: into,
            patient: &here.patient,
            identifiers: &here.identifiers,
            alerts: &here.alerts,
            allergies: None,
        },
        may,
        Tab::Aside,
        today(app, member).await?,
    );
    let differing = Field::differing(&known, &theirs).into_iter().map(|field| Differing {
        field: field.code().to_owned(),
        label: label(field),
        here: field_said(field, &known),
        there: field_said(field, &theirs),
        // What is not known gives way, unless somebody chose.
        other: chosen.map_or(field.is_empty(&known), |chosen| chosen.contains(&field)),
    });
    let clinical = member.may_patient::<ReadClinical>().await?;
    Ok(Compare {
        shell: member.shell(Room::Patients).await?,
        guard: member.guard(),
        errors,
        other: from.to_string(),
        name: name_of(&here.patient),
        other_name: name_of(&there.patient),
        into: one.row_version.to_string(),
        from: other.row_version.to_string(),
        differing: differing.collect(),
        united: united(&known, &theirs, &here, &there),
        entries: clinical.then(|| u64::try_from(there.entries).unwrap_or(0)),
        notes: notes(one, other, &here, &there),
        banner,
    })
}

fn notes(one: &Patient, other: &Patient, here: &Side, there: &Side) -> Vec<String> {
    let mut notes = Vec::new();
    if other.restricted && (!one.restricted || here.named != there.named) {
        notes.push(say(if one.restricted { "merge-restricted-both" } else { "merge-restricted" }));
    }
    if there.away > 0 {
        notes.push(say_with("merge-along", &[("count", &u64::try_from(there.away).unwrap_or(0))]));
    }
    notes
}

fn label(field: Field) -> String {
    say(match field {
        Field::Names => "merge-names",
        Field::Birth => "patient-birth",
        Field::Gender => "patient-gender",
        Field::Pronouns => "patient-pronouns",
        Field::Deceased => "field-deceased",
        Field::Marital => "field-marital",
    })
}

/// What a record says in a field, in words.
fn field_said(field: Field, known: &Demographics) -> String {
    let said = match field {
        Field::Names => {
            let names: Vec<String> = known.names.iter().map(HumanName::display).collect();
            Some(list(names.iter().map(String::as_str)))
        }
        Field::Birth => known.birth.map(|birth| said::birth(birth).text),
        Field::Gender => known.gender.and_then(|code| gender(code.code())),
        Field::Pronouns => known.pronouns.clone(),
        Field::Deceased => known.deceased.as_ref().map(|told| match told {
            Deceased::Boolean(dead) => say(if *dead { "standing-died" } else { "standing-alive" }),
            Deceased::DateTime(at) => said::day(at).text,
        }),
        Field::Marital => known.marital.as_ref().and_then(|concept| concept.words().map(str::to_owned)),
    };
    said.filter(|said| !is_blank(said)).unwrap_or_else(|| say("nothing"))
}

fn united(known: &Demographics, theirs: &Demographics, here: &Side, there: &Side) -> Vec<United> {
    let contacts = |known: &Demographics| known.contacts.iter().filter_map(|point| point.value.clone()).collect();
    let addresses = |known: &Demographics| known.addresses.iter().map(|address| address.lines().join(", ")).collect();
    let languages = |known: &Demographics| -> Vec<String> {
        known.languages.iter().filter_map(|language| language.language.words().map(str::to_owned)).collect()
    };
    let people = |known: &Demographics| -> Vec<String> {
        let people = known.people();
        people.iter().map(|person| format!("{}: {}", person.relation_words(), person.name)).collect()
    };
    let numbers = |side: &Side| -> Vec<String> {
        let known = side.identifiers.iter().flatten();
        known.map(|known| format!("{} {}", kind_label(&known.kind), known.masked)).collect()
    };
    let alerts = |side: &Side| side.alerts.iter().flatten().map(|alert| alert.text.clone()).collect();
    let lists = [
        ("contacts-title", contacts(known), contacts(theirs)),
        ("patient-address", addresses(known), addresses(theirs)),
        ("details-languages", languages(known), languages(theirs)),
        ("details-people", people(known), people(theirs)),
        ("field-identifiers", numbers(here), numbers(there)),
        ("alerts-title", alerts(here), alerts(there)),
    ];
    let said = |(key, here, there): (&str, Vec<String>, Vec<String>)| {
        let there: Vec<String> = there.into_iter().filter(|item| !here.contains(item)).collect();
        (!here.is_empty() || !there.is_empty()).then(|| United { label: say(key), here, there })
    };
    lists.into_iter().filter_map(said).collect()
}

/// `GET /patients/{patient}/merges`
pub(super) async fn show_merges(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let (patient, made) = merges(&app.store, &member.actor, id).await?;
    let zone = member.zone().await?;
    let row = |made: &practice::patients::merging::reads::Merged| MergedRow {
        id: made.id.to_string(),
        name: name_of(&made.patient),
        at: crate::views::Moment::at(made.at, &zone),
        direct: made.direct,
    };
    show(&Merges {
        shell: member.shell(Room::Patients).await?,
        id: id.to_string(),
        name: name_of(&patient),
        rows: made.iter().map(row).collect(),
    })
}

/// `GET /patients/{patient}/merges/{merge}/undo`
pub(super) async fn ask(
    State(app): State<AppState>,
    member: Member,
    At((id, merge)): At<(PatientId, MergeId)>,
) -> Answer {
    let found = undo_page(&app.store, &member.actor, id, merge).await?;
    show(&undo_view(&member, merge, found, Errors::none()).await?)
}

#[derive(Deserialize)]
pub(super) struct UndoForm {
    version: String,
}

/// `POST /patients/{patient}/merges/{merge}/undo`
pub(super) async fn take_apart(
    State(app): State<AppState>,
    At((id, merge)): At<(PatientId, MergeId)>,
    sent: Sent<UndoForm>,
) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version = form.version.parse().map_err(|_| PageError::BAD_REQUEST)?;
    match Box::pin(undo(&app.store, &member.actor, once, id, merge, seen(version))).await {
        Ok(()) => go_to(&format!("/patients/{id}")),
        Err(StoreError::Conflict) => {
            let found = undo_page(&app.store, &member.actor, id, merge).await?;
            let errors = Errors::whole(say("unmerge-conflict"));
            page(StatusCode::CONFLICT, &undo_view(&member, merge, found, errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn undo_view(member: &Member, merge: MergeId, found: UndoPage, errors: Errors) -> Result<Unmerge, PageError> {
    let UndoPage { patient, other, at, undoing, since, access_back, .. } = found;
    let fields = |fields: &[Field]| {
        let labels: Vec<String> = fields.iter().map(|field| label(*field)).collect();
        list(labels.iter().map(String::as_str))
    };
    let mut notes = vec![say("unmerge-what")];
    if !undoing.back.is_empty() {
        notes.push(say_with("unmerge-back", &[("fields", &fields(&undoing.back))]));
    }
    if !undoing.stays.is_empty() {
        notes.push(say_with("unmerge-stay", &[("fields", &fields(&undoing.stays))]));
    }
    if undoing.items_back > 0 {
        notes.push(say_with("unmerge-items", &[("count", &undoing.items_back)]));
    }
    if undoing.items_stay > 0 {
        notes.push(say_with("unmerge-items-stay", &[("count", &undoing.items_stay)]));
    }
    match access_back {
        Some(true) => notes.push(say("unmerge-access")),
        Some(false) => notes.push(say("unmerge-access-stays")),
        None => {}
    }
    if member.may_patient::<ReadClinical>().await? {
        notes.push(say_with("unmerge-entries", &[("count", &u64::try_from(since).unwrap_or(0))]));
    }
    Ok(Unmerge {
        shell: member.shell(Room::Patients).await?,
        guard: member.guard(),
        errors,
        id: patient.id.to_string(),
        merge: merge.to_string(),
        name: name_of(&Ok(patient.clone())),
        other_name: name_of(&Ok(other)),
        at: member.moment(at).await?,
        version: patient.row_version.to_string(),
        notes,
    })
}

/// Whether making two records one is offered to somebody.
pub(super) async fn may_merge(member: &Member) -> Result<bool, PageError> {
    member.may_patient::<MergePatients>().await
}
