//! Who calls. A handler says by its first parameter whom it serves.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use identity::Me;
use identity::second::Entered;
use kernel::{PracticeId, Secret, Source};
use store::{Actor, Reads, Resource, SessionHash};

use crate::AppState;
use crate::call::Call;
use crate::csrf::{self, Tie};
use crate::errors::PageError;
use crate::views::Guard;

/// Whoever a form can come from: has a secret that the form's token is tied to.
pub trait Caller: FromRequestParts<AppState, Rejection = PageError> + Send {
    /// What its forms are tied to.
    const TIE: Tie;

    /// The request.
    fn call(&self) -> &Call;

    /// The browser's own secret.
    fn secret(&self) -> Secret<String>;

    /// The practice in which its forms act, if they act in one.
    fn practice(&self) -> Option<PracticeId> {
        None
    }

    /// The hidden fields of a form of this page. Each form on a page gets its own.
    fn guard(&self) -> Guard {
        self.call().guard(csrf::token(Self::TIE, &self.secret(), self.practice()))
    }

    /// Where they are, for the audit.
    fn source(&self) -> Source {
        self.call().source().clone()
    }
}

/// Anybody at the door. Says nothing about whether they are signed in.
#[derive(Clone)]
pub struct Visitor(Call);

/// Somebody signed in, in whichever practice or in none: for their own account.
#[derive(Clone)]
pub struct Person {
    call: Call,
    /// The session, as it was read for this request, and from where it asks.
    pub me: Me,
}

/// Somebody signed in who has entered a practice; also everything that a [`Person`] is. Whether they (still)
/// belong to it and what they may do there is decided by `store.enter(&member.actor)` and what is asked then.
#[derive(Clone)]
pub struct Member {
    /// The person.
    pub person: Person,
    /// Who acts, for the doors.
    pub actor: Actor,
}

impl Person {
    /// Whoever this request was found to be.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        call.known().map(|me| Self { call: call.clone(), me: me.clone() })
    }

    /// Whoever has signed in with this very request.
    pub(crate) async fn entered(call: &Call, entered: &Entered) -> Result<Self, PageError> {
        let found = call.app().identity.me(entered.token.expose(), call.source().clone()).await?;
        let me = call.know(found.ok_or(PageError::SignedOut)?).clone();
        Ok(Self { call: call.clone(), me })
    }
}

impl Visitor {
    /// Whoever sent this request, taken for a visitor.
    pub(crate) fn of(call: &Call) -> Self {
        Self(call.clone())
    }
}

impl Caller for Visitor {
    const TIE: Tie = Tie::Visit;

    fn call(&self) -> &Call {
        &self.0
    }

    fn secret(&self) -> Secret<String> {
        self.0.visit().clone()
    }
}

impl Caller for Person {
    const TIE: Tie = Tie::Session;

    fn call(&self) -> &Call {
        &self.call
    }

    fn secret(&self) -> Secret<String> {
        // There is a person only by a session's token.
        self.call.session().map_or_else(|| Secret::new(String::new()), identity::token::Token::text)
    }
}

impl Member {
    /// Asks the doors for a permission whose only use is to show a form. A refusal is recorded.
    pub async fn must<A: Reads>(&self, resource: Resource) -> Result<(), PageError> {
        let threshold = self.call().app().store.enter(&self.actor).await?;
        Ok(threshold.ask::<A>(resource).await.map(drop)?)
    }
}

impl std::ops::Deref for Member {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.person
    }
}

impl Caller for Member {
    const TIE: Tie = Tie::Session;

    fn call(&self) -> &Call {
        self.person.call()
    }

    fn secret(&self) -> Secret<String> {
        self.person.secret()
    }

    fn practice(&self) -> Option<PracticeId> {
        Some(self.actor.practice())
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        Call::from_request_parts(parts, app).await.map(Self)
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let call = Call::from_request_parts(parts, app).await?;
        let token = call.session().ok_or(PageError::SignedOut)?;
        let me = if let Some(known) = call.known() {
            known.clone()
        } else {
            let found = app.store.session(SessionHash(*token.hash().bytes())).await?.ok_or(PageError::SignedOut)?;
            call.know(Me { signed_in: found, source: call.source().clone() }).clone()
        };
        Ok(Self { call, me })
    }
}

/// A page for everybody that is another for somebody signed in.
impl OptionalFromRequestParts<AppState> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Option<Self>, PageError> {
        match <Self as FromRequestParts<AppState>>::from_request_parts(parts, app).await {
            Ok(person) => Ok(Some(person)),
            Err(PageError::SignedOut) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let person = <Person as FromRequestParts<AppState>>::from_request_parts(parts, app).await?;
        let actor = app.store.actor(&person.me.signed_in, person.source()).ok_or(PageError::NoPractice)?;
        Ok(Self { person, actor })
    }
}
