use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::task::{Context, Poll, Waker};

use kernel::{PracticeId, SystemEntropy};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

fn entropy() -> Entropy {
    Entropy::from(SystemEntropy)
}

/// A folder with a root key file in it, and the file's path.
fn with_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.keys");
    RootKeyFile::create(&path, &entropy()).unwrap();
    (folder, path)
}

fn open(path: &Path) -> Result<RootKeyFile, RootKeyError> {
    RootKeyFile::open(path, None, &entropy())
}

fn context(practice: u128, version: i32) -> KekContext {
    KekContext { practice: PracticeId::from_uuid(Uuid::from_u128(practice)), version }
}

/// The outcome of a future that never waits.
fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the root key file waits for nothing"),
    }
}

fn kek() -> (KekContext, Kek) {
    let context = context(1, 1);
    (context, Kek::generate(context.practice, context.version, &entropy()))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The refusal must name the variant, and its message must say these words.
macro_rules! assert_refused {
    ($outcome:expr, $variant:pat, $($words:expr),+) => {{
        let error = $outcome.map(|_| ()).unwrap_err();
        assert!(matches!(error, $variant), "{error:?}");
        $(assert!(error.to_string().contains($words), "{error}");)+
    }};
}

#[test]
fn a_new_file_is_ours_alone_and_holds_one_key() {
    let (_folder, path) = with_file();
    let found = fs::metadata(&path).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o600);
    assert_eq!(open(&path).unwrap().epochs(), [1]);
}

#[test]
fn a_file_that_exists_is_never_written_over() {
    let (_folder, path) = with_file();
    let before = fs::read(&path).unwrap();
    assert_refused!(RootKeyFile::create(&path, &entropy()), RootKeyError::Exists { .. }, "not written over");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_is_not_made_through_a_dangling_link() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    symlink(folder.path().join("elsewhere"), &link).unwrap();
    assert_refused!(RootKeyFile::create(&link, &entropy()), RootKeyError::Exists { .. }, "already");
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused!(open(&folder.path().join("none")), RootKeyError::Missing { .. }, "no root key file");
}

#[test]
fn a_file_that_others_may_use_is_refused() {
    let (_folder, path) = with_file();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601, 0o666] {
        set_mode(&path, mode);
        assert_refused!(open(&path), RootKeyError::OpenToOthers { .. }, "chmod 600", &format!("{mode:04o}"));
    }
    set_mode(&path, 0o400);
    assert!(open(&path).is_ok());
}

#[test]
fn a_symbolic_link_is_refused_though_it_leads_to_a_good_file() {
    let (folder, path) = with_file();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert_refused!(open(&link), RootKeyError::SymbolicLink { .. }, "name the root key file itself");
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("folder");
    fs::create_dir(&inner).unwrap();
    assert_refused!(open(&inner), RootKeyError::NotAFile { .. }, "is not a file");
}

#[test]
fn a_file_inside_the_data_folder_is_refused_by_whatever_way_it_is_named() {
    let (folder, path) = with_file();
    let data = folder.path().join("data");
    let deep = data.join("deep");
    fs::create_dir_all(&deep).unwrap();
    set_mode(&data, 0o700);
    set_mode(&deep, 0o700);
    let inside = deep.join("root.keys");
    RootKeyFile::create(&inside, &entropy()).unwrap();
    let way_in = folder.path().join("way-in");
    symlink(&deep, &way_in).unwrap();
    let other_name = folder.path().join("other-name");
    symlink(&data, &other_name).unwrap();

    let beside = data.join("../data/deep/root.keys");
    for (file, data) in [(&inside, &data), (&way_in.join("root.keys"), &data), (&beside, &data), (&inside, &other_name)]
    {
        let outcome = RootKeyFile::open(file, Some(data), &entropy());
        assert_refused!(outcome, RootKeyError::InsideDataFolder { .. }, "move it elsewhere");
    }
    assert!(RootKeyFile::open(&path, Some(&data), &entropy()).is_ok());
    // A folder whose name merely begins alike is another folder.
    assert!(RootKeyFile::open(&inside, Some(&folder.path().join("dat")), &entropy()).is_ok());
}

#[test]
fn a_folder_into_which_others_may_write_is_refused() {
    let (folder, path) = with_file();
    for mode in [0o777, 0o770, 0o702, 0o1777] {
        set_mode(folder.path(), mode);
        assert_refused!(open(&path), RootKeyError::FolderOpenToOthers { .. }, "chmod go-w");
        let made = RootKeyFile::create(&folder.path().join("another"), &entropy());
        assert_refused!(made, RootKeyError::FolderOpenToOthers { .. }, "chmod go-w");
    }
    set_mode(folder.path(), 0o755);
    assert!(open(&path).is_ok());
}

#[test]
fn a_file_or_folder_of_another_user_is_refused() {
    const NOBODY: u32 = 65534;
    let (folder, path) = with_file();
    // Only root can give a file away; without that there is nothing to try here.
    if chown(&path, Some(NOBODY), None).is_err() {
        return;
    }
    assert_refused!(open(&path), RootKeyError::NotOurs { owner: NOBODY, .. }, "chown", "65534");
    chown(&path, Some(rustix::process::geteuid().as_raw()), None).unwrap();
    chown(folder.path(), Some(NOBODY), None).unwrap();
    assert_refused!(open(&path), RootKeyError::FolderNotOurs { owner: NOBODY, .. }, "keep the file in a folder");
}

#[test]
fn a_malformed_file_is_refused_without_repeating_a_key() {
    let (_folder, path) = with_file();
    let text = fs::read_to_string(&path).unwrap();
    let key = text.split_whitespace().rev().nth(1).unwrap();
    fs::write(&path, text.trim_end()).unwrap();
    let error = open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error, RootKeyError::Malformed { .. }));
    assert!(!format!("{error} {error:?}").contains(&key[..8]));
}

#[test]
fn a_practice_s_key_comes_back_the_same() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let wrapped = now(open(&path).unwrap().wrap(&context, &kek)).unwrap();
    let again = now(open(&path).unwrap().unwrap(&context, &wrapped)).unwrap();
    assert_eq!(again.context(), context);
    assert_eq!(again.expose_bytes(), kek.expose_bytes());
}

#[test]
fn a_wrapped_key_moved_to_another_practice_version_or_epoch_does_not_open() {
    let (_folder, path) = with_file();
    let (here, kek) = kek();
    let service = open(&path).unwrap();
    let mut wrapped = now(service.wrap(&here, &kek)).unwrap();
    for elsewhere in [context(2, 1), context(1, 2)] {
        let outcome = now(service.unwrap(&elsewhere, &wrapped)).map(|_| ());
        assert_eq!(outcome, Err(KeyServiceError::DoesNotOpen));
    }
    service.add_epoch().unwrap();
    wrapped.splice(2..6, 2_u32.to_be_bytes());
    assert_eq!(now(service.unwrap(&here, &wrapped)).map(|_| ()), Err(KeyServiceError::DoesNotOpen));
}

#[test]
fn the_epoch_is_authenticated_even_where_two_epochs_share_a_key() {
    let (_folder, path) = with_file();
    let text = fs::read_to_string(&path).unwrap();
    let key = text.split_whitespace().rev().nth(1).unwrap();
    fs::write(&path, format!("vouchsafe root keys 1\n1 {key}\n2 {key}\nend\n")).unwrap();
    let (context, kek) = kek();
    let service = open(&path).unwrap();
    let mut wrapped = now(service.wrap(&context, &kek)).unwrap();
    wrapped.splice(2..6, 1_u32.to_be_bytes());
    assert_eq!(now(service.unwrap(&context, &wrapped)).map(|_| ()), Err(KeyServiceError::DoesNotOpen));
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let service = open(&path).unwrap();
    let wrapped = now(service.wrap(&context, &kek)).unwrap();
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(now(service.unwrap(&context, &changed)).is_err(), "bit {bit}");
    }
    for length in 0..wrapped.len() {
        let outcome = now(service.unwrap(&context, &wrapped[..length])).map(|_| ());
        assert_eq!(outcome, Err(KeyServiceError::Malformed));
    }
}

#[test]
fn after_the_epoch_turns_the_new_key_wraps_and_the_old_one_still_unwraps() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let service = open(&path).unwrap();
    let old = now(service.wrap(&context, &kek)).unwrap();
    assert_eq!(service.add_epoch().unwrap(), 2);
    let new = now(service.wrap(&context, &kek)).unwrap();
    assert_eq!([RootKeyFile::epoch_of(&old), RootKeyFile::epoch_of(&new)], [Ok(1), Ok(2)]);
    for service in [service, open(&path).unwrap()] {
        assert_eq!(service.epochs(), [1, 2]);
        for wrapped in [&old, &new] {
            assert_eq!(now(service.unwrap(&context, wrapped)).unwrap().expose_bytes(), kek.expose_bytes());
        }
    }
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn what_a_dropped_epoch_wrapped_never_opens_again() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let service = open(&path).unwrap();
    let old = now(service.wrap(&context, &kek)).unwrap();
    service.add_epoch().unwrap();
    service.drop_epochs_before(2).unwrap();
    for service in [service, open(&path).unwrap()] {
        assert_eq!(service.epochs(), [2]);
        let outcome = now(service.unwrap(&context, &old)).map(|_| ());
        assert_eq!(outcome, Err(KeyServiceError::RootKeyGone { epoch: 1 }));
    }
}

#[test]
fn the_newest_key_cannot_be_dropped() {
    let (_folder, path) = with_file();
    let service = open(&path).unwrap();
    assert_refused!(service.drop_epochs_before(2), RootKeyError::WouldDropAll { epoch: 2, .. }, "add an epoch first");
    service.drop_epochs_before(1).unwrap();
    assert_eq!(open(&path).unwrap().epochs(), [1]);
}

#[test]
fn a_process_that_has_the_file_open_follows_what_another_changes() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let (server, command) = (open(&path).unwrap(), open(&path).unwrap());
    command.add_epoch().unwrap();
    let wrapped = now(command.wrap(&context, &kek)).unwrap();
    assert!(now(server.unwrap(&context, &wrapped)).is_ok());
    command.add_epoch().unwrap();
    command.drop_epochs_before(3).unwrap();
    assert_eq!(RootKeyFile::epoch_of(&now(server.wrap(&context, &kek)).unwrap()), Ok(3));
    // Neither works from what it read long ago, so no key is lost.
    assert_eq!(server.add_epoch().unwrap(), 4);
    assert_eq!(open(&path).unwrap().epochs(), [3, 4]);
}

#[test]
fn epochs_added_at_the_same_time_are_all_kept() {
    let (_folder, path) = with_file();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| open(&path).unwrap().add_epoch().unwrap());
        }
    });
    assert_eq!(open(&path).unwrap().epochs(), (1..=9).collect::<Vec<_>>());
}

#[test]
fn what_a_dying_process_left_beside_the_file_is_no_hindrance() {
    let (folder, path) = with_file();
    fs::write(folder.path().join("root.keys.new"), "half").unwrap();
    let service = open(&path).unwrap();
    assert_eq!(service.add_epoch().unwrap(), 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_others_were_let_into_wraps_no_more() {
    let (_folder, path) = with_file();
    let (context, kek) = kek();
    let service = open(&path).unwrap();
    set_mode(&path, 0o644);
    assert_eq!(now(service.wrap(&context, &kek)), Err(KeyServiceError::Unavailable));
    assert_refused!(service.add_epoch(), RootKeyError::OpenToOthers { .. }, "chmod 600");
}

#[test]
fn what_it_says_of_itself_holds_no_key() {
    let (_folder, path) = with_file();
    let text = fs::read_to_string(&path).unwrap();
    let key = text.split_whitespace().rev().nth(1).unwrap();
    let service = open(&path).unwrap();
    let said = format!("{service:?} {}", service.describe());
    assert!(said.contains("newest epoch 1, 1 kept"));
    assert!(!said.contains(&key[..8]));
}
