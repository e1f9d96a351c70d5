//! The kinds of values a setting can have: how each is read, and what to write.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use kernel::Secret;
use lettre::message::Mailbox;
use toml::de::DeValue;

/// A value of a setting.
pub(super) trait Value: Sized {
    /// What to write, with an example.
    fn write() -> String;
    /// The value; `None` when it is no such thing.
    fn read(value: &DeValue<'_>) -> Option<Self>;
    /// What it is when it is left out and has no default; `None` where there must be one.
    fn unset() -> Option<Self> {
        None
    }
}

impl Value for String {
    fn write() -> String {
        "a text in quotes".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
    }
}

impl Value for Secret<String> {
    fn write() -> String {
        "a libpq connection string in quotes, such as \"host=db1,db2 dbname=vouchsafe user=vouchsafe_run password=...\""
            .to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        String::read(value).map(Self::new)
    }
}

impl Value for bool {
    fn write() -> String {
        "true or false, without quotes".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl Value for SocketAddr {
    fn write() -> String {
        "an address and a port in quotes, such as \"[::]:443\" (all addresses) or \"127.0.0.1:8443\"".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Value for PathBuf {
    fn write() -> String {
        "an absolute path in quotes, such as \"/var/lib/vouchsafe\"".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        let path = Path::new(value.as_str()?);
        path.is_absolute().then(|| path.to_owned())
    }
}

impl Value for Mailbox {
    fn write() -> String {
        "an e-mail address in quotes, such as \"Vouchsafe <vouchsafe@example.org>\"".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Value for Vec<IpNet> {
    fn write() -> String {
        "a list of networks, each in quotes, such as [\"10.0.0.0/8\", \"::1/128\"]".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_array()?.iter().map(|one| one.get_ref().as_str()?.parse().ok()).collect()
    }
}

impl<T: Value> Value for Option<T> {
    fn write() -> String {
        format!("{}, or leave the setting out", T::write())
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        T::read(value).map(Some)
    }
    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// A whole number within limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// The number.
    pub(crate) const fn get(self) -> u32 {
        self.0
    }

    /// The number as a size.
    pub(crate) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number as a port or a count below 65536.
    pub(crate) fn small(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> Value for Whole<MIN, MAX> {
    fn write() -> String {
        format!("a whole number from {MIN} to {MAX}, without quotes")
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        let number = value.as_integer()?;
        let number = u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }
}

impl Value for web::Origin {
    fn write() -> String {
        "the address that people type, in quotes, with https and without a path, such as \"https://vouchsafe.example.org\""
            .to_owned()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.trim_end_matches('/').parse().ok()
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum $name { $($(#[$each])* $variant),+ }

        impl Value for $name {
            fn write() -> String {
                format!("one of {}", [$(concat!("\"", $word, "\"")),+].join(", "))
            }
            fn read(value: &DeValue<'_>) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

choice! {
    /// How the way to the mail server is kept from others.
    MailTls {
        /// TLS from the first byte (submissions, port 465).
        Implicit = "implicit",
        /// TLS begun with STARTTLS, and required (submission, port 587).
        Starttls = "starttls",
        /// None: for a mail server on this machine only.
        None = "none",
    }
}

choice! {
    /// How much is logged.
    LogLevel {
        /// What failed.
        Error = "error",
        /// And what may fail soon.
        Warn = "warn",
        /// And what was done.
        Info = "info",
        /// And how.
        Debug = "debug",
    }
}

choice! {
    /// The form of a log line.
    LogFormat {
        /// For reading.
        Text = "text",
        /// For collecting: one JSON object a line.
        Json = "json",
    }
}
