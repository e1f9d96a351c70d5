//! Exceptions from the lints are allowed, unexplained ones are not.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::tokens;
use super::tree::{Fault, Tree};

/// Every `allow` and `expect` attribute says its reason. Clippy says so too, but only in crates that ask it,
/// only in code that is compiled here, and it can be allowed itself.
pub(super) fn every_allow_has_a_reason(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.ending(&["rs"]) {
        match tokens::of(file) {
            Err(fault) => faults.push(fault),
            Ok(source) => {
                faults.extend(
                    unexplained(source).into_iter().map(|line| file.fault(line, "an `allow` without a reason")),
                );
            }
        }
    }
    faults
}

/// The lines of exceptions without a reason.
fn unexplained(source: TokenStream) -> Vec<usize> {
    let mut lines = Vec::new();
    for attribute in attributes(source) {
        let mut before: Option<(String, usize)> = None;
        tokens::walk(attribute, &mut |token| {
            match (token, &before) {
                (TokenTree::Group(group), Some((name, line)))
                    if (name == "allow" || name == "expect") && !says_reason(group.stream()) =>
                {
                    lines.push(*line);
                }
                _ => {}
            }
            before = match token {
                TokenTree::Ident(name) => Some((name.to_string(), name.span().start().line)),
                _ => None,
            };
            true
        });
    }
    lines
}

/// What is between the brackets of each `#[...]` and `#![...]`.
fn attributes(source: TokenStream) -> Vec<TokenStream> {
    let mut found = Vec::new();
    let mut after_hash = false;
    tokens::walk(source, &mut |token| {
        match token {
            TokenTree::Group(group) if after_hash && group.delimiter() == Delimiter::Bracket => {
                found.push(group.stream());
            }
            _ => {}
        }
        after_hash = match token {
            TokenTree::Punct(mark) => mark.as_char() == '#' || after_hash && mark.as_char() == '!',
            _ => false,
        };
        true
    });
    found
}

fn says_reason(inside: TokenStream) -> bool {
    inside.into_iter().any(|token| matches!(token, TokenTree::Ident(name) if name == "reason"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::faults;

    #[test]
    fn an_allow_without_a_reason_is_found() {
        let source = "#![allow(dead_code)]\n#[allow(unused, reason = \"because\")]\nfn f() { allow(1); }\n\
                      #[cfg_attr(test, expect(\n    unused\n))]\nfn g() {}\n";
        let found = faults(every_allow_has_a_reason, &[("crates/a/src/lib.rs", source)]);
        assert_eq!(
            found,
            [
                "crates/a/src/lib.rs:1: an `allow` without a reason",
                "crates/a/src/lib.rs:4: an `allow` without a reason"
            ]
        );
    }
}
