//! The ways that every request goes use an index, also under row-level security.

use crate::support::scratch::Scratch;
use crate::support::{lot, running_role, scope, superuser};

#[tokio::test]
async fn finding_by_token_and_opening_by_id_use_an_index_under_the_policies() {
    let (_house, lot) = lot().await;
    let owner = superuser().await;
    // Enough rows that reading them all would be dearer; the numbers stand in for a practice of 20,000.
    owner.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    let id = lot.practice.uuid();
    owner
        .batch_execute(&format!(
            "insert into search_token select '{id}', int4send(n), gen_random_uuid(), 1 from generate_series(1, 20000) n;
             insert into patient select '{id}', gen_random_uuid(), 1, 1, gen_random_uuid(), true,
                '', '', '', '', '', '', '', '', '', '' from generate_series(1, 20000) n;
             insert into session select '{id}', gen_random_uuid(), 1, 1, gen_random_uuid(), sha256(int4send(n)),
                gen_random_uuid(), null, 'password+totp', now(), now(), now(), now(), 'other', '', ''
                from generate_series(1, 20000) n;
             insert into audit_event select '{id}', gen_random_uuid(), now(), 1, gen_random_uuid(), '', 'test', null,
                null, gen_random_uuid(), null, null, '', '', '' from generate_series(1, 20000) n;
             commit; analyze search_token; analyze patient; analyze session; analyze audit_event"
        ))
        .await
        .unwrap();
    let client = running_role().await;
    scope(&client, lot.practice).await;
    let ways = [
        "select subject_id from search_token where practice_id = $1 and token = any(array['\\x01'::bytea, '\\x02'])
         group by subject_id having count(*) = 2 order by subject_id desc limit 50",
        "select * from patient where practice_id = $1 and id = $1",
        "select 1 from patient where practice_id = $1 and id = $1",
        "select roles from membership where practice_id = $1 and id = $1 and status = 'active'",
        "select fingerprint, outcome from idempotency where practice_id = $1 and actor_id = $1 and key = $1",
        "select * from audit_event where practice_id = $1 and patient_id = $1 order by event_id desc limit 50",
        "select * from audit_event where practice_id = $1 and actor_id = $1 order by event_id desc limit 500",
        "select s.id from session s where s.practice_id = $1 and s.token_hash = '\\x00'",
    ];
    client.batch_execute("set enable_seqscan = off").await.unwrap();
    for way in ways {
        let sql = format!("explain {}", way.replace("$1", &format!("'{id}'")));
        let plan: Vec<String> = client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        // The condition itself must reach the index: a filter on top of it would read the whole practice.
        let condition = plan.lines().find(|line| line.contains("Index Cond")).unwrap_or_default().to_owned();
        let column = ["token_hash", "token", "patient_id", "key", "actor_id", "id"]
            .into_iter()
            .find(|column| way.contains(&format!("{column} =")) && !column.is_empty());
        assert!(condition.contains("practice_id") && condition.contains(column.unwrap()), "{way}\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{way}\n{plan}");
    }
}

/// Restricted records are few, so PostgreSQL would like to begin with them: by looking through all there are. And under
/// row-level security a condition reaches an index only where nothing in it could tell what it saw: `coalesce` is taken
/// for something that could, `case` is not.
#[tokio::test]
async fn where_a_record_went_and_who_may_open_it_is_asked_of_that_record_and_not_of_all() {
    let (_house, lot) = lot().await;
    let owner = superuser().await;
    let id = lot.practice.uuid();
    owner
        .batch_execute(&format!(
            "begin; set local session_replication_role = replica;
             insert into patient select '{id}', gen_random_uuid(), 1, 1, gen_random_uuid(), true,
                '', '', '', '', '', '', '', '', '', '' from generate_series(1, 20000) n;
             insert into import_key (practice_id, token, target_kind, target_id, digest, outcome, run_id)
                select '{id}', int4send(n), 'entry', gen_random_uuid(), '', 'add', gen_random_uuid()
                from generate_series(1, 20000) n;
             commit; analyze patient; analyze import_key"
        ))
        .await
        .unwrap();
    let client = running_role().await;
    scope(&client, lot.practice).await;
    let of_records = "select p.id from patient p where p.practice_id = $1 and p.id = any(array[$1, $1]) and (
        select s.restricted from patient s
        where s.practice_id = p.practice_id
            and s.id = case when p.merged_into is null then p.id else p.merged_into end)";
    let of_sources = "select k.token, k.target_id from import_key k
        where k.practice_id = $1 and k.token = any(array['\\x01'::bytea, '\\x02']) and (false or not exists (
        select from patient p
        where p.practice_id = k.practice_id and p.id in (
            select k.target_id union all
            select e.patient_id from record_entry e where e.practice_id = k.practice_id and e.id = k.target_id)
          and (select s.restricted from patient s
               where s.practice_id = p.practice_id
            and s.id = case when p.merged_into is null then p.id else p.merged_into end)))";
    let standing = "select p.* from patient p where p.practice_id = $1 and p.id in (
        select case when m.merged_into is null then m.id else m.merged_into end from patient m
        where m.practice_id = $1 and m.id = any(array[$1, $1])) and not p.restricted";
    let merged = "select id from patient where practice_id = $1 and (id = $1 or merged_into = $1)";
    client.batch_execute("set enable_seqscan = off").await.unwrap();
    for way in [of_records, of_sources, standing, merged] {
        let sql = format!("explain {}", way.replace("$1", &format!("'{id}'::uuid")));
        let plan: Vec<String> = client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let conditions: Vec<&String> = plan.iter().filter(|line| line.contains("Index Cond")).collect();
        let whole =
            |line: &&&String| !["(id = ", "(token = ", "(merged_into = "].iter().any(|known| line.contains(known));
        assert!(conditions.len() > 1 && conditions.iter().find(whole).is_none(), "{way}\n{}", plan.join("\n"));
    }
}

/// A plan is made once for a connection, and may be made while nothing is there: then all ways seem alike. One that
/// is led by an index for something else to all rows of a practice gets slower with each of them.
#[tokio::test]
async fn a_row_is_looked_up_by_its_key_also_where_that_was_planned_while_the_table_was_empty() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    client.batch_execute("set plan_cache_mode = force_generic_plan; set enable_seqscan = off").await.unwrap();
    let keys = "
        select c.relname::text, array_agg(a.attname::text order by k.place), array_agg(format_type(a.atttypid, null) order by k.place)
        from pg_index i join pg_class c on c.oid = i.indrelid
        cross join unnest(i.indkey) with ordinality k (number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        where i.indisprimary and c.relname = any($1)
        group by c.relname";
    let leading = "
        select array_agg(a.attname::text order by k.place) from pg_index i join pg_class c on c.oid = i.indexrelid
        cross join unnest(i.indkey) with ordinality k (number, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
        where c.relname = $1 and k.place <= $2";
    let filled_at_once: &[&str] = &[
        "patient",
        "patient_identifier",
        "patient_alert",
        "record_entry",
        "kept_resource",
        "import_key",
        "audit_event",
        "audit_pending",
        "audit_touch",
    ];
    let tables = client.query(keys, &[&filled_at_once]).await.unwrap();
    assert_eq!(tables.len(), filled_at_once.len());
    let mut astray = Vec::new();
    for table in tables {
        let (name, columns, types): (String, Vec<String>, Vec<String>) = (table.get(0), table.get(1), table.get(2));
        let conditions: Vec<String> =
            columns.iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 1)).collect();
        let nothing = vec!["null"; columns.len()].join(", ");
        let prepare = format!(
            "prepare way({}) as select 1 from only {name} where {} for key share",
            types.join(", "),
            conditions.join(" and ")
        );
        client.batch_execute(&prepare).await.unwrap();
        let plan = client.query(&format!("explain execute way({nothing})"), &[]).await.unwrap();
        client.batch_execute("deallocate way").await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        let index = plan.split("using ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let places = i64::try_from(columns.len()).unwrap();
        let led: Option<Vec<String>> = client.query_one(leading, &[&index, &places]).await.unwrap().get(0);
        let (mut led, mut own) = (led.unwrap_or_default(), columns);
        led.sort();
        own.sort();
        if led != own {
            astray.push(plan);
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}
