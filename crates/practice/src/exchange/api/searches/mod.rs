//! Searching one type, page by page.

pub mod reads;
