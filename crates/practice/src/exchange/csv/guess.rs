//! What a column most likely is: by the words of its name, in the languages of the practices, or by what
//! stands in it. Only a proposal: somebody looks at it before anything is brought in.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::target::{Field, Target};
use crate::patients::identifiers::IdentifierKind;
use crate::patients::model::is_blank;

/// Names of columns, folded (small letters, no accents, nothing but letters and digits): English, German,
/// Dutch and Afrikaans, French, Spanish, Portuguese, Italian, and the fields of common systems.
const WORDS: &[(Field, &[&str])] = &[
    (
        Field::RecordId,
        &[
            "id",
            "patientid",
            "patid",
            "patno",
            "patientno",
            "patientnumber",
            "patientnr",
            "patnr",
            "patientennummer",
            "patientenid",
            "patientennr",
            "recordid",
            "recordnumber",
            "fileno",
            "filenumber",
            "mrn",
            "accountno",
            "accountnumber",
            "clientid",
            "clientno",
            "kundennummer",
            "dossier",
            "numerodossier",
            "nodossier",
            "numeropatient",
            "idpaciente",
            "historia",
            "numerohistoria",
            "prontuario",
            "idpaziente",
            "patientnummer",
            "externalid",
            "uid",
            "chartno",
            "chartnumber",
            "leernommer",
            "pasientnommer",
        ],
    ),
    (
        Field::WholeName,
        &[
            "name",
            "fullname",
            "patient",
            "patientname",
            "clientname",
            "vollername",
            "patientenname",
            "nomcomplet",
            "nomprenom",
            "nombrecompleto",
            "nomecompleto",
            "nominativo",
            "naam",
            "volledigenaam",
            "displayname",
            "fn",
        ],
    ),
    (
        Field::Family,
        &[
            "surname",
            "lastname",
            "familyname",
            "family",
            "nachname",
            "familienname",
            "achternaam",
            "geslachtsnaam",
            "van",
            "nom",
            "nomdefamille",
            "nomusuel",
            "apellido",
            "apellidos",
            "sobrenome",
            "apelido",
            "cognome",
            "lname",
            "last",
        ],
    ),
    (
        Field::Given,
        &[
            "firstname",
            "firstnames",
            "given",
            "givenname",
            "givennames",
            "forename",
            "forenames",
            "christianname",
            "vorname",
            "vornamen",
            "rufname",
            "voornaam",
            "voorname",
            "prenom",
            "prenoms",
            "nombre",
            "nombres",
            "primeironome",
            "fname",
            "first",
            "middlename",
            "secondname",
            "zweitname",
            "middle",
            "nomedibattesimo",
        ],
    ),
    (
        Field::Prefix,
        &[
            "title",
            "salutation",
            "prefix",
            "anrede",
            "titel",
            "aanhef",
            "civilite",
            "titre",
            "titulo",
            "tratamento",
            "titolo",
        ],
    ),
    (Field::Suffix, &["suffix", "namenszusatz", "sufijo"]),
    (
        Field::Preferred,
        &["preferredname", "knownas", "nickname", "spitzname", "roepnaam", "noemnaam", "surnom", "apodo"],
    ),
    (
        Field::FormerFamily,
        &[
            "maidenname",
            "birthname",
            "formername",
            "previousname",
            "geburtsname",
            "maedchenname",
            "meisjesnaam",
            "nomdenaissance",
            "nomdejeunefille",
            "apellidodesoltera",
            "nooiensvan",
        ],
    ),
    (
        Field::BirthDate,
        &[
            "dob",
            "birthdate",
            "dateofbirth",
            "birthday",
            "born",
            "geburtsdatum",
            "gebdatum",
            "gebdat",
            "geboren",
            "geboortedatum",
            "datedenaissance",
            "naissance",
            "fechadenacimiento",
            "fechanacimiento",
            "nacimiento",
            "datadenascimento",
            "datanascimento",
            "nascimento",
            "datadinascita",
            "datanascita",
            "nascita",
            "bday",
        ],
    ),
    (Field::Gender, &["gender", "sex", "geschlecht", "geslacht", "geslag", "sexe", "sexo", "genero", "sesso", "genre"]),
    (Field::Pronouns, &["pronouns", "pronomen", "pronoms", "pronombres", "pronomes"]),
    (
        Field::Mobile,
        &[
            "mobile",
            "mobilephone",
            "mobileno",
            "mobilenumber",
            "cell",
            "cellphone",
            "cellno",
            "cellnumber",
            "handy",
            "mobil",
            "mobiltelefon",
            "mobilnummer",
            "gsm",
            "mobiel",
            "selfoon",
            "portable",
            "telephoneportable",
            "movil",
            "celular",
            "telemovel",
            "cellulare",
        ],
    ),
    (
        Field::WorkPhone,
        &[
            "workphone",
            "worktel",
            "worktelephone",
            "businessphone",
            "telefongeschaeftlich",
            "teldienst",
            "dienstlich",
            "werktelefoon",
            "telephonetravail",
            "telw",
        ],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "telephone",
            "tel",
            "telno",
            "phoneno",
            "phonenumber",
            "homephone",
            "hometel",
            "telh",
            "telefon",
            "telefonprivat",
            "telefonnummer",
            "telefoon",
            "telefoonnummer",
            "telefono",
            "telefone",
            "contactnumber",
            "phone1",
            "phone2",
        ],
    ),
    (Field::Fax, &["fax", "faxno", "faxnumber", "telefax", "telecopie"]),
    (
        Field::Email,
        &[
            "email",
            "emailaddress",
            "mail",
            "mailaddress",
            "emailadresse",
            "epost",
            "epos",
            "eposadres",
            "courriel",
            "correo",
            "correoelectronico",
            "emailadres",
        ],
    ),
    (
        Field::WholeAddress,
        &[
            "address",
            "fulladdress",
            "anschrift",
            "adresse",
            "adres",
            "direccion",
            "endereco",
            "indirizzo",
            "postaladdress",
            "homeaddress",
        ],
    ),
    (
        Field::Street,
        &[
            "street",
            "address1",
            "address2",
            "address3",
            "addressline1",
            "addressline2",
            "addressline3",
            "strasse",
            "strassehausnummer",
            "strassenr",
            "hausnummer",
            "hausnr",
            "straat",
            "straatnaam",
            "huisnummer",
            "rue",
            "calle",
            "rua",
            "via",
            "streetaddress",
            "adresse1",
            "adresse2",
        ],
    ),
    (
        Field::City,
        &[
            "city",
            "town",
            "ort",
            "wohnort",
            "stadt",
            "plaats",
            "woonplaats",
            "stad",
            "dorp",
            "ville",
            "ciudad",
            "poblacion",
            "localidad",
            "cidade",
            "citta",
            "comune",
        ],
    ),
    (Field::District, &["district", "suburb", "county", "ortsteil", "voorstad", "quartier", "barrio", "bairro"]),
    (
        Field::State,
        &[
            "state",
            "province",
            "region",
            "bundesland",
            "provincie",
            "provinsie",
            "provincia",
            "estado",
            "canton",
            "kanton",
        ],
    ),
    (
        Field::PostalCode,
        &[
            "postcode",
            "postalcode",
            "zip",
            "zipcode",
            "plz",
            "postleitzahl",
            "poskode",
            "codepostal",
            "cp",
            "codigopostal",
            "cep",
            "cap",
        ],
    ),
    (Field::Country, &["country", "land", "pays", "pais", "paese", "countrycode"]),
    (Field::Language, &["language", "preferredlanguage", "sprache", "taal", "langue", "idioma", "lingua"]),
    (
        Field::Alert,
        &[
            "alert",
            "alerts",
            "warning",
            "warnings",
            "warnung",
            "warnhinweis",
            "cave",
            "waarschuwing",
            "waarskuwing",
            "alerte",
            "alerta",
            "avviso",
        ],
    ),
    (
        Field::Note,
        &[
            "note",
            "notes",
            "comment",
            "comments",
            "remark",
            "remarks",
            "memo",
            "bemerkung",
            "bemerkungen",
            "notiz",
            "notizen",
            "opmerking",
            "opmerkingen",
            "notas",
            "remarque",
            "remarques",
            "commentaire",
            "observaciones",
            "observacoes",
        ],
    ),
];

const NUMBERS: &[(IdentifierKind, &[&str])] = &[
    (IdentifierKind::ZaId, &["idnumber", "idno", "saidnumber", "said", "idnommer", "rsaid"]),
    (IdentifierKind::AuMedicare, &["medicare", "medicareno", "medicarenumber"]),
    (IdentifierKind::GbNhs, &["nhs", "nhsno", "nhsnumber"]),
    (IdentifierKind::NlBsn, &["bsn", "burgerservicenummer"]),
    (IdentifierKind::UsSsn, &["ssn", "socialsecurity", "socialsecuritynumber"]),
    (IdentifierKind::IePpsn, &["pps", "ppsn", "ppsnumber"]),
    (IdentifierKind::NzNhi, &["nhi", "nhinumber"]),
    (IdentifierKind::FrNir, &["nir", "numerosecuritesociale", "numsecu", "secu"]),
    (IdentifierKind::DeKvnr, &["kvnr", "krankenversichertennummer", "versichertennummer", "egknummer"]),
    (IdentifierKind::ChAhv, &["ahv", "ahvnr", "ahvnummer", "avs"]),
    (IdentifierKind::Passport, &["passport", "passportno", "passportnumber", "reisepass", "paspoort"]),
    (
        IdentifierKind::Member,
        &[
            "medicalaidno",
            "medicalaidnumber",
            "membershipnumber",
            "memberno",
            "memberid",
            "insurancenumber",
            "policynumber",
        ],
    ),
];

/// A name as it is compared: small letters without accents, nothing but letters and digits.
pub(in crate::exchange) fn folded(name: &str) -> String {
    let plain = name.nfd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    plain.collect::<String>().replace('ß', "ss")
}

/// What each word goes to, in both of the ways in which umlauts are written.
static KNOWN: LazyLock<HashMap<String, Target>> = LazyLock::new(|| {
    let fields = WORDS.iter().map(|(field, words)| (Target::Field(*field), *words));
    let numbers = NUMBERS.iter().map(|(kind, words)| (Target::Identifier(*kind), *words));
    let mut known = HashMap::new();
    for (target, words) in fields.chain(numbers) {
        for word in words {
            // They are written out by some, and by folding they lose their dots.
            for written in [(*word).to_owned(), word.replace("ae", "a").replace("oe", "o").replace("ue", "u")] {
                known.entry(written).or_insert(target);
            }
        }
    }
    known
});

/// The target that a column's name speaks of.
fn by_name(name: &str) -> Option<Target> {
    KNOWN.get(&folded(name)).copied()
}

/// What the cells of a column speak of: e-mail addresses, or checked numbers of one kind.
fn by_cells<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<Target> {
    let filled = cells.filter(|cell| !is_blank(cell));
    let count = filled.clone().count();
    if count < 3 {
        return None;
    }
    let most = |is: &dyn Fn(&str) -> bool| filled.clone().filter(|cell| is(cell)).count() * 10 >= count * 9;
    if most(&|cell| cell.contains('@') && cell.contains('.')) {
        return Some(Target::Field(Field::Email));
    }
    // Only kinds whose check digit makes chance unlikely.
    let kinds = [IdentifierKind::ZaId, IdentifierKind::DeKvnr, IdentifierKind::BeNational, IdentifierKind::ChAhv];
    kinds.into_iter().find(|kind| most(&|cell| kind.check(cell).is_ok())).map(Target::Identifier)
}

/// A target for each column. One that can be filled by one column only is given to the first.
#[must_use]
pub(super) fn targets(names: &[String], rows: &[Vec<String>]) -> Vec<Target> {
    // A row that is wider than the names has a separator in a cell.
    let widest = || rows.iter().map(Vec::len).max().unwrap_or(0);
    let columns = if names.is_empty() { widest() } else { names.len() };
    let mut given: Vec<Target> = Vec::with_capacity(columns);
    for at in 0..columns {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
        let target = names.get(at).and_then(|name| by_name(name)).or_else(|| by_cells(cells));
        let target = target.filter(|target| target.takes_several() || !given.contains(target));
        given.push(target.unwrap_or(Target::Field(Field::LeaveOut)));
    }
    // "Name" beside "Vorname" is the family name.
    let is = |field| move |target: &Target| *target == Target::Field(field);
    if given.iter().any(is(Field::Given)) && !given.iter().any(is(Field::Family)) {
        for target in given.iter_mut().filter(|target| is(Field::WholeName)(target)) {
            *target = Target::Field(Field::Family);
        }
    }
    given
}

/// Whether the first row has the names of the columns.
#[must_use]
pub(super) fn is_header(first: &[String], rows: &[Vec<String>]) -> bool {
    if first.iter().any(|cell| by_name(cell).is_some()) {
        return true;
    }
    let number = |cell: &String| cell.chars().any(|c| c.is_ascii_digit() || c == '@');
    let names = first.iter().all(|cell| !number(cell)) && first.iter().any(|cell| !is_blank(cell));
    names && rows.iter().flatten().any(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        targets(&names, &[]).into_iter().map(Target::code).collect()
    }

    #[test]
    fn columns_are_known_by_their_names_in_many_languages() {
        let german =
            ["Pat.-Nr.", "Nachname", "Vorname", "Geburtsdatum", "Geschlecht", "Straße", "PLZ", "Ort", "E-Mail"];
        assert_eq!(
            guessed(&german),
            ["record-id", "family", "given", "birth-date", "gender", "street", "postal-code", "city", "email"]
        );
        assert_eq!(
            guessed(&["Surname", "First Name", "D.O.B.", "Cell", "ID Number"]),
            ["family", "given", "birth-date", "mobile", "identifier-za-id"]
        );
        assert_eq!(
            guessed(&["Nom", "Prénom", "Date de naissance", "Téléphone portable", "Code postal"]),
            ["family", "given", "birth-date", "mobile", "postal-code"]
        );
        assert_eq!(
            guessed(&["Apellidos", "Nombre", "Fecha de nacimiento", "Teléfono"]),
            ["family", "given", "birth-date", "phone"]
        );
        assert_eq!(guessed(&["Mädchenname", "Maedchenname"]), ["former-family", "leave-out"], "one of a kind");
        assert_eq!(
            guessed(&["Van", "Voorname", "Noemnaam", "Selfoon"]),
            ["family", "given", "preferred-name", "mobile"]
        );
        assert_eq!(guessed(&["", "xyz"]), ["leave-out", "leave-out"]);
    }

    #[test]
    fn columns_without_names_are_known_by_what_stands_in_them() {
        let rows: Vec<Vec<String>> =
            ["a@example.org", "b@example.org", "c@example.org"].iter().map(|cell| vec![(*cell).to_owned()]).collect();
        assert_eq!(targets(&[], &rows), [Target::Field(Field::Email)]);
    }

    #[test]
    fn every_word_is_folded_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        let words = WORDS.iter().flat_map(|(_, words)| *words).chain(NUMBERS.iter().flat_map(|(_, words)| *words));
        for word in words {
            assert_eq!(folded(word), *word);
            assert!(seen.insert(*word), "{word} stands twice");
        }
    }

    #[test]
    fn a_first_row_of_names_is_told_from_a_first_row_of_patients() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [row(&["Müller", "1980"])];
        assert!(is_header(&row(&["Surname", "x"]), &rows));
        assert!(is_header(&row(&["Wer", "Wann"]), &rows));
        assert!(!is_header(&row(&["Meier", "1975"]), &rows));
    }
}
