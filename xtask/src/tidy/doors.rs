//! The doors to the database: who may open a connection, and where SQL may stand.

use super::rooms::{CONNECTION_CRATES, HOLD_CONNECTIONS};
use super::tokens;
use super::tree::{Fault, File, Tree};

/// Only the rooms that own connections may depend on what opens them, or name it.
pub(super) fn connections_have_one_owner(tree: &Tree) -> Vec<Fault> {
    let may_not = |room: &str| !HOLD_CONNECTIONS.contains(&room);
    let mut faults = Vec::new();
    for package in tree.packages() {
        let named =
            package.dependencies.iter().filter(|dependency| CONNECTION_CRATES.contains(&dependency.name.as_str()));
        for dependency in named.filter(|_| may_not(&package.name)) {
            let manifest = tree.manifest_of(package);
            let said = format!("`{}` may not hold connections: it depends on `{}`", package.name, dependency.name);
            faults.push(Fault::new(manifest, None, said));
        }
    }
    for file in tree.ending(&["rs"]).filter(|file| file.room().is_some_and(may_not)) {
        match tokens::of(file) {
            Err(fault) => faults.push(fault),
            Ok(source) => faults.extend(
                tokens::names(source)
                    .into_iter()
                    .filter(|(_, name)| CONNECTION_CRATES.contains(&name.replace('_', "-").as_str()))
                    .map(|(line, name)| file.fault(line, format!("names `{name}`; only {HOLD_CONNECTIONS:?} may"))),
            ),
        }
    }
    faults
}

/// Where a room's product code may hold SQL: nowhere (`Some(&[])`), only in files named so, or anywhere (`None`).
fn sql_files(room: &str) -> Option<&'static [&'static str]> {
    match room {
        "identity" | "practice" => Some(&["reads.rs", "writes.rs"]),
        "kernel" | "seal" | "ledger" | "web" | "vouchsafe" => Some(&[]),
        _ => None,
    }
}

/// A slice's SQL is in its `reads.rs` and `writes.rs`, so that whoever reviews who sees what reads two files.
pub(super) fn sql_is_in_reads_and_writes(tree: &Tree) -> Vec<Fault> {
    let misplaced = |file: &&File| {
        file.is_product() && file.room().and_then(sql_files).is_some_and(|allowed| !allowed.contains(&file.name()))
    };
    let mut faults = Vec::new();
    for file in tree.ending(&["rs"]).filter(misplaced) {
        match tokens::of(file) {
            Err(fault) => faults.push(fault),
            Ok(source) => faults.extend(
                tokens::strings(source)
                    .iter()
                    .filter(|string| is_sql(&string.text))
                    .map(|string| file.fault(string.line, "SQL outside reads.rs and writes.rs")),
            ),
        }
    }
    faults
}

/// SQL is told from prose by its phrases in one case throughout: "Select a name from the list" is prose.
fn is_sql(text: &str) -> bool {
    let spaced = text.replace('(', " ( ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let is = |word: &str, keyword: &str| word == keyword || word == keyword.to_ascii_uppercase();
    let begins_a_query = |at: usize| {
        at == 0
            || words
                .get(at - 1)
                .is_some_and(|before| ["(", "as", "AS", "union", "UNION", "all", "ALL"].contains(before))
    };
    (0..words.len()).any(|at| match words.get(at..).unwrap_or_default() {
        [first, rest @ ..] if is(first, "select") && begins_a_query(at) => rest.iter().any(|word| is(word, "from")),
        [first, second, ..] if is(first, "insert") && is(second, "into") => true,
        [first, second, _, ..] if is(first, "delete") && is(second, "from") => true,
        [first, _, third, ..] if is(first, "update") && is(third, "set") => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    const WORKSPACE: (&str, &str) = ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n");

    #[test]
    fn a_connection_opened_by_a_slice_is_found() {
        let manifest = ("crates/practice/Cargo.toml", "[package]\nname = \"practice\"\n");
        let source = "fn f() {\n    tokio_postgres::connect();\n}\n";
        let found = faults(connections_have_one_owner, &[WORKSPACE, manifest, ("crates/practice/src/lib.rs", source)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/practice/src/lib.rs:2: names `tokio_postgres`"), "{found:?}");
    }

    #[test]
    fn a_dependency_on_a_pool_is_found_even_under_another_name() {
        let manifest =
            "[package]\nname = \"web\"\n[dependencies]\npool = { package = \"deadpool-postgres\", version = \"0\" }\n";
        let files = [WORKSPACE, ("crates/web/Cargo.toml", manifest), ("crates/web/src/lib.rs", "")];
        let found = faults(connections_have_one_owner, &files);
        assert_eq!(found, ["crates/web/Cargo.toml: `web` may not hold connections: it depends on `deadpool-postgres`"]);
    }

    #[test]
    fn the_store_may_hold_connections_and_prose_may_speak_of_them() {
        let store = "[package]\nname = \"store\"\n[dependencies]\ntokio-postgres = \"0\"\n";
        let web = ("crates/web/src/lib.rs", "// never tokio_postgres here\n");
        let files = [
            WORKSPACE,
            ("crates/store/Cargo.toml", store),
            ("crates/store/src/lib.rs", "use tokio_postgres;\n"),
            ("crates/web/Cargo.toml", "[package]\nname = \"web\"\n"),
            web,
        ];
        assert_eq!(faults(connections_have_one_owner, &files), Vec::<String>::new());
    }

    #[test]
    fn sql_in_a_model_is_found_and_in_reads_it_is_not() {
        let source = "fn f() {\n    sql!(\"select *\n  from patient\");\n}\n";
        let files = [
            ("crates/practice/src/patients/model.rs", source),
            ("crates/practice/src/patients/reads.rs", source),
            ("crates/practice/src/patients/tests.rs", source),
            ("crates/store/src/anything.rs", source),
        ];
        let found = faults(sql_is_in_reads_and_writes, &files);
        assert_eq!(found, ["crates/practice/src/patients/model.rs:2: SQL outside reads.rs and writes.rs"]);
    }

    #[test]
    fn the_pages_hold_no_sql_at_all() {
        let files = [("crates/web/src/pages/reads.rs", "const Q: &str = \"DELETE FROM patient WHERE true\";")];
        assert_eq!(faults(sql_is_in_reads_and_writes, &files).len(), 1);
    }

    #[test]
    fn sql_is_told_from_prose() {
        for sql in [
            "select 1 from x",
            "with a as (select b from c) table a",
            "insert into x values (1)",
            "update patient set active = $1",
            "DELETE FROM x WHERE true",
        ] {
            assert!(is_sql(sql), "{sql}");
        }
        for prose in [
            "Select a patient from the list",
            "please select one from the list",
            "update the settings",
            "Insert into the slot",
            "",
        ] {
            assert!(!is_sql(prose), "{prose}");
        }
    }
}
