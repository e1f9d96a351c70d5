//! Everything about one patient, page by page.

pub mod reads;
