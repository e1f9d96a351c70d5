//! Before the house: sign-in, second factor, reset, invitation.

use askama::Template;

use super::form::{AskDevice, Errors, Guard};
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// `GET /sign-in`; posts to `/sign-in`.
///
/// Fields: `email`, `password`, `next` (hidden; a path on this site).
#[derive(Debug, Clone, Template)]
#[template(path = "door/sign_in.html")]
pub struct SignIn {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right; a wrong e-mail and a wrong password read the same.
    pub errors: Errors,
    /// As typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// Said above the form: signed out, session ended, password changed.
    pub notice: Option<String>,
    /// For `POST /sign-in/passkey` (field `next` too), where passkeys can be had.
    pub passkey: Option<AskDevice>,
}

/// `GET /sign-in/second`; posts to `/sign-in/second`.
///
/// Fields: `code`, `next` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "door/second.html")]
pub struct SecondFactor {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Where to go afterwards.
    pub next: String,
    /// Whether the person has an authenticator app.
    pub app: bool,
    /// For `POST /sign-in/second/passkey` (field `next` too), if the person has passkeys.
    pub passkey: Option<AskDevice>,
}

/// `GET /sign-in/recovery`; posts to `/sign-in/recovery`.
///
/// Fields: `recovery_code`, `next` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "door/recovery.html")]
pub struct Recovery {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// As typed.
    pub recovery_code: String,
    /// Where to go afterwards.
    pub next: String,
}

/// `GET /reset`; posts to `/reset`.
///
/// Fields: `email`.
#[derive(Debug, Clone, Template)]
#[template(path = "door/reset_ask.html")]
pub struct ResetAsk {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// As typed.
    pub email: String,
}

/// After asking: the same words whether or not the address has an account.
#[derive(Debug, Clone, Template)]
#[template(path = "door/reset_asked.html")]
pub struct ResetAsked {
    /// How long the link works, in minutes.
    pub minutes: u32,
}

/// `GET /reset/{token}`; posts to the same address.
///
/// Fields: `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "door/reset_set.html")]
pub struct ResetSet {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The address of this page, to which the form posts.
    pub action: String,
}

/// A link that works no more: a reset or an invitation that was used, withdrawn or is too old.
#[derive(Debug, Clone, Template)]
#[template(path = "door/link_ended.html")]
pub struct LinkEnded {
    /// Which kind of link.
    pub kind: LinkKind,
}

/// Which kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A password reset.
    Reset,
    /// An invitation.
    Invitation,
    /// Setting up the second factor anew.
    Factors,
}

/// `GET /factors/{token}`: setting up the second factor anew; posts to the same address.
///
/// Fields: `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "door/factors.html")]
pub struct FactorsAnew {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Where the form posts.
    pub action: String,
}

/// What an authenticator app needs.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The QR code as SVG made by this program (never by a person): it is written unescaped. It
    /// carries no style attribute; give it `fill` attributes only.
    pub qr_svg: String,
    /// The same secret for typing, in groups of four.
    pub secret: String,
    /// The hidden field `enrolment`: which secret the code will be checked against. `None` where the
    /// server knows it by itself; the field is not sent then.
    pub token: Option<String>,
}

/// The second step for someone who has no authenticator app yet; posts to [`Self::action`].
///
/// Fields: `code`, `next` (hidden), `enrolment` (hidden, where it has a token).
#[derive(Debug, Clone, Template)]
#[template(path = "door/set_up.html")]
pub struct SetUp {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// Where the form posts.
    pub action: String,
    /// For the authenticator app.
    pub enrolment: Enrolment,
    /// Where to go afterwards.
    pub next: String,
    /// For `POST /sign-in/set-up/passkey` (field `next` too), where passkeys can be had.
    pub passkey: Option<AskDevice>,
}

/// `GET /invitation/{practice}/{token}` for someone without an account; posts to the same address.
///
/// Fields: `name`, `password`; with an enrolment also `code` and `enrolment` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "door/invitation.html")]
pub struct Invitation {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The address of this page, to which the form posts.
    pub action: String,
    /// The practice that invites.
    pub practice: String,
    /// Who invited.
    pub invited_by: String,
    /// The roles offered, in words.
    pub roles: String,
    /// The address the invitation was sent to; it becomes the sign-in.
    pub email: String,
    /// As typed.
    pub name: String,
    /// For the authenticator app; `None` where that is a step of its own afterwards ([`SetUp`]).
    pub enrolment: Option<Enrolment>,
}

/// The same for someone who has an account: signed in as them, one button accepts; otherwise the
/// page leads to the sign-in and back.
///
/// Fields: none beyond the guard.
#[derive(Debug, Clone, Template)]
#[template(path = "door/invitation_known.html")]
pub struct InvitationKnown {
    /// With it the page has the button; without it the link to sign in.
    pub guard: Option<Guard>,
    /// The address of this page, to which the form posts.
    pub action: String,
    /// The address of the sign-in that comes back here.
    pub sign_in: String,
    /// The practice that invites.
    pub practice: String,
    /// Who invited.
    pub invited_by: String,
    /// The roles offered, in words.
    pub roles: String,
    /// Whose account it is.
    pub email: String,
}

/// Recovery codes, shown once, at the end of an invitation.
#[derive(Debug, Clone, Template)]
#[template(path = "door/codes.html")]
pub struct FirstCodes {
    /// The codes, grouped for reading.
    pub codes: Vec<String>,
    /// For the print: whose codes these are.
    pub email: String,
    /// When they were made.
    pub made: Moment,
    /// Where "I have kept them" leads.
    pub next: String,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::shell::fixture::{ask_device, guard};

    pub(crate) fn sign_in() -> SignIn {
        SignIn {
            guard: guard(),
            errors: Errors::none(),
            email: String::new(),
            next: "/".into(),
            notice: None,
            passkey: Some(ask_device()),
        }
    }

    pub(crate) fn sign_in_refused() -> SignIn {
        SignIn {
            errors: Errors::whole("The e-mail or the password is not right. Check both and try again."),
            email: "thandi@harbourstreet.example".into(),
            ..sign_in()
        }
    }

    pub(crate) fn second() -> SecondFactor {
        let mut errors = Errors::none();
        errors.add("code", "This code was used already. Wait for the next one in your app.");
        SecondFactor { guard: guard(), errors, next: "/".into(), app: true, passkey: None }
    }

    pub(crate) fn second_passkey() -> SecondFactor {
        SecondFactor { errors: Errors::none(), passkey: Some(ask_device()), ..second() }
    }

    pub(crate) fn second_passkey_only() -> SecondFactor {
        SecondFactor { app: false, ..second_passkey() }
    }

    pub(crate) fn recovery() -> Recovery {
        Recovery { guard: guard(), errors: Errors::none(), recovery_code: String::new(), next: "/".into() }
    }

    pub(crate) fn reset_ask() -> ResetAsk {
        ResetAsk { guard: guard(), errors: Errors::none(), email: String::new() }
    }

    pub(crate) fn factors_anew() -> FactorsAnew {
        let mut errors = Errors::none();
        errors.add("password", crate::text::say("anew-wrong"));
        FactorsAnew { guard: guard(), errors, action: "/factors/4tYb0pWm3cXqv1Rk8sJzHn6L".into() }
    }

    pub(crate) fn reset_set() -> ResetSet {
        let mut errors = Errors::none();
        errors.add("password", "Choose another password: this one is among the most used.");
        ResetSet { guard: guard(), errors, action: "/reset/t0ken".into() }
    }

    pub(crate) fn enrolment() -> Enrolment {
        let code = qrcode::QrCode::new("otpauth://totp/Vouchsafe:thandi?secret=JBSWY3DPEHPK3PXP&issuer=Vouchsafe");
        Enrolment {
            qr_svg: code
                .unwrap()
                .render::<qrcode::render::svg::Color>()
                .min_dimensions(192, 192)
                .quiet_zone(true)
                .build()
                .split_once("?>")
                .unwrap()
                .1
                .to_owned(),
            secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into(),
            token: Some("enr0l".into()),
        }
    }

    pub(crate) fn invitation() -> Invitation {
        Invitation {
            guard: guard(),
            errors: Errors::none(),
            action: "/invitation/1/t0ken".into(),
            practice: "Harbour Street Practice".into(),
            invited_by: "Thandi Naidoo".into(),
            roles: "reception".into(),
            email: "sipho@harbourstreet.example".into(),
            name: String::new(),
            enrolment: Some(enrolment()),
        }
    }

    pub(crate) fn set_up() -> SetUp {
        SetUp {
            guard: guard(),
            errors: Errors::none(),
            action: "/sign-in/second".into(),
            enrolment: Enrolment { token: None, ..enrolment() },
            next: "/".into(),
            passkey: Some(AskDevice { makes: true, ..ask_device() }),
        }
    }

    pub(crate) fn invitation_known() -> InvitationKnown {
        InvitationKnown {
            guard: Some(guard()),
            action: "/invitation/1/t0ken".into(),
            sign_in: "/sign-in?next=/invitation/1/t0ken".into(),
            practice: "Kloof Physiotherapy".into(),
            invited_by: "Jan de Wet".into(),
            roles: "practitioner".into(),
            email: "thandi@harbourstreet.example".into(),
        }
    }

    pub(crate) fn codes() -> Vec<String> {
        ["q7mf-2k9x-hd4t-w8rc", "n3vb-6j5p-zs2y-e9ga", "x4tr-8wq2-cm7k-b5hd", "j9fe-3np6-yv8s-t2zu"]
            .into_iter()
            .chain(["h6kc-5rd9-q3wm-x7be", "s8yz-4tg2-v6jn-p9fa", "d5mr-7xk3-e8hq-c2wt", "b9ns-6vj4-z3py-g7ue"])
            .chain(["w2fh-9kd5-r6tc-m8xq", "p7ea-3sz8-n4bv-y6jg"])
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn first_codes() -> FirstCodes {
        FirstCodes {
            codes: codes(),
            email: "sipho@harbourstreet.example".into(),
            made: crate::views::patient::fixture::moment("2026-11-22T12:02:31Z"),
            next: "/".into(),
        }
    }
}
