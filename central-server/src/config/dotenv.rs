//! The `.env` file of a developer's working directory.
//!
//! Read here and not by a crate: those in use replace `$word` inside values, so that a generated password with a `$`
//! changes unnoticed; take `#alerts-neopro` for a comment; refuse `Nom <adresse>` without quotes; and quote the
//! faulty line, which may hold a secret, in their error.

use std::collections::HashMap;

/// What a `.env` file says, and a French warning for each line that says nothing.
#[derive(Debug, Default)]
pub(super) struct File {
    pub values: HashMap<String, String>,
    pub warnings: Vec<String>,
}

impl File {
    /// The file of the working directory; empty if there is none.
    pub fn here() -> Self {
        match std::fs::read(".env") {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Self::parse(&text),
                Err(error) => {
                    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
                    Self::unreadable(format!("la ligne {line} n'est pas en UTF-8"))
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => Self::unreadable(error.to_string()),
        }
    }

    fn unreadable(why: String) -> Self {
        Self { values: HashMap::new(), warnings: vec![format!(".env : fichier illisible, ignoré ({why})")] }
    }

    /// `NAME=value` lines; later lines win. A value in quotes may span lines; `\n \" \\` count in double quotes only.
    /// A comment begins at a `#` after a blank; as a value's first character only if a blank follows, for
    /// `#alerts-neopro` is a value.
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut lines = text.trim_start_matches('\u{FEFF}').lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = name_and_rest(line).and_then(|(name, rest)| {
                let value = match rest.chars().next() {
                    Some(quote @ ('"' | '\'')) => {
                        // A quote that is never closed spoils its own line, not the rest of the file.
                        let mut ahead = lines.clone();
                        let value = quoted(quote, &rest[1..], &mut ahead)?;
                        lines = ahead;
                        value
                    }
                    _ => without_comment(rest).to_owned(),
                };
                Some((name.to_owned(), value))
            });
            match entry {
                Some((name, value)) => {
                    file.values.insert(name, value);
                }
                None => file
                    .warnings
                    .push(format!(".env, ligne {} : illisible, ignorée ; la forme attendue est NOM=valeur", index + 1)),
            }
        }
        file
    }
}

fn name_and_rest(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let name = name.trim();
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    named.then_some((name, rest.trim()))
}

fn without_comment(value: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        let (before, after) = (&value[..*at], &value[at + 1..]);
        before.ends_with([' ', '\t']) || (before.is_empty() && !after.starts_with(|c: char| !c.is_whitespace()))
    };
    value.match_indices('#').find(begins).map_or(value, |(at, _)| value[..at].trim_end())
}

/// The text up to the closing quote, on this line or a later one; none if there is none or if more text follows it.
fn quoted<'a>(quote: char, first: &'a str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut value = String::new();
    let mut line = first;
    loop {
        let mut characters = line.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                c if c == quote => {
                    let after = line[at + 1..].trim();
                    return (after.is_empty() || after.starts_with('#')).then_some(value);
                }
                '\\' if quote == '"' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    Some((_, other)) => value.extend(['\\', other]),
                    None => value.push('\\'),
                },
                c => value.push(c),
            }
        }
        value.push('\n');
        line = lines.next()?.1;
    }
}
