//! Where the next page begins: what was asked and after which resource, sealed under the practice's key for
//! the one who asked ([`store::Tx::carry`]). To everybody else, and after a while, it means nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a next page can be asked for.
pub const CURSOR_FOR: SignedDuration = SignedDuration::from_hours(1);
/// The longest cursor that is looked at, in characters.
pub const CURSOR_CHARS_MAX: usize = 16_000;

/// A place in a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The type that is listed.
    pub kind: String,
    /// What was asked.
    pub said: Vec<(String, String)>,
    /// The last resource of the page before.
    pub after: Uuid,
    /// Until when it is good.
    pub until: Timestamp,
}

crate::patients::model::personal!(Cursor);

impl Cursor {
    /// The bytes that are sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what was sealed. `None` if it is no cursor, or no longer good.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], now: Timestamp) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(bytes).ok()?;
        (cursor.until > now).then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_time() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let until = now.checked_add(CURSOR_FOR).unwrap();
        let cursor = Cursor { kind: "Patient".to_owned(), said: Vec::new(), after: Uuid::nil(), until };
        assert_eq!(Cursor::from_bytes(&cursor.to_bytes(), now), Some(cursor.clone()));
        assert_eq!(Cursor::from_bytes(&cursor.to_bytes(), until), None);
        assert_eq!(Cursor::from_bytes(b"{}", now), None);
    }
}
