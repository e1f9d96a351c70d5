//! Writing in a record by hand, and changing what stands there.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::form::{Choice, Errors, Guard};
use super::patient::Banner;
use super::shell::Shell;
use super::when::Day;
use crate::fields::Fields;
use crate::text::{filters, say};

/// What can be written by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An allergy, or that none is known.
    Allergy,
    /// A medication.
    Medication,
    /// A problem.
    Problem,
    /// An immunisation.
    Immunisation,
    /// Measurements of one time.
    Measurement,
}

impl What {
    /// Each, in the order in which it is offered.
    pub const ALL: [Self; 5] = [Self::Problem, Self::Medication, Self::Allergy, Self::Immunisation, Self::Measurement];

    /// Its name in an address.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allergy => "allergy",
            Self::Medication => "medication",
            Self::Problem => "problem",
            Self::Immunisation => "immunisation",
            Self::Measurement => "measurement",
        }
    }

    /// The heading of its form, and the words of the way to it.
    #[must_use]
    pub fn title(self) -> String {
        say(match self {
            Self::Allergy => "write-allergy",
            Self::Medication => "write-medication",
            Self::Problem => "write-problem",
            Self::Immunisation => "write-immunisation",
            Self::Measurement => "write-measurement",
        })
    }
}

/// What was typed, to be shown again as it was.
#[derive(Clone, Default, Serialize)]
pub struct Typed(Vec<(String, String)>);

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed(..)")
    }
}

impl Typed {
    /// Every field of a form.
    #[must_use]
    pub fn of(fields: &Fields) -> Self {
        Self(fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a field; empty if nothing was typed.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether a box was ticked.
    #[must_use]
    pub fn is_ticked(&self, name: &str) -> bool {
        self.value(name) == "yes"
    }

    fn choices(&self, name: &str, all: &[(&str, &str)]) -> Vec<Choice> {
        all.iter().map(|(code, key)| Choice::new(*code, say(key), self.value(name) == *code)).collect()
    }
}

/// `GET /patients/{id}/write/{what}`; also the answer to what was refused.
///
/// Fields: those of the forms of `practice::patients::clinical`. `confirmed` (`yes`): that values beyond what
/// is usual are right.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/write.html")]
pub struct Write {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// What needs a second look.
    pub unusual: Errors,
    /// Which form.
    pub what: What,
    /// As typed.
    pub typed: Typed,
    /// How a date is typed here, by example.
    pub date_example: String,
}

impl Write {
    fn categories(&self) -> Vec<Choice> {
        let all = [
            ("medication", "category-medication"),
            ("food", "category-food"),
            ("environment", "category-environment"),
            ("biologic", "category-biologic"),
        ];
        self.typed.choices("category", &all)
    }

    fn criticalities(&self) -> Vec<Choice> {
        let all =
            [("high", "criticality-high"), ("low", "criticality-low"), ("unable-to-assess", "criticality-unknown")];
        self.typed.choices("criticality", &all)
    }

    fn severities(&self) -> Vec<Choice> {
        let all = [("mild", "severity-mild"), ("moderate", "severity-moderate"), ("severe", "severity-severe")];
        self.typed.choices("severity", &all)
    }
}

/// What becomes of an entry, in words.
#[must_use]
pub fn change_said(code: &str) -> String {
    say(match code {
        "resolved" => "change-resolved",
        "inactive" => "change-inactive",
        "stopped" => "change-stopped",
        "completed" => "change-completed",
        "entered-in-error" => "change-error",
        _ => return code.to_owned(),
    })
}

/// `GET /patients/{id}/record/{entry}/change`; also the answer to what was refused.
///
/// Fields: `change` (a code), `on`, `remark`, `version` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "patient/change.html")]
pub struct Change {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The entry's id.
    pub entry: String,
    /// The patient's name, repeated where it matters.
    pub name: String,
    /// The kind in words.
    pub kind: String,
    /// What it is.
    pub title: String,
    /// What was measured.
    pub value: Option<String>,
    /// When it was.
    pub when: Option<Day>,
    /// The version that the form was made from.
    pub version: String,
    /// What can become of it.
    pub changes: Vec<Choice>,
    /// Whether it is asked since when.
    pub dated: bool,
    /// As typed.
    pub on: String,
    /// As typed.
    pub remark: String,
    /// How a date is typed here, by example.
    pub date_example: String,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::banner;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn form(what: What) -> Write {
        Write {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            guard: guard(),
            errors: Errors::none(),
            unusual: Errors::none(),
            what,
            typed: Typed::default(),
            date_example: "07/03/1984".into(),
        }
    }

    pub(crate) fn refused() -> Write {
        let mut errors = Errors::none();
        errors.add("substance", "Enter what the allergy is to");
        let typed = Typed(vec![("reaction".into(), "Wheal".into()), ("severity".into(), "severe".into())]);
        Write { errors, typed, ..form(What::Allergy) }
    }

    pub(crate) fn unusual() -> Write {
        let mut unusual = Errors::none();
        unusual.add("weight", "Is 725 kg right? Most are between 0.5 and 300 kg");
        let typed = Typed(vec![("weight".into(), "725".into())]);
        Write { unusual, typed, ..form(What::Measurement) }
    }

    pub(crate) fn change() -> Change {
        Change {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            guard: guard(),
            errors: Errors::none(),
            entry: "01985f4e-0000-7000-8000-00000000d00d".into(),
            name: "Lindiwe Mokoena".into(),
            kind: "Problem".into(),
            title: "Asthma".into(),
            value: None,
            when: None,
            version: "1".into(),
            changes: ["resolved", "inactive", "entered-in-error"]
                .map(|c| Choice::new(c, change_said(c), false))
                .to_vec(),
            dated: true,
            on: String::new(),
            remark: String::new(),
            date_example: "07/03/1984".into(),
        }
    }
}
