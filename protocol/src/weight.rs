//! How much memory a JSON text takes once it is read.
//!
//! A value is a tree of nodes that are larger than what they are read from: ten megabytes of `{"":0},` become a
//! gigabyte. What people write is far from that, so a text that is not is refused before it is read.

/// Bytes in memory for an object: a node of eleven names and values, and its place in a list. Measured with
/// `serde_json` 1.0, whose objects are B-trees.
const OBJECT: usize = 700;
/// Bytes in memory for a list: its first allocation holds four values.
const LIST: usize = 128;
/// Bytes in memory for one more value: its place in a list that has just doubled, or in a node that is half full.
const MEMBER: usize = 112;

/// What a text may take whatever its length.
pub const FREE: usize = 4 * 1024 * 1024;
/// What it may take for each of its bytes. A configuration of nothing but short videos takes 14.
pub const FAIR: usize = 16;

/// Whether a JSON text takes a fair share of memory when it is read: at most [`FREE`] and [`FAIR`] times its length.
/// What stands in its strings counts as if it were structure, so prose is a little heavier here than it is.
#[must_use]
pub fn is_fair(text: &str) -> bool {
    // However dense it is: the heaviest byte is the `{` of an object with a name and a value.
    if text.len() <= FREE / OBJECT {
        return true;
    }
    let weight: usize = text
        .bytes()
        .map(|byte| match byte {
            b'{' => OBJECT,
            b'[' => LIST,
            b',' => MEMBER,
            _ => 0,
        })
        .sum();
    weight <= FREE + FAIR * text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clubs_and_boxes_write_is_fair_and_what_is_made_to_be_heavy_is_not() {
        let video = r#"{"name":"Boulangerie","path":"videos/SPONSORS/a.mp4","type":"video/mp4","duration":8},"#;
        let item = r#"{"id":"0193d5a8-0000-7000-8000-000000000002","state":"present"},"#;
        for written in [video, item, "une phrase, et une autre, avec des virgules. "] {
            assert!(is_fair(&written.repeat(10_000_000 / written.len())), "{written}");
        }
        for heavy in [r#"{"":0},"#, "0,", "[],", "[0],", r#"[{"a":[]}],"#] {
            assert!(!is_fair(&heavy.repeat(10_000_000 / heavy.len())), "{heavy}");
            assert!(is_fair(&heavy.repeat(5_000 / heavy.len())), "little is little, {heavy}");
        }
    }
}
