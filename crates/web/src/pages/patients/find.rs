//! The one search box.

use axum::extract::State;
use jiff::civil::Date;
use practice::patients::actions::{CreatePatient, LookUpIdentifier};
use practice::patients::identifiers::IdentifierKind;
use practice::patients::model::ContactSystem;
use practice::patients::reads::{Read, find, recently_opened};
use practice::patients::rows::Patient;
use practice::patients::search::Query;
use serde::Deserialize;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, show};
use crate::views::patients::{Found, Hit, Lookup, Patients};
use crate::views::words::gender;
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

/// Patients opened lately, shown before anything is typed.
const LATELY: i64 = 10;

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    q: String,
}

/// `GET /patients?q=`
pub(super) async fn show_found(State(app): State<AppState>, member: Member, Asked(asked): Asked<Question>) -> Answer {
    let today = today(&app, &member).await?;
    let query = Query::parse(&asked.q, member.date_order().await?);
    let mut empty_practice = false;
    let found = if asked.q.trim().is_empty() {
        let lately = recently_opened(&app.store, &member.actor, LATELY).await?;
        empty_practice = lately.empty_practice;
        Found::Nothing(lately.opened.iter().map(|(patient, _)| hit(patient, today)).collect())
    } else if query.tokens().is_empty() {
        Found::None
    } else {
        let found = find(&app.store, &member.actor, &asked.q, &query).await?;
        let hits: Vec<Hit> = found.patients.iter().map(|patient| hit(patient, today)).collect();
        match (hits.is_empty(), found.more) {
            (true, _) => Found::None,
            (false, true) => Found::TooMany(hits),
            (false, false) => Found::These(hits),
        }
    };
    let page = list(&member, asked.q, found, Errors::none(), String::new(), "", false).await?;
    show(&Patients { empty_practice, ..page })
}

pub(super) async fn today(app: &AppState, member: &Member) -> Result<Date, PageError> {
    Ok(app.clock().now().to_zoned(member.zone().await?).date())
}

pub(super) async fn list(
    member: &Member,
    q: String,
    found: Found,
    errors: Errors,
    number: String,
    kind: &str,
    nobody: bool,
) -> Result<Patients, PageError> {
    let lookup = member.may::<LookUpIdentifier>().await?.then(|| Lookup {
        guard: member.guard(),
        errors,
        kinds: kinds(kind),
        number,
        nobody,
    });
    Ok(Patients {
        shell: member.shell(Room::Patients).await?,
        q,
        found,
        lookup,
        may_create: member.may::<CreatePatient>().await?,
        empty_practice: false,
    })
}

/// Every kind of identifier, one chosen.
pub(super) fn kinds(chosen: &str) -> Vec<Choice> {
    IdentifierKind::ALL.iter().map(|kind| Choice::new(kind.code(), kind.label(), kind.code() == chosen)).collect()
}

/// A patient in a list; a damaged one by its id.
pub(crate) fn hit(patient: &Read<Patient>, today: Date) -> Hit {
    let name = super::banner::name_of(patient);
    match patient {
        Err(damaged) => {
            Hit { id: damaged.id.to_string(), name, preferred: None, birth: None, age: None, gender: None, phone: None }
        }
        Ok(patient) => {
            let known = patient.demographics();
            Hit {
                id: patient.id.to_string(),
                name,
                preferred: known.preferred_name().map(practice::patients::model::HumanName::display),
                birth: known.birth.map(said::birth),
                age: said::age_on(known.birth, today),
                gender: known.gender.and_then(|code| gender(code.code())),
                phone: known.contacts_of(ContactSystem::Phone).first().and_then(|point| point.value.clone()),
            }
        }
    }
}
