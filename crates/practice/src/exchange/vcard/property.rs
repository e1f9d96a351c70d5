//! One line of a card: `group.NAME;PARAM=a,b;PARAM2="c":value`.

use encoding_rs::Encoding;

/// A property.
pub(super) struct Property {
    /// Its name in capitals, without its group.
    pub(super) name: String,
    params: Vec<(String, String)>,
    /// Its value as it stands, decoded if it was quoted-printable.
    pub(super) raw: String,
}

impl Property {
    /// Takes a line apart; nothing if it is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        // A colon within quotation marks belongs to a parameter.
        let mut quoted = false;
        let colon = line.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == ':' && !quoted
        });
        let (head, value) = (line.get(..colon?.0)?, line.get(colon?.0 + 1..)?);
        let mut parts = split(head, ';').into_iter();
        let name = parts.next()?;
        let name = name.rsplit('.').next()?.trim().to_ascii_uppercase();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return None;
        }
        let params: Vec<(String, String)> = parts
            .map(|part| match part.split_once('=') {
                Some((key, value)) => (key.trim().to_ascii_uppercase(), value.trim().replace('"', "")),
                // Version 2.1 leaves the name away: TEL;CELL:…
                None => ("TYPE".to_owned(), part.trim().to_owned()),
            })
            .collect();
        let property = Self { name, params, raw: String::new() };
        let raw = property.decoded(value)?;
        Some(Self { raw, ..property })
    }

    /// The value of a parameter.
    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is of a type ("home", "cell"), in any notation.
    pub(super) fn is(&self, kind: &str) -> bool {
        let types = self.params.iter().filter(|(key, _)| key == "TYPE");
        types.flat_map(|(_, value)| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(kind))
    }

    /// How much it is preferred: 1 comes first.
    pub(super) fn rank(&self) -> Option<u32> {
        let by_number = self.param("PREF").and_then(|pref| pref.parse().ok()).filter(|rank| *rank > 0);
        by_number.or_else(|| self.is("pref").then_some(1))
    }

    /// Whether the value is bytes, not text.
    pub(super) fn is_binary(&self) -> bool {
        let encoding = self.param("ENCODING").unwrap_or_default();
        self.is("base64") || encoding.eq_ignore_ascii_case("b") || encoding.eq_ignore_ascii_case("base64")
    }

    fn decoded(&self, value: &str) -> Option<String> {
        let is = |name: &str| self.param("ENCODING").is_some_and(|e| e.eq_ignore_ascii_case(name)) || self.is(name);
        if !is("quoted-printable") {
            return Some(value.to_owned());
        }
        let bytes = quoted_printable(value);
        let label = self.param("CHARSET").unwrap_or("utf-8");
        let encoding = Encoding::for_label(label.as_bytes())?;
        let (text, _, damaged) = encoding.decode(&bytes);
        if damaged { None } else { Some(text.into_owned()) }
    }

    /// The value as one text.
    pub(super) fn text(&self) -> String {
        unescaped(&self.raw)
    }

    /// The parts of a structured value, each a list: `Family;Given;Second,Third`.
    pub(super) fn parts(&self) -> Vec<Vec<String>> {
        let part = |part: &str| split(part, ',').iter().map(|text| unescaped(text).trim().to_owned()).collect();
        split(&self.raw, ';').iter().map(|text| part(text)).collect()
    }
}

/// Cuts at a sign that is neither escaped nor within quotation marks of a parameter.
fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == at && !escaped {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// Text with its escapes resolved: `\n`, `\,`, `\;`, `\\`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n' | 'N')) => out.push('\n'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

/// `=C3=BC` as bytes; what is no such pair stays as it is.
fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(byte) = pair.filter(|_| *first == b'=').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            out.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}
