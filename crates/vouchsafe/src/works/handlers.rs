//! Which room does which kind of work.

use practice::exchange::archive::Signer;
use practice::exchange::export;
use store::{Claim, Ended, Fault, Store, WorkKind};

/// What the rooms need besides the doors.
pub(crate) struct Handlers {
    /// Signs archives in the installation's name. Without it none is made, and everything else goes on.
    signer: Option<Signer>,
    #[cfg(test)]
    pub(super) instead: Option<super::tests::Instead>,
}

impl Handlers {
    pub(crate) fn new(signer: Option<Signer>) -> Self {
        Self {
            signer,
            #[cfg(test)]
            instead: None,
        }
    }

    /// Has a work done. Whoever does it looks at [`Claim::errand`], proves the claim in each transaction
    /// (`Tx::hold`), and stops after a checkpoint when [`Claim::stopping`] says so.
    pub(super) async fn take(&self, store: Store, claim: Claim) -> Result<Ended, Fault> {
        #[cfg(test)]
        if let Some(instead) = &self.instead {
            return instead(store, claim).await;
        }
        match claim.kind() {
            WorkKind::Export => match &self.signer {
                Some(signer) => export::go_on(&store, signer, &claim).await,
                None => Err(Fault::new("no-signing-key")),
            },
            WorkKind::Bulk => practice::exchange::api::bulk::making::go_on(&store, &claim).await,
            WorkKind::Import => practice::exchange::uploads::working::go_on(&store, &claim).await,
        }
    }
}
