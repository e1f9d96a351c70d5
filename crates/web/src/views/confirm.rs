//! One question before something that is hard to undo. The question repeats whom it is about.

use askama::Template;

use super::form::{Errors, Guard};
use super::patient::Banner;
use super::record::Fact;
use super::shell::Shell;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// The words of a question.
#[derive(Debug, Clone)]
pub struct Question {
    /// The question: "Remove Sipho Khumalo from Harbour Street Practice?"
    pub title: String,
    /// What will happen, in a sentence or two.
    pub what_happens: String,
    /// What it is about.
    pub facts: Vec<Fact>,
    /// The button: "Remove Sipho Khumalo".
    pub button: String,
    /// Where the form posts.
    pub action: String,
    /// Where "Cancel" leads.
    pub back: String,
}

impl Question {
    /// Before removing someone: `GET` and `POST /team/{person}/remove`.
    #[must_use]
    pub fn remove_member(id: &str, name: &str, email: Option<&str>, practice: &str) -> Self {
        use crate::text::{say, say_with};
        Self {
            title: say_with("team-remove-title", &[("name", &name), ("practice", &practice)]),
            what_happens: say("team-remove-what"),
            facts: email.map(|email| Fact { label: say("field-email"), value: email.to_owned() }).into_iter().collect(),
            button: say_with("team-remove-button", &[("name", &name)]),
            action: format!("/team/{id}/remove"),
            back: "/team".to_owned(),
        }
    }

    /// Before letting somebody in again: `GET` and `POST /team/{person}/let-in`.
    #[must_use]
    pub fn let_in(id: &str, name: &str, email: &str, practice: &str) -> Self {
        use crate::text::{say, say_with};
        Self {
            title: say_with("let-in-title", &[("name", &name), ("practice", &practice)]),
            what_happens: say_with("let-in-what", &[("name", &name)]),
            facts: vec![Fact { label: say("field-email"), value: email.to_owned() }],
            button: say_with("let-in-button", &[("name", &name)]),
            action: format!("/team/{id}/let-in"),
            back: "/team".to_owned(),
        }
    }

    /// Before ending a connection: `GET` and `POST /team/connections/{id}/end`.
    #[must_use]
    pub fn end_connection(id: &str, name: &str) -> Self {
        use crate::text::{say, say_with};
        Self {
            title: say_with("connection-end-title", &[("name", &name)]),
            what_happens: say("connection-end-what"),
            facts: Vec::new(),
            button: say_with("connection-end-button", &[("name", &name)]),
            action: format!("/team/connections/{id}/end"),
            back: "/team/connections".to_owned(),
        }
    }

    /// Before ending an alert: `GET` and `POST /patients/{id}/alerts/{alert}/end`.
    #[must_use]
    pub fn end_alert(patient: &str, name: &str, alert: &str, text: &str) -> Self {
        use crate::text::{say, say_with};
        Self {
            title: say_with("alert-end-title", &[("name", &name)]),
            what_happens: say("alert-end-what"),
            facts: vec![Fact { label: say("alert-label"), value: text.to_owned() }],
            button: say_with("alert-end-button", &[("name", &name)]),
            action: format!("/patients/{patient}/alerts/{alert}/end"),
            back: format!("/patients/{patient}"),
        }
    }

    /// Before removing an identifier: `GET` and `POST /patients/{id}/identifiers/{identifier}/remove`.
    #[must_use]
    pub fn remove_identifier(patient: &str, name: &str, identifier: &str, kind: &str, masked: &str) -> Self {
        use crate::text::{say, say_with};
        Self {
            title: say_with("identifier-remove-title", &[("name", &name)]),
            what_happens: say("identifier-remove-what"),
            facts: vec![Fact { label: kind.to_owned(), value: masked.to_owned() }],
            button: say_with("identifier-remove-button", &[("name", &name)]),
            action: format!("/patients/{patient}/identifiers/{identifier}/remove"),
            back: format!("/patients/{patient}"),
        }
    }
}

/// A confirmation page.
///
/// Fields: `version` (hidden) where the row has one.
#[derive(Debug, Clone, Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    /// Round the page.
    pub shell: Shell,
    /// Whom it is about, on a patient's pages.
    pub banner: Option<Banner>,
    /// Hidden fields.
    pub guard: Guard,
    /// What stands in the way.
    pub errors: Errors,
    /// The words.
    pub question: Question,
    /// `version`; empty where the row has none.
    pub version: String,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::banner;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn remove_member() -> Confirm {
        Confirm {
            shell: shell(Room::Team),
            banner: None,
            guard: guard(),
            errors: Errors::none(),
            question: Question::remove_member(
                "2",
                "Sipho Khumalo",
                Some("sipho@harbourstreet.example"),
                "Harbour Street Practice",
            ),
            version: String::new(),
        }
    }

    pub(crate) fn let_in() -> Confirm {
        let email = "piet@harbourstreet.example";
        Confirm { question: Question::let_in("4", "Piet Fourie", email, "Harbour Street Practice"), ..remove_member() }
    }

    pub(crate) fn end_alert() -> Confirm {
        Confirm {
            shell: shell(Room::Patients),
            banner: Some(banner(Tab::Aside)),
            question: Question::end_alert(
                "01985f4e-0000-7000-8000-000000000001",
                "Lindiwe Grace Mokoena",
                "a1",
                "Uses a hearing aid on the left: speak from the right",
            ),
            version: "4".into(),
            ..remove_member()
        }
    }

    pub(crate) fn remove_identifier() -> Confirm {
        Confirm {
            question: Question::remove_identifier(
                "01985f4e-0000-7000-8000-000000000001",
                "Lindiwe Grace Mokoena",
                "i1",
                "South African ID number",
                "•••••••••• 088",
            ),
            ..end_alert()
        }
    }
}
