//! The porch: who somebody is, and how they prove it.
//!
//! The pure parts (no database, no clock or randomness of their own) are here first: passwords and
//! the rules for choosing one, one-time codes, recovery codes, the opaque tokens that links and
//! cookies carry, and the rule by which guessing is slowed down. The flows built on them live in
//! their own modules and reach the database only through `store`.

pub mod password;
pub mod password_rules;
pub mod recovery;
pub mod throttle;
pub mod token;
pub mod totp;
