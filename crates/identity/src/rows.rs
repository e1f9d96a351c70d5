//! The tables of this room, each declared once. Persons, sessions and what opens the door live under
//! the house, sealed with the person's own key; memberships and invitations under each practice.
#![allow(
    dead_code,
    clippy::struct_field_names,
    reason = "the macro gives every row the same fields, of which not each is read, named as the columns are"
)]

use jiff::Timestamp;
use kernel::{InvitationId, PersonId, PracticeId, SessionId, Source};
use uuid::Uuid;

use crate::passkeys::Credential;
use crate::password::PasswordHash;
use crate::totp::TotpSecret;

store::sealed_row! {
    /// A practice in the house's list.
    pub(crate) row ListingRow opens Listing patched by ListingPatch in "practice_listing" id PracticeId, keyed practice {
        clear { slug: String, state: String }
        sealed {}
    }
}

store::sealed_row! {
    /// A practice, under itself.
    pub(crate) row PracticeRow opens Practice patched by PracticePatch in "practice" id PracticeId, keyed practice {
        clear { time_zone: String, country: String, factors: String }
        sealed { name: String }
    }
}

store::sealed_row! {
    /// A person: one login.
    pub(crate) row PersonRow opens Person patched by PersonPatch in "person" id PersonId, keyed person(id) {
        clear { email_token: Vec<u8>, state: String, created_at: Timestamp, secured_at: Timestamp }
        sealed {
            display_name: String,
            email: String,
            language: Option<String>,
            password: Option<PasswordHash>,
            totp: Option<TotpSecret>,
        }
        secret [password, totp]
    }
}

store::sealed_row! {
    /// A signed-in browser.
    pub(crate) row SessionRow opens Session patched by SessionPatch in "session" id SessionId, keyed person(person_id) {
        clear {
            token_hash: Vec<u8>,
            person_id: PersonId,
            entered: Option<PracticeId>,
            factors: String,
            created_at: Timestamp,
            expires_at: Timestamp,
            proved_at: Timestamp,
            ended_at: Option<Timestamp>,
            ended_why: Option<String>,
        }
        sealed { browser: Option<String>, source: Source }
    }
}

store::sealed_row! {
    /// A session with when it was last used.
    pub(crate) view SeenSessionRow opens SeenSession in "session" id SessionId, keyed person(person_id) {
        clear { person_id: PersonId, created_at: Timestamp, seen_at: Timestamp }
        sealed { browser: Option<String>, source: Source }
    }
}

store::sealed_row! {
    /// A browser between password and second factor, or a signed-in one that replaces its second factor.
    pub(crate) row HalfRow opens Half patched by HalfPatch in "half_sign_in" id Uuid, keyed person(person_id) {
        clear {
            token_hash: Vec<u8>,
            person_id: PersonId,
            session_id: Option<SessionId>,
            next: String,
            created_at: Timestamp,
            expires_at: Timestamp,
            spent_at: Option<Timestamp>,
        }
        sealed { enrolling: Option<TotpSecret> }
        secret [enrolling]
    }
}

store::sealed_row! {
    /// A recovery code, as its hash.
    pub(crate) row CodeRow opens Code patched by CodePatch in "recovery_code" id Uuid, keyed person(person_id) {
        clear { person_id: PersonId, code_hash: Vec<u8>, created_at: Timestamp, used_at: Option<Timestamp> }
        sealed {}
    }
}

store::sealed_row! {
    /// A passkey: the public half of a key pair of a person's device.
    pub(crate) row PasskeyRow opens Passkey patched by PasskeyPatch in "passkey" id Uuid, keyed person(person_id) {
        clear { person_id: PersonId, key_hash: Vec<u8>, created_at: Timestamp, used_at: Option<Timestamp> }
        sealed { name: String, credential: Credential }
        secret [credential]
    }
}

store::sealed_row! {
    /// A link with which a new password can be chosen.
    pub(crate) row ResetRow opens Reset patched by ResetPatch in "password_reset" id Uuid, keyed person(person_id) {
        clear {
            person_id: PersonId,
            token_hash: Vec<u8>,
            created_at: Timestamp,
            expires_at: Timestamp,
            used_at: Option<Timestamp>,
        }
        sealed {}
    }
}

store::sealed_row! {
    /// A link with which the second factor can be set up anew. Ended without being used: nothing has changed.
    pub(crate) row FactorResetRow opens FactorReset patched by FactorResetPatch in "factor_reset" id Uuid, keyed person(person_id) {
        clear {
            person_id: PersonId,
            begun_in: PracticeId,
            token_hash: Vec<u8>,
            created_at: Timestamp,
            expires_at: Timestamp,
            used_at: Option<Timestamp>,
            ended_at: Option<Timestamp>,
        }
        sealed {}
    }
}

store::sealed_row! {
    /// A practice has agreed to a reset that was begun in another.
    pub(crate) row AgreedRow opens Agreed patched by AgreedPatch in "factor_reset_agreed" id Uuid, keyed person(person_id) {
        clear { person_id: PersonId, reset_id: Uuid, agreed_in: PracticeId, created_at: Timestamp }
        sealed {}
    }
}

store::sealed_row! {
    /// A practice that a person can enter. No permission: the membership in the practice decides.
    pub(crate) row DoorRow opens Door patched by DoorPatch in "door" id Uuid, keyed person(person_id) {
        clear { person_id: PersonId, opens: PracticeId, created_at: Timestamp }
        sealed {}
    }
}

store::sealed_row! {
    /// What a practice knows of one of its people. Its id is the person's.
    pub(crate) row MembershipRow opens Membership patched by MembershipPatch in "membership" id PersonId, keyed practice {
        clear { roles: String, status: String, joined_at: Timestamp, ended_at: Option<Timestamp> }
        sealed { display_name: String, email: String, title: Option<String> }
    }
}

store::sealed_row! {
    /// An offer of membership.
    pub(crate) row InvitationRow opens Invitation patched by InvitationPatch in "invitation" id InvitationId, keyed practice {
        clear {
            token_hash: Vec<u8>,
            email_token: Vec<u8>,
            roles: String,
            invited_by: Uuid,
            status: String,
            created_at: Timestamp,
            expires_at: Timestamp,
            settled_at: Option<Timestamp>,
            accepted_by: Option<PersonId>,
        }
        sealed { email: String, display_name: String, title: Option<String> }
    }
}
