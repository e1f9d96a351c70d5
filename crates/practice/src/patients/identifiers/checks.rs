//! The checks themselves, on normalised text: digits and capital letters only. Each says where its
//! rule comes from, and what its check digit is sure to notice.

use jiff::civil::Date;

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not of the form that numbers of its kind have.
    #[error("does not have the form of its kind")]
    Form,
    /// The check digit does not fit.
    #[error("fails its check digit")]
    Check,
    /// Of the right form, and never given to anyone.
    #[error("is a number that is never given out")]
    NotIssued,
}

/// No check.
pub(super) fn any(text: &str) -> Result<(), Flaw> {
    if text.is_empty() { Err(Flaw::Form) } else { Ok(()) }
}

fn sure(holds: bool, flaw: Flaw) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(flaw) }
}

/// The digits of a text of exactly `N` digits.
fn digits<const N: usize>(text: &str) -> Result<[u32; N], Flaw> {
    let found: Option<Vec<u32>> = text.bytes().map(|b| char::from(b).to_digit(10)).collect();
    found.and_then(|found| found.try_into().ok()).ok_or(Flaw::Form)
}

fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

fn weighted(digits: &[u32], weights: impl IntoIterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Luhn (ISO/IEC 7812-1, annex B): from the right, every second digit doubled, cross sums, 0 mod
/// 10. Notices every single wrong digit.
fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits.iter().rev().zip([1, 2].into_iter().cycle()).map(|(d, w)| cross(d * w)).sum();
    sum.is_multiple_of(10)
}

fn cross(product: u32) -> u32 {
    product / 10 + product % 10
}

/// South African ID number: `YYMMDD SSSS C A Z` (Identification Act 68 of 1997; form published by
/// the Department of Home Affairs): a birth date, a serial, citizenship (0 citizen, 1 permanent
/// resident, 2 refugee), a digit without meaning now, a Luhn digit.
pub(super) fn za_id(text: &str) -> Result<(), Flaw> {
    let d: [u32; 13] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, .., citizenship, _, _] = d;
    let born = |century: u32| {
        let year = i16::try_from(century * 100 + y1 * 10 + y2).ok()?;
        Date::new(year, i8::try_from(m1 * 10 + m2).ok()?, i8::try_from(d1 * 10 + d2).ok()?).ok()
    };
    sure(born(19).or_else(|| born(20)).is_some() && citizenship <= 2, Flaw::Form)?;
    sure(luhn(&d), Flaw::Check)
}

/// Australian Medicare card number: 8 digits (the first 2 to 6), a check digit with weights 1 3 7
/// 9 1 3 7 9 mod 10, an issue number, and the individual reference number where it is given
/// (Services Australia; AIHW METEOR 270101). Notices every single wrong digit of the nine.
pub(super) fn au_medicare(text: &str) -> Result<(), Flaw> {
    let d: [u32; 11] = if text.len() == 10 { digits(&format!("{text}1"))? } else { digits(text)? };
    let [first, .., check, issue, person] = d;
    sure((2..=6).contains(&first) && issue != 0 && person != 0, Flaw::Form)?;
    sure(weighted(&d, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 == check, Flaw::Check)
}

/// Australian Individual Healthcare Identifier: 16 digits, `800360` first, Luhn (Healthcare
/// Identifiers Service; invariants inv-ihi-value-0 to -2 of AU Base).
pub(super) fn au_ihi(text: &str) -> Result<(), Flaw> {
    let d: [u32; 16] = digits(text)?;
    sure(text.starts_with("800360"), Flaw::Form)?;
    sure(luhn(&d), Flaw::Check)
}

/// Australian DVA file number (AIHW METEOR 339127): state letter, war code of up to three letters,
/// serial of up to six digits, link letter of a dependant. It has no check digit.
pub(super) fn au_dva(text: &str) -> Result<(), Flaw> {
    let rest = text.strip_prefix(['N', 'V', 'Q', 'S', 'W', 'T']).ok_or(Flaw::Form)?;
    let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = rest.get(letters..).unwrap_or("");
    let serial = rest.bytes().take_while(u8::is_ascii_digit).count();
    let link = rest.get(serial..).unwrap_or("");
    let link_fine = link.is_empty() || (link.len() == 1 && link.bytes().all(|b| b.is_ascii_uppercase()));
    sure(letters <= 3 && (1..=6).contains(&serial) && link_fine && text.len() <= 9, Flaw::Form)
}

/// NHS number: 10 digits, weights 10 to 2, mod 11, a remainder of 10 is never issued (NHS Data
/// Dictionary, "NHS NUMBER"). Notices every single wrong digit.
pub(super) fn gb_nhs(text: &str) -> Result<(), Flaw> {
    let d: [u32; 10] = digits(text)?;
    sure(number(&d) != 0, Flaw::NotIssued)?;
    sure(weighted(&d, (1..=10).rev()).is_multiple_of(11), Flaw::Check)
}

/// Dutch BSN: 9 digits, the 11-test with weights 9 to 2 and −1 (Besluit burgerservicenummer;
/// Logisch Ontwerp BSN). Notices every single wrong digit.
pub(super) fn nl_bsn(text: &str) -> Result<(), Flaw> {
    let d: [u32; 9] = digits(text)?;
    sure(number(&d) != 0, Flaw::NotIssued)?;
    // −1 is 10 mod 11.
    sure(weighted(&d, (2..=9).rev().chain([10])).is_multiple_of(11), Flaw::Check)
}

/// US Social Security number: no check digit; area 000, 666 and 900 to 999, group 00 and serial
/// 0000 are never assigned (Social Security Administration, "SSN randomization"; POMS RM 10201),
/// nor are the two that were printed in advertisements.
pub(super) fn us_ssn(text: &str) -> Result<(), Flaw> {
    let all = number(&digits::<9>(text)?);
    let (area, group, serial) = (all / 1_000_000, all / 10_000 % 100, all % 10_000);
    let issued = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
    sure(issued && !matches!(text, "078051120" | "219099999"), Flaw::NotIssued)
}

/// US Medicare Beneficiary Identifier: 11 characters of a fixed pattern, letters without S L O I B
/// Z (Centers for Medicare & Medicaid Services, "Understanding the MBI format"). No check digit.
pub(super) fn us_mbi(text: &str) -> Result<(), Flaw> {
    let letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
    // C: 1-9, A: letter, N: 0-9, X: letter or digit.
    let fits = |(b, form): (u8, u8)| match form {
        b'C' => matches!(b, b'1'..=b'9'),
        b'A' => letter(b),
        b'N' => b.is_ascii_digit(),
        _ => letter(b) || b.is_ascii_digit(),
    };
    sure(text.len() == 11 && text.bytes().zip(*b"CAXNAXNAANN").all(fits), Flaw::Form)
}

/// Irish PPS number: 7 digits, a check letter, and since 2013 one more letter that counts nine
/// times (Revenue Commissioners, VIES algorithm; Department of Social Protection): weights 8 to 2,
/// mod 23, 0 is W. W, T and X as second letter are of the old series and do not count. Notices
/// every single wrong digit.
pub(super) fn ie_ppsn(text: &str) -> Result<(), Flaw> {
    const LETTERS: &[u8; 23] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let (head, tail) = text.split_at_checked(7).ok_or(Flaw::Form)?;
    let d: [u32; 7] = digits(head)?;
    let (check, second) = match tail.as_bytes() {
        [check] | [check, b'W' | b'T' | b'X'] => (*check, 0),
        [check, second @ (b'A' | b'B' | b'H')] => (*check, u32::from(second - b'A' + 1)),
        _ => return Err(Flaw::Form),
    };
    let check = LETTERS.iter().position(|letter| *letter == check).ok_or(Flaw::Form)?;
    let sum = weighted(&d, (2..=8).rev()) + second * 9;
    sure(u32::try_from(check) == Ok(sum % 23), Flaw::Check)
}

/// New Zealand NHI number, both forms of HISO 10046:2023: `AAANNNC` (weights 7 to 2, mod 11, a
/// remainder of 0 is never issued, 10 is written 0) and `AAANNAX` (mod 23, the check letter counted
/// in the alphabet without I and O). The old form notices every single wrong digit.
pub(super) fn nz_nhi(text: &str) -> Result<(), Flaw> {
    const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = |b: u8| LETTERS.iter().position(|letter| *letter == b).and_then(|at| u32::try_from(at + 1).ok());
    let digit = |b: u8| char::from(b).to_digit(10);
    let [head @ .., check]: [u8; 7] = text.as_bytes().try_into().map_err(|_| Flaw::Form)?;
    let old = digit(check).is_some();
    let part = |(at, byte): (usize, u8)| match at {
        3 | 4 => digit(byte),
        5 if old => digit(byte),
        _ => letter(byte),
    };
    let parts: Option<Vec<u32>> = head.into_iter().enumerate().map(part).collect();
    let sum = weighted(&parts.ok_or(Flaw::Form)?, (2..=7).rev());
    if old {
        let remainder = sum % 11;
        sure(remainder != 0 && digit(check) == Some((11 - remainder) % 10), Flaw::Check)
    } else {
        let check = letter(check).ok_or(Flaw::Form)?;
        sure(check == 23 - sum % 23, Flaw::Check)
    }
}

/// Belgian national number (and BIS number: month plus 20 or 40): `YYMMDD SSS CC`, the check is 97
/// less the first nine digits mod 97, with a 2 before them for births from 2000 on (Rijksregister,
/// information type 000). One wrong digit may turn one century's number into the other's.
pub(super) fn be_national(text: &str) -> Result<(), Flaw> {
    let d: [u32; 11] = digits(text)?;
    let [_, _, m1, m2, d1, d2, .., c1, c2] = d;
    let month_fine = matches!(m1 * 10 + m2, 0..=12 | 20..=32 | 40..=52);
    sure(month_fine && d1 * 10 + d2 <= 31, Flaw::Form)?;
    let body = number(&d) / 100;
    let check = u64::from(c1 * 10 + c2);
    let fits = |body: u64| 97 - body % 97 == check;
    sure(fits(body) || fits(2_000_000_000 + body), Flaw::Check)
}

/// French NIR with its key: 13 characters and 97 less their value mod 97; Corsica's 2A and 2B
/// count as 19 and 18 (INSEE, "Numéro d'inscription au répertoire"). Notices every single wrong
/// digit.
pub(super) fn fr_nir(text: &str) -> Result<(), Flaw> {
    let department = text.get(5..7).ok_or(Flaw::Form)?;
    let plain = match department {
        "2A" | "2B" => {
            let code = if department == "2A" { "19" } else { "18" };
            let (head, tail) = (text.get(..5).unwrap_or(""), text.get(7..).unwrap_or(""));
            format!("{head}{code}{tail}")
        }
        _ => text.to_owned(),
    };
    let d: [u32; 15] = digits(&plain)?;
    let [sex, ..] = d;
    sure(matches!(sex, 1..=4 | 7 | 8), Flaw::Form)?;
    let all = number(&d);
    sure(97 - (all / 100) % 97 == all % 100, Flaw::Check)
}

/// German Krankenversichertennummer, its ten lasting characters: a letter as two digits (A 01 …
/// Z 26), then 8 digits, weights 1 2 1 2 … from the left with cross sums, mod 10 (§ 290 SGB V;
/// Vertrauensstelle Krankenversichertennummer). Notices every single wrong digit.
pub(super) fn de_kvnr(text: &str) -> Result<(), Flaw> {
    let letter = text.bytes().next().filter(u8::is_ascii_uppercase).ok_or(Flaw::Form)?;
    let d: [u32; 9] = digits(text.get(1..).unwrap_or(""))?;
    let [body @ .., check] = d;
    let place = u32::from(letter - b'A') + 1;
    let all = [place / 10, place % 10].into_iter().chain(body);
    let sum: u32 = all.zip([1, 2].into_iter().cycle()).map(|(digit, weight)| cross(digit * weight)).sum();
    sure(sum % 10 == check, Flaw::Check)
}

/// Swiss AHV number: 13 digits, 756 first, the check digit of EAN-13 (Central Compensation Office;
/// GS1 General Specifications, 7.9). Notices every single wrong digit.
pub(super) fn ch_ahv(text: &str) -> Result<(), Flaw> {
    let d: [u32; 13] = digits(text)?;
    sure(text.starts_with("756"), Flaw::Form)?;
    sure(weighted(&d, [1, 3].into_iter().cycle()).is_multiple_of(10), Flaw::Check)
}
