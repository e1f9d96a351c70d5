//! What a column of a table can become.

use serde::{Deserialize, Serialize};

use crate::patients::identifiers::IdentifierKind;
use crate::patients::model::codes;

codes! {
    /// A field that a column can fill. The codes stand in mapping files.
    Field {
        LeaveOut = "leave-out",
        Keep = "keep",
        RecordId = "record-id",
        WholeName = "name",
        Family = "family",
        Given = "given",
        Prefix = "title",
        Suffix = "suffix",
        Preferred = "preferred-name",
        FormerFamily = "former-family",
        BirthDate = "birth-date",
        Gender = "gender",
        Pronouns = "pronouns",
        Phone = "phone",
        Mobile = "mobile",
        WorkPhone = "work-phone",
        Fax = "fax",
        Email = "email",
        WholeAddress = "address",
        Street = "street",
        City = "city",
        District = "district",
        State = "state",
        PostalCode = "postal-code",
        Country = "country",
        Language = "language",
        Alert = "alert",
        Note = "note",
    }
}

impl Field {
    /// The words on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LeaveOut => "Leave out",
            Self::Keep => "Keep sealed with the record, without a field",
            Self::RecordId => "Record number in the earlier system",
            Self::WholeName => "Whole name",
            Self::Family => "Family name",
            Self::Given => "Given name",
            Self::Prefix => "Title",
            Self::Suffix => "Suffix",
            Self::Preferred => "Preferred name",
            Self::FormerFamily => "Former family name",
            Self::BirthDate => "Birth date",
            Self::Gender => "Gender",
            Self::Pronouns => "Pronouns",
            Self::Phone => "Telephone",
            Self::Mobile => "Mobile telephone",
            Self::WorkPhone => "Work telephone",
            Self::Fax => "Fax",
            Self::Email => "E-mail address",
            Self::WholeAddress => "Whole address",
            Self::Street => "Street and number",
            Self::City => "City or town",
            Self::District => "District",
            Self::State => "State or province",
            Self::PostalCode => "Postal code",
            Self::Country => "Country",
            Self::Language => "Preferred language",
            Self::Alert => "Alert",
            Self::Note => "Note",
        }
    }

    /// Whether several columns may go there: a second telephone is one more, a second birth date is not.
    #[must_use]
    pub const fn takes_several(self) -> bool {
        matches!(
            self,
            Self::LeaveOut
                | Self::Keep
                | Self::Given
                | Self::Prefix
                | Self::Suffix
                | Self::Phone
                | Self::Mobile
                | Self::WorkPhone
                | Self::Fax
                | Self::Email
                | Self::Street
                | Self::Language
                | Self::Alert
                | Self::Note
        )
    }
}

/// Where a column goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// Into a field.
    Field(Field),
    /// A number that others gave the patient.
    Identifier(IdentifierKind),
}

/// What stands before the code of an identifier's kind.
const IDENTIFIER: &str = "identifier-";

impl Target {
    /// Every target, in the order in which a page offers them.
    pub fn all() -> impl Iterator<Item = Self> {
        let identifiers = IdentifierKind::ALL.iter().copied().map(Self::Identifier);
        Field::ALL.iter().copied().map(Self::Field).chain(identifiers)
    }

    /// Its code in a mapping.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Field(field) => field.code().to_owned(),
            Self::Identifier(kind) => format!("{IDENTIFIER}{}", kind.code()),
        }
    }

    /// The target of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code.strip_prefix(IDENTIFIER) {
            Some(kind) => IdentifierKind::from_code(kind).map(Self::Identifier),
            None => Field::from_code(code).map(Self::Field),
        }
    }

    /// The words on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Field(field) => field.label(),
            Self::Identifier(kind) => kind.label(),
        }
    }

    /// Whether several columns may go there.
    #[must_use]
    pub const fn takes_several(self) -> bool {
        match self {
            Self::Field(field) => field.takes_several(),
            Self::Identifier(_) => true,
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.code()
    }
}

impl TryFrom<String> for Target {
    type Error = &'static str;
    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::from_code(&code).ok_or("not the name of a field that a column can fill")
    }
}
