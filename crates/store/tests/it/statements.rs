//! Every statement that stands in the source is prepared against the migrated schema, as the role that
//! will run it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{rows, running_role};
use store::WholeRow;
use tokio_postgres::Client;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn product_sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The text literals of a source, in order, with what stands before each on its own. Knows comments,
/// character literals and raw strings, so that none is taken for another.
fn literals(source: &str) -> Vec<(String, String)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut before = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\'") {
            at += 3;
        } else if rest.starts_with("r\"") || rest.starts_with("r#\"") {
            let close = if rest.starts_with("r#") { "\"#" } else { "\"" };
            let open = rest.find('"').unwrap() + 1;
            let end = rest[open..].find(close).unwrap();
            found.push((source[before..at].to_owned(), rest[open..open + end].to_owned()));
            at += open + end + close.len();
            before = at;
        } else if rest.starts_with('"') {
            let mut end = 1;
            while rest.as_bytes()[end] != b'"' {
                end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
            }
            found.push((source[before..at].to_owned(), unescape(&rest[1..end])));
            at += end + 1;
            before = at;
        } else {
            at += rest.chars().next().unwrap().len_utf8();
        }
    }
    found
}

/// A line's end after a backslash goes with the space that follows it, as the compiler has it.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('\n')) => while letters.next_if(|next| next.is_whitespace()).is_some() {},
            ('\\', Some('n')) => {
                letters.next();
                out.push('\n');
            }
            ('\\', Some(_)) => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    out
}

async fn prepares(client: &Client, sql: &str) -> Result<(), String> {
    client.prepare(sql).await.map(|_| ()).map_err(|error| format!("{error:?}\n{sql}"))
}

#[tokio::test]
async fn every_statement_in_the_source_prepares_against_the_schema() {
    testkit::House::open().await;
    let client = running_role().await;
    let (mut prepared, mut faults) = (0, Vec::new());
    for (path, source) in product_sources() {
        for (before, literal) in literals(&source) {
            if before.trim_end().ends_with("sql!(") {
                prepared += 1;
                if let Err(fault) = prepares(&client, &literal).await {
                    faults.push(format!("{}: {fault}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(prepared > 20, "only {prepared} statements found: the scan is blind");
}

/// The store's own statements are constants and literals; the keyring's go to the keyring.
#[tokio::test]
async fn every_statement_of_the_store_itself_prepares_against_its_cluster() {
    testkit::House::open().await;
    let data = running_role().await;
    let keyring = testkit::servers().await.as_role(testkit::KEYRING, "vouchsafe_run").await;
    let (mut prepared, mut faults) = (0, Vec::new());
    for (path, source) in
        product_sources().into_iter().filter(|(path, _)| path.to_string_lossy().contains("/store/src"))
    {
        for (_, literal) in literals(&source) {
            let words: Vec<&str> = literal.split_whitespace().collect();
            let statement = match words.as_slice() {
                ["select", rest @ ..] => rest.iter().any(|word| *word == "from" || word.starts_with("set_config")),
                ["insert", "into", ..]
                | ["delete", "from", ..]
                | ["with", "event", "as", ..]
                | ["update", _, "set", ..] => true,
                _ => false,
            };
            // Text with holes is filled by the row types, which the next test prepares.
            if !statement || literal.contains("{}") {
                continue;
            }
            prepared += 1;
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let client = if ["keyring.rs", "rotate.rs"].contains(&name.as_str()) { &keyring } else { &data };
            if let Err(fault) = prepares(client, &literal).await {
                faults.push(format!("{name}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(prepared > 30, "only {prepared} statements found: the scan is blind");
}

/// The columns of which a statement's list shows something made of them, under their own name: `id` of
/// `select id::text from …`. ORDER BY takes such a name for what was made, and then no index puts it in order: the whole
/// table is read for each stretch of it.
fn made_of(sql: &str) -> Vec<&str> {
    let list = sql.strip_prefix("select ").and_then(|rest| rest.split(" from ").next()).unwrap_or_default();
    let made = list
        .split(',')
        .map(str::trim)
        .filter(|one| one.chars().all(|c| c.is_ascii_lowercase() || "_.:0123456789".contains(c)));
    made.filter_map(|one| one.split_once("::")).map(|(column, _)| column.rsplit('.').next().unwrap_or(column)).collect()
}

fn in_order_of_what_was_made(sql: &str) -> bool {
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, order)) = sql.rsplit_once(" order by ") else { return false };
    let order: Vec<&str> = order.split([' ', ',', ')']).collect();
    made_of(&sql).iter().any(|column| order.contains(column))
}

#[test]
fn no_list_is_put_in_order_by_what_was_made_of_its_column() {
    assert!(in_order_of_what_was_made("select id::text, octet_length(body)::bigint from t order by id limit $2"));
    assert!(!in_order_of_what_was_made("select id, octet_length(body)::bigint from t order by id"));
    assert!(!in_order_of_what_was_made("select t.id::text from t order by t.id"));
    for (path, source) in product_sources() {
        for (_, literal) in literals(&source) {
            assert!(!in_order_of_what_was_made(&literal), "{}: {literal}", path.display());
        }
    }
}

#[tokio::test]
async fn the_statements_that_the_row_types_make_prepare() {
    testkit::House::open().await;
    let client = running_role().await;
    fn of<R: WholeRow>() -> [&'static str; 3] {
        [R::insert_sql(1), R::insert_sql(2), R::update_sql()]
    }
    let all = [
        of::<rows::ListingRow>(),
        of::<rows::PracticeRow>(),
        of::<rows::PersonRow>(),
        of::<rows::SessionRow>(),
        of::<rows::MembershipRow>(),
        of::<rows::PatientRow>(),
        of::<rows::AlertRow>(),
        of::<rows::IdentifierRow>(),
        of::<rows::EntryRow>(),
        of::<rows::KeptRow>(),
        of::<rows::RunRow>(),
        of::<rows::CodeRow>(),
        of::<store::OutboxRow>(),
    ];
    for sql in all.into_iter().flatten() {
        prepares(&client, sql).await.unwrap();
    }
}

/// A declaration of a row holds every column of its table (a `view` may hold fewer), whichever room
/// makes it: read from the sources, because a store may not know the rooms above it.
#[tokio::test]
async fn every_declared_row_names_the_columns_that_its_table_has() {
    let client = crate::support::superuser().await;
    let mut checked = 0;
    for (path, source) in product_sources() {
        for declaration in source.split("sealed_row! {").skip(1) {
            let Some(head) = declaration.split(" in \"").nth(1) else { continue };
            let (Some(table), true) = (head.split('"').next(), declaration.contains("sealed {")) else { continue };
            let body = &declaration[..declaration.find("\n}").unwrap()];
            if body.contains("//!") || !body.contains("clear {") {
                continue;
            }
            let whole = body.contains("pub row") || body.contains("pub(crate) row") || body.contains("pub(super) row");
            let mut named: Vec<String> =
                ["practice_id", "id", "row_version", "seal_version", "event_id"].map(str::to_owned).to_vec();
            for block in ["clear {", "sealed {"] {
                let block = body.split(block).nth(1).unwrap().split('}').next().unwrap();
                named.extend(
                    block.split([',', '\n']).filter_map(|part| Some(part.split_once(':')?.0.trim().to_owned())),
                );
            }
            // What PostgreSQL makes of other columns by itself is no part of a row.
            let sql = "select attname::text from pg_attribute
                       where attrelid = to_regclass($1) and attnum > 0 and attgenerated = ''";
            let there: Vec<String> = client.query(sql, &[&table]).await.unwrap().iter().map(|row| row.get(0)).collect();
            let missing: Vec<&String> = there.iter().filter(|column| !named.contains(column)).collect();
            assert!(!whole || missing.is_empty(), "{}: {table} has {missing:?} too", path.display());
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} declarations found: the scan is blind");
}

#[test]
fn the_scan_tells_texts_from_comments_and_marks() {
    let source = r##"let a = "x \"y\" \
        z"; // "no"
        let b = '"'; /* "no" */ f(r#"r"w"#);"##;
    let texts: Vec<String> = literals(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["x \"y\" z", "r\"w"]);
}
