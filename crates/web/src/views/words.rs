//! Codes of the record as words on the page. An unknown code shows as it is: a new action must
//! never make a page fail, only look unfinished until its text is written.

use crate::text::{say, say_with};

/// A role of a membership, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Team, money, figures; no clinical content.
    Owner,
    /// Like an owner, and patients' contacts; may not touch owners.
    Administrator,
    /// The clinical record.
    Practitioner,
    /// Contacts and the front desk.
    Reception,
    /// Money; finds patients, edits none.
    Finance,
}

impl Role {
    /// Every role, in the order of the team page.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Administrator, Self::Practitioner, Self::Reception, Self::Finance];

    /// What forms send, in the field `role`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Practitioner => "practitioner",
            Self::Reception => "reception",
            Self::Finance => "finance",
        }
    }

    /// The role of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Its name.
    #[must_use]
    pub fn label(self) -> String {
        say(match self {
            Self::Owner => "role-owner",
            Self::Administrator => "role-administrator",
            Self::Practitioner => "role-practitioner",
            Self::Reception => "role-reception",
            Self::Finance => "role-finance",
        })
    }

    /// What it allows, in a line.
    #[must_use]
    pub fn hint(self) -> String {
        say(match self {
            Self::Owner => "role-owner-hint",
            Self::Administrator => "role-administrator-hint",
            Self::Practitioner => "role-practitioner-hint",
            Self::Reception => "role-reception-hint",
            Self::Finance => "role-finance-hint",
        })
    }
}

/// Why an identifier is revealed, by its code in the log.
#[must_use]
pub fn purpose(code: &str) -> String {
    say(match code {
        "treatment" => "purpose-treatment",
        "billing" => "purpose-billing",
        "patient-request" => "purpose-patient-request",
        "correction" => "purpose-correction",
        "legal" => "purpose-legal",
        _ => return code.to_owned(),
    })
}

/// An administrative gender, by its FHIR code.
#[must_use]
pub fn gender(code: &str) -> Option<String> {
    Some(say(match code {
        "female" => "gender-female",
        "male" => "gender-male",
        "other" => "gender-other",
        "unknown" => "gender-unknown",
        _ => return None,
    }))
}

/// A kind of entry, for a heading: "Problems".
#[must_use]
pub fn entries(kind: &str) -> String {
    say(match kind {
        "problem" => "record-kind-problem",
        "medication" => "record-kind-medication",
        "allergy" => "record-kind-allergy",
        "document" => "record-kind-document",
        "immunisation" => "record-kind-immunisation",
        "observation" => "record-kind-observation",
        "procedure" => "record-kind-procedure",
        "visit" => "record-kind-visit",
        _ => return kind.to_owned(),
    })
}

/// A kind of entry, for one of them: "Problem".
#[must_use]
pub fn entry(kind: &str) -> String {
    // What an earlier import kept as it came has the name of its resource.
    let kind = practice::patients::model::EntryKind::of_stored(kind).map_or(kind, |kind| kind.code());
    say(match kind {
        "problem" => "entry-kind-problem",
        "medication" => "entry-kind-medication",
        "allergy" => "entry-kind-allergy",
        "document" => "entry-kind-document",
        "immunisation" => "entry-kind-immunisation",
        "observation" => "entry-kind-observation",
        "procedure" => "entry-kind-procedure",
        "visit" => "entry-kind-visit",
        _ => return kind.to_owned(),
    })
}

/// A kind with its count, for the filter: "Problems, 14".
#[must_use]
pub fn entries_counted(kind: &str, count: u64) -> String {
    say_with("record-kind-counted", &[("kind", &entries(kind)), ("count", &count)])
}

/// By what a record was narrowed, by its name in the log: "by kind, date".
#[must_use]
pub fn narrowed_by(names: &str) -> String {
    let said = |name: &str| match name {
        "kind" => say("filtered-by-kind"),
        "date" => say("filtered-by-date"),
        "words" => say("filtered-by-words"),
        other => other.to_owned(),
    };
    let names: Vec<String> = names.split('+').map(said).collect();
    say_with("filtered-by", &[("names", &crate::text::list(names.iter().map(String::as_str)))])
}

/// What was done, by the action's name in the log.
#[must_use]
pub fn action(name: &str) -> String {
    say(match name {
        "home.read" => "action-home-read",
        "patient.find" => "action-patient-find",
        "patient.find-whole" => "action-patient-find-whole",
        "patient.read-whole" => "action-patient-read-whole",
        "patient.record-whole" => "action-clinical-read-whole",
        "patient.lookup-identifier" => "action-patient-lookup",
        "patient.lookup-found" => "action-patient-lookup-found",
        "patient.create" | "patient.new-form" => "action-patient-create",
        "patient.read" => "action-patient-read",
        "patient.edit" => "action-patient-edit",
        "patient.edit-form" => "action-patient-edit-form",
        "patient.record" | "clinical.read" => "action-clinical-read",
        "patient.restrict" | "patient.access-form" => "action-patient-restrict",
        "patient.merge" | "patient.merge-form" => "action-patient-merge",
        "patient.unmerge" => "action-patient-unmerge",
        "patient.alike" => "action-patient-alike",
        "clinical.write" => "action-clinical-write",
        "clinical.form" => "action-clinical-form",
        "patient.audit" | "patient.who-saw-what" => "action-patient-audit",
        "patient.import" => "action-import",
        "import.read" | "import.page" => "action-import-read",
        "import.send" => "action-import-send",
        "import.preview" => "action-import-preview",
        "import.ask" => "action-import-ask",
        "import.ask-undo" => "action-import-ask-undo",
        "import.gather" => "action-import-gather",
        "import.keep" => "action-import-keep",
        "import.undo" => "action-import-undo",
        "identifier.reveal" => "action-identifier-reveal",
        "team.read" => "action-team-read",
        "team.invite" | "team.invite-owner" => "action-team-invite",
        "team.invite-revoke" => "action-team-uninvite",
        "team.roles" | "team.grant-owner" => "action-team-roles",
        "team.remove" => "action-team-remove",
        "team.join" => "action-team-join",
        "team.reset-factors" => "action-team-reset",
        "team.agree-reset" => "action-team-agree",
        "team.sign-in-rule" => "action-team-rule",
        "door.let-in" => "action-door-let-in",
        "person.factor-reset-open" => "action-factors-open",
        "person.factor-reset" => "action-factors-reset",
        "audit.read" => "action-audit-read",
        "practice.edit" => "action-practice-edit",
        "practice.found" => "action-practice-found",
        "keys.rotate" => "action-keys-rotate",
        "person.sign-in" => "action-sign-in",
        "person.password-proved" => "action-password-proved",
        "person.sign-in-refused" => "action-sign-in-refused",
        "person.sign-out" => "action-sign-out",
        "session.end" => "action-session-end",
        "session.prove" => "action-session-prove",
        "session.switch" => "action-session-switch",
        "account.read" => "action-account-read",
        "person.password-change" => "action-password-change",
        "person.password-reset-ask" => "action-reset-ask",
        "person.password-reset" => "action-reset",
        "person.totp-offer" | "person.totp-enrol" => "action-totp",
        "person.passkey-enrol" => "action-passkey-added",
        "person.passkey-rename" => "action-passkey-renamed",
        "person.passkey-remove" => "action-passkey-removed",
        "person.recovery-renew" => "action-codes",
        "client.read" | "client.manage" | "client.form" => "action-client-read",
        "client.make" => "action-client-make",
        "client.end" => "action-client-end",
        "client.pass" => "action-client-pass",
        "client.pass-refused" => "action-client-pass-refused",
        "record.export" => "action-record-export",
        "export.ask" | "export.ask-patient" | "export.form" => "action-export-ask",
        "export.read" => "action-export-read",
        "export.approve" | "export.approve-patient" => "action-export-approve",
        "export.refuse" => "action-export-refuse",
        "export.withdraw" => "action-export-withdraw",
        "export.take" => "action-export-take",
        "export.taken" => "action-export-taken",
        "export.make" => "action-export-make",
        "export.audit" => "action-export-audit",
        "export.people" => "action-export-people",
        "mail.send" => "action-mail",
        _ => return name.to_owned(),
    })
}

/// Who acted, where it was no person, by the name in the log.
#[must_use]
pub fn machine(name: &str) -> String {
    say(match name {
        "visitor" => "who-visitor",
        "founding" => "who-founding",
        "import" => "who-import",
        "mail" => "who-mail",
        "rotation" => "who-rotation",
        "export" => "who-export",
        _ => return name.to_owned(),
    })
}

/// A field, by its name in the log: a column, with or without its table before a dot.
#[must_use]
pub fn field(name: &str) -> String {
    let column = name.rsplit('.').next().unwrap_or(name);
    say(match column {
        "names" | "name" | "display_name" => "field-name",
        "title" => "patient-form-title",
        "status" => "field-status",
        "occurred_at" => "field-date",
        "birth" => "patient-birth",
        "gender" => "patient-gender",
        "pronouns" => "patient-pronouns",
        "deceased" => "field-deceased",
        "contacts" => "contacts-title",
        "addresses" => "patient-address",
        "languages" => "patient-language",
        "marital" => "field-marital",
        "rest" => "field-rest",
        "active" => "field-active",
        "restricted" => "field-restricted",
        "merged_into" => "field-merged",
        "passed" => "field-passed",
        "person_id" => "field-may-open",
        "kind" | "resource_type" => "identifier-kind",
        "value" => "identifier-number",
        "masked" => "field-masked",
        "text" => "field-text",
        "severity" => "alert-weight",
        "summary" => "field-summary",
        "body" | "resource" => "field-body",
        "roles" => "field-roles",
        "scopes" => "connection-permissions",
        "keys" => "connection-keys",
        "email" => "field-email",
        _ => return name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_role_leads_back_to_it() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
    }

    #[test]
    fn an_unknown_action_shows_as_it_is() {
        assert_eq!(action("diary.move"), "diary.move");
    }
}
