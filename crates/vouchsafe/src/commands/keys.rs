//! Keys: how they stand, and turning them while everything runs.

use std::sync::Arc;

use kernel::PracticeId;
use seal::KeyService as _;
use store::{RotationProgress, Turned, rewrap_under_root, rotate_practice};
use tokio::task::JoinSet;

use super::{House, explained};
use crate::failure::Failure;
use crate::terminal::say;

/// A practice's rotation mostly waits, until every node has learnt the new key.
const ROTATED_AT_A_TIME: usize = 16;

pub(super) async fn status(house: &House) -> Result<(), Failure> {
    let root = house.doors.root_key()?;
    let epochs: Vec<String> = root.epochs().iter().map(ToString::to_string).collect();
    say(&format!("{}; epochs: {}", root.describe(), epochs.join(", ")));
    let (mut open, mut shut) = (0_u32, 0_u32);
    for practice in everybody(house).await? {
        match house.identity.store().know(practice).await {
            Ok(()) => open += 1,
            Err(error) => {
                shut += 1;
                say(&format!("{}: its key does not open: {error}", named(practice)));
            }
        }
    }
    say(&format!("{open} keys of practices open (the house's own among them)"));
    if shut == 0 { Ok(()) } else { Err(Failure::said(format!("{shut} keys of practices do not open"))) }
}

pub(super) async fn rotate(house: &House, only: Option<&str>) -> Result<(), Failure> {
    let practices = match only {
        Some(slug) => vec![house.practice(slug).await?],
        None => everybody(house).await?,
    };
    let keyring = Arc::new(house.doors.keyring(Arc::new(house.doors.root_key()?))?);
    let (count, mut waiting, mut running) = (practices.len(), practices.into_iter(), JoinSet::new());
    let (mut done, mut failed) = (0_usize, 0_usize);
    loop {
        while running.len() < ROTATED_AT_A_TIME {
            let Some(practice) = waiting.next() else { break };
            let keyring = Arc::clone(&keyring);
            running.spawn(async move {
                let told = rotate_practice(&keyring, practice, &mut |progress| tell(practice, progress)).await;
                (practice, told)
            });
        }
        let Some(ended) = running.join_next().await else { break };
        match ended {
            Ok((practice, Ok(_))) => {
                note(house, practice, Turned::Practice).await;
                done += 1;
            }
            Ok((practice, Err(error))) => {
                failed += 1;
                say(&format!("{}: {error}; give the command again, it goes on where it was", named(practice)));
            }
            Err(_) => failed += 1,
        }
    }
    say(&format!("{done} of {count} keys turned"));
    if failed == 0 { Ok(()) } else { Err(Failure::said(format!("{failed} keys were not turned to the end"))) }
}

fn tell(practice: PracticeId, progress: RotationProgress) {
    let name = named(practice);
    match progress {
        RotationProgress::Announced { version, wait } => {
            say(&format!("{name}: version {version} made; {} s until every node knows it", wait.as_secs()));
        }
        RotationProgress::Rewrapped { keys } if keys % 10_000 == 0 && keys > 0 => {
            say(&format!("{name}: {keys} keys wrapped anew"));
        }
        RotationProgress::Rewrapped { .. } => {}
        RotationProgress::Done { version } => say(&format!("{name}: version {version} in use, the old one is gone")),
    }
}

/// A new root key; the keys of all practices wrapped under it. Older root keys stay in the file, for
/// backups and for practices that are closed.
pub(super) async fn rotate_root(house: &House) -> Result<(), Failure> {
    let practices = everybody(house).await?;
    let root = Arc::new(house.doors.root_key()?);
    let epoch = root.add_epoch()?;
    say(&format!("the root key of epoch {epoch} was made; copy the file away again, apart from the data"));
    let keyring = house.doors.keyring(root)?;
    for practice in &practices {
        rewrap_under_root(&keyring, *practice).await.map_err(|error| explained(&error))?;
        note(house, *practice, Turned::Root).await;
    }
    say(&format!("{} keys of practices wrapped under it", practices.len()));
    Ok(())
}

/// Into the practice's log. The key is turned by then, whatever becomes of the line.
async fn note(house: &House, practice: PracticeId, turned: Turned) {
    if let Err(error) = house.identity.store().note_turned(practice, turned).await {
        say(&format!("{}: the key was turned, but its log could not be written: {error}", named(practice)));
    }
}

async fn everybody(house: &House) -> Result<Vec<PracticeId>, Failure> {
    house.identity.store().practices().await.map_err(|error| explained(&error))
}

fn named(practice: PracticeId) -> String {
    if practice == PracticeId::HOUSE { "the house".to_owned() } else { practice.to_string() }
}
