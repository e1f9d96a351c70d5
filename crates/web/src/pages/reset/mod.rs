//! A forgotten password: a link by mail, then a new one. The second factor is still asked afterwards.

mod ask;
mod choose;

use crate::routes::{Allow, Pages};

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/reset", Allow::Public, ask::form)
        .change("/reset", Allow::Public, ask::send)
        .read("/reset/{token}", Allow::Public, choose::form)
        .change("/reset/{token}", Allow::Public, choose::send)
}
