//! Writing a batch of an import: one transaction, an event for each patient it touches.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{AccessId, AlertId, EntryId, IdentifierId, ImportId, PatientId, ResourceId};
use seal::{Token, TokenKind};
use store::{Actor, Event, ImportTurn, Imported, Store, StoreError, Tag, ToRemember, TokenSet, Tx, Versioned, sql};
use uuid::Uuid;

use super::between::{Before, Met, Told, identity_key};
use super::fhir::{
    AlertImport, Counts, Decision, EntryImport, Finding, Head, Index, MatchKey, Outcome, PatientImport, Reference,
    Reject, Report, Resource, ResourceKey, Unresolved, birth_dates_disagree, decide, match_keys,
};
use super::import::{ImportError, ImportSettings, Progress, Under};
use super::rows::{KeptPatch, KeptResource, KeptRow, RunPatch};
use super::runs::{asked, run_row};
use super::{source_text, uploads};
use crate::patients::actions::ImportPatients;
use crate::patients::identifiers::Identifier;
use crate::patients::model::{BirthDate, Demographics};
use crate::patients::rows::{
    Access, AccessRow, Alert, AlertPatch, AlertRow, Entry, EntryContent, EntryPatch, EntryRow, EntrySummary,
    IdentifierRow, KnownIdentifier, Patient, PatientPatch, PatientRow, replacing,
};
use crate::patients::search::words_of;
use crate::patients::writes::{Severity, identifier_words};

/// The source of a patient.
pub(super) const PATIENT: &str = "patient";
/// A further source of a patient, matched by an identifier: it is not that patient's record here, so what
/// changes there is never taken over.
const MATCHED: &str = "patient-matched";
const ENTRY: &str = "entry";
const ALERT: &str = "alert";
const KEPT: &str = "kept";

const CHANGED: &str = "changed at its source";
const READ_NOW: &str = "was kept as it came, and is read now";
const LEFT: &str = "known here already by an identifier: particulars were left as they are";
const STAYS: &str = "was kept as it came by an earlier version, and stays so";
const NOBODY_NAMED: &str = "was open to named people only where it comes from: say with --named who may open it here";
const EDITED: &str = "edited here since; left as it is";

/// One resource waiting to be written.
pub(super) struct Waiting {
    pub(super) file: Arc<str>,
    pub(super) line: u64,
    pub(super) head: Head,
    pub(super) resource: Resource,
}

/// What the batches of an import have in common.
pub(super) struct Batch<'a> {
    pub(super) store: &'a Store,
    actor: &'a Actor,
    pub(super) settings: &'a ImportSettings,
    pub(super) index: &'a Index,
    pub(super) run: Option<ImportId>,
    /// Nobody else imports into this practice.
    turn: Option<ImportTurn>,
    under: Option<Under<'a>>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        store: &'a Store,
        actor: &'a Actor,
        settings: &'a ImportSettings,
        index: &'a Index,
        run: Option<ImportId>,
        turn: Option<ImportTurn>,
        under: Option<Under<'a>>,
    ) -> Self {
        Self { store, actor, settings, index, run, turn, under }
    }

    /// Writes resources, in one transaction; in a dry run, finds out what would become of them. While one batch is
    /// written the next is prepared and begun: it knows whom the one before brings, and is committed after it.
    pub(super) async fn write(
        &self,
        waiting: Vec<Waiting>,
        report: &Mutex<&mut Report>,
        said: Progress,
        mut before: Before,
        mut told: Told,
    ) -> Result<(), ImportError> {
        let placed = before.placed().await?;
        self.turn_stands()?;
        let mut work = Work::new(self, self.ask().await?, placed);
        let findings = work.place(waiting).await?;
        // Whoever lost the turn before this batch had its lock may have been followed by somebody else.
        self.turn_stands()?;
        told.placed(std::mem::take(&mut work.met).into());
        if work.needs_before() {
            before.committed().await?;
        }
        work.flush().await?;
        before.committed().await?;
        let Work { tx, .. } = work;
        let total = {
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            for finding in findings {
                report.note(finding);
            }
            report.total()
        };
        if !self.settings.dry_run {
            self.commit(tx, total, false, &said).await?;
        }
        told.committed();
        Ok(())
    }

    /// Whether a batch must be over before the next begins: each batch of a job proves its claim by holding a row.
    pub(super) fn one_by_one(&self) -> bool {
        self.under.is_some()
    }

    /// That nobody else imports into this practice.
    pub(super) fn turn_stands(&self) -> Result<(), StoreError> {
        self.turn.as_ref().map_or(Ok(()), ImportTurn::stands)
    }

    /// A transaction of the import.
    pub(super) async fn ask(&self) -> Result<Tx<ImportPatients>, StoreError> {
        asked(self.store, self.actor, self.under).await
    }

    async fn commit(
        &self,
        mut tx: Tx<ImportPatients>,
        counts: Counts,
        finished: bool,
        said: &Progress,
    ) -> Result<(), StoreError> {
        let Some(run) = self.run else { return Ok(()) };
        let row = run_row(&tx, run).await?;
        // A run that was taken up again passes over what is done, and counts it anew: until it is past that, what
        // stands there is more, and is what taking the run back goes by.
        let number = |count: u64, stands: i64| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Some(if finished { count } else { count.max(stands) })
        };
        let patch = RunPatch {
            state: Some(if finished { "finished" } else { "running" }.to_owned()),
            added: number(counts.add + counts.keep, row.added),
            matched: number(counts.matched, row.matched),
            skipped: number(counts.skip, row.skipped),
            rejected: number(counts.reject, row.rejected),
            ..RunPatch::default()
        };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        if let Some(under) = self.under {
            uploads::is_at(&mut tx, under.upload.id, said).await?;
        }
        tx.commit(Event::new().about("import", run.uuid()), serde_json::Value::Null).await.map(|_| ())
    }

    /// Marks the run as finished.
    pub(super) async fn finish(&self, report: &Report, said: &Progress) -> Result<(), StoreError> {
        if self.settings.dry_run {
            return Ok(());
        }
        self.commit(self.ask().await?, report.total(), true, said).await
    }
}

/// One batch being written.
struct Work<'b, 'a> {
    batch: &'b Batch<'a>,
    tx: Tx<ImportPatients>,
    met: Met,
    /// Of the batch before, which may not be in the database yet.
    before: Arc<Met>,
    tags: BTreeMap<PatientId, Tag>,
    patients: Vec<(Tag, Patient)>,
    identifiers: Vec<(Tag, KnownIdentifier)>,
    alerts: Vec<(Tag, Alert)>,
    accesses: Vec<(Tag, Access)>,
    entries: Vec<(Tag, Entry)>,
    remember: Vec<ToRemember>,
    words: Vec<(Uuid, TokenSet)>,
}

impl<'b, 'a> Work<'b, 'a> {
    fn new(batch: &'b Batch<'a>, tx: Tx<ImportPatients>, placed: Arc<Met>) -> Self {
        let (met, before) = if batch.settings.dry_run {
            (Arc::into_inner(placed).unwrap_or_default(), Arc::default())
        } else {
            (Met::default(), placed)
        };
        Self {
            batch,
            tx,
            met,
            before,
            tags: BTreeMap::new(),
            patients: Vec::new(),
            identifiers: Vec::new(),
            alerts: Vec::new(),
            accesses: Vec::new(),
            entries: Vec::new(),
            remember: Vec::new(),
            words: Vec::new(),
        }
    }

    fn dry(&self) -> bool {
        self.batch.settings.dry_run
    }

    fn tag(&mut self, patient: PatientId) -> Tag {
        let Self { tags, tx, .. } = self;
        *tags.entry(patient).or_insert_with(|| tx.also(Event::new().about("patient", patient.uuid()), Some(patient)))
    }

    fn source_text(&self, key: &ResourceKey) -> String {
        source_text(&self.batch.settings.source, key)
    }

    /// Whom a reference means: somebody in the files, or imported before.
    fn subject_key(&self, subject: &Reference) -> Result<ResourceKey, Unresolved> {
        match self.batch.index.resolve(subject, "Patient") {
            Err(Unresolved::Missing) => match subject {
                Reference::Local { resource_type, id, .. } if resource_type == "Patient" => {
                    Ok(ResourceKey::of("Patient", id))
                }
                _ => Err(Unresolved::Missing),
            },
            other => other,
        }
    }

    async fn place(&mut self, waiting: Vec<Waiting>) -> Result<Vec<Finding>, StoreError> {
        let mut contents = Vec::with_capacity(waiting.len());
        let mut sources: Vec<String> = Vec::with_capacity(waiting.len());
        let mut subjects: Vec<Option<Result<ResourceKey, Unresolved>>> = Vec::with_capacity(waiting.len());
        for item in &waiting {
            contents.push(content_text(&item.resource)?);
            sources.push(self.source_text(&item.head.key));
            let subject = item.resource.subject().filter(|subject| subject.may_be_patient());
            subjects.push(subject.map(|subject| self.subject_key(subject)));
        }
        let subject_texts: Vec<String> =
            subjects.iter().flatten().filter_map(|s| s.as_ref().ok()).map(|key| self.source_text(key)).collect();
        let tokens = self.tx.import_tokens(&sources).await?;
        let digests = self.tx.import_digests(&contents).await?;
        let subject_tokens = self.tx.import_tokens(&subject_texts).await?;
        let subject_by_text: HashMap<String, Token> = subject_texts.into_iter().zip(subject_tokens).collect();
        let mut all: Vec<Token> = tokens.clone();
        all.extend(subject_by_text.values().copied());
        let known = self.tx.imported(&all).await?;

        let mut findings = Vec::with_capacity(waiting.len());
        for (((item, token), digest), subject) in waiting.into_iter().zip(tokens).zip(digests).zip(subjects) {
            let before = known.get(&token);
            let resource_type = item.resource.resource_type().to_owned();
            let key = item.head.key;
            let outcome = match item.resource {
                Resource::Patient(patient) => self.patient(*patient, key, token, digest, before).await?,
                Resource::Entry { entry, .. } => match self.whose(subject, &subject_by_text, &known) {
                    Ok(patient) => self.entry(*entry, patient, token, digest, before).await?,
                    Err(problem) => Err(problem),
                },
                Resource::Alert { alert, .. } => match self.whose(subject, &subject_by_text, &known) {
                    Ok(patient) => self.alert(*alert, patient, token, digest, before).await?,
                    Err(problem) => Err(problem),
                },
                Resource::Kept { resource_type, raw, .. } => {
                    let patient = self.whose(subject, &subject_by_text, &known).ok();
                    self.kept(resource_type, raw, patient, token, digest, before).await?
                }
            };
            findings.push(match outcome {
                Ok((outcome, reason)) => Finding::plain(outcome, &item.file, item.line, &resource_type, reason),
                Err(problem) => Finding::of(Outcome::Reject, &item.file, item.line, &resource_type, &problem),
            });
        }
        Ok(findings)
    }

    /// Whether what is to be written rests on a patient whom the batch before brings.
    fn needs_before(&self) -> bool {
        self.tags.keys().any(|patient| self.before.births.contains_key(patient))
    }

    /// The patient that an entry is about.
    fn whose(
        &self,
        subject: Option<Result<ResourceKey, Unresolved>>,
        tokens: &HashMap<String, Token>,
        known: &HashMap<Token, Imported>,
    ) -> Result<PatientId, Reject> {
        let reject = |reason: String| Reject { field: "subject".to_owned(), reason: reason.into() };
        let key = match subject {
            None => return Err(reject("names no patient".to_owned())),
            Some(Err(unresolved)) => return Err(reject(unresolved.to_string())),
            Some(Ok(key)) => key,
        };
        if let Some(patient) = self.met.by_source.get(&key).or_else(|| self.before.by_source.get(&key)) {
            return Ok(*patient);
        }
        let imported = tokens.get(&self.source_text(&key)).and_then(|token| known.get(token));
        match imported {
            Some(imported) if is_patient(imported) => Ok(PatientId::from_uuid(imported.id)),
            _ => Err(reject("points to a patient who was not brought in".to_owned())),
        }
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let Some(run) = self.batch.run.filter(|_| !self.dry()) else { return Ok(()) };
        self.tx.add_under::<PatientRow>(std::mem::take(&mut self.patients)).await?;
        self.tx.add_under::<IdentifierRow>(std::mem::take(&mut self.identifiers)).await?;
        self.tx.add_under::<AlertRow>(std::mem::take(&mut self.alerts)).await?;
        self.tx.add_under::<AccessRow>(std::mem::take(&mut self.accesses)).await?;
        self.tx.add_under::<EntryRow>(std::mem::take(&mut self.entries)).await?;
        let words = std::mem::take(&mut self.words);
        let words: Vec<(Uuid, &TokenSet)> = words.iter().map(|(id, set)| (*id, set)).collect();
        self.tx.add_tokens(&words).await?;
        self.tx.remember_imports(run, &std::mem::take(&mut self.remember));
        self.tx.send().await
    }
}

/// What became of one resource, and a word on it; or why it was not taken.
type Placed = Result<(Outcome, &'static str), Reject>;

fn is_patient(imported: &Imported) -> bool {
    imported.kind == PATIENT || imported.kind == MATCHED
}

impl Work<'_, '_> {
    /// What a resource counts as that stands here as it comes: known already, or, where this very run
    /// brought it in before it was cut short, what it was then.
    fn standing(&self, before: Option<&Imported>, digest: Token) -> Option<Placed> {
        let before = before.filter(|before| before.digest == digest.bytes())?;
        if self.batch.run != Some(before.run) {
            return Some(Ok((Outcome::Skip, "")));
        }
        let outcome = Outcome::ALL.iter().copied().find(|outcome| outcome.code() == before.outcome)?;
        let reason = match outcome {
            Outcome::Match if before.kind == MATCHED => LEFT,
            Outcome::Match => CHANGED,
            _ => "",
        };
        Some(Ok((outcome, reason)))
    }

    fn remember(&mut self, token: Token, digest: Token, kind: &'static str, id: Uuid, outcome: Outcome) {
        self.remember.push(ToRemember { token, kind, id, digest, outcome: outcome.code() });
    }

    async fn patient(
        &mut self,
        import: PatientImport,
        key: ResourceKey,
        token: Token,
        digest: Token,
        before: Option<&Imported>,
    ) -> Result<Placed, StoreError> {
        if let Some(placed) = self.standing(before, digest) {
            return Ok(placed);
        }
        let by_source = before.filter(|before| is_patient(before)).map(|before| before.id);
        let by_identity = self.holders_of(&import).await?;
        let decided = match decide(by_source, &by_identity) {
            Ok(decided) => decided,
            Err(problem) => return Ok(Err(problem)),
        };
        if let Decision::Known(id) = decided
            && let Err(problem) = self.birth_agrees(id, import.demographics.birth).await?
        {
            return Ok(Err(problem));
        }
        if decided == Decision::Add && import.restricted && self.batch.settings.named.is_empty() {
            return Ok(Err(Reject { field: "Patient".to_owned(), reason: NOBODY_NAMED.into() }));
        }
        let (id, kind, outcome, reason) = match decided {
            Decision::Add => (self.add_patient(import).await?, PATIENT, Outcome::Add, ""),
            Decision::Same(id) if before.is_some_and(|before| before.kind == PATIENT) => {
                let id = PatientId::from_uuid(id);
                if !self.change_patient(id, import).await? {
                    return Ok(Ok((Outcome::Skip, EDITED)));
                }
                (id, PATIENT, Outcome::Match, CHANGED)
            }
            // Somebody here keeps this record: it is not written over with what another system says.
            Decision::Same(id) | Decision::Known(id) => (PatientId::from_uuid(id), MATCHED, Outcome::Match, LEFT),
        };
        self.met.by_source.insert(key, id);
        self.remember(token, digest, kind, id.uuid(), outcome);
        Ok(Ok((outcome, reason)))
    }

    /// Patients here who carry an identifier that tells persons apart.
    async fn holders_of(&self, import: &PatientImport) -> Result<Vec<Uuid>, StoreError> {
        let mut found = Vec::new();
        for key in match_keys(import, &self.batch.settings.source) {
            if let MatchKey::Identity(_) = key {
                let identity = identity_key(&key);
                found.extend(
                    [&self.met, &*self.before]
                        .iter()
                        .filter_map(|met| met.by_identity.get(&identity))
                        .map(|id| id.uuid()),
                );
                let words = TokenSet::from([(TokenKind::Identifier, key.text())]);
                let ids = self.tx.find(&words, 20).await?;
                let rows: Vec<IdentifierRow> = self
                    .tx
                    .rows(
                        sql!("select * from patient_identifier where practice_id = $1 and id = any($2) and active"),
                        &[&ids],
                    )
                    .await?;
                let is = |open: &KnownIdentifier, key: &MatchKey| match key {
                    MatchKey::Identity(text) => open.value.identity_text().is_some_and(|t| t == *text).then_some(()),
                    MatchKey::Source { .. } => None,
                };
                let same = self.tx.examine(&rows, &key, is).await?.ranked;
                found.extend(rows.iter().filter(|row| same.contains(&row.id.uuid())).map(|row| row.patient_id.uuid()));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn birth_agrees(&self, known: Uuid, incoming: Option<BirthDate>) -> Result<Result<(), Reject>, StoreError> {
        let id = PatientId::from_uuid(known);
        if let Some(known) = self.met.births.get(&id).or_else(|| self.before.births.get(&id)) {
            return Ok(birth_dates_disagree(incoming, *known));
        }
        let row: PatientRow =
            self.tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&known]).await?;
        let agree = |open: &Patient, incoming: &Option<BirthDate>| {
            birth_dates_disagree(*incoming, open.birth).is_ok().then_some(())
        };
        let agreeing = self.tx.examine(&[row], &incoming, agree).await?.ranked;
        Ok(if agreeing.is_empty() { Err(birth_problem()) } else { Ok(()) })
    }

    async fn add_patient(&mut self, import: PatientImport) -> Result<PatientId, StoreError> {
        let id = if self.dry() {
            PatientId::new(self.tx.at(), self.batch.store.entropy())
        } else {
            self.tx.new_patient().await?
        };
        self.met.births.insert(id, import.demographics.birth);
        self.met.carries(id, &import.identifiers);
        if self.dry() {
            return Ok(id);
        }
        let tag = self.tag(id);
        let mut patient = Patient::new(id, import.demographics);
        (patient.active, patient.restricted) = (import.active, import.restricted);
        self.words.push((id.uuid(), words_of(&patient)));
        self.patients.push((tag, patient));
        if import.restricted {
            for person in &self.batch.settings.named {
                let access = AccessId::new(self.tx.at(), self.batch.store.entropy());
                let row = Access { id: access, row_version: 1, patient_id: id, person_id: *person };
                self.accesses.push((tag, row));
            }
        }
        self.add_identifiers(id, import.identifiers);
        self.add_alerts(id, import.alerts);
        Ok(id)
    }

    fn add_alerts(&mut self, patient: PatientId, alerts: Vec<String>) {
        let tag = self.tag(patient);
        for text in alerts {
            let id = AlertId::new(self.tx.at(), self.batch.store.entropy());
            // How heavy it weighs, no table says. One too many that is looked at does less harm than one
            // that is overlooked.
            let severity = Severity::High.code().to_owned();
            self.alerts.push((tag, Alert { id, row_version: 1, patient_id: patient, severity, active: true, text }));
        }
    }

    /// The alerts that a patient has not had here yet, whether they still stand or somebody ended them.
    async fn fresh_alerts(&self, patient: PatientId, alerts: Vec<String>) -> Result<Vec<String>, StoreError> {
        if alerts.is_empty() {
            return Ok(alerts);
        }
        let rows: Vec<AlertRow> = self
            .tx
            .rows(sql!("select * from patient_alert where practice_id = $1 and patient_id = $2"), &[&patient.uuid()])
            .await?;
        let same = |open: &Alert, text: &String| (open.text == *text).then_some(());
        let mut fresh = Vec::new();
        for text in alerts {
            if self.tx.examine(&rows, &text, same).await?.ranked.is_empty() {
                fresh.push(text);
            }
        }
        Ok(fresh)
    }

    fn add_identifiers(&mut self, patient: PatientId, identifiers: Vec<Identifier>) {
        let tag = self.tag(patient);
        for value in identifiers {
            let identifier = IdentifierId::new(self.tx.at(), self.batch.store.entropy());
            self.words.push((identifier.uuid(), identifier_words(&value)));
            self.identifiers.push((tag, KnownIdentifier::new(identifier, patient, value)));
        }
    }

    /// Takes what changed at the source: particulars, and identifiers that are new. False, and nothing is
    /// taken, where somebody here has edited the patient since an import wrote it: their word stands.
    async fn change_patient(&mut self, patient: PatientId, import: PatientImport) -> Result<bool, StoreError> {
        let row: PatientRow =
            self.tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&patient.uuid()]).await?;
        if self.tx.written_by_another(&row).await? {
            return Ok(false);
        }
        let mut fresh = Vec::new();
        for value in import.identifiers {
            if !self.carries(patient, &value).await? {
                fresh.push(value);
            }
        }
        let alerts = self.fresh_alerts(patient, import.alerts).await?;
        self.met.births.insert(patient, import.demographics.birth);
        self.met.carries(patient, &fresh);
        if self.dry() {
            return Ok(true);
        }
        let patch =
            |_: &Patient, to: &(bool, Demographics)| PatientPatch { active: Some(to.0), ..replacing(to.1.clone()) };
        // Of a record that was merged away, FHIR's `active` says only that.
        let merged = row.merged_into.is_some();
        let active = if merged { import.replacing.in_use.unwrap_or(row.active) } else { import.active };
        let to = (active, import.demographics);
        let tag = self.tag(patient);
        self.tx.amend_under(tag, &row, Versioned(row.row_version), &to, patch, Some(words_of)).await?;
        self.add_identifiers(patient, fresh);
        self.add_alerts(patient, alerts);
        Ok(true)
    }

    async fn carries(&self, patient: PatientId, value: &Identifier) -> Result<bool, StoreError> {
        let rows: Vec<IdentifierRow> = self
            .tx
            .rows(
                sql!("select * from patient_identifier where practice_id = $1 and patient_id = $2"),
                &[&patient.uuid()],
            )
            .await?;
        let text = value.lookup_text();
        let is = |open: &KnownIdentifier, text: &String| (open.value.lookup_text() == *text).then_some(());
        Ok(!self.tx.examine(&rows, &text, is).await?.ranked.is_empty())
    }

    async fn entry(
        &mut self,
        import: EntryImport,
        patient: PatientId,
        token: Token,
        digest: Token,
        before: Option<&Imported>,
    ) -> Result<Placed, StoreError> {
        let summary = EntrySummary::of(&import.body);
        let content = EntryContent::Read(Box::new(import.body));
        let kind = import.kind.code().to_owned();
        self.put_entry(patient, kind, import.occurred, summary, content, token, digest, before, Outcome::Add).await
    }

    async fn alert(
        &mut self,
        import: AlertImport,
        patient: PatientId,
        token: Token,
        digest: Token,
        before: Option<&Imported>,
    ) -> Result<Placed, StoreError> {
        if let Some(placed) = self.standing(before, digest) {
            return Ok(placed);
        }
        let severity = if import.high { Severity::High } else { Severity::Usual }.code().to_owned();
        let (active, text) = (import.active, import.text);
        let Some(before) = before else {
            let id = AlertId::new(self.tx.at(), self.batch.store.entropy());
            if !self.dry() {
                let tag = self.tag(patient);
                self.alerts.push((tag, Alert { id, row_version: 1, patient_id: patient, severity, active, text }));
            }
            self.remember(token, digest, ALERT, id.uuid(), Outcome::Add);
            return Ok(Ok((Outcome::Add, "")));
        };
        if before.kind != ALERT {
            return Ok(Ok((Outcome::Skip, STAYS)));
        }
        let row: AlertRow =
            self.tx.row(sql!("select * from patient_alert where practice_id = $1 and id = $2"), &[&before.id]).await?;
        if row.patient_id != patient {
            let reason = "was brought in before for another patient".into();
            return Ok(Err(Reject { field: "subject".to_owned(), reason }));
        }
        if self.tx.written_by_another(&row).await? {
            return Ok(Ok((Outcome::Skip, EDITED)));
        }
        if !self.dry() {
            let to = AlertPatch {
                severity: Some(severity),
                active: Some(active),
                text: Some(text),
                ..AlertPatch::default()
            };
            let patch = |_: &Alert, to: &AlertPatch| to.clone();
            let tag = self.tag(patient);
            self.tx.amend_under(tag, &row, Versioned(row.row_version), &to, patch, None).await?;
        }
        self.remember(token, digest, ALERT, before.id, Outcome::Match);
        Ok(Ok((Outcome::Match, CHANGED)))
    }

    async fn kept(
        &mut self,
        resource_type: String,
        raw: String,
        patient: Option<PatientId>,
        token: Token,
        digest: Token,
        before: Option<&Imported>,
    ) -> Result<Placed, StoreError> {
        if let Some(patient) = patient {
            let summary = EntrySummary::kept(&resource_type);
            let content = EntryContent::Kept { source: raw };
            return self
                .put_entry(patient, resource_type, None, summary, content, token, digest, before, Outcome::Keep)
                .await;
        }
        if let Some(placed) = self.standing(before, digest) {
            return Ok(placed);
        }
        if before.is_some_and(|before| before.kind == ENTRY) {
            let reason = "names nobody, and was brought in before for a patient".into();
            return Ok(Err(Reject { field: "subject".to_owned(), reason }));
        }
        if let Some(before) = before.filter(|before| before.kind == KEPT) {
            if !self.dry() {
                let row = self.kept_row(before.id).await?;
                let patch = KeptPatch { resource: Some(raw), ..KeptPatch::default() };
                self.tx.amend(&row, Versioned(row.row_version), patch).await?;
            }
            self.remember(token, digest, KEPT, before.id, Outcome::Match);
            return Ok(Ok((Outcome::Match, CHANGED)));
        }
        let id = ResourceId::new(self.tx.at(), self.batch.store.entropy());
        if !self.dry() {
            self.tx.insert::<KeptRow>(KeptResource { id, row_version: 1, resource_type, resource: raw }).await?;
        }
        self.remember(token, digest, KEPT, id.uuid(), Outcome::Keep);
        Ok(Ok((Outcome::Keep, "")))
    }

    async fn kept_row(&self, id: Uuid) -> Result<KeptRow, StoreError> {
        self.tx.row(sql!("select * from kept_resource where practice_id = $1 and id = $2"), &[&id]).await
    }

    #[allow(clippy::too_many_arguments, reason = "one call for two kinds of entry")]
    async fn put_entry(
        &mut self,
        patient: PatientId,
        kind: String,
        occurred_at: Option<jiff::Timestamp>,
        summary: EntrySummary,
        body: EntryContent,
        token: Token,
        digest: Token,
        before: Option<&Imported>,
        added: Outcome,
    ) -> Result<Placed, StoreError> {
        // What was kept because its patient was not here moves into the record, also if it is the same.
        let kept = before.filter(|before| before.kind == KEPT);
        if kept.is_none()
            && let Some(placed) = self.standing(before, digest)
        {
            return Ok(placed);
        }
        if let Some(before) = before.filter(|before| before.kind == ENTRY) {
            let row: EntryRow = self
                .tx
                .row(sql!("select * from record_entry where practice_id = $1 and id = $2"), &[&before.id])
                .await?;
            if row.patient_id != patient {
                let reason = "was brought in before for another patient".into();
                return Ok(Err(Reject { field: "subject".to_owned(), reason }));
            }
            if self.tx.written_by_another(&row).await? {
                return Ok(Ok((Outcome::Skip, EDITED)));
            }
            // The same resource as before, in a room that was built since.
            let reason = if row.kind == kind { CHANGED } else { READ_NOW };
            if !self.dry() {
                let to = EntryPatch {
                    kind: Some(kind),
                    occurred_at: Some(occurred_at),
                    summary: Some(summary),
                    body: Some(body),
                    ..EntryPatch::default()
                };
                let patch = |_: &Entry, to: &EntryPatch| to.clone();
                let tag = self.tag(patient);
                self.tx.amend_under(tag, &row, Versioned(row.row_version), &to, patch, None).await?;
            }
            self.remember(token, digest, ENTRY, before.id, Outcome::Match);
            return Ok(Ok((Outcome::Match, reason)));
        }
        let id = EntryId::new(self.tx.at(), self.batch.store.entropy());
        if !self.dry() {
            if let Some(kept) = kept {
                let row = self.kept_row(kept.id).await?;
                self.tx.remove(&row).await?;
            }
            let tag = self.tag(patient);
            let entry = Entry { id, row_version: 1, patient_id: patient, kind, occurred_at, summary, body };
            self.entries.push((tag, entry));
        }
        let (outcome, reason) = if kept.is_some() { (Outcome::Match, CHANGED) } else { (added, "") };
        self.remember(token, digest, ENTRY, id.uuid(), outcome);
        Ok(Ok((outcome, reason)))
    }
}

fn birth_problem() -> Reject {
    Reject {
        field: "Patient.birthDate".to_owned(),
        reason: "differs from that of the known patient who has the same identifier".into(),
    }
}

/// The content of a resource as one text, for its digest.
fn content_text(resource: &Resource) -> Result<String, StoreError> {
    let text = match resource {
        Resource::Patient(p) if p.alerts.is_empty() => {
            serde_json::to_string(&(p.active, &p.demographics, &p.identifiers))
        }
        Resource::Patient(p) => serde_json::to_string(&(p.active, &p.demographics, &p.identifiers, &p.alerts)),
        Resource::Entry { entry, .. } => serde_json::to_string(&(entry.kind.code(), entry.occurred, &entry.body)),
        Resource::Alert { alert, .. } => serde_json::to_string(&(alert.high, alert.active, &alert.text)),
        Resource::Kept { raw, .. } => Ok(raw.clone()),
    };
    text.map_err(|_| StoreError::Unreadable { what: "resource" })
}
