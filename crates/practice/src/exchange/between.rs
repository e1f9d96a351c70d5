//! What one batch of an import knows of the one before it, which may be on its way still.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::PatientId;
use tokio::sync::oneshot;

use super::fhir::{MatchKey, ResourceKey};
use super::import::ImportError;
use crate::patients::identifiers::Identifier;
use crate::patients::model::BirthDate;

/// Patients that were placed and are not in the database yet: those of a batch, until it is committed; of a dry run,
/// which writes nothing, those of all batches.
#[derive(Default)]
pub(super) struct Met {
    /// By their source.
    pub(super) by_source: HashMap<ResourceKey, PatientId>,
    /// By the identifiers that tell persons apart.
    pub(super) by_identity: HashMap<ResourceKey, PatientId>,
    pub(super) births: HashMap<PatientId, Option<BirthDate>>,
}

impl Met {
    /// A patient has these identifiers.
    pub(super) fn carries(&mut self, patient: PatientId, identifiers: &[Identifier]) {
        for text in identifiers.iter().filter_map(Identifier::identity_text) {
            self.by_identity.insert(identity_key(&MatchKey::Identity(text)), patient);
        }
    }
}

/// 16 bytes instead of the text. No type of FHIR has a small letter first.
pub(super) fn identity_key(key: &MatchKey) -> ResourceKey {
    ResourceKey::of("identity", &key.text())
}

/// What a batch hears of the one before it.
pub(super) struct Before {
    placed: Option<oneshot::Receiver<Arc<Met>>>,
    committed: Option<oneshot::Receiver<()>>,
}

/// What a batch tells the one after it. Dropped before it has told everything, it ends that one too.
pub(super) struct Told {
    placed: Option<oneshot::Sender<Arc<Met>>>,
    committed: Option<oneshot::Sender<()>>,
}

/// The ties between a batch and the one after it.
pub(super) fn tied() -> (Told, Before) {
    let ((tell_placed, placed), (tell_committed, committed)) = (oneshot::channel(), oneshot::channel());
    let told = Told { placed: Some(tell_placed), committed: Some(tell_committed) };
    (told, Before { placed: Some(placed), committed: Some(committed) })
}

impl Before {
    /// Before the first batch there was none.
    pub(super) fn nothing() -> Self {
        Self { placed: None, committed: None }
    }

    /// Whom it brings, once that is decided.
    pub(super) async fn placed(&mut self) -> Result<Arc<Met>, ImportError> {
        match self.placed.take() {
            Some(told) => told.await.map_err(|_| ImportError::Broke),
            None => Ok(Arc::default()),
        }
    }

    /// Waits until it is in the database.
    pub(super) async fn committed(&mut self) -> Result<(), ImportError> {
        match self.committed.take() {
            Some(told) => told.await.map_err(|_| ImportError::Broke),
            None => Ok(()),
        }
    }
}

impl Told {
    /// It is decided whom the batch brings. Where nobody comes after, nobody hears it.
    pub(super) fn placed(&mut self, met: Arc<Met>) {
        let _ = self.placed.take().map(|tell| tell.send(met));
    }

    /// The batch is in the database.
    pub(super) fn committed(&mut self) {
        let _ = self.committed.take().map(|tell| tell.send(()));
    }
}
