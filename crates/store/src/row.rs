//! Rows whose personal columns decode only as [`Sealed`]. [`crate::sealed_row!`] declares a table
//! once and gives the stored form, the open form, the patch, and the statements that write it.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use jiff::Timestamp;
use kernel::{Entropy, EventId, PatientId, PersonId, PracticeId};
use seal::{DataKey, Place, Sealed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};
use uuid::Uuid;

use crate::{Damaged, StoreError};

/// Which key seals a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyFor {
    /// The patient's own key: the unit of erasure.
    Patient(PatientId),
    /// The person's own key.
    Person(PersonId),
    /// The key of the practice (of the house, for the house's rows).
    Practice,
}

impl KeyFor {
    /// The id of the data key in the keyring.
    #[must_use]
    pub fn key_id(self, practice: PracticeId) -> Uuid {
        match self {
            Self::Patient(id) => id.uuid(),
            Self::Person(id) => id.uuid(),
            Self::Practice => practice.uuid(),
        }
    }
}

/// What a set of rows needs before it can be opened: which keys, and whom it is about.
#[derive(Debug, Default)]
pub struct Survey {
    pub(crate) keys: BTreeSet<Uuid>,
    /// Each once, in the order in which the rows name them: the order in which a list shows them.
    pub(crate) patients: Vec<PatientId>,
    known: BTreeSet<PatientId>,
}

impl Survey {
    /// Notes one row.
    pub fn note(&mut self, practice: PracticeId, key: KeyFor) {
        self.keys.insert(key.key_id(practice));
        if let KeyFor::Patient(patient) = key
            && self.known.insert(patient)
        {
            self.patients.push(patient);
        }
    }
}

/// Keys for exactly the rows at hand. Made only by this crate, after the event is durable or inside a
/// write transaction.
pub struct Opener {
    pub(crate) practice: PracticeId,
    pub(crate) keys: HashMap<Uuid, DataKey>,
}

impl Opener {
    /// Opens one sealed column of a row that is sealed under `key`. Any other key that happens to be at
    /// hand will not do: a row given to another patient in a list of both must not open as theirs.
    pub fn open<T: Serialize + DeserializeOwned>(&self, key: KeyFor, sealed: &Sealed<T>) -> Result<T, Damaged> {
        let damaged = || Damaged { table: sealed.place().table, id: sealed.place().row };
        let own = key.key_id(self.practice);
        let named = sealed.key_id().is_ok_and(|id| id.uuid() == own);
        let key = self.keys.get(&own).filter(|_| named).ok_or_else(damaged)?;
        sealed.open(key).map_err(|_| damaged())
    }

    pub(crate) fn has(&self, key: KeyFor) -> bool {
        self.keys.contains_key(&key.key_id(self.practice))
    }

    pub(crate) fn sealer<'a>(&'a self, key: KeyFor, entropy: &'a Entropy) -> Result<Sealer<'a>, StoreError> {
        let id = key.key_id(self.practice);
        let key = self.keys.get(&id).ok_or(StoreError::NoKey { kind: "data", id })?;
        Ok(Sealer { practice: self.practice, key, entropy })
    }
}

/// Seals the columns of one row under one key.
pub struct Sealer<'a> {
    pub(crate) practice: PracticeId,
    pub(crate) key: &'a DataKey,
    pub(crate) entropy: &'a Entropy,
}

impl Sealer<'_> {
    /// Seals one column of one row; gives the envelope.
    pub fn seal<T: Serialize + DeserializeOwned>(
        &self,
        value: &T,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        seal_version: i32,
    ) -> Result<Vec<u8>, StoreError> {
        let place = Place { practice: self.practice, table, column, row, seal_version };
        let sealed =
            Sealed::seal(value, place, self.key, self.entropy).map_err(|_| StoreError::Unreadable { what: column })?;
        Ok(sealed.envelope().to_vec())
    }
}

/// Gives the sealer of each row of a batch.
pub struct Sealers<'a> {
    pub(crate) opener: &'a Opener,
    pub(crate) entropy: &'a Entropy,
}

impl Sealers<'_> {
    /// The sealer for rows under this key.
    pub fn of(&self, key: KeyFor) -> Result<Sealer<'_>, StoreError> {
        self.opener.sealer(key, self.entropy)
    }
}

/// One value of a row as the audit keeps it: field name and content.
pub type FieldValue = (&'static str, serde_json::Value);

/// A row as it is stored: ids and clear columns in the open, personal columns sealed.
pub trait StoredRow: Sized + Send + Sync {
    /// The table.
    const TABLE: &'static str;
    /// The row with its columns open.
    type Open: Send + Sync;
    /// Reads a row of `select *`.
    fn decode(row: &Row, practice: PracticeId) -> Result<Self, StoreError>;
    /// The row's id.
    fn row_id(&self) -> Uuid;
    /// Which key seals it.
    fn key(&self) -> KeyFor;
    /// Opens every sealed column.
    fn open(&self, opener: &Opener) -> Result<Self::Open, Damaged>;
    /// Which version it is, and the event that wrote it.
    fn written(&self) -> (i64, EventId);
    /// Puts an open row back to an earlier version by the values that the log has from before. Columns that
    /// this view of the table does not show are passed over. `None` if a value is none of its column.
    fn put_back(open: &mut Self::Open, version: i64, before: Vec<(&str, serde_json::Value)>) -> Option<()>;
}

/// A row type that holds every column of its table, and can therefore be written.
pub trait WholeRow: StoredRow {
    /// What may change; `None` leaves a column as it is.
    type Patch: Send;
    /// Columns whose values the audit must not keep: it says only that they changed.
    const SECRETS: &'static [&'static str];
    /// Writes so many new rows; parameters as [`WholeRow::insert_params`] gives them. One alone is written without going
    /// through the arrays, which costs more than the row.
    fn insert_sql(rows: usize) -> &'static str;
    /// Writes one changed row; parameters as [`WholeRow::update_params`] gives them.
    fn update_sql() -> &'static str;
    /// The key that a new row will be sealed with.
    fn key_of(open: &Self::Open) -> KeyFor;
    /// The id of an open row.
    fn id_of(open: &Self::Open) -> Uuid;
    /// Version of the row and of its seals.
    fn versions(&self) -> (i64, i32);
    /// The arrays of the insert statement, after practice and event ids.
    fn insert_params(
        rows: &[Self::Open],
        sealers: &Sealers<'_>,
    ) -> Result<Vec<Box<dyn ToSql + Send + Sync>>, StoreError>;
    /// The columns of the update statement, after practice, id, expected version, event, seal version.
    fn update_params(
        open: &Self::Open,
        sealer: &Sealer<'_>,
        seal_version: i32,
    ) -> Result<Vec<Box<dyn ToSql + Send + Sync>>, StoreError>;
    /// Applies a patch.
    fn apply(open: &mut Self::Open, patch: Self::Patch);
    /// Every column as the audit keeps it.
    fn values(open: &Self::Open) -> Vec<FieldValue>;
}

/// Anything that [`crate::Tx::record`] can open: a row, an option, a list, a tuple of these.
pub trait Unseal: Send {
    /// What it opens to.
    type Open: Send;
    /// Notes keys and subjects.
    fn survey(&self, practice: PracticeId, survey: &mut Survey);
    /// Opens it. A row that does not open becomes [`Damaged`]; the others are not touched by that.
    fn unseal(self, opener: &Opener) -> Self::Open;
}

impl Unseal for () {
    type Open = ();
    fn survey(&self, _: PracticeId, _: &mut Survey) {}
    fn unseal(self, _: &Opener) {}
}

impl<T: Unseal> Unseal for Option<T> {
    type Open = Option<T::Open>;
    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        if let Some(inner) = self {
            inner.survey(practice, survey);
        }
    }
    fn unseal(self, opener: &Opener) -> Self::Open {
        self.map(|inner| inner.unseal(opener))
    }
}

impl<T: Unseal> Unseal for Vec<T> {
    type Open = Vec<T::Open>;
    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        for inner in self {
            inner.survey(practice, survey);
        }
    }
    fn unseal(self, opener: &Opener) -> Self::Open {
        self.into_iter().map(|inner| inner.unseal(opener)).collect()
    }
}

macro_rules! unseal_tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Unseal),+> Unseal for ($($name,)+) {
            type Open = ($($name::Open,)+);
            fn survey(&self, practice: PracticeId, survey: &mut Survey) {
                #[allow(non_snake_case, reason = "type names double as bindings")]
                let ($($name,)+) = self;
                $($name.survey(practice, survey);)+
            }
            fn unseal(self, opener: &Opener) -> Self::Open {
                #[allow(non_snake_case, reason = "type names double as bindings")]
                let ($($name,)+) = self;
                ($($name.unseal(opener),)+)
            }
        }
    )+};
}
unseal_tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// A type that a clear column can have.
pub trait Clear: Clone + Send + Sync {
    /// The form the driver knows.
    type Db: ToSql + for<'a> FromSql<'a> + Send + Sync + 'static;
    /// The SQL type of an array of it.
    const ARRAY: &'static str;
    /// To the driver's form.
    fn to_db(&self) -> Self::Db;
    /// From the driver's form.
    fn from_db(db: Self::Db) -> Self;
    /// As the audit keeps it.
    fn to_audit(&self) -> serde_json::Value;
    /// From what the audit keeps; `None` if that is none of its values.
    fn from_audit(value: &serde_json::Value) -> Option<Self>;
}

macro_rules! clear_plain {
    ($($t:ty = $array:literal, |$v:ident| $audit:expr, |$kept:ident| $back:expr;)+) => {$(
        impl Clear for $t {
            type Db = $t;
            const ARRAY: &'static str = $array;
            fn to_db(&self) -> $t { self.clone() }
            fn from_db(db: $t) -> Self { db }
            fn to_audit(&self) -> serde_json::Value { let $v = self; $audit }
            fn from_audit($kept: &serde_json::Value) -> Option<Self> { $back }
        }
    )+};
}
clear_plain! {
    bool = "bool[]", |v| (*v).into(), |kept| kept.as_bool();
    i32 = "int4[]", |v| (*v).into(), |kept| kept.as_i64().and_then(|number| number.try_into().ok());
    i64 = "int8[]", |v| (*v).into(), |kept| kept.as_i64();
    String = "text[]", |v| v.clone().into(), |kept| kept.as_str().map(str::to_owned);
    Uuid = "uuid[]", |v| v.to_string().into(), |kept| kept.as_str()?.parse().ok();
    Timestamp = "timestamptz[]", |v| v.to_string().into(), |kept| kept.as_str()?.parse().ok();
}

/// Tokens and hashes. The audit keeps them as hexadecimal digits: of two of one length it must tell
/// that they differ, or a change of nothing else would count as none.
impl Clear for Vec<u8> {
    type Db = Self;
    const ARRAY: &'static str = "bytea[]";
    fn to_db(&self) -> Self {
        self.clone()
    }
    fn from_db(db: Self) -> Self {
        db
    }
    fn to_audit(&self) -> serde_json::Value {
        let mut hex = String::with_capacity(self.len() * 2);
        for byte in self {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex.into()
    }
    fn from_audit(value: &serde_json::Value) -> Option<Self> {
        let hex = value.as_str()?;
        let pair = |at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        (0..hex.len()).step_by(2).map(pair).collect()
    }
}

macro_rules! clear_ids {
    ($($id:ty)+) => {$(
        impl Clear for $id {
            type Db = Uuid;
            const ARRAY: &'static str = "uuid[]";
            fn to_db(&self) -> Uuid { self.uuid() }
            fn from_db(db: Uuid) -> Self { Self::from_uuid(db) }
            fn to_audit(&self) -> serde_json::Value { self.to_string().into() }
            fn from_audit(value: &serde_json::Value) -> Option<Self> { value.as_str()?.parse().ok() }
        }
    )+};
}
clear_ids! {
    PracticeId PersonId PatientId kernel::IdentifierId kernel::AlertId kernel::AccessId kernel::EntryId
    kernel::ResourceId kernel::SessionId kernel::InvitationId kernel::ImportId kernel::EventId kernel::ClientId
    kernel::MappingId kernel::MergeId kernel::ExportId kernel::UploadId
}

impl<T: Clear> Clear for Option<T> {
    type Db = Option<T::Db>;
    const ARRAY: &'static str = T::ARRAY;
    fn to_db(&self) -> Self::Db {
        self.as_ref().map(T::to_db)
    }
    fn from_db(db: Self::Db) -> Self {
        db.map(T::from_db)
    }
    fn to_audit(&self) -> serde_json::Value {
        self.as_ref().map_or(serde_json::Value::Null, T::to_audit)
    }
    fn from_audit(value: &serde_json::Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_audit(value).map(Some) }
    }
}

/// Declares a table's row: stored, open and patched form, and the statements that write it.
/// `row` holds every column of the table and can be written; `view` holds some and can only be read.
///
/// ```ignore
/// store::sealed_row! {
///     /// A warning on a patient's record.
///     pub row AlertRow opens Alert patched by AlertPatch in "patient_alert" id AlertId keyed patient(patient_id) {
///         clear { patient_id: PatientId, severity: String, active: bool }
///         sealed { text: String }
///     }
/// }
/// ```
#[macro_export]
macro_rules! sealed_row {
    ($(#[$doc:meta])* $vis:vis view $row:ident opens $open:ident in $table:literal id $id:ty, keyed $key:ident $(($keyfield:ident))? {
        clear { $($clear:ident: $cty:ty),* $(,)? }
        sealed { $($sealed:ident: $sty:ty),* $(,)? }
    }) => {
        $crate::sealed_row!(@common [$(#[$doc])*] $vis $row $open $table $id, $key ($($keyfield)?) [$($clear: $cty),*] [$($sealed: $sty),*]);
    };
    ($(#[$doc:meta])* $vis:vis row $row:ident opens $open:ident patched by $patch:ident in $table:literal id $id:ty, keyed $key:ident $(($keyfield:ident))? {
        clear { $($clear:ident: $cty:ty),* $(,)? }
        sealed { $($sealed:ident: $sty:ty),* $(,)? }
        $(secret [$($secret:ident),*])?
    }) => {
        $crate::sealed_row!(@common [$(#[$doc])*] $vis $row $open $table $id, $key ($($keyfield)?) [$($clear: $cty),*] [$($sealed: $sty),*]);

        #[doc = concat!("What may change of a row of `", $table, "`; `None` leaves a column as it is.")]
        #[derive(Default, Clone)]
        $vis struct $patch {
            $(#[doc = concat!("Column `", stringify!($clear), "`.")] pub $clear: Option<$cty>,)*
            $(#[doc = concat!("Column `", stringify!($sealed), "`.")] pub $sealed: Option<$sty>,)*
        }

        impl $crate::WholeRow for $row {
            type Patch = $patch;
            const SECRETS: &'static [&'static str] = &[$($(stringify!($secret)),*)?];

            fn insert_sql(rows: usize) -> &'static str {
                static SQL: std::sync::LazyLock<[String; 2]> = std::sync::LazyLock::new(|| {
                    let columns: &[&str] = &["event_id", "id" $(, stringify!($clear))* $(, stringify!($sealed))*];
                    let arrays: &[&str] = &["uuid[]", "uuid[]"
                        $(, <$cty as $crate::Clear>::ARRAY)* $(, { let _ = stringify!($sealed); "bytea[]" })*];
                    let arrays: Vec<String> =
                        arrays.iter().enumerate().map(|(i, array)| format!("${}::{array}", i + 2)).collect();
                    let insert = format!(
                        "insert into {} (practice_id, row_version, seal_version, {}) select $1, 1, 1, ",
                        $table, columns.join(", ")
                    );
                    let firsts: Vec<String> = arrays.iter().map(|array| format!("({array})[1]")).collect();
                    [
                        format!("{insert}{}", firsts.join(", ")),
                        format!("{insert}* from unnest({})", arrays.join(", ")),
                    ]
                });
                let [one, many] = &*SQL;
                if rows == 1 { one } else { many }
            }

            fn update_sql() -> &'static str {
                static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
                    let columns: &[&str] = &[$(stringify!($clear),)* $(stringify!($sealed),)*];
                    let sets: Vec<String> =
                        columns.iter().enumerate().map(|(i, column)| format!("{column} = ${}", i + 6)).collect();
                    format!(
                        "update {} set row_version = row_version + 1, event_id = $4, seal_version = $5, {} \
                         where practice_id = $1 and id = $2 and row_version = $3",
                        $table, sets.join(", ")
                    )
                });
                &SQL
            }

            fn key_of(open: &Self::Open) -> $crate::KeyFor {
                let _ = open;
                $crate::sealed_row!(@key open $key $($keyfield)?)
            }

            fn id_of(open: &Self::Open) -> $crate::macro_support::Uuid {
                $crate::Clear::to_db(&open.id)
            }

            fn versions(&self) -> (i64, i32) {
                (self.row_version, self.seal_version)
            }

            #[allow(unused_variables, reason = "a table may have no sealed column")]
            fn insert_params(
                rows: &[Self::Open],
                sealers: &$crate::Sealers<'_>,
            ) -> Result<Vec<Box<dyn $crate::macro_support::ToSql + Send + Sync>>, $crate::StoreError> {
                Ok(vec![
                    Box::new(rows.iter().map(|row| $crate::Clear::to_db(&row.id)).collect::<Vec<_>>()),
                    $(Box::new(rows.iter().map(|row| $crate::Clear::to_db(&row.$clear)).collect::<Vec<_>>()),)*
                    $(Box::new(
                        rows.iter()
                            .map(|row| sealers.of(Self::key_of(row))?.seal(
                                &row.$sealed, $table, stringify!($sealed), $crate::Clear::to_db(&row.id), 1,
                            ))
                            .collect::<Result<Vec<_>, $crate::StoreError>>()?,
                    ),)*
                ])
            }

            #[allow(unused_variables, reason = "a table may have no sealed column")]
            fn update_params(
                open: &Self::Open,
                sealer: &$crate::Sealer<'_>,
                seal_version: i32,
            ) -> Result<Vec<Box<dyn $crate::macro_support::ToSql + Send + Sync>>, $crate::StoreError> {
                Ok(vec![
                    $(Box::new($crate::Clear::to_db(&open.$clear)),)*
                    $(Box::new(sealer.seal(
                        &open.$sealed, $table, stringify!($sealed), $crate::Clear::to_db(&open.id), seal_version,
                    )?),)*
                ])
            }

            fn apply(open: &mut Self::Open, patch: Self::Patch) {
                $(if let Some(value) = patch.$clear { open.$clear = value; })*
                $(if let Some(value) = patch.$sealed { open.$sealed = value; })*
            }

            fn values(open: &Self::Open) -> Vec<$crate::FieldValue> {
                vec![
                    $((stringify!($clear), $crate::Clear::to_audit(&open.$clear)),)*
                    $((
                        stringify!($sealed),
                        $crate::macro_support::serde_json::to_value(&open.$sealed)
                            .unwrap_or($crate::macro_support::serde_json::Value::Null),
                    ),)*
                ]
            }
        }
    };
    (@common [$(#[$doc:meta])*] $vis:vis $row:ident $open:ident $table:literal $id:ty, $key:ident ($($keyfield:ident)?) [$($clear:ident: $cty:ty),*] [$($sealed:ident: $sty:ty),*]) => {
        $(#[$doc])*
        ///
        /// As stored: the personal columns are sealed.
        #[derive(Clone)]
        $vis struct $row {
            /// The row's id.
            pub id: $id,
            /// Grows by one with every change.
            pub row_version: i64,
            /// Grows by one whenever the row is sealed again.
            pub seal_version: i32,
            /// The event that last wrote it.
            pub event_id: kernel::EventId,
            $(#[doc = concat!("Column `", stringify!($clear), "`, clear.")] pub $clear: $cty,)*
            $(#[doc = concat!("Column `", stringify!($sealed), "`, sealed.")] pub $sealed: $crate::Sealed<$sty>,)*
        }

        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        $vis struct $open {
            /// The row's id.
            pub id: $id,
            /// Grows by one with every change; what a form carries to notice another's edit.
            pub row_version: i64,
            $(#[doc = concat!("Column `", stringify!($clear), "`.")] pub $clear: $cty,)*
            $(#[doc = concat!("Column `", stringify!($sealed), "`.")] pub $sealed: $sty,)*
        }

        impl std::fmt::Debug for $open {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($open), " {}"), self.id)
            }
        }

        impl $crate::StoredRow for $row {
            const TABLE: &'static str = $table;
            type Open = $open;

            #[allow(unused_variables, reason = "a table may have no sealed column")]
            fn decode(row: &$crate::macro_support::Row, practice: kernel::PracticeId) -> Result<Self, $crate::StoreError> {
                let id = <$id as $crate::Clear>::from_db(row.try_get("id")?);
                let seal_version: i32 = row.try_get("seal_version")?;
                Ok(Self {
                    id,
                    row_version: row.try_get("row_version")?,
                    seal_version,
                    event_id: kernel::EventId::from_uuid(row.try_get("event_id")?),
                    $($clear: <$cty as $crate::Clear>::from_db(row.try_get(stringify!($clear))?),)*
                    $($sealed: $crate::Sealed::from_stored(
                        $crate::macro_support::Place {
                            practice,
                            table: $table,
                            column: stringify!($sealed),
                            row: $crate::Clear::to_db(&id),
                            seal_version,
                        },
                        row.try_get(stringify!($sealed))?,
                    ),)*
                })
            }

            fn row_id(&self) -> $crate::macro_support::Uuid {
                $crate::Clear::to_db(&self.id)
            }

            fn key(&self) -> $crate::KeyFor {
                $crate::sealed_row!(@key self $key $($keyfield)?)
            }

            fn written(&self) -> (i64, kernel::EventId) {
                (self.row_version, self.event_id)
            }

            fn put_back(
                open: &mut $open,
                version: i64,
                before: Vec<(&str, $crate::macro_support::serde_json::Value)>,
            ) -> Option<()> {
                open.row_version = version;
                for (column, value) in before {
                    match column {
                        $(stringify!($clear) => open.$clear = <$cty as $crate::Clear>::from_audit(&value)?,)*
                        $(stringify!($sealed) => {
                            open.$sealed = $crate::macro_support::serde_json::from_value(value).ok()?;
                        })*
                        _ => {}
                    }
                }
                Some(())
            }

            #[allow(unused_variables, reason = "a table may have no sealed column")]
            fn open(&self, opener: &$crate::Opener) -> Result<$open, $crate::Damaged> {
                Ok($open {
                    id: self.id,
                    row_version: self.row_version,
                    $($clear: self.$clear.clone(),)*
                    $($sealed: opener.open($crate::StoredRow::key(self), &self.$sealed)?,)*
                })
            }
        }

        impl $crate::Unseal for $row {
            type Open = Result<$open, $crate::Damaged>;
            fn survey(&self, practice: kernel::PracticeId, survey: &mut $crate::Survey) {
                survey.note(practice, $crate::StoredRow::key(self));
            }
            fn unseal(self, opener: &$crate::Opener) -> Self::Open {
                $crate::StoredRow::open(&self, opener)
            }
        }
    };
    (@key $self:ident patient $field:ident) => { $crate::KeyFor::Patient($self.$field) };
    (@key $self:ident person $field:ident) => { $crate::KeyFor::Person($self.$field) };
    (@key $self:ident practice) => { $crate::KeyFor::Practice };
}
