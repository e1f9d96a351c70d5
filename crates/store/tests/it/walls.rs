//! The walls as the running role meets them, past the store's doors: what PostgreSQL itself refuses.

use kernel::PracticeId;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::catalogue::expected::{DATA, Table, Watch};
use crate::support::{Lot, code, lot, running_role, scope, scratch::Scratch, superuser, uuid};

/// A value that a column takes, different each time: of the right type, and as its checks want it.
fn value(kind: &str, check: Option<&str>) -> String {
    let check = check.unwrap_or_default();
    // `length(token_hash) = 32`
    let length = check.split_once("length(").and_then(|(_, rest)| rest.split_once(" = "));
    let length: u32 = length.map_or(32, |(_, rest)| rest.trim_end_matches(')').parse().unwrap());
    // `state = ANY (ARRAY['active'::text, 'closed'::text])`
    let one_of = check.split_once("ARRAY['").and_then(|(_, rest)| rest.split_once('\''));
    match (kind, one_of) {
        (_, Some((word, _))) => format!("'{word}'"),
        ("uuid", _) => "gen_random_uuid()".to_owned(),
        ("bytea", _) => format!("substr(sha256(gen_random_uuid()::text::bytea), 1, {length})"),
        ("text", _) if check.contains("^[A-Z]{2}$") => "'ZA'".to_owned(),
        ("text", _) => "'a' || md5(gen_random_uuid()::text)".to_owned(),
        ("timestamp with time zone", _) => "now()".to_owned(),
        ("boolean", _) => "true".to_owned(),
        ("xid8", _) => "pg_current_xact_id()".to_owned(),
        _ => "1".to_owned(),
    }
}

/// A statement that inserts one row into a table under a practice, as whoever runs it.
async fn insert(superuser: &Client, table: &str, practice: PracticeId) -> String {
    let sql = "select attname::text, format_type(atttypid, null), pg_get_constraintdef(c.oid)
               from pg_attribute a left join pg_constraint c
                   on c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]
               where attrelid = to_regclass($1) and attnum > 0 and attnotnull and attgenerated = '' order by attnum";
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for row in superuser.query(sql, &[&table]).await.unwrap() {
        let (column, kind, check): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
        let of_practice = column == "practice_id" || (column == "id" && table == "practice");
        let own = || format!("'{}'", practice.uuid());
        values.push(if of_practice { own() } else { value(&kind, check.as_deref()) });
        columns.push(column);
    }
    format!("insert into {table} ({}) values ({})", columns.join(", "), values.join(", "))
}

/// A row of each table under a practice, laid there by the superuser with every rule asleep.
async fn furnish(client: &Client, practice: PracticeId) {
    client.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    for table in DATA.tables {
        client.batch_execute(&insert(client, table.name, practice).await).await.unwrap();
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

const HIDDEN: &str = "the practice's own row is hidden";
const SEEN: &str = "another practice's row is seen";
const REACHED: &str = "another practice's row is changed or removed";
const ADDED: &str = "a row is added to another practice";
const OWNER: &str = "the owner does not see its practice alone";

/// What one act on a table of the practice comes to when no event goes with it.
const fn unrecorded(act: char) -> &'static str {
    match act {
        'a' => "an insertion goes unrecorded",
        'w' => "an update goes unrecorded",
        _ => "a removal goes unrecorded",
    }
}

/// Two practices' rows in a table, seen by a superuser in an open transaction, which is left as it was.
struct Look<'a> {
    client: &'a Client,
    table: &'a Table,
    mine: PracticeId,
    other: PracticeId,
}

impl Look<'_> {
    /// Every way in which the walls round the table do not hold: nothing, while all of them stand.
    async fn holes(&self) -> Vec<&'static str> {
        let mut holes = self.reach().await;
        holes.extend(self.owner().await);
        if self.table.watch != Watch::None {
            for act in ['a', 'w', 'd'].into_iter().filter(|act| self.table.grants.contains(*act)) {
                if !self.refused_without_event(act).await {
                    holes.push(unrecorded(act));
                }
            }
        }
        holes
    }

    async fn act_as(&self, role: &str) {
        let sql = format!("set local role {role}; set local app.practice = '{}'", self.mine.uuid());
        self.client.batch_execute(&sql).await.unwrap();
    }

    async fn savepoint(&self) {
        self.client.batch_execute("savepoint before").await.unwrap();
    }

    async fn go_back(&self) {
        self.client.batch_execute("rollback to before; reset role; set constraints all deferred").await.unwrap();
    }

    /// What the running role reaches of the other practice, and of one that has no row yet.
    async fn reach(&self) -> Vec<&'static str> {
        let Self { client, table: Table { name, grants, .. }, mine, other } = self;
        let mut holes = Vec::new();
        let adding = insert(client, name, PracticeId::from_uuid(uuid())).await;
        self.savepoint().await;
        self.act_as("vouchsafe_run").await;
        let rows = |practice: &PracticeId| format!("from {name} where practice_id = '{}'", practice.uuid());
        let seen = async |practice| client.query(&format!("select 1 {}", rows(practice)), &[]).await.unwrap().len();
        if seen(mine).await != 1 {
            holes.push(HIDDEN);
        }
        if seen(other).await != 0 {
            holes.push(SEEN);
        }
        let touching = [
            ('w', format!("update {name} set practice_id = practice_id where practice_id = '{}'", other.uuid())),
            ('d', format!("delete {}", rows(other))),
        ];
        for (right, sql) in touching {
            // An error, too, is a row that was reached.
            if grants.contains(right) && client.execute(&sql, &[]).await.unwrap_or(1) > 0 {
                holes.push(REACHED);
                self.go_back().await;
                self.savepoint().await;
                self.act_as("vouchsafe_run").await;
            }
        }
        // 42501: new row violates row-level security policy.
        if client.batch_execute(&adding).await.err().is_none_or(|error| error.code().unwrap().code() != "42501") {
            holes.push(ADDED);
        }
        self.go_back().await;
        holes
    }

    /// FORCE is what binds the owner, with whose rights the audit's own functions run.
    async fn owner(&self) -> Option<&'static str> {
        self.savepoint().await;
        self.act_as("vouchsafe_owner").await;
        let alone = count(self.client, self.table.name).await == 1;
        self.go_back().await;
        (!alone).then_some(OWNER)
    }

    /// Whether one act without an event is refused by the time of the commit, and by nothing else before.
    async fn refused_without_event(&self, act: char) -> bool {
        let Self { client, table: Table { name, .. }, mine, .. } = self;
        let sql = match act {
            'a' => insert(client, name, *mine).await,
            'w' => format!("update {name} set practice_id = practice_id"),
            _ => format!("delete from {name}"),
        };
        self.savepoint().await;
        if act == 'a' {
            // Of some tables a practice has one row only: the new one takes its place.
            let replica = "set local session_replication_role = replica";
            let own = format!("delete from {name} where practice_id = '{}'", mine.uuid());
            let origin = "set local session_replication_role = origin";
            client.batch_execute(&format!("{replica}; {own}; {origin}")).await.unwrap();
        }
        self.act_as("vouchsafe_run").await;
        let changed = client.execute(&sql, &[]).await.is_ok_and(|rows| rows > 0);
        let refused = changed
            && match client.batch_execute("set constraints audit_check immediate").await {
                Ok(()) => false,
                Err(error) => error.code().unwrap().code() == "VS001",
            };
        self.go_back().await;
        refused
    }
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
    client.batch_execute("begin").await.unwrap();
    for table in DATA.tables {
        let look = Look { client: &client, table, mine, other };
        assert_eq!(look.holes().await, Vec::<&str>::new(), "{}", table.name);
    }
    client.batch_execute("rollback").await.unwrap();
    scratch.drop().await;
}

/// Each wall of a table, as the statement that takes it down, and the hole that this must leave.
fn walls(table: &Table) -> Vec<(String, &'static str)> {
    let name = table.name;
    let mut walls = vec![
        (format!("drop policy practice on {name}"), HIDDEN),
        (format!("alter policy practice on {name} using (true)"), SEEN),
        (format!("alter policy practice on {name} with check (true)"), ADDED),
        (format!("alter table {name} disable row level security"), SEEN),
        (format!("alter table {name} no force row level security"), OWNER),
    ];
    if table.watch != Watch::None {
        let acts = [('a', "insert"), ('w', "update"), ('d', "delete")];
        for (act, word) in acts.into_iter().filter(|(act, _)| table.grants.contains(*act)) {
            walls.push((format!("drop trigger audit_{word} on {name}"), unrecorded(act)));
            walls.push((format!("alter table {name} disable trigger audit_{word}"), unrecorded(act)));
            walls.push(("drop trigger audit_check on audit_touch".to_owned(), unrecorded(act)));
        }
    }
    walls
}

/// The test above sees what it is there to see: for every table, with any of its walls down, it fails.
#[tokio::test]
async fn for_every_table_in_turn_the_behaviour_shows_each_wall_taken_down() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let (mine, other) = two_furnished(&client).await;
    let mut taken = 0;
    for table in DATA.tables {
        for (down, hole) in walls(table) {
            client.batch_execute("begin").await.unwrap();
            client.batch_execute(&down).await.unwrap();
            let holes = Look { client: &client, table, mine, other }.holes().await;
            assert!(holes.contains(&hole), "{}, {down}: {holes:?}", table.name);
            client.batch_execute("rollback").await.unwrap();
            taken += 1;
        }
    }
    assert!(taken > 8 * DATA.tables.len(), "{taken} walls of {} tables", DATA.tables.len());
    scratch.drop().await;
}

/// Writes an event as the store does, in an open transaction of the running role.
async fn event(client: &Client, practice: PracticeId) -> Uuid {
    let id = uuid();
    event_of(client, practice, id).await;
    id
}

async fn event_of(client: &Client, practice: PracticeId, id: Uuid) {
    let sql = "insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, details, changes, subjects)
               values ($1, $2, now(), 2, $2, 'host', 'test', '', '', '')";
    client.execute(sql, &[&practice.uuid(), &id]).await.unwrap();
    let sql = "insert into audit_pending (practice_id, event_id, leaf_hash) values ($1, $2, sha256(''))";
    client.execute(sql, &[&practice.uuid(), &id]).await.unwrap();
}

#[tokio::test]
async fn a_row_among_many_that_is_not_of_the_practice_set_for_it_is_refused() {
    let (_house, lot) = lot().await;
    let (client, other) = (running_role().await, Lot::found(&lot.store).await);
    let (mine, other) = (lot.practice.uuid(), other.practice.uuid());
    // Each row with the practice that is set before it is written.
    let sql = "insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, details, changes, subjects)
               select practice, gen_random_uuid(), now(), 2, practice, 'host', 'test', '', '', ''
               from unnest($1::uuid[], $2::uuid[]) as e (practice, of)
               where set_config('app.practice', of::text, true) is not null";
    let cases = [
        (vec![mine, other, mine], vec![mine, other, mine], None),
        (vec![mine, other, mine], vec![mine, mine, mine], Some("42501")),
        // One too late, and one too early.
        (vec![mine, other, mine], vec![other, mine, other], Some("42501")),
        (vec![mine, mine, other], vec![mine, other, other], Some("42501")),
    ];
    for (rows, set, refused) in cases {
        client.batch_execute("begin").await.unwrap();
        let written = client.execute(sql, &[&rows, &set]).await;
        match refused {
            None => assert_eq!(written.unwrap(), 3),
            Some(refused) => assert_eq!(code(written), refused, "{rows:?} with {set:?}"),
        }
        client.batch_execute("rollback").await.unwrap();
    }
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

/// What carries no event leaves the question to a change of the same practice that has asked it already, and to no other.
#[tokio::test]
async fn a_recorded_change_answers_for_a_token_of_its_practice_and_for_none_elsewhere() {
    let (_house, lot) = lot().await;
    let (client, other) = (running_role().await, Lot::found(&lot.store).await);
    let token = "insert into search_token values ($1, '\\x02', $1, 1)";
    let asked = "select count(*) from audit_touch where xid = pg_current_xact_id()";
    scope(&client, lot.practice).await;

    client.batch_execute("begin").await.unwrap();
    let own = event(&client, lot.practice).await;
    touch(&client, &lot, own).await;
    client.execute(token, &[&lot.practice.uuid()]).await.unwrap();
    client.batch_execute("commit").await.unwrap();

    // A change that is recorded, and a token of another practice that is not.
    client.batch_execute("begin").await.unwrap();
    let own = event(&client, lot.practice).await;
    touch(&client, &lot, own).await;
    scope(&client, other.practice).await;
    client.execute(token, &[&other.practice.uuid()]).await.unwrap();
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // A change that is not recorded does not pass for one that is.
    scope(&client, lot.practice).await;
    client.batch_execute("begin").await.unwrap();
    touch(&client, &lot, uuid()).await;
    client.execute("delete from search_token where practice_id = $1", &[&lot.practice.uuid()]).await.unwrap();
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // Nor one that was taken back to a savepoint.
    client.batch_execute("begin; savepoint before").await.unwrap();
    let own = event(&client, lot.practice).await;
    touch(&client, &lot, own).await;
    client.batch_execute("rollback to before").await.unwrap();
    client.execute("delete from search_token where practice_id = $1", &[&lot.practice.uuid()]).await.unwrap();
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // Nor an event that was taken back with it.
    client.batch_execute("begin; savepoint before").await.unwrap();
    let own = event(&client, lot.practice).await;
    client.batch_execute("rollback to before").await.unwrap();
    touch(&client, &lot, own).await;
    assert_eq!(code(client.batch_execute("commit").await), "VS001");

    // One question for both; behind their event, none.
    let owner = superuser().await;
    for (behind, questions) in [(false, 1), (true, 0)] {
        owner.batch_execute(&format!("begin; set local app.practice = '{}'", lot.practice.uuid())).await.unwrap();
        let own = if behind { event(&owner, lot.practice).await } else { uuid() };
        touch(&owner, &lot, own).await;
        owner.execute("delete from search_token where practice_id = $1", &[&lot.practice.uuid()]).await.unwrap();
        assert_eq!(owner.query_one(asked, &[]).await.unwrap().get::<_, i64>(0), questions);
        owner.batch_execute("rollback").await.unwrap();
    }
}

#[tokio::test]
async fn a_change_commits_with_the_event_that_follows_it_and_with_no_other() {
    let (_house, lot) = lot().await;
    let client = running_role().await;
    scope(&client, lot.practice).await;
    for (follows, said) in [(true, None), (false, Some("VS001"))] {
        client.batch_execute("begin").await.unwrap();
        let named = uuid();
        touch(&client, &lot, named).await;
        event_of(&client, lot.practice, if follows { named } else { uuid() }).await;
        let committed = client.batch_execute("commit").await;
        assert_eq!(committed.err().map(|error| error.code().unwrap().code().to_owned()).as_deref(), said);
    }
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
    use std::time::{Duration, Instant};

    use super::*;

    const ROWS: u64 = 1_000_000;

    /// Runs statements; gives how long they took.
    async fn timed(client: &Client, sql: &str) -> Duration {
        let begun = Instant::now();
        client.batch_execute(sql).await.unwrap();
        begun.elapsed()
    }

    /// The most memory of its own that a server process ever had: all that it had, without what it shares.
    async fn private_kib_max(client: &Client) -> u64 {
        let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let kib = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        kib("VmHWM:").saturating_sub(kib("RssShmem:") + kib("RssFile:"))
    }

    /// The constraint costs what the rows' own triggers cost, and then one check for each event and not for
    /// each row.
    #[tokio::test]
    #[ignore = "long: a million rows"]
    async fn a_transaction_that_changes_a_million_rows_is_checked_once_and_commits_with_its_event() {
        let scratch = Scratch::make().await;
        let superuser = scratch.superuser().await;
        let practice = PracticeId::from_uuid(uuid());
        let of = practice.uuid();
        let numbers = format!("generate_series(1, {ROWS}) n");
        let changes = [
            (
                "inserted, some event",
                "search_token",
                format!("select '{of}', int4send(n), 'EVENT'::uuid, 1 from {numbers}"),
            ),
            (
                "inserted, each with its event",
                "kept_resource",
                format!(
                    "select '{of}', md5(n::text)::uuid, 1, 1, 'EVENT'::uuid, 'Observation', '\\x00' from {numbers}"
                ),
            ),
            ("updated, each with its event", "kept_resource", String::new()),
        ];
        for (what, table, rows) in changes {
            let statement = |event: Uuid| match rows.as_str() {
                "" => format!("update {table} set row_version = row_version + 1, event_id = '{event}'"),
                rows => format!("insert into {table} {}", rows.replace("EVENT", &event.to_string())),
            };
            superuser.batch_execute("begin").await.unwrap();
            superuser.batch_execute(&format!("alter table {table} disable trigger user")).await.unwrap();
            let bare = timed(&superuser, &statement(uuid())).await;
            superuser.batch_execute("rollback").await.unwrap();

            let client = scratch.running_role().await;
            scope(&client, practice).await;
            client.batch_execute("begin").await.unwrap();
            let own = event(&client, practice).await;
            let changing = timed(&client, &statement(own)).await;
            let notes = count(&superuser, "audit_touch").await;
            assert_eq!(notes, 0, "what the transaction notes is its own");
            let committing = timed(&client, "commit").await;
            let memory = private_kib_max(&client).await >> 10;
            assert_eq!(count(&superuser, table).await, i64::try_from(ROWS).unwrap(), "{what}");
            eprintln!(
                "{ROWS} rows {what}: {changing:.2?} with the triggers, {bare:.2?} without; check and commit \
                 {committing:.2?}; at most {memory} MiB of the server's own memory"
            );
            assert!(committing < Duration::from_secs(10), "check and commit took {committing:?}");
            assert!(memory < 512, "{memory} MiB");
            // One stale row among a million is one too many.
            if table == "kept_resource" {
                client.batch_execute("begin").await.unwrap();
                let other = event(&client, practice).await;
                client.batch_execute(&statement_of_all(table, other, own)).await.unwrap();
                assert_eq!(code(client.batch_execute("commit").await), "VS001");
            }
        }
        scratch.drop().await;
    }

    /// Gives every row the event, but one.
    fn statement_of_all(table: &str, event: Uuid, stale: Uuid) -> String {
        format!(
            "update {table} set event_id = case when id = md5('1')::uuid then '{stale}'::uuid else '{event}'::uuid end"
        )
    }
}
