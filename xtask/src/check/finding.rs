//! What a check found, where, and why it matters.

use std::fmt;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    /// The rule that is broken and its reason, as a sentence.
    pub rule: String,
}

impl Finding {
    pub fn new(file: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// No findings is success without a remark; otherwise one line each, and what was found twice in a line once.
pub fn report(mut findings: Vec<Finding>) -> Result<String, String> {
    if findings.is_empty() {
        return Ok(String::new());
    }
    findings.dedup();
    Err(findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"))
}

/// For the tests of the checks: the places that were found, `file:line`.
#[cfg(test)]
pub fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}:{}", finding.file, finding.line)).collect()
}
