//! Bringing records in (FHIR, tables, cards), and taking an import back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kernel::{ImportId, PersonId, PracticeId};
use practice::exchange::csv::{Mapping, Said};
use practice::exchange::fhir::Report;
use practice::exchange::runs::{self, Undone, known_runs};
use practice::exchange::{
    ImportError, ImportSettings, Progress, import_csv, import_folder, import_vcard, known_mapping, look_at_csv,
};

use super::{House, Manner, explained};
use crate::failure::Failure;
use crate::terminal::say;

pub(super) async fn fhir(
    house: &House,
    practice: &str,
    folder: &Path,
    source: String,
    named: &[String],
    manner: Manner,
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let named = people(house, id, named).await?;
    let bar = bar();
    let settings = ImportSettings { source, dry_run: manner.dry_run, named };
    let report =
        import_folder(house.identity.store(), id, folder, &settings, &mut |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    tell(report, manner)
}

/// The people of these addresses, if all of them treat patients here.
async fn people(house: &House, practice: PracticeId, named: &[String]) -> Result<Vec<PersonId>, Failure> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let team = house.identity.list_people(practice).await.map_err(|error| explained(&error))?;
    let find = |email: &String| {
        let found = team.iter().find(|member| {
            member.email.eq_ignore_ascii_case(email.trim()) && member.roles.has(store::Role::Practitioner)
        });
        found
            .map(|member| member.id)
            .ok_or_else(|| Failure::said(format!("--named: no practitioner of this practice has the address {email}")))
    };
    named.iter().map(find).collect()
}

/// The largest mapping file that is read.
const MAPPING_BYTES_MAX: u64 = 1024 * 1024;

pub(super) async fn csv(
    house: &House,
    practice: &str,
    file: &Path,
    mapping: Option<&Path>,
    source: String,
    manner: Manner,
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let mapping = match mapping {
        Some(mapping) => read_mapping(mapping)?,
        None => kept_mapping(house, id, file).await?,
    };
    let bar = bar();
    let settings = ImportSettings { source, dry_run: manner.dry_run, named: Vec::new() };
    let report = import_csv(house.identity.store(), id, file, &mapping, &settings, &mut |said| show(&bar, said)).await;
    bar.finish_and_clear();
    if report.is_ok() && !mapping.knows_again() && !manner.table {
        say("No column goes to \"record-id\": a row that is changed and brought in again will be one more patient\n");
    }
    tell(report, manner)
}

pub(super) async fn vcard(
    house: &House,
    practice: &str,
    file: &Path,
    source: String,
    manner: Manner,
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let bar = bar();
    let settings = ImportSettings { source, dry_run: manner.dry_run, named: Vec::new() };
    let report = import_vcard(house.identity.store(), id, file, &settings, &mut |said| show(&bar, said)).await;
    bar.finish_and_clear();
    tell(report, manner)
}

/// Prints the mapping that the file itself suggests, to be looked at, changed and kept.
pub(super) fn suggest(file: &Path) -> Result<(), Failure> {
    let look = look_at_csv(file, Said::default()).map_err(|error| explained(&error))?;
    let text = serde_json::to_string_pretty(&look.proposed()).map_err(|error| Failure::said(error.to_string()))?;
    say(&text);
    Ok(())
}

/// The mapping that the practice used last for such a table.
async fn kept_mapping(house: &House, practice: PracticeId, file: &Path) -> Result<Mapping, Failure> {
    let look = look_at_csv(file, Said::default()).map_err(|error| explained(&error))?;
    let known = known_mapping(house.identity.store(), practice, &look).await.map_err(|error| explained(&error))?;
    known.ok_or_else(|| {
        Failure::said(
            "this practice has brought in no table with these columns yet: say with --mapping FILE what each is. \
             `vouchsafe import mapping` prints a first one to change",
        )
    })
}

fn read_mapping(file: &Path) -> Result<Mapping, Failure> {
    let large = fs::metadata(file).map_err(Failure::io("cannot read", file))?.len() > MAPPING_BYTES_MAX;
    if large {
        return Err(Failure::said(format!("{} is no mapping: it is larger than 1 MiB", file.display())));
    }
    let text = fs::read_to_string(file).map_err(Failure::io("cannot read", file))?;
    serde_json::from_str(&text).map_err(|error| Failure::said(format!("{} is no mapping: {error}", file.display())))
}

/// Prints the imports of a practice.
pub(super) async fn list(house: &House, practice: &str) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let runs = known_runs(house.identity.store(), id).await.map_err(|error| explained(&error))?;
    if runs.is_empty() {
        say("there was no import into this practice");
        return Ok(());
    }
    say(&format!(
        "{:36}  {:20}  {:8} {:>9} {:>9} {:>9} {:>9}  source",
        "import", "began", "state", "add", "match", "skip", "reject"
    ));
    for run in runs {
        say(&format!(
            "{:36}  {:20}  {:8} {:>9} {:>9} {:>9} {:>9}  {}",
            run.id.to_string(),
            run.started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            run.state,
            run.added,
            run.matched,
            run.skipped,
            run.rejected,
            run.source.as_deref().unwrap_or("(damaged)")
        ));
    }
    Ok(())
}

/// Takes an import back, or says what that would take away.
pub(super) async fn undo(house: &House, practice: &str, run: &str, dry_run: bool) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let run: ImportId =
        run.parse().map_err(|_| Failure::said("that is no id of an import: `vouchsafe import list`"))?;
    let done = runs::undo(house.identity.store(), id, run, dry_run).await.map_err(|error| explained(&error))?;
    let Undone { patients, entries, kept, changed } = done;
    let what = format!("{patients} patients, {entries} entries of records and {kept} other resources");
    if dry_run {
        say(&format!("This was a dry run: nothing was changed. Without --dry-run it takes {what} away"));
    } else {
        say(&format!("took {what} away"));
    }
    if changed > 0 {
        say(&format!("{changed} records that were here before were changed by it and stay as they are now"));
    }
    Ok(())
}

/// Prints what an import came to, or why it stopped.
fn tell(report: Result<Report, ImportError>, manner: Manner) -> Result<(), Failure> {
    let report = report.map_err(|error| {
        // Nothing was begun.
        if matches!(error, ImportError::Running | ImportError::Mapping(_)) {
            return explained(&error);
        }
        let Failure::Said(why) = explained(&error) else { return explained(&error) };
        Failure::said(format!("{why}. What was brought in stays; the same command goes on from there"))
    })?;
    if manner.table {
        say(report.table().trim_end());
        return Ok(());
    }
    say(report.to_string().trim_end());
    let rejected = report.total().reject;
    if manner.dry_run {
        say("\nThis was a dry run: nothing was changed. Without --dry-run it is done");
    }
    if rejected > 0 {
        say(&format!("\n{rejected} lines were not taken, for the reasons above"));
    }
    Ok(())
}

/// On standard error, so that the report can be sent into a file. Not drawn where nobody looks.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(5));
    let style = "{prefix:<8} [{bar:40}] {bytes}/{total_bytes}  {msg}  {eta}";
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "),
    );
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_prefix(if progress.learning { "looking" } else { "bringing" });
    bar.set_length(progress.bytes_total);
    bar.set_position(progress.bytes);
    bar.set_message(progress.file.clone());
}
