//! Reading the log. Reading it is in the log.

use std::collections::HashMap;

use jiff::Timestamp;
use kernel::{ClientId, EventId, PatientId, PersonId};
use store::{
    Action, Actor, AuditFilter, AuditLine, AuditPage, Damaged, Event, Includes, ReadAudit, ReadPatientAudit, Resource,
    ResourceKind, Store, StoreError, Tx, sql,
};

use crate::patients::actions::{EditPatient, OpenAudit, OpenClinicalAudit, ReadClinical, ReadPatient};
use crate::patients::reads::{Read, allergies, page_rows};
use crate::patients::rows::{Alert, EntryLine, EntryLineRow, MaskedIdentifier, Patient};

store::sealed_row! {
    /// A member's name, for the log.
    pub view MemberNameRow opens MemberName in "membership" id PersonId, keyed practice {
        clear { roles: String, status: String }
        sealed { display_name: String }
    }
}

store::sealed_row! {
    /// The name of a program that was let in, for the log.
    pub view ClientNameRow opens ClientName in "api_client" id ClientId, keyed practice {
        clear { state: String }
        sealed { name: String }
    }
}

/// Lines on a page.
pub const LINES_PER_PAGE: i64 = 50;
/// Members, and programs, whose names are looked up for a page.
const MEMBERS_MAX: i64 = 2_000;

/// Who is who in the log, those who left included.
#[derive(Default)]
pub struct Names {
    /// Names and roles of the practice's people.
    pub people: HashMap<PersonId, MemberName>,
    /// Names of the programs that were let in.
    pub clients: HashMap<ClientId, ClientName>,
}

/// The member who left an event; nobody where it was left by a job. For whoever may change a row: who
/// changed it before them is theirs to know.
pub(crate) async fn writer<A: Includes<EditPatient>>(
    tx: &Tx<A>,
    event: EventId,
) -> Result<Vec<MemberNameRow>, StoreError> {
    let sql = sql!(
        "select m.* from membership m join audit_event e on e.practice_id = m.practice_id and e.actor_id = m.id
         where m.practice_id = $1 and e.event_id = $2 and e.actor_kind = 1"
    );
    tx.rows(sql, &[&event.uuid()]).await
}

type NameRows = (Vec<MemberNameRow>, Vec<ClientNameRow>);

async fn name_rows<A: Action>(tx: &Tx<A>) -> Result<NameRows, StoreError> {
    let people = sql!("select * from membership where practice_id = $1 order by id limit $2");
    let clients = sql!("select * from api_client where practice_id = $1 order by id limit $2");
    Ok((tx.rows(people, &[&MEMBERS_MAX]).await?, tx.rows(clients, &[&MEMBERS_MAX]).await?))
}

fn names((people, clients): (Vec<Read<MemberName>>, Vec<Read<ClientName>>)) -> Names {
    Names {
        people: people.into_iter().filter_map(Result::ok).map(|member| (member.id, member)).collect(),
        clients: clients.into_iter().filter_map(Result::ok).map(|client| (client.id, client)).collect(),
    }
}

/// Who saw what of one record.
pub struct RecordLog {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner; `None` where the roles do not read the clinical record.
    pub allergies: Option<Vec<Read<EntryLine>>>,
    /// Newest first.
    pub lines: AuditPage<Result<AuditLine, Damaged>>,
    /// Who the people are.
    pub names: Names,
    /// When this was recorded.
    pub at: Timestamp,
}

/// The log of one record. Values of clinical entries are shown only to those who may read them; the number
/// of an identifier to nobody, only its masked form: to see it in full is an act of its own, with a purpose.
pub async fn of_record(
    store: &Store,
    actor: &Actor,
    id: PatientId,
    before: Option<EventId>,
) -> Result<RecordLog, StoreError> {
    let threshold = store.enter(actor).await?;
    let mut log = if threshold.known().await?.would_allow::<ReadClinical>(ResourceKind::Patient) {
        let tx: Tx<OpenClinicalAudit> = threshold.ask(Resource::Patient(id)).await?;
        let allergies = allergies(&tx, id).await?;
        read_record_log(tx, id, before, Some(allergies)).await?
    } else {
        let tx: Tx<OpenAudit> = threshold.ask(Resource::Patient(id)).await?;
        read_record_log(tx, id, before, None).await?
    };
    let clinical = log.allergies.is_some();
    let shown = |field: &str| field != "patient_identifier.value" && (clinical || !field.starts_with("record_entry."));
    for line in log.lines.lines.iter_mut().flatten() {
        line.changes.retain(|change| shown(&change.field));
    }
    Ok(log)
}

async fn read_record_log<A>(
    tx: Tx<A>,
    id: PatientId,
    before: Option<EventId>,
    allergies: Option<Vec<EntryLineRow>>,
) -> Result<RecordLog, StoreError>
where
    A: store::Reads + store::Includes<ReadPatient> + store::Includes<ReadPatientAudit>,
{
    let banner = page_rows(&tx, id).await?;
    let page = tx.audit_about(id, before, LINES_PER_PAGE).await?;
    let people = name_rows(&tx).await?;
    let at = tx.at();
    let AuditPage { lines, next } = page;
    let event = Event::new().about("patient", id.uuid());
    let clinical = allergies.is_some();
    let read = (banner, allergies.unwrap_or_default(), (lines, people));
    let ((patient, identifiers, alerts), allergies, (lines, people)) = tx.record(event, read).await?;
    let lines = AuditPage { lines, next };
    let allergies = clinical.then_some(allergies);
    Ok(RecordLog { patient, identifiers, alerts, allergies, lines, names: names(people), at })
}

/// The practice's log.
pub struct PracticeLog {
    /// Newest first; acts, not values.
    pub lines: AuditPage<AuditLine>,
    /// Who the people are.
    pub names: Names,
    /// When this was recorded.
    pub at: Timestamp,
}

/// The log of the practice: who did what, when, from where.
pub async fn of_practice(store: &Store, actor: &Actor, filter: &AuditFilter) -> Result<PracticeLog, StoreError> {
    let tx: Tx<ReadAudit> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let lines = tx.audit_of_practice(filter, LINES_PER_PAGE).await?;
    let people = name_rows(&tx).await?;
    let at = tx.at();
    let people = tx.record(Event::new(), people).await?;
    Ok(PracticeLog { lines, names: names(people), at })
}
