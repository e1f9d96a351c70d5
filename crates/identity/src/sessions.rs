//! Sessions: leaving, ending others, going to another practice. What is ended is not found by the
//! very next request.

use kernel::{ErrorKind, IdempotencyKey, PracticeId, SessionId};
use serde_json::Value;
use store::{Event, HouseOnce, StoreError, Versioned};

use crate::known::{end_all, tell};
use crate::rows::SessionPatch;
use crate::{EndSessions, Identity, Me, PRACTICES_MAX, SignOut, SwitchPractice, reads};

/// Why the browser stays in the practice that it is in.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The person does not belong to that practice (or there is none).
    #[error("You do not belong to this practice")]
    NotYours,
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SwitchError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotYours => ErrorKind::Missing,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Ends this browser's session.
    pub async fn sign_out(&self, me: &Me, key: IdempotencyKey) -> Result<(), StoreError> {
        let tx = self.store.own::<SignOut>(&me.signed_in, me.source.clone()).await?;
        reads::lock_person(&tx, me.person()).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &me.session()).await? else { return Ok(()) };
        // Ended elsewhere meanwhile: what was wanted is so.
        let Some(row) = reads::session(&tx, me.session()).await? else { return Ok(()) };
        let patch = SessionPatch {
            ended_at: Some(Some(tx.at())),
            ended_why: Some(Some("sign-out".to_owned())),
            ..SessionPatch::default()
        };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("session", row.id.uuid()), Value::Null).await.map(drop)
    }

    /// Ends another of one's own sessions. Ended already is as well; somebody else's is
    /// [`StoreError::Missing`].
    pub async fn end_session(&self, me: &Me, session: SessionId, key: IdempotencyKey) -> Result<(), StoreError> {
        let (tx, _) = self.own::<EndSessions>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &session).await? else { return Ok(()) };
        let row = reads::session(&tx, session).await?.filter(|row| row.person_id == me.person());
        let row = row.ok_or(StoreError::Missing)?;
        let patch = SessionPatch {
            ended_at: Some(Some(tx.at())),
            ended_why: Some(Some("other".to_owned())),
            ..SessionPatch::default()
        };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("session", session.uuid()), Value::Null).await.map(drop)
    }

    /// Ends all of one's sessions but this one, and what else is open: half sign-ins and reset links.
    pub async fn end_other_sessions(&self, me: &Me, key: IdempotencyKey) -> Result<(), StoreError> {
        let (tx, _) = self.own::<EndSessions>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &me.person()).await? else { return Ok(()) };
        end_all(&mut tx, me.person(), Some(me.session()), "other").await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await.map(drop)
    }

    /// Takes this browser to another practice of its person. Both practices are told.
    pub async fn switch_practice(&self, me: &Me, to: PracticeId, key: IdempotencyKey) -> Result<(), SwitchError> {
        // Ids only, before the practice's keys are asked for: a practice that is not one has none.
        if !self.practices_of(me.person()).await?.contains(&to) {
            return Err(SwitchError::NotYours);
        }
        let mut told = vec![to];
        if let Some(from) = me.practice().filter(|from| *from != to) {
            self.store.know(from).await?;
            told.push(from);
        }
        let (tx, _) = self.own::<SwitchPractice>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &to).await? else { return Ok(()) };
        let row = reads::session(&tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
        if !reads::doors(&tx, me.person(), PRACTICES_MAX).await?.contains(&to) {
            return Err(SwitchError::NotYours);
        }
        tx.step_into(to).await?;
        if reads::active_membership(&tx, me.person()).await?.is_none() {
            return Err(SwitchError::NotYours);
        }
        tell(&mut tx, &told).await?;
        let patch = SessionPatch { entered: Some(Some(to)), ..SessionPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        let event = Event::new().about("practice", to.uuid());
        tx.commit(event, Value::Null).await?;
        Ok(())
    }
}
