//! A passkey as it is kept.

use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{AuthenticationResult, Passkey};

/// The public half of a passkey and how often it was used, as the library has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Credential(pub(super) Passkey);

/// The library takes two for one that are of the same key; here, what was counted since is a difference too.
impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let whole = |one: &Self| serde_json::to_value(&one.0).ok();
        whole(self) == whole(other)
    }
}

impl Credential {
    /// What is looked up by: nobody else's has the same.
    pub(super) fn hash(&self) -> Vec<u8> {
        super::hash("credential", self.0.cred_id())
    }

    /// This passkey after it has answered, if anything is to be kept of that.
    pub(super) fn after(&self, done: &AuthenticationResult) -> Option<Self> {
        let mut later = self.0.clone();
        (later.update_credential(done) == Some(true)).then_some(Self(later))
    }
}
