//! Who works here and who is invited.

use axum::extract::State;
use identity::SetSignInRule;
use identity::clients::ReadClients;
use identity::team::{Member, OpenInvitation};
use practice::exchange::actions::UploadPage;
use practice::exchange::export::actions::ReadExports;

use crate::AppState;
use crate::around::{Told, role_words};
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, show};
use crate::text::say;
use crate::views::team::{self, Team};
use crate::views::{Notice, Room};
use crate::who::{self, Caller};

/// `GET /team`
pub(super) async fn show_team(State(app): State<AppState>, member: who::Member, Asked(told): Asked<Told>) -> Answer {
    let view = app.identity.team(&member.me).await?;
    let mut shell = member.shell(Room::Team).await?;
    shell.notice = told.notice();
    if !view.damaged.is_empty() {
        shell.notice = Some(Notice::Caution(say("team-damaged")));
    }
    let offered = [
        (member.may::<UploadPage>().await?, "/practice/import", "imports-title"),
        (member.may::<ReadExports>().await?, "/practice/export", "exports-title"),
        (member.may::<ReadClients>().await?, "/team/connections", "connections-title"),
        (app.identity.has_passkeys() && member.may::<SetSignInRule>().await?, "/team/sign-in", "rule-title"),
    ];
    let links = offered.into_iter().filter(|(may, ..)| *may).map(|(_, to, words)| (to, say(words))).collect();
    let mut page = Team { shell, members: Vec::new(), invited: Vec::new(), may_invite: view.may_invite, links };
    for one in view.members {
        page.members.push(line(&member, one).await?);
    }
    for one in view.invitations {
        page.invited.push(invited(&member, one, view.may_invite).await?);
    }
    show(&page)
}

async fn line(reader: &who::Member, one: Member) -> Result<team::Member, PageError> {
    Ok(team::Member {
        id: one.id.to_string(),
        name: one.name,
        email: Some(one.email),
        roles: role_words(one.roles),
        joined: reader.moment(one.joined_at).await?,
        you: one.you,
        may_change: one.may_change,
        may_remove: one.may_remove,
        may_reset: one.may_reset,
        held: !one.held_by.is_empty(),
        may_agree: one.may_agree,
    })
}

async fn invited(reader: &who::Member, one: OpenInvitation, may_withdraw: bool) -> Result<team::Invited, PageError> {
    Ok(team::Invited {
        id: one.id.to_string(),
        email: one.email,
        roles: role_words(one.roles),
        by: one.by.unwrap_or_else(|| say("invited-by-the-practice")),
        until: reader.moment(one.expires_at).await?,
        withdraw: may_withdraw.then(|| reader.guard()),
    })
}
