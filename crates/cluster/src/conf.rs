//! The server's configuration, written whole at each start and kept where the server cannot write.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::ClusterError;
use crate::folder::{Layout, PORT};
use crate::os_user::check_name;
use crate::settings::{Admit, Settings};

/// The role that owns the cluster. The name that PostgreSQL's own tools expect.
pub(crate) const SUPERUSER: &str = "postgres";

/// What no `ALTER SYSTEM` may undo: given on the command line too, which goes before every file.
///
/// No value may reach the log (DESIGN, 7). An error's first line can carry one ("invalid input
/// syntax for type uuid: ..."), so errors of statements are not logged at all (`log_min_messages =
/// log` lets LOG, FATAL and PANIC through); their sender gets them. `terse` leaves out DETAIL and
/// CONTEXT, which hold keys and, in a report of a deadlock or a crash, whole statements.
const WALLS: [(&str, &str); 17] = [
    ("listen_addresses", ""),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_statement", "none"),
    ("log_duration", "off"),
    ("log_min_duration_statement", "-1"),
    ("log_min_duration_sample", "-1"),
    ("log_transaction_sample_rate", "0"),
    ("debug_print_parse", "off"),
    ("debug_print_rewritten", "off"),
    ("debug_print_plan", "off"),
    ("log_line_prefix", "%m [%p] %e %q%u@%d "),
];

/// The arguments of `postgres`.
pub(crate) fn arguments(layout: &Layout) -> Vec<String> {
    let mut arguments = vec!["-D".to_owned(), layout.data.display().to_string()];
    let file = format!("config_file={}", layout.conf.join("postgresql.conf").display());
    let walls = WALLS.iter().map(|(name, value)| format!("{name}={value}"));
    for setting in std::iter::once(file).chain(walls) {
        arguments.extend(["-c".to_owned(), setting]);
    }
    arguments
}

/// Writes the three files. `owner` is the account that is superuser: the one we run as.
pub(crate) fn write(settings: &Settings, layout: &Layout, owner: &str) -> Result<(), ClusterError> {
    put(&layout.conf.join("pg_ident.conf"), &ident(owner, &settings.admit)?)?;
    put(
        &layout.conf.join("pg_hba.conf"),
        "# Written at each start. Who may be whom is in pg_ident.conf.\nlocal all all peer map=vouchsafe\n",
    )?;
    put(&layout.conf.join("postgresql.conf"), &server(settings, layout)?)
}

fn server(settings: &Settings, layout: &Layout) -> Result<String, ClusterError> {
    let path = |path: &Path| -> Result<String, ClusterError> {
        match path.to_str() {
            Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
            _ => Err(ClusterError::Setting(format!(
                "the path {} cannot be written into PostgreSQL's configuration; name a folder of plain text",
                path.display()
            ))),
        }
    };
    // A list of folders, in which a double-quoted one may hold a comma.
    let sockets = format!("\"{}\"", path(&layout.sockets)?.replace('"', "\"\""));
    let tuning = settings.tuning;
    let lines = [
        ("data_directory", path(&layout.data)?),
        ("hba_file", path(&layout.conf.join("pg_hba.conf"))?),
        ("ident_file", path(&layout.conf.join("pg_ident.conf"))?),
        ("cluster_name", format!("vouchsafe-{}", settings.name)),
        ("unix_socket_directories", sockets),
        // The folder's own mode and peer decide; this is PostgreSQL's default, said.
        ("unix_socket_permissions", "0777".into()),
        ("port", PORT.to_string()),
        ("max_connections", tuning.connections_max.to_string()),
        ("shared_buffers", format!("{}MB", tuning.shared_buffers_mib)),
        // Enough for a base backup and an archive; raising it later would need a restart.
        ("wal_level", "replica".into()),
        // The first change of a page after a checkpoint logs all of it, and search tokens fall on pages anywhere: with
        // checkpoints far apart a page is logged whole once for many changes. What an idle server keeps stays small.
        ("max_wal_size", "4GB".into()),
        ("checkpoint_timeout", "15min".into()),
        ("jit", "off".into()),
        // What a table holds is to be known soon after it was filled: an import fills one in a minute.
        ("autovacuum_naptime", "15s".into()),
        ("logging_collector", "on".into()),
        ("log_directory", path(&layout.log)?),
        ("log_filename", "postgresql-%a.log".into()),
        ("log_truncate_on_rotation", "on".into()),
        ("log_rotation_age", "1d".into()),
        ("log_rotation_size", "0".into()),
        ("log_file_mode", "0600".into()),
        ("log_checkpoints", "on".into()),
        ("log_lock_waits", "on".into()),
        ("log_timezone", "UTC".into()),
        ("timezone", "UTC".into()),
        ("datestyle", "ISO, YMD".into()),
        ("lc_messages", "C".into()),
    ];
    let mut text = String::from(
        "# Written by Vouchsafe at each start: what is changed here is lost. Use ALTER SYSTEM, which\n# cannot change the network, durability or what is logged (those are on the command line too).\n",
    );
    let walls = WALLS.iter().map(|(name, value)| (*name, (*value).to_owned()));
    for (name, value) in lines.into_iter().chain(walls) {
        // In this file a backslash is an escape and a quote is doubled.
        let _ = writeln!(text, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    }
    Ok(text)
}

fn ident(owner: &str, admit: &[Admit]) -> Result<String, ClusterError> {
    let mut text = String::from("# Written at each start: map, account of the operating system, role.\n");
    check_name(owner)?;
    let _ = writeln!(text, "vouchsafe \"{owner}\" \"{SUPERUSER}\"");
    for Admit { os_user, role } in admit {
        check_name(os_user)?;
        check_role(role)?;
        let _ = writeln!(text, "vouchsafe \"{os_user}\" \"{role}\"");
    }
    Ok(text)
}

/// Role and database names that need no quoting anywhere.
pub(crate) fn check_role(name: &str) -> Result<(), ClusterError> {
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let other = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // PostgreSQL keeps 63 bytes of a name, and has roles of its own under pg_.
    if name.starts_with(first) && name.chars().all(other) && name.len() <= 63 && !name.starts_with("pg_") {
        return Ok(());
    }
    Err(ClusterError::Setting(format!(
        "{name:?} cannot name a role or database here: lower-case letters, digits and _, 63 at most, not beginning with a digit or pg_"
    )))
}

/// Whole or not at all: written beside its place, then renamed.
fn put(path: &Path, text: &str) -> Result<(), ClusterError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o644).open(&beside)?;
        // The umask may have closed it to the server's account.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(ClusterError::io("cannot write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_pairs_are_admitted() {
        let admit = [Admit { os_user: "vouchsafe".into(), role: "vouchsafe_run".into() }];
        let text = ident("root", &admit).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["vouchsafe \"root\" \"postgres\"", "vouchsafe \"vouchsafe\" \"vouchsafe_run\""]);
    }

    #[test]
    fn a_name_cannot_add_a_line_or_a_pattern() {
        for (os_user, role) in
            [("a\nvouchsafe /.* postgres", "x"), ("/.*", "x"), ("a", "x y"), ("a", "\\1"), ("a", "all\"")]
        {
            assert!(
                ident("root", &[Admit { os_user: os_user.into(), role: role.into() }]).is_err(),
                "{os_user} {role}"
            );
        }
    }

    #[test]
    fn a_role_of_the_servers_own_is_refused() {
        assert!(check_role("vouchsafe_run").is_ok());
        for name in ["pg_read_all_data", "Upper", "9a", "", "a-b"] {
            assert!(check_role(name).is_err(), "{name}");
        }
    }
}
