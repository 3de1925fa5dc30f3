//! Files of `NAME=value` lines, as `site.conf` and the old agent's `.env` are written.

use std::collections::HashMap;
use std::path::Path;

/// What a file says, and a French warning for each line that says nothing. A warning never quotes a line: it may hold
/// the site's key.
#[derive(Debug, Default)]
pub(super) struct File {
    pub values: HashMap<String, String>,
    pub warnings: Vec<String>,
}

impl File {
    /// Reads a file; one that does not exist says nothing, one that cannot be read is warned of.
    pub fn read(path: &Path) -> Self {
        match std::fs::read(path) {
            // A broken byte spoils its own value, not the file.
            Ok(bytes) => Self::parse(&String::from_utf8_lossy(&bytes), path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => Self {
                warnings: vec![format!("{} : fichier illisible, ignoré ({error}).", path.display())],
                ..Self::default()
            },
        }
    }

    /// The first line that names a variable counts, as for the old agent. Quotes around a value are taken off; a
    /// comment begins at a `#` after a blank, outside quotes.
    pub fn parse(text: &str, path: &Path) -> Self {
        let mut file = Self::default();
        for (index, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match name_and_value(line) {
                Some((name, value)) => {
                    file.values.entry(name.to_owned()).or_insert(value);
                }
                None => file.warnings.push(format!(
                    "{}, ligne {} : illisible, ignorée ; la forme attendue est NOM=valeur.",
                    path.display(),
                    index + 1
                )),
            }
        }
        file
    }
}

fn name_and_value(line: &str) -> Option<(&str, String)> {
    let (name, rest) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let (name, rest) = (name.trim(), rest.trim());
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let Some(quote @ ('"' | '\'')) = rest.chars().next() else {
        let end = rest.find(" #").or_else(|| rest.find("\t#")).unwrap_or(rest.len());
        return Some((name, rest[..end].trim_end().to_owned()));
    };
    let mut value = String::new();
    let mut characters = rest[1..].chars();
    loop {
        match characters.next()? {
            c if c == quote => return Some((name, value)),
            '\\' if quote == '"' => match characters.next()? {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_old_agent_read_them() {
        let file = File::parse(
            "# NeoPro\nSITE_ID=a-b\nexport CLUB_NAME=\"CA \\\"Vitré\\\" #1\"\nSPORTS='foot, hand' # deux\nLOG_LEVEL=debug # x\n\
             SITE_ID=second\nEMPTY=\nP=a#b\nnot a line\nQ=\"open",
            Path::new("site.conf"),
        );
        let value = |name: &str| file.values.get(name).map(String::as_str);
        assert_eq!(value("SITE_ID"), Some("a-b"));
        assert_eq!(value("CLUB_NAME"), Some("CA \"Vitré\" #1"));
        assert_eq!(value("SPORTS"), Some("foot, hand"));
        assert_eq!(value("LOG_LEVEL"), Some("debug"));
        assert_eq!(value("EMPTY"), Some(""));
        assert_eq!(value("P"), Some("a#b"));
        assert_eq!(file.warnings.len(), 2, "{:?}", file.warnings);
        assert!(file.warnings[0].contains("ligne 9") && !file.warnings[1].contains("open"), "{:?}", file.warnings);
    }
}
