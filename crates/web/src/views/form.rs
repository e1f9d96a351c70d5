//! What forms share: the hidden guard, the errors, the choices.

use std::borrow::Cow;

use identity::passkeys::AskedOfDevice;

/// The two hidden fields of every form that changes something.
///
/// Fields: `csrf`, `once`.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// The token that ties the form to the session.
    pub csrf: String,
    /// The idempotency key: one for each form on each showing, so that a retry does the thing once.
    pub once: String,
}

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, which is also its id on the page; empty for the form as a whole.
    pub field: Cow<'static, str>,
    /// What to do, in a sentence: "Enter a birth date in the past".
    pub message: String,
}

/// What is wrong with a form, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    /// Nothing is wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One error that belongs to the form and to no single field.
    #[must_use]
    pub fn whole(message: impl Into<String>) -> Self {
        let mut errors = Self::none();
        errors.add("", message);
        errors
    }

    /// Adds an error of a field.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message beside a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// All of them, for the summary.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One option of a select, of radio buttons or of checkboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// A line under it, for radio buttons and checkboxes; empty for none.
    pub hint: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// An option, chosen or not.
    pub fn new(value: impl Into<String>, label: impl Into<String>, chosen: bool) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new(), chosen }
    }

    /// The same with a line under it.
    #[must_use]
    pub fn explained(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// The id of a field: its own where a page holds two of a name, else its name.
pub(crate) fn id_or<'a>(id: &'a str, name: &'a str) -> &'a str {
    if id.is_empty() { name } else { id }
}
/// What a device is asked about a passkey, in a form that carries its answer.
///
/// Fields: `ceremony` (hidden), `passkey` (hidden, written by the browser).
#[derive(Debug, Clone)]
pub struct AskDevice {
    /// The options for `navigator.credentials`, as JSON.
    pub options: String,
    /// The question, sealed.
    pub ceremony: String,
    /// Whether it is to make one; else to show one.
    pub makes: bool,
}

impl AskDevice {
    /// A device that is to show a passkey.
    #[must_use]
    pub fn to_show(asked: AskedOfDevice) -> Self {
        Self { options: asked.options, ceremony: asked.ceremony, makes: false }
    }

    /// A device that is to make one.
    #[must_use]
    pub fn to_make(asked: AskedOfDevice) -> Self {
        Self { options: asked.options, ceremony: asked.ceremony, makes: true }
    }
}
