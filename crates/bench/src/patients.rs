//! Invented patients: the same for the same number, whatever practice they are in. Four share a family
//! name that nobody else has, so a search by it finds a family wherever they are spread.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use crate::Outcome;

/// How many have the same family name.
const FAMILY: usize = 4;

/// A number that looks drawn: `SplitMix64`.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Draws numbers, the same for the same seed.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mixed(seed))
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = mixed(self.0);
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// The family name of a patient, by its number in the whole installation: four syllables, so that the
/// longest prefix that is indexed (8 letters) is the name.
pub(crate) fn family(number: usize) -> String {
    const ALL: u64 = 100_000_000;
    // An odd factor that is no multiple of 5 gives each family a name of its own.
    let family = u64::try_from(number / FAMILY).unwrap_or(0);
    syllables(usize::try_from(family.wrapping_mul(38_244_821) % ALL).unwrap_or(0), 4)
}

/// A given name, one of 2,000.
fn given(draws: &mut Draws) -> String {
    syllables(draws.below(2_000) * 37 % 1_000_000, 3)
}

/// A name of so many syllables, a hundred kinds each.
fn syllables(mut number: usize, count: usize) -> String {
    const BEGIN: &[u8; 20] = b"bcdfghjklmnprstvwxyz";
    const END: &[u8; 5] = b"aeiou";
    let mut name = String::with_capacity(2 * count);
    for at in 0..count {
        let begin = char::from(*BEGIN.get(number % 20).unwrap_or(&b'b'));
        name.push(if at == 0 { begin.to_ascii_uppercase() } else { begin });
        name.push(char::from(*END.get(number / 20 % 5).unwrap_or(&b'a')));
        number /= 100;
    }
    name
}

/// A day of birth.
fn birth(draws: &mut Draws) -> String {
    format!("{}-{:02}-{:02}", 1930 + draws.below(90), 1 + draws.below(12), 1 + draws.below(28))
}

/// What somebody at the desk types for a new patient: fields of the form.
pub(crate) fn typed(number: usize) -> Vec<(&'static str, String)> {
    let mut draws = Draws::new(number as u64);
    let given = given(&mut draws);
    vec![
        ("family", family(number)),
        ("given", given),
        ("birth_date", birth(&mut draws)),
        ("gender", "female".to_owned()),
        ("phone", phone(&mut draws)),
        ("email", format!("person-{number}@example.org")),
    ]
}

/// A telephone number that nobody has: of a country code that no country has. The numbers that are set apart for
/// fiction are a hundred, and each would be the number of thirty people in a practice.
fn phone(draws: &mut Draws) -> String {
    format!("+999 {:03} {:07}", draws.below(1_000), draws.below(10_000_000))
}

/// One patient as FHIR.
pub(crate) fn patient(number: usize) -> Value {
    let mut draws = Draws::new(number as u64);
    let given = given(&mut draws);
    json!({
        "resourceType": "Patient", "id": format!("p{number}"), "active": true,
        "name": [{ "use": "official", "family": family(number), "given": [given] }],
        "gender": if draws.below(2) == 0 { "female" } else { "male" },
        "birthDate": birth(&mut draws),
        "telecom": [
            { "system": "phone", "use": "mobile", "value": phone(&mut draws) },
            { "system": "email", "value": format!("person-{number}@example.org") },
        ],
        "address": [{ "use": "home", "line": [format!("{} Mill Lane", 1 + draws.below(200))], "city": "Exampleton" }],
    })
}

/// What stands in a patient's record: a problem, a medication and an allergy.
pub(crate) fn entries(number: usize) -> [Value; 3] {
    let mut draws = Draws::new(number as u64 ^ 0x5EED);
    let subject = json!({ "reference": format!("Patient/p{number}") });
    let day = format!("{}-{:02}-{:02}", 2012 + draws.below(13), 1 + draws.below(12), 1 + draws.below(28));
    let of =
        |words: &[&str], draws: &mut Draws| words.get(draws.below(words.len())).copied().unwrap_or_default().to_owned();
    let problem = of(&["Hypertension", "Asthma", "Migraine", "Type 2 diabetes", "Osteoarthritis"], &mut draws);
    let medicine = of(&["Amlodipine 5 mg", "Salbutamol inhaler", "Metformin 500 mg", "Ibuprofen 400 mg"], &mut draws);
    let allergen = of(&["Peanut", "Penicillin", "Latex", "Bee venom"], &mut draws);
    let active = json!({ "coding": [{ "code": "active" }] });
    [
        json!({ "resourceType": "Condition", "id": format!("c{number}"), "subject": subject, "clinicalStatus": active,
            "code": { "text": problem }, "onsetDateTime": day }),
        json!({ "resourceType": "MedicationRequest", "id": format!("m{number}"), "subject": subject, "status": "active",
            "intent": "order", "medicationCodeableConcept": { "text": medicine }, "authoredOn": day,
            "dosageInstruction": [{ "text": "one tablet in the morning" }] }),
        json!({ "resourceType": "AllergyIntolerance", "id": format!("a{number}"), "patient": subject,
            "clinicalStatus": active, "code": { "text": allergen }, "recordedDate": day }),
    ]
}

/// Writes files for an import into a folder: patients, and what stands in their records.
pub(crate) fn write(folder: &Path, numbers: Range<usize>) -> Outcome {
    let file = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let (mut people, mut records) = (file("Patient.ndjson")?, file("Record.ndjson")?);
    for number in numbers {
        serde_json::to_writer(&mut people, &patient(number))?;
        people.write_all(b"\n")?;
        for entry in entries(number) {
            serde_json::to_writer(&mut records, &entry)?;
            records.write_all(b"\n")?;
        }
    }
    people.flush()?;
    Ok(records.flush()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn four_patients_share_a_family_name_that_nobody_else_has() {
        let names: BTreeSet<String> = (0..400_000).step_by(FAMILY).map(family).collect();
        assert_eq!(names.len(), 100_000);
        assert_eq!(family(0), family(3));
        assert!(names.iter().all(|name| name.len() == 8));
    }

    #[test]
    fn the_same_number_is_the_same_patient() {
        assert_eq!(patient(17), patient(17));
        assert_ne!(patient(17)["birthDate"], patient(18)["birthDate"]);
        assert_eq!(entries(17)[0]["subject"]["reference"], "Patient/p17");
    }
}
