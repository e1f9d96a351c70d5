//! One patient: the banner that is always in view, and the page below it.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::record::EntryRow;
use super::shell::Shell;
use super::when::{Day, Moment};
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// The pages of a patient, for the tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// `/patients/{id}`
    Overview,
    /// `/patients/{id}/record`
    Record,
    /// `/patients/{id}/audit`
    Audit,
    /// A page below one of these, such as a confirmation.
    Aside,
}

/// How heavy an alert or an allergy weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Danger to life or limb; also any allergy of high criticality.
    High,
    /// Everything else.
    Usual,
}

/// An alert in the banner.
#[derive(Debug, Clone)]
pub struct BannerAlert {
    /// In words, as written.
    pub text: String,
    /// How heavy.
    pub weight: Weight,
}

/// An allergy in the banner.
#[derive(Debug, Clone)]
pub struct Allergy {
    /// To what.
    pub substance: String,
    /// What happens, where it is known.
    pub reaction: Option<String>,
    /// How heavy.
    pub weight: Weight,
}

/// What the banner says of allergies.
#[derive(Debug, Clone)]
pub enum Allergies {
    /// The roles do not read the clinical record: the banner says nothing.
    NotShown,
    /// None is recorded, which is not the same as none.
    NoneRecorded,
    /// Recorded: no known allergies.
    NoneKnown,
    /// These. Damaged ones are counted beside them.
    These(Vec<Allergy>, u32),
}

/// A revealed identifier.
#[derive(Debug, Clone)]
pub struct Revealed {
    /// The value.
    pub value: String,
    /// Who revealed it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// From which address.
    pub from: String,
    /// For what, in words.
    pub purpose: String,
    /// After so many seconds the page masks it again.
    pub seconds: u32,
}

/// One identifier of a patient, masked; also the fragment that a reveal by htmx answers
/// (`#identifier-{id}`, swapped whole).
///
/// The reveal posts to `/patients/{patient}/identifiers/{id}/reveal`. Fields: `purpose`
/// (a code of the store; its words: [`super::words::purpose`]). Its errors are named `purpose`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/identifier.html")]
pub struct Identifier {
    /// The identifier's id.
    pub id: String,
    /// The patient's id.
    pub patient: String,
    /// The patient's name, repeated beside the reveal.
    pub patient_name: String,
    /// The kind in words.
    pub kind: String,
    /// The masked value, `•••• 088`; `None` when it is damaged.
    pub masked: Option<String>,
    /// With it the reveal is offered.
    pub reveal: Option<Guard>,
    /// The purposes to choose from.
    pub purposes: Vec<Choice>,
    /// What to put right.
    pub errors: Errors,
    /// The value, right after a reveal.
    pub revealed: Option<Revealed>,
    /// Whether removing it is offered (a link to `…/identifiers/{id}/remove`).
    pub may_remove: bool,
}

/// Who this is: the same on every page of a patient, always in view.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "what a page offers is yes or no, one by one")]
pub struct Banner {
    /// The id in the address.
    pub id: String,
    /// The name as the person writes it.
    pub name: String,
    /// The preferred name, where it differs.
    pub preferred: Option<String>,
    /// Pronouns.
    pub pronouns: Option<String>,
    /// The birth date.
    pub birth: Option<Day>,
    /// The age: [`super::when::age`]; at death, when they died.
    pub age: Option<String>,
    /// The gender in words.
    pub gender: Option<String>,
    /// When they died.
    pub died: Option<Day>,
    /// Whether they died, also where nobody knows when.
    pub dead: bool,
    /// Whether the record is no longer active.
    pub inactive: bool,
    /// Whether only named people may open the record.
    pub restricted: bool,
    /// Alerts that stand.
    pub alerts: Vec<BannerAlert>,
    /// Allergies.
    pub allergies: Allergies,
    /// Masked identifiers.
    pub identifiers: Vec<Identifier>,
    /// The tab of this page.
    pub tab: Tab,
    /// Whether the clinical record is open to this person.
    pub may_read_record: bool,
    /// Whether "Who saw what" is open to this person.
    pub may_audit: bool,
    /// Whether "Edit" is offered.
    pub may_edit: bool,
}

impl Banner {
    /// Whether this page belongs to a tab.
    #[must_use]
    pub fn is_in(&self, tab: Tab) -> bool {
        self.tab == tab
    }

    /// Whether anything stands in the strip of alerts and allergies.
    #[must_use]
    pub fn has_strip(&self) -> bool {
        !self.alerts.is_empty() || !matches!(self.allergies, Allergies::NotShown)
    }
}

/// A phone number or e-mail address.
#[derive(Debug, Clone)]
pub struct Contact {
    /// As the record has it.
    pub value: String,
    /// "mobile", "work"; empty when unknown.
    pub usage: String,
    /// `tel:` or `mailto:` address; `None` shows plain text.
    pub link: Option<String>,
}

/// Contacts of a patient.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    /// Phone numbers.
    pub phones: Vec<Contact>,
    /// E-mail addresses.
    pub emails: Vec<Contact>,
    /// Addresses, each as its lines.
    pub addresses: Vec<Vec<String>>,
    /// Names that are no longer in use.
    pub former: Vec<String>,
    /// Languages, the preferred one first.
    pub languages: Vec<String>,
    /// The people around the patient.
    pub people: Vec<AroundPerson>,
}

/// Somebody around a patient.
#[derive(Debug, Clone)]
pub struct AroundPerson {
    /// What they are to the patient.
    pub relation: String,
    /// Their name.
    pub name: String,
    /// How to reach them.
    pub contacts: Vec<Contact>,
    /// Where they live.
    pub address: Vec<String>,
    /// Whether they may consent for the patient.
    pub may_consent: bool,
}

/// An alert in the panel.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// The alert's id.
    pub id: String,
    /// In words; `None` when it is damaged.
    pub text: Option<String>,
    /// How heavy.
    pub weight: Weight,
    /// Since when.
    pub since: Moment,
}

/// The alerts panel; adding posts to `/patients/{id}/alerts`, ending is a page of its own at
/// `/patients/{id}/alerts/{alert}/end`.
///
/// Fields of adding: `text`, `weight` (`high` or `usual`). Its errors are named `alert-text`.
#[derive(Debug, Clone)]
pub struct AlertsPanel {
    /// Those that stand.
    pub rows: Vec<AlertRow>,
    /// With it adding and ending are offered.
    pub guard: Option<Guard>,
    /// What to put right.
    pub errors: Errors,
    /// As typed.
    pub text: String,
    /// Whether "high" is chosen.
    pub high: bool,
}

/// Adding an identifier; posts to `/patients/{id}/identifiers`.
///
/// Fields: `kind`, `number`. Its errors are named `identifier-kind` and `identifier-number`.
#[derive(Debug, Clone)]
pub struct AddIdentifier {
    /// Hidden fields.
    pub guard: Guard,
    /// What to put right.
    pub errors: Errors,
    /// The kinds to choose from.
    pub kinds: Vec<Choice>,
    /// As typed.
    pub number: String,
}

/// A clinical panel of the overview: a kind and its newest or active entries.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its kind, as `?kind=` has it.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The entries shown.
    pub rows: Vec<EntryRow>,
    /// How many there are in all.
    pub total: u64,
}

/// What the house quietly says: when this person opened the record, how many did this year.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Recorded as opened now.
    pub at: Moment,
    /// Other people who had to do with the record in the last year.
    pub others: u32,
}

/// `GET /patients/{id}`; also the full-page answer of a reveal, of an alert and of an identifier
/// that was refused.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/overview.html")]
pub struct PatientPage {
    /// Whether naming who may open the record is offered.
    pub may_restrict: bool,
    /// Whether making this and another record one is offered.
    pub may_merge: bool,
    /// How many records were made one with this.
    pub merged: u64,
    /// Whether exporting the record is offered.
    pub may_export: bool,
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// When it was opened, and by how many.
    pub seen: Option<Seen>,
    /// Contacts.
    pub contacts: Contacts,
    /// Alerts.
    pub alerts: AlertsPanel,
    /// `None` where the roles add none.
    pub add_identifier: Option<AddIdentifier>,
    /// Clinical panels; `None` where the roles do not read the clinical record.
    pub panels: Option<Vec<Panel>>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::views::record::fixture::{row, rows};
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};
    use crate::views::words;

    pub(crate) fn moment(at: &str) -> Moment {
        Moment::at(at.parse().unwrap(), &TimeZone::fixed(jiff::tz::offset(2)))
    }

    pub(crate) fn identifier(id: &str, kind: &str, masked: &str) -> Identifier {
        Identifier {
            id: id.into(),
            patient: "01985f4e-0000-7000-8000-000000000001".into(),
            patient_name: "Lindiwe Grace Mokoena".into(),
            kind: kind.into(),
            masked: Some(masked.into()),
            reveal: Some(guard()),
            purposes: ["treatment", "billing", "patient-request", "correction", "legal"]
                .into_iter()
                .map(|code| Choice::new(code, words::purpose(code), false))
                .collect(),
            errors: Errors::none(),
            revealed: None,
            may_remove: true,
        }
    }

    pub(crate) fn revealed() -> Identifier {
        Identifier {
            revealed: Some(Revealed {
                value: "8403070143088".into(),
                by: "Thandi Naidoo".into(),
                at: moment("2026-11-22T12:02:31Z"),
                from: "196.25.1.14".into(),
                purpose: words::purpose("billing"),
                seconds: 60,
            }),
            ..identifier("i1", "South African ID number", "•••••••••• 088")
        }
    }

    pub(crate) fn banner(tab: Tab) -> Banner {
        Banner {
            id: "01985f4e-0000-7000-8000-000000000001".into(),
            name: "Lindiwe Grace Mokoena".into(),
            preferred: Some("Lindi".into()),
            pronouns: Some("she/her".into()),
            birth: Some(Day::of(date(1984, 3, 7))),
            age: Some("42 years".into()),
            gender: Some("Female".into()),
            died: None,
            dead: false,
            inactive: false,
            restricted: false,
            alerts: vec![BannerAlert {
                text: "Uses a hearing aid on the left: speak from the right".into(),
                weight: Weight::Usual,
            }],
            allergies: Allergies::These(
                vec![
                    Allergy {
                        substance: "Penicillin".into(),
                        reaction: Some("anaphylaxis".into()),
                        weight: Weight::High,
                    },
                    Allergy { substance: "Aspirin".into(), reaction: None, weight: Weight::Usual },
                ],
                0,
            ),
            identifiers: vec![
                identifier("i1", "South African ID number", "•••••••••• 088"),
                identifier("i2", "Medical aid or insurance number", "••••• 417"),
            ],
            tab,
            may_read_record: true,
            may_audit: true,
            may_edit: true,
        }
    }

    pub(crate) fn page() -> PatientPage {
        PatientPage {
            shell: shell(Room::Patients),
            banner: banner(Tab::Overview),
            may_restrict: true,
            may_merge: true,
            merged: 1,
            may_export: true,
            seen: Some(Seen { at: moment("2026-11-22T12:02:31Z"), others: 3 }),
            contacts: Contacts {
                phones: vec![
                    Contact {
                        value: "082 555 0143".into(),
                        usage: "mobile".into(),
                        link: Some("tel:0825550143".into()),
                    },
                    Contact { value: "021 555 0170".into(), usage: "work".into(), link: Some("tel:0215550170".into()) },
                ],
                emails: vec![Contact {
                    value: "lindi.mokoena@example.com".into(),
                    usage: String::new(),
                    link: Some("mailto:lindi.mokoena@example.com".into()),
                }],
                addresses: vec![vec!["14 Harbour Street".into(), "Hout Bay".into(), "Cape Town 7806".into()]],
                former: vec!["Lindiwe Dlamini".into()],
                languages: vec!["isiZulu".into(), "English".into()],
                people: vec![AroundPerson {
                    relation: "Next of kin".into(),
                    name: "Nomsa Mokoena".into(),
                    contacts: vec![Contact {
                        value: "021 555 0100".into(),
                        usage: String::new(),
                        link: Some("tel:0215550100".into()),
                    }],
                    address: vec!["3 Main Road".into(), "Worcester".into()],
                    may_consent: true,
                }],
            },
            alerts: AlertsPanel {
                rows: vec![AlertRow {
                    id: "a1".into(),
                    text: Some("Uses a hearing aid on the left: speak from the right".into()),
                    weight: Weight::Usual,
                    since: moment("2025-02-11T09:10:00Z"),
                }],
                guard: Some(guard()),
                errors: Errors::none(),
                text: String::new(),
                high: false,
            },
            add_identifier: Some(AddIdentifier {
                guard: guard(),
                errors: Errors::none(),
                kinds: crate::views::patients::fixture::lookup().kinds,
                number: String::new(),
            }),
            panels: Some(vec![
                Panel {
                    kind: "problem".into(),
                    title: crate::views::words::entries("problem"),
                    rows: vec![
                        row("p1", "problem", "Essential hypertension", Some("active"), (2021, 5, 3)),
                        row("p2", "problem", "Type 2 diabetes mellitus", Some("active"), (2023, 9, 18)),
                        row("p3", "problem", "Seasonal allergic rhinitis", Some("active"), (2012, 10, 2)),
                    ],
                    total: 14,
                },
                Panel {
                    kind: "medication".into(),
                    title: crate::views::words::entries("medication"),
                    rows: vec![
                        row("m1", "medication", "Lisinopril 10 mg oral tablet", Some("active"), (2026, 8, 14)),
                        row("m2", "medication", "Metformin 500 mg oral tablet", Some("active"), (2026, 8, 14)),
                    ],
                    total: 22,
                },
                Panel {
                    kind: "document".into(),
                    title: crate::views::words::entries("document"),
                    rows: rows().into_iter().filter(|r| r.kind == "document").collect(),
                    total: 61,
                },
            ]),
        }
    }

    pub(crate) fn page_after_reveal() -> PatientPage {
        let mut page = page();
        page.banner.identifiers[0] = revealed();
        page
    }

    pub(crate) fn page_for_reception() -> PatientPage {
        let mut page = page();
        page.banner.allergies = Allergies::NotShown;
        page.banner.may_read_record = false;
        page.banner.may_audit = false;
        page.panels = None;
        page
    }

    pub(crate) fn page_with_damage() -> PatientPage {
        let mut page = page();
        page.banner.identifiers[1].masked = None;
        page.banner.identifiers[1].reveal = None;
        page.alerts.rows[0].text = None;
        page.alerts.errors.add("alert-text", "Write what the next person has to know.");
        page.banner.died = Some(Day::of(date(2026, 1, 9)));
        page.banner.allergies = Allergies::NoneRecorded;
        page
    }
}
