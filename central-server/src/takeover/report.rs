//! What a takeover has to tell.

use std::fmt::{self, Write as _};

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows that are in our tables.
    Taken,
    /// Rows that had to be changed for that.
    Changed,
    /// Rows that stay in the schema `neopro_1` alone.
    Kept,
    /// What was not of NeoPro 1, and had to move.
    Foreign,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Taken, Self::Changed, Self::Kept, Self::Foreign];

    /// The word in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Changed => "changed",
            Self::Kept => "kept",
            Self::Foreign => "foreign",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Taken => "Repris",
            Self::Changed => "Repris autrement, à vérifier",
            Self::Kept => "Gardé à part, dans le schéma neopro_1",
            Self::Foreign => "Étranger à NeoPro 1",
        }
    }
}

/// A sentence, and of how many rows it speaks.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is about.
    pub kind: Kind,
    /// The sentence, in French.
    pub sentence: String,
    /// How many rows.
    pub rows: i64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// All of it.
#[derive(Debug)]
pub struct Report {
    /// In the order in which it was noted.
    pub lines: Vec<Line>,
    /// What the schema `neopro_1` takes on the disk.
    pub bytes: i64,
}

impl Report {
    /// One sentence for each line, without names and addresses: for the log.
    pub fn for_the_log(&self) -> impl Iterator<Item = String> {
        self.lines.iter().map(|line| format!("{} — {} : {}", line.kind.heading(), line.sentence, line.rows))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            let mut lines = self.lines.iter().filter(|line| line.kind == kind).peekable();
            if lines.peek().is_some() {
                writeln!(f, "\n{} :", kind.heading())?;
            }
            for line in lines {
                writeln!(f, "  {} : {}", line.sentence, grouped(line.rows))?;
                for example in &line.examples {
                    // What comes from a database is not to move the cursor of a terminal.
                    writeln!(f, "    {}", example.replace(char::is_control, "�"))?;
                }
            }
        }
        let megabytes = grouped(self.bytes.div_euclid(1_000_000).max(1));
        writeln!(
            f,
            "\nLes anciennes tables restent telles quelles dans le schéma neopro_1 ({megabytes} Mo), sans leurs secrets en \
             clair. Ce rapport y est aussi : select * from neopro_1.takeover;"
        )
    }
}

/// A number as it is read in French: thousands apart.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            let _ = write!(text, "\u{202f}");
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_report_names_rows_where_a_log_counts_them() {
        let line = Line {
            kind: Kind::Changed,
            sentence: "Comptes suspendus".into(),
            rows: 2,
            examples: vec!["A@b.test\u{1b}[2J".into()],
        };
        let report = Report { lines: vec![line], bytes: 1 };
        assert!(report.to_string().contains("A@b.test�"), "{report}");
        let log: Vec<_> = report.for_the_log().collect();
        assert_eq!(log, ["Repris autrement, à vérifier — Comptes suspendus : 2"]);
    }
}
