//! Rules about texts as such: their length, and words that do not belong in them.

use super::files::Tree;
use super::finding::{Finding, report};

/// From which number of lines a file is looked at, and from which it is refused: it tells two stories.
const LONG: usize = 500;
const TOO_LONG: usize = 600;

/// Written by people, in these languages; what a program wrote is as long as it is.
const WRITTEN: [&str; 3] = [".rs", ".ts", ".tsx"];
const GENERATED: [&str; 4] = ["/generated/", "/dist/", ".d.ts", "/schema.ts"];

/// Words that do not belong in a text. They are put together here, because this is a text too.
struct Banned {
    words: &'static [&'static str],
    /// Where a word stands rightly all the same, if the text goes on like this behind it.
    but_followed_by: &'static [&'static str],
    /// Files that a program writes, which name what they came from.
    but_in: &'static [&'static str],
    why: &'static str,
}

const BANNED: [Banned; 2] = [
    Banned {
        words: &[concat!("/ro", "ot/"), concat!("/ho", "me/")],
        // Where NeoPro 1 is installed on every box in the field, and where Homebrew is on every Linux.
        but_followed_by: &["pi/neopro", "linuxbrew/"],
        but_in: &[],
        why: "a path into somebody's home is true on one machine only",
    },
    Banned {
        words: &[
            concat!("crates", ".io"),
            concat!("registry.npm", "js"),
            concat!("registry.yarn", "pkg"),
            concat!("py", "pi.org"),
            concat!("python", "hosted.org"),
            concat!("deb.deb", "ian.org"),
            concat!("proxy.go", "lang.org"),
        ],
        but_followed_by: &[],
        but_in: &["Cargo.lock", "package-lock.json"],
        why: "which host serves packages is set up on each machine, not here",
    },
];

/// Too long files and banned words are errors, long files a remark.
pub fn check(tree: &Tree) -> Result<String, String> {
    let (too_long, long): (Vec<Finding>, Vec<Finding>) =
        long_files(tree).into_iter().partition(|finding| finding.line > TOO_LONG);
    report([too_long, attributes(tree), banned_words(tree)].concat())?;
    Ok(long.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"))
}

/// Files that are long, each found at its last line.
fn long_files(tree: &Tree) -> Vec<Finding> {
    let written = |path: &str| {
        WRITTEN.iter().any(|end| path.ends_with(end)) && !GENERATED.iter().any(|part| format!("/{path}").contains(part))
    };
    let lines = tree.files.iter().filter(|file| written(&file.path)).map(|file| (file, file.text.lines().count()));
    let rule =
        format!("the file has more than {LONG} lines ({TOO_LONG} are the limit): which two stories does it tell?");
    lines.filter(|(_, lines)| *lines > LONG).map(|(file, lines)| Finding::new(&file.path, lines, &rule)).collect()
}

fn attributes(tree: &Tree) -> Vec<Finding> {
    let rule =
        "a lint is expected with its reason, `#[expect(…, reason = …)]`, which is noticed when it no longer fires";
    let found = tree.rust_below("").flat_map(|(path, source)| {
        let lines = source.lines_with("#[allow(").chain(source.lines_with("#![allow("));
        lines.map(|line| Finding::new(path, line, rule)).collect::<Vec<_>>()
    });
    found.collect()
}

fn banned_words(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for banned in BANNED.iter().filter(|banned| !banned.but_in.iter().any(|end| file.path.ends_with(end))) {
            // A test of Rust may make up a home.
            let is_test = |line: usize| file.source.as_ref().is_some_and(|source| source.is_test(line));
            let lines = file.text.lines().enumerate().map(|(index, line)| (index + 1, line));
            let found = lines.filter(|(number, line)| banned.is_in(line) && !is_test(*number));
            findings.extend(found.map(|(number, _)| Finding::new(&file.path, number, banned.why)));
        }
    }
    findings
}

impl Banned {
    fn is_in(&self, line: &str) -> bool {
        self.words.iter().flat_map(|word| line.match_indices(word)).any(|(at, word)| {
            let behind = &line[at + word.len()..];
            // `/api/home/` and `example.org/home/` are addresses; a path starts at its slash.
            let inside = word.starts_with('/')
                && line[..at].ends_with(|char: char| char.is_alphanumeric() || "._-}".contains(char));
            !inside && !self.but_followed_by.iter().any(|start| behind.starts_with(start))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    #[test]
    fn a_long_file_is_a_remark_and_a_longer_one_an_error() {
        let lines = |count: usize| "x();\n".repeat(count);
        assert_eq!(check(&tree(&[("a.rs", &lines(500))])), Ok(String::new()));
        assert!(check(&tree(&[("a.ts", &lines(501))])).is_ok_and(|remark| remark.starts_with("a.ts:501")));
        assert!(check(&tree(&[("a.tsx", &lines(601))])).is_err_and(|error| error.starts_with("a.tsx:601")));
        assert_eq!(check(&tree(&[("a.sql", &lines(601)), ("generated/a.ts", &lines(601))])), Ok(String::new()));
    }

    #[test]
    fn lints_are_not_switched_off() {
        let text = "#![allow(dead_code)]\n// #[allow(x)]\n#[expect(a, reason = \"b\")]\n#[allow(c)]\nfn d() {}\n";
        assert_eq!(places(&attributes(&tree(&[("a.rs", text)]))), ["a.rs:4", "a.rs:1"]);
    }

    #[test]
    fn homes_of_one_machine_are_found_and_the_boxes_own_is_not() {
        for text in [concat!("cd /ro", "ot/work"), concat!("\"/ho", "me/ann/x\""), concat!("see /ho", "me/pi/other")] {
            assert_eq!(places(&banned_words(&tree(&[("a.md", text)]))), ["a.md:1"], "{text}");
        }
        let test = concat!("#[cfg(test)]\nmod tests {\n\"/ho", "me/ann\";\n}\n\"/ho", "me/ann\"");
        assert_eq!(places(&banned_words(&tree(&[("a.rs", test)]))), ["a.rs:5"]);
        for text in [concat!("/ho", "me/pi/neopro/config"), concat!("https://example.org/ho", "me/"), "/root"] {
            assert!(banned_words(&tree(&[("a.md", text)])).is_empty(), "{text}");
        }
    }

    #[test]
    fn hosts_of_registries_are_found_outside_of_lock_files() {
        let text = concat!("\nfrom crates", ".io\n");
        assert_eq!(places(&banned_words(&tree(&[("a.toml", text), ("Cargo.lock", text)]))), ["a.toml:2"]);
    }
}
