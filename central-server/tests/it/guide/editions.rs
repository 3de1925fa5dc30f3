//! Our edition of the guide, in both languages: the original's text with the listed differences and no others; and the
//! document that says of every requirement of the guide what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use neopro_central::config::{VARIABLES, Variable};

use super::differences::quoted_in;
use super::document::{Block, Document};
use super::editor::Editor;
use super::step9::{Person, account, option_b};
use super::{Service, filled, hashes};
use crate::support::Cluster;

const FRENCH: &str = "guide-mise-en-production.md";
const ENGLISH: &str = "production-guide.md";
const CHECKLIST: &str = "guide-checklist.md";

/// How many requirements the guide was taken apart into: G-001 to G-202.
const REQUIREMENTS: usize = 202;

/// What may be said of a requirement; of the first two, tests prove it, or a part of it.
const STATES: [&str; 5] = ["vérifié", "en partie", "à la main", "pas encore", "pas ici"];

/// The lines that say something, and do it outside of nothing: blocks are lines like any others.
fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty()).collect()
}

/// What of the first text is not in the second, and the other way round, by the longest text that both have.
fn changed<'a>(from: &[&'a str], to: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let width = to.len() + 1;
    let mut longest = vec![0u16; (from.len() + 1) * width];
    for (at, line) in from.iter().enumerate().rev() {
        for (other, second) in to.iter().enumerate().rev() {
            longest[at * width + other] = if line == second {
                longest[(at + 1) * width + other + 1] + 1
            } else {
                longest[(at + 1) * width + other].max(longest[at * width + other + 1])
            };
        }
    }
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    let (mut at, mut other) = (0, 0);
    while at < from.len() || other < to.len() {
        if at < from.len() && other < to.len() && from[at] == to[other] {
            (at, other) = (at + 1, other + 1);
        } else if other == to.len()
            || at < from.len() && longest[(at + 1) * width + other] >= longest[at * width + other + 1]
        {
            gone.push(from[at]);
            at += 1;
        } else {
            new.push(to[other]);
            other += 1;
        }
    }
    (gone, new)
}

/// Where an edition, the original and the list of differences do not fit together.
fn faults(original: &str, edition: &str, differences: &Document) -> Vec<String> {
    let (gone, new) = changed(&lines(original), &lines(edition));
    let sections = differences.sections();
    let quoted = |language| sections.iter().flat_map(move |section| quoted_in(section, language)).collect();
    let (listed, instead): (BTreeSet<&str>, BTreeSet<&str>) = (quoted("guide"), quoted("edition"));
    let mut faults = Vec::new();
    faults.extend(gone.iter().filter(|line| !listed.contains(*line)).map(|line| format!("gone, not listed: {line}")));
    faults.extend(new.iter().filter(|line| !instead.contains(*line)).map(|line| format!("new, not listed: {line}")));
    // And the list says nothing that is not so.
    for section in sections.iter().filter(|section| quoted_in(section, "edition").next().is_some()) {
        let kept = quoted_in(section, "guide").filter(|line| !gone.contains(line));
        faults.extend(kept.map(|line| format!("listed as replaced, and still there: {line}")));
        let absent = quoted_in(section, "edition").filter(|line| !new.contains(line));
        faults.extend(absent.map(|line| format!("listed as new, and not there: {line}")));
    }
    faults
}

#[test]
fn the_french_edition_is_the_original_with_the_listed_differences_and_no_others() {
    let (original, edition, differences) = (Document::original(), Document::read(FRENCH), Document::differences());
    let faults = faults(&original.text, &edition.text, &differences);
    assert!(faults.is_empty(), "docs/{FRENCH} and docs/guide-differences.md:\n{}", faults.join("\n"));
}

#[test]
fn a_difference_that_is_not_listed_would_be_found() {
    let (original, edition, differences) = (Document::original(), Document::read(FRENCH), Document::differences());
    let seen = |from: &str, to: &str| {
        assert!(edition.text.contains(from), "{from}");
        let changed = edition.text.replacen(from, to, 1);
        !faults(&original.text, &changed, &differences).is_empty()
    };
    // One word, one letter of a command, a line less, a line more, a line elsewhere.
    assert!(seen("Ouvrir https://upstash.com", "Aller sur https://upstash.com"));
    assert!(seen("openssl rand -base64 48", "openssl rand -base64 32"));
    assert!(seen("6. Cliquer sur **Install & Authorize**\n", ""));
    assert!(seen("## Dépannage\n", "## Dépannage\n\nDemander à quelqu'un.\n"));
    let moved = "- [ ] Dashboard accessible\n- [ ] Login fonctionne avec l'admin\n";
    assert!(seen(moved, "- [ ] Login fonctionne avec l'admin\n- [ ] Dashboard accessible\n"));
    // A listed difference that was forgotten, and one that was mended without its list.
    assert!(seen("| Runtime | `Rust` |", "| Runtime | `Node` |"));
    assert!(seen("| Runtime | `Rust` |", "| Runtime | `Rust 1.95` |"));
}

/// Levels and texts.
fn headings(text: &str) -> Vec<(usize, &str)> {
    let mut open = false;
    let mut found = Vec::new();
    for line in text.lines() {
        open ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if !open && title.len() < line.len() && title.starts_with(' ') {
            found.push((line.len() - title.len(), title.trim()));
        }
    }
    found
}

/// The number that a heading carries: `6.4.`, or that of a whole step.
fn step(heading: &str) -> &str {
    let number = heading.strip_prefix("Étape ").or_else(|| heading.strip_prefix("Step ")).unwrap_or(heading);
    let word = number.split([' ', ':']).next().unwrap_or_default();
    if word.starts_with(|first: char| first.is_ascii_digit()) { word } else { "" }
}

#[test]
fn the_three_have_the_same_headings() {
    let (original, french, english) = (Document::original(), Document::read(FRENCH), Document::read(ENGLISH));
    let ours = headings(&french.text);
    assert!(ours.len() > 60, "{}", ours.len());
    assert_eq!(ours, headings(&original.text));
    let shape = |headings: Vec<(usize, &str)>| -> Vec<(usize, String)> {
        headings.into_iter().map(|(level, title)| (level, step(title).to_owned())).collect()
    };
    assert_eq!(shape(headings(&english.text)), shape(ours));
}

/// A block in which comments only count as such: each language has its own.
fn without_comments(block: &Block) -> String {
    let comment = |line: &&str| line.starts_with("# ") || line.starts_with("-- ");
    block.text.lines().map(|line| if comment(&line) { "comment" } else { line }).collect::<Vec<_>>().join("\n")
}

fn blocks(document: &Document) -> Vec<(&str, &Block)> {
    let sections = document.sections().iter();
    sections.flat_map(|section| section.blocks.iter().map(|block| (section.heading.as_str(), block))).collect()
}

#[test]
fn what_is_copied_is_the_same_in_the_three() {
    let (original, french, english) = (Document::original(), Document::read(FRENCH), Document::read(ENGLISH));
    let (first, ours, translated) = (blocks(&original), blocks(&french), blocks(&english));
    assert_eq!((ours.len(), translated.len()), (first.len(), first.len()));
    let mut differing = Vec::new();
    for (((heading, original), (_, ours)), (_, translated)) in first.iter().zip(&ours).zip(&translated) {
        assert_eq!((&ours.language, &translated.language), (&original.language, &original.language), "{heading}");
        assert_eq!(without_comments(translated), without_comments(ours), "{heading}");
        if ours.text != original.text {
            differing.push(*heading);
        }
    }
    // The command of the first account, and the answer that names the version.
    assert_eq!(differing, ["Option A : Via le shell Render (recommandé)", "10.1. Tester le health check"]);
}

/// What a translation must not change: codes and addresses, in whatever order a language has them.
fn untranslated(lines: &[String]) -> Vec<&str> {
    let codes = lines.iter().flat_map(|line| line.split('`').skip(1).step_by(2));
    let words = lines.iter().flat_map(|line| line.split([' ', '(', ')', '`', ',']));
    let mut found: Vec<&str> = codes.chain(words.filter(|word| word.starts_with("https://"))).collect();
    found.sort_unstable();
    found
}

#[test]
fn the_english_edition_says_all_that_the_french_one_says() {
    let (french, english) = (Document::read(FRENCH), Document::read(ENGLISH));
    assert_eq!(english.sections().len(), french.sections().len());
    for (ours, translated) in french.sections().iter().zip(english.sections()) {
        let said = |lines: &[String]| lines.iter().filter(|line| !line.trim().is_empty()).count();
        assert_eq!(said(&translated.lines), said(&ours.lines), "lines of {:?}", ours.heading);
        assert_eq!(untranslated(&translated.lines), untranslated(&ours.lines), "{:?}", ours.heading);
        let start = |line: &String| line.trim_start().chars().next().filter(|first| "0123456789-|*".contains(*first));
        let starts = |lines: &[String]| lines.iter().filter_map(start).collect::<String>();
        assert_eq!(starts(&translated.lines), starts(&ours.lines), "lists and tables of {:?}", ours.heading);
    }
    // It is a translation.
    let same = changed(&lines(&french.text), &lines(&english.text)).0.len();
    assert!(same > 300, "only {same} lines of the French edition are not in the English one");
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}

#[test]
fn every_entry_of_the_contents_leads_to_its_chapter() {
    for name in [FRENCH, ENGLISH] {
        let edition = Document::read(name);
        let mut chapters = headings(&edition.text).into_iter().filter(|(level, _)| *level == 2).map(|(_, title)| title);
        let contents = edition.section(chapters.next().expect("the contents come first"));
        let entries: Vec<(&str, &str)> = contents.lines.iter().filter_map(|line| entry(line)).collect();
        assert_eq!(entries.len(), 14, "docs/{name}");
        // The last chapter, of other people's documentation, stands in no contents.
        for ((title, target), chapter) in entries.into_iter().zip(chapters) {
            assert!(chapter.ends_with(title), "{title:?} stands where {chapter:?} begins in docs/{name}");
            assert_eq!(target, anchor(chapter), "docs/{name}");
        }
    }
}

/// The text and the anchor of a numbered link.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (title, target) = line.split_once(". [")?.1.split_once("](#")?;
    Some((title, target.strip_suffix(')')?))
}

#[test]
fn the_editions_describe_every_variable_as_the_program_does() {
    let french = Document::read(FRENCH);
    let original = Document::original();
    for variable in VARIABLES {
        let named = format!("| `{}` | ", variable.name);
        if original.text.contains(&named) {
            assert!(french.text.contains(&named), "{named}");
        } else {
            let row = row(variable);
            let there = french.section("Variables optionnelles").lines.contains(&row);
            assert!(there, "docs/{FRENCH} has to have this row, and docs/{ENGLISH} its translation:\n{row}");
        }
    }
    assert!(VARIABLES.len() > 40, "{}", VARIABLES.len());
}

/// A variable as the second table of the reference has it.
fn row(variable: &Variable) -> String {
    let default = match variable.default {
        Some(words) if words.contains(' ') => words.to_owned(),
        Some(value) => format!("`{value}`"),
        None => "-".to_owned(),
    };
    format!("| `{}` | {} | {default} | `{}` |", variable.name, variable.about, variable.example)
}

#[test]
fn the_editions_name_the_versions_of_the_build() {
    let version = env!("CARGO_PKG_VERSION");
    let rust = env!("CARGO_PKG_RUST_VERSION");
    for name in [FRENCH, ENGLISH] {
        let edition = Document::read(name);
        let [.., base, verified] = lines(&edition.text)[..] else { panic!("docs/{name} has a last line") };
        assert!(base.contains("(guide-original.md)") && base.contains("3.0"), "docs/{name}: {base}");
        assert!(
            verified.contains(&format!("NeoPro {version}")) && verified.contains(" 2026"),
            "docs/{name}: {verified}"
        );
        let answer: serde_json::Value =
            serde_json::from_str(edition.section("10.1.").block("json")).expect("the answer is JSON");
        assert_eq!(answer["version"], version, "docs/{name}");
        assert_eq!(edition.section("6.4.").codes().iter().filter(|code| **code == rust).count(), 1);
    }
}

/// Every source, and every file of words, below these folders.
fn files(folders: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = folders.to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|end| end == "rs" || end == "json") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
    found
}

#[tokio::test]
async fn the_statement_of_our_edition_makes_a_super_admin() {
    let db = Cluster::get().migrated().await;
    let service = Service::on(&db).await;
    let hash = hashes::by_perl("$2b$", "Tir au but 12");
    let person = Person { email: "b@club.test", name: "Par SQL", password: "Tir au but 12", hash: &hash };
    option_b(service.port(), &db, &person).await;

    let edition = Document::read(FRENCH);
    let statement = edition.section("Option B").code(|code| code.starts_with("UPDATE users"));
    let statement = filled(statement, &[("votre@email.com", person.email)]);
    Editor::open(&db).await.run(&statement).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    assert_eq!(account(service.port(), person.email, person.password).await["role"], "super_admin");
}

/// A row of the document: the requirement, its state, the tests that it cites, what is said of it.
fn requirements(text: &str) -> Vec<(&str, &str, Vec<&str>, &str)> {
    let rows = text.lines().filter(|line| line.starts_with("| G-"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, state, tests, said] = cells[..] else { panic!("four cells: {row}") };
        (number, state, tests.split('`').skip(1).step_by(2).collect(), said)
    })
    .collect()
}

#[test]
fn every_requirement_of_the_guide_has_its_line() {
    let document = Document::read(CHECKLIST);
    let rows = requirements(&document.text);
    let numbers: Vec<String> = (1..=REQUIREMENTS).map(|number| format!("G-{number:03}")).collect();
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), numbers);
    let tests = tests();
    for (number, state, cited, said) in &rows {
        assert!(STATES.contains(state), "{number}: {state}");
        assert_eq!(STATES[..2].contains(state), !cited.is_empty(), "{number} is {state} and cites {cited:?}");
        assert!(said.len() > 10 || *state == STATES[0], "{number} is {state} without a word");
        for cited in cited {
            let (file, test) = cited.split_once("::").unwrap_or_else(|| panic!("{number}: {cited} has no file"));
            let files = tests.get(test).unwrap_or_else(|| panic!("{number}: there is no test {test}"));
            assert!(files.contains(file), "{number}: {test} is in {files:?}, not in {file}");
        }
    }
}

/// Every test in the repository, and in which files, a `mod.rs` going by the name of its folder.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = ["central-server", "fleet", "box", "protocol", "xtask", "fuzz"];
    let folders: Vec<PathBuf> =
        crates.iter().flat_map(|name| ["src", "tests"].map(|part| root.join(name).join(part))).collect();
    for (path, text) in files(&folders) {
        let named = if path.ends_with("mod.rs") { path.parent() } else { Some(path.as_path()) };
        let file = named.and_then(Path::file_stem).expect("a name").to_string_lossy().into_owned();
        for test in text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1)) {
            let name = test.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name);
            found.entry(name.expect("the name of a test").to_owned()).or_default().insert(file.clone());
        }
    }
    assert!(found.len() > 500, "{} tests were found", found.len());
    found
}
