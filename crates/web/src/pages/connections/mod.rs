//! Connections: programs that the practice has let in over its API.

mod end;
mod list;
mod new;
mod permissions;

use identity::clients::{ClientForm, EndClient, MakeClient, ReadClients};

use crate::routes::{Allow, Pages};

pub(super) fn routes(pages: Pages) -> Pages {
    let form = Allow::to::<ClientForm>();
    pages
        .read("/team/connections", Allow::to::<ReadClients>(), list::show_connections)
        .read("/team/connections/new", form, new::form)
        .change("/team/connections/new", Allow::to::<MakeClient>(), new::send)
        .read("/team/connections/{client}/end", form, end::ask)
        .change("/team/connections/{client}/end", Allow::to::<EndClient>(), end::send)
}
