//! A forgotten password: a link by mail, then a new one. The second factor is still asked afterwards. And a lost second
//! factor: a link that somebody of the practice has sent.

mod ask;
mod choose;
mod factors;

use crate::routes::{Allow, Pages};

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/reset", Allow::Public, ask::form)
        .change("/reset", Allow::Public, ask::send)
        .read("/reset/{token}", Allow::Public, choose::form)
        .change("/reset/{token}", Allow::Public, choose::send)
        .read("/factors/{token}", Allow::Public, factors::form)
        .change("/factors/{token}", Allow::Public, factors::send)
}
