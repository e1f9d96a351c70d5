//! Setting up the second factor anew, for somebody who has lost theirs and has no recovery code left. An administrator
//! starts it and chooses nothing: a link goes to the person by mail, which with their password leads to setting up an
//! authenticator or a passkey of their own. Only that takes away what was lost.
//!
//! Invariant: who can start this in one practice gains nothing in another. From the start on a reset shuts the person's
//! doors to their other practices, each until somebody there who answers for the team has agreed to this very reset.
//! Whoever signs in by the factor that was said to be lost ends the reset, and with it what it shut.

use jiff::SignedDuration;
use kernel::{ErrorKind, IdempotencyKey, PersonId, PracticeId, Secret, Source};
use seal::normalise;
use serde_json::{Value, json};
use store::{Event, HouseAction, HouseOnce, HouseTx, Job, Once, Resource, Role, StoreError, Versioned};
use uuid::Uuid;

use crate::counting::{Wait, attempt, give_back, network};
use crate::founding::until;
use crate::host::roles_in;
use crate::known::{ACTIVE, end_all, tell};
use crate::letters::Changed;
use crate::password::{HashError, Password, Verdict};
use crate::rows::{Agreed, AgreedRow, FactorReset, FactorResetPatch, FactorResetRow};
use crate::sign_in::{HalfSignedIn, SignInError, Tries};
use crate::throttle::Rule;
use crate::token::{ForFactorReset, Token};
use crate::{
    AgreeToReset, BeginFactorReset, Identity, LetIn, Me, OpenFactorReset, ReadAccount, UseFactorReset, letters, reads,
};

/// How long a link is good: somebody at the practice is on the phone with them.
pub const FACTOR_RESET_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// At most this many people of another practice are told by mail that somebody of theirs is held.
const TOLD_MAX: usize = 10;

/// Why the second factor is not set up anew, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum FactorResetError {
    /// No such link, or it was used, replaced or is too old.
    #[error("This link works no more: ask whoever started it for another")]
    Ended,
    /// Not the person's password.
    #[error("The password is not right")]
    Password,
    /// Nobody resets their own: their account page replaces it.
    #[error("Your own second factor is replaced under Account")]
    Oneself,
    /// Too many attempts.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// The password could not be compared.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FactorResetError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ended => ErrorKind::Missing,
            Self::Password => ErrorKind::Invalid,
            Self::Oneself => ErrorKind::Conflict,
            Self::Wait(_) => ErrorKind::Busy,
            Self::Hash(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Starts it for a member: a mail with a link goes to them, they are signed out everywhere, and their other practices
    /// are shut to them until those agree.
    ///
    /// Two commits, the practice's first; the second is done again by a retry.
    pub async fn begin_factor_reset(
        &self,
        me: &Me,
        person: PersonId,
        key: IdempotencyKey,
    ) -> Result<(), FactorResetError> {
        if person == me.person() {
            return Err(FactorResetError::Oneself);
        }
        let actor = self.actor(me)?;
        let threshold = self.store.enter(&actor).await?;
        let mine = threshold.known().await?.roles();
        if let Once::Fresh(tx) = threshold.ask_once::<BeginFactorReset>(Resource::Member(person), key, &()).await? {
            reads::lock_team(&tx).await?;
            let row = reads::active_membership(&tx, person).await?.ok_or(StoreError::Missing)?;
            if roles_in(&row.roles)?.has(Role::Owner) && !mine.has(Role::Owner) {
                // Made an owner at this very moment, after the policies were asked.
                return Err(StoreError::Conflict.into());
            }
            tx.commit(Event::new().about("member", person.uuid()), Value::Null).await?;
        }
        self.open_factor_reset(me, person, actor.practice(), key).await
    }

    async fn open_factor_reset(
        &self,
        me: &Me,
        person: PersonId,
        begun_in: PracticeId,
        key: IdempotencyKey,
    ) -> Result<(), FactorResetError> {
        let practices = self.all_practices_of(person).await?;
        let name = self.practice_name(begun_in).await?;
        let tx = self.store.own::<OpenFactorReset>(&me.signed_in, me.source.clone()).await?;
        let row = reads::lock_person(&tx, person).await?;
        if reads::session(&tx, me.session()).await?.is_none() {
            return Err(StoreError::SignedOut.into());
        }
        // Left, or taken off the team, since it was asked.
        reads::door(&tx, person, begun_in).await?.ok_or(StoreError::Missing)?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &person).await? else { return Ok(()) };
        attempt(&tx, Rule::ResetAccount, &format!("factors of {person}")).await??;
        let open = tx.open(row).await?.map_err(StoreError::from)?;
        let (at, id) = (tx.at(), self.row_id(tx.at()));
        end_unused(&mut tx, person).await?;
        let token = Token::<ForFactorReset>::generate(self.entropy());
        tx.insert::<FactorResetRow>(FactorReset {
            id,
            row_version: 1,
            person_id: person,
            begun_in,
            token_hash: token.hash().bytes().to_vec(),
            created_at: at,
            expires_at: until(at, FACTOR_RESET_LIFE),
            used_at: None,
            ended_at: None,
        })
        .await?;
        for practice in practices.iter().filter(|practice| **practice != begun_in) {
            self.tell_held(&mut tx, *practice, person).await?;
        }
        end_all(&mut tx, person, None, "factors").await?;
        let link = Secret::new(format!("{}/factors/{}", self.base_url, token.text().expose()));
        tx.post(letters::factor_reset(&open.email, &name, &link)).await?;
        tell(&mut tx, &practices).await?;
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await?;
        Ok(())
    }

    /// Tells those who answer for a team that one of theirs is held at its door. The transaction points at the house
    /// before and after.
    async fn tell_held(
        &self,
        tx: &mut HouseTx<OpenFactorReset>,
        practice: PracticeId,
        person: PersonId,
    ) -> Result<(), StoreError> {
        tx.step_into(practice).await?;
        let (team, row) = (reads::team(tx).await?, reads::practice(tx).await?.ok_or(StoreError::Missing)?);
        let (team, row) = tx.open((team, row)).await?;
        let team: Vec<_> = team.into_iter().filter_map(Result::ok).collect();
        let name = row?.name;
        tx.step_into(PracticeId::HOUSE).await?;
        let Some(held) = team.iter().find(|member| member.id == person) else { return Ok(()) };
        let mut told = 0;
        for member in team.iter().filter(|member| member.id != person) {
            let roles = roles_in(&member.roles)?;
            if told < TOLD_MAX && (roles.has(Role::Owner) || roles.has(Role::Administrator)) {
                told += 1;
                tx.post(letters::held(&member.email, &name, &held.display_name, &self.base_url)).await?;
            }
        }
        Ok(())
    }

    /// Whether a link can be used: for the page with the form.
    pub async fn factor_link(&self, token: &str, source: &Source) -> Result<(), FactorResetError> {
        self.known_factor_link(token, source).await.map(drop)
    }

    /// With the password, leads to setting up a second factor of one's own. Sent again with the same key it gives
    /// another token for the same half sign-in.
    pub async fn use_factor_reset(
        &self,
        token: &str,
        password: &Password,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<HalfSignedIn, FactorResetError> {
        let link = self.known_factor_link(token, source).await?;
        let person = link.person_id;
        let practices = self.all_practices_of(person).await?;
        let tx = self.store.visit::<UseFactorReset>(source.clone()).await?;
        let before = reads::person(&tx, person).await?;
        let open = tx.open(before.clone()).await?.map_err(StoreError::from)?;
        let tries = Tries { account: normalise::email(&open.email), network: network(source) };
        attempt(&tx, Rule::SignInAccount, &tries.account).await??;
        attempt(&tx, Rule::SignInNetwork, &tries.network).await??;
        tx.keep_counts().await?;
        let verdict = self.hasher.verify(password, open.password.as_ref()).await?;
        if !matches!(verdict, Verdict::Right { .. }) {
            self.refuse(source, Some((person, &practices)), "factor reset").await?;
            return Err(FactorResetError::Password);
        }

        let tx = self.store.visit::<UseFactorReset>(source.clone()).await?;
        tries.give_back(&tx).await?;
        let row = reads::lock_person(&tx, person).await?;
        if row.row_version != before.row_version {
            // The person was changed while the password was compared: it may have been the password.
            drop(tx);
            self.refuse(source, Some((person, &practices)), "factor reset").await?;
            return Err(FactorResetError::Password);
        }
        let mut tx = match tx.once(key, &link.id).await? {
            HouseOnce::Done(outcome) => {
                return self.reissue_half(&outcome, person, &tries, source).await.map_err(of_sign_in);
            }
            HouseOnce::Fresh(tx) => tx,
        };
        let link = reads::factor_reset(&tx, &link.token_hash).await?.ok_or(FactorResetError::Ended)?;
        if link.ended_at.is_some() || link.expires_at <= tx.at() || row.state != ACTIVE {
            return Err(FactorResetError::Ended);
        }
        let (half, half_id) = self.insert_half_anew(&mut tx, person).await?;
        tell(&mut tx, &practices).await?;
        let outcome = json!({ "half": half_id });
        let done = tx.commit(Event::new().about("person", person.uuid()), outcome.clone()).await?;
        if done != outcome {
            return self.reissue_half(&done, person, &tries, source).await.map_err(of_sign_in);
        }
        Ok(half)
    }

    /// A second factor is being set up: what there was before is gone, and every reset of it is used, so that what they
    /// shut stays shut until it is agreed to.
    pub(crate) async fn lost_is_gone<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: PersonId,
        email: &str,
    ) -> Result<(), StoreError> {
        let at = tx.at();
        for passkey in reads::passkeys(tx, person).await? {
            tx.remove(&passkey).await?;
        }
        let open = reads::unused_factor_resets(tx, person).await?;
        for reset in &open {
            let used =
                FactorResetPatch { used_at: Some(Some(at)), ended_at: Some(Some(at)), ..FactorResetPatch::default() };
            tx.amend(reset, Versioned(reset.row_version), used).await?;
        }
        if open.is_empty() { Ok(()) } else { self.tell_changed(tx, email, &Changed::Reset).await }
    }

    /// The row of a link that can be used. Links that are none are counted by network.
    async fn known_factor_link(&self, token: &str, source: &Source) -> Result<FactorResetRow, FactorResetError> {
        let tx = self.store.visit::<UseFactorReset>(source.clone()).await?;
        let network = network(source);
        attempt(&tx, Rule::LinkNetwork, &network).await??;
        let found = match Token::<ForFactorReset>::parse(token) {
            Ok(token) => reads::factor_reset(&tx, token.hash().bytes()).await?,
            Err(_) => None,
        };
        if found.is_some() {
            give_back(&tx, Rule::LinkNetwork, &network, 1).await?;
        }
        let at = tx.at();
        tx.keep_counts().await?;
        found.filter(|row| row.expires_at > at && row.ended_at.is_none()).ok_or(FactorResetError::Ended)
    }

    /// Whom this practice does not let in because their second factor is reset elsewhere, each with a reset that it has
    /// not agreed to.
    pub async fn held(&self, me: &Me) -> Result<Vec<(PersonId, Uuid)>, StoreError> {
        let practice = self.actor(me)?.practice();
        // Ids only, and nothing is opened: no event.
        let tx = self.store.own::<ReadAccount>(&me.signed_in, me.source.clone()).await?;
        let held = reads::held(&tx, practice).await?;
        tx.keep_counts().await?;
        Ok(held)
    }

    /// Agrees to these resets, and to none that came since they were shown: where no other stands, the person is let in
    /// again. Done already is as well.
    ///
    /// Two commits, as for a removal.
    pub async fn agree_to_reset(
        &self,
        me: &Me,
        person: PersonId,
        resets: &[Uuid],
        key: IdempotencyKey,
    ) -> Result<(), StoreError> {
        let actor = self.actor(me)?;
        let threshold = self.store.enter(&actor).await?;
        if let Once::Fresh(tx) = threshold.ask_once::<AgreeToReset>(Resource::Member(person), key, &resets).await? {
            reads::active_membership(&tx, person).await?.ok_or(StoreError::Missing)?;
            tx.commit(Event::new().about("member", person.uuid()), Value::Null).await?;
        }
        self.store.know(actor.practice()).await?;
        let tx = self.store.own::<LetIn>(&me.signed_in, me.source.clone()).await?;
        self.let_in(tx, person, actor.practice(), Some(resets)).await.map(drop)
    }

    /// The host lets somebody in again: where nobody else is there who could. `false`: they were not held.
    pub async fn host_lets_in(&self, person: PersonId, practice: PracticeId) -> Result<bool, StoreError> {
        self.store.know(practice).await?;
        let tx = self.store.host::<LetIn>(Job::Founding).await?;
        self.let_in(tx, person, practice, None).await
    }

    /// Writes that a practice agrees to resets of a person: to these, or to all.
    async fn let_in<A: HouseAction>(
        &self,
        mut tx: HouseTx<A>,
        person: PersonId,
        practice: PracticeId,
        resets: Option<&[Uuid]>,
    ) -> Result<bool, StoreError> {
        let row = reads::lock_person(&tx, person).await?;
        let holding = reads::held(&tx, practice).await?.into_iter().filter(|(held, _)| *held == person);
        let (agreed, others): (Vec<Uuid>, Vec<Uuid>) =
            holding.map(|(_, reset)| reset).partition(|reset| resets.is_none_or(|resets| resets.contains(reset)));
        if agreed.is_empty() {
            return Ok(false);
        }
        let at = tx.at();
        for reset_id in agreed {
            let id = self.row_id(at);
            let row = Agreed { id, row_version: 1, person_id: person, reset_id, agreed_in: practice, created_at: at };
            tx.insert::<AgreedRow>(row).await?;
        }
        if others.is_empty() {
            let open = tx.open(row).await??;
            tx.step_into(practice).await?;
            let name = reads::practice(&tx).await?.ok_or(StoreError::Missing)?;
            let name = tx.open(name).await??.name;
            tx.step_into(PracticeId::HOUSE).await?;
            tx.post(letters::let_in(&open.email, &name, &self.base_url)).await?;
        }
        tell(&mut tx, &[practice]).await?;
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await.map(|_| true)
    }
}

/// Ends the resets of a person that were not used, and with them what they shut: a new one takes their place, or somebody
/// has signed in by the very factor that was said to be lost.
pub(crate) async fn end_unused<A: HouseAction>(tx: &mut HouseTx<A>, person: PersonId) -> Result<(), StoreError> {
    let at = tx.at();
    for unused in reads::unused_factor_resets(tx, person).await? {
        let patch = FactorResetPatch { ended_at: Some(Some(at)), ..FactorResetPatch::default() };
        tx.amend(&unused, Versioned(unused.row_version), patch).await?;
    }
    Ok(())
}

fn of_sign_in(error: SignInError) -> FactorResetError {
    match error {
        SignInError::Store(error) => error.into(),
        SignInError::Wait(wait) => wait.into(),
        SignInError::Hash(error) => error.into(),
        _ => FactorResetError::Ended,
    }
}
