//! Which programs were let in.

use axum::extract::State;
use identity::clients::{ClientView, Standing, clients};

use super::permissions;
use crate::AppState;
use crate::around::Told;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, show};
use crate::text::say;
use crate::views::connections::{Connection, Connections};
use crate::views::{Notice, Room};
use crate::who::Member;

/// `GET /team/connections`
pub(super) async fn show_connections(State(app): State<AppState>, member: Member, Asked(told): Asked<Told>) -> Answer {
    let known = clients(&app.store, &member.actor).await?;
    let mut shell = member.shell(Room::Team).await?;
    shell.notice = told.notice();
    if !known.damaged.is_empty() {
        shell.notice = Some(Notice::Caution(say("connections-damaged")));
    }
    let mut page = Connections { shell, working: Vec::new(), ended: Vec::new() };
    for one in known.all {
        let works = one.standing == Standing::Works;
        let line = line(&member, one).await?;
        if works { page.working.push(line) } else { page.ended.push(line) }
    }
    show(&page)
}

async fn line(reader: &Member, one: ClientView) -> Result<Connection, PageError> {
    let seen = match one.seen_at {
        Some(at) => Some(reader.moment(at).await?),
        None => None,
    };
    Ok(Connection {
        id: one.id.to_string(),
        name: one.name,
        proves: say(if one.own_keys { "connection-own-keys" } else { "connection-key" }),
        permissions: permissions::said(one.scopes),
        by: one.made_by.unwrap_or_else(|| say("connection-by-somebody")),
        made: reader.moment(one.created_at).await?,
        seen,
        ends: reader.moment(one.ends_at).await?,
        expired: one.standing == Standing::Expired,
    })
}
