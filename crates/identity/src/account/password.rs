//! Changing one's own password. Whoever asks must know the present one: an unlocked screen is not
//! enough. Every other session ends.

use kernel::{ErrorKind, IdempotencyKey, PersonId, Source};
use serde_json::Value;
use store::{Event, HouseAction, HouseOnce, StoreError, Versioned};

use crate::counting::{Wait, account, attempt, give_back};
use crate::known::end_all;
use crate::letters::Changed;
use crate::passkeys::NoPasskey;
use crate::password::{HashError, NewPasswordError, Password, Verdict};
use crate::password_rules::ContextWords;
use crate::rows::{Person, PersonPatch, PersonRow};
use crate::throttle::Rule;
use crate::{ChangePassword, Identity, Me, ReadAccount, RefuseSignIn, reads};

/// Why the password (or what it protects) stays as it is, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The present password is wrong.
    #[error("This is not your current password")]
    CurrentPassword,
    /// Too many attempts.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// The new password may not be chosen.
    #[error(transparent)]
    Password(#[from] NewPasswordError),
    /// The code of the new authenticator is wrong.
    #[error(transparent)]
    Code(#[from] crate::totp::CodeRefused),
    /// The device's answer is not taken.
    #[error(transparent)]
    Passkey(#[from] NoPasskey),
    /// No new authenticator is waiting to be confirmed: it was shown more than ten minutes ago.
    #[error("Start again: this authenticator was shown more than ten minutes ago")]
    NoOffer,
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HashError> for OwnError {
    fn from(error: HashError) -> Self {
        Self::Password(NewPasswordError::Hash(error))
    }
}

impl OwnError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::CurrentPassword | Self::Code(_) | Self::Passkey(_) | Self::Password(NewPasswordError::Refused(_)) => {
                ErrorKind::Invalid
            }
            Self::Wait(_) => ErrorKind::Busy,
            Self::NoOffer => ErrorKind::Conflict,
            Self::Password(NewPasswordError::Hash(error)) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

/// The present password is right: the person as they were when it was compared.
pub(crate) struct Proved {
    pub(crate) row: PersonRow,
    pub(crate) person: Person,
}

impl Identity {
    /// Changes one's password and ends every other session, half sign-in and reset link.
    pub async fn change_password(
        &self,
        me: &Me,
        current: &Password,
        new: &Password,
        key: IdempotencyKey,
    ) -> Result<(), OwnError> {
        let once = Some((key, me.person().to_string()));
        let Some(Proved { row, person }) = self.prove_current::<ChangePassword>(me, current, once).await? else {
            return self.chosen_before(me.person(), new, &me.source).await;
        };
        let words = self.words_about(&person).await?;
        let hash = self.hasher.hash_new(new, &words).await?;
        let (tx, now) = self.own::<ChangePassword>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &me.person().to_string()).await? else {
            return self.chosen_before(me.person(), new, &me.source).await;
        };
        let patch = PersonPatch { password: Some(Some(hash)), secured_at: Some(tx.at()), ..PersonPatch::default() };
        // Conflict if the person was changed meanwhile: what was proved may no longer hold.
        tx.amend(&now, Versioned(row.row_version), patch).await?;
        end_all(&mut tx, me.person(), Some(me.session()), "password").await?;
        self.tell_changed(&mut tx, &person.email, &Changed::Password).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }

    /// Checks the present password, counted like a code. `None`: what is asked under the key was done
    /// before (the present password may then be the new one already).
    pub(crate) async fn prove_current<A: HouseAction>(
        &self,
        me: &Me,
        current: &Password,
        once: Option<(IdempotencyKey, String)>,
    ) -> Result<Option<Proved>, OwnError> {
        let (mut tx, row) = self.own::<A>(me).await?;
        if let Some((key, fingerprint)) = once {
            match tx.once(key, &fingerprint).await? {
                HouseOnce::Done(_) => return Ok(None),
                HouseOnce::Fresh(fresh) => tx = fresh,
            }
        }
        let subject = account(me.person());
        attempt(&tx, Rule::SecondFactor, &subject).await??;
        let person = tx.open(row.clone()).await?.map_err(StoreError::from)?;
        tx.keep_counts().await?;
        match self.hasher.verify(current, person.password.as_ref()).await? {
            Verdict::Right { .. } => {
                let tx = self.store.own::<A>(&me.signed_in, me.source.clone()).await?;
                give_back(&tx, Rule::SecondFactor, &subject, u32::MAX).await?;
                tx.keep_counts().await?;
                Ok(Some(Proved { row, person }))
            }
            Verdict::Wrong => {
                self.note_refusal(me, "current password").await?;
                Err(OwnError::CurrentPassword)
            }
        }
    }

    /// That somebody signed in could not prove something: an event of its own.
    pub(super) async fn note_refusal(&self, me: &Me, what: &'static str) -> Result<(), StoreError> {
        let tx = self.store.own::<RefuseSignIn>(&me.signed_in, me.source.clone()).await?;
        tx.commit(Event::new().about("person", me.person().uuid()).field(what), Value::Null).await.map(drop)
    }

    /// Whether a retry sends the password that was chosen the first time. A fingerprint cannot tell: a
    /// fast hash of a password is kept nowhere. Another password is another form under the same key, and
    /// must not be answered as if it had been chosen. Counted, or it would be a way to guess.
    pub(crate) async fn chosen_before<E>(&self, person: PersonId, new: &Password, source: &Source) -> Result<(), E>
    where
        E: From<Wait> + From<StoreError> + From<NewPasswordError>,
    {
        let subject = account(person);
        let tx = self.store.visit::<ReadAccount>(source.clone()).await?;
        attempt(&tx, Rule::SecondFactor, &subject).await??;
        let row = reads::person(&tx, person).await?;
        let kept = tx.open(row).await?.map_err(StoreError::from)?.password;
        tx.keep_counts().await?;
        match self.hasher.verify(new, kept.as_ref()).await.map_err(NewPasswordError::from)? {
            Verdict::Wrong => Err(StoreError::KeyReused.into()),
            Verdict::Right { .. } => {
                let tx = self.store.visit::<ReadAccount>(source.clone()).await?;
                give_back(&tx, Rule::SecondFactor, &subject, 1).await?;
                Ok(tx.keep_counts().await?)
            }
        }
    }

    /// What a person's password must not be built on: their name, their address, their practices.
    pub(crate) async fn words_about(&self, person: &Person) -> Result<ContextWords, StoreError> {
        let mut texts = vec![person.display_name.clone(), person.email.clone()];
        for practice in self.practices_of(person.id).await? {
            texts.push(self.practice_name(practice).await?);
        }
        Ok(ContextWords::new(texts.iter().map(String::as_str)))
    }
}
