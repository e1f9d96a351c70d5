use proptest::prelude::*;

use super::*;

/// Whether the query leads to the names: by every token, and by the check after opening.
fn finds(names: &[&str], query: &str) -> bool {
    let asked = name_query(query);
    let filed = name_tokens(names);
    let by_token = !asked.is_empty() && asked.iter().all(|token| filed.contains(token));
    let by_check = name_matches(names, query);
    assert!(by_token || !by_check, "the check accepts what no token finds: {query:?} in {names:?}");
    by_token && by_check
}

fn assert_found(names: &[&str], queries: &[&str]) {
    for query in queries {
        assert!(finds(names, query), "{query:?} does not find {names:?}");
    }
}

#[test]
fn real_people_are_found_as_people_type() {
    assert_found(&["Ng", "Zoë"], &["Ng", "ng", "zoe", "Zoë", "ZOE NG"]);
    assert_found(&["Müller", "Jürgen"], &["Müller", "Muller", "Mueller", "mül", "muel", "juergen mueller"]);
    assert_found(&["Mueller"], &["Müller", "Mueller"]);
    assert_found(&["Ökan"], &["Ökan", "okan", "Oekan", "oka"]);
    assert_found(&["محمد", "علي"], &["محمد", "مُحَمَّد", "علی محمد"]);
    assert_found(&["अनिल"], &["अनिल", "अनि"]);
    assert_found(&["Björnsdóttir"], &["bjornsdottir", "Björnsdó"]);
    assert_found(&["Wolfeschlegelsteinhausen"], &["wolfesch", "Wolfeschlegelstein"]);
}

#[test]
fn apostrophes_hyphens_and_particles_do_not_hide_anybody() {
    for brien in ["O'Brien", "O’Brien", "OBrien", "O Brien"] {
        assert_found(&[brien], &["O'Brien", "O’Brien", "OBrien", "obri"]);
    }
    assert_found(&["O'Brien"], &["brien", "o brien"]);
    for jones in ["Smith-Jones", "Smith Jones"] {
        assert_found(&[jones], &["Smith-Jones", "Smith Jones", "jones", "smith"]);
    }
    assert_found(&["Smith-Jones"], &["smithjones"]);
    for berg in ["van der Berg", "Van Der Berg", "van-der-Berg"] {
        assert_found(&[berg, "Jan"], &["van der Berg", "berg", "vanderberg", "jan van der berg"]);
    }
    for sayed in ["Al-Sayed", "Al Sayed", "Alsayed"] {
        assert_found(&[sayed], &["Al-Sayed", "alsayed"]);
    }
    assert_found(&["du Toit"], &["du toit", "dutoit", "toit"]);
    assert_found(&["Rossi-Dell'Acqua"], &["Rossi-Dell'Acqua", "dellacqua", "acqua"]);
}

#[test]
fn east_asian_names_are_found_with_and_without_their_space() {
    for names in [&["王芳"][..], &["王", "芳"], &["芳", "王"], &["王 芳"]] {
        assert_found(names, &["王芳", "王", "芳", "王 芳"]);
    }
    assert_found(&["김철수"], &["김철수", "김", "철수", "김 철수"]);
    assert_found(&["司马相如"], &["司马相如", "司马", "相如"]);
    assert_found(&["ﾔﾏﾀﾞ"], &["ヤマダ", "ヤマ"]);
}

#[test]
fn who_does_not_match_is_not_found() {
    for (names, query) in [
        (&["Nguyen"][..], "Ng"),
        (&["Müller"], "Miller"),
        (&["Anna", "Smith"], "anna jones"),
        (&["कि"], "की"),
        (&["Smith"], ""),
        (&["Smith"], " - "),
        (&[], "smith"),
    ] {
        assert!(!finds(names, query), "{query:?} finds {names:?}");
    }
}

#[test]
fn the_check_after_opening_knows_more_than_the_token() {
    let (query, other) = ("Bartholomew", "Bartholomaeus");
    assert!(name_query(query).iter().all(|token| name_tokens(&[other]).contains(token)));
    assert!(!name_matches(&[other], query));
    assert!(name_matches(&["Bartholomew"], query));
}

#[test]
fn a_short_word_is_filed_whole_and_a_long_one_by_its_beginnings() {
    let filed = |name| name_tokens(&[name]).into_iter().collect::<Vec<_>>();
    assert_eq!(filed("Ng"), [(TokenKind::NameWhole, "ng".to_owned())]);
    assert_eq!(filed("Smith"), ["smi", "smit", "smith"].map(|prefix| (TokenKind::NamePrefix, prefix.to_owned())));
    assert!(filed("Wolfeschlegelsteinhausen").iter().all(|(_, prefix)| prefix.len() <= 8));
}

#[test]
fn a_subject_with_endless_names_is_filed_under_few_tokens() {
    let endless: Vec<String> = (0..10_000).map(|number| format!("Name{number}-Other{number} van{number}")).collect();
    let names: Vec<&str> = endless.iter().map(String::as_str).collect();
    let one = endless.join(" ");
    assert!(name_tokens(&names).len() <= FILED_WORDS_MAX * PREFIX_MAX);
    assert!(name_tokens(&[&one]).len() <= FILED_WORDS_MAX * PREFIX_MAX);
    assert!(name_query(&one).len() <= WORDS_MAX);
}

#[test]
fn a_phone_number_is_found_by_its_ending_and_however_its_country_is_written() {
    let found = |number, query| phone_query(query).is_some_and(|token| phone_tokens(number).contains(&token));
    for number in ["+27 82 123 4567", "082 123 4567", "0027821234567", "+27 (0)82 123-4567"] {
        for query in ["+27 82 123 4567", "082 123 4567", "0821234567", "0027 82 123 4567", "4567", "1234567"] {
            assert!(found(number, query), "{query} does not find {number}");
        }
        assert!(!found(number, "4568"));
    }
    assert!(found("0151 23456", "+49 151 23456"));
    assert!(found("+354 555 1234", "555 1234"));
    assert!(found("+27 82 123 0045", "0045"));
    assert!(found("011 555 1234 ext 7", "1234"));
}

#[test]
fn fewer_than_four_digits_are_not_looked_up() {
    assert_eq!(phone_query("123"), None);
    assert_eq!(phone_query("none"), None);
    assert!(phone_tokens("123").is_empty());
    assert_eq!(phone_tokens("1234567890").len(), 6);
}

proptest! {
    #[test]
    fn whatever_a_name_is_it_finds_itself(name in "\\PC{0,40}") {
        let asked = name_query(&name);
        let filed = name_tokens(&[&name]);
        for token in &asked {
            prop_assert!(filed.contains(token), "{:?} of {:?}", token, name);
        }
        prop_assert_eq!(name_matches(&[&name], &name), !asked.is_empty());
    }

    #[test]
    fn names_of_letters_and_joints_find_themselves(name in "[a-zäöü]{1,5}([ '-][a-zäöü]{1,5}){0,6}") {
        prop_assert!(finds(&[&name], &name));
        prop_assert!(finds(&["王", &name], &name));
    }

    #[test]
    fn what_the_check_accepts_a_token_finds(name in "[abo]{1,4}([ '-][abo]{1,4}){0,3}", query in "[abo]{1,4}([ '-][abo]{1,4}){0,2}") {
        finds(&[&name], &query);
    }

    #[test]
    fn a_number_in_any_text_finds_itself(number in "(\\PC|[0-9]){0,40}") {
        let filed = phone_tokens(&number);
        prop_assert!(phone_query(&number).is_none_or(|token| filed.contains(&token)));
    }
}
