//! Bringing records in from a folder of FHIR NDJSON.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use practice::exchange::{ImportError, ImportSettings, Progress, import_folder};

use super::{House, explained};
use crate::failure::Failure;
use crate::terminal::say;

pub(super) async fn fhir(
    house: &House,
    practice: &str,
    folder: &Path,
    source: String,
    dry_run: bool,
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let bar = bar();
    let settings = ImportSettings { source, dry_run };
    let report =
        import_folder(house.identity.store(), id, folder, &settings, &mut |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| {
        if matches!(error, ImportError::Running) {
            return explained(&error);
        }
        let Failure::Said(why) = explained(&error) else { return explained(&error) };
        Failure::said(format!("{why}. What was brought in stays; the same command goes on from there"))
    })?;
    say(report.to_string().trim_end());
    let rejected = report.total().reject;
    if dry_run {
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
