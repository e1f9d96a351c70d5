//! What stands round every signed-in page, and what is said on it once.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use practice::patients::model::DateOrder;
use serde::Deserialize;
use store::{Action, ResourceKind, Roles};

use crate::errors::PageError;
use crate::text::{list, say};
use crate::views::words::Role;
use crate::views::{Moment, Notice, PracticeChoice, Room, Rooms, Shell};
use crate::who::{Caller, Person};

impl Person {
    /// The rail, the bar and the practices, for a page of this room.
    pub async fn shell(&self, room: Room) -> Result<Shell, PageError> {
        let greeting = self.call().greeting(&self.me).await?;
        let here = greeting.practices.iter().find(|practice| practice.current);
        let roles = here.map(|practice| practice.roles).unwrap_or_default();
        let may = |action| self.call().app().policy.member_may(roles, action, ResourceKind::Practice);
        Ok(Shell {
            person: greeting.name.clone(),
            practice: here.map(|practice| practice.name.clone()).unwrap_or_default(),
            practices: greeting
                .practices
                .iter()
                .map(|practice| PracticeChoice {
                    id: practice.id.to_string(),
                    name: practice.name.clone(),
                    roles: roles_said(practice.roles),
                    current: practice.current,
                })
                .collect(),
            rooms: Rooms { patients: may("patient.find"), team: may("team.read"), audit: may("audit.read") },
            room,
            guard: self.guard(),
            notice: None,
        })
    }
}

impl Person {
    /// Whether the policies allow an action on the practice: for what a page offers. The doors decide.
    pub async fn may<A: Action>(&self) -> Result<bool, PageError> {
        self.may_to::<A>(ResourceKind::Practice).await
    }

    /// Whether the policies allow an action on a patient of the practice: for what a page offers.
    pub async fn may_patient<A: Action>(&self) -> Result<bool, PageError> {
        self.may_to::<A>(ResourceKind::Patient).await
    }

    async fn may_to<A: Action>(&self, kind: ResourceKind) -> Result<bool, PageError> {
        let greeting = self.call().greeting(&self.me).await?;
        let roles = greeting.practices.iter().find(|practice| practice.current).map(|practice| practice.roles);
        let policy = &self.call().app().policy;
        Ok(A::PARTS.iter().all(|part| policy.member_may(roles.unwrap_or_default(), part, kind)))
    }

    /// The clock on the wall of the practice.
    pub async fn zone(&self) -> Result<TimeZone, PageError> {
        let greeting = self.call().greeting(&self.me).await?;
        let here = greeting.practices.iter().find(|practice| practice.current);
        // A zone that this system has no rules for any more shows as UTC, said with its offset.
        Ok(here.and_then(|practice| TimeZone::get(&practice.time_zone).ok()).unwrap_or(TimeZone::UTC))
    }

    /// The order in which dates are typed where the practice is.
    pub async fn date_order(&self) -> Result<DateOrder, PageError> {
        let greeting = self.call().greeting(&self.me).await?;
        let here = greeting.practices.iter().find(|practice| practice.current);
        Ok(here.map_or(DateOrder::YearMonthDay, |practice| DateOrder::of_country(&practice.country)))
    }

    /// A moment as that clock shows it.
    pub async fn moment(&self, at: Timestamp) -> Result<Moment, PageError> {
        Ok(Moment::at(at, &self.zone().await?))
    }
}

/// Roles in words, "owner, practitioner".
#[must_use]
pub fn roles_said(roles: Roles) -> String {
    let said = role_words(roles);
    list(said.iter().map(String::as_str))
}

/// Each role in words.
#[must_use]
pub fn role_words(roles: Roles) -> Vec<String> {
    roles.iter().filter_map(|role| Role::from_code(role.code())).map(Role::label).collect()
}

/// What was just done, said above the page that a change leads to: `/team?done=invited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Signed out.
    SignedOut,
    /// Signing in took too long.
    TooLate,
    /// A password was chosen.
    Password,
    /// The authenticator app was replaced.
    Totp,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was taken away.
    PasskeyRemoved,
    /// A passkey was given another name.
    PasskeyRenamed,
    /// It was said by what the practice lets its people in.
    SignInRule,
    /// A session was ended.
    SessionEnded,
    /// All others were.
    OthersEnded,
    /// Roles were changed.
    Roles,
    /// Somebody was removed.
    Removed,
    /// Somebody will set up their second factor anew.
    FactorsReset,
    /// Somebody may come in again.
    LetIn,
    /// An invitation stands.
    Invited,
    /// An invitation was taken back.
    Uninvited,
    /// A connection stands.
    Connected,
    /// A connection was ended.
    Disconnected,
    /// One has joined a practice.
    Joined,
    /// Something that only a later version knows.
    #[serde(other)]
    Other,
}

impl Done {
    /// In words; nothing for what is not known.
    #[must_use]
    pub fn said(self) -> Option<String> {
        Some(say(match self {
            Self::SignedOut => "done-signed-out",
            Self::TooLate => "done-too-late",
            Self::Password => "done-password",
            Self::Totp => "done-totp",
            Self::PasskeyAdded => "done-passkey-added",
            Self::PasskeyRemoved => "done-passkey-removed",
            Self::PasskeyRenamed => "done-passkey-renamed",
            Self::SignInRule => "done-sign-in-rule",
            Self::SessionEnded => "done-session-ended",
            Self::OthersEnded => "done-others-ended",
            Self::Roles => "done-roles",
            Self::Removed => "done-removed",
            Self::FactorsReset => "done-factors-reset",
            Self::LetIn => "done-let-in",
            Self::Invited => "done-invited",
            Self::Uninvited => "done-uninvited",
            Self::Connected => "done-connected",
            Self::Disconnected => "done-disconnected",
            Self::Joined => "done-joined",
            Self::Other => return None,
        }))
    }
}

/// The question of a page that a change leads to.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Told {
    /// What was done.
    pub done: Option<Done>,
}

impl Told {
    /// As a notice of the shell.
    #[must_use]
    pub fn notice(self) -> Option<Notice> {
        self.done.and_then(Done::said).map(Notice::Done)
    }
}
