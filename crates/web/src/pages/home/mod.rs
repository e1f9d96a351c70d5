//! Today, the first page.

mod today;

use crate::routes::{Allow, Pages};

pub(super) fn routes(pages: Pages) -> Pages {
    pages.read("/", Allow::Action(&["home.read"]), today::show_today)
}
