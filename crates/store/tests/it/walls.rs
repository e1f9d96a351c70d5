//! The walls as the running role meets them, past the store's doors: what PostgreSQL itself refuses.

use kernel::PracticeId;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::catalogue::expected::{DATA, Table, Watch};
use crate::support::{Lot, code, lot, running_role, scope, scratch::Scratch, superuser, uuid};

/// Values that a column of this type takes, for rows that nobody reads.
fn value(kind: &str, column: &str) -> &'static str {
    match (kind, column) {
        (_, "state") => "'active'",
        (_, "status") => "'active'",
        (_, "country") => "'ZA'",
        (_, "slug") => "'slug'",
        (_, "factors") => "'password+totp'",
        (_, "next") => "'totp'",
        (_, "severity") => "'usual'",
        ("uuid", _) => "gen_random_uuid()",
        ("bytea", "email_token") => "substr(sha256(random()::text::bytea), 1, 16)",
        ("bytea", _) => "sha256(random()::text::bytea)",
        ("text", _) => "'text'",
        ("timestamp with time zone", _) => "now()",
        ("boolean", _) => "true",
        ("xid8", _) => "pg_current_xact_id()",
        _ => "1",
    }
}

/// A statement that inserts one row into a table under a practice, as whoever runs it.
async fn insert(superuser: &Client, table: &str, practice: PracticeId, event: &str) -> String {
    let sql = "select attname::text, format_type(atttypid, null) from pg_attribute
               where attrelid = to_regclass($1) and attnum > 0 and attnotnull order by attnum";
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for row in superuser.query(sql, &[&table]).await.unwrap() {
        let (column, kind): (String, String) = (row.get(0), row.get(1));
        let state = match table {
            "outbox" => "'waiting'",
            "import_run" => "'running'",
            _ => "'active'",
        };
        values.push(match column.as_str() {
            "practice_id" => format!("'{}'", practice.uuid()),
            "id" if table == "practice" => format!("'{}'", practice.uuid()),
            "event_id" => event.to_owned(),
            "state" => state.to_owned(),
            "status" if table == "invitation" => "'open'".to_owned(),
            _ => value(&kind, &column).to_owned(),
        });
        columns.push(column);
    }
    format!("insert into {table} ({}) values ({})", columns.join(", "), values.join(", "))
}

/// A row of each table under a practice, laid there by the superuser with every rule asleep.
async fn furnish(client: &Client, practice: PracticeId) {
    client.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    for table in DATA.tables {
        client.batch_execute(&insert(client, table.name, practice, "gen_random_uuid()").await).await.unwrap();
    }
    client.batch_execute("commit").await.unwrap();
}

async fn count(client: &Client, table: &str) -> i64 {
    client.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn without_a_practice_every_table_with_rows_raises() {
    let scratch = Scratch::make().await;
    let superuser = scratch.superuser().await;
    furnish(&superuser, PracticeId::from_uuid(uuid())).await;
    for table in DATA.tables {
        let client = scratch.running_role().await;
        let sql = format!("select * from {}", table.name);
        // 42704: unrecognised configuration parameter.
        assert_eq!(code(client.query(&sql, &[]).await), "42704", "{}: unset", table.name);
        client.batch_execute("set app.practice = ''").await.unwrap();
        // 22P02: the empty text is no uuid.
        assert_eq!(code(client.query(&sql, &[]).await), "22P02", "{}: empty", table.name);
        // After a transaction that had set it, it is empty, not unset.
        let client = scratch.running_role().await;
        let set = format!("begin; set local app.practice = '{}'; commit", uuid());
        client.batch_execute(&set).await.unwrap();
        assert_eq!(code(client.query(&sql, &[]).await), "22P02", "{}: after a transaction", table.name);
    }
    scratch.drop().await;
}

/// Whether the practice's wall stands round a table, as the running role meets it in an open transaction
/// of the superuser: nothing of the other practice can be seen, added, changed or removed.
async fn other_practice_is_out_of_reach(client: &Client, table: &Table, mine: PracticeId, other: PracticeId) -> bool {
    let adding = insert(client, table.name, other, "gen_random_uuid()").await;
    client.batch_execute("savepoint before; set local role vouchsafe_run").await.unwrap();
    client.batch_execute(&format!("set local app.practice = '{}'", mine.uuid())).await.unwrap();
    let sees_mine = count(client, table.name).await == 1;
    let name = table.name;
    let foreign = client.query(&format!("select 1 from {name} where practice_id = '{}'", other.uuid()), &[]).await;
    let sees_nothing_else = foreign.unwrap().is_empty();
    let mut reached = 0;
    let touching = [
        ('w', format!("update {name} set practice_id = practice_id where practice_id = '{}'", other.uuid())),
        ('d', format!("delete from {name} where practice_id = '{}'", other.uuid())),
    ];
    for (right, sql) in touching {
        if table.grants.contains(right) {
            // An error, too, is a row that was reached.
            reached += client.execute(&sql, &[]).await.unwrap_or(1);
        }
    }
    // 42501: new row violates row-level security policy. After a failed statement it would be another code.
    let adds_nothing = client.batch_execute(&adding).await.is_err_and(|error| error.code().unwrap().code() == "42501");
    client.batch_execute("rollback to before; reset role").await.unwrap();
    sees_mine && sees_nothing_else && reached == 0 && adds_nothing
}

/// Whether a change of the table without an event is refused by the time of the commit.
async fn unrecorded_change_is_refused(client: &Client, table: &Table, mine: PracticeId) -> bool {
    let adding = insert(client, table.name, mine, "gen_random_uuid()").await;
    let name = table.name;
    let mut changes = vec![adding];
    if table.grants.contains('w') {
        changes.push(format!("update {name} set practice_id = practice_id"));
    }
    if table.grants.contains('d') {
        changes.push(format!("delete from {name}"));
    }
    let mut all = true;
    for change in changes {
        client.batch_execute("savepoint before; set local role vouchsafe_run").await.unwrap();
        client.batch_execute(&format!("set local app.practice = '{}'", mine.uuid())).await.unwrap();
        // The practice has one row already, and may have no second; that is another rule's business.
        if client.batch_execute(&change).await.is_ok() {
            let refused = client.batch_execute("set constraints audit_check immediate").await;
            all &= refused.is_err_and(|error| error.code().unwrap().code() == "VS001");
        }
        client.batch_execute("rollback to before; reset role; set constraints all deferred").await.unwrap();
    }
    all
}

/// Two practices with a row in every table, and one to insert that breaks no foreign key.
async fn two_furnished(client: &Client) -> (PracticeId, PracticeId) {
    let (mine, other) = (PracticeId::from_uuid(uuid()), PracticeId::from_uuid(uuid()));
    furnish(client, mine).await;
    furnish(client, other).await;
    // Foreign keys would speak before the walls do; they have tests of their own.
    let sql = "select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
               where contype = 'f' and connamespace = 'public'::regnamespace";
    for row in client.query(sql, &[]).await.unwrap() {
        client.batch_execute(row.get(0)).await.unwrap();
    }
    (mine, other)
}

#[tokio::test]
async fn in_every_table_another_practice_is_out_of_reach_and_no_change_goes_unrecorded() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let (mine, other) = two_furnished(&client).await;
    for table in DATA.tables {
        client.batch_execute("begin").await.unwrap();
        assert!(other_practice_is_out_of_reach(&client, table, mine, other).await, "{}", table.name);
        if table.watch != Watch::None {
            assert!(unrecorded_change_is_refused(&client, table, mine).await, "{}", table.name);
        }
        client.batch_execute("rollback").await.unwrap();
    }
    scratch.drop().await;
}

/// The behaviour tests see what they are there to see: for every table, with its wall down, they fail.
#[tokio::test]
#[ignore = "open: its inserts meet other rules of some tables first; the catalogue sweep covers each wall meanwhile"]
async fn for_every_table_in_turn_the_behaviour_shows_each_wall_taken_down() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let (mine, other) = two_furnished(&client).await;
    for table in DATA.tables {
        let name = table.name;
        let walls = [
            format!("drop policy practice on {name}"),
            format!("alter policy practice on {name} using (true)"),
            format!("alter policy practice on {name} with check (true)"),
            format!("alter table {name} disable row level security"),
        ];
        for wall in walls {
            client.batch_execute("begin").await.unwrap();
            client.batch_execute(&wall).await.unwrap();
            assert!(!other_practice_is_out_of_reach(&client, table, mine, other).await, "{wall}");
            client.batch_execute("rollback").await.unwrap();
        }
        // FORCE is what binds the owner, with whose rights the audit's own functions run.
        client
            .batch_execute(&format!(
                "begin; set local role vouchsafe_owner; set local app.practice = '{}'",
                mine.uuid()
            ))
            .await
            .unwrap();
        assert_eq!(count(&client, name).await, 1, "{name}: the owner sees its own practice");
        client.batch_execute(&format!("alter table {name} no force row level security")).await.unwrap();
        assert_eq!(count(&client, name).await, 2, "{name}: without FORCE the owner sees all");
        client.batch_execute("rollback").await.unwrap();
        if table.watch == Watch::None {
            continue;
        }
        for (act, letter) in [("insert", 'a'), ("update", 'w'), ("delete", 'd')] {
            // A practice has one row, and one open invitation an address: a second cannot be inserted.
            if !table.grants.contains(letter) || (matches!(name, "practice" | "invitation") && act == "insert") {
                continue;
            }
            client.batch_execute(&format!("begin; drop trigger audit_{act} on {name}")).await.unwrap();
            assert!(!unrecorded_change_is_refused(&client, table, mine).await, "{name}: without audit_{act}");
            client.batch_execute("rollback").await.unwrap();
        }
    }
    scratch.drop().await;
}

/// Writes an event as the store does, in an open transaction of the running role.
async fn event(client: &Client, practice: PracticeId) -> Uuid {
    let id = uuid();
    let sql = "insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, details, changes, subjects)
               values ($1, $2, now(), 2, $2, 'host', 'test', '', '', '')";
    client.execute(sql, &[&practice.uuid(), &id]).await.unwrap();
    let sql = "insert into audit_pending (practice_id, event_id, leaf_hash) values ($1, $2, sha256(''))";
    client.execute(sql, &[&practice.uuid(), &id]).await.unwrap();
    id
}

async fn touch(client: &Client, lot: &Lot, event: Uuid) -> u64 {
    let sql = "update practice set event_id = $2 where practice_id = $1";
    client.execute(sql, &[&lot.practice.uuid(), &event]).await.unwrap()
}

#[tokio::test]
async fn a_change_commits_with_an_event_of_its_own_transaction_and_with_no_other() {
    let (_house, lot) = lot().await;
    let (client, other) = (running_role().await, Lot::found(&lot.store).await);
    scope(&client, lot.practice).await;

    client.batch_execute("begin").await.unwrap();
    let own = event(&client, lot.practice).await;
    assert_eq!(touch(&client, &lot, own).await, 1);
    client.batch_execute("commit").await.unwrap();

    // The same event again, in a later transaction: it is stale.
    client.batch_execute("begin").await.unwrap();
    touch(&client, &lot, own).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // Beside a stale one a fresh event does not help: each row must carry one of its own transaction.
    client.batch_execute("begin").await.unwrap();
    event(&client, lot.practice).await;
    touch(&client, &lot, own).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // An id that no event has.
    client.batch_execute("begin").await.unwrap();
    touch(&client, &lot, uuid()).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // An event of the same transaction, in another practice's log.
    client.batch_execute("begin").await.unwrap();
    scope(&client, other.practice).await;
    let foreign = event(&client, other.practice).await;
    scope(&client, lot.practice).await;
    touch(&client, &lot, foreign).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // A removal, and what carries no event: any of the practice will do, but there must be one.
    let token = "insert into search_token values ($1, '\\x01', $1, 1)";
    client.batch_execute("begin").await.unwrap();
    client.execute(token, &[&lot.practice.uuid()]).await.unwrap();
    assert_eq!(code(client.batch_execute("commit").await), "VS001");
    client.batch_execute("begin").await.unwrap();
    event(&client, lot.practice).await;
    client.execute(token, &[&lot.practice.uuid()]).await.unwrap();
    client.batch_execute("commit").await.unwrap();
}

#[tokio::test]
async fn looking_elsewhere_at_the_end_does_not_hide_a_change() {
    let (_house, lot) = lot().await;
    let (client, other) = (running_role().await, Lot::found(&lot.store).await);
    scope(&client, lot.practice).await;
    client.batch_execute("begin").await.unwrap();
    touch(&client, &lot, uuid()).await;
    scope(&client, other.practice).await;
    event(&client, other.practice).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");
}

#[tokio::test]
async fn a_row_cannot_point_into_another_practice_and_a_key_says_nothing_of_it() {
    let (_house, lot) = lot().await;
    let other = Lot::found(&lot.store).await;
    let theirs = other.patient("Thandi").await;
    let client = running_role().await;
    scope(&client, lot.practice).await;
    client.batch_execute("begin").await.unwrap();
    let own = event(&client, lot.practice).await;
    let sql = "insert into patient_alert values ($1, $2, 1, 1, $3, $4, 'usual', true, '')";
    let pointing = client.execute(sql, &[&lot.practice.uuid(), &uuid(), &own, &theirs.uuid()]).await;
    // 23503: there is no such patient here.
    assert_eq!(code(pointing), "23503");
    client.batch_execute("rollback").await.unwrap();

    // The same id as a row of the other practice: taken there, free here.
    client.batch_execute("begin").await.unwrap();
    let own = event(&client, lot.practice).await;
    let sql = "insert into patient select $1, $2, 1, 1, $3, true, '', '', '', '', '', '', '', '', '', ''";
    client.execute(sql, &[&lot.practice.uuid(), &theirs.uuid(), &own]).await.unwrap();
    client.batch_execute("commit").await.unwrap();
    assert_eq!(other.name(theirs).await, "Thandi");
}

#[tokio::test]
async fn the_constraint_leaves_no_note_behind() {
    let (_house, lot) = lot().await;
    lot.patient("Thandi").await;
    // Other tests are under way; only what belongs to a transaction that has ended counts.
    let sql = "select count(*) from audit_touch where practice_id = $1";
    let left: i64 = superuser().await.query_one(sql, &[&lot.practice.uuid()]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

mod long {
    use std::time::Instant;

    use super::*;

    /// The constraint's cost is that of the rows' own triggers, not of a check for each row.
    #[tokio::test]
    #[ignore = "a million rows"]
    async fn a_million_rows_are_checked_once() {
        const ROWS: i32 = 1_000_000;
        let scratch = Scratch::make().await;
        let client = scratch.superuser().await;
        let practice = PracticeId::from_uuid(uuid());
        scope(&client, practice).await;
        let run = |sql: &'static str| {
            let client = &client;
            async move {
                let begun = Instant::now();
                client.batch_execute(sql).await.unwrap();
                begun.elapsed()
            }
        };
        client.batch_execute("begin").await.unwrap();
        let own = event(&client, practice).await;
        let rows = format!(
            "insert into search_token select '{}', int4send(n), '{own}', 1 from generate_series(1, {ROWS}) n",
            practice.uuid()
        );
        let begun = Instant::now();
        client.batch_execute(&rows).await.unwrap();
        let inserting = begun.elapsed();
        let notes: i64 = client.query_one("select count(*) from audit_touch", &[]).await.unwrap().get(0);
        assert_eq!(notes, 1, "one note, so one check, for {ROWS} rows");
        let checking = run("set constraints audit_check immediate").await;
        let committing = run("commit").await;
        let bare = {
            client
                .batch_execute("begin; alter table search_token disable trigger user; truncate search_token")
                .await
                .unwrap();
            let begun = Instant::now();
            client.batch_execute(&rows).await.unwrap();
            let bare = begun.elapsed();
            client.batch_execute("rollback").await.unwrap();
            bare
        };
        eprintln!(
            "{ROWS} rows: {inserting:?} with the triggers, {bare:?} without; check {checking:?}, commit {committing:?}"
        );
        assert!(checking.as_millis() < 1_000, "the check took {checking:?}");
        scratch.drop().await;
    }
}
