//! What somebody outside carries for us until they come back: a place in a list. It is sealed under the
//! practice's key for whoever acts, so it opens for them, in this practice and for this use
//! ([`crate::Threshold::carried`]); everybody else holds noise, and what was altered does not open.

use kernel::PracticeId;
use seal::Place;

use crate::{Action, Actor, StoreError, Tx};

/// The place of what is carried for a use: the row is whoever acts.
pub(crate) fn carried_for(practice: PracticeId, actor: &Actor, label: &'static str) -> Place {
    Place { practice, table: "carried", column: label, row: actor.id(), seal_version: 1 }
}

impl<A: Action> Tx<A> {
    /// Seals bytes for whoever acts to bring back. `label` keeps one use apart from another.
    pub async fn carry(&self, label: &'static str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let desk = &self.desk;
        let key = desk.inner.keyring.data_key(desk.held()?, desk.practice.uuid()).await?;
        let sealed = key.seal(&carried_for(desk.practice, &desk.actor, label), bytes, &desk.inner.entropy);
        sealed.map_err(|_| StoreError::Unreadable { what: "what is to be carried" })
    }
}
