//! What a row was before. Every event that changes a row says which event wrote it before that, and keeps
//! the values from before, sealed like everything in it: so the versions of a row are a chain from the row
//! back through the log, and each is rebuilt exactly or not at all.

use kernel::{EventId, PracticeId};
use seal::{Place, Sealed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::audit::Details;
use crate::row::{KeyFor, Opener, StoredRow, Survey, Unseal};
use crate::write::SECRET;
use crate::{Action, Damaged, StoreError, Tx, WholeRow};

/// How many changes of one row are gone back at most. What was before them is not told.
pub const STEPS_MAX: usize = 1_000;

/// That an event changed a row, and which event had written it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Amended {
    table: String,
    row: Uuid,
    /// The version that it made.
    version: i64,
    /// The event that made the version before.
    before: EventId,
}

impl Amended {
    /// Of a row as it stands before the change.
    pub(crate) fn of<R: WholeRow>(row: &R) -> Self {
        let (version, before) = row.written();
        Self { table: R::TABLE.to_owned(), row: row.row_id(), version: version + 1, before }
    }

    fn made<R: StoredRow>(&self, row: Uuid, version: i64) -> bool {
        self.row == row && self.version == version && self.table == R::TABLE
    }
}

/// A row, and the events that changed it, the newest first. What it was can be told only after
/// [`Tx::record`], like everything else.
pub struct Past<R> {
    row: R,
    steps: Vec<Step>,
}

struct Step {
    /// The version before the change, and the event that wrote it.
    was: (i64, EventId),
    details: Sealed<Details>,
}

/// A row as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Was<T> {
    /// Which version that was.
    pub version: i64,
    /// The event that wrote it.
    pub event: EventId,
    /// The row.
    pub open: T,
}

impl<R: StoredRow> Past<R> {
    /// The versions that are known and the events that wrote them, the newest first.
    pub fn versions(&self) -> impl Iterator<Item = (i64, EventId)> {
        std::iter::once(self.row.written()).chain(self.steps.iter().map(|step| step.was))
    }
}

const EVENT: &str = "select details from audit_event where practice_id = $1 and event_id = $2";

impl<A: Action> Tx<A> {
    /// The chain of a row's versions. Which events they are is read from what events hold sealed, and no more of
    /// it comes out. Ends early where the log does not lead further.
    pub async fn past<R: StoredRow>(&self, row: R) -> Result<Past<R>, StoreError> {
        let (mut version, mut event) = row.written();
        let mut steps = Vec::new();
        if version <= 1 {
            return Ok(Past { row, steps });
        }
        let (key, id) = (row.key(), row.row_id());
        let mut survey = Survey::default();
        survey.note(self.desk.practice, key);
        let opener = self.desk.inner.keyring.opener(self.desk.held()?, &survey).await?;
        while version > 1 && steps.len() < STEPS_MAX {
            let rows = self.desk.query(EVENT, &[&event.uuid()]).await?;
            let Some(found) = rows.first() else { break };
            let details = sealed(self.desk.practice, event, found.try_get(0)?);
            let Ok(open) = opener.open(key, &details) else { break };
            let Some(amended) = open.amended.iter().find(|amended| amended.made::<R>(id, version)) else { break };
            version -= 1;
            event = amended.before;
            steps.push(Step { was: (version, event), details });
        }
        Ok(Past { row, steps })
    }
}

fn sealed(practice: PracticeId, event: EventId, envelope: Vec<u8>) -> Sealed<Details> {
    let place = Place { practice, table: "audit_event", column: "details", row: event.uuid(), seal_version: 1 };
    Sealed::from_stored(place, envelope)
}

impl<R: StoredRow> Unseal for Past<R>
where
    R::Open: Clone,
{
    /// The newest first. The last is the first that there was if its version is 1.
    type Open = Result<Vec<Was<R::Open>>, Damaged>;

    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        survey.note(practice, self.row.key());
    }

    fn unseal(self, opener: &Opener) -> Self::Open {
        let (key, id) = (self.row.key(), self.row.row_id());
        let (version, event) = self.row.written();
        let mut open = self.row.open(opener)?;
        let mut all = vec![Was { version, event, open: open.clone() }];
        for Step { was: (version, event), details } in self.steps {
            let Some(before) = before_of::<R>(opener, key, &details, id) else { break };
            let before = before.iter().map(|(column, value)| (column.as_str(), value.clone())).collect();
            if R::put_back(&mut open, version, before).is_none() {
                break;
            }
            all.push(Was { version, event, open: open.clone() });
        }
        Ok(all)
    }
}

fn before_of<R: StoredRow>(
    opener: &Opener,
    key: KeyFor,
    details: &Sealed<Details>,
    row: Uuid,
) -> Option<Vec<(String, Value)>> {
    let changes = opener.open(key, details).ok()?.changes;
    let before: Vec<(String, Value)> =
        changes.into_iter().filter_map(|change| change.before_in(R::TABLE, row)).collect();
    // Of a secret the log says only that it changed.
    before.iter().all(|(_, value)| value.as_str() != Some(SECRET)).then_some(before)
}
