//! Works that take longer than a request are done here: claimed, handed to the room that knows how, noted as
//! done. How a work is claimed, kept and lost stands in `store/src/work.rs`; what each kind does, in its room.

mod handlers;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use kernel::PracticeId;
use store::{Claim, Fault, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use handlers::Handlers;

/// Between two looks for what is due, in milliseconds: at least, and at most so much more. Not the same every
/// time, so that several nodes do not look in step.
const LOOK_MS: u64 = 1_000;
const LOOK_MS_MORE: u64 = 1_000;
/// A claim is renewed this often: three renewals may fail before it can be lost.
const KEEP_EVERY: Duration = Duration::from_secs(15);

/// Does the works of all practices.
pub(crate) struct Works {
    store: Store,
    at_once_max: usize,
    handlers: Arc<Handlers>,
    /// Where the next look begins: after the practice that was served last, so that none is always first.
    served: Option<PracticeId>,
    /// Tests share their database, and leave each other's works alone.
    #[cfg(test)]
    among: Vec<PracticeId>,
}

impl Works {
    /// Prepares to work; looks at nothing yet.
    pub(crate) fn new(store: Store, at_once_max: usize, handlers: Handlers) -> Self {
        Self {
            store,
            at_once_max,
            handlers: Arc::new(handlers),
            served: None,
            #[cfg(test)]
            among: Vec::new(),
        }
    }

    /// Does what is due, at most so many works at once, until told to stop. What is under way then stops at
    /// its next checkpoint, and is taken up from there by whoever runs next.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut busy = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.look(&mut busy, &stop).await {
                tracing::warn!(%error, "works could not be looked for; trying again");
            }
            let more = u64::from_be_bytes(self.store.entropy().bytes()) % LOOK_MS_MORE;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS + more)) => {}
                () = stop.cancelled() => {}
                Some(_) = busy.join_next() => {}
            }
        }
        while busy.join_next().await.is_some() {}
    }

    /// Claims what is due while there is room: at most one more of each practice in one look.
    async fn look(&mut self, busy: &mut JoinSet<()>, stop: &CancellationToken) -> Result<(), StoreError> {
        if busy.len() >= self.at_once_max {
            return Ok(());
        }
        let mut practices = self.store.practices().await?;
        #[cfg(test)]
        practices.retain(|practice| self.among.contains(practice));
        let after = self.served.and_then(|served| practices.iter().position(|practice| *practice == served));
        practices.rotate_left(after.map_or(0, |at| at + 1));
        for practice in practices {
            if busy.len() >= self.at_once_max || stop.is_cancelled() {
                break;
            }
            match self.claim_one(practice).await {
                Ok(Some(claim)) => {
                    self.served = Some(practice);
                    busy.spawn(attend(self.store.clone(), Arc::clone(&self.handlers), claim, stop.clone()));
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%practice, %error, "works could not be claimed; trying again"),
            }
        }
        Ok(())
    }

    async fn claim_one(&self, practice: PracticeId) -> Result<Option<Claim>, StoreError> {
        for id in self.store.due_work(practice).await? {
            if let Some(claim) = self.store.claim(practice, id).await? {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Does all that is due of one practice, one after the other, and comes back: by hand, as tests want it.
    /// Gives how many there were.
    #[cfg(test)]
    pub(crate) async fn work_off(&self, practice: PracticeId, stop: &CancellationToken) -> usize {
        let mut done = 0;
        while let Some(claim) = self.claim_one(practice).await.expect("works are found") {
            attend(self.store.clone(), Arc::clone(&self.handlers), claim, stop.clone()).await;
            done += 1;
        }
        done
    }
}

/// One work, from its claim to the note of what became of it. Its room does it in a task of its own, so that the
/// claim is renewed however busy that is. If what became of it cannot be written down, the lease ends and
/// the work is taken up again.
async fn attend(store: Store, handlers: Arc<Handlers>, claim: Claim, stop: CancellationToken) {
    let mut work = {
        let (store, claim) = (store.clone(), claim.clone());
        tokio::spawn(async move { handlers.take(store, claim).await })
    };
    let (practice, id, kind) = (claim.practice(), claim.id(), claim.kind().code());
    let mut keep = tokio::time::interval(KEEP_EVERY);
    keep.tick().await;
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended.unwrap_or(Err(Fault::new("broke-off"))),
            _ = keep.tick() => match store.keep(&claim).await {
                Ok(()) => {}
                Err(StoreError::Overtaken) => tracing::warn!(%practice, work = %id, "the claim to a work was lost"),
                Err(error) => tracing::warn!(%practice, work = %id, %error, "a claim was not renewed; trying again"),
            },
            () = stop.cancelled(), if !told => {
                told = true;
                claim.tell_to_stop();
            }
        }
    };
    match ended {
        Ok(ended) => tracing::info!(%practice, work = %id, kind, ?ended, "a work came back"),
        Err(fault) => tracing::warn!(%practice, work = %id, kind, fault = fault.code(), "a work failed"),
    }
    if let Err(error) = store.settle(&claim, ended).await {
        tracing::warn!(%practice, work = %id, %error, "what became of a work could not be noted");
    }
}
