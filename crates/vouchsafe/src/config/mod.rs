//! The file of settings. Each has a default, so that an empty file is a whole one; what is wrong is
//! told with the file, the line, the setting and what to write instead, all mistakes at once.

mod check;
mod page;
mod section;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use kernel::Secret;
use lettre::message::Mailbox;
use toml::de::DeTable;

pub(crate) use page::page;
use section::{About, Entry, Reader, section};
use values::Value;
pub(crate) use values::{LogFormat, LogLevel, MailTls, Whole};
use web::Origin;

use crate::machine;

section! {
    /// Where everything is kept.
    struct Top in "" {
        /// The one folder of data: the managed PostgreSQL servers, and the lock that keeps a second start out.
        /// It is made when missing.
        folder: PathBuf = r#""/var/lib/vouchsafe""#,
    }
}

section! {
    /// How browsers reach it. Vouchsafe speaks HTTPS itself (TLS 1.3), and nothing else.
    struct Web in "web" {
        /// Where to listen for HTTPS. Ports below 1024 are fine when started as root.
        listen: SocketAddr = r#""[::]:8443""#,
        /// The address that people type. Links in mails begin with it, and forms sent from any other origin
        /// are refused.
        origin: Origin = r#""https://localhost:8443""#,
        /// The certificate with its chain, PEM, the certificate of the server first. Read at the start.
        certificate: PathBuf = r#""/etc/vouchsafe/certificate.pem""#,
        /// The certificate's private key, PEM. Read at the start, before rights are given up: it can belong
        /// to root alone.
        certificate_key: PathBuf = r#""/etc/vouchsafe/certificate.key""#,
        /// Where to listen for plain HTTP, only to send browsers on to `origin`. Unset: nowhere.
        redirect_listen: Option<SocketAddr> = "",
        /// Proxies in front: from these networks, and no others, `X-Forwarded-For` is believed.
        trusted_proxies: Vec<IpNet> = "[]",
        /// Threads that answer requests. Unset: half as many as the machine has processors where it runs the managed
        /// PostgreSQL servers too, else as many.
        threads: Option<Whole<1, 1024>> = "",
        /// How many seconds running requests get to finish when Vouchsafe is told to stop.
        stop_seconds_max: Whole<1, 300> = "20",
    }
}

section! {
    /// The outermost key. It wraps the keys of the practices, and without it nothing opens.
    struct Keys in "keys" {
        /// The file of the root key. It must lie outside `folder`, so that a copy of the data is no copy of the
        /// key, and be readable by Vouchsafe's account alone. `vouchsafe keys create` makes it.
        root_key: PathBuf = r#""/etc/vouchsafe/keys/root.key""#,
    }
}

section! {
    /// Accounts of the operating system, when Vouchsafe is started as root: none of them reads another's files.
    /// They are made when missing. Started by an ordinary account, everything runs as that one.
    struct Accounts in "accounts" {
        /// Runs the application: pages, keys, mail.
        application: String = r#""vouchsafe""#,
        /// Runs the PostgreSQL of the data.
        data: String = r#""vouchsafe-pg""#,
        /// Runs the PostgreSQL of the keyring.
        keyring: String = r#""vouchsafe-keyring""#,
    }
}

section! {
    /// The two PostgreSQL servers: one for the data, one for the keyring (so that an old backup of the data meets
    /// today's keys, and what was erased stays erased).
    struct Postgresql in "postgresql" {
        /// Whether Vouchsafe makes, starts, watches and stops the servers itself. `false`: they are others', named
        /// in `[outside]`.
        managed: bool = "true",
        /// The folder of `postgres` and `initdb`. Unset: looked for in the usual places.
        binaries: Option<PathBuf> = "",
        /// Connections that each managed server takes at most.
        connections_max: Whole<30, 1000> = "100",
        /// Shared memory of the managed data server, in MiB. Unset: a quarter of the machine's memory, 1024 at most.
        data_buffers_mib: Option<Whole<16, 1_048_576>> = "",
        /// Shared memory of the managed keyring server, in MiB. Unset: an eighth of the data server's.
        keyring_buffers_mib: Option<Whole<16, 1_048_576>> = "",
    }
}

section! {
    /// Servers that somebody else runs. With several hosts, the one that takes writes is used. TLS is required and
    /// the server's name is checked, except through a unix socket. A file that holds passwords must be
    /// readable by its owner alone.
    struct Outside in "outside" {
        /// The data, as the role that owns the database and migrates it.
        data_owner: Option<Secret<String>> = "",
        /// The data, as `vouchsafe_run`: the role that the application runs as, and that owns nothing.
        data_run: Option<Secret<String>> = "",
        /// The keyring, as the role that owns the database and migrates it.
        keyring_owner: Option<Secret<String>> = "",
        /// The keyring, as `vouchsafe_run`.
        keyring_run: Option<Secret<String>> = "",
        /// The certificate authorities that vouch for the servers, PEM. Unset: those of the system.
        authorities: Option<PathBuf> = "",
    }
}

section! {
    /// What may be large, slow or many from outside.
    struct Limits in "limits" {
        /// Requests that are answered at one time; one more is told to come back.
        requests_max: Whole<8, 100_000> = "256",
        /// Open connections of browsers; one more is closed.
        connections_max: Whole<8, 100_000> = "2000",
        /// Open connections from one network address. Many people can sit behind one.
        connections_per_address_max: Whole<4, 100_000> = "500",
        /// Seconds that a request may take.
        request_seconds_max: Whole<5, 300> = "30",
    }
}

section! {
    /// How many connections the application holds, and how long a request waits for one.
    struct Pools in "pools" {
        /// To the data.
        data_connections_max: Whole<4, 500> = "16",
        /// To the keyring.
        keyring_connections_max: Whole<2, 500> = "8",
        /// Seconds that a request waits for a free connection before it is told to come back.
        wait_seconds_max: Whole<1, 60> = "5",
    }
}

section! {
    /// Work that takes longer than a request: imports and exports.
    struct Works in "works" {
        /// How many are done at one time. More keep more of the processors from those who wait for a page.
        at_once_max: Whole<1, 64> = "2",
    }
}

section! {
    /// The mail server. A letter waits, sealed, until the server has taken it: for about eight hours, in eight
    /// attempts.
    struct Mail in "mail" {
        /// The server's name.
        host: String = r#""localhost""#,
        /// Its port: 465 for `implicit`, 587 for `starttls`, usually.
        port: Whole<1, 65535> = "25",
        /// How the way there is kept from others. `none` is taken for a server on this machine only.
        tls: MailTls = r#""none""#,
        /// The name to sign in with. Unset: no signing in.
        user: Option<String> = "",
        /// A file that holds the password and nothing else, readable by its owner alone.
        password_file: Option<PathBuf> = "",
        /// Whom letters are from.
        from: Mailbox = r#""Vouchsafe <vouchsafe@localhost>""#,
        /// Seconds that the server may take for each step.
        timeout_seconds_max: Whole<1, 300> = "30",
    }
}

section! {
    /// The log: ids and kinds, never a value. It goes to standard error, where systemd and containers collect it.
    struct Log in "log" {
        /// How much.
        level: LogLevel = r#""info""#,
        /// In which form.
        format: LogFormat = r#""text""#,
        /// A file to write to instead of standard error; it is appended to.
        file: Option<PathBuf> = "",
    }
}

/// All settings.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) top: Top,
    pub(crate) web: Web,
    pub(crate) keys: Keys,
    pub(crate) accounts: Accounts,
    pub(crate) postgresql: Postgresql,
    pub(crate) outside: Outside,
    pub(crate) limits: Limits,
    pub(crate) pools: Pools,
    pub(crate) works: Works,
    pub(crate) mail: Mail,
    pub(crate) log: Log,
}

const SECTIONS: [About; 11] = [
    Top::ABOUT,
    Web::ABOUT,
    Keys::ABOUT,
    Accounts::ABOUT,
    Postgresql::ABOUT,
    Outside::ABOUT,
    Limits::ABOUT,
    Pools::ABOUT,
    Works::ABOUT,
    Mail::ABOUT,
    Log::ABOUT,
];

/// A file of settings that cannot be used: which, and all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    file: PathBuf,
    said: Vec<String>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, said) in self.said.iter().enumerate() {
            let end = if index + 1 < self.said.len() { "\n" } else { "" };
            write!(f, "{}: {said}{end}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Wrong {}

impl Config {
    /// Threads that answer requests.
    pub(crate) fn threads(&self) -> usize {
        self.web.threads.map_or_else(|| machine::threads(self.postgresql.managed), Whole::size)
    }

    /// Reads a file.
    pub(crate) fn load(file: &Path) -> Result<Self, Wrong> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Wrong { file: file.to_owned(), said: vec![format!("cannot be read: {error}")] })?;
        let config = Self::parse(file, &text)?;
        let said: Vec<String> = check::readable_by_others(file, &config).into_iter().collect();
        if said.is_empty() { Ok(config) } else { Err(Wrong { file: file.to_owned(), said }) }
    }

    /// Reads a text; `file` is named in errors.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, Wrong> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| format!("line {}: ", section::line_of(text, &span))).unwrap_or_default();
            let said = format!("{line}this is not TOML: {}; write  name = value", error.message().replace('\n', ", "));
            Wrong { file: file.to_owned(), said: vec![said] }
        })?;
        let mut reader = Reader::new(text, table.get_ref());
        reader.refuse_unknown(&SECTIONS);
        let config = Self::read(&mut reader);
        if let Some(config) = &config {
            check::together(config, &mut reader);
        }
        match config {
            Some(config) if reader.wrong.is_empty() => Ok(config),
            _ => Err(Wrong { file: file.to_owned(), said: reader.wrong }),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (top, web, keys) = (Top::read(reader), Web::read(reader), Keys::read(reader));
        let (accounts, postgresql, outside) = (Accounts::read(reader), Postgresql::read(reader), Outside::read(reader));
        let (limits, pools, works) = (Limits::read(reader), Pools::read(reader), Works::read(reader));
        let (mail, log) = (Mail::read(reader), Log::read(reader));
        Some(Self {
            top: top?,
            web: web?,
            keys: keys?,
            accounts: accounts?,
            postgresql: postgresql?,
            outside: outside?,
            limits: limits?,
            pools: pools?,
            works: works?,
            mail: mail?,
            log: log?,
        })
    }
}
