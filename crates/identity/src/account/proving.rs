//! Proving once more that it is oneself, in a session that has begun: before what an unlocked screen must not be
//! enough for.

use jiff::SignedDuration;
use kernel::IdempotencyKey;
use serde_json::Value;
use store::{Event, HouseOnce, HouseTx, StoreError, Versioned};

use super::password::{OwnError, Proved};
use crate::counting::{account, attempt, give_back};
use crate::passkeys::{FromDevice, answered};
use crate::password::Password;
use crate::rows::SessionPatch;
use crate::second::{BY_PASSKEY, take_code};
use crate::throttle::Rule;
use crate::totp::CodeRefused;
use crate::{Identity, Me, ProveAgain, reads};

/// Both factors count as proved lately for this long.
pub const PROVED_FOR: SignedDuration = SignedDuration::from_mins(10);

impl Identity {
    /// Whether both factors were proved lately, when this session began or since.
    #[must_use]
    pub fn proved_lately(&self, me: &Me) -> bool {
        self.store.clock().now().duration_since(me.signed_in.proved_at) < PROVED_FOR
    }

    /// Proves both factors once more, counted like a sign-in. The session remembers when.
    ///
    /// # Errors
    /// The password or the code is not right, or there were too many attempts.
    pub async fn prove_again(
        &self,
        me: &Me,
        current: &Password,
        code: &str,
        key: IdempotencyKey,
    ) -> Result<(), OwnError> {
        let print = me.session().to_string();
        let proved = self.prove_current::<ProveAgain>(me, current, Some((key, print.clone()))).await?;
        let Some(Proved { person, .. }) = proved else { return self.still_proved(me).await };
        // Somebody who has passkeys only proves it by one of those.
        let Some(secret) = person.totp else { return Err(CodeRefused::Wrong.into()) };
        let (tx, _) = self.own::<ProveAgain>(me).await?;
        let HouseOnce::Fresh(tx) = tx.once(key, &print).await? else { return self.still_proved(me).await };
        let subject = account(me.person());
        attempt(&tx, Rule::SecondFactor, &subject).await??;
        if let Err(refused) = take_code(&tx, me.person(), &secret, code).await? {
            tx.keep_counts().await?;
            self.note_refusal(me, "totp").await?;
            return Err(refused.into());
        }
        give_back(&tx, Rule::SecondFactor, &subject, u32::MAX).await?;
        self.now_proved(me, tx, SessionPatch::default()).await
    }

    /// Proves by a passkey, which is both factors, counted like a code. The session remembers when.
    ///
    /// # Errors
    /// The answer is not that of a passkey of this person, or there were too many attempts.
    pub async fn prove_by_passkey(&self, me: &Me, given: FromDevice<'_>, key: IdempotencyKey) -> Result<(), OwnError> {
        let print = (me.session(), given.ceremony, given.credential);
        let (tx, _) = self.own::<ProveAgain>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &print).await? else { return self.still_proved(me).await };
        let subject = account(me.person());
        attempt(&tx, Rule::SecondFactor, &subject).await??;
        match answered(&tx, &self.party, me.person(), given).await? {
            Ok(answered) => answered.keep(&mut tx).await?,
            Err(refused) => {
                tx.keep_counts().await?;
                self.note_refusal(me, "passkey").await?;
                return Err(refused.into());
            }
        }
        give_back(&tx, Rule::SecondFactor, &subject, u32::MAX).await?;
        let by_passkey = SessionPatch { factors: Some(BY_PASSKEY.to_owned()), ..SessionPatch::default() };
        self.now_proved(me, tx, by_passkey).await
    }

    /// Writes into the session that both factors were proved, and what else that says of it.
    async fn now_proved(&self, me: &Me, mut tx: HouseTx<ProveAgain>, patch: SessionPatch) -> Result<(), OwnError> {
        let row = reads::session(&tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
        let patch = SessionPatch { proved_at: Some(tx.at()), ..patch };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("session", me.session().uuid()), Value::Null).await?;
        Ok(())
    }

    /// A form that was sent again proves nothing anew: what it proved may be long ago.
    async fn still_proved(&self, me: &Me) -> Result<(), OwnError> {
        let (tx, _) = self.own::<ProveAgain>(me).await?;
        let row = reads::session(&tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
        let lately = tx.at().duration_since(row.proved_at) < PROVED_FOR;
        tx.keep_counts().await?;
        if lately { Ok(()) } else { Err(StoreError::KeyReused.into()) }
    }
}
