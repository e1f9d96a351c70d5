//! Programs that a practice has let in over its API: its *connections*. A member makes one, says what it
//! may do and until when, and ends it; what it carries is shown once.
//!
//! There are two kinds. One is given a key of ours and sends it with every request. The other has keys of
//! its own, whose public halves are pasted when it is made; it proves itself by a signature and is given a
//! pass for minutes ([`proof`], SMART Backend Services). What a connection may do is never changed: another
//! scope is another connection.

use jiff::{SignedDuration, Timestamp};
use kernel::{ClientId, ErrorKind, IdempotencyKey, Secret};
use serde_json::{Value, json};
use store::{Actor, Damaged, Event, Once, Resource, Scopes, Store, StoreError, Versioned};

use crate::Identity;
use crate::known::person_name;
use crate::sign_in::id_in;

pub mod keys;
pub mod proof;
mod reads;
pub(crate) mod rows;
pub mod token;
mod writes;

use keys::{KeySet, KeysRefused};
use rows::{Client, ClientPatch, ClientRow};
use token::{ClientToken, TokenKind};

store::actions! {
    /// See which programs were let in.
    pub ReadClients = "client.read", reads;
    /// Let programs in, and end that.
    pub ManageClients = "client.manage", writes;
    /// Let one in.
    pub MakeClient = "client.make", writes, all of [ManageClients];
    /// Let one in no longer.
    pub EndClient = "client.end", writes, all of [ManageClients];
    /// Open the form to let one in, or the question whether to end it.
    pub ClientForm = "client.form", reads, all of [ReadClients, ManageClients];
}

store::actions! {
    /// A program has proved itself and was given a pass.
    pub GivePass = "client.pass", house;
    /// A program has not proved what it said it is.
    pub RefusePass = "client.pass-refused", house;
}

/// The longest time for which a program is let in.
pub const DAYS_MAX: u16 = 365;
/// The time that the form offers.
pub const DAYS_USUAL: u16 = 90;
/// At most this many connections are shown.
const SHOWN_MAX: i64 = 500;

/// By what a program proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvesBy {
    /// A key of ours.
    Key,
    /// Keys of its own: the public halves, as they were pasted.
    OwnKeys(String),
}

/// A connection to be made.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// What the practice calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// For how many days.
    pub days: u16,
    /// By what it proves itself.
    pub proves_by: ProvesBy,
}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No name, or too long a one.
    #[error("Give the connection a name of 200 characters or fewer")]
    Name,
    /// Nothing that it may do.
    #[error("Choose one permission or more")]
    NoScopes,
    /// No time, or too long a one.
    #[error("Choose how long it is good, a year at most")]
    Days,
    /// The pasted keys.
    #[error(transparent)]
    Keys(#[from] KeysRefused),
    /// It has ended already.
    #[error("This connection has ended already")]
    Ended,
    /// The doors failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClientError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Name | Self::NoScopes | Self::Days | Self::Keys(_) => ErrorKind::Invalid,
            Self::Ended => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

/// A connection that stands.
#[derive(Debug)]
pub struct MadeClient {
    /// Its id, by which a program with keys of its own is called.
    pub id: ClientId,
    /// The key, to be shown this once. `None` where the program has keys of its own, and for a retry: only
    /// the hash of the first time was kept. Who needs to see a key makes another connection.
    pub key: Option<Secret<String>>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What has become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works.
    Works,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Ended,
}

/// A connection, as its page shows it.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// Its id.
    pub id: ClientId,
    /// What the practice calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Whether it has keys of its own.
    pub own_keys: bool,
    /// Whether it works.
    pub standing: Standing,
    /// Who made it; `None` for members whose row does not open.
    pub made_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Until when it is good, or was.
    pub ends_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Option<Timestamp>,
}

/// The connections of a practice.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    /// Those that work first, then newest first.
    pub all: Vec<ClientView>,
    /// Rows that do not open.
    pub damaged: Vec<Damaged>,
}

/// The connections of a practice.
pub async fn clients(store: &Store, actor: &Actor) -> Result<Clients, StoreError> {
    let tx = store.enter(actor).await?.ask::<ReadClients>(Resource::Practice).await?;
    let at = tx.at();
    let rows = reads::clients(&tx, SHOWN_MAX).await?;
    let makers = reads::makers(&tx).await?;
    let (rows, makers) = tx.record(Event::new(), (rows, makers)).await?;
    let makers: Vec<_> = makers.into_iter().flatten().collect();
    let mut view = Clients::default();
    for row in rows {
        match row {
            Err(damaged) => view.damaged.push(damaged),
            Ok(row) => {
                let maker = makers.iter().find(|maker| maker.id.uuid() == row.created_by);
                view.all.push(ClientView {
                    id: row.id,
                    scopes: scopes_in(&row.scopes)?,
                    own_keys: row.kind == SMART,
                    standing: match (row.ended_at, row.expires_at <= at) {
                        (Some(_), _) => Standing::Ended,
                        (None, true) => Standing::Expired,
                        (None, false) => Standing::Works,
                    },
                    made_by: maker.map(|maker| maker.display_name.clone()),
                    created_at: row.created_at,
                    ends_at: row.ended_at.unwrap_or(row.expires_at),
                    seen_at: row.seen_at,
                    name: row.name,
                });
            }
        }
    }
    view.all.sort_by_key(|one| (one.standing != Standing::Works, std::cmp::Reverse(one.created_at)));
    Ok(view)
}

const KEY: &str = "key";
const SMART: &str = "smart";

fn scopes_in(text: &str) -> Result<Scopes, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { what: "scopes" })
}

impl Identity {
    /// Lets a program in. The key of one that is given a key is shown this once.
    pub async fn make_client(
        &self,
        actor: &Actor,
        new: &NewClient,
        key: IdempotencyKey,
    ) -> Result<MadeClient, ClientError> {
        let name = person_name(&new.name).ok_or(ClientError::Name)?;
        if new.scopes.is_empty() {
            return Err(ClientError::NoScopes);
        }
        if new.days == 0 || new.days > DAYS_MAX {
            return Err(ClientError::Days);
        }
        let own_keys = match &new.proves_by {
            ProvesBy::Key => None,
            ProvesBy::OwnKeys(pasted) => Some(KeySet::parse(pasted)?),
        };
        let print = (&name, new.scopes.to_string(), new.days, own_keys.as_ref().map(KeySet::text));
        let threshold = self.store.enter(actor).await?;
        let mut tx = match threshold.ask_once::<MakeClient>(Resource::Practice, key, &print).await? {
            Once::Done(outcome) => return made_before(&outcome),
            Once::Fresh(tx) => tx,
        };
        let (at, by) = (tx.at(), tx.actor().person().ok_or(StoreError::SignedOut)?);
        let id = ClientId::new(at, self.entropy());
        let token = own_keys.is_none().then(|| ClientToken::generate(TokenKind::Key, self.entropy()));
        let life = SignedDuration::from_hours(24 * i64::from(new.days));
        let expires_at = at.saturating_add(life).unwrap_or(at);
        tx.insert::<ClientRow>(Client {
            id,
            row_version: 1,
            kind: if own_keys.is_some() { SMART } else { KEY }.to_owned(),
            state: "active".to_owned(),
            scopes: new.scopes.to_string(),
            token_hash: token.as_ref().map(ClientToken::hash_bytes),
            created_by: by.uuid(),
            created_at: at,
            expires_at,
            ended_at: None,
            name,
            keys: own_keys.map(|keys| keys.text().to_owned()),
        })
        .await?;
        writes::begin_seen(&tx, id).await?;
        let outcome = json!({ "client": id, "until": expires_at });
        let event = Event::new().about("client", id.uuid());
        let done = tx.commit(event, outcome.clone()).await?;
        if done != outcome {
            return made_before(&done);
        }
        Ok(MadeClient { id, key: token.map(|token| token.text()), expires_at })
    }

    /// Ends a connection: its next request is refused.
    pub async fn end_client(&self, actor: &Actor, client: ClientId, key: IdempotencyKey) -> Result<(), ClientError> {
        let threshold = self.store.enter(actor).await?;
        let Once::Fresh(mut tx) = threshold.ask_once::<EndClient>(Resource::Practice, key, &client).await? else {
            return Ok(());
        };
        let row = reads::lock_client(&tx, client).await?;
        if row.state != "active" {
            return Err(ClientError::Ended);
        }
        let patch =
            ClientPatch { state: Some("revoked".to_owned()), ended_at: Some(Some(tx.at())), ..ClientPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        writes::forget_passes(&tx, client).await?;
        tx.commit(Event::new().about("client", client.uuid()), Value::Null).await?;
        Ok(())
    }
}

/// The name of a connection that works, for the question whether to end it.
pub async fn client_name(store: &Store, actor: &Actor, client: ClientId) -> Result<String, StoreError> {
    let tx = store.enter(actor).await?.ask::<ClientForm>(Resource::Practice).await?;
    let row = reads::client(&tx, client).await?;
    let event = Event::new().about("client", client.uuid());
    Ok(tx.record(event, row).await??.name)
}

fn made_before(outcome: &Value) -> Result<MadeClient, ClientError> {
    let unreadable = StoreError::Unreadable { what: "outcome" };
    let id = id_in(outcome, "client").map(ClientId::from_uuid);
    let until = outcome.get("until").and_then(Value::as_str).and_then(|until| until.parse().ok());
    let (Some(id), Some(expires_at)) = (id, until) else { return Err(unreadable.into()) };
    Ok(MadeClient { id, key: None, expires_at })
}
