//! Passkeys (WebAuthn Level 3): a key pair of a device, which asks who is in front of it before it signs. So one passkey
//! is both factors: it signs in by itself, stands behind a password, and proves once more that it is oneself.
//!
//! What a device is asked goes out with the page, sealed for whoever it was made for, and comes back with the answer:
//! nothing is kept of a page that nobody answers.
//!
//! Invariants: the device has looked at who is there (user verification), always. An answer is taken once. A passkey
//! answers for the person it belongs to and for nobody else. Nobody takes away their own last factor.

mod enrol;
mod enter;
mod kept;

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kernel::PersonId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{HouseAction, HouseTx, StoreError};
use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

use crate::writes;

pub(crate) use enrol::made;
pub use enrol::{MyPasskey, PasskeyError};
pub(crate) use enter::answered;
pub(crate) use kept::Credential;

/// A person has at most this many.
pub const PASSKEYS_MAX: usize = 20;

/// The longest answer of a device, in bytes of JSON. One with an attestation takes about 1,000.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// How long there is between question and answer: as long as between password and second factor.
const ASKED_FOR: SignedDuration = crate::sign_in::HALF_LIFE;

/// This house to a device (its relying party), by the address at which people reach it. None where that is no name:
/// devices keep passkeys for names only.
#[derive(Clone)]
pub(crate) struct Party(Option<Arc<Webauthn>>);

impl Party {
    pub(crate) fn at(base_url: &str) -> Self {
        let built = Url::parse(base_url).ok().and_then(|origin| {
            let name = origin.domain()?.to_owned();
            WebauthnBuilder::new(&name, &origin).ok()?.rp_name("Vouchsafe").build().ok()
        });
        Self(built.map(Arc::new))
    }

    fn open(&self) -> Result<&Webauthn, NoPasskey> {
        self.0.as_deref().ok_or(NoPasskey::Expired)
    }
}

/// What a page asks a device.
#[derive(Debug, Clone)]
pub struct AskedOfDevice {
    /// For `navigator.credentials`: the options, as JSON.
    pub options: String,
    /// To be sent back with the answer.
    pub ceremony: String,
}

/// An answer of a device, with the question as it went out.
#[derive(Debug, Clone, Copy)]
pub struct FromDevice<'a> {
    /// [`AskedOfDevice::ceremony`].
    pub ceremony: &'a str,
    /// What `navigator.credentials` gave, as JSON.
    pub credential: &'a str,
}

/// Why an answer of a device is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPasskey {
    /// The question is too old, was answered already or was made for somebody else.
    #[error("This took too long: try again")]
    Expired,
    /// The answer is none, or not the answer of a passkey that is known here and good for this.
    #[error("This passkey is not known here, or is not yours")]
    Refused,
}

/// What a device was asked, as it travels.
#[derive(Serialize, Deserialize)]
struct Ceremony<State> {
    state: State,
    until: Timestamp,
    /// Whom it was made for, where that was known.
    person: Option<PersonId>,
}

/// Each use has its own label: an answer to one is none to the other.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// To make a passkey.
    Enrol,
    /// To show that one has it.
    Show,
}

impl Use {
    const fn label(self) -> &'static str {
        match self {
            Self::Enrol => "passkey.enrol",
            Self::Show => "passkey.show",
        }
    }
}

/// Seals a question for whoever acts, about a person where it is known whom.
async fn sealed<A: HouseAction, State: Serialize + Send>(
    tx: &HouseTx<A>,
    what: Use,
    person: Option<PersonId>,
    state: State,
) -> Result<String, StoreError> {
    let until = tx.at().saturating_add(ASKED_FOR).unwrap_or(tx.at());
    let text = serde_json::to_vec(&Ceremony { state, until, person }).map_err(|_| unreadable())?;
    Ok(URL_SAFE_NO_PAD.encode(tx.carry(what.label(), &text).await?))
}

/// Opens a question that came back, and takes it: no other answer to it will be. One that was made for a person is
/// good for that one only.
async fn taken<A: HouseAction + store::Writes, State: DeserializeOwned>(
    tx: &HouseTx<A>,
    what: Use,
    whose: PersonId,
    ceremony: &str,
) -> Result<Result<State, NoPasskey>, StoreError> {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(ceremony) else { return Ok(Err(NoPasskey::Expired)) };
    let Some(text) = tx.carried(what.label(), &bytes).await? else { return Ok(Err(NoPasskey::Expired)) };
    let Ok(Ceremony { state, until, person }) = serde_json::from_slice::<Ceremony<State>>(&text) else {
        return Ok(Err(NoPasskey::Expired));
    };
    let fresh = person.is_none_or(|person| person == whose)
        && tx.at() < until
        && writes::take_answer(tx, &hash("asked", &bytes), tx.at(), until).await?;
    Ok(if fresh { Ok(state) } else { Err(NoPasskey::Expired) })
}

/// An answer of a device; none if it is not the JSON of one.
fn answer<T: DeserializeOwned>(text: &str) -> Result<T, NoPasskey> {
    if text.len() > ANSWER_BYTES_MAX {
        return Err(NoPasskey::Refused);
    }
    serde_json::from_str(text).map_err(|_| NoPasskey::Refused)
}

/// The JSON of options for `navigator.credentials`: without the frame that the library puts around it.
fn options(challenge: impl Serialize) -> Result<serde_json::Value, StoreError> {
    let mut value = serde_json::to_value(challenge).map_err(|_| unreadable())?;
    value.get_mut("publicKey").map(serde_json::Value::take).ok_or_else(unreadable)
}

const fn unreadable() -> StoreError {
    StoreError::Unreadable { what: "what a device is asked" }
}

/// By what something of a passkey is looked up.
fn hash(what: &str, bytes: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(b"vouchsafe passkey v1 ");
    context.update(what.as_bytes());
    context.update(b"\0");
    context.update(bytes);
    context.finish().as_ref().to_vec()
}
