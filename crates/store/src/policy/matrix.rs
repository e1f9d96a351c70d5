//! policy/matrix.md: the whole of the policies as a table that a privacy officer can read, kept equal
//! to what the policies answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// Every action, in words, in the order of the tables.
const WORDS: &[(&str, &str)] = &[
    ("home.read", "see the first page"),
    ("team.read", "see who is on the team"),
    ("team.invite", "invite somebody to the team"),
    ("team.invite-owner", "invite somebody as an owner"),
    ("team.roles", "change the roles of"),
    ("team.grant-owner", "make an owner of, or take that away"),
    ("team.remove", "remove from the team"),
    ("team.reset-factors", "start that they set up their second factor anew"),
    ("team.agree-reset", "let in again after their second factor was reset elsewhere"),
    ("team.sign-in-rule", "say whether people are let in by passkeys alone"),
    ("audit.read", "see who did what in the practice (acts, no values)"),
    ("practice.edit", "change the practice's settings"),
    ("client.read", "see which programs the practice has let in"),
    ("client.manage", "let programs in, and end that"),
    ("patient.find", "search for patients"),
    ("patient.lookup-identifier", "look up one exact identifier"),
    ("patient.create", "add a patient"),
    ("patient.import", "bring patients in from files"),
    ("patient.read", "see banner, contacts, alerts and masked identifiers"),
    ("patient.edit", "change particulars, identifiers and alerts"),
    ("identifier.reveal", "see an identifier in full, for a stated purpose"),
    ("clinical.read", "read the entries of the record"),
    ("clinical.write", "write in the record, end or take back what stands there"),
    ("clinical.create", "add an entry to the record"),
    ("clinical.update", "put another in place of an entry of the record"),
    ("record.export", "take out the records of the whole practice"),
    ("export.ask", "ask for an export of the whole practice"),
    ("export.ask-patient", "ask for an export of the record"),
    ("export.read", "see which exports there are"),
    ("export.approve", "be the second person who agrees to an export of the whole practice"),
    ("export.approve-patient", "be the second person who agrees to an export of the record"),
    ("export.refuse", "refuse an export"),
    ("export.withdraw", "take back an export that one asked for"),
    ("export.take", "fetch the archive of an export that is encrypted to its recipient"),
    ("bulk.gather", "gather records for a program that asked for them in bulk, identifiers masked"),
    ("bulk.gather-whole", "the same with identifiers in full, for a program that may see them"),
    ("bulk.lay-down", "keep what was gathered until it is fetched"),
    ("export.make", "make the archive of an export"),
    ("patient.audit", "see who saw what of the record, with the values that changed"),
    ("patient.restrict", "name the people who alone may open the record, or open it to all again"),
    ("patient.merge", "say that two records are of one person, and of two after all"),
    ("mail.send", "send mail"),
    ("keys.rotate", "turn keys"),
    ("practice.found", "found practices"),
    ("import.read", "see imports, and the mappings they used"),
    ("import.undo", "take back what one import added"),
    ("import.send", "send files to be brought in, and say how they are read"),
    ("import.preview", "see the first lines of files that were sent"),
    ("import.ask", "have files tried or brought in, pause that, end it"),
    ("import.ask-undo", "have an import taken back"),
    ("import.gather", "read files that were sent"),
    ("import.keep", "note how far an import is, and put its files away"),
];

const INTRODUCTION: &str = "# Who may do what

Made from the policies themselves (`practice.cedar`) by a test, which fails when this page and the policies differ.
A person with several roles may do whatever one of them allows. What stands in no row nobody may do. Other practices'
patients and people are not in question here: for whoever asks, they do not exist.

- **Owner**: answers for the practice: its people, its settings, the log of acts. Sees no patients: an owner who
  treats is a practitioner too.
- **Administrator**: runs the practice from day to day; changes nobody who is an owner and makes nobody one. Sees who
  patients are and how to reach them. Reads no clinical entries and reveals no identifiers.
- **Practitioner**: treats patients; the only role that reads clinical entries.
- **Reception**: finds patients and keeps their contacts; reveals an identifier for a stated purpose.
- **Finance**: finds patients and reveals identifiers, for claims; changes nothing.

Each act leaves a line in the log; each refusal does, too.
";

fn matrix(policy: &Policy) -> String {
    let mut page = INTRODUCTION.to_owned();
    let sections = [
        (ResourceKind::Practice, "In the practice"),
        (ResourceKind::Patient, "With a patient"),
        (ResourceKind::BarredPatient, "With a patient whose record is open to other, named people only"),
        (ResourceKind::Member, "With a member of the team who is not an owner"),
        (ResourceKind::OwnerMember, "With an owner"),
    ];
    for (kind, title) in sections {
        let mut lines = String::new();
        for (action, words) in WORDS {
            let answers = MATRIX_ROLES.map(|role| policy.member_may(Roles::of([role]), action, kind));
            if answers.contains(&true) {
                let cells: Vec<&str> = answers.iter().map(|may| if *may { "yes" } else { "" }).collect();
                writeln!(lines, "| {words} (`{action}`) | {} |", cells.join(" | ")).unwrap();
            }
        }
        writeln!(page, "\n## {title}\n\n| | owner | administrator | practitioner | reception | finance |").unwrap();
        page.push_str("|---|---|---|---|---|---|\n");
        page.push_str(&lines);
    }
    page.push_str("\n## The program's own jobs\n\n| job | may |\n|---|---|\n");
    for job in Job::ALL {
        let may: Vec<String> = WORDS
            .iter()
            .filter(|(action, _)| policy.may(Profile::Machine(job), action, ResourceKind::Practice))
            .map(|(action, words)| format!("{words} (`{action}`)"))
            .collect();
        writeln!(page, "| {} | {} |", job.code(), may.join("; ")).unwrap();
    }
    page.push_str(CLIENTS);
    for scope in SCOPES {
        let (scopes, named) = asked_with(scope);
        let mut may: Vec<String> = Vec::new();
        for (action, words) in WORDS {
            let kinds =
                [ResourceKind::Practice, ResourceKind::Patient, ResourceKind::Member, ResourceKind::OwnerMember];
            if kinds.into_iter().any(|kind| policy.client_may(scopes, named, action, kind)) {
                may.push(format!("{words} (`{action}`)"));
            }
        }
        writeln!(page, "| `{scope}` | {} |", may.join("; ")).unwrap();
    }
    page
}

/// One scope, asked about the very kind of resource and letter that it names.
fn asked_with(scope: &str) -> (Scopes, Option<(FhirTypes, Interaction)>) {
    let scopes: Scopes = scope.parse().unwrap();
    let named = Interaction::ALL.into_iter().find_map(|letter| {
        let kinds = scopes.types(letter);
        (!kinds.is_empty()).then_some((kinds, letter))
    });
    (scopes, named.filter(|(kinds, _)| kinds.iter().count() == 1))
}

const CLIENTS: &str = "
## Programs let in over the API, by scope

What a scope by itself allows. A program with several may do what one of them allows; reading several kinds of resource
at once asks for the scope of each. A scope opens the masked form of an identifier, never the number: that is a scope of
its own. A letter that stands in no row (`d`) opens nothing.

| scope | may |
|---|---|
";

const SCOPES: [&str; 15] = [
    "system/Patient.r",
    "system/Patient.s",
    "system/Patient.c",
    "system/Patient.u",
    "system/Patient.d",
    "system/Condition.r",
    "system/Condition.s",
    "system/Condition.c",
    "system/Condition.u",
    "system/DocumentReference.r",
    "system/RelatedPerson.rs",
    "system/Practitioner.rs",
    "system/*.rs",
    "vouchsafe/identifier.reveal",
    "vouchsafe/identifier.lookup",
];

#[test]
fn no_scope_but_its_own_opens_a_number_or_the_practice_itself() {
    let policy = Policy::load().unwrap();
    let all: Scopes = "system/*.cruds".parse().unwrap();
    for (action, _) in WORDS {
        for kind in [ResourceKind::Practice, ResourceKind::Patient, ResourceKind::Member, ResourceKind::OwnerMember] {
            let shut = ["identifier.", "patient.lookup", "client.", "audit.", "practice.", "patient.audit", "home."];
            let may = policy.client_may(all, None, action, kind);
            assert!(!(may && shut.iter().any(|begin| action.starts_with(begin))), "{action}");
            assert!(!(may && action.starts_with("team.") && *action != "team.read"), "{action}");
            assert!(!policy.client_may(Scopes::default(), None, action, kind), "{action} without a scope");
        }
    }
    let own: Scopes = "vouchsafe/identifier.reveal".parse().unwrap();
    assert!(policy.client_may(own, None, "identifier.reveal", ResourceKind::Patient));
    assert!(!policy.client_may(own, None, "patient.read", ResourceKind::Patient));
}

fn actions_of_the_schema() -> BTreeSet<String> {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    schema.actions().map(|action| action.id().unescaped().to_owned()).collect()
}

#[test]
fn the_matrix_on_paper_is_what_the_policies_answer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy/matrix.md");
    let now = matrix(&Policy::load().unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let paper = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(paper, now, "the policies have changed: look at the difference, then UPDATE_SNAPSHOTS=1");
}

#[test]
fn every_action_of_the_schema_stands_in_the_matrix_in_words() {
    let words: BTreeSet<String> = WORDS.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(words, actions_of_the_schema());
}

#[test]
fn an_owner_alone_reaches_no_patient_and_clinical_content_is_for_practitioners_only() {
    let policy = Policy::load().unwrap();
    for (action, _) in WORDS {
        assert!(!policy.member_may(Roles::of([Role::Owner]), action, ResourceKind::Patient), "{action}");
    }
    for bits in 0..32_u8 {
        let roles = Roles(bits);
        let reads = policy.member_may(roles, "clinical.read", ResourceKind::Patient);
        assert_eq!(reads, roles.has(Role::Practitioner), "{roles}");
        let writes = policy.member_may(roles, "clinical.write", ResourceKind::Patient);
        assert_eq!(writes, roles.has(Role::Practitioner), "{roles}");
        let grants = policy.member_may(roles, "team.grant-owner", ResourceKind::Member);
        assert_eq!(grants, roles.has(Role::Owner), "{roles}");
    }
}

#[test]
fn a_record_that_is_open_to_others_only_is_shut_to_every_role_program_and_job() {
    let policy = Policy::load().unwrap();
    let all: Scopes = "system/*.cruds vouchsafe/identifier.reveal vouchsafe/identifier.lookup".parse().unwrap();
    for (action, _) in WORDS {
        for bits in 0..32_u8 {
            assert!(!policy.member_may(Roles(bits), action, ResourceKind::BarredPatient), "{action}");
        }
        assert!(!policy.client_may(all, None, action, ResourceKind::BarredPatient), "a program: {action}");
        for job in Job::ALL {
            assert!(
                !policy.may(Profile::Machine(job), action, ResourceKind::BarredPatient),
                "{}: {action}",
                job.code()
            );
        }
    }
}

#[test]
fn a_question_that_the_schema_does_not_know_is_a_no() {
    let policy = Policy::load().unwrap();
    let all = Roles::of(MATRIX_ROLES);
    for (action, kind) in [
        ("clinical.read", ResourceKind::Practice),
        ("patient.read", ResourceKind::Member),
        ("patient.find", ResourceKind::Patient),
        ("team.remove", ResourceKind::Practice),
        ("no.such-action", ResourceKind::Practice),
        ("mail.send", ResourceKind::Practice),
        ("\" + \"", ResourceKind::Practice),
    ] {
        assert!(!policy.member_may(all, action, kind), "{action} {kind:?}");
    }
}

/// The actions that the rooms declare, by the names in their sources: an action that is not in the schema
/// would be refused to everybody, always.
#[test]
fn every_action_that_a_room_declares_is_in_the_schema() {
    let known = actions_of_the_schema();
    let mut declared = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !["tests", "target"].contains(&path.file_name().unwrap().to_str().unwrap()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for line in std::fs::read_to_string(&path).unwrap().lines() {
                    let line = line.trim();
                    let single =
                        line.starts_with("pub") && [", reads;", ", writes;"].iter().any(|end| line.ends_with(end));
                    if let (true, Some((_, rest))) = (single, line.split_once(" = \"")) {
                        let name = rest.split('"').next().unwrap();
                        assert!(known.contains(name), "{}: {name}", path.display());
                        declared += 1;
                    }
                }
            }
        }
    }
    assert!(declared > 10, "only {declared} found: the scan is blind");
}

proptest! {
    #[test]
    fn a_set_of_roles_survives_the_database(bits in 0..32_u8) {
        let roles = Roles(bits);
        prop_assert_eq!(roles.to_string().parse(), Ok(roles));
        prop_assert_eq!(Roles::of(roles.iter()), roles);
        prop_assert_eq!(roles.is_empty(), bits == 0);
    }

    /// A text is either names of roles between commas or nothing at all: a name half known gives no role.
    #[test]
    fn a_text_with_anything_else_in_it_gives_no_roles(text in "(owner|finance|reception|[a-zA-Z ,]{0,8}|,){0,5}") {
        let known = |part: &str| part.is_empty() || MATRIX_ROLES.iter().any(|role| role.code() == part);
        match text.parse::<Roles>() {
            Ok(roles) => prop_assert!(text.split(',').all(known) && roles.iter().all(|role| text.contains(role.code()))),
            Err(UnknownRole) => prop_assert!(!text.split(',').all(known)),
        }
    }

    /// More roles never take a permission away.
    #[test]
    fn another_role_never_allows_less(bits in 0..32_u8, more in 0..32_u8, at in 0..WORDS.len()) {
        let policy = Policy::load().unwrap();
        let (action, _) = WORDS[at];
        for kind in [
            ResourceKind::Practice,
            ResourceKind::Patient,
            ResourceKind::BarredPatient,
            ResourceKind::Member,
            ResourceKind::OwnerMember,
        ] {
            let (few, many) = (policy.member_may(Roles(bits), action, kind), policy.member_may(Roles(bits | more), action, kind));
            prop_assert!(many || !few, "{} {:?}", action, kind);
        }
    }
}
