//! The pages, a room each: a file per endpoint holds its form, its handler and what can go wrong.
//!
//! Adding one: write `pages/<room>/<verb>.rs` with a handler of about 25 lines, and one line in the
//! room's `routes`. The compiler asks for the form's token ([`crate::extract::Sent`]), the table for
//! who may call it, and the matrix test for a probe.

pub(crate) mod account;
mod audit;
mod connections;
mod exports;
mod home;
pub(crate) mod imports;
mod invitation;
mod patients;
mod practice;
mod reset;
pub(crate) mod sign_in;
mod site;
mod team;

use serde::Deserialize;

use crate::routes::Pages;

pub(crate) fn all(pages: Pages) -> Pages {
    let rooms = [
        site::routes,
        sign_in::routes,
        reset::routes,
        invitation::routes,
        home::routes,
        account::routes,
        practice::routes,
        team::routes,
        connections::routes,
        exports::routes,
        imports::routes,
        patients::routes,
        audit::routes,
    ];
    rooms.into_iter().fold(pages, |pages, room| room(pages))
}

/// A form that is one button.
#[derive(Debug, Deserialize)]
pub(crate) struct Button {}
