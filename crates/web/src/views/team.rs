//! The team: who works here, in which roles, and who is invited.

use askama::Template;

use super::form::{AskDevice, Choice, Errors, Guard};
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;
use crate::text::say_with;

/// Someone who works here.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "what a page offers is yes or no, one by one")]
pub struct Member {
    /// The person's id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their e-mail address; `None` where this person's roles do not read it.
    pub email: Option<String>,
    /// Their roles, in words.
    pub roles: Vec<String>,
    /// Since when.
    pub joined: Moment,
    /// Whether it is the person who reads this.
    pub you: bool,
    /// Whether "Change roles" is offered.
    pub may_change: bool,
    /// Whether "Remove" is offered.
    pub may_remove: bool,
    /// Whether "Reset second factor" is offered.
    pub may_reset: bool,
    /// Whether they are held at the door until somebody here agrees.
    pub held: bool,
    /// Whether "Let in again" is offered.
    pub may_agree: bool,
}

/// An invitation not yet accepted.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation's id.
    pub id: String,
    /// The address it was sent to.
    pub email: String,
    /// The roles offered, in words.
    pub roles: Vec<String>,
    /// Who invited.
    pub by: String,
    /// Until when the link works.
    pub until: Moment,
    /// With it "Withdraw" is offered: `POST /team/invitations/{id}/withdraw`.
    pub withdraw: Option<Guard>,
}

/// `GET /team`. Links to `/team/invitations`, and of each member to `roles`, `remove`, `factors` and `let-in`.
#[derive(Debug, Clone, Template)]
#[template(path = "team/list.html")]
pub struct Team {
    /// Round the page.
    pub shell: Shell,
    /// Who works here.
    pub members: Vec<Member>,
    /// Who is invited.
    pub invited: Vec<Invited>,
    /// Whether "Invite a person" is offered.
    pub may_invite: bool,
    /// What else is offered here: where it is, and the words for it.
    pub links: Vec<(&'static str, String)>,
}

/// `GET /team/invitations`; posts to the same address.
///
/// Fields: `email`, `role` (several).
#[derive(Debug, Clone, Template)]
#[template(path = "team/invite.html")]
pub struct Invite {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// As typed.
    pub email: String,
    /// The roles this person may give.
    pub roles: Vec<Choice>,
}

/// The link of a fresh invitation, shown once.
#[derive(Debug, Clone, Template)]
#[template(path = "team/invited.html")]
pub struct InvitationLink {
    /// Round the page.
    pub shell: Shell,
    /// Whom it is for.
    pub email: String,
    /// The link.
    pub link: String,
    /// Until when it works.
    pub until: Moment,
    /// Whether it was also sent by mail.
    pub mailed: bool,
}

/// `GET /team/{person}/roles`; posts to the same address.
///
/// Fields: `role` (several), `version` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "team/roles.html")]
pub struct MemberRoles {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The person's id.
    pub id: String,
    /// Whose roles.
    pub name: String,
    /// The roles this person may give.
    pub roles: Vec<Choice>,
    /// `version`; empty where the row has none.
    pub version: String,
}

/// `GET /team/{person}/factors`; posts to the same address.
///
/// Fields: those of a proof.
#[derive(Debug, Clone, Template)]
#[template(path = "team/factors.html")]
pub struct ResetFactors {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The person's id.
    pub id: String,
    /// Whose second factor.
    pub name: String,
    /// Where the link goes.
    pub email: String,
    /// Whether one proves once more that it is oneself.
    pub prove: bool,
    /// What to ask one's device, where that can be.
    pub passkey: Option<AskDevice>,
}

/// `GET /team/sign-in`; posts to the same address.
///
/// Fields: `rule` (hidden), those of a proof.
#[derive(Debug, Clone, Template)]
#[template(path = "team/sign_in_rule.html")]
pub struct SignInRule {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Whether people are let in by passkeys alone.
    pub on: bool,
    /// How many people are on the team.
    pub people: usize,
    /// How many of them have a passkey.
    pub with_passkey: usize,
    /// Whether whoever asks has shown one.
    pub shown: bool,
    /// Whether one proves once more that it is oneself.
    pub prove: bool,
    /// What to ask one's device, where that can be.
    pub passkey: Option<AskDevice>,
}

impl SignInRule {
    /// "3 of 8 people here have a passkey."
    fn counted(&self) -> String {
        say_with("rule-counted", &[("with", &self.with_passkey), ("people", &self.people)])
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::fixture::moment;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};
    use crate::views::words::Role;

    fn member(id: &str, name: &str, roles: &[Role], since: &str) -> Member {
        Member {
            id: id.into(),
            name: name.into(),
            email: Some(format!("{}@harbourstreet.example", name.split(' ').next().unwrap().to_lowercase())),
            roles: roles.iter().map(|r| r.label()).collect(),
            joined: moment(since),
            you: false,
            may_change: true,
            may_remove: true,
            may_reset: true,
            held: false,
            may_agree: false,
        }
    }

    pub(crate) fn roles(chosen: &[Role]) -> Vec<Choice> {
        Role::ALL
            .into_iter()
            .map(|r| Choice::new(r.code(), r.label(), chosen.contains(&r)).explained(r.hint()))
            .collect()
    }

    pub(crate) fn team() -> Team {
        let mut you = member("1", "Thandi Naidoo", &[Role::Owner, Role::Practitioner], "2025-02-03T12:02:31Z");
        (you.you, you.may_remove, you.may_reset) = (true, false, false);
        let mut held = member("4", "Piet Fourie", &[Role::Finance], "2026-11-22T07:00:00Z");
        (held.held, held.may_agree) = (true, true);
        Team {
            shell: shell(Room::Team),
            members: vec![
                you,
                member("2", "Sipho Khumalo", &[Role::Reception], "2025-11-03T11:40:02Z"),
                member("3", "Maria Botha", &[Role::Administrator, Role::Reception], "2026-01-12T07:12:55Z"),
                held,
            ],
            invited: vec![Invited {
                id: "5".into(),
                email: "ayesha@harbourstreet.example".into(),
                roles: vec![Role::Practitioner.label()],
                by: "Thandi Naidoo".into(),
                until: moment("2026-11-25T12:02:31Z"),
                withdraw: Some(guard()),
            }],
            may_invite: true,
            links: ["imports-title", "exports-title", "connections-title"]
                .map(|words| ("/team", crate::text::say(words)))
                .to_vec(),
        }
    }

    pub(crate) fn invite() -> Invite {
        let mut errors = Errors::none();
        errors.add("role", "Choose at least one role.");
        Invite {
            shell: shell(Room::Team),
            guard: guard(),
            errors,
            email: "ayesha@harbourstreet.example".into(),
            roles: roles(&[]),
        }
    }

    pub(crate) fn link() -> InvitationLink {
        InvitationLink {
            shell: shell(Room::Team),
            email: "ayesha@harbourstreet.example".into(),
            link: "https://practice.example/invitation/01985f4e-0000-7000-8000-000000000002/4tYb0pWm3cXqv1Rk8sJzHn6L"
                .into(),
            until: moment("2026-11-25T12:02:31Z"),
            mailed: true,
        }
    }

    pub(crate) fn member_roles() -> MemberRoles {
        MemberRoles {
            shell: shell(Room::Team),
            guard: guard(),
            errors: Errors::none(),
            id: "2".into(),
            name: "Sipho Khumalo".into(),
            roles: roles(&[Role::Reception]),
            version: "3".into(),
        }
    }

    pub(crate) fn reset_factors() -> ResetFactors {
        ResetFactors {
            shell: shell(Room::Team),
            guard: guard(),
            errors: Errors::none(),
            id: "2".into(),
            name: "Sipho Khumalo".into(),
            email: "sipho@harbourstreet.example".into(),
            prove: true,
            passkey: None,
        }
    }

    pub(crate) fn sign_in_rule() -> SignInRule {
        SignInRule {
            shell: shell(Room::Team),
            guard: guard(),
            errors: Errors::none(),
            on: false,
            people: 8,
            with_passkey: 3,
            shown: true,
            prove: false,
            passkey: None,
        }
    }

    pub(crate) fn sign_in_rule_on() -> SignInRule {
        let passkey = Some(crate::views::shell::fixture::ask_device());
        SignInRule { on: true, with_passkey: 7, prove: true, passkey, ..sign_in_rule() }
    }

    pub(crate) fn sign_in_rule_first() -> SignInRule {
        SignInRule { with_passkey: 0, shown: false, ..sign_in_rule() }
    }
}
