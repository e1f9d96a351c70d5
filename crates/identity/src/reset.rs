//! Choosing a new password by mail. A mailbox alone opens no account: the second factor is still
//! asked at the next sign-in (unless somebody of a practice has started that it is set up anew).
//!
//! Invariant: asking gives the same answer, not sooner than [`crate::ANSWER_FLOOR`], whether or not
//! the address has an account. A link is good once, for fifteen minutes, and only the last one sent.

use std::time::Instant;

use jiff::SignedDuration;
use kernel::{ErrorKind, IdempotencyKey, Secret, Source};
use seal::normalise;
use serde_json::Value;
use store::{Event, HouseOnce, StoreError, Versioned};

use crate::counting::{Wait, attempt, give_back, network};
use crate::founding::until;
use crate::known::{ACTIVE, end_all};
use crate::letters::Changed;
use crate::password::{NewPasswordError, Password};
use crate::rows::{PersonPatch, Reset, ResetPatch, ResetRow};
use crate::sign_in::known_by_email;
use crate::throttle::Rule;
use crate::token::{ForPasswordReset, Token};
use crate::{AskReset, Identity, UseReset, letters, reads};

/// How long a link is good.
pub const RESET_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// Why no new password was chosen, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// No such link, or it was used, replaced or is too old.
    #[error("This link works no more: ask for another")]
    Ended,
    /// Too many attempts.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// The password may not be chosen.
    #[error(transparent)]
    Password(#[from] NewPasswordError),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ResetError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ended => ErrorKind::Missing,
            Self::Wait(_) => ErrorKind::Busy,
            Self::Password(NewPasswordError::Refused(_)) => ErrorKind::Invalid,
            Self::Password(NewPasswordError::Hash(error)) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Sends a mail with a link, if somebody active has this address.
    pub async fn ask_reset(&self, email: &str, source: &Source, key: IdempotencyKey) -> Result<(), ResetError> {
        let began = Instant::now();
        let answer = self.send_reset(email, source, key).await;
        self.hold_answer(began).await;
        answer
    }

    async fn send_reset(&self, email: &str, source: &Source, key: IdempotencyKey) -> Result<(), ResetError> {
        let normal = normalise::email(email);
        let tx = self.store.visit::<AskReset>(source.clone()).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &normal).await? else { return Ok(()) };
        // Counted in the same commit: nothing here takes long enough to be overtaken.
        attempt(&tx, Rule::ResetAccount, &normal).await??;
        attempt(&tx, Rule::ResetNetwork, &network(source)).await??;
        let known = known_by_email(&tx, email).await?.filter(|known| known.row.state == ACTIVE);
        let mut event = Event::new();
        if let Some(known) = known {
            let row = reads::lock_person(&tx, known.row.id).await?;
            let person = tx.open(row).await?.map_err(StoreError::from)?;
            let at = tx.at();
            for older in reads::open_resets(&tx, person.id, at).await? {
                let patch = ResetPatch { used_at: Some(Some(at)), ..ResetPatch::default() };
                tx.amend(&older, Versioned(older.row_version), patch).await?;
            }
            let token = Token::<ForPasswordReset>::generate(self.entropy());
            let id = self.row_id(at);
            tx.insert::<ResetRow>(Reset {
                id,
                row_version: 1,
                person_id: person.id,
                token_hash: token.hash().bytes().to_vec(),
                created_at: at,
                expires_at: until(at, RESET_LIFE),
                used_at: None,
            })
            .await?;
            let link = Secret::new(format!("{}/reset/{}", self.base_url, token.text().expose()));
            tx.post(letters::reset(&person.email, &link)).await?;
            event = event.about("person", person.id.uuid());
        }
        tx.commit(event, Value::Null).await?;
        Ok(())
    }

    /// Whether a link can be used: for the page with the form.
    pub async fn reset_link(&self, token: &str, source: &Source) -> Result<(), ResetError> {
        let row = self.open_reset(token, source).await?;
        let tx = self.store.visit::<UseReset>(source.clone()).await?;
        if usable(&row, tx.at()) { Ok(()) } else { Err(ResetError::Ended) }
    }

    /// Chooses a new password by a link. Every session of the person ends.
    pub async fn use_reset(
        &self,
        token: &str,
        new: &Password,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<(), ResetError> {
        let row = self.open_reset(token, source).await?;
        // What the password must not be built on.
        let tx = self.store.visit::<UseReset>(source.clone()).await?;
        let person_row = reads::person(&tx, row.person_id).await?;
        let person = tx.open(person_row).await?.map_err(StoreError::from)?;
        tx.keep_counts().await?;
        let words = self.words_about(&person).await?;
        let hash = self.hasher.hash_new(new, &words).await?;

        let tx = self.store.visit::<UseReset>(source.clone()).await?;
        let person_row = reads::lock_person(&tx, row.person_id).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &row.id).await? else {
            return self.chosen_before(row.person_id, new, source).await;
        };
        let row = reads::reset(&tx, &row.token_hash).await?.ok_or(ResetError::Ended)?;
        if !usable(&row, tx.at()) || person_row.state != ACTIVE {
            return Err(ResetError::Ended);
        }
        let patch = PersonPatch { password: Some(Some(hash)), secured_at: Some(tx.at()), ..PersonPatch::default() };
        tx.amend(&person_row, Versioned(person_row.row_version), patch).await?;
        // This link is among what is ended.
        end_all(&mut tx, row.person_id, None, "password").await?;
        self.tell_changed(&mut tx, &person.email, &Changed::Password).await?;
        tx.commit(Event::new().about("person", row.person_id.uuid()), Value::Null).await?;
        Ok(())
    }

    /// The row of a link, whatever has become of it. Links that are none are counted by network.
    async fn open_reset(&self, token: &str, source: &Source) -> Result<ResetRow, ResetError> {
        let tx = self.store.visit::<UseReset>(source.clone()).await?;
        let network = network(source);
        attempt(&tx, Rule::LinkNetwork, &network).await??;
        let found = match Token::<ForPasswordReset>::parse(token) {
            Ok(token) => reads::reset(&tx, token.hash().bytes()).await?,
            Err(_) => None,
        };
        if found.is_some() {
            give_back(&tx, Rule::LinkNetwork, &network, 1).await?;
        }
        tx.keep_counts().await?;
        found.ok_or(ResetError::Ended)
    }
}

fn usable(row: &ResetRow, at: jiff::Timestamp) -> bool {
    row.used_at.is_none() && row.expires_at > at
}
