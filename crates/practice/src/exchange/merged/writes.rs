//! Making records one that came in with that said of them.

use std::collections::HashMap;

use kernel::{ImportId, PatientId};
use seal::Token;
use store::{Event, Imported, StoreError, ToRemember, Tx, sql};
use uuid::Uuid;

use super::{Claims, Told};
use crate::exchange::fhir::{Outcome, Report, ResourceKey};
use crate::exchange::source_text;
use crate::exchange::writes::{Batch, PATIENT};
use crate::patients::actions::ImportPatients;
use crate::patients::merging::RECORDS_MAX;
use crate::patients::merging::writes::merge_as_told;
use crate::patients::rows::PatientRow;

/// By which a run remembers a merge.
pub(in crate::exchange) const MERGE: &str = "merge";
/// Records made one in one transaction.
const AT_ONCE: usize = 100;

const NOT_NEW: &str = "says that it was replaced by another record, and one of the two was here before: they stay two";
const WORKED_ON: &str =
    "says that it was replaced by another record, and somebody has worked on one of the two: they stay two";
const NARROWER: &str = "says that it was replaced by a record that more people may open: they stay two";
const MANY: &str = "says that it was replaced by a record that stands for too many others already: they stay two";

/// Makes one what the files say is one, where this run added it.
pub(in crate::exchange) async fn carry_out(
    batch: &Batch<'_>,
    claims: Claims,
    report: &mut Report,
) -> Result<(), StoreError> {
    let told = claims.settled(report);
    let Some(run) = batch.run.filter(|_| !batch.settings.dry_run) else { return Ok(()) };
    for some in told.chunks(AT_ONCE) {
        batch.turn_stands()?;
        let work = Work { batch, run, tx: batch.ask().await? };
        work.carry_out(some, report).await?;
    }
    Ok(())
}

struct Work<'b, 'a> {
    batch: &'b Batch<'a>,
    run: ImportId,
    tx: Tx<ImportPatients>,
}

/// One merge, and the rows that it is about.
struct Ready<'t> {
    told: &'t Told,
    from: PatientRow,
    into: PatientId,
}

impl Work<'_, '_> {
    async fn carry_out(mut self, told: &[Told], report: &mut Report) -> Result<(), StoreError> {
        let ready = self.ready(told, report).await?;
        if ready.is_empty() {
            return Ok(());
        }
        let named = |told: &Told| format!("merge {}", self.source(&told.from));
        let texts: Vec<String> = ready.iter().map(|ready| named(ready.told)).collect();
        let contents: Vec<String> = ready.iter().map(|ready| self.source(&ready.told.into)).collect();
        let tokens = self.tx.import_tokens(&texts).await?;
        let digests = self.tx.import_digests(&contents).await?;
        let mut remember = Vec::with_capacity(ready.len());
        for ((ready, token), digest) in ready.iter().zip(tokens).zip(digests) {
            let in_use = ready.told.in_use.unwrap_or(ready.from.active);
            let id = merge_as_told(&mut self.tx, self.batch.store, &ready.from, ready.into, in_use).await?;
            remember.push(ToRemember { token, kind: MERGE, id: id.uuid(), digest, outcome: Outcome::Add.code() });
        }
        self.tx.remember_imports(self.run, &remember);
        self.tx.commit(Event::new().about("import", self.run.uuid()), serde_json::Value::Null).await.map(drop)
    }

    fn source(&self, key: &ResourceKey) -> String {
        source_text(&self.batch.settings.source, key)
    }

    /// Those that can be made one now, their rows held to the end of the transaction. Why others cannot is
    /// reported; those that are one already are passed over.
    async fn ready<'t>(&self, told: &'t [Told], report: &mut Report) -> Result<Vec<Ready<'t>>, StoreError> {
        let keys: Vec<&ResourceKey> = told.iter().flat_map(|told| [&told.from, &told.into]).collect();
        let texts: Vec<String> = keys.iter().map(|key| self.source(key)).collect();
        let tokens = self.tx.import_tokens(&texts).await?;
        let known = self.tx.imported(&tokens).await?;
        let became: HashMap<&ResourceKey, &Imported> = keys
            .into_iter()
            .zip(&tokens)
            .filter_map(|(key, token): (_, &Token)| Some((key, known.get(token)?)))
            .collect();
        let ids: Vec<Uuid> = became.values().map(|imported| imported.id).collect();
        self.tx
            .ids(sql!("select id from patient where practice_id = $1 and id = any($2) order by id for update"), &[&ids])
            .await?;
        let rows: Vec<PatientRow> =
            self.tx.rows(sql!("select * from patient where practice_id = $1 and id = any($2)"), &[&ids]).await?;
        let rows: HashMap<Uuid, PatientRow> = rows.into_iter().map(|row| (row.id.uuid(), row)).collect();
        let mut came: HashMap<Uuid, usize> = HashMap::new();
        let away = sql!("select id, merged_into from patient where practice_id = $1 and merged_into = any($2)");
        for (_, into) in self.tx.pairs(away, &[&ids]).await? {
            *came.entry(into).or_default() += 1;
        }
        let mut ready = Vec::new();
        for told in told {
            // A record that was not brought in was reported where it stood.
            let (Some(from), Some(into)) = (became.get(&told.from), became.get(&told.into)) else { continue };
            let (Some(from_row), Some(into_row)) = (rows.get(&from.id), rows.get(&into.id)) else { continue };
            if from_row.merged_into == Some(into_row.id) {
                continue;
            }
            let new = |imported: &Imported| {
                imported.kind == PATIENT && imported.run == self.run && imported.outcome == Outcome::Add.code()
            };
            let records = came.get(&into.id).copied().unwrap_or(0);
            let reason = if !(new(from) && new(into)) {
                NOT_NEW
            } else if from_row.row_version != 1 || into_row.merged_into.is_some() || came.contains_key(&from.id) {
                WORKED_ON
            } else if from_row.restricted && !into_row.restricted {
                NARROWER
            } else if records + 2 > RECORDS_MAX {
                MANY
            } else {
                came.insert(into.id, records + 1);
                ready.push(Ready { told, from: from_row.clone(), into: into_row.id });
                continue;
            };
            told.place.warn(reason, report);
        }
        Ok(ready)
    }
}
