//! One's own passkeys: adding one, giving it another name, taking it away.

use jiff::Timestamp;
use kernel::{ErrorKind, IdempotencyKey, PersonId, PracticeId};
use serde_json::{Value, json};
use store::{Event, HouseAction, HouseOnce, HouseTx, StoreError, Versioned, Writes};
use uuid::Uuid;
use webauthn_rs::prelude::{CredentialID, PasskeyRegistration, RegisterPublicKeyCredential};

use super::kept::Credential;
use super::{AskedOfDevice, FromDevice, NoPasskey, PASSKEYS_MAX, Party, Use, answer, options, sealed, taken};
use crate::account::proving::PROVED_FOR;
use crate::known::end_all;
use crate::letters::Changed;
use crate::rows::{Passkey, PasskeyPatch, PasskeyRow, Person, PersonPatch, SessionPatch};
use crate::second::{BY_PASSKEY, BY_RECOVERY};
use crate::{EnrolPasskey, Identity, Me, RemovePasskey, RenamePasskey, reads};

/// The longest name of a passkey, in characters.
const NAME_CHARS_MAX: usize = 60;

/// A passkey of one's own, as the account's page shows it.
#[derive(Debug, Clone)]
pub struct MyPasskey {
    /// Its id.
    pub id: Uuid,
    /// What its person calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used, if ever.
    pub used_at: Option<Timestamp>,
}

impl MyPasskey {
    pub(crate) fn of(open: Passkey) -> Self {
        Self { id: open.id, name: open.name, created_at: open.created_at, used_at: open.used_at }
    }
}

/// Why one's passkeys stay as they are, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// Both factors were not proved lately.
    #[error("Show first that it is you")]
    ProveFirst,
    /// It has no name, or too long a one.
    #[error("Give it a name of at most {NAME_CHARS_MAX} characters")]
    Name,
    /// There are as many as there may be.
    #[error("You have {PASSKEYS_MAX} passkeys: take one away first")]
    TooMany,
    /// A practice of theirs lets nobody in without a passkey, and none of theirs was shown in this session.
    #[error("Show one of your passkeys first")]
    ShowFirst,
    /// It is the last second factor.
    #[error("This is your only second factor: set up another first")]
    Last,
    /// The device's answer is not taken.
    #[error(transparent)]
    Answer(#[from] NoPasskey),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PasskeyError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ProveFirst | Self::Name | Self::Answer(_) => ErrorKind::Invalid,
            Self::ShowFirst => ErrorKind::Forbidden,
            Self::TooMany | Self::Last => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Asks this browser's device to make a passkey; nothing where there can be none.
    pub async fn offer_passkey(&self, me: &Me) -> Result<Option<AskedOfDevice>, StoreError> {
        let (tx, row) = self.own::<EnrolPasskey>(me).await?;
        let person = tx.open(row).await??;
        let offered = self.offer_in(&tx, &person).await?;
        // It shows nobody anything but themselves, and nothing changed.
        tx.keep_counts().await?;
        Ok(offered)
    }

    /// Asks the device of a person to make a passkey that it does not hold yet.
    pub(crate) async fn offer_in<A: HouseAction>(
        &self,
        tx: &HouseTx<A>,
        person: &Person,
    ) -> Result<Option<AskedOfDevice>, StoreError> {
        let Ok(party) = self.party.open() else { return Ok(None) };
        let mut held: Vec<CredentialID> = Vec::new();
        for kept in tx.open(reads::passkeys(tx, person.id).await?).await? {
            held.push(kept?.credential.0.cred_id().clone());
        }
        let (challenge, state) = party
            .start_passkey_registration(person.id.uuid(), &person.email, &person.display_name, Some(held))
            .map_err(|_| super::unreadable())?;
        let mut options = options(challenge)?;
        // The device keeps it itself and finds it by our name alone: nobody has to type who they are.
        if let Some(Value::Object(wanted)) = options.get_mut("authenticatorSelection") {
            wanted.insert("residentKey".to_owned(), json!("required"));
            wanted.insert("requireResidentKey".to_owned(), json!(true));
        }
        let ceremony = sealed(tx, Use::Enrol, Some(person.id), state).await?;
        Ok(Some(AskedOfDevice { options: options.to_string(), ceremony }))
    }

    /// Adds a passkey. Both factors must have been proved lately. The person is told by mail. The session counts as one
    /// in which a passkey was shown: its device has just found out who is there.
    pub async fn add_passkey(
        &self,
        me: &Me,
        name: &str,
        given: FromDevice<'_>,
        key: IdempotencyKey,
    ) -> Result<(), PasskeyError> {
        let name = called(name).ok_or(PasskeyError::Name)?;
        let practices = self.all_practices_of(me.person()).await?;
        let (tx, row) = self.own::<EnrolPasskey>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &(me.person(), &name, given.ceremony, given.credential)).await?
        else {
            return Ok(());
        };
        if !has_proved(&tx, me).await? {
            return Err(PasskeyError::ProveFirst);
        }
        let held = reads::passkeys(&tx, me.person()).await?.len();
        if held >= PASSKEYS_MAX {
            return Err(PasskeyError::TooMany);
        }
        let session = reads::session(&tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
        // The first is set up with what there is, and a recovery code is for whoever has lost theirs; other than that a
        // password and a code add none where a passkey is wanted.
        if held > 0 && session.factors != BY_RECOVERY && wants_passkey(&mut tx, me, &practices).await? {
            return Err(PasskeyError::ShowFirst);
        }
        let credential = match made(&tx, &self.party, me.person(), given).await? {
            Ok(credential) => credential,
            Err(refused) => {
                tx.keep_counts().await?;
                return Err(refused.into());
            }
        };
        let person = tx.open(row.clone()).await?.map_err(StoreError::from)?;
        self.keep_passkey(&mut tx, person.id, &name, credential).await?;
        let patch = PersonPatch { secured_at: Some(tx.at()), ..PersonPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        let shown = SessionPatch { factors: Some(BY_PASSKEY.to_owned()), ..SessionPatch::default() };
        tx.amend(&session, Versioned(session.row_version), shown).await?;
        self.tell_changed(&mut tx, &person.email, &Changed::PasskeyAdded(&name)).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }

    /// Writes a passkey that was made.
    pub(crate) async fn keep_passkey<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: PersonId,
        name: &str,
        credential: Credential,
    ) -> Result<(), StoreError> {
        let at = tx.at();
        tx.insert::<PasskeyRow>(Passkey {
            id: self.row_id(at),
            row_version: 1,
            person_id: person,
            key_hash: credential.hash(),
            created_at: at,
            used_at: None,
            name: name.to_owned(),
            credential,
        })
        .await
    }

    /// Gives a passkey another name. It changes nothing of what opens by it.
    pub async fn rename_passkey(&self, me: &Me, id: Uuid, name: &str, key: IdempotencyKey) -> Result<(), PasskeyError> {
        let name = called(name).ok_or(PasskeyError::Name)?;
        let (tx, _) = self.own::<RenamePasskey>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &(id, &name)).await? else { return Ok(()) };
        let mine = reads::passkeys(&tx, me.person()).await?.into_iter().find(|one| one.id == id);
        let row = mine.ok_or(StoreError::Missing)?;
        tx.amend(&row, Versioned(row.row_version), PasskeyPatch { name: Some(name), ..PasskeyPatch::default() })
            .await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }

    /// Takes a passkey away, if another second factor is left. Both factors must have been proved lately. Every other
    /// session ends, and the person is told by mail.
    pub async fn remove_passkey(&self, me: &Me, id: Uuid, key: IdempotencyKey) -> Result<(), PasskeyError> {
        let practices = self.all_practices_of(me.person()).await?;
        let (tx, row) = self.own::<RemovePasskey>(me).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &id).await? else { return Ok(()) };
        if !has_proved(&tx, me).await? {
            return Err(PasskeyError::ProveFirst);
        }
        if wants_passkey(&mut tx, me, &practices).await? {
            return Err(PasskeyError::ShowFirst);
        }
        let all = reads::passkeys(&tx, me.person()).await?;
        let (gone, left): (Vec<PasskeyRow>, Vec<PasskeyRow>) = all.into_iter().partition(|one| one.id == id);
        let gone = gone.into_iter().next().ok_or(StoreError::Missing)?;
        let (person, open) = tx.open((row.clone(), gone.clone())).await?;
        let (person, open) = (person.map_err(StoreError::from)?, open.map_err(StoreError::from)?);
        if left.is_empty() && person.totp.is_none() {
            return Err(PasskeyError::Last);
        }
        tx.remove(&gone).await?;
        let patch = PersonPatch { secured_at: Some(tx.at()), ..PersonPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        end_all(&mut tx, me.person(), Some(me.session()), "passkey").await?;
        self.tell_changed(&mut tx, &person.email, &Changed::PasskeyRemoved(&open.name)).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }
}

/// Whether a passkey must be shown first: one of these practices lets nobody in without, and none was shown in this
/// session. Else whoever has the password and a code would make themselves the passkey that they lack. The transaction
/// points at the house before and after.
async fn wants_passkey<A: HouseAction>(
    tx: &mut HouseTx<A>,
    me: &Me,
    practices: &[PracticeId],
) -> Result<bool, StoreError> {
    if me.signed_in.by_passkey {
        return Ok(false);
    }
    let mut wanted = false;
    for practice in practices {
        tx.step_into(*practice).await?;
        wanted |= reads::practice(tx).await?.is_some_and(|row| row.factors == BY_PASSKEY);
    }
    tx.step_into(PracticeId::HOUSE).await?;
    Ok(wanted)
}

/// The passkey that a device has made, if it was made as it was asked and is not kept already.
pub(crate) async fn made<A: HouseAction + Writes>(
    tx: &HouseTx<A>,
    party: &Party,
    person: PersonId,
    from: FromDevice<'_>,
) -> Result<Result<Credential, NoPasskey>, StoreError> {
    let Ok(party) = party.open() else { return Ok(Err(NoPasskey::Expired)) };
    let given: RegisterPublicKeyCredential = match answer(from.credential) {
        Ok(given) => given,
        Err(refused) => return Ok(Err(refused)),
    };
    let state: PasskeyRegistration = match taken(tx, Use::Enrol, person, from.ceremony).await? {
        Ok(state) => state,
        Err(refused) => return Ok(Err(refused)),
    };
    let made = match party.finish_passkey_registration(&given, &state) {
        Ok(made) => Credential(made),
        Err(error) => {
            tracing::info!(%person, %error, "a passkey was not made as it was asked");
            return Ok(Err(NoPasskey::Refused));
        }
    };
    let known = reads::passkey_by_hash(tx, &made.hash()).await?.is_some();
    Ok(if known { Err(NoPasskey::Refused) } else { Ok(made) })
}

/// Whether both factors were proved lately, as the session's row says it by now.
async fn has_proved<A: HouseAction>(tx: &HouseTx<A>, me: &Me) -> Result<bool, StoreError> {
    let session = reads::session(tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
    Ok(tx.at().duration_since(session.proved_at) < PROVED_FOR)
}

/// A name as typed, without the spaces around it.
fn called(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&typed.chars().count()) && !typed.chars().any(char::is_control);
    fits.then(|| typed.to_owned())
}
