//! Finding patients, looking one up by an identifier, writing one down.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::shell::Shell;
use super::when::{Day, Moment};
use crate::text::{self, filters};

/// A patient in a list.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The id in the address.
    pub id: String,
    /// The name as the person writes it.
    pub name: String,
    /// The preferred name, where it differs.
    pub preferred: Option<String>,
    /// The birth date.
    pub birth: Option<Day>,
    /// The age: [`super::when::age`].
    pub age: Option<String>,
    /// The gender in words.
    pub gender: Option<String>,
    /// One phone number, to tell two of a name apart.
    pub phone: Option<String>,
}

/// What a search gave.
#[derive(Debug, Clone)]
pub enum Found {
    /// Nothing was asked. The people opened lately may stand here.
    Nothing(Vec<Hit>),
    /// Nobody matches.
    None,
    /// These.
    These(Vec<Hit>),
    /// More than are shown; the first of them.
    TooMany(Vec<Hit>),
}

/// Looking up one exact identifier, an act of its own; posts to `/patients/lookup`.
///
/// Fields: `kind`, `number`. One match answers 303 to the patient; several (a number that a family
/// shares) answer [`Patients`] with [`Found::These`].
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The kinds that can be looked up.
    pub kinds: Vec<Choice>,
    /// As typed.
    pub number: String,
    /// The number was well formed and no patient here has it.
    pub nobody: bool,
}

/// `GET /patients?q=`, and the answer of `/patients/lookup`.
///
/// The find box asks for the same address while typing and takes `#results` out of the answer.
#[derive(Debug, Clone, Template)]
#[template(path = "patients/list.html")]
pub struct Patients {
    /// Round the page.
    pub shell: Shell,
    /// As typed.
    pub q: String,
    /// What it gave.
    pub found: Found,
    /// `None` where the roles look nothing up.
    pub lookup: Option<Lookup>,
    /// Whether "New patient" is offered.
    pub may_create: bool,
    /// The practice has no patients yet.
    pub empty_practice: bool,
}

/// A patient as typed; the fields have these names.
#[derive(Debug, Clone, Default)]
pub struct PatientValues {
    /// `title`: "Dr", "Ms".
    pub title: String,
    /// `given`
    pub given: String,
    /// `family`
    pub family: String,
    /// `preferred`
    pub preferred: String,
    /// `pronouns`
    pub pronouns: String,
    /// `birth_date`, in the site's order or with the month as a word.
    pub birth_date: String,
    /// `gender`
    pub gender: Vec<Choice>,
    /// `phone`
    pub phone: String,
    /// `email`
    pub email: String,
    /// `address`: street lines, one a line.
    pub address: String,
    /// `city`
    pub city: String,
    /// `state`
    pub state: String,
    /// `postal_code`
    pub postal_code: String,
    /// `country`
    pub country: String,
    /// `language`
    pub language: String,
}

/// One field that two people changed.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The field's id on the page.
    pub field: String,
    /// Its label.
    pub label: String,
    /// What stands in the record now.
    pub theirs: String,
    /// What was typed, and is still in the form.
    pub yours: String,
}

/// Someone else saved first. The form keeps what was typed and carries the new version, so that
/// saving again is deliberate.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Who saved; `None` where it was a job.
    pub by: Option<String>,
    /// When.
    pub at: Moment,
    /// Every field that differs.
    pub differences: Vec<Difference>,
}

/// Whom an edit is about.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The id in the address.
    pub id: String,
    /// The name as it stands in the record.
    pub name: String,
    /// The birth date as it stands in the record.
    pub birth: Option<Day>,
    /// `version` (hidden).
    pub version: String,
}

/// `GET /patients/new`, posts to `/patients/new`; `GET /patients/{id}/edit`, posts to the same.
///
/// Fields: those of [`PatientValues`]; when editing also `version`; when [`Self::similar`] is not
/// empty also the checkbox `another` (`yes`: it is someone else; nothing is sent when unchecked).
#[derive(Debug, Clone, Template)]
#[template(path = "patients/form.html")]
pub struct PatientForm {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// `None` for a new patient.
    pub edited: Option<Edited>,
    /// As typed.
    pub values: PatientValues,
    /// How the site writes dates, as an example of its own: "7 3 1984".
    pub date_example: String,
    /// Someone else saved first.
    pub conflict: Option<Conflict>,
    /// Patients who may be the same person.
    pub similar: Vec<Hit>,
}

impl PatientForm {
    /// Where the form posts.
    #[must_use]
    pub fn action(&self) -> String {
        self.edited.as_ref().map_or_else(|| "/patients/new".to_owned(), |e| format!("/patients/{}/edit", e.id))
    }

    /// Who saved first, and when, in a sentence.
    #[must_use]
    pub fn conflict_title(&self) -> String {
        let Some(conflict) = &self.conflict else { return String::new() };
        let when = super::when::spoken(&conflict.at);
        match &conflict.by {
            Some(by) => text::say_with("conflict-title", &[("who", by), ("when", &when)]),
            None => text::say_with("conflict-title-job", &[("when", &when)]),
        }
    }

    /// Where "Cancel" leads.
    #[must_use]
    pub fn back(&self) -> String {
        self.edited.as_ref().map_or_else(|| "/patients".to_owned(), |e| format!("/patients/{}", e.id))
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use jiff::civil::date;

    use super::*;
    use crate::views::patient::fixture::moment;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    fn hit(id: u32, name: &str, birth: (i16, i8, i8), gender: &str, phone: &str) -> Hit {
        let birth = date(birth.0, birth.1, birth.2);
        Hit {
            id: format!("01985f4e-0000-7000-8000-{id:012}"),
            name: name.into(),
            preferred: None,
            birth: Some(Day::of(birth)),
            age: crate::views::when::age(birth, date(2026, 11, 22)),
            gender: crate::views::words::gender(gender),
            phone: Some(phone.into()),
        }
    }

    pub(crate) fn hits() -> Vec<Hit> {
        let mut hits = vec![
            hit(1, "Lindiwe Grace Mokoena", (1984, 3, 7), "female", "082 555 0143"),
            hit(2, "Lindelani Mokoena", (2019, 8, 30), "male", "082 555 0143"),
            hit(3, "فاطمة الزهراء", (1991, 12, 1), "female", "071 555 0188"),
            hit(4, "王芳", (1967, 6, 15), "female", "084 555 0126"),
            hit(5, "Linus van der Westhuizen-Pietersen", (1949, 1, 24), "male", "021 555 0170"),
        ];
        hits[0].preferred = Some("Lindi".into());
        hits[2].phone = None;
        hits
    }

    pub(crate) fn lookup() -> Lookup {
        Lookup {
            guard: guard(),
            errors: Errors::none(),
            kinds: vec![
                Choice::new("za-id", "South African ID number", true),
                Choice::new("insurance", "Medical aid or insurance number", false),
                Choice::new("passport", "Passport number", false),
            ],
            number: String::new(),
            nobody: false,
        }
    }

    pub(crate) fn found() -> Patients {
        Patients {
            shell: shell(Room::Patients),
            q: "lin mok".into(),
            found: Found::These(hits()),
            lookup: Some(lookup()),
            may_create: true,
            empty_practice: false,
        }
    }

    pub(crate) fn nobody() -> Patients {
        Patients {
            q: "zuk".into(),
            found: Found::None,
            lookup: Some(Lookup { number: "8403070143088".into(), nobody: true, ..lookup() }),
            ..found()
        }
    }

    pub(crate) fn too_many() -> Patients {
        Patients { q: "l".into(), found: Found::TooMany(hits()), ..found() }
    }

    pub(crate) fn empty() -> Patients {
        Patients { q: String::new(), found: Found::Nothing(Vec::new()), empty_practice: true, ..found() }
    }

    pub(crate) fn new_patient() -> PatientForm {
        PatientForm {
            shell: shell(Room::Patients),
            guard: guard(),
            errors: Errors::none(),
            edited: None,
            values: PatientValues {
                gender: ["female", "male", "other", "unknown"]
                    .into_iter()
                    .map(|g| Choice::new(g, crate::views::words::gender(g).unwrap(), false))
                    .collect(),
                ..PatientValues::default()
            },
            date_example: "7 3 1984".into(),
            conflict: None,
            similar: Vec::new(),
        }
    }

    pub(crate) fn refused() -> PatientForm {
        let mut form = new_patient();
        form.values.given = "Lindiwe Grace".into();
        form.values.family = "Mokoena".into();
        form.values.birth_date = "7 13 2031".into();
        form.values.email = "lindi(at)example".into();
        form.errors.add("birth_date", "Enter a birth date in the past");
        form.errors.add("email", "Enter an e-mail address, such as name@example.com");
        form.similar = hits().into_iter().take(1).collect();
        form
    }

    pub(crate) fn conflict() -> PatientForm {
        let mut form = new_patient();
        form.edited = Some(Edited {
            id: "01985f4e-0000-7000-8000-000000000001".into(),
            name: "Lindiwe Grace Mokoena".into(),
            birth: Some(Day::of(date(1984, 3, 7))),
            version: "8".into(),
        });
        form.values.given = "Lindiwe Grace".into();
        form.values.family = "Mokoena-Dlamini".into();
        form.values.preferred = "Lindi".into();
        form.values.birth_date = "7 3 1984".into();
        form.values.phone = "082 555 0143".into();
        form.values.address = "14 Harbour Street\nHout Bay".into();
        form.conflict = Some(Conflict {
            by: Some("Sipho Khumalo".into()),
            at: moment("2026-11-22T12:02:31Z"),
            differences: vec![
                Difference {
                    field: "family".into(),
                    label: "Family name".into(),
                    theirs: "Mokoena".into(),
                    yours: "Mokoena-Dlamini".into(),
                },
                Difference {
                    field: "phone".into(),
                    label: "Phone".into(),
                    theirs: "082 555 0199".into(),
                    yours: "082 555 0143".into(),
                },
            ],
        });
        form
    }
}
