//! One's own account: what is kept, where one is signed in, which practices one belongs to.

use futures_util::future::try_join;
use jiff::Timestamp;
use kernel::{PracticeId, SessionId, Source};
use serde_json::Value;
use store::{Event, HouseAction, HouseTx, IDLE_MAX, Roles, StoreError, Wanted};

use crate::host::roles_in;
use crate::passkeys::MyPasskey;
use crate::rows::{MembershipRow, PersonRow, PracticeRow};
use crate::second::BY_PASSKEY;
use crate::{Identity, Me, PRACTICES_MAX, ReadAccount, reads};

pub mod factors;
pub mod password;
pub mod proving;

/// A practice of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MyPractice {
    /// Its id.
    pub id: PracticeId,
    /// Its name.
    pub name: String,
    /// Its time zone, by IANA's name.
    pub time_zone: String,
    /// Its country, by ISO 3166's two letters.
    pub country: String,
    /// One's roles there.
    pub roles: Roles,
    /// Whether this browser is in it.
    pub current: bool,
    /// Whether it lets its people in by passkeys alone.
    pub passkeys_only: bool,
}

/// Who is greeted, and where they can go: the head of every page.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// One's name.
    pub name: String,
    /// One's practices, oldest first.
    pub practices: Vec<MyPractice>,
}

/// A browser in which one is signed in.
#[derive(Debug, Clone)]
pub struct MySession {
    /// The session.
    pub id: SessionId,
    /// What the browser says it is.
    pub browser: Option<String>,
    /// From where it signed in.
    pub source: Source,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// One's account, as its page shows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// One's name.
    pub name: String,
    /// The address that one signs in with.
    pub email: String,
    /// When password, authenticator or recovery codes last changed.
    pub secured_at: Timestamp,
    /// Whether there is an authenticator.
    pub totp: bool,
    /// One's passkeys, oldest first.
    pub passkeys: Vec<MyPasskey>,
    /// Recovery codes left. [`crate::second::CODES_FEW`] or fewer: say so.
    pub codes_left: u32,
    /// Where one is signed in, the latest used first.
    pub sessions: Vec<MySession>,
    /// One's practices, oldest first.
    pub practices: Vec<MyPractice>,
}

impl Identity {
    /// One's name and practices. It shows nobody anything but themselves, on every page: no event.
    pub async fn greeting(&self, me: &Me) -> Result<Greeting, StoreError> {
        match self.greeting_with_keys_at_hand(me, me.practice()).await {
            // The key service is never asked inside a transaction: first it, then the transaction again.
            Err(StoreError::Away(_)) => {
                let known = self.practices_of(me.person()).await?;
                let here = me.practice().filter(|here| known.contains(here));
                self.greeting_with_keys_at_hand(me, here).await
            }
            done => done,
        }
    }

    async fn greeting_with_keys_at_hand(&self, me: &Me, here: Option<PracticeId>) -> Result<Greeting, StoreError> {
        let mut tx = self.store.own::<ReadAccount>(&me.signed_in, me.source.clone()).await?;
        // Most people have one practice and are in it: then this is all there is to read.
        let here = here.unwrap_or(PracticeId::HOUSE);
        let id = me.person().uuid();
        let of_house: [Wanted<'_>; 2] = [(reads::PERSON, &[&id]), (reads::DOORS, &[&id, &PRACTICES_MAX])];
        let of_practice: [Wanted<'_>; 2] = [(reads::MEMBERSHIP, &[&id]), (reads::PRACTICE, &[])];
        let (mut known, mut there) = tx.bring(&of_house, here, &of_practice).await?;
        let person = tx.open(known.row::<PersonRow>()?).await??;
        let practices: Vec<PracticeId> = known.ids()?.into_iter().map(PracticeId::from_uuid).collect();
        let (member, practice) = (there.rows::<MembershipRow>()?.pop(), there.rows::<PracticeRow>()?.pop());
        let current = match member.filter(|_| practices.contains(&here)) {
            Some(member) => {
                tx.step_into(here).await?;
                Some(my_practice(&tx, me, &member, practice).await?)
            }
            None => None,
        };
        let others: Vec<PracticeId> = practices.iter().copied().filter(|id| *id != here).collect();
        let mut mine: Vec<MyPractice> = current.into_iter().collect();
        if !others.is_empty() {
            let mut tx = self.store.own::<ReadAccount>(&me.signed_in, me.source.clone()).await?;
            mine.extend(my_practices(&mut tx, me, &others).await?);
            tx.keep_counts().await?;
        }
        mine.sort_by_key(|practice| practices.iter().position(|id| *id == practice.id));
        Ok(Greeting { name: person.display_name, practices: mine })
    }

    /// One's account.
    pub async fn account(&self, me: &Me) -> Result<Account, StoreError> {
        let practices = self.practices_of(me.person()).await?;
        let (mut tx, row) = self.own::<ReadAccount>(me).await?;
        let at = tx.at();
        let idle_since = at.saturating_sub(IDLE_MAX).unwrap_or(at);
        let sessions = reads::seen_sessions(&tx, me.person(), at, idle_since).await?;
        let codes_left = reads::codes_left(&tx, me.person()).await?;
        let passkeys = reads::passkeys(&tx, me.person()).await?;
        let (person, sessions, passkeys) = tx.open((row, sessions, passkeys)).await?;
        let person = person?;
        let practices = my_practices(&mut tx, me, &practices).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        let sessions = sessions
            .into_iter()
            .map(|session| {
                let session = session?;
                Ok(MySession {
                    id: session.id,
                    browser: session.browser,
                    source: session.source,
                    began_at: session.created_at,
                    seen_at: session.seen_at,
                    current: session.id == me.session(),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Account {
            name: person.display_name,
            email: person.email,
            secured_at: person.secured_at,
            totp: person.totp.is_some(),
            passkeys: passkeys.into_iter().map(|one| Ok(MyPasskey::of(one?))).collect::<Result<_, StoreError>>()?,
            codes_left,
            sessions,
            practices,
        })
    }
}

/// The practices of `known` in which one is a member. The transaction points at the house before and after.
async fn my_practices<A: HouseAction>(
    tx: &mut HouseTx<A>,
    me: &Me,
    known: &[PracticeId],
) -> Result<Vec<MyPractice>, StoreError> {
    let mut mine = Vec::with_capacity(known.len());
    for id in known {
        tx.step_into(*id).await?;
        let (member, practice) = try_join(reads::active_membership(tx, me.person()), reads::practice(tx)).await?;
        let Some(member) = member else { continue };
        mine.push(my_practice(tx, me, &member, practice).await?);
    }
    tx.step_into(PracticeId::HOUSE).await?;
    Ok(mine)
}

/// The practice that the transaction points at, as one of one's own.
async fn my_practice<A: HouseAction>(
    tx: &HouseTx<A>,
    me: &Me,
    member: &MembershipRow,
    practice: Option<PracticeRow>,
) -> Result<MyPractice, StoreError> {
    let practice = tx.open(practice.ok_or(StoreError::Missing)?).await??;
    let crate::rows::Practice { id, name, time_zone, country, factors, .. } = practice;
    let (roles, current) = (roles_in(&member.roles)?, me.practice() == Some(id));
    Ok(MyPractice { id, name, time_zone, country, roles, current, passkeys_only: factors == BY_PASSKEY })
}
