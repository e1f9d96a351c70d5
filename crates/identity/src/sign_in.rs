//! The first half of signing in: e-mail and password. Whatever the second half will be, what comes
//! back is a token that is good for ten minutes and opens nothing but the second half.
//!
//! Invariants: the attempt is counted, durably, before the password is looked at. An account that
//! does not exist, one that is suspended and one without a password give the same answer after the
//! same work, not sooner than [`crate::ANSWER_FLOOR`].

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kernel::{ErrorKind, IdempotencyKey, PersonId, PracticeId, Secret, Source};
use seal::normalise;
use serde_json::json;
use store::{Event, HouseAction, HouseOnce, HouseTx, StoreError, Versioned};
use uuid::Uuid;

use crate::counting::{Wait, attempt, give_back, network};
use crate::known::{ACTIVE, Known, email_token};
use crate::passkeys::NoPasskey;
use crate::password::{HashError, Password, PasswordHash, Verdict};
use crate::rows::{Half, HalfPatch, HalfRow, PersonPatch, PersonRow};
use crate::throttle::Rule;
use crate::token::{ForHalfSignIn, Token};
use crate::totp::TotpSecret;
use crate::{Identity, PRACTICES_MAX, ProvePassword, ReissueToken, reads};

/// How long there is between password and second factor.
pub const HALF_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What stands in the row of a half sign-in that sets the second factor up anew: though there is one, it may enrol.
pub(crate) const ANEW: &str = "anew";

/// What the second half will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// A code of the authenticator, or a recovery code.
    Totp,
    /// The person has passkeys and no authenticator: one of those, or a recovery code.
    Passkey,
    /// The person has neither yet and must set one up: [`Identity::enrolment`].
    Enrol,
}

impl NextStep {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Enrol => "enrol",
        }
    }

    pub(crate) fn parse(code: &str) -> Self {
        if code == ANEW {
            return Self::Enrol;
        }
        [Self::Passkey, Self::Enrol].into_iter().find(|step| step.code() == code).unwrap_or(Self::Totp)
    }
}

/// The second half of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub next: NextStep,
    /// Whether a passkey will do.
    pub passkeys: bool,
}

/// A browser that has proved the password. No session: it opens nothing but the second half.
#[derive(Debug)]
pub struct HalfSignedIn {
    /// For a cookie of its own.
    pub token: Secret<String>,
    /// What comes next.
    pub next: NextStep,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Why somebody is not signed in, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such account, or not its password, or the account may not sign in.
    #[error("The e-mail address or the password is not right")]
    Refused,
    /// Too many attempts.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// No half sign-in is open in this browser: it took longer than ten minutes, or was finished.
    #[error("Sign in again: more than ten minutes have passed")]
    Expired,
    /// The one-time code is not right, or was used.
    #[error(transparent)]
    Code(#[from] crate::totp::CodeRefused),
    /// What was typed has not the form of a recovery code.
    #[error(transparent)]
    NotARecoveryCode(#[from] crate::recovery::NotARecoveryCode),
    /// The recovery code is unknown, or was used.
    #[error("This recovery code is not right, or was used before: try the next one")]
    RecoveryCode,
    /// The device's answer is not taken.
    #[error(transparent)]
    Passkey(#[from] NoPasskey),
    /// The password could not be compared.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused | Self::Code(_) | Self::NotARecoveryCode(_) | Self::RecoveryCode | Self::Passkey(_) => {
                ErrorKind::Invalid
            }
            Self::Wait(_) => ErrorKind::Busy,
            Self::Expired => ErrorKind::SignedOut,
            Self::Hash(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Checks e-mail and password. Sent again with the same key and the right password, it gives
    /// another token for the same half sign-in; the earlier one opens nothing any more.
    pub async fn begin(
        &self,
        email: &str,
        password: &Password,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<HalfSignedIn, SignInError> {
        let began = Instant::now();
        let answer = self.prove_password(email, password, source, key).await;
        if matches!(answer, Err(SignInError::Refused)) {
            self.hold_answer(began).await;
        }
        answer
    }

    async fn prove_password(
        &self,
        email: &str,
        password: &Password,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<HalfSignedIn, SignInError> {
        let tx = self.store.visit::<ProvePassword>(source.clone()).await?;
        let tries = Tries { account: normalise::email(email), network: network(source) };
        attempt(&tx, Rule::SignInAccount, &tries.account).await??;
        attempt(&tx, Rule::SignInNetwork, &tries.network).await??;
        let known = known_by_email(&tx, email).await?;
        let kept = match &known {
            Some(known) if known.row.state == ACTIVE => {
                tx.open(known.row.clone()).await?.map_err(StoreError::from)?.password
            }
            _ => None,
        };
        tx.keep_counts().await?;

        let verdict = self.hasher.verify(password, kept.as_ref()).await?;
        if let Some(known) = &known {
            self.know_all(&known.practices).await?;
        }
        match (verdict, known) {
            (Verdict::Right { renewed }, Some(known)) => self.begin_half(known, renewed, tries, source, key).await,
            (_, known) => {
                let person = known.as_ref().map(|known| (known.row.id, known.practices.as_slice()));
                self.refuse(source, person, "password").await?;
                Err(SignInError::Refused)
            }
        }
    }

    async fn begin_half(
        &self,
        known: Known,
        renewed: Option<PasswordHash>,
        tries: Tries,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<HalfSignedIn, SignInError> {
        let person = known.row.id;
        let mut tx = self.store.visit::<ProvePassword>(source.clone()).await?;
        tries.give_back(&tx).await?;
        let row = reads::lock_person(&tx, person).await?;
        if row.row_version != known.row.row_version {
            // The person was changed while the password was compared: it may have been the password.
            drop(tx);
            self.refuse(source, Some((person, &known.practices)), "password").await?;
            return Err(SignInError::Refused);
        }
        match tx.once(key, &person).await? {
            HouseOnce::Done(outcome) => return self.reissue_half(&outcome, person, &tries, source).await,
            HouseOnce::Fresh(fresh) => tx = fresh,
        }
        let (half, id) = self.insert_half(&mut tx, &row).await?;
        if let Some(renewed) = renewed {
            let patch = PersonPatch { password: Some(Some(renewed)), ..PersonPatch::default() };
            tx.amend(&row, Versioned(row.row_version), patch).await?;
        }
        let outcome = json!({ "half": id });
        let event = Event::new().about("person", person.uuid());
        let done = tx.commit(event, outcome.clone()).await?;
        if done != outcome {
            return self.reissue_half(&done, person, &tries, source).await;
        }
        Ok(half)
    }

    /// Begins the second half for a person whose password was proved or has just been chosen.
    pub(crate) async fn insert_half<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: &PersonRow,
    ) -> Result<(HalfSignedIn, Uuid), StoreError> {
        let open = tx.open(person.clone()).await??;
        let next = match open.totp {
            Some(_) => NextStep::Totp,
            None if reads::passkeys(tx, person.id).await?.is_empty() => NextStep::Enrol,
            None => NextStep::Passkey,
        };
        self.put_half(tx, person.id, next, next.code()).await
    }

    /// The second half of somebody whose second factor is set up anew.
    pub(crate) async fn insert_half_anew<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: PersonId,
    ) -> Result<(HalfSignedIn, Uuid), StoreError> {
        self.put_half(tx, person, NextStep::Enrol, ANEW).await
    }

    async fn put_half<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: PersonId,
        next: NextStep,
        code: &str,
    ) -> Result<(HalfSignedIn, Uuid), StoreError> {
        let (at, id) = (tx.at(), self.row_id(tx.at()));
        let token = Token::<ForHalfSignIn>::generate(self.entropy());
        let expires_at = at.saturating_add(HALF_LIFE).unwrap_or(at);
        tx.insert::<HalfRow>(Half {
            id,
            row_version: 1,
            token_hash: token.hash().bytes().to_vec(),
            person_id: person,
            session_id: None,
            next: code.to_owned(),
            created_at: at,
            expires_at,
            spent_at: None,
            enrolling: (next == NextStep::Enrol).then(|| TotpSecret::generate(self.entropy())),
        })
        .await?;
        Ok((HalfSignedIn { token: token.text(), next, expires_at }, id))
    }

    /// The answer was lost: gives the same half sign-in another token, if it is still open.
    pub(crate) async fn reissue_half(
        &self,
        outcome: &serde_json::Value,
        person: PersonId,
        tries: &Tries,
        source: &Source,
    ) -> Result<HalfSignedIn, SignInError> {
        let mut tx = self.store.visit::<ReissueToken>(source.clone()).await?;
        tries.give_back(&tx).await?;
        let row = reads::lock_person(&tx, person).await?;
        let event = Event::new().about("person", person.uuid());
        if let Some(half) = self.reissue_half_in(&mut tx, outcome).await? {
            tx.commit(event, serde_json::Value::Null).await?;
            return Ok(half);
        }
        // The form was sent again after its half sign-in had ended (the browser's back button). The
        // password has just been proved: it is a new one.
        let (half, _) = self.insert_half(&mut tx, &row).await?;
        tx.commit_as::<ProvePassword>(event, serde_json::Value::Null).await?;
        Ok(half)
    }

    /// Gives the half sign-in that an outcome names another token, if it is still open. The person is
    /// locked.
    pub(crate) async fn reissue_half_in(
        &self,
        tx: &mut HouseTx<ReissueToken>,
        outcome: &serde_json::Value,
    ) -> Result<Option<HalfSignedIn>, StoreError> {
        let Some(id) = id_in(outcome, "half") else { return Ok(None) };
        let Some(row) = reads::half_by_id(tx, id).await? else { return Ok(None) };
        if row.spent_at.is_some() || row.expires_at <= tx.at() {
            return Ok(None);
        }
        let token = Token::<ForHalfSignIn>::generate(self.entropy());
        let patch = HalfPatch { token_hash: Some(token.hash().bytes().to_vec()), ..HalfPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        Ok(Some(HalfSignedIn { token: token.text(), next: NextStep::parse(&row.next), expires_at: row.expires_at }))
    }
}

/// What an attempt was counted by.
pub(crate) struct Tries {
    pub(crate) account: String,
    pub(crate) network: String,
}

impl Tries {
    /// Gives the account everything back, and the network what this account had added.
    pub(crate) async fn give_back<A: HouseAction>(&self, tx: &HouseTx<A>) -> Result<(), StoreError> {
        let tried = give_back(tx, Rule::SignInAccount, &self.account, u32::MAX).await?;
        give_back(tx, Rule::SignInNetwork, &self.network, tried).await.map(drop)
    }
}

/// An id that an outcome holds.
pub(crate) fn id_in(outcome: &serde_json::Value, name: &str) -> Option<Uuid> {
    outcome.get(name)?.as_str()?.parse().ok()
}

/// The person who has an address, with their practices (whose keys are not known yet).
pub(crate) async fn known_by_email<A: HouseAction>(tx: &HouseTx<A>, email: &str) -> Result<Option<Known>, StoreError> {
    let token = email_token(tx, email).await?;
    let Some(row) = reads::person_by_email(tx, &token).await? else { return Ok(None) };
    let practices: Vec<PracticeId> = reads::doors_open_and_held(tx, row.id, PRACTICES_MAX).await?;
    Ok(Some(Known { row, practices }))
}
