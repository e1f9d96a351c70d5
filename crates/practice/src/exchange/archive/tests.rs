use std::fs;

use jiff::Timestamp;
use uuid::Uuid;

use super::*;

fn signer() -> Signer {
    Signer::new("house.example", &[7; 32]).unwrap()
}

/// An archive of these parts, as a job and a download would make it.
fn archive(signer: &Signer, recipient: &Recipient, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let sealed: Vec<Vec<u8>> = parts.iter().map(|(_, plain)| recipient.encrypt(plain).unwrap()).collect();
    let entry = |((name, plain), sealed): (&(&str, &[u8]), &Vec<u8>)| PartEntry {
        name: (*name).to_owned(),
        bytes: plain.len() as u64,
        sha256: hex(&sha256(plain)),
        holds: 1,
        sealed_bytes: sealed.len() as u64,
        sealed_sha256: hex(&sha256(sealed)),
    };
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        export: Uuid::nil(),
        practice: Uuid::nil(),
        scope: Scope::Practice,
        taken_at: Timestamp::UNIX_EPOCH,
        made_at: Timestamp::UNIX_EPOCH,
        installation: Installation { key: signer.verifier().to_string(), version: "0".to_owned() },
        recipient: recipient.to_string(),
        counts: [("Patient".to_owned(), 1)].into(),
        damaged: 0,
        parts: parts.iter().zip(&sealed).map(entry).collect(),
    };
    let bytes = manifest.to_bytes().unwrap();
    let note = signer.note(&Manifest::statement(&bytes));
    let mut files = vec![
        (README_NAME.to_owned(), b"read me".to_vec()),
        (MANIFEST_NAME.to_owned(), bytes),
        (NOTE_NAME.to_owned(), note.into_bytes()),
    ];
    files.extend(parts.iter().zip(sealed).map(|((name, _), sealed)| (format!("{name}.age"), sealed)));
    tar_of(&files)
}

fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in files {
        tar.extend_from_slice(&header(name, content.len() as u64, 1).unwrap());
        tar.extend_from_slice(content);
        tar.resize(tar.len() + usize::try_from(padding(content.len() as u64)).unwrap(), 0);
    }
    tar.resize(tar.len() + END_BYTES, 0);
    tar
}

fn usual() -> (Identity, Vec<u8>) {
    let identity = Identity::fresh();
    let pages = tar_of(&[("patients/a.html".to_owned(), b"<p>A".to_vec())]);
    let parts: [(&str, &[u8]); 3] =
        [("Patient.000.ndjson", b"{}\n"), ("pages/000.tar", &pages), ("csv/patients.000.csv", b"a,b\r\n")];
    let made = archive(&signer(), &identity.recipient(), &parts);
    (identity, made)
}

fn opened(bytes: &[u8], expected: Option<&Verifier>, identity: &Identity) -> Result<tempfile::TempDir, ArchiveProblem> {
    let folder = tempfile::tempdir().unwrap();
    open(bytes, expected, identity, &folder.path().join("open")).map(|_| folder)
}

#[test]
fn a_note_is_signed_as_the_standard_has_it() {
    // The example of golang.org/x/mod/sumdb/note, which C2SP's signed note describes.
    let key: Verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let note = format!(
        "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    );
    assert_eq!(key.open(&note), Ok(text));
    assert_eq!(key.open(&note.replace("answer", "Answer")), Err(NoteProblem::Altered));
    assert_eq!(signer().verifier().open(&note), Err(NoteProblem::SignedByAnother));
}

#[test]
fn a_key_survives_being_written_down_and_not_being_mistyped() {
    let text = signer().verifier().to_string();
    assert_eq!(text.parse::<Verifier>().as_ref(), Ok(signer().verifier()));
    for at in 0..text.len() {
        let mut typed = text.clone().into_bytes();
        typed[at] = if typed[at] == b'x' { b'y' } else { b'x' };
        assert!(String::from_utf8(typed).unwrap().parse::<Verifier>().is_err(), "letter {at}");
    }
}

#[test]
fn an_archive_opens_with_its_identity_and_its_pages_are_unfolded() {
    let (identity, made) = usual();
    verify(made.as_slice(), Some(signer().verifier())).unwrap();
    let folder = opened(&made, Some(signer().verifier()), &identity).unwrap();
    let read = |name: &str| fs::read(folder.path().join("open").join(name)).unwrap();
    assert_eq!(read("Patient.000.ndjson"), b"{}\n");
    assert_eq!(read("patients/a.html"), b"<p>A");
    assert!(!folder.path().join("open/pages/000.tar").exists());
    assert!(String::from_utf8(read("proof/manifest.json")).unwrap().contains(FORMAT));
}

#[test]
fn an_archive_opens_with_no_other_identity_and_leaves_nothing_behind() {
    let (_, made) = usual();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("open");
    let problem = open(made.as_slice(), None, &Identity::fresh(), &to).unwrap_err();
    assert!(matches!(problem, ArchiveProblem::Locked { .. }), "{problem}");
    assert!(!to.exists());
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let (identity, made) = usual();
    for at in (0..made.len()).step_by(3) {
        let mut changed = made.clone();
        changed[at] ^= 1;
        let readme = (HEADER_BYTES..HEADER_BYTES + 7).contains(&at);
        let found = verify(changed.as_slice(), Some(signer().verifier())).is_err();
        // What is for everybody to read is not signed.
        assert!(found || readme, "byte {at}");
        if at % 97 == 0 && found {
            assert!(opened(&changed, Some(signer().verifier()), &identity).is_err(), "byte {at}");
        }
    }
}

#[test]
fn an_archive_that_was_cut_short_or_added_to_is_refused() {
    let (_, made) = usual();
    for cut in [made.len() - 1, made.len() / 2, HEADER_BYTES, 0] {
        assert!(verify(&made[..cut], None).is_err(), "cut to {cut}");
    }
    assert!(verify([made.as_slice(), &[0]].concat().as_slice(), None).is_err());
}

#[test]
fn a_manifest_signed_by_somebody_else_is_refused() {
    let identity = Identity::fresh();
    let another = Signer::new("house.example", &[8; 32]).unwrap();
    let made = archive(&another, &identity.recipient(), &[("Patient.000.ndjson", b"{}\n")]);
    let problem = verify(made.as_slice(), Some(signer().verifier())).unwrap_err();
    assert!(matches!(problem, ArchiveProblem::SignedByAnother { .. }), "{problem}");
    assert!(opened(&made, Some(signer().verifier()), &identity).is_err());
    assert!(verify(made.as_slice(), Some(another.verifier())).is_ok());
}

#[test]
fn no_name_leads_out_of_the_folder() {
    for name in ["../a", "/a", "a/../b", "a//b", ".a", "a/.b", "a\\b", "a b", "", "a/", "a."] {
        assert!(header(name, 1, 1).is_none(), "{name}");
    }
    assert!(header("patients/0198-a.html", 1, 1).is_some());
}

#[test]
fn a_secret_key_is_not_taken_for_a_public_one() {
    let identity = Identity::fresh();
    assert_eq!(identity.text().expose().parse::<Recipient>(), Err(NotAKey::Secret));
    assert_eq!("age1nonsense".parse::<Recipient>(), Err(NotAKey::Recipient));
    let again = Identity::in_text(&format!("# a remark\n{}\n", identity.text().expose())).unwrap();
    assert_eq!(again.recipient(), identity.recipient());
    assert_eq!(identity.recipient().to_string().parse::<Recipient>(), Ok(identity.recipient()));
}
