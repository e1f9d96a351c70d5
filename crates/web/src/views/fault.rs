//! When a page cannot be given: what happened and the next step, in the same language.

use askama::Template;
use uuid::Uuid;

use super::shell::Shell;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;
use crate::text::{say, say_with};

/// What went wrong, by its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 400: the request made no sense, or its form is too old.
    BadRequest,
    /// 403: the roles do not allow it.
    Forbidden,
    /// 403: the practice lets nobody in without a passkey.
    PasskeyWanted,
    /// 404: nothing is here.
    NotFound,
    /// 405: an address that only takes a form, opened, or the other way round.
    WrongWay,
    /// 409: someone else was first, or the same form was sent with other content.
    Conflict,
    /// 409: the form was opened in another practice than the one the person is in by now.
    OtherPractice,
    /// 409: the record was merged into another while a form of it was open.
    Merged,
    /// 413: too much was sent.
    TooLarge,
    /// 429: too often; after so many seconds it works again.
    TooMany(u32),
    /// 500: our fault.
    Internal,
    /// 500: the record of this id does not open; nothing else is affected.
    Damaged(Uuid),
    /// 503: overloaded or being serviced; after so many seconds it is worth trying.
    Unavailable(u32),
}

impl Fault {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden | Self::PasskeyWanted => 403,
            Self::NotFound => 404,
            Self::WrongWay => 405,
            Self::Conflict | Self::OtherPractice | Self::Merged => 409,
            Self::TooLarge => 413,
            Self::TooMany(_) => 429,
            Self::Internal | Self::Damaged(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// What happened.
    #[must_use]
    pub fn title(self) -> String {
        say(match self {
            Self::BadRequest => "fault-400-title",
            Self::Forbidden => "fault-403-title",
            Self::PasskeyWanted => "fault-passkey-title",
            Self::NotFound => "fault-404-title",
            Self::WrongWay => "fault-405-title",
            Self::Conflict => "fault-409-title",
            Self::OtherPractice => "fault-practice-title",
            Self::Merged => "fault-merged-title",
            Self::TooLarge => "fault-413-title",
            Self::TooMany(_) => "fault-429-title",
            Self::Internal => "fault-500-title",
            Self::Damaged(_) => "fault-damaged-title",
            Self::Unavailable(_) => "fault-503-title",
        })
    }

    /// The next step.
    #[must_use]
    pub fn next_step(self) -> String {
        match self {
            Self::BadRequest => say("fault-400-next"),
            Self::Forbidden => say("fault-403-next"),
            Self::PasskeyWanted => say("fault-passkey-next"),
            Self::NotFound => say("fault-404-next"),
            Self::WrongWay => say("fault-405-next"),
            Self::Conflict => say("fault-409-next"),
            Self::OtherPractice => say("fault-practice-next"),
            Self::Merged => say("fault-merged-next"),
            Self::TooLarge => say("fault-413-next"),
            Self::TooMany(seconds) => say_with("fault-429-next", &[("seconds", &seconds)]),
            Self::Internal => say("fault-500-next"),
            Self::Damaged(id) => say_with("fault-damaged-next", &[("id", &id.to_string())]),
            Self::Unavailable(seconds) => say_with("fault-503-next", &[("seconds", &seconds)]),
        }
    }
}

/// A fault inside the house, the rail still there.
#[derive(Debug, Clone, Template)]
#[template(path = "faults/inside.html")]
pub struct FaultInside {
    /// Round the page.
    pub shell: Shell,
    /// What went wrong.
    pub fault: Fault,
    /// The id of the request, to be told to whoever runs the house; empty for none.
    pub reference: String,
    /// Where "Go back" leads.
    pub back: String,
}

/// A fault at the door, or where nothing is known of the person.
#[derive(Debug, Clone, Template)]
#[template(path = "faults/outside.html")]
pub struct FaultOutside {
    /// What went wrong.
    pub fault: Fault,
    /// The id of the request; empty for none.
    pub reference: String,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::shell;

    pub(crate) const ALL: [Fault; 13] = [
        Fault::BadRequest,
        Fault::Forbidden,
        Fault::PasskeyWanted,
        Fault::NotFound,
        Fault::WrongWay,
        Fault::Conflict,
        Fault::OtherPractice,
        Fault::Merged,
        Fault::TooLarge,
        Fault::TooMany(30),
        Fault::Internal,
        Fault::Damaged(Uuid::from_u128(0x0198_5f4e_7c1d_7a3b_9c55_2f1d_6b8e_4a11)),
        Fault::Unavailable(20),
    ];

    pub(crate) fn inside(fault: Fault) -> FaultInside {
        FaultInside {
            shell: shell(Room::Patients),
            fault,
            reference: "01985f4e-7c1d-7a3b-9c55-2f1d6b8e4a10".into(),
            back: "/patients".into(),
        }
    }

    pub(crate) fn outside(fault: Fault) -> FaultOutside {
        FaultOutside { fault, reference: "01985f4e-7c1d-7a3b-9c55-2f1d6b8e4a10".into() }
    }
}
