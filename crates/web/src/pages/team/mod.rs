//! The team: who works here, in which roles, and who is invited.

mod agree;
mod factors;
mod invite;
mod list;
mod remove;
mod roles;
mod sign_in_rule;
mod uninvite;

use identity::{
    AgreeToReset, BeginFactorReset, ChangeRoles, Invite, ReadTeam, RemoveMember, SetSignInRule, SignInRuleForm,
};
use store::{Role as StoredRole, Roles};

use crate::routes::{Allow, Pages};
use crate::views::Choice;
use crate::views::words::Role;

store::actions! {
    /// Open the form with which somebody is invited.
    pub(crate) InviteForm = "team.invite-form", reads, all of [Invite];
    /// Open the form of a member's roles.
    pub(crate) RolesForm = "team.roles-form", reads, all of [ChangeRoles];
    /// Be asked whether somebody is to be removed.
    pub(crate) RemoveForm = "team.remove-form", reads, all of [RemoveMember];
    /// Be asked whether somebody is to set up their second factor anew.
    pub(crate) FactorsForm = "team.reset-factors-form", reads, all of [BeginFactorReset];
    /// Be asked whether somebody is to be let in again.
    pub(crate) AgreeForm = "team.agree-reset-form", reads, all of [AgreeToReset];
}

pub(super) fn routes(pages: Pages) -> Pages {
    let (invites, changes, removes) = (Allow::to::<Invite>(), Allow::to::<ChangeRoles>(), Allow::to::<RemoveMember>());
    pages
        .read("/team", Allow::to::<ReadTeam>(), list::show_team)
        .read("/team/invitations", Allow::to::<InviteForm>(), invite::form)
        .change("/team/invitations", invites, invite::send)
        .change("/team/invitations/{invitation}/withdraw", invites, uninvite::send)
        .read("/team/sign-in", Allow::to::<SignInRuleForm>(), sign_in_rule::ask)
        .change("/team/sign-in", Allow::to::<SetSignInRule>(), sign_in_rule::send)
        .read("/team/{person}/roles", Allow::to::<RolesForm>(), roles::form)
        .change("/team/{person}/roles", changes, roles::send)
        .read("/team/{person}/factors", Allow::to::<FactorsForm>(), factors::ask)
        .change("/team/{person}/factors", Allow::to::<BeginFactorReset>(), factors::send)
        .read("/team/{person}/let-in", Allow::to::<AgreeForm>(), agree::ask)
        .change("/team/{person}/let-in", Allow::to::<AgreeToReset>(), agree::send)
        .read("/team/{person}/remove", Allow::to::<RemoveForm>(), remove::ask)
        .change("/team/{person}/remove", removes, remove::send)
}

/// The roles that somebody may give, those of `chosen` ticked.
fn choices(chosen: Roles, owners_too: bool) -> Vec<Choice> {
    Role::ALL
        .into_iter()
        .filter(|role| owners_too || *role != Role::Owner)
        .map(|role| {
            let ticked = chosen.iter().any(|chosen| chosen.code() == role.code());
            Choice::new(role.code(), role.label(), ticked).explained(role.hint())
        })
        .collect()
}

/// The roles that a form sent. What is no role is nothing: the page offers none such.
fn sent_roles(codes: &[String]) -> Roles {
    Roles::of(codes.iter().filter_map(|code| code.parse::<StoredRole>().ok()))
}
