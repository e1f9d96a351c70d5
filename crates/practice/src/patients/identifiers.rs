//! Numbers that others gave a patient: national ids, health numbers, insurance, medical aid,
//! documents. Each kind knows its form, its check digit where it has one, the FHIR names it goes
//! by, and whether it can tell one person from another.
//!
//! Typed in a form, a number that fails its check is refused. Imported, it is kept and marked
//! unverified: somebody else's mistake is still what they wrote. No error and no `Debug` repeats a
//! number.

mod checks;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

pub use checks::Flaw;

use super::model::{FieldError, LINE_CHARS_MAX, TextProblem, ascii_digit, codes, is_blank, line, personal};

codes! {
    /// What kind of number it is. The codes are stored.
    IdentifierKind {
        ZaId = "za-id",
        AuMedicare = "au-medicare",
        AuIhi = "au-ihi",
        AuDva = "au-dva",
        GbNhs = "gb-nhs",
        NlBsn = "nl-bsn",
        UsSsn = "us-ssn",
        UsMbi = "us-mbi",
        IePpsn = "ie-ppsn",
        NzNhi = "nz-nhi",
        BeNational = "be-national",
        FrNir = "fr-nir",
        DeKvnr = "de-kvnr",
        ChAhv = "ch-ahv",
        Passport = "passport",
        DriversLicence = "drivers-licence",
        Member = "member",
        Mrn = "mrn",
        Other = "other",
    }
}

/// What is fixed about a kind.
struct Spec {
    label: &'static str,
    /// ISO 3166 alpha-2; empty where the kind belongs to no country.
    region: &'static str,
    /// Its form in words, after "Enter the": "13 digits of the South African ID number".
    form: &'static str,
    /// FHIR `Identifier.system`, the preferred one first.
    systems: &'static [&'static str],
    /// Codes of HL7 table 0203 that mean this kind and nothing else.
    types: &'static [&'static str],
    /// Whether one number belongs to one person.
    personal: bool,
    check: fn(&str) -> Result<(), Flaw>,
}

impl IdentifierKind {
    #[expect(clippy::too_many_lines, reason = "a table, one paragraph for each kind")]
    const fn spec(self) -> Spec {
        let plain = Spec {
            label: "Other number",
            region: "",
            form: "number",
            systems: &[],
            types: &[],
            personal: false,
            check: checks::any,
        };
        match self {
            Self::ZaId => Spec {
                label: "South African ID number",
                region: "ZA",
                form: "13 digits of the South African ID number",
                types: &["NNZAF"],
                personal: true,
                check: checks::za_id,
                ..plain
            },
            // Shared by a family: only the eleventh digit, often left out, tells who of it is meant.
            Self::AuMedicare => Spec {
                label: "Medicare number (Australia)",
                region: "AU",
                form: "10 or 11 digits of the Medicare card number",
                systems: &["http://ns.electronichealth.net.au/id/medicare-number"],
                check: checks::au_medicare,
                ..plain
            },
            Self::AuIhi => Spec {
                label: "Individual Healthcare Identifier (Australia)",
                region: "AU",
                form: "16 digits of the Individual Healthcare Identifier",
                systems: &["http://ns.electronichealth.net.au/id/hi/ihi/1.0"],
                personal: true,
                check: checks::au_ihi,
                ..plain
            },
            Self::AuDva => Spec {
                label: "DVA file number",
                region: "AU",
                form: "DVA file number: a state letter, up to three letters, up to six digits",
                systems: &["http://ns.electronichealth.net.au/id/dva", "http://hl7.org.au/id/dva"],
                check: checks::au_dva,
                ..plain
            },
            Self::GbNhs => Spec {
                label: "NHS number",
                region: "GB",
                form: "10 digits of the NHS number",
                systems: &["https://fhir.nhs.uk/Id/nhs-number", "http://fhir.nhs.net/Id/nhs-number"],
                personal: true,
                check: checks::gb_nhs,
                ..plain
            },
            Self::NlBsn => Spec {
                label: "BSN",
                region: "NL",
                form: "9 digits of the BSN",
                systems: &["http://fhir.nl/fhir/NamingSystem/bsn"],
                types: &["NNNLD"],
                personal: true,
                check: checks::nl_bsn,
            },
            Self::UsSsn => Spec {
                label: "Social Security number (US)",
                region: "US",
                form: "9 digits of the Social Security number",
                systems: &["http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"],
                types: &["SS"],
                personal: true,
                check: checks::us_ssn,
            },
            Self::UsMbi => Spec {
                label: "Medicare Beneficiary Identifier (US)",
                region: "US",
                form: "11 characters of the Medicare Beneficiary Identifier",
                systems: &["http://hl7.org/fhir/sid/us-mbi"],
                personal: true,
                check: checks::us_mbi,
                ..plain
            },
            Self::IePpsn => Spec {
                label: "PPS number",
                region: "IE",
                form: "7 digits and one or two letters of the PPS number",
                types: &["NNIRL"],
                personal: true,
                check: checks::ie_ppsn,
                ..plain
            },
            Self::NzNhi => Spec {
                label: "NHI number",
                region: "NZ",
                form: "7 characters of the NHI number",
                systems: &["https://standards.digital.health.nz/ns/nhi-id"],
                personal: true,
                check: checks::nz_nhi,
                ..plain
            },
            Self::BeNational => Spec {
                label: "National number (Belgium)",
                region: "BE",
                form: "11 digits of the national number",
                systems: &[
                    "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin",
                    "https://www.ehealth.fgov.be/standards/fhir/NamingSystem/ssin",
                ],
                types: &["NNBEL"],
                personal: true,
                check: checks::be_national,
            },
            // Children are often recorded under a parent's number.
            Self::FrNir => Spec {
                label: "NIR (France)",
                region: "FR",
                form: "15 characters of the NIR with its key",
                systems: &["urn:oid:1.2.250.1.213.1.4.8"],
                types: &["NNFRA"],
                check: checks::fr_nir,
                ..plain
            },
            Self::DeKvnr => Spec {
                label: "Krankenversichertennummer",
                region: "DE",
                form: "letter and 9 digits of the Krankenversichertennummer",
                systems: &["http://fhir.de/sid/gkv/kvid-10", "http://fhir.de/NamingSystem/gkv/kvid-10"],
                personal: true,
                check: checks::de_kvnr,
                ..plain
            },
            Self::ChAhv => Spec {
                label: "AHV number",
                region: "CH",
                form: "13 digits of the AHV number",
                systems: &["urn:oid:2.16.756.5.32"],
                types: &["NNCHE"],
                personal: true,
                check: checks::ch_ahv,
            },
            Self::Passport => Spec { label: "Passport number", form: "passport number", types: &["PPN"], ..plain },
            Self::DriversLicence => {
                Spec { label: "Driver's licence number", form: "driver's licence number", types: &["DL"], ..plain }
            }
            // A main member and the dependants share one.
            Self::Member => Spec {
                label: "Medical aid or insurance number",
                form: "medical aid or insurance number",
                types: &["MB", "SN"],
                ..plain
            },
            Self::Mrn => Spec { label: "Record number", form: "record number", types: &["MR", "PI", "PT"], ..plain },
            Self::Other => plain,
        }
    }

    /// The name on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.spec().label
    }

    /// The country it belongs to (ISO 3166 alpha-2), if it belongs to one.
    #[must_use]
    pub fn region(self) -> Option<&'static str> {
        Some(self.spec().region).filter(|region| !region.is_empty())
    }

    /// FHIR `Identifier.system` for a number of this kind, where there is one for all of them.
    #[must_use]
    pub fn system(self) -> Option<&'static str> {
        self.spec().systems.first().copied()
    }

    /// The code of HL7 table 0203 for `Identifier.type`, where one means this kind alone.
    #[must_use]
    pub fn type_code(self) -> Option<&'static str> {
        self.spec().types.first().copied()
    }

    /// Whether the number itself can be checked, beyond being written.
    #[must_use]
    pub const fn has_check(self) -> bool {
        !matches!(self, Self::Passport | Self::DriversLicence | Self::Member | Self::Mrn | Self::Other)
    }

    /// The kind of an imported number: by its system, else by its type, else [`Self::Other`].
    #[must_use]
    pub fn from_fhir(system: Option<&str>, type_codes: &[&str]) -> Self {
        let by_system = |system: &str| {
            if system.starts_with("http://hl7.org/fhir/sid/passport-") {
                return Some(Self::Passport);
            }
            Self::ALL.iter().copied().find(|kind| kind.spec().systems.contains(&system))
        };
        let by_type =
            || Self::ALL.iter().copied().find(|kind| type_codes.iter().any(|code| kind.spec().types.contains(code)));
        system.and_then(by_system).or_else(by_type).unwrap_or(Self::Other)
    }

    /// The number as it is compared and looked up: compatibility forms and digits of other scripts
    /// made plain, upper case, without the marks people put in between.
    #[must_use]
    pub fn normalised(self, text: &str) -> String {
        let plain = text.nfkc().map(|c| ascii_digit(c).unwrap_or(c));
        let kept = plain.filter(|c| !is_mark(*c) || (!self.has_check() && matches!(c, '/' | '.')));
        let upper: String = kept.flat_map(char::to_uppercase).collect();
        // A BSN is often written without its leading zero.
        if self == Self::NlBsn && upper.len() == 8 { format!("0{upper}") } else { upper }
    }

    /// Whether a number passes this kind's check.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, text: &str) -> Result<(), Flaw> {
        (self.spec().check)(&self.normalised(text))
    }
}

/// Blanks, dashes, dots, slashes, directional marks: what stands between the characters of a
/// number and is no part of it.
fn is_mark(c: char) -> bool {
    c.is_whitespace() || is_blank(c.encode_utf8(&mut [0; 4])) || matches!(c, '-' | '.' | '/' | '\u{2010}'..='\u{2015}')
}

/// A number that somebody gave a patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Identifier {
    /// What kind it is.
    pub kind: IdentifierKind,
    /// Whose numbering it belongs to (a URI), where the kind alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The number as it was written.
    pub value: String,
    /// Whether it passed its kind's check. Kinds without a check count as verified.
    pub verified: bool,
    /// Whatever else the source said: use, type, period, who assigned it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Identifier {
    /// Reads a number typed into a form, in the field `value`.
    ///
    /// # Errors
    /// What to write instead; never what was written.
    pub fn parse(kind: IdentifierKind, text: &str) -> Result<Self, FieldError> {
        const FIELD: &str = "value";
        let spec = kind.spec();
        let value = line(text.trim(), LINE_CHARS_MAX).map_err(|problem| match problem {
            TextProblem::TooLong(chars_max) => {
                FieldError::new(FIELD, format!("The number must be {chars_max} characters or fewer"))
            }
            TextProblem::Control => {
                FieldError::new(FIELD, "The number contains characters that cannot be printed: type it again")
            }
        })?;
        if kind.normalised(&value).is_empty() {
            return Err(FieldError::new(FIELD, format!("Enter the {}", spec.form)));
        }
        kind.check(&value).map_err(|flaw| {
            let message = match flaw {
                Flaw::Form => format!("Enter the {}", spec.form),
                Flaw::Check => format!("Check the {}: a character of it is wrong", spec.label),
                Flaw::NotIssued => format!("Check the {}: no such number is ever given out", spec.label),
            };
            FieldError::new(FIELD, message)
        })?;
        Ok(Self { kind, system: kind.system().map(str::to_owned), value, verified: true, extra: Map::new() })
    }

    /// The number for comparing.
    #[must_use]
    pub fn normalised(&self) -> String {
        self.kind.normalised(&self.value)
    }

    /// The number as anybody may see it: its end only, and nothing at all of a short one. The
    /// length is hidden too.
    #[must_use]
    pub fn masked(&self) -> String {
        let plain: Vec<char> = self.normalised().chars().collect();
        let shown = match plain.len() {
            0..=5 => 0,
            6..=7 => 2,
            _ => 3,
        };
        let end: String = plain.iter().skip(plain.len().saturating_sub(shown)).collect();
        if end.is_empty() { "••••".to_owned() } else { format!("•••• {end}") }
    }

    /// The text behind the search token of this number: kind and number, whatever the system, for
    /// somebody who looks it up by hand.
    #[must_use]
    pub fn lookup_text(&self) -> String {
        Self::lookup_text_of(self.kind, &self.value)
    }

    /// As [`Identifier::lookup_text`], for a number that is being looked for.
    #[must_use]
    pub fn lookup_text_of(kind: IdentifierKind, text: &str) -> String {
        format!("{}|{}", kind.code(), kind.normalised(text))
    }

    /// The text by which two records are known to be of one person, if this number can tell: a
    /// checked number of a kind that belongs to one person, or a record number (or a number
    /// without a type) within its system. Old and temporary numbers cannot tell.
    #[must_use]
    pub fn identity_text(&self) -> Option<String> {
        let used = self.extra.get("use").and_then(Value::as_str);
        if matches!(used, Some("old" | "temp")) || !self.verified {
            return None;
        }
        match self.kind {
            kind if kind.spec().personal => Some(self.lookup_text()),
            IdentifierKind::Mrn | IdentifierKind::Other => {
                let untyped = self.kind == IdentifierKind::Mrn || !self.extra.contains_key("type");
                let system = self.system.as_deref().filter(|system| untyped && !is_blank(system))?;
                Some(format!("{}|{system}|{}", self.kind.code(), self.value.trim()))
            }
            _ => None,
        }
    }
}

personal!(Identifier);

#[cfg(test)]
mod tests;
