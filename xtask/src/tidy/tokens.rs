//! Rust source as tokens, so that a comment, a raw string or a line break fools no rule.

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

use super::tree::{Fault, File};

/// A string literal: the line it begins on and its text, with escapes for white space taken as a space.
pub(super) struct Text {
    pub(super) line: usize,
    pub(super) text: String,
}

/// The tokens of a file, or the fault that it has none.
pub(super) fn of(file: &File) -> Result<TokenStream, Fault> {
    file.text.parse().map_err(|error| file.fault(None, format!("cannot be read as Rust: {error}")))
}

/// Every string literal of the code; documentation (`#[doc = "..."]` to the lexer) is not code.
pub(super) fn strings(tokens: TokenStream) -> Vec<Text> {
    let mut found = Vec::new();
    walk(tokens, &mut |token| match token {
        TokenTree::Group(group) => !is_documentation(group),
        TokenTree::Literal(literal) => {
            found.extend(string(literal));
            true
        }
        _ => true,
    });
    found
}

/// Every identifier with its line, in order.
pub(super) fn names(tokens: TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    walk(tokens, &mut |token| {
        if let TokenTree::Ident(name) = token {
            found.push((name.span().start().line, name.to_string()));
        }
        true
    });
    found
}

/// Calls `visit` for each token; what is in a group is visited when `visit` says so of the group.
pub(super) fn walk(tokens: TokenStream, visit: &mut impl FnMut(&TokenTree) -> bool) {
    for token in tokens {
        if visit(&token)
            && let TokenTree::Group(group) = token
        {
            walk(group.stream(), visit);
        }
    }
}

fn is_documentation(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && group.stream().into_iter().next().is_some_and(|first| first.to_string() == "doc")
}

fn string(literal: &Literal) -> Option<Text> {
    let written = literal.to_string();
    let inside = written.get(written.find('"')? + 1..written.rfind('"')?)?;
    let text = inside.replace("\\n", " ").replace("\\t", " ").replace("\\\n", " ");
    Some(Text { line: literal.span().start().line, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings_of(source: &str) -> Vec<(usize, String)> {
        strings(source.parse().unwrap()).into_iter().map(|found| (found.line, found.text)).collect()
    }

    #[test]
    fn strings_are_found_in_macros_and_raw_but_not_in_comments_or_documentation() {
        let source =
            "/// \"doc\"\n#[doc = \"doc\"]\n// \"comment\"\nfn f() { m!(\"one\", { r#\"two\"# }); let c = '\"'; }\n";
        assert_eq!(strings_of(source), [(4, "one".to_owned()), (4, "two".to_owned())]);
    }

    #[test]
    fn a_string_over_several_lines_has_the_line_it_begins_on() {
        assert_eq!(strings_of("\n\nx(\"a\\n b\")"), [(3, "a  b".to_owned())]);
    }
}
