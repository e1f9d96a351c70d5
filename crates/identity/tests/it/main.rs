//! The flows of identity on real PostgreSQL. Every test founds practices and people of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, outside test functions: a failure is a failed test"
)]

mod account;
mod factor_reset;
mod founding;
mod joining;
mod passkeys;
mod reset;
mod second;
mod sessions;
mod sign_in;
mod sign_in_rule;
mod team;

use jiff::SignedDuration;

const fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

const fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// What an authenticator makes of the secret that it was shown, in base 32.
fn secret_of(base32: &str) -> identity::totp::TotpSecret {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in base32.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits = bits << 5 | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(bits >> held & 0xff);
        }
    }
    serde_json::from_value(serde_json::json!(bytes)).unwrap()
}
