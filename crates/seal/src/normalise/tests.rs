use proptest::prelude::*;

use super::*;

fn one(name: &str) -> String {
    name_words(name).join(" ")
}

#[test]
fn marks_fall_where_they_are_only_an_accent() {
    for (name, plain) in [
        ("Zoë", "zoe"),
        ("MÜLLER", "muller"),
        ("Ökan", "okan"),
        ("İpek Işık", "ipek isik"),
        ("Nguyễn Thị Đào", "nguyen thi dao"),
        ("Łukasz Groß", "lukasz gross"),
        ("Søren Ærø", "soren aero"),
        ("Ολυμπία Παππάς", "ολυμπια παππασ"),
        ("Артём", "артем"),
        ("مُحَمَّد", "محمد"),
        ("محـــمد", "محمد"),
        ("أحمد", "احمد"),
        ("فاطمة", "فاطمه"),
        ("علی", "علي"),
    ] {
        assert_eq!(one(name), plain);
    }
}

#[test]
fn marks_stay_where_they_are_a_letter() {
    for name in ["अनिल", "देवी", "கண்ணன்", "ধীমান", "สมชาย", "김철수", "がく"]
    {
        assert_eq!(one(name), name);
    }
    assert_ne!(one("がく"), one("かく"));
    assert_ne!(one("कि"), one("की"));
}

#[test]
fn every_way_of_writing_one_letter_is_the_same_letter() {
    assert_eq!(one("Zo\u{eb}"), one("Zoe\u{308}"));
    assert_eq!(one("Ｚｏｅ"), "zoe");
    assert_eq!(one("ﾔﾏﾀﾞ"), "ヤマダ");
    assert_eq!(one("\u{1100}\u{1175}\u{11b7}"), "김");
    assert_eq!(one("Ward ٣"), "ward 3");
}

#[test]
fn what_shows_nothing_counts_for_nothing() {
    assert_eq!(one("\u{202e}N\u{200b}g\u{2069}\u{feff}"), "ng");
    assert_eq!(one("Mül\u{ad}ler"), "muller");
    assert_eq!(one("\u{200f}محمد\u{200f}"), "محمد");
}

#[test]
fn words_end_at_spaces_and_punctuation_but_not_at_apostrophe_and_hyphen() {
    assert_eq!(name_words("van der Berg, Jan"), ["van", "der", "berg", "jan"]);
    assert_eq!(name_words("St.John/Smith"), ["st", "john", "smith"]);
    for name in ["O'Brien", "O’Brien", "O´Brien", "Oʼ\u{200b}Brien", "'O`Brien'"] {
        assert_eq!(name_words(name), ["o'brien"]);
    }
    for name in ["Smith-Jones", "Smith‐Jones", "Smith–Jones-"] {
        assert_eq!(name_words(name), ["smith-jones"]);
    }
    assert!(name_words(" - ' … \u{200b}").is_empty());
}

#[test]
fn a_name_of_ten_thousand_characters_is_bounded() {
    assert_eq!(name_words(&"x".repeat(10_000)), ["x".repeat(WORD_LENGTH_MAX)]);
    assert_eq!(name_words(&"xyz ".repeat(2_500)).len(), WORDS_MAX);
    assert!(name_words(&"\u{fdfa}".repeat(10_000)).len() <= WORDS_MAX);
    assert_eq!(name_words(&format!("a{}", "\u{301}".repeat(10_000))), ["a"]);
}

#[test]
fn phone_numbers_are_their_digits() {
    for (number, digits) in [
        ("+27 (0)82 123-4567", "27821234567"),
        ("tel:+49.151.23456", "4915123456"),
        ("011 555 1234 ext. 5", "0115551234"),
        ("011 555 1234, 5", "0115551234"),
        ("٠٨٢ ١٢٣", "082123"),
        ("none", ""),
    ] {
        assert_eq!(phone_digits(number), digits);
    }
    assert!(phone_digits(&"1".repeat(10_000)).len() <= WORD_LENGTH_MAX);
}

#[test]
fn addresses_and_identifiers_meet_however_they_were_typed() {
    assert_eq!(email(" Zoe.Ng@Example.ORG\u{200b} "), "zoe.ng@example.org");
    assert_eq!(identifier("ab 12-34/٥"), "AB12345");
    assert_eq!(identifier("８００101 5009 087"), "8001015009087");
    assert_eq!(identifier(&"9".repeat(10_000)).len(), WORD_LENGTH_MAX);
    assert!(email(&"a".repeat(10_000)).len() <= 254);
}

proptest! {
    #[test]
    fn any_text_gives_bounded_words_and_never_panics(text in "\\PC*") {
        let words = name_words(&text);
        prop_assert!(words.len() <= WORDS_MAX);
        prop_assert!(words.iter().all(|word| !word.is_empty() && word.chars().count() <= WORD_LENGTH_MAX));
        prop_assert!(phone_digits(&text).len() <= WORD_LENGTH_MAX);
        prop_assert!(email(&text).chars().count() <= EMAIL_LENGTH_MAX);
        prop_assert!(identifier(&text).chars().count() <= WORD_LENGTH_MAX);
    }

    #[test]
    fn upper_case_latin_meets_lower_case(name in "[a-zäöüéßł' -]{0,40}") {
        prop_assert_eq!(name_words(&name.to_uppercase()), name_words(&name));
    }
}

#[test]
fn a_free_text_is_folded_whole_and_plain_text_as_any_other() {
    let long = "Hüfte ".repeat(10_000);
    assert_eq!(prose(&long).matches("hufte").count(), 10_000);
    assert_eq!(prose("Dr O`Neill, 146/92"), "dr o'neill, 146/92");
    let plain: String = (0_u8..128).map(char::from).collect();
    assert_eq!(prose(&plain), folded(plain.chars(), Umlaut::Bare), "both ways give the same");
}
