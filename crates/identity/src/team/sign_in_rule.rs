//! By what a practice lets its people in. It may ask for more than the house does, a passkey of everybody, and cannot ask
//! for less: a second factor is required of all, and there is no setting for that.
//!
//! Invariant: the rule is read with the membership by whatever is asked of the practice (`store`), so it holds from the
//! next request on, in sessions that have begun too.

use kernel::{ErrorKind, IdempotencyKey, PersonId};
use serde_json::Value;
use store::{Event, Once, Resource, Role, StoreError, Versioned};
use uuid::Uuid;

use crate::rows::PracticePatch;
use crate::second::BY_PASSKEY;
use crate::{Identity, Me, ReadAccount, SetSignInRule, SignInRuleForm, letters, reads};

/// The rule of a practice that takes whatever the house takes.
pub(crate) const ANY: &str = "any";

/// At most this many of those who answer for the team are told of another rule by mail.
const TOLD_MAX: usize = 20;

/// By what a practice lets its people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInRule {
    /// By passkeys alone.
    pub passkeys_only: bool,
    /// How many people are on the team.
    pub people: usize,
    /// How many of them have a passkey.
    pub with_passkey: usize,
}

/// Why the rule stays as it is, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Both factors were not proved lately.
    #[error("Show first that it is you")]
    ProveFirst,
    /// Whoever asks has shown no passkey in this session: the rule would shut them out themselves.
    #[error("Show a passkey of your own first")]
    ShowFirst,
    /// The doors failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RuleError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ProveFirst | Self::ShowFirst => ErrorKind::Forbidden,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// The rule, for whoever may change it.
    pub async fn sign_in_rule(&self, me: &Me) -> Result<SignInRule, StoreError> {
        // Ids, codes and numbers only, and nothing is opened: no event.
        let tx = self.store.enter(&self.actor(me)?).await?.ask::<SignInRuleForm>(Resource::Practice).await?;
        let practice = reads::practice(&tx).await?.ok_or(StoreError::Missing)?;
        let team: Vec<Uuid> = reads::team(&tx).await?.iter().map(|member| member.id.uuid()).collect();
        drop(tx);
        let tx = self.store.own::<ReadAccount>(&me.signed_in, me.source.clone()).await?;
        let with_passkey = reads::have_passkeys(&tx, &team).await?;
        tx.keep_counts().await?;
        Ok(SignInRule { passkeys_only: practice.factors == BY_PASSKEY, people: team.len(), with_passkey })
    }

    /// Sets it. Both factors must have been proved lately; that it is to be passkeys alone is said by somebody who is in
    /// by one. Those who answer for the team are told by mail.
    pub async fn set_sign_in_rule(&self, me: &Me, passkeys_only: bool, key: IdempotencyKey) -> Result<(), RuleError> {
        if !self.proved_lately(me) {
            return Err(RuleError::ProveFirst);
        }
        if passkeys_only && !me.signed_in.by_passkey {
            return Err(RuleError::ShowFirst);
        }
        let actor = self.actor(me)?;
        let name = self.practice_name(actor.practice()).await?;
        let team = self.team(me).await?.members;
        let threshold = self.store.enter(&actor).await?;
        let asked = threshold.ask_once::<SetSignInRule>(Resource::Practice, key, &passkeys_only).await?;
        let Once::Fresh(mut tx) = asked else { return Ok(()) };
        reads::lock_team(&tx).await?;
        let row = reads::practice(&tx).await?.ok_or(StoreError::Missing)?;
        let wanted = if passkeys_only { BY_PASSKEY } else { ANY };
        if row.factors == wanted {
            return Ok(());
        }
        let patch = PracticePatch { factors: Some(wanted.to_owned()), ..PracticePatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        let answers = |roles: store::Roles| roles.has(Role::Owner) || roles.has(Role::Administrator);
        let by = named(&team, me.person());
        for member in team.iter().filter(|member| answers(member.roles)).take(TOLD_MAX) {
            tx.post(letters::sign_in_rule(&member.email, &name, by, passkeys_only)).await?;
        }
        tx.commit(Event::new().about("practice", row.id.uuid()).field(wanted), Value::Null).await?;
        Ok(())
    }
}

fn named(team: &[super::Member], person: PersonId) -> &str {
    team.iter().find(|member| member.id == person).map(|member| member.name.as_str()).unwrap_or_default()
}
