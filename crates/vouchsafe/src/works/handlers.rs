//! Which room does which kind of work.

use store::{Claim, Ended, Fault, Store, WorkKind};

/// What the rooms need besides the doors.
#[derive(Default)]
pub(crate) struct Handlers {
    #[cfg(test)]
    pub(super) instead: Option<super::tests::Instead>,
}

impl Handlers {
    /// Has a work done. Whoever does it looks at [`Claim::errand`], proves the claim in each transaction
    /// (`Tx::hold`), and stops after a checkpoint when [`Claim::stopping`] says so.
    pub(super) async fn take(&self, store: Store, claim: Claim) -> Result<Ended, Fault> {
        #[cfg(test)]
        if let Some(instead) = &self.instead {
            return instead(store, claim).await;
        }
        match claim.kind() {
            WorkKind::Bulk => practice::exchange::api::bulk::making::go_on(&store, &claim).await,
            // No room of this version asks for any: it waits for a version that does.
            WorkKind::Import | WorkKind::Export => {
                drop(store);
                Err(Fault::new("nobody-does-it"))
            }
        }
    }
}
