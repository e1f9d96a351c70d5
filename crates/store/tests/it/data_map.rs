//! `docs/data-map.csv` against the schema: every column of both clusters is there once, and what is
//! said to be sealed can hold nothing but bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tokio_postgres::Client;

use crate::support::{keyring_superuser, superuser};

struct Entry {
    form: String,
    key: String,
    why: String,
}

type Column = (String, String, String);

/// A line's five fields; quotation marks only ever enclose a whole field.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn listed() -> BTreeMap<Column, Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data-map.csv");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("cluster,table,column,form,key,why"));
    let mut all = BTreeMap::new();
    for line in lines {
        let [cluster, table, column, form, key, why] = fields(line).try_into().expect(line);
        let before = all.insert((cluster, table, column), Entry { form, key, why });
        assert!(before.is_none(), "listed twice: {line}");
    }
    all
}

async fn columns(client: &Client, cluster: &str, into: &mut BTreeMap<Column, String>) {
    let sql = "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
               from pg_attribute a join pg_class c on c.oid = a.attrelid
               where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
                 and a.attnum > 0 and not a.attisdropped";
    for row in client.query(sql, &[]).await.unwrap() {
        into.insert((cluster.to_owned(), row.get(0), row.get(1)), row.get(2));
    }
}

async fn schema() -> BTreeMap<Column, String> {
    let mut all = BTreeMap::new();
    columns(&superuser().await, "data", &mut all).await;
    columns(&keyring_superuser().await, "keyring", &mut all).await;
    all
}

#[tokio::test]
async fn every_column_of_both_clusters_stands_in_the_data_map_once() {
    let listed: BTreeSet<Column> = listed().into_keys().collect();
    let there: BTreeSet<Column> = schema().await.into_keys().collect();
    let difference: Vec<_> = listed.symmetric_difference(&there).collect();
    assert!(difference.is_empty(), "in one and not in the other: {difference:?}");
}

#[tokio::test]
async fn what_the_data_map_says_of_a_column_fits_its_type() {
    let schema = schema().await;
    for (column, entry) in listed() {
        let kind = &schema[&column];
        assert!(!entry.why.is_empty(), "{column:?} has no reason");
        match entry.form.as_str() {
            "sealed" | "wrapped" => {
                assert_eq!(kind, "bytea", "{column:?} is {}", entry.form);
                assert!(!entry.key.is_empty(), "{column:?} is under no key");
            }
            "clear" => {
                assert!(entry.key.is_empty(), "{column:?} is clear and under a key");
                // A new text column has to be looked at here: free text in the clear is how values leak.
                if kind == "text" {
                    assert!(CLEAR_TEXTS.contains(&column.2.as_str()), "{column:?} is clear text");
                }
                assert!(!["json", "jsonb", "xml", "text[]"].contains(&kind.as_str()), "{column:?} is {kind}");
            }
            other => panic!("{column:?}: form {other}"),
        }
    }
}

/// Columns of clear text: codes and names from the program, paths of our own.
const CLEAR_TEXTS: [&str; 30] = [
    // Of uploads: a name of what is wrong, with numbers of column and line.
    "problem",
    // Of bulk exports: names of FHIR types.
    "types",
    // Of work: codes of the program.
    "fault",
    "wish",
    // Of exports: a code, a public key that somebody chose, names of FHIR types, names of files made of those.
    "scope",
    "recipient",
    "steps",
    "part",
    "source",
    "action",
    "record_kind",
    "field",
    "purpose",
    "outcome",
    "state",
    "slug",
    "time_zone",
    "country",
    "factors",
    "ended_why",
    "next",
    "rule",
    "roles",
    "status",
    "kind",
    "severity",
    "resource_type",
    "file",
    "target_kind",
    "scopes",
];
