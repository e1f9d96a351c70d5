//! The sweep: what PostgreSQL's own catalogue says, against what is expected. Each finding begins with
//! the name of the thing that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::expected::{CHECK, Expected, USING, WITH_CHECK};

/// Every fault of the walls, in words. Empty when they stand.
pub async fn sweep(client: &Client, expected: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    tables_are_listed(client, expected, &mut found).await;
    policies(client, expected, &mut found).await;
    grants(client, expected, &mut found).await;
    triggers(client, expected, &mut found).await;
    functions(client, expected, &mut found).await;
    rules(client, expected, &mut found).await;
    found
}

async fn rules(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let all: Vec<String> =
        RULES.iter().map(|(what, sql)| format!("select rule.name, '{what}' from ({sql}) as rule (name)")).collect();
    for row in client.query(&all.join(" union all "), &[]).await.unwrap() {
        let (name, what): (String, String) = (row.get(0), row.get(1));
        if !expected.exceptions.iter().any(|(exception, _)| name == *exception) {
            found.push(format!("{name}: {what}"));
        }
    }
}

/// Rules that hold for everything there is. Each statement gives the names of what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "practice_id does not come first in a key",
        "select distinct c.relname::text from pg_index i join pg_class c on c.oid = i.indrelid
         join pg_namespace n on n.oid = c.relnamespace
         left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
         where n.nspname = 'public' and (i.indisunique or i.indisprimary or i.indisexclusion)
           and a.attname is distinct from 'practice_id'",
    ),
    (
        "has no primary key",
        "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
         and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
    ),
    (
        "practice_id is not a uuid that must be there",
        "select c.relname::text from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attname = 'practice_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and (a.attnum is null or a.atttypid <> 'uuid'::regtype or not a.attnotnull)",
    ),
    (
        "a foreign key does not carry the practice",
        "select c.conrelid::regclass::text from pg_constraint c
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
         join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
         where c.contype = 'f' and (a.attname <> 'practice_id' or f.attname <> 'practice_id')",
    ),
    (
        "a constraint has not been checked on the rows there are",
        "select c.conrelid::regclass::text from pg_constraint c
         where c.connamespace = 'public'::regnamespace and not c.convalidated",
    ),
    (
        "does not belong to vouchsafe_owner",
        "select c.relname::text from pg_class c join pg_roles r on r.oid = c.relowner
         where c.relnamespace = 'public'::regnamespace and r.rolname <> 'vouchsafe_owner'
         union all
         select p.proname::text from pg_proc p join pg_roles r on r.oid = p.proowner
         where p.pronamespace = 'public'::regnamespace and r.rolname <> 'vouchsafe_owner'",
    ),
    (
        "a view reads with the rights of its owner",
        "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
         and not coalesce(c.reloptions @> array['security_invoker=true'], false)",
    ),
    (
        "is neither a plain table, an index nor a view",
        "select c.relname::text from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind not in ('r', 'i', 'v', 't')",
    ),
    ("inherits, or is inherited from", "select inhrelid::regclass::text from pg_inherits"),
    (
        "has a rewrite rule",
        "select r.ev_class::regclass::text from pg_rewrite r join pg_class c on c.oid = r.ev_class
         where c.relnamespace = 'public'::regnamespace and c.relkind <> 'v'",
    ),
    (
        "a column has grants of its own",
        "select c.relname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
         where c.relnamespace = 'public'::regnamespace and a.attacl is not null",
    ),
    (
        "a schema that is not known",
        "select nspname::text from pg_namespace
         where nspname not in ('public', 'pg_catalog', 'information_schema', 'pg_toast')
           and nspname not like 'pg\\_temp\\_%' and nspname not like 'pg\\_toast\\_temp\\_%'",
    ),
    ("an extension that is not known", "select extname::text from pg_extension where extname <> 'plpgsql'"),
    ("an event trigger", "select evtname::text from pg_event_trigger"),
    ("rows leave by a publication", "select pubname::text from pg_publication"),
    (
        "rights are given in advance",
        "select r.rolname::text from pg_default_acl d join pg_roles r on r.oid = d.defaclrole",
    ),
    (
        "the running role is more than a role that may log in",
        "select rolname::text from pg_roles where rolname = 'vouchsafe_run'
         and (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication or not rolcanlogin)",
    ),
    (
        "the role of the owner is more than an owner",
        "select rolname::text from pg_roles where rolname = 'vouchsafe_owner'
         and (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication)",
    ),
    (
        "the running role is a member of another",
        "select m.roleid::regrole::text from pg_auth_members m where m.member = 'vouchsafe_run'::regrole",
    ),
    (
        "the running role owns it",
        "select d.objid::text from pg_shdepend d where d.refobjid = 'vouchsafe_run'::regrole and d.deptype = 'o'",
    ),
    (
        "the running role may make things",
        "select n.nspname::text from pg_namespace n
         where n.nspname !~ '^pg_(toast_)?temp' and has_schema_privilege('vouchsafe_run', n.oid, 'create')
         union all select current_database()::text
         where has_database_privilege('vouchsafe_run', current_database(), 'create')",
    ),
];

async fn tables_are_listed(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let sql =
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')";
    let there: BTreeSet<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let listed: BTreeSet<String> = expected
        .tables
        .iter()
        .map(|table| table.name)
        .chain(expected.exceptions.iter().map(|(name, _)| *name))
        .map(str::to_owned)
        .collect();
    found.extend(there.difference(&listed).map(|name| format!("{name}: a table that is not listed")));
    found.extend(listed.difference(&there).map(|name| format!("{name}: listed, and not there")));
}

async fn policies(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let sql = "select c.relname::text, c.relrowsecurity, c.relforcerowsecurity,
                      p.polcmd = '*' and p.polpermissive and p.polroles = array[0::oid],
                      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
               from pg_class c left join pg_policy p on p.polrelid = c.oid
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'";
    let mut policies: BTreeMap<String, usize> = BTreeMap::new();
    for row in client.query(sql, &[]).await.unwrap() {
        let table: String = row.get(0);
        if !expected.tables.iter().any(|listed| listed.name == table) {
            continue;
        }
        if !row.get::<_, bool>(1) {
            found.push(format!("{table}: row-level security is off"));
        }
        if !row.get::<_, bool>(2) {
            found.push(format!("{table}: row-level security does not bind its owner"));
        }
        let (using, with_check): (Option<&str>, Option<&str>) = (row.get(4), row.get(5));
        let right = using == Some(USING) && with_check == Some(WITH_CHECK);
        if !(row.get::<_, Option<bool>>(3) == Some(true) && right) {
            found.push(format!("{table}: its policy is not the one that all tables have"));
        }
        *policies.entry(table).or_default() += 1;
    }
    found.extend(policies.iter().filter(|(_, n)| **n != 1).map(|(table, n)| format!("{table}: {n} policies, not one")));
}

async fn grants(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let sql = "select c.relname::text, g.grantee::regrole::text, g.privilege_type, g.is_grantable
               from pg_class c, aclexplode(c.relacl) g
               where c.relnamespace = 'public'::regnamespace and g.grantee <> c.relowner";
    let mut letters: BTreeMap<String, BTreeSet<char>> = BTreeMap::new();
    for row in client.query(sql, &[]).await.unwrap() {
        let (table, grantee, privilege): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if grantee != "vouchsafe_run" || row.get::<_, bool>(3) {
            found.push(format!("{table}: {grantee} was granted {privilege}"));
        }
        letters.entry(table).or_default().insert(match privilege.as_str() {
            "SELECT" => 'r',
            "INSERT" => 'a',
            "UPDATE" => 'w',
            "DELETE" => 'd',
            _ => '?',
        });
    }
    let listed = expected.tables.iter().map(|table| (table.name, table.grants));
    for (table, expected) in listed.chain(expected.exceptions.iter().map(|(table, _)| (*table, ""))) {
        let letters: String = letters.remove(table).unwrap_or_default().into_iter().collect();
        if letters != expected {
            found.push(format!("{table}: the running role has \"{letters}\", not \"{expected}\""));
        }
    }
    found.extend(letters.into_keys().map(|table| format!("{table}: granted, and not listed")));
}

async fn triggers(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let sql = "select c.relname::text, pg_get_triggerdef(t.oid), t.tgenabled = 'O'
               from pg_trigger t join pg_class c on c.oid = t.tgrelid
               where c.relnamespace = 'public'::regnamespace and not t.tgisinternal";
    let mut there = BTreeSet::new();
    for row in client.query(sql, &[]).await.unwrap() {
        let (table, trigger): (String, String) = (row.get(0), row.get(1));
        if !row.get::<_, bool>(2) {
            found.push(format!("{table}: a trigger is switched off"));
        }
        there.insert((table, trigger));
    }
    let mut listed: BTreeSet<(String, String)> = expected
        .tables
        .iter()
        .flat_map(|table| table.watch.triggers(table.name).into_iter().map(|trigger| (table.name.to_owned(), trigger)))
        .collect();
    if expected.exceptions.iter().any(|(table, _)| *table == "audit_touch") {
        listed.insert(("audit_touch".to_owned(), CHECK.to_owned()));
    }
    found.extend(listed.difference(&there).map(|(table, trigger)| format!("{table}: without {trigger}")));
    found.extend(there.difference(&listed).map(|(table, trigger)| format!("{table}: unexpected {trigger}")));
}

async fn functions(client: &Client, expected: &Expected, found: &mut Vec<String>) {
    let sql = "select p.proname::text, p.prosecdef, p.proconfig = array['search_path=pg_catalog, public'],
                      coalesce((select bool_and(g.grantee in (p.proowner, to_regrole('vouchsafe_run')::oid))
                                from aclexplode(p.proacl) g), false),
                      coalesce((select bool_or(g.grantee = to_regrole('vouchsafe_run')::oid)
                                from aclexplode(p.proacl) g), false)
               from pg_proc p where p.pronamespace = 'public'::regnamespace order by 1";
    let mut there = Vec::new();
    for row in client.query(sql, &[]).await.unwrap() {
        let (name, definer): (String, bool) = (row.get(0), row.get(1));
        if row.get::<_, Option<bool>>(2) != Some(true) {
            found.push(format!("{name}: its search_path is not pinned"));
        }
        if !row.get::<_, bool>(3) {
            found.push(format!("{name}: others than its owner and the running role may call it"));
        }
        let called: bool = row.get(4);
        if called && !expected.functions.iter().any(|(listed, _, called)| *listed == name && *called) {
            found.push(format!("{name}: the running role may call it"));
        }
        there.push((name, definer));
    }
    let listed: Vec<(String, bool)> =
        expected.functions.iter().map(|(name, definer, _)| ((*name).to_owned(), *definer)).collect();
    if there != listed {
        found.push(format!("functions: {there:?}, not {listed:?}"));
    }
}
