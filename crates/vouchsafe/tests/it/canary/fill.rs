//! An installation filled the way people fill one: through its pages and by import, with words that are
//! nowhere else.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::front::{Member, Visitor, base32, found, invited};
use crate::harness::{Place, Program, said};

/// What was planted, and the program as it runs now.
pub(crate) struct Planted {
    pub(crate) words: Vec<String>,
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) program: Program,
    /// What the imports said to the host.
    pub(crate) said: Vec<u8>,
}

const SLUG: &str = "harbour";
const PRACTICE: &str = "Praxis Regenpfeifer";
const OWNER_EMAIL: &str = "ilse.flederhaus@kwikzilver.example";
const OWNER_NAME: &str = "Ilse Flederhausen";
const PASSWORD: &str = "Purpurschnecke um Mitternacht";
const NEW_PASSWORD: &str = "Taubenschlag im Bodennebel";

/// A patient's form, and what an edit makes of it.
const BEFORE: [(&str, &str); 13] = [
    ("title", "Kanzelrat"),
    ("given", "Quivelorn Zéphyrotte"),
    ("family", "Vandersploot"),
    ("preferred", "Pipistrella"),
    ("pronouns", "xelf/xemself"),
    ("birth_date", "23/07/1961"),
    ("phone", "+27 82 918 27 36"),
    ("email", "quivelorn@kwikzilver.example"),
    ("address", "14 Murmelgasse"),
    ("city", "Klapperdorp"),
    ("state", "Nordwhistle"),
    ("postal_code", "QX7-99-ZW"),
    ("country", "ZA"),
];
const AFTER: [(&str, &str); 5] = [
    ("given", "نجمة السماء"),
    ("family", "Trumpelmann"),
    ("phone", "+27 82 918 27 99"),
    ("email", "trumpelmann@kwikzilver.example"),
    ("address", "9 Zwirbelweg"),
];

/// Words by themselves: parts of what is typed below, and what is made of it.
const WORDS: [&str; 42] = [
    "Regenpfeifer",
    "Flederhaus",
    "kwikzilver",
    "ilse.flederhaus@kwikzilver.example",
    PASSWORD,
    "Purpurschnecke",
    NEW_PASSWORD,
    "Taubenschlag",
    "Kanzelrat",
    "Quivelorn",
    "Zéphyrotte",
    "Vandersploot",
    "Pipistrella",
    "xelf/xemself",
    "1961-07-23",
    "23/07/1961",
    "82 918 27 36",
    "829182736",
    "Murmelgasse",
    "Klapperdorp",
    "Nordwhistle",
    "QX7-99-ZW",
    "نجمة السماء",
    "Trumpelmann",
    "82 918 27 99",
    "829182799",
    "Zwirbelweg",
    "Brasilnusskrautallergie",
    "8001015009087",
    "8001015009086",
    "QZ8817263",
    "ungeladen.winfried@kwikzilver.example",
    "Schnurrbartelchen",
    "QZNOTTHERE4711",
    "Pfadkolibri",
    "Falschwort-Kolibri-77",
    "niemand.kolibri@kwikzilver.example",
    "unfertige.adresse",
    "Glühwürmchenstaub",
    "Himmelsschlüsselnotiz",
    "Obskurvation",
    "Niemandskraut",
];

/// Fills it. More patients than one: the program is killed and keys are turned in between, too.
pub(crate) fn fill(place: &Place, mut program: Program, patients: usize) -> Planted {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut words: Vec<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    found(place, SLUG, PRACTICE);
    let link = invited(place, SLUG, OWNER_EMAIL, &["owner", "practitioner"]);
    words.push(link.rsplit('/').next().unwrap().to_owned());
    let owner = runtime.block_on(Member::joins(place, &link, OWNER_NAME, PASSWORD));
    runtime.block_on(at_the_door(place));
    runtime.block_on(at_work(&owner));
    let (more, mut said) = import(place, patients);
    words.extend(more);
    if patients > 1 {
        program.kill_9();
        program = place.serving();
        let turned = place.run(&["keys", "rotate", "--all"]);
        assert!(turned.status.success(), "{turned:?}");
        said.extend(super::written(&turned));
    }
    runtime.block_on(looking(&owner));
    words.extend(runtime.block_on(super::program::lets_in(&owner, SLUG)));
    words.push(owner.secret.replace(' ', ""));
    words.extend(owner.codes.iter().cloned());
    words.extend(owner.visitor.kept());
    words.extend([owner.csrf.clone(), owner.own.clone()]);
    let mut secrets = super::program::root_keys(place);
    secrets.push(base32(&owner.secret));
    Planted { words, secrets, program, said }
}

/// Whoever is not let in leaves nothing behind either.
async fn at_the_door(place: &Place) {
    let stranger = Visitor::of(place);
    for (email, password) in [(OWNER_EMAIL, "Falschwort-Kolibri-77"), ("niemand.kolibri@kwikzilver.example", PASSWORD)]
    {
        let refused = stranger.fill("/sign-in", "/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    for email in [OWNER_EMAIL, "niemand.kolibri@kwikzilver.example"] {
        stranger.fill("/reset", "/reset", &[("email", email)]).await;
    }
    for path in ["/Pfadkolibri", "/reset/Pfadkolibri", "/patients?q=Pfadkolibri", "/invitation/Pfadkolibri/Pfadkolibri"]
    {
        assert_ne!(stranger.get(path).await.unwrap().status, 500);
    }
}

/// A patient is added, changed, warned of, given numbers; what is refused is refused.
async fn at_work(owner: &Member) {
    let visitor = &owner.visitor;
    let unfinished = [&BEFORE[..7], &[("email", "unfertige.adresse")]].concat();
    assert_eq!(owner.sends("/patients/new", &unfinished).await.status, 422);
    let added = owner.sends("/patients/new", &BEFORE).await;
    let patient = added.location.clone();
    assert!(patient.starts_with("/patients/"), "{added:?}");
    let kept = BEFORE.iter().filter(|(name, _)| AFTER.iter().all(|(changed, _)| changed != name));
    let edit: Vec<(&str, &str)> = kept.chain(&AFTER).copied().chain([("version", "1")]).collect();
    let edited = owner.sends(&format!("{patient}/edit"), &edit).await;
    assert_eq!(edited.location, patient, "{}", edited.body);
    let late = owner.sends(&format!("{patient}/edit"), &edit).await;
    assert_eq!(late.status, 409, "{}", late.body);
    let warned =
        owner.sends(&format!("{patient}/alerts"), &[("text", "Brasilnusskrautallergie"), ("weight", "high")]).await;
    assert_eq!(warned.location, patient, "{}", warned.body);
    let numbers = format!("{patient}/identifiers");
    assert_eq!(owner.sends(&numbers, &[("kind", "za-id"), ("number", "8001015009086")]).await.status, 422);
    for (kind, number) in [("za-id", "8001015009087"), ("passport", "QZ8817263")] {
        let added = owner.sends(&numbers, &[("kind", kind), ("number", number)]).await;
        assert_eq!(added.location, patient, "{}", added.body);
    }
    let page = visitor.get(&patient).await.unwrap();
    let reveal = page.between(&format!("action=\"{numbers}/"), "/reveal\"").unwrap_or_else(|| panic!("{}", page.body));
    let revealed = owner.sends(&format!("{numbers}/{reveal}/reveal"), &[("purpose", "billing")]).await;
    assert_eq!(revealed.status, 200, "{}", revealed.body);
    let invited = [("email", "ungeladen.winfried@kwikzilver.example"), ("role", "reception")];
    assert_eq!(owner.sends("/team/invitations", &invited).await.status, 200);
}

/// Searching, looking up, reading who saw what; a new password.
async fn looking(owner: &Member) {
    let visitor = &owner.visitor;
    for typed in
        ["Schnurrbartelchen", "Vandersploot", "Trumpelmann", "9182799", "23/07/1961", "trumpelmann@kwikzilver.example"]
    {
        let page = visitor.get(&format!("/patients?q={}", crate::front::percent(typed))).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
    }
    for number in ["QZNOTTHERE4711", "QZ8817263"] {
        let answer = owner.sends("/patients/lookup", &[("kind", "passport"), ("number", number)]).await;
        assert!(answer.status < 500, "{}", answer.body);
    }
    assert_eq!(visitor.get("/audit").await.unwrap().status, 200);
    // What was brought in is there, for those who may read it.
    let hits = visitor.get("/patients?q=papagenow00").await.unwrap();
    let id = hits.between("href=\"/patients/0", "\"").unwrap_or_else(|| panic!("{}", hits.body));
    let record = visitor.get(&format!("/patients/0{id}/record")).await.unwrap();
    assert!(record.body.contains("Quecksilbrin"), "{}", record.body);
    let changed = [("current", PASSWORD), ("password", NEW_PASSWORD)];
    let changed = owner.sends("/account/password", &changed).await;
    assert!(changed.status < 400, "{}", changed.body);
}

/// Brings in patients with entries of every kind, and lines that are refused; gives the words in them, and
/// what the host was told.
fn import(place: &Place, patients: usize) -> (Vec<String>, Vec<u8>) {
    let folder = place.path("import");
    std::fs::create_dir(&folder).unwrap();
    let [mut people, mut allergies, mut documents, mut others] = [const { String::new() }; 4];
    let mut words = Vec::new();
    for number in 0..patients {
        let [family, substance, note, seen] = ["Papagenow", "Quecksilbrin", "Notizvogel", "Beobachtung"]
            .map(|word| format!("{word}{:08x}", number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff));
        let _ = writeln!(
            people,
            r#"{{"resourceType":"Patient","id":"p{number}","name":[{{"family":"{family}","given":["Ottokar"]}}],"birthDate":"1977-04-05",
            "telecom":[{{"system":"phone","value":"+27 21 {number:07}"}}],"text":{{"status":"generated","div":"<div>{note}</div>"}}}}"#
        );
        let _ = writeln!(
            allergies,
            r#"{{"resourceType":"AllergyIntolerance","id":"a{number}","patient":{{"reference":"Patient/p{number}"}},
            "code":{{"text":"{substance}"}},"note":[{{"text":"{note}"}}]}}"#
        );
        let text = STANDARD.encode(format!("{note} {substance}"));
        let _ = writeln!(
            documents,
            r#"{{"resourceType":"DocumentReference","id":"d{number}","status":"current","subject":{{"reference":"Patient/p{number}"}},
            "content":[{{"attachment":{{"contentType":"text/plain","data":"{text}"}}}}]}}"#
        );
        let _ = writeln!(
            others,
            r#"{{"resourceType":"Observation","id":"o{number}","status":"final","subject":{{"reference":"Patient/p{number}"}},
            "code":{{"text":"x"}},"valueString":"{seen}"}}"#
        );
        words.extend([family, substance, note, seen]);
    }
    let _ = writeln!(
        allergies,
        r#"{{"resourceType":"AllergyIntolerance","id":"a","patient":{{"reference":"Patient/p0"}},"code":{{"text":"Glühwürmchenstaub"}}}}"#
    );
    let _ = writeln!(
        allergies,
        r#"{{"resourceType":"AllergyIntolerance","id":"n","patient":{{"reference":"Patient/nobody"}},"code":{{"text":"Niemandskraut"}}}}"#
    );
    allergies.push_str(r#"{"resourceType":"AllergyIntolerance","id":"Niemandskraut","code":{"text":"Niemandskra"#);
    let note = STANDARD.encode("Himmelsschlüsselnotiz, vertraulich");
    let _ = writeln!(
        documents,
        r#"{{"resourceType":"DocumentReference","id":"d","status":"current","subject":{{"reference":"Patient/p0"}},"content":[{{"attachment":{{"contentType":"text/plain","data":"{note}"}}}}]}}"#
    );
    let _ = writeln!(
        others,
        r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"text":"x"}},"valueString":"Obskurvation"}}"#
    );
    // Pretty lines above are one line each in the files.
    let one_line = |text: &str| text.replace(",\n            ", ",");
    let files = [
        ("Patient", &people),
        ("AllergyIntolerance", &allergies),
        ("DocumentReference", &documents),
        ("Observation", &others),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(format!("{name}.ndjson")), one_line(text)).unwrap();
    }
    let folder = folder.display().to_string();
    let mut heard = Vec::new();
    for more in [&["--dry-run"][..], &[], &[]] {
        let done = place.run(&[&["import", "fhir", SLUG, &folder], more].concat());
        heard.extend(super::written(&done));
        assert!(done.status.success(), "{}", said(&done));
    }
    heard.extend(tables_and_cards(place, &mut words));
    let said = String::from_utf8_lossy(&heard);
    assert!(said.contains("AllergyIntolerance"), "{said}");
    (words, heard)
}

/// The same with a table and with cards; what the host was told.
fn tables_and_cards(place: &Place, words: &mut Vec<String>) -> Vec<u8> {
    let file = |name: &str, text: &str| {
        let path = place.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let table = file(
        "table.csv",
        "id;surname;dob;notes;alert;colour\n1;Tabellenfink;1977-04-05;Zellenzaunkoenig;Spaltenspecht;Farbenfalke\n\
         2;Zeilenzeisig;yesterday;;;\n",
    );
    let mapping = file(
        "mapping.json",
        r#"{"columns":[{"to":"record-id"},{"to":"family"},{"to":"birth-date"},{"to":"note"},{"to":"alert"},{"to":"keep"}]}"#,
    );
    let cards = file(
        "cards.vcf",
        "BEGIN:VCARD\nVERSION:4.0\nFN:Kartenkauz\nNOTE:Visitenvogel\nORG:Firmenfink\nEND:VCARD\n\
         BEGIN:VCARD\nVERSION:4.0\nBDAY:Datumsdohle\nEND:VCARD\n",
    );
    let planted = ["Tabellenfink", "Zellenzaunkoenig", "Spaltenspecht", "Farbenfalke", "Zeilenzeisig"];
    words.extend(planted.map(str::to_owned));
    words.extend(["Kartenkauz", "Visitenvogel", "Firmenfink", "Datumsdohle"].map(str::to_owned));
    let mut heard = Vec::new();
    for line in [
        &["csv", SLUG, &table, "--mapping", &mapping, "--dry-run"][..],
        &["csv", SLUG, &table, "--mapping", &mapping],
        &["csv", SLUG, &table, "--mapping", &mapping],
        &["vcard", SLUG, &cards],
        &["list", SLUG],
    ] {
        let done = place.run(&[&["import"], line].concat());
        heard.extend(super::written(&done));
        assert!(done.status.success(), "{}", said(&done));
    }
    // What lay open in these files was the host's own doing.
    for path in [table, mapping, cards] {
        std::fs::remove_file(path).unwrap();
    }
    heard
}
