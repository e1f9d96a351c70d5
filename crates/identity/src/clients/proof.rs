//! A program with keys of its own proves itself and is given a pass for minutes: SMART Backend Services
//! (<https://hl7.org/fhir/smart-app-launch/backend-services.html>), which is OAuth 2.0 client credentials with
//! a signed assertion (RFC 6749, section 4.4; RFC 7523). This file is the order in which that happens; what
//! makes a proof good is in [`super::keys`].

use aws_lc_rs::digest;
use jiff::SignedDuration;
use kernel::{ClientId, PracticeId, Secret, Source};
use serde_json::Value;
use store::{Event, HouseTx, SCOPES_TEXT_MAX, Scopes, StoreError};

use super::keys::{KeySet, said_to_be};
use super::rows::{ClientRow, Pass, PassRow};
use super::token::{ClientToken, TokenKind};
use super::{GivePass, RefusePass, SMART, reads, scopes_in, writes};
use crate::Identity;
use crate::counting::{Wait, attempt, give_back, network};
use crate::throttle::Rule;

/// How long a pass is good. SMART recommends five minutes.
pub const PASS_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Passes of one client that are good at one time; one more ends the oldest.
const PASSES_MAX: i64 = 64;
/// The longest proof that is looked at, in bytes.
const PROOF_BYTES_MAX: usize = 8 * 1024;
const GRANT: &str = "client_credentials";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a program sent to be given a pass. `None`: it was not sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassAsked<'a> {
    /// The practice, as the address calls it.
    pub practice: &'a str,
    /// The whole address that was asked: what a proof must be for.
    pub address: &'a str,
    /// `grant_type`
    pub grant: Option<&'a str>,
    /// `client_assertion_type`
    pub kind: Option<&'a str>,
    /// `client_assertion`
    pub proof: Option<&'a str>,
    /// `scope`
    pub scope: Option<&'a str>,
}

/// A pass.
#[derive(Debug)]
pub struct GivenPass {
    /// Its text.
    pub token: Secret<String>,
    /// What it opens: what was asked for and the client may do.
    pub scopes: Scopes,
    /// For how many seconds it is good.
    pub seconds: i64,
}

/// Why no pass was given. The words of RFC 6749, section 5.2, are the web's to say.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// Something that must be there is not, or has another form.
    #[error("send {0}")]
    Request(&'static str),
    /// Another way to be let in than the one that there is.
    #[error("send grant_type=client_credentials")]
    Grant,
    /// Whoever it is has not proved it. Whatever was wrong, it is the same answer.
    #[error("the proof was not accepted")]
    Client,
    /// Nothing of what was asked for may be done.
    #[error("none of the scopes can be given")]
    Scope,
    /// Too many attempts.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PassAsked<'_> {
    /// The proof and the scopes, if the request has the form that it must have.
    fn checked(&self) -> Result<(&str, Option<Scopes>), PassError> {
        match self.grant {
            Some(GRANT) => {}
            Some(_) => return Err(PassError::Grant),
            None => return Err(PassError::Request("grant_type=client_credentials")),
        }
        if self.kind != Some(ASSERTION) {
            return Err(PassError::Request(
                "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ));
        }
        let proof = self.proof.filter(|proof| proof.len() <= PROOF_BYTES_MAX);
        let proof = proof.ok_or(PassError::Request("client_assertion, a signed JWT of 8 KB at most"))?;
        Ok((proof, self.scope.map(known).transpose()?))
    }
}

/// Of the scopes that a program asks for those that there are. One that is made for many servers names types
/// that have no scope here, and is given what it may have of the others (RFC 6749, 3.3).
fn known(text: &str) -> Result<Scopes, PassError> {
    if text.len() > SCOPES_TEXT_MAX {
        return Err(PassError::Scope);
    }
    let known = text.split(' ').filter_map(|scope| scope.parse::<Scopes>().ok());
    Ok(known.fold(Scopes::default(), Scopes::or))
}

impl Identity {
    /// Gives a program that proves itself a pass. Attempts are counted by client and by network before they
    /// are looked at; a refusal is recorded.
    pub async fn give_pass(&self, asked: &PassAsked<'_>, source: &Source) -> Result<GivenPass, PassError> {
        let (proof, wanted) = asked.checked()?;
        let client = said_to_be(proof);
        let practice = self.store.practice_named(asked.practice).await?;
        if let Some(practice) = practice {
            self.store.know(practice).await?;
        }
        let mut tx = self.store.visit::<GivePass>(source.clone()).await?;
        let network = network(source);
        attempt(&tx, Rule::ApiNetwork, &network).await??;
        let (Some(practice), Some(client)) = (practice, client) else { return refuse(tx, None).await };
        let account = format!("{practice} {client}");
        attempt(&tx, Rule::ApiClient, &account).await??;
        tx.step_into(practice).await?;
        let Some(row) = standing(&tx, client).await? else { return refuse(tx, None).await };
        let scopes = scopes_in(&row.scopes)?;
        let open = tx.open(row).await?.map_err(StoreError::from)?;
        let keys = KeySet::stored(open.keys.unwrap_or_default())?;
        let Some(proved) = keys.proved(proof, client, asked.address, tx.at()) else {
            return refuse(tx, Some(client)).await;
        };
        let id = digest::digest(&digest::SHA256, proved.id.as_bytes());
        if !writes::take_proof(&tx, client, id.as_ref(), proved.ends).await? {
            return refuse(tx, Some(client)).await;
        }
        let scopes = wanted.map_or(scopes, |wanted| wanted.and(scopes));
        if scopes.is_empty() {
            return Err(PassError::Scope);
        }
        let given = self.write_pass(&mut tx, client, scopes).await?;
        tx.is_client(client);
        tx.step_into(PracticeId::HOUSE).await?;
        let tried = give_back(&tx, Rule::ApiClient, &account, u32::MAX).await?;
        give_back(&tx, Rule::ApiNetwork, &network, tried).await?;
        tx.commit(Event::new().about("client", client.uuid()), Value::Null).await?;
        Ok(given)
    }

    async fn write_pass(
        &self,
        tx: &mut HouseTx<GivePass>,
        client: ClientId,
        scopes: Scopes,
    ) -> Result<GivenPass, StoreError> {
        let at = tx.at();
        writes::forget_old(tx, client, at, PASSES_MAX - 1).await?;
        let token = ClientToken::generate(TokenKind::Pass, self.entropy());
        let pass = Pass {
            id: self.row_id(at),
            row_version: 1,
            client_id: client,
            token_hash: token.hash_bytes(),
            scopes: scopes.to_string(),
            created_at: at,
            expires_at: at.saturating_add(PASS_LIFE).unwrap_or(at),
        };
        tx.insert::<PassRow>(pass).await?;
        Ok(GivenPass { token: token.text(), scopes, seconds: PASS_LIFE.as_secs() })
    }
}

/// The row of a client with keys of its own, if it stands. The transaction points at its practice.
async fn standing(tx: &HouseTx<GivePass>, client: ClientId) -> Result<Option<ClientRow>, StoreError> {
    match reads::lock_client(tx, client).await {
        Ok(row) => Ok(Some(row).filter(|row| row.kind == SMART && row.state == "active" && row.expires_at > tx.at())),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps the counts and records the refusal: in the house's log, and in the practice's if it is about a
/// client that the practice has. The answer is the same.
async fn refuse(mut tx: HouseTx<GivePass>, known: Option<ClientId>) -> Result<GivenPass, PassError> {
    let mut event = Event::new();
    if let Some(client) = known {
        tx.tell_here();
        event = event.about("client", client.uuid());
    }
    tx.commit_as::<RefusePass>(event, Value::Null).await?;
    Err(PassError::Client)
}
