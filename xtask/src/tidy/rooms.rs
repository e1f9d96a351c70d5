//! The rooms of the house and which may use which.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;

use super::tree::{Fault, Tree};

/// Each room with the rooms next below it; it may use those and whatever they may use. A new room is added
/// here, with a record in `docs/decisions/` that says what it is for.
const BELOW: [(&str, &[&str]); 13] = [
    ("kernel", &[]),
    ("seal", &["kernel"]),
    ("ledger", &["kernel"]),
    ("cluster", &["kernel"]),
    ("store", &["seal", "ledger", "cluster"]),
    ("identity", &["store"]),
    ("practice", &["identity"]),
    ("keeper", &["practice"]),
    ("web", &["practice"]),
    ("vouchsafe", &["web", "keeper"]),
    (TESTKIT, &["vouchsafe"]),
    (BENCH, &["vouchsafe"]),
    ("xtask", &[]),
];

/// The room that serves tests: it may use every other, and only tests use it.
const TESTKIT: &str = "testkit";

/// The room that measures: it may use every other, and nothing uses it.
const BENCH: &str = "bench";

/// The rooms that may hold a database connection in their hands.
pub(super) const HOLD_CONNECTIONS: [&str; 4] = ["cluster", "store", TESTKIT, BENCH];

/// The crates that open or pool connections.
pub(super) const CONNECTION_CRATES: [&str; 3] = ["tokio-postgres", "tokio-postgres-rustls", "deadpool-postgres"];

fn may_use(room: &str) -> Option<BTreeSet<&'static str>> {
    let (_, next) = BELOW.iter().find(|(name, _)| *name == room)?;
    Some(next.iter().flat_map(|below| may_use(below).unwrap_or_default().into_iter().chain([*below])).collect())
}

pub(super) fn imports_run_one_way(tree: &Tree) -> Vec<Fault> {
    let rooms: BTreeSet<&str> = tree.packages().iter().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in tree.packages() {
        let manifest = tree.manifest_of(package);
        let Some(allowed) = may_use(&package.name) else {
            faults.push(Fault::new(manifest, None, format!("`{}` is no room of the plan", package.name)));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if !rooms.contains(name) {
                continue;
            }
            let for_tests = dependency.kind == DependencyKind::Development;
            if !(allowed.contains(name) || for_tests && name == TESTKIT && package.name.as_str() != "xtask") {
                let said = format!("`{}` may not use `{name}`: imports run one way", package.name);
                faults.push(Fault::new(manifest.clone(), None, said));
            }
        }
    }
    faults
}

pub(super) fn every_room_has_the_lints(tree: &Tree) -> Vec<Fault> {
    let is_room =
        |path: &str| path == "xtask/Cargo.toml" || path.starts_with("crates/") && path.ends_with("/Cargo.toml");
    let has_lints = |text: &str| {
        text.split_once("[lints]").is_some_and(|(_, rest)| rest.trim_start().starts_with("workspace = true"))
    };
    tree.files()
        .filter(|file| is_room(&file.path) && !has_lints(&file.text))
        .map(|file| file.fault(None, "lacks `[lints] workspace = true`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    const WORKSPACE: (&str, &str) = ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n");
    const LIB: &str = "";

    fn room(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}")
    }

    /// A workspace of `store` above `kernel`, each with what is given besides.
    fn house(kernel: &str, store: &str) -> Vec<String> {
        faults(
            imports_run_one_way,
            &[
                WORKSPACE,
                ("crates/kernel/Cargo.toml", &room("kernel", kernel)),
                ("crates/kernel/src/lib.rs", LIB),
                ("crates/store/Cargo.toml", &room("store", store)),
                ("crates/store/src/lib.rs", LIB),
                ("crates/testkit/Cargo.toml", &room("testkit", "[dependencies]\nstore.path = \"../store\"\n")),
                ("crates/testkit/src/lib.rs", LIB),
            ],
        )
    }

    #[test]
    fn an_import_against_the_way_is_found() {
        assert_eq!(house("", "[dependencies]\nkernel.path = \"../kernel\"\n"), Vec::<String>::new());
        let found = house("[dependencies]\nstore.path = \"../store\"\n", "");
        assert_eq!(found, ["crates/kernel/Cargo.toml: `kernel` may not use `store`: imports run one way"]);
    }

    #[test]
    fn an_import_renamed_or_for_a_build_script_is_found_as_well() {
        let renamed = "[dependencies]\nharmless = { path = \"../store\", package = \"store\" }\n";
        assert_eq!(house(renamed, "").len(), 1);
        assert_eq!(house("[build-dependencies]\nstore.path = \"../store\"\n", "").len(), 1);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        assert_eq!(house("", "[dev-dependencies]\ntestkit.path = \"../testkit\"\n"), Vec::<String>::new());
        assert_eq!(house("", "[dependencies]\ntestkit.path = \"../testkit\"\n").len(), 1);
    }

    #[test]
    fn a_room_that_is_not_in_the_plan_is_found() {
        let manifest = room("attic", "");
        let found = faults(
            imports_run_one_way,
            &[WORKSPACE, ("crates/attic/Cargo.toml", &manifest), ("crates/attic/src/lib.rs", LIB)],
        );
        assert_eq!(found, ["crates/attic/Cargo.toml: `attic` is no room of the plan"]);
    }

    #[test]
    fn a_room_without_the_lints_is_found() {
        let good = ("crates/a/Cargo.toml", "[lints]\nworkspace = true\n");
        assert_eq!(faults(every_room_has_the_lints, &[good]), Vec::<String>::new());
        assert_eq!(faults(every_room_has_the_lints, &[good, ("crates/b/Cargo.toml", "[package]\n")]).len(), 1);
    }

    #[test]
    fn web_may_use_what_is_below_practice_but_not_keeper() {
        let allowed = may_use("web").unwrap();
        assert!(allowed.contains("practice") && allowed.contains("kernel"));
        assert!(!allowed.contains("keeper") && !allowed.contains("web") && !allowed.contains(TESTKIT));
        assert_eq!(may_use("attic"), None);
    }
}
