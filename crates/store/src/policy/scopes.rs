//! What a client of the API may do, as SMART writes it (<https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>):
//! `system/Condition.rs` is to read and search conditions. Parsed strictly into a set of fixed size, so
//! that nothing a client can send grows in memory.
//!
//! The policies do not see the scopes themselves but [`Grants`], what the scopes come to for the kinds
//! of resource that a question names: a handful of words, so that the answers can be remembered.

use std::fmt;
use std::str::FromStr;

/// A kind of FHIR resource that a scope can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FhirType {
    /// Allergies.
    AllergyIntolerance,
    /// Problems and diagnoses.
    Condition,
    /// Devices of a patient.
    Device,
    /// Documents and notes.
    DocumentReference,
    /// Visits.
    Encounter,
    /// Vaccinations.
    Immunization,
    /// Places of the practice.
    Location,
    /// Prescriptions.
    MedicationRequest,
    /// Measurements and findings.
    Observation,
    /// The practice and others.
    Organization,
    /// Patients: banner, contacts, masked identifiers.
    Patient,
    /// People who treat.
    Practitioner,
    /// What they do where.
    PractitionerRole,
    /// Procedures.
    Procedure,
    /// Guardians and emergency contacts.
    RelatedPerson,
    /// Every other kind, kept as it came: only `system/*` reaches it.
    Other,
}

/// Every kind, in the order of the alphabet; [`FhirType::Other`] last.
const TYPES: [FhirType; 16] = [
    FhirType::AllergyIntolerance,
    FhirType::Condition,
    FhirType::Device,
    FhirType::DocumentReference,
    FhirType::Encounter,
    FhirType::Immunization,
    FhirType::Location,
    FhirType::MedicationRequest,
    FhirType::Observation,
    FhirType::Organization,
    FhirType::Patient,
    FhirType::Practitioner,
    FhirType::PractitionerRole,
    FhirType::Procedure,
    FhirType::RelatedPerson,
    FhirType::Other,
];

impl FhirType {
    /// Every kind.
    pub const ALL: [Self; 16] = TYPES;

    /// Its name in FHIR; none for [`FhirType::Other`].
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::AllergyIntolerance => "AllergyIntolerance",
            Self::Condition => "Condition",
            Self::Device => "Device",
            Self::DocumentReference => "DocumentReference",
            Self::Encounter => "Encounter",
            Self::Immunization => "Immunization",
            Self::Location => "Location",
            Self::MedicationRequest => "MedicationRequest",
            Self::Observation => "Observation",
            Self::Organization => "Organization",
            Self::Patient => "Patient",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::Procedure => "Procedure",
            Self::RelatedPerson => "RelatedPerson",
            Self::Other => return None,
        })
    }

    /// The kind that a resource's name is; every name that has no scope of its own is [`FhirType::Other`].
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::named(name).unwrap_or(Self::Other)
    }

    fn named(name: &str) -> Option<Self> {
        TYPES.into_iter().find(|kind| kind.code() == Some(name))
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FhirTypes(u16);

impl FhirTypes {
    /// What is the practice's own: places, people, what they do.
    pub const DIRECTORY: Self = Self(
        FhirType::Location.bit()
            | FhirType::Organization.bit()
            | FhirType::Practitioner.bit()
            | FhirType::PractitionerRole.bit(),
    );
    /// Who patients are and how to reach them.
    pub const PERSONS: Self = Self(FhirType::Patient.bit() | FhirType::RelatedPerson.bit());
    /// The content of the record: everything else.
    pub const CLINICAL: Self = Self(!Self::DIRECTORY.0 & !Self::PERSONS.0);

    /// These kinds.
    #[must_use]
    pub fn of(kinds: impl IntoIterator<Item = FhirType>) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }

    /// Whether it has a kind.
    #[must_use]
    pub const fn has(self, kind: FhirType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds that both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The kinds, in order.
    pub fn iter(self) -> impl Iterator<Item = FhirType> {
        TYPES.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// What is done with a resource: a letter of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Interaction {
    /// `c`
    Create,
    /// `r`: read one whose id is known, its versions too.
    Read,
    /// `u`
    Update,
    /// `d`: nothing here deletes; it can be asked for and opens nothing.
    Delete,
    /// `s`: find and list.
    Search,
}

impl Interaction {
    /// Every letter, in the order in which a scope has them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Search];

    const fn text(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

const READ_AND_SEARCH: u8 = Interaction::Read.bit() | Interaction::Search.bit();
const CHANGE: u8 = Interaction::Create.bit() | Interaction::Update.bit() | Interaction::Delete.bit();
const REVEAL: u8 = 1;
const LOOK_UP: u8 = 2;
const REVEAL_TEXT: &str = "vouchsafe/identifier.reveal";
const LOOK_UP_TEXT: &str = "vouchsafe/identifier.lookup";
/// The longest text of scopes that is read, in bytes.
pub const SCOPES_TEXT_MAX: usize = 2_000;

/// What a client may do. Empty by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes {
    letters: [u8; TYPES.len()],
    own: u8,
}

/// A text that holds something that is no scope of this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scopes are written system/Patient.rs, system/*.rs or vouchsafe/identifier.reveal, with a space between two")]
pub struct NotScopes;

impl Scopes {
    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether something may be done with a kind of resource.
    #[must_use]
    pub fn allows(self, kind: FhirType, letter: Interaction) -> bool {
        self.letters.get(kind as usize).is_some_and(|letters| letters & letter.bit() != 0)
    }

    /// The kinds of resource with which something may be done.
    #[must_use]
    pub fn types(self, letter: Interaction) -> FhirTypes {
        FhirTypes::of(TYPES.into_iter().filter(|kind| self.allows(*kind, letter)))
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut both = self;
        for (mine, theirs) in both.letters.iter_mut().zip(other.letters) {
            *mine &= theirs;
        }
        Self { own: self.own & other.own, ..both }
    }

    /// What either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut all = self;
        for (mine, theirs) in all.letters.iter_mut().zip(other.letters) {
            *mine |= theirs;
        }
        Self { own: self.own | other.own, ..all }
    }

    /// What they come to for these kinds of resource and this letter. `None`: nothing was named, so all of
    /// the record's kinds are asked for, to read and to search.
    pub(crate) fn grants(self, named: Option<(FhirTypes, Interaction)>) -> Grants {
        let all = |kinds: FhirTypes, letters: &[Interaction]| {
            !kinds.is_empty() && kinds.iter().all(|kind| letters.iter().all(|letter| self.allows(kind, *letter)))
        };
        let (kinds, letters): (FhirTypes, &[Interaction]) = match &named {
            Some((kinds, letter)) => (*kinds, std::slice::from_ref(letter)),
            None => (FhirTypes::CLINICAL, &[Interaction::Read, Interaction::Search]),
        };
        let reads = letters.iter().all(|letter| matches!(letter, Interaction::Read | Interaction::Search));
        // A guardian is reached through the patient: who names one needs both, and of the guardian the very letter
        // that was named, since whoever searches guardians reads one patient.
        let persons = |letter: Interaction| {
            let guardians = kinds.has(FhirType::RelatedPerson) && named.is_some();
            let named = letters.iter().all(|named| self.allows(FhirType::RelatedPerson, *named));
            self.allows(FhirType::Patient, letter) && (!guardians || named)
        };
        let clinical = all(kinds.and(FhirTypes::CLINICAL), letters);
        let directory = if named.is_some() { kinds.and(FhirTypes::DIRECTORY) } else { FhirTypes::DIRECTORY };
        let taken_out = match named {
            Some((kinds, Interaction::Search)) => kinds,
            _ => FhirTypes::of(TYPES),
        };
        let given = [
            (Grant::PatientRead, persons(Interaction::Read)),
            (Grant::PatientSearch, persons(Interaction::Search)),
            (Grant::PatientCreate, persons(Interaction::Create)),
            (Grant::PatientUpdate, persons(Interaction::Update)),
            (Grant::ClinicalRead, reads && clinical),
            (Grant::ClinicalCreate, letters == [Interaction::Create] && clinical),
            (Grant::ClinicalUpdate, letters == [Interaction::Update] && clinical),
            (Grant::DirectoryRead, reads && all(directory, letters)),
            // Taking out in bulk is reading and searching: of the types that are named, or of all.
            (Grant::Everything, all(taken_out, &[Interaction::Read, Interaction::Search])),
            (Grant::Reveal, self.own & REVEAL != 0),
            (Grant::LookUp, self.own & LOOK_UP != 0),
        ];
        Grants(given.into_iter().filter(|(_, given)| *given).fold(0, |bits, (grant, _)| bits | 1 << grant as u16))
    }
}

/// What scopes come to for one question: what the policies see of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Grant {
    PatientRead,
    PatientSearch,
    PatientCreate,
    PatientUpdate,
    ClinicalRead,
    ClinicalCreate,
    ClinicalUpdate,
    DirectoryRead,
    Everything,
    Reveal,
    LookUp,
}

impl Grant {
    const ALL: [Self; 11] = [
        Self::PatientRead,
        Self::PatientSearch,
        Self::PatientCreate,
        Self::PatientUpdate,
        Self::ClinicalRead,
        Self::ClinicalCreate,
        Self::ClinicalUpdate,
        Self::DirectoryRead,
        Self::Everything,
        Self::Reveal,
        Self::LookUp,
    ];

    /// Its word in the policies.
    const fn code(self) -> &'static str {
        match self {
            Self::PatientRead => "patient.r",
            Self::PatientSearch => "patient.s",
            Self::PatientCreate => "patient.c",
            Self::PatientUpdate => "patient.u",
            Self::ClinicalRead => "clinical.rs",
            Self::ClinicalCreate => "clinical.c",
            Self::ClinicalUpdate => "clinical.u",
            Self::DirectoryRead => "directory.rs",
            Self::Everything => "everything.rs",
            Self::Reveal => "identifier.reveal",
            Self::LookUp => "identifier.lookup",
        }
    }
}

/// A set of grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Grants(u16);

impl Grants {
    /// Their words in the policies.
    pub(crate) fn codes(self) -> impl Iterator<Item = &'static str> {
        Grant::ALL.into_iter().filter(move |grant| self.0 & 1 << *grant as u16 != 0).map(Grant::code)
    }
}

/// The letters after the dot: those of SMART 2 in their order, or a word of SMART 1.
fn letters(text: &str) -> Result<u8, NotScopes> {
    match text {
        "read" => return Ok(READ_AND_SEARCH),
        "write" => return Ok(CHANGE),
        "*" => return Ok(READ_AND_SEARCH | CHANGE),
        _ => {}
    }
    let mut order = Interaction::ALL.into_iter();
    let bits = text.chars().try_fold(0, |bits, one| {
        // Each letter stands after the one before it, so none stands twice.
        order.find(|letter| letter.text() == one).map(|letter| bits | letter.bit()).ok_or(NotScopes)
    })?;
    if bits == 0 { Err(NotScopes) } else { Ok(bits) }
}

impl FromStr for Scopes {
    type Err = NotScopes;

    fn from_str(text: &str) -> Result<Self, NotScopes> {
        if text.len() > SCOPES_TEXT_MAX {
            return Err(NotScopes);
        }
        let mut scopes = Self::default();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            match scope {
                REVEAL_TEXT => scopes.own |= REVEAL,
                LOOK_UP_TEXT => scopes.own |= LOOK_UP,
                _ => {
                    let (kind, after) =
                        scope.strip_prefix("system/").and_then(|rest| rest.split_once('.')).ok_or(NotScopes)?;
                    let bits = letters(after)?;
                    let kinds = if kind == "*" {
                        FhirTypes::of(TYPES)
                    } else {
                        FhirTypes::of([FhirType::named(kind).ok_or(NotScopes)?])
                    };
                    for kind in kinds.iter() {
                        if let Some(letters) = scopes.letters.get_mut(kind as usize) {
                            *letters |= bits;
                        }
                    }
                }
            }
        }
        Ok(scopes)
    }
}

/// In the notation of SMART 2, shortest first: what all kinds have in common as `system/*`, then what
/// single kinds have beyond it.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let common = self.letters.iter().fold(u8::MAX, |common, letters| common & letters);
        let mut parts: Vec<String> = Vec::new();
        let mut say = |kind: &str, bits: u8| {
            if bits != 0 {
                let letters: String = Interaction::ALL
                    .into_iter()
                    .filter(|letter| bits & letter.bit() != 0)
                    .map(Interaction::text)
                    .collect();
                parts.push(format!("system/{kind}.{letters}"));
            }
        };
        say("*", common);
        for (kind, letters) in TYPES.into_iter().zip(self.letters) {
            if let Some(code) = kind.code() {
                say(code, letters & !common);
            }
        }
        for (bit, text) in [(REVEAL, REVEAL_TEXT), (LOOK_UP, LOOK_UP_TEXT)] {
            if self.own & bit != 0 {
                parts.push(text.to_owned());
            }
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_allows_what_it_says_and_nothing_else() {
        let one = scopes("system/Condition.rs");
        for kind in FhirType::ALL {
            for letter in Interaction::ALL {
                let said = kind == FhirType::Condition && matches!(letter, Interaction::Read | Interaction::Search);
                assert_eq!(one.allows(kind, letter), said, "{kind:?} {letter:?}");
            }
        }
        assert!(FhirType::ALL.into_iter().all(|kind| scopes("system/*.r").allows(kind, Interaction::Read)));
        assert!(!scopes("system/*.r").allows(FhirType::Patient, Interaction::Search));
    }

    #[test]
    fn the_words_of_smart_1_are_read_and_answered_in_the_letters_of_smart_2() {
        assert_eq!(scopes("system/*.read").to_string(), "system/*.rs");
        assert_eq!(scopes("system/Patient.write").to_string(), "system/Patient.cud");
        assert_eq!(scopes("system/Patient.*").to_string(), "system/Patient.cruds");
        assert_eq!(scopes("system/*.rs system/Patient.cu").to_string(), "system/*.rs system/Patient.cu");
    }

    #[test]
    fn what_is_no_scope_of_ours_is_refused_whole() {
        for text in [
            "system/Patient",
            "system/Patient.",
            "system/Patient.sr",
            "system/Patient.rr",
            "system/Patient.x",
            "system/patient.rs",
            "system/Claim.rs",
            "system/Other.rs",
            "system/Patient.rs?category=a",
            "patient/Patient.rs",
            "user/*.rs",
            "openid",
            "vouchsafe/identifier.*",
            "vouchsafe/",
            "system/Patient.rs,system/Condition.rs",
            "system/Patient.rs\tsystem/Condition.rs",
        ] {
            assert_eq!(text.parse::<Scopes>(), Err(NotScopes), "{text}");
        }
        assert_eq!("system/*.rs ".repeat(SCOPES_TEXT_MAX).parse::<Scopes>(), Err(NotScopes));
    }

    #[test]
    fn a_question_that_names_nothing_asks_for_everything_in_the_record() {
        let grants = |text: &str, named| scopes(text).grants(named).codes().collect::<Vec<_>>();
        let conditions = FhirTypes::of([FhirType::Condition]);
        let both = FhirTypes::of([FhirType::Condition, FhirType::Observation]);
        assert_eq!(grants("system/Condition.rs", None), Vec::<&str>::new());
        assert_eq!(grants("system/Condition.r", Some((conditions, Interaction::Read))), ["clinical.rs"]);
        assert_eq!(grants("system/Condition.r", Some((conditions, Interaction::Search))), Vec::<&str>::new());
        assert_eq!(grants("system/Condition.rs", Some((both, Interaction::Read))), Vec::<&str>::new());
        assert_eq!(grants("system/Condition.cu", Some((conditions, Interaction::Create))), ["clinical.c"]);
        assert_eq!(grants("system/Condition.r", Some((FhirTypes::default(), Interaction::Read))), Vec::<&str>::new());
    }

    #[test]
    fn a_guardian_is_read_by_who_may_read_the_patient_too() {
        let named = Some((FhirTypes::of([FhirType::RelatedPerson]), Interaction::Read));
        let grants = |text: &str| scopes(text).grants(named).codes().collect::<Vec<_>>();
        assert_eq!(grants("system/RelatedPerson.r"), Vec::<&str>::new());
        assert_eq!(grants("system/Patient.r"), Vec::<&str>::new());
        assert_eq!(grants("system/RelatedPerson.r system/Patient.r"), ["patient.r"]);
        let searched = Some((FhirTypes::of([FhirType::RelatedPerson]), Interaction::Search));
        let grants = |text: &str| scopes(text).grants(searched).codes().collect::<Vec<_>>();
        assert_eq!(grants("system/RelatedPerson.r system/Patient.r"), Vec::<&str>::new(), "reading is not searching");
        assert_eq!(grants("system/RelatedPerson.s system/Patient.r"), ["patient.r"]);
    }

    prop_compose! {
        fn any_scopes()(letters in any::<[u8; 16]>(), own in 0_u8..4) -> Scopes {
            let mut letters = letters.map(|bits| bits & 0b1_1111);
            // What has no name of its own has what all have.
            let common = letters.iter().take(15).fold(u8::MAX, |common, bits| common & bits);
            letters[FhirType::Other as usize] = common & 0b1_1111;
            Scopes { letters, own }
        }
    }

    proptest! {
        #[test]
        fn scopes_survive_their_text(scopes in any_scopes()) {
            prop_assert_eq!(scopes.to_string().parse(), Ok(scopes));
        }

        #[test]
        fn any_text_gets_an_answer_and_a_second_reading_agrees(text in "(system/(Patient|Condition|\\*|x)\\.[cruds*]{0,6}|vouchsafe/identifier\\.(reveal|lookup)| |\\PC{0,4}){0,6}") {
            if let Ok(scopes) = text.parse::<Scopes>() {
                prop_assert_eq!(scopes.to_string().parse(), Ok(scopes));
            }
        }

        #[test]
        fn more_scopes_never_grant_less(few in any_scopes(), more in any_scopes(), bits in any::<u16>(), letter in 0..5_usize) {
            for named in [None, Some((FhirTypes(bits), Interaction::ALL[letter]))] {
                let (before, after) = (few.grants(named), few.or(more).grants(named));
                prop_assert_eq!(before.0 & after.0, before.0);
            }
        }
    }
}
