//! Where the references of entries lead: to what the same source brought in.

use std::collections::{BTreeSet, HashMap};

use kernel::ImportId;
use serde_json::Value;
use store::{Actor, Damaged, FhirTypes, Follow, Interaction, Reads, Resource, Store, StoreError};
use uuid::Uuid;

use super::kinds::Kind;
use crate::exchange::fhir::ResourceKey;
use crate::exchange::fhir::out::{Links, Target, source_of, wanted};
use crate::exchange::rows::Run;
use crate::exchange::source_text;
use crate::patients::rows::Entry;

/// Which source each entry came from.
#[derive(Default)]
pub(in crate::exchange) struct Sources(HashMap<Uuid, String>);

impl Sources {
    /// By the runs that brought entries in.
    pub(in crate::exchange) fn of(brought_by: &HashMap<Uuid, ImportId>, runs: Vec<Result<Run, Damaged>>) -> Self {
        let names: HashMap<ImportId, String> =
            runs.into_iter().filter_map(Result::ok).map(|run| (run.id, run.source)).collect();
        let from = |(entry, run): (&Uuid, &ImportId)| Some((*entry, names.get(run)?.clone()));
        Self(brought_by.iter().filter_map(from).collect())
    }
}

/// Links by the name of the source, since two sources may call two things the same.
#[derive(Default)]
pub(in crate::exchange) struct Leads {
    sources: Sources,
    links: HashMap<String, Links>,
    nowhere: Links,
}

impl Leads {
    /// Looks up what open entries refer to. Ids alone are read, under the permission by which the entries
    /// were.
    pub(super) async fn of<A: Reads>(
        store: &Store,
        actor: &Actor,
        named: (FhirTypes, Interaction),
        about: Resource,
        entries: &[Result<Entry, Damaged>],
        sources: Sources,
    ) -> Result<Self, StoreError> {
        let resources: Vec<(Uuid, Value)> =
            entries.iter().flatten().filter_map(|entry| Some((entry.id.uuid(), source_of(entry)?))).collect();
        let has = |name: &str| Kind::named(name).is_some();
        Self::of_resources::<A>(store, actor, named, about, &resources, sources, (has, Follow::Open)).await
    }

    /// The same for resources of any kind, by the rows that they stand in. `has` says to which types of resource
    /// a reference can lead, and to which records.
    pub(in crate::exchange) async fn of_resources<A: Reads>(
        store: &Store,
        actor: &Actor,
        named: (FhirTypes, Interaction),
        about: Resource,
        resources: &[(Uuid, Value)],
        sources: Sources,
        (has, follow): (fn(&str) -> bool, Follow),
    ) -> Result<Self, StoreError> {
        let mut asked: BTreeSet<(&str, ResourceKey)> = BTreeSet::new();
        for (row, resource) in resources {
            if let Some(source) = sources.0.get(row) {
                asked.extend(wanted(resource, has).into_iter().map(|key| (source.as_str(), key)));
            }
        }
        if asked.is_empty() {
            return Ok(Self { sources, ..Self::default() });
        }
        let texts: Vec<String> = asked.iter().map(|(source, key)| source_text(source, key)).collect();
        let threshold = store.enter(actor).await?.naming(named.0, named.1);
        let tx = threshold.ask::<A>(about).await?;
        let tokens = tx.import_tokens(&texts).await?;
        let went = tx.went_to(&tokens, follow).await?;
        let mut found: HashMap<String, Vec<(ResourceKey, Target)>> = HashMap::new();
        for ((source, key), token) in asked.into_iter().zip(tokens) {
            if let Some(id) = went.get(&token) {
                found.entry(source.to_owned()).or_default().push((key, Target(*id)));
            }
        }
        let links = found.into_iter().map(|(source, known)| (source, Links::of(known))).collect();
        Ok(Self { sources, links, nowhere: Links::default() })
    }

    /// Those of one entry.
    pub(in crate::exchange) fn of_entry(&self, entry: Uuid) -> &Links {
        self.sources.0.get(&entry).and_then(|source| self.links.get(source)).unwrap_or(&self.nowhere)
    }
}
