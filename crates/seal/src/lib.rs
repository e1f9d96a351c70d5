//! The locks: what is stored of a person is sealed here before it reaches the database, and opens
//! only in the place it was sealed for. `docs/spec/envelope.md` specifies every byte.
//!
//! A root key in a [`KeyService`] wraps the [`Kek`] of a practice, which wraps [`DataKey`]s (one
//! per patient, the unit of erasure), which seal fields. Beside the fields stands the blind index:
//! keyed tokens ([`IndexKey`], [`Token`]) by which a sealed name can be found again.
//!
//! Nothing here does I/O; a key service outside implements the one trait that does.

pub mod cipher;
mod data_key;
mod error;
mod index;
mod kek;
mod mac;
pub mod normalise;
mod padding;
mod place;
mod sealed;
mod search;
mod service;

pub use data_key::{DataKey, PLAINTEXT_LENGTH_MAX, envelope_key_id};
pub use error::SealError;
pub use index::{IndexKey, Token, TokenKind};
pub use kek::{Kek, KekContext, WRAPPED_LENGTH, wrapped_kek_version};
pub use place::Place;
pub use sealed::Sealed;
pub use search::{name_matches, name_query, name_tokens, phone_query, phone_tokens};
pub use service::{BoxFuture, KeyService, KeyServiceError};

#[cfg(test)]
mod wycheproof_tests;
