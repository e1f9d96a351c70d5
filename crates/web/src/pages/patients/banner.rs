//! The banner: the same on every page of a patient, so that nobody takes one for another.

use jiff::civil::Date;
use kernel::PatientId;
use practice::patients::actions::{EditPatient, ReadClinical, RevealIdentifier};
use practice::patients::identifiers::IdentifierKind;
use practice::patients::reads::{May, Read};
use practice::patients::rows::{Alert, EntryLine, MaskedIdentifier, Patient};
use store::{Purpose, ReadPatientAudit};

use super::said;
use crate::AppState;
use crate::errors::PageError;
use crate::text::say;
use crate::views::patient::{Allergies, Allergy, Banner, BannerAlert, Identifier, Tab, Weight};
use crate::views::words::{gender, purpose};
use crate::views::{Choice, Errors};
use crate::who::{Caller, Member};

/// What the banner is made of.
pub(super) struct Known<'a> {
    pub(super) id: PatientId,
    pub(super) patient: &'a Read<Patient>,
    pub(super) identifiers: &'a [Read<MaskedIdentifier>],
    pub(super) alerts: &'a [Read<Alert>],
    /// `None` where the roles do not read the clinical record.
    pub(super) allergies: Option<Vec<&'a Read<EntryLine>>>,
}

/// What the member may do on a patient's pages. The doors decide; this is what is offered.
pub(super) async fn may(member: &Member) -> Result<May, PageError> {
    Ok(May {
        edit: member.may_patient::<EditPatient>().await?,
        reveal: member.may_patient::<RevealIdentifier>().await?,
        clinical: member.may_patient::<ReadClinical>().await?,
        audit: member.may_patient::<ReadPatientAudit>().await?,
    })
}

pub(super) fn name_of(patient: &Read<Patient>) -> String {
    match patient {
        Ok(patient) => patient
            .demographics()
            .name()
            .map_or_else(|| say("patient-unnamed"), practice::patients::model::HumanName::display),
        Err(_) => say("damaged"),
    }
}

/// The banner of a page about taking a record out.
pub(in crate::pages) async fn export_banner(
    app: &AppState,
    member: &Member,
    id: PatientId,
) -> Result<Banner, PageError> {
    let page = practice::patients::reads::open(&app.store, &member.actor, id).await?;
    let today = super::find::today(app, member).await?;
    Ok(banner(member, &super::overview::known(id, &page), page.may, Tab::Aside, today))
}

pub(super) fn banner(member: &Member, known: &Known<'_>, may: May, tab: Tab, today: Date) -> Banner {
    let name = name_of(known.patient);
    let about = known.patient.as_ref().ok();
    let particulars = about.map(Patient::demographics).unwrap_or_default();
    let died = particulars.deceased.as_ref().filter(|deceased| deceased.is_dead());
    Banner {
        id: known.id.to_string(),
        preferred: particulars.preferred_name().map(practice::patients::model::HumanName::display),
        pronouns: particulars.pronouns.clone(),
        birth: particulars.birth.map(said::birth),
        age: if died.is_some() { None } else { said::age_on(particulars.birth, today) },
        gender: particulars.gender.and_then(|code| gender(code.code())),
        died: died.and_then(|deceased| match deceased {
            practice::patients::model::Deceased::DateTime(at) => Some(said::day(at)),
            practice::patients::model::Deceased::Boolean(_) => None,
        }),
        dead: died.is_some(),
        inactive: about.is_some_and(|patient| !patient.active),
        restricted: about.is_some_and(|patient| patient.restricted),
        alerts: known
            .alerts
            .iter()
            .map(|alert| match alert {
                Ok(alert) => BannerAlert { text: alert.text.clone(), weight: weight(&alert.severity) },
                Err(_) => BannerAlert { text: say("damaged"), weight: Weight::High },
            })
            .collect(),
        allergies: allergies(known.allergies.as_deref()),
        identifiers: known
            .identifiers
            .iter()
            .map(|identifier| masked(member, known.id, &name, identifier, may))
            .collect(),
        tab,
        may_read_record: may.clinical,
        may_audit: may.audit,
        may_edit: may.edit && about.is_some(),
        name,
    }
}

pub(super) fn weight(severity: &str) -> Weight {
    if severity == "high" { Weight::High } else { Weight::Usual }
}

fn allergies(lines: Option<&[&Read<EntryLine>]>) -> Allergies {
    let Some(lines) = lines else { return Allergies::NotShown };
    let (mut damaged, mut none_known) = (0, false);
    let mut known = Vec::new();
    for line in lines {
        match line {
            Err(_) => damaged += 1,
            Ok(line) if line.summary.in_error || !line.summary.current => {}
            Ok(line) if line.summary.none_known => none_known = true,
            Ok(line) => known.push(Allergy {
                substance: line.summary.title.clone(),
                reaction: line.summary.reaction.clone(),
                weight: if line.summary.criticality.as_deref() == Some("high") { Weight::High } else { Weight::Usual },
            }),
        }
    }
    // An allergy that stands, or one that nobody can read, outweighs the word that none is known.
    match (known.is_empty() && damaged == 0, none_known) {
        (true, true) => Allergies::NoneKnown,
        (true, false) => Allergies::NoneRecorded,
        (false, _) => Allergies::These(known, damaged),
    }
}

/// The kind of an identifier in words; a kind that only a later version knows shows its code.
pub(super) fn kind_label(code: &str) -> String {
    IdentifierKind::from_code(code).map_or_else(|| code.to_owned(), |kind| kind.label().to_owned())
}

/// The purposes of a reveal.
pub(super) fn purposes() -> Vec<Choice> {
    Purpose::ALL.into_iter().map(|p| Choice::new(p.code(), purpose(p.code()), false)).collect()
}

pub(super) fn masked(
    member: &Member,
    patient: PatientId,
    patient_name: &str,
    identifier: &Read<MaskedIdentifier>,
    may: May,
) -> Identifier {
    let (id, kind, shown) = match identifier {
        Ok(open) => (open.id.to_string(), kind_label(&open.kind), Some(open.masked.clone())),
        Err(damaged) => (damaged.id.to_string(), say("damaged"), None),
    };
    Identifier {
        id,
        patient: patient.to_string(),
        patient_name: patient_name.to_owned(),
        kind,
        reveal: (may.reveal && shown.is_some()).then(|| member.guard()),
        may_remove: may.edit && shown.is_some(),
        masked: shown,
        purposes: purposes(),
        errors: Errors::none(),
        revealed: None,
    }
}
