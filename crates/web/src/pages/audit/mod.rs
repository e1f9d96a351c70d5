//! Who saw what in the practice.

mod list;
mod values;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use practice::audit::reads::Names;
use store::{AuditLine, Damaged, ReadAudit, Roles};

use crate::around::roles_said;
use crate::routes::{Allow, Pages};
use crate::views::Moment;
use crate::views::audit::{Act, ActKind};
use crate::views::words::{action, entry, machine, narrowed_by, purpose};

pub(super) fn routes(pages: Pages) -> Pages {
    pages.read("/audit", Allow::to::<ReadAudit>(), list::show_log)
}

/// A line of the log, as a page shows it.
pub(super) fn shown(line: &AuditLine, names: &Names, zone: &TimeZone) -> Act {
    let member = line.person.and_then(|person| names.people.get(&person));
    let who = match (line.person, line.client) {
        (Some(person), _) => member.map_or_else(|| person.to_string(), |member| member.display_name.clone()),
        (None, Some(client)) => {
            names.clients.get(&client).map_or_else(|| client.to_string(), |client| client.name.clone())
        }
        (None, None) => line.machine.map(machine).unwrap_or_default(),
    };
    let roles = member.and_then(|member| member.roles.parse::<Roles>().ok()).map(roles_said).unwrap_or_default();
    let refused = line.action.strip_suffix(".refused");
    let changes = values::changes(&line.changes, zone);
    Act {
        event: line.event.to_string(),
        at: Moment::at(line.at, zone),
        who,
        roles,
        kind: kind_of(line, refused.is_some()),
        what: action(refused.unwrap_or(&line.action)),
        of: line.field.as_deref().map(of_said),
        purpose: line.purpose.as_deref().map(purpose),
        fields: if changes.is_empty() { values::fields(&line.changed_fields) } else { String::new() },
        changes,
        from: line.source.clone(),
        patient: None,
        damaged: false,
    }
}

/// A line whose details do not open: where it stood is known, and nothing else.
pub(super) fn damaged_act(damaged: &Damaged, at: Timestamp, zone: &TimeZone) -> Act {
    Act {
        event: damaged.id.to_string(),
        at: Moment::at(at, zone),
        who: String::new(),
        roles: String::new(),
        kind: ActKind::Read,
        what: String::new(),
        of: None,
        purpose: None,
        changes: Vec::new(),
        fields: String::new(),
        from: String::new(),
        patient: None,
        damaged: true,
    }
}

fn kind_of(line: &AuditLine, refused: bool) -> ActKind {
    let begins = |part: &str| line.action.starts_with(part);
    if refused || line.action.ends_with("-refused") {
        ActKind::Refused
    } else if line.action == "identifier.reveal" || line.action.ends_with("-whole") {
        ActKind::Reveal
    } else if line.listed || line.action == "patient.find" || line.action.starts_with("patient.lookup") {
        ActKind::Found
    } else if begins("person.") || begins("session.") || begins("account.") {
        ActKind::Account
    } else if line.changed_fields.is_empty() {
        ActKind::Read
    } else {
        ActKind::Change
    }
}

/// What an act was of: a kind of identifier or of entry, or by what a list was narrowed.
fn of_said(name: &str) -> String {
    if let Some(by) = name.strip_prefix(practice::patients::timeline::FILTERED) {
        return narrowed_by(by);
    }
    match name.strip_prefix("patient_identifier.") {
        Some(kind) => practice::patients::identifiers::IdentifierKind::from_code(kind)
            .map_or_else(|| kind.to_owned(), |kind| kind.label().to_owned()),
        None => entry(name),
    }
}
