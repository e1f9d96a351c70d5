//! Showing that one has a passkey: alone, behind a password, or once more in a session.

use std::time::Instant;

use kernel::{IdempotencyKey, PersonId, Source};
use store::{HouseAction, HouseOnce, HouseTx, StoreError, Versioned, Writes};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use super::{AskedOfDevice, FromDevice, NoPasskey, Party, Use, answer, hash, options, sealed, taken};
use crate::counting::{attempt, give_back, network};
use crate::known::ACTIVE;
use crate::rows::{PasskeyPatch, PasskeyRow};
use crate::second::{Entered, Right};
use crate::sign_in::SignInError;
use crate::throttle::Rule;
use crate::{Identity, Me, ProveAgain, SignIn, reads};

/// A passkey that has answered rightly.
pub(crate) struct Answered {
    row: PasskeyRow,
    patch: PasskeyPatch,
}

impl Answered {
    /// Writes down that it was used.
    pub(crate) async fn keep<A: HouseAction>(self, tx: &mut HouseTx<A>) -> Result<(), StoreError> {
        let patch = PasskeyPatch { used_at: Some(Some(tx.at())), ..self.patch };
        tx.amend(&self.row, Versioned(self.row.row_version), patch).await.map(drop)
    }
}

impl Identity {
    /// Whether passkeys can be had here: not where people reach the house by a number instead of a name.
    #[must_use]
    pub const fn has_passkeys(&self) -> bool {
        self.party.0.is_some()
    }

    /// Asks the device of a visitor for a passkey of this house, whosever it is; nothing where there can be none.
    pub async fn ask_visitor(&self, source: &Source) -> Result<Option<AskedOfDevice>, StoreError> {
        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        self.ask(tx).await
    }

    /// Asks the device of somebody signed in for a passkey, to prove once more that it is them; nothing if they have none.
    pub async fn ask_me(&self, me: &Me) -> Result<Option<AskedOfDevice>, StoreError> {
        let tx = self.store.own::<ProveAgain>(&me.signed_in, me.source.clone()).await?;
        if reads::passkeys(&tx, me.person()).await?.is_empty() {
            tx.keep_counts().await?;
            return Ok(None);
        }
        self.ask(tx).await
    }

    async fn ask<A: HouseAction>(&self, tx: HouseTx<A>) -> Result<Option<AskedOfDevice>, StoreError> {
        let Ok(party) = self.party.open() else { return Ok(None) };
        let (challenge, state) = party.start_discoverable_authentication().map_err(|_| super::unreadable())?;
        let options = options(challenge)?.to_string();
        let ceremony = sealed(&tx, Use::Show, None, state).await?;
        // Nothing was opened and nothing changed.
        tx.keep_counts().await?;
        Ok(Some(AskedOfDevice { options, ceremony }))
    }

    /// Signs in by a passkey alone. Sent again with the same key and answer it gives another token for the same session.
    pub async fn enter_by_passkey(
        &self,
        given: FromDevice<'_>,
        source: &Source,
        browser: Option<&str>,
        key: IdempotencyKey,
    ) -> Result<Entered, SignInError> {
        let began = Instant::now();
        let entered = self.enter_by(given, source, browser, key).await;
        if matches!(entered, Err(SignInError::Passkey(NoPasskey::Refused))) {
            self.hold_answer(began).await;
        }
        entered
    }

    async fn enter_by(
        &self,
        given: FromDevice<'_>,
        source: &Source,
        browser: Option<&str>,
        key: IdempotencyKey,
    ) -> Result<Entered, SignInError> {
        let named: PublicKeyCredential = answer(given.credential)?;
        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let from = network(source);
        attempt(&tx, Rule::SignInNetwork, &from).await??;
        let known = reads::passkey_by_hash(&tx, &hash("credential", named.get_credential_id())).await?;
        tx.keep_counts().await?;
        let Some(known) = known else {
            self.refuse(source, None, "passkey").await?;
            return Err(NoPasskey::Refused.into());
        };
        let person = known.person_id;
        let practices = self.all_practices_of(person).await?;

        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let row = reads::lock_person(&tx, person).await?;
        let mut tx = match tx.once(key, &(given.ceremony, given.credential)).await? {
            HouseOnce::Done(outcome) => return self.reissue_session(&outcome, person, source).await,
            HouseOnce::Fresh(tx) => tx,
        };
        let answered = match answered(&tx, &self.party, person, given).await? {
            Ok(answered) if row.state == ACTIVE => answered,
            refused => {
                // The answer stays taken, and the practices of whoever's it was are told.
                tx.keep_counts().await?;
                self.refuse(source, Some((person, &practices)), "passkey").await?;
                return Err(refused.err().unwrap_or(NoPasskey::Refused).into());
            }
        };
        give_back(&tx, Rule::SignInNetwork, &from, 1).await?;
        answered.keep(&mut tx).await?;
        self.begin_session(tx, person, None, practices, Right::passkey(), source, browser).await
    }
}

/// Takes the answer of a device, if it is that of a passkey of this person.
pub(crate) async fn answered<A: HouseAction + Writes>(
    tx: &HouseTx<A>,
    party: &Party,
    person: PersonId,
    from: FromDevice<'_>,
) -> Result<Result<Answered, NoPasskey>, StoreError> {
    let Ok(party) = party.open() else { return Ok(Err(NoPasskey::Expired)) };
    let given: PublicKeyCredential = match answer(from.credential) {
        Ok(given) => given,
        Err(refused) => return Ok(Err(refused)),
    };
    let state: DiscoverableAuthentication = match taken(tx, Use::Show, person, from.ceremony).await? {
        Ok(state) => state,
        Err(refused) => return Ok(Err(refused)),
    };
    let found = reads::passkey_by_hash(tx, &hash("credential", given.get_credential_id())).await?;
    let Some(row) = found.filter(|row| row.person_id == person) else { return Ok(Err(NoPasskey::Refused)) };
    // A device that names somebody must name the one whose passkey it is.
    let named = party.identify_discoverable_authentication(&given).map(|(named, _)| named);
    if named.is_ok_and(|named| named != person.uuid()) {
        return Ok(Err(NoPasskey::Refused));
    }
    let kept = tx.open(row.clone()).await?.map_err(StoreError::from)?.credential;
    // The challenge, our name and address, that somebody was there and was verified, the signature, the counter.
    match party.finish_discoverable_authentication_v2(&given, state, &kept.0) {
        Ok(done) => {
            let patch = PasskeyPatch { credential: kept.after(&done), ..PasskeyPatch::default() };
            Ok(Ok(Answered { row, patch }))
        }
        Err(error) => {
            tracing::info!(%person, %error, "a passkey did not answer rightly");
            Ok(Err(NoPasskey::Refused))
        }
    }
}
