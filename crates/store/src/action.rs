//! What can be done, as types. The name of an action is its name in the policies and in the audit.

/// Something that can be allowed.
pub trait Action: Send + Sync + 'static {
    /// Its name in the audit.
    const NAME: &'static str;
    /// The names that the policies must all allow. One for an action; several for a set.
    const PARTS: &'static [&'static str];
}

/// An action that only reads.
pub trait Reads: Action {}

/// An action that changes something.
pub trait Writes: Action {}

/// An action of the house itself (signing in, resetting a password): decided by the identity crate,
/// because there is no member yet whom a policy could speak of.
pub trait HouseAction: Writes {}

/// `Self` is, or contains, `A`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not include the permission `{A}`",
    label = "ask for a set that includes `{A}`"
)]
pub trait Includes<A: Action>: Action {}

/// Declares actions and sets of them.
///
/// ```ignore
/// store::actions! {
///     /// See a patient's banner and contacts.
///     pub ReadPatient = "patient.read", reads;
///     /// The record page: all of its parts must be allowed.
///     pub RecordPage = "patient.record", reads, all of [ReadPatient, ReadClinical];
/// }
/// ```
#[macro_export]
macro_rules! actions {
    () => {};
    ($(#[$doc:meta])* $vis:vis $name:ident = $text:literal, $mode:ident; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis enum $name {}
        impl $crate::Action for $name {
            const NAME: &'static str = $text;
            const PARTS: &'static [&'static str] = &[$text];
        }
        impl $crate::Includes<$name> for $name {}
        $crate::actions!(@mode $name $mode);
        $crate::actions!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis $name:ident = $text:literal, $mode:ident, all of [$($part:ident),+]; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis enum $name {}
        impl $crate::Action for $name {
            const NAME: &'static str = $text;
            const PARTS: &'static [&'static str] = &[$(<$part as $crate::Action>::NAME),+];
        }
        impl $crate::Includes<$name> for $name {}
        $(impl $crate::Includes<$part> for $name {})+
        $crate::actions!(@mode $name $mode);
        $crate::actions!($($rest)*);
    };
    (@mode $name:ident reads) => { impl $crate::Reads for $name {} };
    (@mode $name:ident writes) => { impl $crate::Writes for $name {} };
    (@mode $name:ident house) => { impl $crate::Writes for $name {} impl $crate::HouseAction for $name {} };
}
