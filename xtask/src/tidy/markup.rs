//! Templates under the strict content security policy: nothing inline, since the browser would refuse it
//! and only whoever opens that page would notice.

use super::tree::{Fault, Tree};

pub(super) fn keeps_to_the_policy(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.ending(&["html"]) {
        let elements = elements(&without_templating(&file.text));
        faults.extend(elements.iter().filter_map(|element| Some(file.fault(element.line, complaint(element)?))));
    }
    faults
}

/// An opening tag: its name and attributes in lower case.
struct Element {
    line: usize,
    name: String,
    attributes: Vec<(String, String)>,
}

fn complaint(element: &Element) -> Option<String> {
    let has = |name: &str| element.attributes.iter().any(|(own, _)| own == name);
    if element.name == "script" && !has("src") {
        return Some("an inline <script>: it belongs into a file under assets/".to_owned());
    }
    if element.name == "style" {
        return Some("an inline <style>: it belongs into a file under assets/".to_owned());
    }
    element.attributes.iter().find_map(|(name, value)| {
        if name == "style" {
            Some("an inline style: give it a class".to_owned())
        } else if name.starts_with("on") || name.starts_with("hx-on") {
            Some(format!("an inline handler `{name}`: it belongs into a custom element"))
        } else if value.trim_start().to_ascii_lowercase().starts_with("javascript:") {
            Some(format!("script in `{name}`"))
        } else {
            None
        }
    })
}

/// Replaces `{{ }}`, `{% %}` and `{# #}` by spaces, keeping line breaks.
fn without_templating(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, end)) = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .filter_map(|(open, close)| Some((rest.find(open)?, close)))
        .min_by_key(|(at, _)| *at)
    {
        let (before, inside) = rest.split_at(at);
        let length = inside.find(end).map_or(inside.len(), |found| found + end.len());
        let (inside, after) = inside.split_at(length);
        plain.push_str(before);
        plain.extend(inside.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn elements(text: &str) -> Vec<Element> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        line += before.matches('\n').count();
        let length = if from.starts_with("<!--") {
            from.find("-->").map_or(from.len(), |end| end + 3)
        } else if from.chars().nth(1).is_some_and(|char| char.is_ascii_alphabetic()) {
            let length = tag_length(from);
            found.extend(from.get(1..length).map(|tag| element(line, tag)));
            length
        } else {
            1
        };
        let (tag, after) = from.split_at(length);
        line += tag.matches('\n').count();
        rest = after;
    }
    found
}

/// The length of the tag that `from` begins with: up to the first `>` outside quotes.
fn tag_length(from: &str) -> usize {
    let mut quote = None;
    for (at, char) in from.char_indices() {
        match (quote, char) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            _ => {}
        }
    }
    from.len()
}

fn element(line: usize, tag: &str) -> Element {
    let tag = tag.trim_end_matches(['>', '/']);
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        let end = rest.find(|char: char| char == '=' || char.is_whitespace()).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        if attribute.is_empty() && after.is_empty() {
            break;
        }
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(value) => value_of(value.trim_start()),
            None => ("", after),
        };
        attributes.push((attribute.to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    Element { line, name: name.to_ascii_lowercase(), attributes }
}

/// An attribute's value and what follows it.
fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    fn found_in(html: &str) -> Vec<String> {
        faults(keeps_to_the_policy, &[("crates/web/templates/page.html", html)])
    }

    #[test]
    fn each_kind_of_inline_code_is_found_on_its_line() {
        let html = "<p\n  class=\"a > b\" style=\"color: red\">\n<script>alert(1)</script>\n<STYLE>p{}</STYLE>\n\
                    <button type=submit onclick='x()'>Go</button>\n<div hx-on:click=\"y()\"></div>\n\
                    <a href=\" JavaScript:z()\">z</a>\n";
        let lines: Vec<_> = found_in(html).iter().map(|fault| fault.split(':').nth(1).unwrap().to_owned()).collect();
        assert_eq!(lines, ["1", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn a_handler_that_a_condition_puts_in_is_found() {
        assert_eq!(found_in("<a {% if x %}onclick=\"f()\"{% endif %} href=\"/\">").len(), 1);
    }

    #[test]
    fn ordinary_templates_pass() {
        let html = "<!-- <script>old</script> -->\n{# <p style=\"x\"> #}\n<script src=\"{{ script }}\" defer></script>\n\
                    <link rel=\"stylesheet\" href=\"/a.css\">\n<br/>\n\
                    <a class=\"{% if a < b %}on{% endif %}\" data-style=\"x\" href=\"/?once=1\">style= onclick= 1 < 2</a>\n";
        assert_eq!(found_in(html), Vec::<String>::new());
    }
}
