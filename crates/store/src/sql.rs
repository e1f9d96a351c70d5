//! Statements are constants of the program: there is no way to hand a built string to the database.

/// A statement, written in the source with [`crate::sql!`].
#[derive(Debug, Clone, Copy)]
pub struct Sql(&'static str);

impl Sql {
    /// Used by [`crate::sql!`] only. `&'static str` keeps text that came from outside away.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    pub(crate) const fn text(self) -> &'static str {
        self.0
    }
}

/// A statement. `$1` is always the practice, and is supplied by the transaction. A test prepares every
/// statement in the source against the migrated schema.
#[macro_export]
macro_rules! sql {
    ($text:literal) => {
        $crate::Sql::new($text)
    };
}
