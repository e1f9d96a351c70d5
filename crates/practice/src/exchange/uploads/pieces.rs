//! The pieces of one file, for whoever reads it through.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kernel::UploadId;
use store::{Actor, Store, StoreError};

use super::reads;

/// The pieces of one file. Cheap to clone.
#[derive(Clone)]
pub(in crate::exchange) struct Pieces {
    store: Store,
    actor: Actor,
    upload: UploadId,
    file: i32,
    count: i32,
}

impl Pieces {
    /// Of the file at this place in an upload.
    pub(in crate::exchange) fn of(store: &Store, actor: &Actor, upload: UploadId, file: usize, count: i32) -> Self {
        let file = i32::try_from(file).unwrap_or(i32::MAX);
        Self { store: store.clone(), actor: actor.clone(), upload, file, count }
    }

    /// How many there are.
    pub(in crate::exchange) const fn count(&self) -> i32 {
        self.count
    }

    /// One of them. That it was read is an event.
    pub(in crate::exchange) async fn piece(&self, place: i32) -> Result<Vec<u8>, StoreError> {
        let piece = reads::gathered(&self.store, &self.actor, self.upload, self.file, place).await?;
        decoded(&piece.content)
    }
}

/// A piece is sealed as text.
pub(super) fn encoded(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(super) fn decoded(content: &str) -> Result<Vec<u8>, StoreError> {
    BASE64_STANDARD.decode(content).map_err(|_| StoreError::Unreadable { what: "piece of an upload" })
}
