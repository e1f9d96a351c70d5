//! The second half of signing in: a one-time code, a recovery code, or setting up an authenticator.
//! What comes back is a session.
//!
//! Invariants: no session begins without both factors. A one-time code and a recovery code are each
//! taken once, also by two requests at the same moment. Wrong codes are counted per person, under a
//! lock that is held from the check to the commit.

use jiff::{SignedDuration, Timestamp};
use kernel::{IdempotencyKey, PersonId, PracticeId, Secret, SessionId, Source};
use serde_json::json;
use store::{Event, HouseAction, HouseOnce, HouseTx, StoreError, Versioned};

use crate::counting::{account, attempt, give_back};
use crate::factor_reset::end_unused;
use crate::known::ACTIVE;
use crate::passkeys::{AskedOfDevice, FromDevice, answered, made};
use crate::recovery::RecoveryCode;
use crate::rows::{CodePatch, HalfPatch, HalfRow, PersonPatch, PersonRow, Session, SessionPatch, SessionRow};
use crate::sign_in::{ANEW, NextStep, SignInError, Step, id_in};
use crate::throttle::Rule;
use crate::token::{ForHalfSignIn, ForSession, Token};
use crate::totp::{CodeRefused, TotpSecret};
use crate::{Identity, PRACTICES_MAX, ReissueToken, SignIn, reads, writes};

/// How long a session lasts at the most, used or not.
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// When this few recovery codes are left, the person is told.
pub const CODES_FEW: u32 = 3;

/// What the passkey is called that somebody sets up when they first sign in.
const FIRST_PASSKEY: &str = "My first passkey";

/// What stands in the row of a session in which a passkey was shown, alone.
pub(crate) const BY_PASSKEY: &str = "passkey";

/// What stands in the row of a session that began with a recovery code.
pub(crate) const BY_RECOVERY: &str = "password+recovery";

/// The most characters kept of what a browser says it is.
const BROWSER_CHARS: usize = 200;

/// How the second half is proved.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The code that the authenticator shows.
    Totp(&'a str),
    /// One of the printed codes.
    Recovery(&'a str),
    /// The first code of the authenticator that [`Identity::enrolment`] has shown.
    Enrol(&'a str),
    /// What a device answered to [`Identity::ask_visitor`].
    Passkey(FromDevice<'a>),
    /// The passkey that a device made when asked by [`Identity::enrolment`].
    EnrolPasskey(FromDevice<'a>),
}

impl<'a> Proof<'a> {
    const fn field(self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::Recovery(_) => "recovery",
            Self::Enrol(_) => "enrol",
            Self::Passkey(_) => "passkey",
            Self::EnrolPasskey(_) => "enrol passkey",
        }
    }

    const fn typed(self) -> &'a str {
        match self {
            Self::Totp(typed) | Self::Recovery(typed) | Self::Enrol(typed) => typed,
            Self::Passkey(given) | Self::EnrolPasskey(given) => given.credential,
        }
    }
}

/// A session that has begun.
#[derive(Debug)]
pub struct Entered {
    /// For the cookie.
    pub token: Secret<String>,
    /// Who.
    pub person: PersonId,
    /// The session.
    pub session: SessionId,
    /// The practice that the browser is in: the last one, or the first; none if the person belongs to none.
    pub practice: Option<PracticeId>,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// After setting up an authenticator: the recovery codes, to be shown this once.
    pub codes: Vec<Secret<String>>,
    /// Recovery codes left. [`CODES_FEW`] or fewer: say so.
    pub codes_left: u32,
}

/// What an authenticator needs to be set up.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The address for a QR code. It holds the secret.
    pub url: Secret<String>,
    /// The same secret in groups of four, for typing.
    pub typing: Secret<String>,
    /// What a device is asked that is to hold a passkey instead; nothing where there can be none.
    pub passkey: Option<AskedOfDevice>,
}

impl Enrolment {
    pub(crate) fn of(secret: &TotpSecret, practice: &str, email: &str) -> Self {
        Self { url: secret.enrolment_url(practice, email), typing: secret.typing_form(), passkey: None }
    }
}

/// What the check of a proof came to.
enum Checked {
    Right(Right),
    Wrong(SignInError),
}

/// What is written down of a proof that was right.
pub(crate) struct Right {
    factors: &'static str,
    field: &'static str,
    codes: Vec<Secret<String>>,
}

impl Right {
    /// A passkey, which is both factors.
    pub(crate) const fn passkey() -> Self {
        Self { factors: BY_PASSKEY, field: "passkey", codes: Vec::new() }
    }
}

impl Checked {
    const fn right(factors: &'static str, field: &'static str) -> Self {
        Self::Right(Right { factors, field, codes: Vec::new() })
    }
}

impl Identity {
    /// What the second half is for a browser with this token.
    pub async fn next_step(&self, half: &str, source: &Source) -> Result<Step, SignInError> {
        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let row = open_half(&tx, half).await?;
        let passkeys = !reads::passkeys(&tx, row.person_id).await?.is_empty();
        tx.keep_counts().await?;
        Ok(Step { next: NextStep::parse(&row.next), passkeys })
    }

    /// The authenticator to be set up in the second half; the same however often it is asked.
    pub async fn enrolment(&self, half: &str, source: &Source) -> Result<Enrolment, SignInError> {
        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let row = open_half(&tx, half).await?;
        let person_row = reads::person(&tx, row.person_id).await?;
        let (half, person) = tx.open((row, person_row)).await?;
        let (half, person) = (half.map_err(StoreError::from)?, person.map_err(StoreError::from)?);
        let passkey = self.offer_in(&tx, &person).await?;
        // Shown to the browser that has proved the password, for which there is an event already.
        tx.keep_counts().await?;
        let secret = half.enrolling.ok_or(SignInError::Expired)?;
        let practices = self.practices_of(person.id).await?;
        let name = match practices.first() {
            Some(practice) => self.practice_name(*practice).await?,
            None => String::new(),
        };
        Ok(Enrolment { passkey, ..Enrolment::of(&secret, &name, &person.email) })
    }

    /// Proves the second half; gives a session. Sent again with the same key and proof it gives
    /// another token (and other recovery codes, where the first were made with it) for the same
    /// session; the earlier ones open nothing any more.
    pub async fn finish(
        &self,
        half: &str,
        proof: Proof<'_>,
        source: &Source,
        browser: Option<&str>,
        key: IdempotencyKey,
    ) -> Result<Entered, SignInError> {
        if let Proof::Recovery(typed) = proof {
            RecoveryCode::typed(typed)?;
        }
        let token = Token::<ForHalfSignIn>::parse(half).map_err(|_| SignInError::Expired)?;
        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let half = reads::half(&tx, token.hash().bytes()).await?.ok_or(SignInError::Expired)?;
        tx.keep_counts().await?;
        let person = half.person_id;
        let practices = self.all_practices_of(person).await?;

        let tx = self.store.visit::<SignIn>(source.clone()).await?;
        let row = reads::lock_person(&tx, person).await?;
        let half = reads::half(&tx, token.hash().bytes()).await?.ok_or(SignInError::Expired)?;
        if half.expires_at <= tx.at() || row.state != ACTIVE {
            return Err(SignInError::Expired);
        }
        let mut tx = match tx.once(key, &(half.id, proof.field(), proof.typed())).await? {
            HouseOnce::Done(outcome) => return self.reissue_session(&outcome, person, source).await,
            HouseOnce::Fresh(tx) => tx,
        };
        if half.spent_at.is_some() {
            return Err(SignInError::Expired);
        }
        attempt(&tx, Rule::SecondFactor, &account(person)).await??;
        match self.check(&mut tx, proof, &row, &half).await? {
            Checked::Right(right) => {
                self.begin_session(tx, person, Some(&half), practices, right, source, browser).await
            }
            Checked::Wrong(error) => {
                // Nothing was written but the count, and a wrong code is no outcome to remember.
                tx.keep_counts().await?;
                self.refuse(source, Some((person, &practices)), proof.field()).await?;
                Err(error)
            }
        }
    }

    /// Checks a proof, and uses up what can be used once.
    async fn check(
        &self,
        tx: &mut HouseTx<SignIn>,
        proof: Proof<'_>,
        row: &PersonRow,
        half: &HalfRow,
    ) -> Result<Checked, StoreError> {
        let (person, half) = tx.open((row.clone(), half.clone())).await?;
        let (person, half) = (person?, half?);
        let enrols = if half.next == ANEW {
            // The reset may have ended meanwhile.
            !reads::unused_factor_resets(tx, person.id).await?.is_empty()
        } else {
            person.totp.is_none() && reads::passkeys(tx, person.id).await?.is_empty()
        };
        match (proof, person.totp, half.enrolling) {
            (Proof::Totp(typed), Some(secret), _) => Ok(match take_code(tx, person.id, &secret, typed).await? {
                Ok(()) => Checked::right("password+totp", "password+totp"),
                Err(refused) => Checked::Wrong(refused.into()),
            }),
            // Codes are made with the first second factor, whichever that is.
            (Proof::Recovery(typed), ..) => {
                let Ok(code) = RecoveryCode::typed(typed) else { return Ok(Checked::Wrong(SignInError::RecoveryCode)) };
                let hash = code.hash(person.id);
                let Some(code) = reads::unused_code(tx, person.id, hash.bytes()).await? else {
                    return Ok(Checked::Wrong(SignInError::RecoveryCode));
                };
                let patch = CodePatch { used_at: Some(Some(tx.at())), ..CodePatch::default() };
                tx.amend(&code, Versioned(code.row_version), patch).await?;
                Ok(Checked::right(BY_RECOVERY, BY_RECOVERY))
            }
            (Proof::Enrol(typed), _, Some(secret)) if enrols => {
                if let Err(refused) = take_code(tx, person.id, &secret, typed).await? {
                    return Ok(Checked::Wrong(refused.into()));
                }
                self.lost_is_gone(tx, person.id, &person.email).await?;
                let patch =
                    PersonPatch { totp: Some(Some(secret)), secured_at: Some(tx.at()), ..PersonPatch::default() };
                tx.amend(row, Versioned(row.row_version), patch).await?;
                let codes = self.renew_codes_in(tx, person.id).await?;
                let (factors, field) = ("password+totp", "password+totp, set up");
                Ok(Checked::Right(Right { factors, field, codes }))
            }
            (Proof::Passkey(given), ..) => {
                match answered(tx, &self.party, person.id, given).await? {
                    Ok(answered) => answered.keep(tx).await?,
                    Err(refused) => return Ok(Checked::Wrong(refused.into())),
                }
                Ok(Checked::right("password+passkey", "password+passkey"))
            }
            (Proof::EnrolPasskey(given), _, Some(_)) if enrols => {
                let credential = match made(tx, &self.party, person.id, given).await? {
                    Ok(credential) => credential,
                    Err(refused) => return Ok(Checked::Wrong(refused.into())),
                };
                self.lost_is_gone(tx, person.id, &person.email).await?;
                self.keep_passkey(tx, person.id, FIRST_PASSKEY, credential).await?;
                let patch = PersonPatch { totp: Some(None), secured_at: Some(tx.at()), ..PersonPatch::default() };
                tx.amend(row, Versioned(row.row_version), patch).await?;
                let codes = self.renew_codes_in(tx, person.id).await?;
                let (factors, field) = ("password+passkey", "password+passkey, set up");
                Ok(Checked::Right(Right { factors, field, codes }))
            }
            _ => Ok(Checked::Wrong(SignInError::Expired)),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "all of what a session is made of, at its one place")]
    pub(crate) async fn begin_session(
        &self,
        mut tx: HouseTx<SignIn>,
        person: PersonId,
        half: Option<&HalfRow>,
        practices: Vec<PracticeId>,
        right: Right,
        source: &Source,
        browser: Option<&str>,
    ) -> Result<Entered, SignInError> {
        let at = tx.at();
        give_back(&tx, Rule::SecondFactor, &account(person), u32::MAX).await?;
        let session = SessionId::new(at, self.entropy());
        tx.is(person, session);
        // Codes are made with a second factor that is set up now; else it was proved by one that the person had.
        if right.codes.is_empty() {
            end_unused(&mut tx, person).await?;
        }
        let last = reads::last_entered(&tx, person).await?;
        // As the doors are now that the person is locked.
        let open = reads::doors(&tx, person, PRACTICES_MAX).await?;
        let mut member_of = Vec::new();
        for practice in practices.into_iter().filter(|practice| open.contains(practice)) {
            tx.step_into(practice).await?;
            tx.tell_here();
            if reads::active_membership(&tx, person).await?.is_some() {
                member_of.push(practice);
            }
        }
        tx.step_into(PracticeId::HOUSE).await?;
        let entered = last.filter(|last| member_of.contains(last)).or_else(|| member_of.first().copied());
        let token = Token::<ForSession>::generate(self.entropy());
        let expires_at = at.saturating_add(SESSION_LIFE).unwrap_or(at);
        tx.insert::<SessionRow>(Session {
            id: session,
            row_version: 1,
            token_hash: token.hash().bytes().to_vec(),
            person_id: person,
            entered,
            factors: right.factors.to_owned(),
            created_at: at,
            expires_at,
            proved_at: at,
            ended_at: None,
            ended_why: None,
            browser: browser.map(|text| text.chars().take(BROWSER_CHARS).collect()),
            source: source.clone(),
        })
        .await?;
        writes::begin_seen(&tx, session, at).await?;
        if let Some(half) = half {
            let spent = HalfPatch { spent_at: Some(Some(at)), ..HalfPatch::default() };
            tx.amend(half, Versioned(half.row_version), spent).await?;
        }
        let codes_left = reads::codes_left(&tx, person).await?;
        let outcome = json!({ "session": session, "codes": !right.codes.is_empty() });
        let event = Event::new().about("session", session.uuid()).field(right.field);
        let done = tx.commit(event, outcome.clone()).await?;
        if done != outcome {
            return self.reissue_session(&done, person, source).await;
        }
        Ok(Entered {
            token: token.text(),
            person,
            session,
            practice: entered,
            expires_at,
            codes: right.codes,
            codes_left,
        })
    }

    /// The answer was lost: gives the same session another token, and other codes if some went with it.
    pub(crate) async fn reissue_session(
        &self,
        outcome: &serde_json::Value,
        person: PersonId,
        source: &Source,
    ) -> Result<Entered, SignInError> {
        let mut tx = self.store.visit::<ReissueToken>(source.clone()).await?;
        reads::lock_person(&tx, person).await?;
        let id = id_in(outcome, "session").map(SessionId::from_uuid).ok_or(SignInError::Expired)?;
        let row = reads::session(&tx, id).await?.ok_or(SignInError::Expired)?;
        let token = Token::<ForSession>::generate(self.entropy());
        let patch = SessionPatch { token_hash: Some(token.hash().bytes().to_vec()), ..SessionPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        let codes = if outcome.get("codes") == Some(&serde_json::Value::Bool(true)) {
            self.renew_codes_in(&mut tx, person).await?
        } else {
            Vec::new()
        };
        let codes_left = reads::codes_left(&tx, person).await?;
        tx.is(person, id);
        tx.commit(Event::new().about("session", id.uuid()), serde_json::Value::Null).await?;
        let (practice, expires_at) = (row.entered, row.expires_at);
        Ok(Entered { token: token.text(), person, session: id, practice, expires_at, codes, codes_left })
    }
}

/// The open half sign-in that a token names.
async fn open_half<A: HouseAction>(tx: &HouseTx<A>, text: &str) -> Result<HalfRow, SignInError> {
    let token = Token::<ForHalfSignIn>::parse(text).map_err(|_| SignInError::Expired)?;
    let row = reads::half(tx, token.hash().bytes()).await?.ok_or(SignInError::Expired)?;
    if row.spent_at.is_some() || row.expires_at <= tx.at() {
        return Err(SignInError::Expired);
    }
    Ok(row)
}

/// Takes a one-time code of a secret, if it is right and was not taken before.
pub(crate) async fn take_code<A: HouseAction>(
    tx: &HouseTx<A>,
    person: PersonId,
    secret: &TotpSecret,
    typed: &str,
) -> Result<Result<(), CodeRefused>, StoreError> {
    let last = u64::try_from(reads::last_step(tx, person).await?).ok();
    match secret.verify(typed, tx.at(), last) {
        Err(refused) => Ok(Err(refused)),
        Ok(step) => {
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            let taken = writes::take_step(tx, person, step).await?;
            Ok(if taken { Ok(()) } else { Err(CodeRefused::Used) })
        }
    }
}
