//! Who saw what: of one record, and of the practice. The log itself is the store's; this slice asks,
//! reads, and puts names to ids.

pub mod reads;
