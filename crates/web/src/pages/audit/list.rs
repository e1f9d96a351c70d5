//! The practice's log, with filters.

use axum::extract::State;
use kernel::{EventId, PatientId};
use practice::audit::reads::of_practice;
use serde::Deserialize;
use store::AuditFilter;
use uuid::Uuid;

use super::shown;
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{Asked, refuse, show};
use crate::pages::patients::day_start;
use crate::text::{say, say_with};
use crate::views::audit::{ActKind, AuditPatient, PracticeAudit};
use crate::views::words::action;
use crate::views::{Choice, Errors, Pager, Room};
use crate::who::Member;

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    person: String,
    #[serde(default)]
    patient: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    before: String,
}

/// The acts that the filter offers.
const ACTIONS: [(&str, ActKind); 17] = [
    ("identifier.reveal", ActKind::Reveal),
    ("patient.record", ActKind::Read),
    ("patient.read", ActKind::Read),
    ("patient.find", ActKind::Found),
    ("patient.lookup-identifier", ActKind::Found),
    ("patient.create", ActKind::Change),
    ("patient.edit", ActKind::Change),
    ("clinical.write", ActKind::Change),
    ("patient.import", ActKind::Change),
    ("import.undo", ActKind::Change),
    ("record.export", ActKind::Read),
    ("export.ask", ActKind::Change),
    ("export.take", ActKind::Read),
    ("team.invite", ActKind::Change),
    ("team.roles", ActKind::Change),
    ("team.remove", ActKind::Change),
    ("person.sign-in", ActKind::Account),
];

/// "Shown: An identifier", as the list below it has it.
fn choice(name: &str, kind: ActKind, asked: &str) -> Choice {
    let label = say_with("audit-act", &[("kind", &say(kind.key())), ("act", &action(name))]);
    Choice::new(name, label, name == asked)
}

/// `GET /audit?person=&patient=&action=&from=&to=&before=`
pub(super) async fn show_log(State(app): State<AppState>, member: Member, Asked(asked): Asked<Question>) -> Answer {
    let zone = member.zone().await?;
    let mut errors = Errors::none();
    let from = day_start(&asked.from, &zone, 0).unwrap_or_else(|| {
        errors.add("from", say("filter-date-wrong"));
        None
    });
    let until = day_start(&asked.to, &zone, 1).unwrap_or_else(|| {
        errors.add("to", say("filter-date-wrong"));
        None
    });
    let patient: Option<PatientId> = asked.patient.trim().parse().ok();
    if patient.is_none() && !asked.patient.trim().is_empty() {
        errors.add("patient", say("audit-patient-wrong"));
    }
    let actor: Option<Uuid> = asked.person.parse().ok();
    let before: Option<EventId> = asked.before.parse().ok();
    let known = ACTIONS.into_iter().find(|(name, _)| *name == asked.action).map(|(name, _)| name.to_owned());
    let filter = AuditFilter { actor, patients: patient.into_iter().collect(), action: known, from, until, before };
    let log = of_practice(&app.store, &member.actor, &filter).await?;
    let acts = log.lines.lines.iter().map(|line| {
        let mut act = shown(line, &log.names, &zone);
        act.patient = line.patient.map(|id| AuditPatient { id: id.to_string(), name: None });
        act
    });
    let mut people: Vec<Choice> = log
        .names
        .people
        .values()
        .map(|one| (one.id.uuid(), &one.display_name))
        .chain(log.names.clients.values().map(|one| (one.id.uuid(), &one.name)))
        .map(|(id, name)| Choice::new(id.to_string(), name.clone(), Some(id) == actor))
        .collect();
    people.sort_by(|a, b| a.label.cmp(&b.label));
    people.insert(0, Choice::new("", say("audit-everyone"), actor.is_none()));
    let mut actions = vec![Choice::new("", say("audit-everything"), asked.action.is_empty())];
    actions.extend(ACTIONS.into_iter().map(|(name, kind)| choice(name, kind, &asked.action)));
    let address = |before: &str| {
        let Question { person, patient, action, from, to, .. } = &asked;
        let patient = patient.trim();
        format!("/audit?person={person}&patient={patient}&action={action}&from={from}&to={to}{before}")
    };
    let pager = Pager {
        previous: before.map(|_| address("")),
        next: log.lines.next.map(|next| address(&format!("&before={next}"))),
        ..Pager::default()
    };
    let view = PracticeAudit {
        shell: member.shell(Room::Audit).await?,
        people,
        actions,
        acts: acts.collect(),
        pager: if errors.is_empty() { pager } else { Pager::default() },
        patient: asked.patient,
        from: asked.from,
        to: asked.to,
        errors,
    };
    if view.errors.is_empty() { show(&view) } else { refuse(&view) }
}
