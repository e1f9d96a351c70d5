//! Reading the audit: who saw what. Reading it is an act like any other, with an event of its own.

use jiff::Timestamp;
use kernel::{ClientId, EventId, PatientId, PersonId, PracticeId};
use ledger::Opening;
use seal::{Place, Sealed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::event::FieldChange;
use crate::past::Amended;
use crate::row::{KeyFor, Opener, Survey, Unseal};
use crate::sql::Sql;
use crate::{Action, Damaged, Includes, StoreError, Tx};

crate::actions! {
    /// Who saw what of one record, with the values that changed.
    pub ReadPatientAudit = "patient.audit", reads;
    /// Who saw what in the practice: acts, not values.
    pub ReadAudit = "audit.read", reads;
}

/// What an event holds that is sealed: values before and after with the openings of their
/// commitments, and remarks.
#[derive(Clone, Serialize, Deserialize)]
pub struct Details {
    /// The changes.
    pub changes: Vec<ChangeDetail>,
    /// Anything else (a search term).
    pub note: Option<Value>,
    /// Rows that were there before, and what wrote them then. Events of the first releases do
    /// not say; the versions before them are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amended: Vec<Amended>,
}

/// One field's change, with what proves it against the leaf.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChangeDetail {
    field: String,
    before: Option<Value>,
    after: Option<Value>,
    before_opening: Option<Opening>,
    after_opening: Option<Opening>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<Uuid>,
}

impl ChangeDetail {
    pub(crate) fn new(change: &FieldChange, before: Option<Opening>, after: Option<Opening>) -> Self {
        Self {
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
            before_opening: before,
            after_opening: after,
            row: change.row,
        }
    }

    /// Of a row of a table that was there before: the column and what stood in it.
    pub(crate) fn before_in(self, table: &str, row: Uuid) -> Option<(String, Value)> {
        let column = self.field.strip_prefix(table)?.strip_prefix('.')?.to_owned();
        (self.row == Some(row)).then(|| (column, self.before.unwrap_or_default()))
    }
}

/// One field's change, for reading.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeLine {
    /// Table and column.
    pub field: String,
    /// The value before; `None` if there was none.
    pub before: Option<Value>,
    /// The value after; `None` if there is none.
    pub after: Option<Value>,
}

/// A line of the log as it is stored; its details are sealed.
pub struct AuditRow {
    line: AuditLine,
    details: Sealed<Details>,
    /// Under which key; nothing where the details are not this record's to show.
    key: Option<KeyFor>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditLine {
    /// The event.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// Who, if it was a person.
    pub person: Option<PersonId>,
    /// Which program, if it was one that the practice has let in.
    pub client: Option<ClientId>,
    /// The job's code, or "visitor", if it was neither.
    pub machine: Option<&'static str>,
    /// From where.
    pub source: String,
    /// What.
    pub action: String,
    /// The kind and id of the record.
    pub record: Option<(String, Uuid)>,
    /// The patient it was about.
    pub patient: Option<PatientId>,
    /// Which field.
    pub field: Option<String>,
    /// Why.
    pub purpose: Option<String>,
    /// Whether it was a list in which the patient appeared.
    pub listed: bool,
    /// What changed. Empty in the practice's view, and where the key is gone.
    pub changes: Vec<ChangeLine>,
    /// The names of the changed fields are in the leaf, so they stay even when values are gone.
    pub changed_fields: Vec<String>,
    /// What was asked, returned or remarked, of an act on this one patient. Empty in the practice's view.
    pub note: Option<Value>,
}

impl AuditLine {
    fn decode(row: &Row) -> Result<Self, StoreError> {
        let kind: i16 = row.try_get("actor_kind")?;
        let actor: Uuid = row.try_get("actor_id")?;
        let person = kind == ledger::ActorKind::Person as i16;
        let client = kind == ledger::ActorKind::Client as i16;
        let record_kind: Option<String> = row.try_get("record_kind")?;
        let record_id: Option<Uuid> = row.try_get("record_id")?;
        let fields = ledger::decode_changes(row.try_get("changes")?)
            .map_err(|_| StoreError::Unreadable { what: "audit changes" })?;
        Ok(Self {
            event: EventId::from_uuid(row.try_get("event_id")?),
            at: row.try_get("at")?,
            person: person.then(|| PersonId::from_uuid(actor)),
            client: client.then(|| ClientId::from_uuid(actor)),
            machine: (!person && !client).then(|| machine_name(actor)),
            source: row.try_get("source")?,
            action: row.try_get("action")?,
            record: record_kind.zip(record_id),
            patient: row.try_get::<_, Option<Uuid>>("patient_id")?.map(PatientId::from_uuid),
            field: row.try_get("field")?,
            purpose: row.try_get("purpose")?,
            listed: row.try_get("listed")?,
            changes: Vec::new(),
            changed_fields: fields.into_iter().map(|change| change.field).collect(),
            note: None,
        })
    }
}

fn machine_name(id: Uuid) -> &'static str {
    use crate::policy::Job;
    Job::ALL.into_iter().find(|job| job.id() == id).map_or("visitor", Job::code)
}

impl Unseal for AuditRow {
    type Open = Result<AuditLine, Damaged>;

    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        if let Some(key) = self.key {
            survey.note(practice, key);
        }
    }

    /// A line whose key has been destroyed still says who, when and what; only the values are gone.
    fn unseal(self, opener: &Opener) -> Self::Open {
        let Self { mut line, details, key } = self;
        // What an erased patient's event was about is recorded under the practice's key, without values.
        let sealed_under_practice =
            line.patient.is_some() && details.key_id().is_ok_and(|id| id.uuid() == opener.practice.uuid());
        if let Some(key) = key.filter(|key| opener.has(*key) && !sealed_under_practice) {
            let details = opener.open(key, &details)?;
            // A list's own words are the practice's, not this patient's.
            line.note = details.note.filter(|_| line.patient.is_some());
            line.changes = details
                .changes
                .into_iter()
                .map(|change| ChangeLine { field: change.field, before: change.before, after: change.after })
                .collect();
        }
        Ok(line)
    }
}

/// Which lines of the practice's log to show.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Acts of this person or client.
    pub actor: Option<Uuid>,
    /// Acts concerning one of these records; of nobody named, all.
    pub patients: Vec<PatientId>,
    /// Acts of this name; a name that ends with a dot takes all that begin so.
    pub action: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Older than this event: the next page.
    pub before: Option<EventId>,
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct AuditPage<T> {
    /// Newest first.
    pub lines: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<EventId>,
}

/// Of an event that is about one of the records and names another of them, one line.
const ABOUT_PATIENT: &str = "
    select distinct on (event_id) both_kinds.* from unnest($2::uuid[]) of (id) cross join lateral (
        (select e.*, false as listed from audit_event e
         where e.practice_id = $1 and e.patient_id = of.id and ($3::uuid is null or e.event_id < $3)
         order by e.event_id desc limit $4)
        union all
        (select e.*, true as listed from audit_subject s
         join audit_event e on e.practice_id = s.practice_id and e.event_id = s.event_id
         where s.practice_id = $1 and s.patient_id = of.id and ($3::uuid is null or s.event_id < $3)
         order by s.event_id desc limit $4)
    ) both_kinds order by event_id desc, listed limit $4";

/// Ids are in the order of time, so that an index finds a span of days; an id may be this much before or
/// after the moment that its event says.
const IDS_MAY_STRAY: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// The ids between which events of a span of time lie.
fn ids_within(from: Option<Timestamp>, until: Option<Timestamp>) -> (Uuid, Uuid) {
    let first = |at: Timestamp| {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
    };
    let low = from.map_or(Uuid::nil(), |at| first(at.saturating_sub(IDS_MAY_STRAY).unwrap_or(Timestamp::MIN)));
    let high = until.map_or(Uuid::max(), |at| first(at.saturating_add(IDS_MAY_STRAY).unwrap_or(Timestamp::MAX)));
    (low, high)
}

const OF_PRACTICE: &str = "
    select e.*, false as listed from audit_event e
    where e.practice_id = $1 and ($2::uuid is null or e.event_id < $2)
      and e.event_id >= $9 and e.event_id < $10
      and ($3::uuid is null or e.actor_id = $3)
      and (cardinality($4::uuid[]) = 0 or e.patient_id = any($4) or exists (
            select from audit_subject s
            where s.practice_id = e.practice_id and s.patient_id = any($4) and s.event_id = e.event_id))
      and ($5::text is null or e.action = $5 or (right($5, 1) = '.' and left(e.action, length($5)) = $5))
      and ($6::timestamptz is null or e.at >= $6) and ($7::timestamptz is null or e.at < $7)
    order by e.event_id desc limit $8";

/// How many people but one (`$4`, if it was a person who asks) have had to do with a patient's record (`$2`), or with
/// one that was merged into it, since a moment (`$3`). A number, no names.
pub const OTHER_READERS: Sql = Sql::new(
    "select count(distinct actor_id) from audit_event
     where practice_id = $1 and patient_id = any(array(
        select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2))
     and at >= $3 and actor_kind = 1 and right(action, 8) <> '.refused' and actor_id is distinct from $4::uuid",
);

const RECENT: &str = "
    select coalesce(p.merged_into, lately.patient_id), max(at) from (
        select patient_id, at, row_number() over (order by event_id desc) as place from audit_event
        where practice_id = $1 and actor_id = $2 and patient_id is not null and at >= $3
          and right(action, 8) <> '.refused'
        order by event_id desc limit 500
    ) lately left join patient p on p.practice_id = $1 and p.id = lately.patient_id
    group by 1 order by min(place) limit $4";

impl<A: Action> Tx<A> {
    /// The patients with whom a person had to do last and when, newest first: from the log of 30 days.
    pub async fn recent_patients_of(
        &self,
        person: PersonId,
        limit: i64,
    ) -> Result<Vec<(PatientId, Timestamp)>, StoreError> {
        let since = self.desk.at.saturating_sub(jiff::SignedDuration::from_hours(24 * 30)).unwrap_or(self.desk.at);
        let rows = self.desk.query(RECENT, &[&person.uuid(), &since, &limit]).await?;
        rows.iter().map(|row| Ok((PatientId::from_uuid(row.try_get(0)?), row.try_get(1)?))).collect()
    }
}

impl<A: Includes<ReadPatientAudit>> Tx<A> {
    /// The log of one record, newest first, values included.
    pub async fn audit_about(
        &self,
        patient: PatientId,
        before: Option<EventId>,
        limit: i64,
    ) -> Result<AuditPage<AuditRow>, StoreError> {
        let before = before.map(EventId::uuid);
        let records = self.desk.records_of(patient);
        let params: &[&(dyn ToSql + Sync)] = &[&records, &before, &(limit + 1)];
        let rows = self.desk.query(ABOUT_PATIENT, params).await?;
        let practice = self.desk.practice;
        let lines = rows
            .iter()
            .map(|row| {
                let line = AuditLine::decode(row)?;
                // A list's own details belong to the practice; here only the fact that it named the patient.
                // What was done with another patient's record is that one's.
                let own = line.patient.is_none_or(|patient| self.desk.reaches(patient));
                let key = own.then(|| line.patient.map_or(KeyFor::Practice, KeyFor::Patient));
                let place = Place {
                    practice,
                    table: "audit_event",
                    column: "details",
                    row: line.event.uuid(),
                    seal_version: 1,
                };
                Ok(AuditRow { details: Sealed::from_stored(place, row.try_get("details")?), key, line })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(lines, limit, |row| row.line.event))
    }
}

impl<A: Includes<ReadAudit>> Tx<A> {
    /// The practice's log, newest first: who did what, when, from where. No values: the owner of a
    /// practice may see that a record was read, not what stands in it.
    pub async fn audit_of_practice(
        &self,
        filter: &AuditFilter,
        limit: i64,
    ) -> Result<AuditPage<AuditLine>, StoreError> {
        let (low, high) = ids_within(filter.from, filter.until);
        let patients: Vec<Uuid> = filter.patients.iter().map(|patient| patient.uuid()).collect();
        let params: &[&(dyn ToSql + Sync)] = &[
            &filter.before.map(EventId::uuid),
            &filter.actor,
            &patients,
            &filter.action,
            &filter.from,
            &filter.until,
            &(limit + 1),
            &low,
            &high,
        ];
        let rows = self.desk.query(OF_PRACTICE, params).await?;
        let lines = rows.iter().map(AuditLine::decode).collect::<Result<Vec<_>, _>>()?;
        Ok(page(lines, limit, |line| line.event))
    }
}

fn page<T>(mut lines: Vec<T>, limit: i64, id: impl Fn(&T) -> EventId) -> AuditPage<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| more).map(id);
    AuditPage { lines, next }
}
