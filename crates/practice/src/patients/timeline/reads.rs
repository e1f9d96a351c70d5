//! Reading a record's timeline.

use futures_util::future::try_join4;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{EntryId, PatientId};
use store::{Actor, Event, Includes, Resource, Sql, Store, StoreError, Tx, sql};
use uuid::Uuid;

use super::{EntryFilter, entry_is_meant, line_is_meant};
use crate::patients::actions::{OpenRecord, ReadClinical};
use crate::patients::model::EntryKind;
use crate::patients::reads::{Read, allergies, page_rows};
use crate::patients::rows::{Alert, EntryLine, EntryLineRow, EntryRow, MaskedIdentifier, Patient};

/// Entries on a page of the record.
pub const ENTRIES_PER_PAGE: usize = 50;
/// Entries that are examined for one page at most. The next page goes on where this one stopped.
const EXAMINED_MAX: usize = 2_000;
/// Bytes of them at most, as they are stored.
const EXAMINED_BYTES_MAX: i64 = 32 * 1024 * 1024;
/// Entries that are held open at one time, and bytes of them.
const AT_ONCE_MAX: usize = 200;
const AT_ONCE_BYTES_MAX: i64 = 4 * 1024 * 1024;

/// A page of a record.
pub struct EntryPage {
    /// Whose record it is.
    pub patient: Read<Patient>,
    /// Masked.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// For the banner.
    pub allergies: Vec<Read<EntryLine>>,
    /// Newest first; what does not open is among them, since nobody can say whether it is meant.
    pub entries: Vec<Read<EntryLine>>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<EntryId>,
    /// That fewer are shown than a page holds because no more could be examined at one time.
    pub stopped: bool,
    /// How many there are of the kinds that were asked for, before dates and words.
    pub total: i64,
    /// How many there are of each kind in the whole record.
    pub counts: Vec<(EntryKind, i64)>,
    /// How many there are of whatever kind.
    pub all: i64,
    /// The years in which anything of those kinds happened, newest first.
    pub years: Vec<i16>,
    /// When this was recorded.
    pub at: Timestamp,
}

/// What was found for a page, before it is opened.
struct Picked {
    rows: Vec<EntryLineRow>,
    next: Option<EntryId>,
    stopped: bool,
}

/// A page of a record's entries.
pub async fn entries(
    store: &Store,
    actor: &Actor,
    id: PatientId,
    filter: &EntryFilter,
) -> Result<EntryPage, StoreError> {
    let tx: Tx<OpenRecord> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let pick =
        async { if filter.is_examined() { examined(&tx, id, filter).await } else { newest(&tx, id, filter).await } };
    // Asked together: one trip.
    let (banner, allergies, tally, picked) =
        try_join4(page_rows(&tx, id), allergies(&tx, id), tally(&tx, id), pick).await?;
    let at = tx.at();
    let event = Event::new().about("patient", id.uuid());
    let event = match filter.field() {
        Some(field) => event.field(field),
        None => event,
    };
    let Picked { rows, next, stopped } = picked;
    let ((patient, identifiers, alerts), allergies, entries) = tx.record(event, (banner, allergies, rows)).await?;
    let of = |kinds: &[EntryKind]| tally.iter().filter(|one| one.is_of(kinds)).map(|one| one.count).sum();
    let mut years: Vec<i16> = tally.iter().filter(|one| one.is_of(&filter.kinds)).filter_map(|one| one.year).collect();
    years.sort_unstable_by(|a, b| b.cmp(a));
    years.dedup();
    let counts = EntryKind::ALL.iter().map(|kind| (*kind, of(&[*kind]))).collect();
    let (total, all) = (of(&filter.kinds), of(&[]));
    Ok(EntryPage { patient, identifiers, alerts, allergies, entries, next, stopped, total, counts, all, years, at })
}

/// How many entries of a stored kind a year has.
struct Tally {
    kind: Option<EntryKind>,
    /// By the clear moment, in UTC: for leading somewhere near, never for saying how many there are.
    year: Option<i16>,
    count: i64,
}

impl Tally {
    fn is_of(&self, kinds: &[EntryKind]) -> bool {
        kinds.is_empty() || self.kind.is_some_and(|kind| kinds.contains(&kind))
    }
}

async fn tally<A: Includes<ReadClinical>>(tx: &Tx<A>, id: PatientId) -> Result<Vec<Tally>, StoreError> {
    let stored = tx
        .counts(
            sql!(
                "select coalesce(to_char(occurred_at at time zone 'UTC', 'YYYY'), '') || ' ' || kind, count(*)
                 from record_entry where practice_id = $1 and patient_id = any($2) group by 1"
            ),
            &[&tx.records_of(id)],
        )
        .await?;
    let read = |(code, count): (String, i64)| {
        let (year, kind) = code.split_once(' ').unwrap_or(("", &code));
        Tally { kind: EntryKind::of_stored(kind), year: year.parse().ok(), count }
    };
    Ok(stored.into_iter().map(read).collect())
}

/// The kinds as they are stored, those of earlier programs too; nothing for every kind.
fn stored(kinds: &[EntryKind]) -> Option<Vec<&'static str>> {
    let both = kinds.iter().flat_map(|kind| [kind.code(), kind.resource_type()]);
    (!kinds.is_empty()).then(|| both.collect())
}

/// What most people look at: the newest entries of every kind. Without conditions that may fall away it is planned once.
const FIRST_PAGE: Sql = sql!(
    "select e.id, e.row_version, e.seal_version, e.event_id, e.patient_id, e.kind, e.occurred_at, e.summary
     from unnest($2::uuid[]) own (id) cross join lateral (
        select * from record_entry e where e.practice_id = $1 and e.patient_id = own.id
        order by e.occurred_at desc nulls last, e.id limit $3
     ) e order by e.occurred_at desc nulls last, e.id limit $3"
);

/// The next entries by the clear columns alone.
async fn newest<A: Includes<ReadClinical>>(
    tx: &Tx<A>,
    id: PatientId,
    filter: &EntryFilter,
) -> Result<Picked, StoreError> {
    let page = i64::try_from(ENTRIES_PER_PAGE).unwrap_or(i64::MAX);
    if filter.kinds.is_empty() && filter.after.is_none() {
        return Ok(page_of(tx.rows(FIRST_PAGE, &[&tx.records_of(id), &(page + 1)]).await?));
    }
    let rows: Vec<EntryLineRow> = tx
        .rows(
            sql!(
                "select e.id, e.row_version, e.seal_version, e.event_id, e.patient_id, e.kind, e.occurred_at, e.summary
                 from unnest($2::uuid[]) own (id) cross join lateral (
                    select e.* from record_entry e
                    left join record_entry c on c.practice_id = $1 and c.patient_id = any($2) and c.id = $4
                    where e.practice_id = $1 and e.patient_id = own.id and ($3::text[] is null or e.kind = any($3))
                    and ($4::uuid is null or case
                        when c.occurred_at is null then e.occurred_at is null and e.id > c.id
                        else e.occurred_at < c.occurred_at or (e.occurred_at = c.occurred_at and e.id > c.id)
                        or e.occurred_at is null end)
                    order by e.occurred_at desc nulls last, e.id limit $5
                 ) e order by e.occurred_at desc nulls last, e.id limit $5"
            ),
            &[&tx.records_of(id), &stored(&filter.kinds), &filter.after.map(EntryId::uuid), &(page + 1)],
        )
        .await?;
    Ok(page_of(rows))
}

fn page_of(mut rows: Vec<EntryLineRow>) -> Picked {
    let more = rows.len() > ENTRIES_PER_PAGE;
    rows.truncate(ENTRIES_PER_PAGE);
    Picked { next: rows.last().map(|row| row.id).filter(|_| more), rows, stopped: false }
}

/// The next entries that are meant, found by opening those that may be.
async fn examined<A: Includes<ReadClinical>>(
    tx: &Tx<A>,
    id: PatientId,
    filter: &EntryFilter,
) -> Result<Picked, StoreError> {
    let mut candidates = candidates(tx, id, filter).await?;
    let mut stopped = candidates.len() > EXAMINED_MAX;
    candidates.truncate(EXAMINED_MAX);
    let mut found: Vec<Uuid> = Vec::new();
    let mut last = None;
    let (mut bytes, mut rest) = (0, candidates.as_slice());
    while !rest.is_empty() && found.len() <= ENTRIES_PER_PAGE {
        if bytes >= EXAMINED_BYTES_MAX {
            stopped = true;
            break;
        }
        let (some, others) = rest.split_at(at_once(rest));
        rest = others;
        bytes += some.iter().map(|(_, bytes)| bytes).sum::<i64>();
        let ids: Vec<Uuid> = some.iter().map(|(id, _)| *id).collect();
        let meant = meant(tx, id, filter, &ids).await?;
        found.extend(ids.iter().filter(|id| meant.contains(id)));
        last = ids.last().copied();
    }
    let full = found.len() > ENTRIES_PER_PAGE;
    found.truncate(ENTRIES_PER_PAGE);
    stopped = stopped && !full;
    let next = if full { found.last().copied() } else { last.filter(|_| stopped) };
    let rows: Vec<EntryLineRow> = tx
        .rows(
            sql!(
                "select id, row_version, seal_version, event_id, patient_id, kind, occurred_at, summary
                 from record_entry where practice_id = $1 and patient_id = any($2) and id = any($3)"
            ),
            &[&tx.records_of(id), &found],
        )
        .await?;
    Ok(Picked { rows: tx.keep(rows, &found), next: next.map(EntryId::from_uuid), stopped })
}

/// How many of these entries can be held open at one time; one at least.
fn at_once(entries: &[(Uuid, i64)]) -> usize {
    let mut bytes = 0;
    let fitting = entries.iter().take(AT_ONCE_MAX).take_while(|(_, more)| {
        bytes += more;
        bytes <= AT_ONCE_BYTES_MAX
    });
    fitting.count().max(1)
}

/// Ids and sizes of the entries that the clear columns do not rule out, in the order of the list.
async fn candidates<A: Includes<ReadClinical>>(
    tx: &Tx<A>,
    id: PatientId,
    filter: &EntryFilter,
) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let most = i64::try_from(EXAMINED_MAX + 1).unwrap_or(i64::MAX);
    // A clear moment lies within a day of the date that is shown; where only the year is known, at its start.
    let start = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok();
    let from = filter.from.and_then(|from| Date::new(from.year(), 1, 1).ok()?.yesterday().ok()).and_then(start);
    let until = filter.to.and_then(|to| to.tomorrow().ok()?.tomorrow().ok()).and_then(start);
    tx
        .sizes(
            sql!(
                "select e.id, case when $7 then octet_length(e.body) else 0 end::bigint
                 from record_entry e
                 left join record_entry c on c.practice_id = $1 and c.patient_id = any($2) and c.id = $4
                 where e.practice_id = $1 and e.patient_id = any($2) and ($3::text[] is null or e.kind = any($3))
                 and ($5::timestamptz is null or e.occurred_at >= $5) and ($6::timestamptz is null or e.occurred_at < $6)
                 and ($4::uuid is null or case when c.occurred_at is null then e.occurred_at is null and e.id > c.id
                    else e.occurred_at < c.occurred_at or (e.occurred_at = c.occurred_at and e.id > c.id)
                    or e.occurred_at is null end)
                 order by e.occurred_at desc nulls last, e.id limit $8"
            ),
            &[
                &tx.records_of(id),
                &stored(&filter.kinds),
                &filter.after.map(EntryId::uuid),
                &from,
                &until,
                &!filter.words.is_empty(),
                &most,
            ],
        )
        .await
}

/// Which of these are meant. What does not open may be.
async fn meant<A: Includes<ReadClinical>>(
    tx: &Tx<A>,
    id: PatientId,
    filter: &EntryFilter,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    let found = if filter.words.is_empty() {
        let rows: Vec<EntryLineRow> = tx
            .rows(
                sql!(
                    "select id, row_version, seal_version, event_id, patient_id, kind, occurred_at, summary
                     from record_entry where practice_id = $1 and patient_id = any($2) and id = any($3)"
                ),
                &[&tx.records_of(id), &ids],
            )
            .await?;
        tx.examine(&rows, filter, line_is_meant).await?
    } else {
        let rows: Vec<EntryRow> = tx
            .rows(
                sql!("select * from record_entry where practice_id = $1 and patient_id = any($2) and id = any($3)"),
                &[&tx.records_of(id), &ids],
            )
            .await?;
        tx.examine(&rows, filter, entry_is_meant).await?
    };
    Ok(found.ranked.into_iter().chain(found.damaged).collect())
}
