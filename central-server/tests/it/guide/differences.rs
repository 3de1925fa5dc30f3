//! The original is a byte copy, and what we do not keep of it stands in `docs/guide-differences.md`, quoted exactly.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::document::{Document, Section};

/// What stands in `guide` blocks of the differences is quoted from the guide, in `edition` blocks from our edition, in
/// `ici` blocks what the tests do instead.
const QUOTED: &str = "guide";
const EDITION: &str = "edition";
const INSTEAD: &str = "ici";

/// What holds in the place of a line of the guide. A line that is not listed with its reason has nothing instead.
pub fn instead_of(line: &str) -> String {
    let differences = Document::differences();
    let listed = |section: &&Section| quoted_in(section, QUOTED).any(|quoted| quoted == line);
    let section = differences.sections().iter().find(listed);
    let section = section.unwrap_or_else(|| panic!("docs/guide-differences.md does not list {line:?}"));
    assert!(has_reason(section), "{:?} gives no reason", section.heading);
    section.blocks.iter().find(|block| block.language == INSTEAD).map(|block| block.text.clone()).unwrap_or_default()
}

/// The lines of a section's blocks of this kind.
pub fn quoted_in<'a>(section: &'a Section, kind: &str) -> impl Iterator<Item = &'a str> {
    let blocks = section.blocks.iter().filter(move |block| block.language == kind);
    blocks.flat_map(|block| block.lines.iter().map(String::as_str))
}

fn has_reason(section: &Section) -> bool {
    section.lines.iter().any(|line| line.strip_prefix("**Raison** : ").is_some_and(|reason| reason.len() > 20))
}

#[test]
fn the_original_is_a_byte_copy() {
    let digest = Sha256::digest(Document::original().text.as_bytes());
    assert_eq!(
        data_encoding::HEXLOWER.encode(&digest),
        "917d8007f8adf6f0007b5904c45ae759d72b5af2425d322d1291834098487a5b",
        "docs/guide-original.md is its author's own document; what we do otherwise stands in docs/guide-differences.md"
    );
}

#[test]
fn every_difference_quotes_the_guide_exactly_once_and_has_a_reason() {
    let original = Document::original();
    let differences = Document::differences();
    let lines: BTreeSet<&str> = original.text.lines().collect();
    let mut seen = BTreeSet::new();
    for section in differences.sections().iter().filter(|section| !section.blocks.is_empty()) {
        let quotes = [QUOTED, EDITION].iter().any(|kind| quoted_in(section, kind).next().is_some());
        assert!(quotes, "{:?} quotes nothing", section.heading);
        assert!(has_reason(section), "{:?} gives no reason", section.heading);
        for line in quoted_in(section, QUOTED) {
            assert!(lines.contains(line), "{:?} quotes what the guide does not say: {line:?}", section.heading);
            assert!(seen.insert(line.to_owned()), "quoted twice: {line:?}");
        }
        for block in &section.blocks {
            assert!([QUOTED, EDITION, INSTEAD].contains(&block.language.as_str()), "{:?}: {block:?}", section.heading);
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn the_commands_that_hold_instead_are_those_of_this_program() {
    let build = instead_of("| Build Command | `npm install && npm run build` |");
    assert_eq!(build.trim(), "cargo build --release --locked -p neopro-central");
    assert_eq!(env!("CARGO_PKG_NAME"), "neopro-central");
    for (line, instead) in [
        ("| Start Command | `npm start` |", "./target/release/neopro-central serve"),
        ("   npm run create-admin", "./target/release/neopro-central create-admin"),
    ] {
        assert_eq!(instead_of(line).trim(), instead);
    }
}
