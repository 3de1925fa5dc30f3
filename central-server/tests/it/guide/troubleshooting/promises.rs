//! What our edition lets people expect of an entry: below « Ce que vous verrez », one line for each place in which something is
//! seen, and each sentence that it quotes.

use super::table::TABLE;
use super::trouble::{Place, Trouble};
use crate::guide::document::Document;

/// How the lines begin.
const PLACES: [(Place, &str); 3] = [
    (Place::Log, "- **Dans le journal** : "),
    (Place::Doctor, "- **Dans `doctor`** : "),
    (Place::Screen, "- **À l'écran** : "),
];

/// What is quoted in a line, up to what differs each time: sentences between backticks, and words between quotes.
fn quoted(line: &str) -> Vec<String> {
    let codes = line.split('`').skip(1).step_by(2).filter(|code| code.contains(' '));
    // A sentence between backticks has quotes of its own.
    let prose = line.split('`').step_by(2).flat_map(|part| part.split("« ").skip(1));
    let quotes = prose.filter_map(|rest| rest.split_once(" »"));
    codes.chain(quotes.flat_map(|(said, _)| said.split(" … "))).map(str::to_owned).collect()
}

/// Each place of an entry, and the sentences that are promised there. A place in which nothing is seen says so.
fn promised(edition: &Document, heading: &str) -> Vec<(Place, Vec<String>)> {
    let lines = &edition.section(heading).lines;
    let begins = lines.iter().filter(|line| line.starts_with("**Ce que vous verrez**")).count();
    assert_eq!(begins, 1, "one line of {heading}");
    let found = PLACES.iter().map(|(place, begin)| {
        let [line] = lines.iter().filter_map(|line| line.strip_prefix(*begin)).collect::<Vec<_>>()[..] else {
            panic!("{heading} has one line that begins with {begin:?}")
        };
        let sentences = quoted(line);
        assert_eq!(sentences.is_empty(), line.starts_with("rien"), "{heading}: sentences, or nothing: {line}");
        (*place, sentences)
    });
    found.collect()
}

/// Every sentence that our edition promises for this entry was seen where it says.
pub fn keeps(trouble: &Trouble, heading: &str) {
    for (place, sentences) in promised(&Document::read("guide-mise-en-production.md"), heading) {
        for sentence in sentences {
            assert!(trouble.has_seen(place, &sentence), "{heading}: {sentence:?} was not seen in {place:?}");
        }
    }
}

/// None of the sentences of any entry was seen.
pub fn shows_none(trouble: &Trouble) {
    let edition = Document::read("guide-mise-en-production.md");
    for entry in &TABLE {
        for (place, sentences) in promised(&edition, entry.heading) {
            for sentence in sentences {
                assert!(!trouble.has_seen(place, &sentence), "{}: {sentence:?} in {place:?}", entry.heading);
            }
        }
    }
}

#[test]
fn every_entry_says_where_each_of_its_sentences_is_seen() {
    let edition = Document::read("guide-mise-en-production.md");
    let mut places = [0; 3];
    for entry in &TABLE {
        for ((_, sentences), seen) in promised(&edition, entry.heading).into_iter().zip(&mut places) {
            *seen += usize::from(!sentences.is_empty());
        }
    }
    assert!(places[0] >= 5 && places[1] == TABLE.len() && places[2] >= 5, "{places:?}");
}
