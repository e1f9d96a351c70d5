//! Today, the first page.

mod today;

use crate::routes::{Allow, Pages};

store::actions! {
    /// Open the first page.
    pub(crate) OpenToday = "home.read", reads;
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.read("/", Allow::to::<OpenToday>(), today::show_today)
}
