//! One-time codes from an authenticator (RFC 6238: HMAC-SHA-1, six digits, 30 seconds), the form
//! that every authenticator understands.
//!
//! Invariant: a code is taken once. The step of the last code taken is kept, and neither that step
//! nor an earlier one is taken again (RFC 6238, section 5.2).

use jiff::Timestamp;
use kernel::{Entropy, Secret};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

/// Length of a step, in seconds.
pub const STEP_SECONDS: u64 = 30;
/// Digits of a code.
const DIGITS: u8 = 6;
/// How many steps a clock may be ahead or behind.
const DRIFT_STEPS: u64 = 1;
/// 160 bits, the length of the hash (RFC 4226, section 4, R6).
const SECRET_BYTES: usize = 20;

/// What the authenticator and the house both know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotpSecret(Secret<[u8; SECRET_BYTES]>);

/// Why a code was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// It is not a code of these minutes.
    #[error("Enter the six digits that the authenticator shows now")]
    Wrong,
    /// It was right and has been used already.
    #[error("This code has been used: wait for the next one, at most 30 seconds")]
    Used,
}

impl TotpSecret {
    /// A new secret.
    #[must_use]
    pub fn generate(entropy: &Entropy) -> Self {
        Self(Secret::new(entropy.bytes()))
    }

    /// The step whose code was typed, if it is one step around `at` and later than `last_step`.
    /// The caller keeps the step it is given, in one atomic statement, as the new last step.
    pub fn verify(&self, typed: &str, at: Timestamp, last_step: Option<u64>) -> Result<u64, CodeRefused> {
        let code: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let totp = self.totp("", "");
        let now = step_at(at);
        let mut refusal = CodeRefused::Wrong;
        for step in now.saturating_sub(DRIFT_STEPS)..=now.saturating_add(DRIFT_STEPS) {
            // `check` compares in constant time; with no skew it looks at this step alone.
            if totp.check(&code, step.saturating_mul(STEP_SECONDS)).is_none() {
                continue;
            }
            if last_step.is_none_or(|last| step > last) {
                return Ok(step);
            }
            refusal = CodeRefused::Used;
        }
        Err(refusal)
    }

    /// The address that a QR code shows to an authenticator, for `account` (an e-mail address) at
    /// `practice`. It holds the secret.
    #[must_use]
    pub fn enrolment_url(&self, practice: &str, account: &str) -> Secret<String> {
        // A colon would end the issuer early (the Key URI format has no other escape for it).
        let issuer = format!("Vouchsafe · {practice}").replace(':', " ");
        let account = account.replace(':', " ");
        let account = if account.is_empty() { "account" } else { &account };
        // The only errors of `to_url` are an empty account and a colon.
        Secret::new(self.totp(&issuer, account).to_url().unwrap_or_default())
    }

    /// The secret in groups of four letters, for typing where no QR code can be read.
    #[must_use]
    pub fn typing_form(&self) -> Secret<String> {
        let plain = Secret::new(self.totp("", "").secret().to_base32());
        let mut grouped = String::with_capacity(plain.expose().len() * 2);
        for (position, letter) in plain.expose().chars().enumerate() {
            if position > 0 && position % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(letter);
        }
        Secret::new(grouped)
    }

    /// The code that an authenticator shows at `at`: for tests and demonstration people.
    #[must_use]
    pub fn code_at(&self, at: Timestamp) -> String {
        self.totp("", "").generate(step_at(at).saturating_mul(STEP_SECONDS)).to_string()
    }

    fn totp(&self, issuer: &str, account: &str) -> Totp {
        // The unchecked form, because every value is a constant of this file or made fit by the caller.
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_skew(0)
            .with_step_duration(STEP_SECONDS)
            .with_secret(*self.0.expose())
            .with_issuer((!issuer.is_empty()).then_some(issuer))
            .with_account_name(account)
            .build_noncompliant()
    }
}

/// The step that `at` lies in; the first one for times before 1970.
fn step_at(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0) / STEP_SECONDS
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use kernel::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    /// The secret of RFC 6238, appendix B, for SHA-1.
    fn rfc_secret() -> TotpSecret {
        TotpSecret(Secret::new(*b"12345678901234567890"))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        // Appendix B gives eight digits; six are the last six of them.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc_secret().code_at(at(second)), code);
            assert_eq!(rfc_secret().verify(code, at(second), None), Ok(u64::try_from(second).unwrap() / 30));
        }
    }

    #[test]
    fn a_code_is_taken_once_and_no_earlier_one_after_it() {
        let (secret, now) = (rfc_secret(), at(1_000_000_000));
        let step = secret.verify(&secret.code_at(now), now, None).unwrap();
        assert_eq!(secret.verify(&secret.code_at(now), now, Some(step)), Err(CodeRefused::Used));
        let earlier = now - SignedDuration::from_secs(30);
        assert_eq!(secret.verify(&secret.code_at(earlier), now, Some(step)), Err(CodeRefused::Used));
        let later = now + SignedDuration::from_secs(30);
        assert_eq!(secret.verify(&secret.code_at(later), now, Some(step)), Ok(step + 1));
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        let (secret, now) = (rfc_secret(), at(1_000_000_000));
        for (drift, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let code = secret.code_at(now + SignedDuration::from_secs(drift));
            assert_eq!(secret.verify(&code, now, None).is_ok(), taken, "{drift} seconds");
        }
    }

    #[test]
    fn spaces_in_a_typed_code_do_no_harm() {
        assert!(rfc_secret().verify(" 287 082\t", at(59), None).is_ok());
        assert!(rfc_secret().verify("287-082", at(59), None).is_ok());
    }

    #[test]
    fn what_is_not_six_digits_is_wrong() {
        for typed in ["", "28708", "2870820", "+87082", "28708x", "２８７０８２", "-----", "94287082"] {
            assert_eq!(rfc_secret().verify(typed, at(59), None), Err(CodeRefused::Wrong), "{typed}");
        }
    }

    #[test]
    fn the_enrolment_address_names_practice_and_account() {
        let url = rfc_secret().enrolment_url("Rivonia: North", "n.naidoo@example.org");
        assert_eq!(
            url.expose(),
            "otpauth://totp/Vouchsafe%20%C2%B7%20Rivonia%20%20North:n.naidoo%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Vouchsafe%20%C2%B7%20Rivonia%20%20North"
        );
        assert_eq!(rfc_secret().typing_form().expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn secrets_differ_survive_keeping_and_are_not_shown() {
        let entropy = Entropy::from(SystemEntropy);
        let secret = TotpSecret::generate(&entropy);
        assert_ne!(secret, TotpSecret::generate(&entropy));
        let kept = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<TotpSecret>(&kept).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "TotpSecret(Secret)");
    }

    proptest! {
        #[test]
        fn a_step_that_was_taken_is_never_taken_again(second in 0_i64..4_000_000_000, later in 0_i64..90) {
            let (secret, now) = (rfc_secret(), at(second));
            let code = secret.code_at(now);
            let step = secret.verify(&code, now, None).unwrap();
            match secret.verify(&code, at(second + later), Some(step)) {
                Ok(next) => prop_assert!(next > step),
                Err(refused) => prop_assert!(matches!(refused, CodeRefused::Used | CodeRefused::Wrong)),
            }
        }

        #[test]
        fn any_text_gets_an_answer(typed in any::<String>(), second in any::<i32>()) {
            let _ = rfc_secret().verify(&typed, at(second.into()), None);
        }
    }
}
