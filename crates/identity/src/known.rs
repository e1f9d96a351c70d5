//! What a flow needs to know of a person before its transaction begins: who it is, and which
//! practices will be told.

use kernel::{PersonId, PracticeId, Source};
use seal::normalise;
use store::{Action, Event, HouseAction, HouseTx, StoreError, TokenKind, Tx};

use crate::letters::{self, Changed};
use crate::reads;
use crate::rows::{HalfPatch, PersonRow, ResetPatch, SessionPatch};
use crate::{Identity, Me, PRACTICES_MAX, ReadAccount, RefuseSignIn};

/// The one label under which e-mail addresses are filed, in the house and in each practice (whose keys
/// differ, so the tokens do).
const EMAIL: &str = "person.email";

/// The state of a person who may sign in.
pub(crate) const ACTIVE: &str = "active";

/// The blind token of an address, in the practice that the transaction points at.
pub(crate) async fn email_token<A: Action>(tx: &Tx<A>, email: &str) -> Result<Vec<u8>, StoreError> {
    let token = tx.blind(EMAIL, TokenKind::Email, &normalise::email(email)).await?;
    Ok(token.bytes().to_vec())
}

/// An address that a letter could reach, as typed without the spaces around it.
pub(crate) fn address(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let (name, host) = typed.rsplit_once('@')?;
    let fits = typed.chars().count() <= 254 && !typed.chars().any(|c| c.is_whitespace() || c.is_control());
    (fits && !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.'))
        .then(|| typed.to_owned())
}

/// A name as typed, without the spaces around it; none if it is empty or longer than 200 characters.
pub(crate) fn person_name(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let fits = !typed.is_empty() && typed.chars().count() <= 200 && !typed.chars().any(char::is_control);
    fits.then(|| typed.to_owned())
}

/// A person's row, and their practices, whose keys are at hand.
pub(crate) struct Known {
    pub(crate) row: PersonRow,
    pub(crate) practices: Vec<PracticeId>,
}

impl Identity {
    /// A person's practices, with their keys made known: what a transaction will step into.
    pub(crate) async fn practices_of(&self, person: PersonId) -> Result<Vec<PracticeId>, StoreError> {
        // Ids only, and nothing is opened: no event.
        let tx = self.store.visit::<ReadAccount>(Source::Host).await?;
        let practices = reads::doors(&tx, person, PRACTICES_MAX).await?;
        tx.keep_counts().await?;
        self.know_all(&practices).await?;
        Ok(practices)
    }

    /// The same, with those that hold them at the door.
    pub(crate) async fn all_practices_of(&self, person: PersonId) -> Result<Vec<PracticeId>, StoreError> {
        let tx = self.store.visit::<ReadAccount>(Source::Host).await?;
        let practices = reads::doors_open_and_held(&tx, person, PRACTICES_MAX).await?;
        tx.keep_counts().await?;
        self.know_all(&practices).await?;
        Ok(practices)
    }

    /// Records a refusal in the house's log and in those of the person's practices.
    pub(crate) async fn refuse(
        &self,
        source: &Source,
        person: Option<(PersonId, &[PracticeId])>,
        field: &'static str,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.visit::<RefuseSignIn>(source.clone()).await?;
        let mut event = Event::new().field(field);
        if let Some((person, practices)) = person {
            tell(&mut tx, practices).await?;
            event = event.about("person", person.uuid());
        }
        tx.commit(event, serde_json::Value::Null).await.map(drop)
    }

    /// Tells somebody by mail that what they sign in by has changed.
    pub(crate) async fn tell_changed<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        email: &str,
        what: &Changed<'_>,
    ) -> Result<(), StoreError> {
        tx.post(letters::changed(email, &self.base_url, what)).await
    }

    /// A transaction of one's own, with one's row locked, if the session has not ended meanwhile.
    pub(crate) async fn own<A: HouseAction>(&self, me: &Me) -> Result<(HouseTx<A>, PersonRow), StoreError> {
        let tx = self.store.own::<A>(&me.signed_in, me.source.clone()).await?;
        let row = reads::lock_person(&tx, me.person()).await?;
        if row.state != ACTIVE || reads::session(&tx, me.session()).await?.is_none() {
            return Err(StoreError::SignedOut);
        }
        Ok((tx, row))
    }
}

/// Has the event written into the logs of these practices too; the transaction points at the house
/// again afterwards.
pub(crate) async fn tell<A: HouseAction>(tx: &mut HouseTx<A>, practices: &[PracticeId]) -> Result<(), StoreError> {
    for practice in practices {
        tx.step_into(*practice).await?;
        tx.tell_here();
    }
    tx.step_into(PracticeId::HOUSE).await
}

/// Ends what a person has open: sessions (but one), half sign-ins, reset links. Gives how many
/// sessions were ended.
pub(crate) async fn end_all<A: HouseAction>(
    tx: &mut HouseTx<A>,
    person: PersonId,
    but: Option<kernel::SessionId>,
    why: &str,
) -> Result<u32, StoreError> {
    let at = tx.at();
    let mut ended = 0;
    for row in reads::open_sessions(tx, person).await?.into_iter().filter(|row| Some(row.id) != but) {
        let patch =
            SessionPatch { ended_at: Some(Some(at)), ended_why: Some(Some(why.to_owned())), ..SessionPatch::default() };
        tx.amend(&row, store::Versioned(row.row_version), patch).await?;
        ended += 1;
    }
    for row in reads::open_halves(tx, person, at).await? {
        let patch = HalfPatch { spent_at: Some(Some(at)), ..HalfPatch::default() };
        tx.amend(&row, store::Versioned(row.row_version), patch).await?;
    }
    for row in reads::open_resets(tx, person, at).await? {
        let patch = ResetPatch { used_at: Some(Some(at)), ..ResetPatch::default() };
        tx.amend(&row, store::Versioned(row.row_version), patch).await?;
    }
    Ok(ended)
}
