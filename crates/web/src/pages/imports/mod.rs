//! Bringing records in: sending files, saying what is in them, trying that, bringing them in, taking that back.

mod columns;
mod list;
mod new;
mod report;
mod said;
mod show;
mod steer;
mod undo;

use practice::exchange::actions::{AskImport, AskUndo, PreviewUpload, ReadImports, SendUpload, UploadPage};

use crate::limits::{COLUMNS_BYTES_MAX, UPLOAD_BYTES_MAX};
use crate::routes::{Allow, Pages};

/// Where files are sent to: it takes longer than any other request may.
pub(crate) const NEW: &str = "/practice/import/new";

pub(super) fn routes(pages: Pages) -> Pages {
    let page = Allow::to::<UploadPage>();
    let send = Allow::to::<SendUpload>();
    let preview = Allow::to::<PreviewUpload>();
    let ask = Allow::to::<AskImport>();
    pages
        .read("/practice/import", page, list::show_imports)
        .read(NEW, page, new::form)
        .change_up_to(UPLOAD_BYTES_MAX, NEW, send, new::send)
        .read("/practice/import/{upload}", page, show::show_import)
        .change("/practice/import/{upload}/settings", send, show::settings)
        .change("/practice/import/{upload}/discard", send, show::discard_it)
        .change("/practice/import/{upload}/check", ask, steer::check)
        .change("/practice/import/{upload}/bring-in", ask, steer::bring_in)
        .change("/practice/import/{upload}/steer", ask, steer::steer_it)
        .read("/practice/import/{upload}/columns", preview, columns::form)
        .change_up_to(COLUMNS_BYTES_MAX, "/practice/import/{upload}/columns", send, columns::send)
        .change_up_to(COLUMNS_BYTES_MAX, "/practice/import/{upload}/preview", preview, columns::preview_it)
        .read("/practice/import/{upload}/report/{which}", Allow::to::<ReadImports>(), report::show_report)
        .read("/practice/import/{upload}/report/{which}/table", Allow::to::<ReadImports>(), report::table)
        .read("/practice/import/runs/{run}/undo", Allow::to::<ReadImports>(), undo::ask)
        .change("/practice/import/runs/{run}/undo", Allow::to::<AskUndo>(), undo::send)
}
