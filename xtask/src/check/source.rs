//! Reads Rust well enough to tell code from comments and literals, and to see which paths it names.

use std::ops::RangeInclusive;

/// A literal, a path or another piece of a file, with the number of its line.
pub type Located<T> = (usize, T);

/// A Rust file, taken apart.
pub struct Source {
    /// The text in which comments and the insides of literals are blanks: same lines, same columns.
    pub code: String,
    /// The string literals, without their quotes.
    pub strings: Vec<Located<String>>,
    /// Every path of two or more names. `use a::{b, c::d};` gives `a::b` and `a::c::d`.
    pub paths: Vec<Located<Vec<String>>>,
    /// What every `use` brings in.
    pub imports: Vec<Located<Import>>,
    /// The lines that are compiled for tests only.
    test_lines: Vec<RangeInclusive<usize>>,
}

/// A name that `use` brings into a file: `use a::b as c;` brings in `c` for `a::b`, and `use a::*;` has the name `*`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub name: String,
    pub path: Vec<String>,
}

impl Source {
    pub fn read(text: &str) -> Self {
        let (code, strings) = blank_literals(text);
        let paths = paths(&code);
        let imports = imports(&code);
        let test_lines = test_modules(&code);
        Self { code, strings, paths, imports, test_lines }
    }

    /// The same for a file that holds nothing but tests.
    pub fn read_tests(text: &str) -> Self {
        Self { test_lines: vec![1..=usize::MAX], ..Self::read(text) }
    }

    /// Whether a line belongs to tests, which may spell what they test.
    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// The lines of the code in which a piece of text stands.
    pub fn lines_with<'a>(&'a self, piece: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(piece).map(|(at, _)| line_of(&self.code, at))
    }
}

/// The number, from 1, of the line at a byte of a text.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn blank_literals(text: &str) -> (String, Vec<Located<String>>) {
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_name = code.chars().next_back().is_some_and(is_name);
        let (kind, length) = match first {
            '/' if rest.starts_with("//") => (Piece::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Piece::Comment, block_comment(rest)),
            '"' => (Piece::String { head: 1, tail: 1 }, quoted(rest, '"')),
            'r' | 'b' | 'c' if !after_name => raw_string(rest).unwrap_or((Piece::Code, 1)),
            '\'' => (Piece::Char, char_literal(rest)),
            _ => (Piece::Code, first.len_utf8()),
        };
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        match kind {
            Piece::Code => code.push_str(piece),
            Piece::Char if piece.len() == 1 => code.push('\''),
            Piece::Comment | Piece::Char => blank(&mut code, piece),
            Piece::String { head, tail } => {
                let line = line_of(&code, code.len());
                let inside = piece.get(head..piece.len().saturating_sub(tail)).unwrap_or_default();
                strings.push((line, inside.to_owned()));
                code.push('"');
                blank(&mut code, piece.get(1..piece.len() - 1).unwrap_or_default());
                code.push('"');
            }
        }
        rest = tail;
    }
    (code, strings)
}

enum Piece {
    Code,
    Comment,
    Char,
    /// With the lengths of what opens and closes it.
    String {
        head: usize,
        tail: usize,
    },
}

fn blank(code: &mut String, piece: &str) {
    code.extend(piece.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match text.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a literal with escapes, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = true; // the opening quote closes nothing
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + char.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `br#"…"#` and their like; also the `b` of `b"…"`, whose string follows.
fn raw_string(text: &str) -> Option<(Piece, usize)> {
    let opening = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    if text.len() - opening.len() > 2 {
        return None;
    }
    let hashes = opening.len() - opening.trim_start_matches('#').len();
    let body = opening[hashes..].strip_prefix('"')?;
    let head = text.len() - body.len();
    let closing = format!("\"{}", "#".repeat(hashes));
    let tail = closing.len();
    Some((Piece::String { head, tail }, head + body.find(&closing)? + tail))
}

/// The length of a character literal, or 1 for the tick of a lifetime.
fn char_literal(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(char), Some('\'')) => 2 + char.len_utf8(),
        _ => 1,
    }
}

fn test_modules(code: &str) -> Vec<RangeInclusive<usize>> {
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, attribute)| {
            let open = at + attribute.len() + code[at + attribute.len()..].find(['{', ';'])?;
            let declares_module = code[at + attribute.len()..open].split_whitespace().any(|word| word == "mod");
            (declares_module && code.as_bytes()[open] == b'{')
                .then(|| line_of(code, at)..=line_of(code, closing_brace(code, open)))
        })
        .collect()
}

/// Where the brace that opens at a byte is closed.
pub fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn paths(code: &str) -> Vec<Located<Vec<String>>> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut before = ' ';
    let mut before_that = ' ';
    while let Some(first) = rest.chars().next() {
        // `<T as Trait>::name` is no path that a rule speaks of.
        if is_name(first) && !first.is_numeric() && !is_name(before) && (before, before_that) != (':', ':') {
            let length = path(code, rest, &[], &mut found);
            let (piece, tail) = rest.split_at(length);
            before = piece.chars().next_back().unwrap_or(' ');
            before_that = ' ';
            rest = tail;
        } else {
            (before, before_that) = (first, before);
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// Reads one path behind a prefix, notes it and returns its length.
fn path(code: &str, text: &str, prefix: &[String], found: &mut Vec<Located<Vec<String>>>) -> usize {
    let mut names = prefix.to_vec();
    let mut rest = text;
    loop {
        let length = rest.find(|char| !is_name(char)).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(length);
        // In `a::{self}` it is `a` itself.
        let is_prefix = name == "self" && !prefix.is_empty();
        if !is_prefix {
            names.push(name.to_owned());
        }
        rest = tail;
        let Some(next) = rest.strip_prefix("::") else { break };
        if let Some(group) = next.strip_prefix('{') {
            let length = use_group(code, group, &names, found);
            return text.len() - group[length..].len();
        }
        if !next.starts_with(is_name) {
            break;
        }
        rest = next;
    }
    if names.len() > 1 {
        let at = text.as_ptr() as usize - code.as_ptr() as usize;
        found.push((line_of(code, at), names));
    }
    text.len() - rest.len()
}

/// Reads `b, c::d}` behind `a::{` and returns its length.
fn use_group(code: &str, text: &str, prefix: &[String], found: &mut Vec<Located<Vec<String>>>) -> usize {
    let mut at = 0;
    let mut alias = false;
    while let Some(first) = text[at..].chars().next() {
        if first == '}' {
            return at + 1;
        }
        if !is_name(first) {
            at += first.len_utf8();
        } else if alias {
            at += text[at..].find(|char| !is_name(char)).unwrap_or(text.len() - at);
            alias = false;
        } else if text[at..].starts_with("as ") {
            at += 3;
            alias = true;
        } else {
            at += path(code, &text[at..], prefix, found);
        }
    }
    text.len()
}

fn imports(code: &str) -> Vec<Located<Import>> {
    let mut found = Vec::new();
    for (at, word) in code.match_indices("use") {
        let rest = &code[at + word.len()..];
        let begins = !code[..at].ends_with(is_name) && rest.starts_with(char::is_whitespace);
        if let Some(end) = rest.find(';').filter(|_| begins) {
            let mut brought = Vec::new();
            bring_in(&rest[..end], &[], &mut brought);
            let line = line_of(code, at);
            found.extend(brought.into_iter().map(|import| (line, import)));
        }
    }
    found
}

/// Notes what the tree of a `use` brings in behind a prefix.
fn bring_in(tree: &str, prefix: &[String], found: &mut Vec<Import>) {
    let (head, group) = tree.split_once('{').map_or((tree, None), |(head, group)| (head, Some(group)));
    let mut words = head.split_whitespace();
    let path = words.next().unwrap_or_default();
    if path.starts_with("::") {
        return; // another crate, whatever its name is here
    }
    let mut names = prefix.to_vec();
    names.extend(path.split("::").filter(|name| !name.is_empty()).map(str::to_owned));
    if let Some(group) = group {
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        branches(group).for_each(|branch| bring_in(branch, &names, found));
        return;
    }
    if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
        names.pop();
    }
    let alias = words.nth(1).map(str::to_owned);
    match alias.or_else(|| names.last().cloned()) {
        Some(name) if name == "*" => {
            names.pop();
            found.push(Import { name, path: names });
        }
        Some(name) => found.push(Import { name, path: names }),
        None => {}
    }
}

/// What stands between the commas of a group, those of groups within it excepted.
fn branches(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let at_comma = move |char: char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    };
    group.split(at_comma).filter(|branch| !branch.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_of(text: &str) -> Vec<String> {
        Source::read(text).paths.into_iter().map(|(line, names)| format!("{line} {}", names.join("::"))).collect()
    }

    fn strings_of(text: &str) -> Vec<String> {
        Source::read(text).strings.into_iter().map(|(_, string)| string).collect()
    }

    #[test]
    fn comments_are_no_code() {
        let source = Source::read("a(); // env::var\n/* b /* c */ d */ e();\n/// doc \" quote\nf();");
        assert_eq!(source.code.split_whitespace().collect::<Vec<_>>(), ["a();", "e();", "f();"]);
        assert_eq!(source.code.lines().count(), 4);
    }

    #[test]
    fn literals_are_read_whatever_their_quotes() {
        assert_eq!(
            strings_of(r##"f("a \" b", b"c", r"d\", br#"e " f"#, 'x', '"', '\'', "g")"##),
            [r#"a \" b"#, "c", r"d\", "e \" f", "g"]
        );
        assert_eq!(strings_of("fn f<'a>(x: &'a str) -> &'a str { g(\"h\") }"), ["h"]);
        assert_eq!(strings_of("let r#type = bar(\"a\");"), ["a"]);
        assert_eq!(Source::read("\n\"a\nb\"; \"c\"").strings, [(2, "a\nb".to_owned()), (3, "c".to_owned())]);
    }

    #[test]
    fn paths_are_flattened() {
        assert_eq!(
            paths_of("use std::{env::{self, var}, fmt as f, io::*};\nlet x = a::b(c::<D>());"),
            ["1 std::env", "1 std::env::var", "1 std::fmt", "1 std::io", "2 a::b"]
        );
        assert_eq!(
            paths_of("use crate::{\n    users::store,\n    ids::SiteId,\n};"),
            ["2 crate::users::store", "3 crate::ids::SiteId"]
        );
    }

    #[test]
    fn imports_have_the_names_that_they_go_by() {
        let text = "use a;\nuse a::b as c;\npub(crate) use crate::{\n    self as root,\n    d::{self, e::{f, self as g}, *},\n    \
                    h::Trait as _,\n};\nuse ::d::i;\nfn reuse() -> impl Sized + use<'_> { because; }";
        let imports = Source::read(text).imports.into_iter();
        let imports: Vec<String> =
            imports.map(|(line, import)| format!("{line} {} = {}", import.name, import.path.join("::"))).collect();
        assert_eq!(
            imports,
            [
                "1 a = a",
                "2 c = a::b",
                "3 root = crate",
                "3 d = crate::d",
                "3 f = crate::d::e::f",
                "3 g = crate::d::e",
                "3 * = crate::d",
                "3 _ = crate::h::Trait",
            ]
        );
    }

    #[test]
    fn modules_of_tests_are_known() {
        let source = Source::read("a();\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nc();\n#[cfg(test)]\nfn d() {}\n");
        let tests: Vec<usize> = (1..=8).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5]);
    }
}
