//! Configurations that no club has, as large as a message may be and larger.

use std::sync::OnceLock;

use super::wire::{TEXT, frame};

fn mirror(members: &str) -> Vec<u8> {
    frame(TEXT, format!("42[\"sync_local_state\",{{\"configHash\":\"0\",\"config\":{{{members}}}}}]").as_bytes())
}

/// Just below ten million bytes: of entries as a club has them, of one text, and of as many values as there can be.
pub fn huge() -> &'static [Vec<u8>; 3] {
    static HUGE: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    HUGE.get_or_init(|| {
        let entry = |number: usize| {
            let comment = format!("{number} ").repeat(30);
            format!("{{\"name\":\"Partenaire {number}\",\"token\":\"{number:08}\",\"path\":\"{comment}\"}}")
        };
        let entries: Vec<String> = (100_000..136_000).map(entry).collect();
        let text = "le club ".repeat(1_240_000);
        let values = "{\"\":0},".repeat(1_400_000);
        [
            mirror(&format!("\"sponsors\":[{}]", entries.join(","))),
            mirror(&format!("\"name\":\"{text}\"")),
            mirror(&format!("\"a\":[{values}0]")),
        ]
    })
}

/// More than ten million bytes.
pub fn larger() -> &'static [u8] {
    static LARGER: OnceLock<Vec<u8>> = OnceLock::new();
    LARGER.get_or_init(|| mirror(&format!("\"name\":\"{}\"", "x".repeat(11_000_000))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_large_as_they_are_said_to_be() {
        for huge in huge() {
            assert!((9_500_000..10_000_000).contains(&huge.len()), "{}", huge.len());
        }
        assert!(larger().len() > 10_000_000);
    }
}
