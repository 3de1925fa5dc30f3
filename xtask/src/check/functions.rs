//! How long a function may be.

use super::files::Tree;
use super::finding::Finding;
use super::source::{closing_brace, line_of};

/// What fits on a screen and a half: longer ones tell two stories.
const LONGEST: usize = 80;

/// Every function, of tests too, that is longer.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust_below("") {
        for (line, lines, name) in lengths(&source.code).filter(|(_, lines, _)| *lines > LONGEST) {
            findings.push(Finding::new(
                path,
                line,
                format!("{name} has {lines} lines; a function has at most {LONGEST}"),
            ));
        }
    }
    findings
}

/// Where each function with a body begins, how many lines it has and its name.
fn lengths(code: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    code.match_indices("fn ").filter_map(|(at, word)| {
        let begins = !code[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_');
        let rest = &code[at + word.len()..];
        let name = &rest[..rest.find(|char: char| !char.is_alphanumeric() && char != '_')?];
        let open = at + word.len() + body(rest)?;
        let first = line_of(code, at);
        (begins && !name.is_empty()).then(|| (first, 1 + line_of(code, closing_brace(code, open)) - first, name))
    })
}

/// Where the body opens; a declaration ends with a semicolon outside of every bracket instead.
fn body(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    #[test]
    fn a_long_function_is_found_and_one_of_just_the_length_is_not() {
        let function =
            |lines: usize| format!("\nfn f(a: [u8; 2]) -> [u8; 2] {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(places(&check(&tree(&[("a.rs", &function(81))]))), ["a.rs:2"]);
        assert!(check(&tree(&[("a.rs", &function(80))])).is_empty());
    }

    #[test]
    fn declarations_types_and_comments_have_no_length() {
        let text = "trait A { fn a(&self) -> [u8; 4]; }\ntype B = fn (u8) -> u8;\n// fn c() {\nfn d() {\n}\n";
        let source = super::super::source::Source::read(text);
        assert_eq!(lengths(&source.code).collect::<Vec<_>>(), [(4, 2, "d")]);
    }
}
