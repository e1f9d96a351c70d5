//! The windows: what browsers see of the house, over HTTPS.
//!
//! A request's walk: [`server`] (TLS, limits of a connection) → [`passage`] (its reference, span,
//! time limit, cross-site check; on the way out: fault pages, cookies, security headers) → a route
//! of [`routes`] (method, path and who may call, as data) → a handler under [`pages`], which takes
//! what it needs by [`extract`] and [`who`]: there is no other way to a body than [`extract::Sent`],
//! which has checked the form's token, and no other way to an actor than [`who::Member`].
//!
//! Programs have a door of their own, [`api`]: no cookies, no forms.
//!
//! Adding an endpoint: a file under `pages/<room>/`, its handler, one line in that room's `routes`.

pub mod api;
pub mod around;
pub mod assets;
pub mod call;
pub mod cookies;
pub mod csrf;
mod enrolment;
pub mod errors;
pub mod extract;
pub mod fields;
pub mod headers;
pub mod limits;
pub mod origin;
pub mod pages;
pub mod passage;
mod proof;
pub mod refusals;

pub mod routes;
pub mod sending;
pub mod server;
pub mod state;
pub mod text;
pub mod views;
pub mod who;

pub use limits::Limits;
pub use origin::Origin;
pub use routes::{Allow, Route, router, routes};
pub use server::{ServeError, serve};
pub use state::{AppState, Settings};
