//! One's own second factor: another authenticator, new recovery codes.

use kernel::{IdempotencyKey, Secret};
use serde_json::Value;
use store::{Event, HouseOnce, StoreError, Versioned};

use super::password::{OwnError, Proved};
use crate::counting::{account, attempt, give_back};
use crate::known::end_all;
use crate::letters::Changed;
use crate::password::Password;
use crate::rows::{Half, HalfRow, PersonPatch};
use crate::second::{Enrolment, take_code};
use crate::sign_in::{HALF_LIFE, NextStep};
use crate::throttle::Rule;
use crate::token::{ForHalfSignIn, Token};
use crate::totp::TotpSecret;
use crate::{EnrolTotp, Identity, Me, OfferTotp, RenewCodes, reads};

impl Identity {
    /// A new authenticator to be set up; the same for ten minutes, however often it is asked. Nothing
    /// changes until it is confirmed.
    pub async fn offer_totp(&self, me: &Me) -> Result<Enrolment, StoreError> {
        let practice = match self.practices_of(me.person()).await?.first() {
            Some(practice) => self.practice_name(*practice).await?,
            None => String::new(),
        };
        let (mut tx, row) = self.own::<OfferTotp>(me).await?;
        let person = tx.open(row).await??;
        let at = tx.at();
        if let Some(offered) = reads::offered_totp(&tx, me.session(), at).await? {
            let offered = tx.open(offered).await??;
            if let Some(secret) = offered.enrolling {
                tx.keep_counts().await?;
                return Ok(Enrolment::of(&secret, &practice, &person.email));
            }
        }
        let secret = TotpSecret::generate(self.entropy());
        let id = self.row_id(at);
        tx.insert::<HalfRow>(Half {
            id,
            row_version: 1,
            // Nobody is given this token: the session itself names the row.
            token_hash: Token::<ForHalfSignIn>::generate(self.entropy()).hash().bytes().to_vec(),
            person_id: me.person(),
            session_id: Some(me.session()),
            next: NextStep::Enrol.code().to_owned(),
            created_at: at,
            expires_at: at.saturating_add(HALF_LIFE).unwrap_or(at),
            spent_at: None,
            enrolling: Some(secret.clone()),
        })
        .await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(Enrolment::of(&secret, &practice, &person.email))
    }

    /// Puts the offered authenticator in the place of the present one: asks for the password and for
    /// the new one's first code. Every other session ends.
    pub async fn replace_totp(
        &self,
        me: &Me,
        current: &Password,
        code: &str,
        key: IdempotencyKey,
    ) -> Result<(), OwnError> {
        let fingerprint = format!("{} {code}", me.person());
        let once = Some((key, fingerprint.clone()));
        let Some(Proved { row, person }) = self.prove_current::<EnrolTotp>(me, current, once).await? else {
            return Ok(());
        };
        let (tx, now) = self.own::<EnrolTotp>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &fingerprint).await? else { return Ok(()) };
        let offered = reads::offered_totp(&tx, me.session(), tx.at()).await?.ok_or(OwnError::NoOffer)?;
        let offered = tx.open(offered).await?.map_err(StoreError::from)?;
        let secret = offered.enrolling.ok_or(OwnError::NoOffer)?;
        attempt(&tx, Rule::SecondFactor, &account(me.person())).await??;
        if let Err(refused) = take_code(&tx, me.person(), &secret, code).await? {
            tx.keep_counts().await?;
            self.note_refusal(me, "new authenticator").await?;
            return Err(refused.into());
        }
        give_back(&tx, Rule::SecondFactor, &account(me.person()), u32::MAX).await?;
        let patch = PersonPatch { totp: Some(Some(secret)), secured_at: Some(tx.at()), ..PersonPatch::default() };
        tx.amend(&now, Versioned(row.row_version), patch).await?;
        end_all(&mut tx, me.person(), Some(me.session()), "totp").await?;
        self.tell_changed(&mut tx, &person.email, &Changed::App).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }

    /// Makes ten new recovery codes in the place of the old, to be shown this once. Asks for the
    /// password. Sent again with the same key it makes ten others: those of the lost answer are void.
    pub async fn renew_codes(
        &self,
        me: &Me,
        current: &Password,
        key: IdempotencyKey,
    ) -> Result<Vec<Secret<String>>, OwnError> {
        self.prove_current::<RenewCodes>(me, current, None).await?;
        let (tx, mut now) = self.own::<RenewCodes>(me).await?;
        let mut tx = match tx.once(key, &me.person()).await? {
            HouseOnce::Fresh(tx) => tx,
            HouseOnce::Done(_) => {
                let (tx, row) = self.own::<RenewCodes>(me).await?;
                now = row;
                tx
            }
        };
        let patch = PersonPatch { secured_at: Some(tx.at()), ..PersonPatch::default() };
        tx.amend(&now, Versioned(now.row_version), patch).await?;
        let codes = self.renew_codes_in(&mut tx, me.person()).await?;
        let person = tx.open(now).await?.map_err(StoreError::from)?;
        self.tell_changed(&mut tx, &person.email, &Changed::Codes).await?;
        let event = Event::new().about("person", me.person().uuid());
        tx.commit(event, Value::Null).await?;
        Ok(codes)
    }
}
