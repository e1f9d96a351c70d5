//! Taking records out at the host, and into another practice, at the command line.

/// Servers of its own.
mod own_cluster {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use crate::front::found;
    use crate::harness::{Place, program, said};

    const PATIENTS: &str = "{\"resourceType\":\"Patient\",\"id\":\"1\",\"name\":[{\"family\":\"Quintal\",\"given\":[\"Ana\"]}],\
        \"birthDate\":\"1980-02-03\"}\n";

    /// Without an installation.
    fn alone(words: &[&str]) -> (bool, String) {
        let done = program().args(words).output().unwrap();
        (done.status.success(), said(&done))
    }

    /// For the account that brings records in.
    fn readable(folder: &Path) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                readable(&entry.path());
            } else {
                std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
            }
        }
    }

    #[test]
    fn an_archive_is_made_checked_opened_and_brought_in_elsewhere_at_the_command_line() {
        let place = Place::with_key();
        let running = place.serving();
        place.answers();
        found(&place, "rivonia", "Rivonia Rooms");
        found(&place, "durban", "Durban Rooms");
        let run = |words: &[&str]| {
            let done = place.run(words);
            (done.status.success(), said(&done))
        };
        let at = |name: &str| place.path(name).display().to_string();
        std::fs::write(place.path("Patient.ndjson"), PATIENTS).unwrap();
        let (fine, report) = run(&["import", "fhir", "rivonia", &at("Patient.ndjson")]);
        assert!(fine, "{report}");

        let (fine, pair) = alone(&["export", "identity", &at("key.txt")]);
        assert!(fine, "{pair}");
        let recipient = pair.lines().next().unwrap().to_owned();
        let mode = std::fs::metadata(place.path("key.txt")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (fine, key) = run(&["export", "key"]);
        assert!(fine && key.contains("localhost"), "{key}");
        let key = key.trim();

        let archive = at("rivonia.tar");
        let make = ["export", "make", "rivonia", "--recipient", &recipient, "--to", &archive];
        let (fine, told) = run(&make);
        assert!(fine, "{told}");
        let mode = std::fs::metadata(&archive).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (fine, told) = run(&make);
        assert!(!fine && told.contains("cannot make"), "it is not written over: {told}");
        let (fine, told) = run(&["export", "make", "rivonia", "--recipient", "age1no", "--to", &at("no.tar")]);
        assert!(!fine && told.contains("no public key of age"), "{told}");
        assert!(!place.path("no.tar").exists(), "nothing is left of what was not made");

        let (fine, told) = alone(&["export", "verify", &archive, "--key", key]);
        assert!(fine && told.contains("1  Patient"), "{told}");
        let (fine, told) = alone(&["export", "verify", &archive]);
        assert!(fine && told.contains("was not compared"), "{told}");
        let mut altered = std::fs::read(&archive).unwrap();
        let middle = altered.len() - 4_000;
        altered[middle] ^= 1;
        std::fs::write(place.path("altered.tar"), altered).unwrap();
        let (fine, told) = alone(&["export", "verify", &at("altered.tar"), "--key", key]);
        assert!(!fine && told.contains("was altered"), "{told}");

        let open = ["export", "open", &archive, "--identity", &at("key.txt"), "--to", &at("open"), "--key", key];
        let (fine, told) = alone(&open);
        assert!(fine && told.contains("index.html"), "{told}");
        let (fine, told) = alone(&open);
        assert!(!fine && told.contains("is there already"), "{told}");
        readable(&place.path("open"));
        let (fine, report) = run(&["import", "fhir", "durban", &at("open")]);
        assert!(fine && report.contains("Patient"), "{report}");
        let again = at("again.tar");
        let (fine, told) = run(&["export", "make", "durban", "--recipient", &recipient, "--to", &again]);
        assert!(fine, "{told}");
        let (fine, told) = alone(&["export", "verify", &again, "--key", key]);
        assert!(fine && told.contains("1  Patient"), "{told}");
        running.stops();
    }
}
