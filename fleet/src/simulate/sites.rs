//! Which sites the boxes are of: one line each, as JSON or as CSV.

use std::fmt;

use serde::Deserialize;
use uuid::Uuid;

/// A site and the key of its box.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: Uuid,
    /// Its key, as the server gave it.
    #[serde(alias = "api_key")]
    pub key: String,
}

/// A line that names no site.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSite {
    /// Which line, from 1.
    line: usize,
}

impl fmt::Display for NoSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is neither {{\"id\": …, \"key\": …}} nor id,key", self.line)
    }
}

impl std::error::Error for NoSite {}

/// Reads `{"id": …, "key": …}` or `id,key` from each line. Empty lines, and a first line that says `id,key`, are left
/// out.
///
/// # Errors
/// A line that is neither.
pub fn read(text: &str) -> Result<Vec<Site>, NoSite> {
    let lines = text.lines().map(str::trim).enumerate();
    let wanted = lines.filter(|(number, line)| !(line.is_empty() || *number == 0 && *line == "id,key"));
    wanted.map(|(number, line)| read_line(line).ok_or(NoSite { line: number + 1 })).collect()
}

fn read_line(line: &str) -> Option<Site> {
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let (id, key) = line.split_once(',')?;
    let (id, key) = (id.trim().parse().ok()?, key.trim().to_owned());
    (!key.is_empty() && !key.contains(',')).then_some(Site { id, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_or_csv() {
        let text = "id,key\n00000000-0000-0000-0000-000000000001,ab\n\n\
            {\"id\":\"00000000-0000-0000-0000-000000000002\",\"api_key\":\"cd\",\"site_name\":\"x\"}\n";
        let sites = read(text).expect("sites");
        let keys: Vec<(u128, &str)> = sites.iter().map(|site| (site.id.as_u128(), site.key.as_str())).collect();
        assert_eq!(keys, [(1, "ab"), (2, "cd")]);
    }

    #[test]
    fn a_line_that_is_neither_is_named() {
        for bad in ["x,ab", "00000000-0000-0000-0000-000000000001,", "{\"id\":1}", "nothing"] {
            assert_eq!(read(&format!("\n{bad}")), Err(NoSite { line: 2 }), "{bad}");
        }
    }
}
