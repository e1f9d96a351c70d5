//! What stands in the two clusters, table by table. A table, function or grant that is not listed here
//! makes the sweep fail: whoever adds one decides here what it is.

/// What the audit asks of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Each written row carries an event of its own transaction.
    Rows,
    /// Some event of the practice in the same transaction.
    Any,
    /// None: the log itself, or counters that say nothing about anybody.
    None,
}

pub struct Table {
    pub name: &'static str,
    pub watch: Watch,
    /// What the running role may do: letters as in an access list (r select, a insert, w update, d delete).
    pub grants: &'static str,
}

const fn table(name: &'static str, watch: Watch, grants: &'static str) -> Table {
    Table { name, watch, grants }
}

pub struct Expected {
    pub tables: &'static [Table],
    /// Tables that are no tenant's, each with its reason.
    pub exceptions: &'static [(&'static str, &'static str)],
    /// Name, whether it runs with its owner's rights, and whether the running role may call it.
    pub functions: &'static [(&'static str, bool, bool)],
}

pub const DATA: Expected = Expected {
    tables: &[
        table("api_client", Watch::Rows, "arw"),
        table("api_client_seen", Watch::None, "arw"),
        table("api_proof_used", Watch::None, "adr"),
        table("api_token", Watch::Rows, "adr"),
        table("audit_event", Watch::None, "ar"),
        table("audit_pending", Watch::None, "ar"),
        table("audit_subject", Watch::None, "ar"),
        table("bulk_export", Watch::Rows, "arw"),
        table("bulk_piece", Watch::Rows, "adr"),
        table("door", Watch::Rows, "adr"),
        table("export", Watch::Rows, "arw"),
        table("export_part", Watch::Any, "adr"),
        table("factor_reset", Watch::Rows, "arw"),
        table("factor_reset_agreed", Watch::Rows, "ar"),
        table("half_sign_in", Watch::Rows, "arw"),
        table("idempotency", Watch::None, "ar"),
        table("import_key", Watch::Any, "arw"),
        table("import_mapping", Watch::Rows, "arw"),
        table("import_piece", Watch::Rows, "adr"),
        table("import_report", Watch::Rows, "adr"),
        table("import_run", Watch::Rows, "arw"),
        table("import_upload", Watch::Rows, "arw"),
        table("invitation", Watch::Rows, "arw"),
        table("kept_resource", Watch::Rows, "adrw"),
        table("membership", Watch::Rows, "arw"),
        table("outbox", Watch::Rows, "arw"),
        table("passkey", Watch::Rows, "adrw"),
        table("passkey_answered", Watch::None, "adr"),
        table("password_reset", Watch::Rows, "arw"),
        table("patient", Watch::Rows, "arw"),
        table("patient_access", Watch::Rows, "adr"),
        table("patient_alert", Watch::Rows, "arw"),
        table("patient_identifier", Watch::Rows, "arw"),
        table("patient_merge", Watch::Rows, "arw"),
        table("person", Watch::Rows, "arw"),
        table("practice", Watch::Rows, "arw"),
        table("practice_listing", Watch::Rows, "arw"),
        table("record_entry", Watch::Rows, "arw"),
        table("recovery_code", Watch::Rows, "adrw"),
        table("search_token", Watch::Any, "adr"),
        table("session", Watch::Rows, "arw"),
        table("session_seen", Watch::None, "arw"),
        table("throttle", Watch::None, "adrw"),
        table("totp_used", Watch::None, "arw"),
        table("work", Watch::None, "adrw"),
    ],
    exceptions: &[
        (
            "audit_touch",
            "notes of the deferred constraint; the running role cannot reach it, and a row lives as long as its transaction",
        ),
        ("refinery_schema_history", "which migrations ran; the running role cannot reach it"),
    ],
    functions: &[
        ("audit_check", true, false),
        ("audit_stands", false, false),
        ("audit_touch_any", true, false),
        ("audit_touch_rows", true, false),
        ("import_built_on", false, true),
        // With its owner's rights, since the running role can remove no patient; what it lets go, and when,
        // stands in it.
        ("import_take_back", true, true),
        ("wall", false, false),
    ],
};

pub const KEYRING: Expected = Expected {
    tables: &[table("data_key", Watch::None, "adrw"), table("kek", Watch::None, "adrw")],
    exceptions: &[("refinery_schema_history", "which migrations ran; the running role cannot reach it")],
    functions: &[("data_keys", false, true), ("wall", false, false)],
};

impl Watch {
    /// The triggers that a table must have, as PostgreSQL writes them.
    pub fn triggers(self, table: &str) -> Vec<String> {
        let rows = if self == Self::Rows { "rows" } else { "any" };
        let each =
            [("insert", "INSERT", "NEW", rows), ("update", "UPDATE", "NEW", rows), ("delete", "DELETE", "OLD", "any")];
        if matches!(table, "audit_event" | "audit_subject") {
            return vec![format!(
                "CREATE TRIGGER audit_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.{table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION audit_stands()"
            )];
        }
        if self == Self::None {
            return Vec::new();
        }
        each.iter()
            .map(|(name, act, which, touch)| {
                format!(
                    "CREATE TRIGGER audit_{name} AFTER {act} ON public.{table} REFERENCING {which} TABLE AS changed \
                     FOR EACH STATEMENT EXECUTE FUNCTION audit_touch_{touch}()"
                )
            })
            .collect()
    }
}

/// The one trigger of `audit_touch`.
pub const CHECK: &str = "CREATE CONSTRAINT TRIGGER audit_check AFTER INSERT ON public.audit_touch \
                         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_check()";

/// The one policy: asked once of what a statement reads,
pub const USING: &str = "(practice_id = ( SELECT (current_setting('app.practice'::text))::uuid AS current_setting))";
/// and of each row that it writes.
pub const WITH_CHECK: &str = "(practice_id = (current_setting('app.practice'::text))::uuid)";
