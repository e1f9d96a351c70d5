//! What must be true of several settings together.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::section::Reader;
use super::{Config, MailTls};

/// Notes every combination that cannot be.
pub(super) fn together(config: &Config, reader: &mut Reader<'_>) {
    let (folder, key) = (&config.top.folder, &config.keys.root_key);
    if lies_in(key, folder) {
        let said = format!(
            "{} lies inside the data folder {}; a copy of the data would be a copy of the key. Write a path outside it, such as \"/etc/vouchsafe/keys/root.key\"",
            key.display(),
            folder.display()
        );
        reader.note("keys.root_key", &said);
    }
    let accounts = &config.accounts;
    if accounts.application == accounts.data
        || accounts.application == accounts.keyring
        || accounts.data == accounts.keyring
    {
        reader.note(
            "accounts.application",
            "the three accounts must differ, so that none reads another's files; write three names",
        );
    }
    servers(config, reader);
    mail(config, reader);
}

fn servers(config: &Config, reader: &mut Reader<'_>) {
    let outside = &config.outside;
    let named = [
        ("outside.data_owner", &outside.data_owner),
        ("outside.data_run", &outside.data_run),
        ("outside.keyring_owner", &outside.keyring_owner),
        ("outside.keyring_run", &outside.keyring_run),
    ];
    for (key, value) in named {
        match (config.postgresql.managed, value) {
            (true, Some(_)) => {
                reader.note(key, "it names a server of others, and the servers are managed; write  managed = false  in [postgresql], or take this out");
            }
            (false, None) => {
                reader.note(key, "it is missing, and the servers are not managed; write a libpq connection string in quotes, such as \"host=db1,db2 dbname=vouchsafe user=...\"");
            }
            _ => {}
        }
    }
    let needed = config.pools.data_connections_max.get().max(config.pools.keyring_connections_max.get()) + 10;
    if config.postgresql.managed && config.postgresql.connections_max.get() < needed {
        let said = format!("the pools need more; write {needed} or more, or make the pools smaller");
        reader.note("postgresql.connections_max", &said);
    }
}

fn mail(config: &Config, reader: &mut Reader<'_>) {
    let mail = &config.mail;
    if mail.tls == MailTls::None && !is_this_machine(&mail.host) {
        let said = format!(
            "letters to {} would cross the network in the open; write \"starttls\" (port 587, usually) or \"implicit\" (port 465)",
            mail.host
        );
        reader.note("mail.tls", &said);
    }
    match (&mail.user, &mail.password_file) {
        (Some(_), None) => {
            reader
                .note("mail.password_file", "a user is named and no password; write the path of a file that holds it");
        }
        (None, Some(_)) => reader.note("mail.user", "a password is named and no user; write the user's name"),
        _ => {}
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A file with passwords that others can read.
pub(super) fn readable_by_others(file: &Path, config: &Config) -> Option<String> {
    let outside = &config.outside;
    let all = [&outside.data_owner, &outside.data_run, &outside.keyring_owner, &outside.keyring_run];
    let holds_passwords = all.into_iter().flatten().any(|dsn| {
        let text = dsn.expose();
        text.contains("password") || text.contains("://") && text.contains('@')
    });
    let mode = std::fs::metadata(file).ok()?.mode() & 0o077;
    (holds_passwords && mode != 0)
        .then(|| format!("it holds passwords and others can read it: chmod 600 {}", file.display()))
}

/// Whether `path` lies in `folder`, wherever links lead.
pub(crate) fn lies_in(path: &Path, folder: &Path) -> bool {
    real(path).starts_with(real(folder))
}

/// The path without links and dots, as far as it exists.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.components().next_back()) {
        (Some(above), Some(Component::Normal(name))) => real(above).join(name),
        (Some(above), Some(Component::ParentDir)) => real(above).parent().unwrap_or(above).to_owned(),
        (Some(above), _) => real(above),
        (None, _) => path.to_owned(),
    }
}
