//! The catalogue sweep, and the proof that it sees.

pub mod expected;
pub mod sweep;

use expected::{DATA, KEYRING, Watch};
use sweep::sweep;

use crate::support::{code, keyring_superuser, running_role, scratch::Scratch, superuser};

#[tokio::test]
async fn every_table_of_the_data_cluster_stands_behind_the_same_walls() {
    assert_eq!(sweep(&superuser().await, &DATA).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_table_of_the_keyring_stands_behind_the_same_walls() {
    assert_eq!(sweep(&keyring_superuser().await, &KEYRING).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_running_role_can_neither_change_the_log_nor_build_or_climb_a_wall() {
    testkit::House::open().await;
    let client = running_role().await;
    let refused = [
        "update audit_event set action = 'x'",
        "delete from audit_event",
        "truncate audit_event",
        "update audit_pending set leaf_hash = leaf_hash",
        "delete from audit_pending",
        "update audit_subject set opening = opening",
        "delete from audit_subject",
        "truncate patient",
        "delete from patient",
        "select * from audit_touch",
        "insert into audit_touch values ('1', gen_random_uuid(), gen_random_uuid())",
        "delete from audit_touch",
        "update idempotency set outcome = 'x'",
        "call wall('audit_event', 'none', 'all')",
        "select audit_check()",
        "select audit_touch_any()",
        "alter table patient disable row level security",
        "alter table patient disable trigger audit_insert",
        "drop policy practice on patient",
        "create policy mine on patient using (true)",
        "create table mine (id uuid)",
        "create function mine() returns int language sql as 'select 1'",
        "set session_replication_role = replica",
        "set role vouchsafe_owner",
        "set session authorization vouchsafe_owner",
        "select * from refinery_schema_history",
        "copy patient to program 'true'",
    ];
    for statement in refused {
        assert_eq!(code(client.batch_execute(statement).await), "42501", "{statement}");
    }
    // This one is only a warning, and grants nothing: the role has no right that it could give away.
    client.batch_execute("grant all on patient to public").await.unwrap();
    assert_eq!(sweep(&superuser().await, &DATA).await, Vec::<String>::new());
    // Switching row-level security off is allowed to anybody; it makes the query fail, not the wall.
    client.batch_execute("set row_security = off").await.unwrap();
    assert_eq!(code(client.query("select * from audit_event", &[]).await), "42501");
}

#[tokio::test]
async fn no_role_of_the_product_changes_or_removes_an_event_its_owner_neither() {
    let house = testkit::House::open().await;
    let practice = house.practice().await;
    let client = superuser().await;
    let sql = "select rolname::text from pg_roles where rolname like 'vouchsafe%' and not rolsuper order by 1";
    let roles: Vec<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(roles.iter().any(|role| role == "vouchsafe_owner") && roles.iter().any(|role| role == "vouchsafe_run"));
    let sql = format!("select count(*) from audit_event where practice_id = '{}'", practice.uuid());
    let before: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
    assert!(before > 0);
    for role in &roles {
        for table in ["audit_event", "audit_subject"] {
            for statement in [
                format!("update {table} set practice_id = practice_id"),
                format!("delete from {table}"),
                format!("truncate {table} cascade"),
            ] {
                client.batch_execute("begin").await.unwrap();
                let act_as = format!("set local role {role}; set local app.practice = '{}'", practice.uuid());
                client.batch_execute(&act_as).await.unwrap();
                let refused = code(client.batch_execute(&statement).await);
                client.batch_execute("rollback").await.unwrap();
                // No right to it; or, for the owner, that what has happened stands.
                assert!(refused == "42501" || refused == "VS002", "{statement} as {role}: {refused}");
            }
        }
    }
    assert_eq!(client.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0), before);
}

/// One way to take a wall down, and whether the sweep must see it on this table.
struct Breach {
    what: &'static str,
    sql: fn(&str) -> String,
    only_watched: bool,
}

const BREACHES: [Breach; 9] = [
    Breach { what: "drop its policy", sql: |t| format!("drop policy practice on {t}"), only_watched: false },
    Breach {
        what: "widen its policy",
        sql: |t| format!("alter policy practice on {t} using (true)"),
        only_watched: false,
    },
    Breach {
        what: "let writes past its policy",
        sql: |t| format!("alter policy practice on {t} with check (true)"),
        only_watched: false,
    },
    Breach {
        what: "add a policy beside it",
        sql: |t| format!("create policy also on {t} using (true)"),
        only_watched: false,
    },
    Breach {
        what: "switch row-level security off",
        sql: |t| format!("alter table {t} disable row level security"),
        only_watched: false,
    },
    Breach {
        what: "let its owner past it",
        sql: |t| format!("alter table {t} no force row level security"),
        only_watched: false,
    },
    Breach { what: "grant too much", sql: |t| format!("grant truncate on {t} to vouchsafe_run"), only_watched: false },
    Breach { what: "drop a trigger", sql: |t| format!("drop trigger audit_update on {t}"), only_watched: true },
    Breach {
        what: "switch a trigger off",
        sql: |t| format!("alter table {t} disable trigger audit_delete"),
        only_watched: true,
    },
];

#[tokio::test]
async fn for_every_table_in_turn_the_sweep_sees_each_wall_taken_down() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let mut tried = 0;
    for table in DATA.tables {
        for breach in BREACHES.iter().filter(|breach| !breach.only_watched || table.watch != Watch::None) {
            client.batch_execute("begin").await.unwrap();
            client.batch_execute(&(breach.sql)(table.name)).await.unwrap();
            let found = sweep(&client, &DATA).await;
            client.batch_execute("rollback").await.unwrap();
            assert!(!found.is_empty(), "{}: {}: the sweep saw nothing", table.name, breach.what);
            let named = format!("{}: ", table.name);
            assert!(found.iter().all(|finding| finding.starts_with(&named)), "{}: {found:?}", breach.what);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
    scratch.drop().await;
}

#[tokio::test]
async fn whatever_is_added_without_walls_is_seen() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let additions = [
        ("mine", "create table mine (id uuid primary key)"),
        ("mine", "create table mine (practice_id uuid, id uuid, unique (practice_id, id))"),
        ("patient", "alter table patient add unique (id)"),
        ("patient_alert", "create unique index on patient_alert (id)"),
        (
            "patient_alert",
            "alter table patient add unique (id); alter table patient_alert add foreign key (id) references patient (id)",
        ),
        ("names", "create view names as select * from patient"),
        ("names", "create materialized view names as select * from patient"),
        ("mine", "create function mine() returns int language sql security definer as 'select 1'"),
        ("mine", "create function mine() returns int language sql as 'select 1'"),
        ("other", "create schema other"),
        ("audit_check", "grant execute on function audit_check to vouchsafe_run"),
        ("audit_check", "alter function audit_check() reset search_path"),
        ("audit_check", "alter function audit_check() owner to postgres"),
        ("patient", "grant select (names) on patient to public"),
        ("patient", "alter table patient owner to vouchsafe_run"),
        ("patient", "create rule quiet as on update to patient do instead nothing"),
        ("public", "grant create on schema public to vouchsafe_run"),
        ("everything", "create publication everything for all tables"),
        ("vouchsafe_owner", "alter default privileges for role vouchsafe_owner grant select on tables to public"),
        ("audit_touch", "grant insert on audit_touch to vouchsafe_run"),
        ("audit_touch", "drop trigger audit_check on audit_touch"),
        ("audit_touch", "alter table audit_touch disable trigger audit_check"),
        ("practice_listing", "alter table practice_listing alter practice_id drop not null"),
    ];
    for (name, sql) in additions {
        client.batch_execute("begin").await.unwrap();
        match client.batch_execute(sql).await {
            Ok(()) => {
                let found = sweep(&client, &DATA).await;
                assert!(found.iter().any(|finding| finding.starts_with(&format!("{name}: "))), "{sql}: {found:?}");
            }
            // PostgreSQL itself refuses to take practice_id out of a primary key.
            Err(error) => assert_eq!(error.code().unwrap().code(), "42P16", "{sql}"),
        }
        client.batch_execute("rollback").await.unwrap();
    }
    scratch.drop().await;
}
