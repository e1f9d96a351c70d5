//! What a connection may do, in words: each box on the form stands for scopes.

use store::Scopes;

use crate::text::say;
use crate::views::Choice;

/// A box: its value in the form, the scopes it stands for, the keys of its words.
struct Permission {
    code: &'static str,
    scopes: &'static str,
    label: &'static str,
    hint: &'static str,
}

const fn permission(code: &'static str, scopes: &'static str, label: &'static str, hint: &'static str) -> Permission {
    Permission { code, scopes, label, hint }
}

/// In the order of the form. The first stands for all that only reads.
const PERMISSIONS: [Permission; 12] = [
    permission("everything", "system/*.rs", "permission-everything", "permission-everything-hint"),
    permission(
        "patients",
        "system/Patient.rs system/RelatedPerson.rs",
        "permission-patients",
        "permission-patients-hint",
    ),
    permission("patients-change", "system/Patient.cu", "permission-change", "permission-change-hint"),
    permission("allergies", "system/AllergyIntolerance.rs", "permission-allergies", ""),
    permission("problems", "system/Condition.rs", "permission-problems", ""),
    permission("medication", "system/MedicationRequest.rs system/Immunization.rs", "permission-medication", ""),
    permission("measurements", "system/Observation.rs", "permission-measurements", ""),
    permission("visits", "system/Encounter.rs system/Procedure.rs system/Device.rs", "permission-visits", ""),
    permission("documents", "system/DocumentReference.rs", "permission-documents", ""),
    permission(
        "record-change",
        "system/AllergyIntolerance.cu system/Condition.cu system/DocumentReference.cu system/Encounter.cu \
         system/Immunization.cu system/MedicationRequest.cu system/Observation.cu system/Procedure.cu",
        "permission-write",
        "permission-write-hint",
    ),
    permission(
        "directory",
        "system/Practitioner.rs system/PractitionerRole.rs system/Organization.rs system/Location.rs",
        "permission-directory",
        "",
    ),
    permission(
        "identifiers",
        "vouchsafe/identifier.reveal vouchsafe/identifier.lookup",
        "permission-identifiers",
        "permission-identifiers-hint",
    ),
];

impl Permission {
    fn scopes(&self) -> Scopes {
        self.scopes.parse().unwrap_or_default()
    }
}

/// The boxes, those that were ticked ticked.
pub(super) fn choices(ticked: &[String]) -> Vec<Choice> {
    PERMISSIONS
        .iter()
        .map(|one| {
            let choice = Choice::new(one.code, say(one.label), ticked.iter().any(|code| code == one.code));
            if one.hint.is_empty() { choice } else { choice.explained(say(one.hint)) }
        })
        .collect()
}

/// The scopes of the boxes that were ticked. What is no box is nothing: the page offers none such.
pub(super) fn sent(ticked: &[String]) -> Scopes {
    let chosen = PERMISSIONS.iter().filter(|one| ticked.iter().any(|code| code == one.code));
    chosen.fold(Scopes::default(), |all, one| all.or(one.scopes()))
}

/// Scopes in words; what no box stands for as it is written.
pub(super) fn said(scopes: Scopes) -> Vec<String> {
    let (mut words, mut told) = (Vec::new(), Scopes::default());
    for one in &PERMISSIONS {
        let box_scopes = one.scopes();
        let has_all = scopes.and(box_scopes) == box_scopes;
        // A box that adds nothing to those before it is not told twice.
        if has_all && told.or(box_scopes) != told {
            words.push(say(one.label));
            told = told.or(box_scopes);
        }
    }
    if told.and(scopes) != scopes {
        words.push(scopes.to_string());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_box_stands_for_scopes_and_is_told_by_its_own_words() {
        for one in &PERMISSIONS {
            let scopes = sent(&[one.code.to_owned()]);
            assert!(!scopes.is_empty(), "{}", one.code);
            assert_eq!(said(scopes), [say(one.label)], "{}", one.code);
        }
        assert!(sent(&["no such box".to_owned()]).is_empty());
    }

    #[test]
    fn what_everything_holds_already_is_not_told_again_and_what_no_box_holds_is() {
        let scopes = sent(&["everything".to_owned(), "problems".to_owned(), "patients-change".to_owned()]);
        assert_eq!(said(scopes), [say("permission-everything"), say("permission-change")]);
        assert_eq!(said("system/Condition.r".parse().unwrap()), ["system/Condition.r"]);
    }
}
