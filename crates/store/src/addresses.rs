//! Which practice an address names. Asked at the beginning of every request of the API, so it is
//! remembered for a minute.

use jiff::{SignedDuration, Timestamp};
use kernel::PracticeId;
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::trip::Trip;
use crate::{Store, StoreError};

/// At most this many practices are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// For how long. A practice that is closed is shut out by then.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(1);
/// The longest short name, as the schema has it.
const SLUG_CHARS_MAX: usize = 63;

/// Practices by what an address calls them.
pub(crate) struct Addresses(Cache<String, (Timestamp, PracticeId)>);

impl Default for Addresses {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED_MAX))
    }
}

const BY_ID: &str = "select id from practice_listing where practice_id = $1 and id = $2 and state = 'active'";
const BY_SLUG: &str = "select id from practice_listing where practice_id = $1 and slug = $2 and state = 'active'";

impl Store {
    /// The practice that an address names, by its id or its short name. `None` if there is none, or none
    /// any more.
    pub async fn practice_named(&self, name: &str) -> Result<Option<PracticeId>, StoreError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > SLUG_CHARS_MAX || !name.bytes().all(plain) {
            return Ok(None);
        }
        let now = self.inner.clock.now();
        let addresses = &self.inner.addresses.0;
        if let Some((then, practice)) = addresses.get(name)
            && (SignedDuration::ZERO..REMEMBERED_FOR).contains(&now.duration_since(then))
        {
            return Ok(Some(practice));
        }
        let (house, pool) = (PracticeId::HOUSE.uuid(), &self.inner.pool);
        let rows = match name.parse::<PracticeId>() {
            Ok(id) => Trip::glance(pool, PracticeId::HOUSE, BY_ID, &[&house, &id.uuid()]).await?,
            Err(_) => Trip::glance(pool, PracticeId::HOUSE, BY_SLUG, &[&house, &name]).await?,
        };
        // What is not there is not remembered: made-up names would push out those that are.
        let Some(row) = rows.first() else { return Ok(None) };
        let practice = PracticeId::from_uuid(row.try_get::<_, Uuid>(0)?);
        addresses.insert(name.to_owned(), (now, practice));
        Ok(Some(practice))
    }
}
