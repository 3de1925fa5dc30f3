//! Every relative link of every Markdown file leads to a file, and its anchor to a heading, by GitHub's rules.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tree;
use super::finding::Finding;

/// Links that lead nowhere. Those into the wide world are not followed: a check needs no network.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let pages: BTreeMap<&str, Page> = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .map(|file| (file.path.as_str(), Page::read(&file.text)))
        .collect();
    let mut findings = Vec::new();
    for (path, page) in &pages {
        for (line, link) in &page.links {
            if let Err(rule) = follow(path, link, &pages, &tree.paths) {
                findings.push(Finding::new(path, *line, rule));
            }
        }
    }
    findings
}

/// A Markdown file: where it can be entered, and where it leads.
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<(usize, String)>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self { anchors: BTreeSet::new(), links: Vec::new() };
        let mut fence: Option<&str> = None;
        for (index, line) in text.lines().enumerate() {
            let start = line.trim_start();
            let marks = ["```", "~~~"].into_iter().find(|marks| start.starts_with(marks));
            match (fence, marks) {
                (None, Some(_)) => fence = marks,
                (Some(open), Some(_)) if marks == Some(open) => fence = None,
                (None, None) => {
                    if let Some(heading) = heading(line) {
                        page.add_anchor(&anchor(heading));
                    }
                    for attribute in ["id=\"", "name=\""] {
                        page.anchors.extend(quoted(line, attribute).map(str::to_owned));
                    }
                    page.links.extend(links(line).into_iter().map(|link| (index + 1, link)));
                }
                _ => {}
            }
        }
        page
    }

    /// The second heading of a name gets `-1`, the third `-2`.
    fn add_anchor(&mut self, anchor: &str) {
        let names = std::iter::once(anchor.to_owned()).chain((1..).map(|number| format!("{anchor}-{number}")));
        let free = names.into_iter().find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| text.trim().trim_end_matches('#').trim_end())
}

/// GitHub's anchor of a heading: its text in small letters, accents kept, punctuation dropped, blanks to `-`.
fn anchor(heading: &str) -> String {
    let mut shown = String::new();
    let mut rest = heading;
    // Of a link, only the text is shown.
    while let Some((before, text, behind)) = rest.split_once('[').and_then(|(before, inside)| {
        let (text, target) = inside.split_once("](")?;
        Some((before, text, target.split_once(')')?.1))
    }) {
        shown.push_str(before);
        shown.push_str(text);
        rest = behind;
    }
    shown.push_str(rest);
    let kept = shown.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// The targets of the links and pictures of a line.
fn links(line: &str) -> Vec<String> {
    let line = without_code(line);
    let mut found: Vec<String> = Vec::new();
    for (at, opening) in line.match_indices("](") {
        let target = &line[at + opening.len()..];
        // A target may itself hold a pair of brackets.
        let mut depth = 1;
        let end = target.find(|char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth == 0
        });
        found.extend(end.map(|end| target[..end].to_owned()));
    }
    let definition = line.trim_start().strip_prefix('[').and_then(|line| line.split_once("]:"));
    // What begins with `^` is a footnote, whose text is no target.
    found.extend(definition.filter(|(name, _)| !name.starts_with('^')).map(|(_, target)| target.trim().to_owned()));
    found.extend(quoted(&line, "href=\"").map(str::to_owned));
    found.extend(quoted(&line, "src=\"").map(str::to_owned));
    // A title may follow the target, and the target may stand in angle brackets.
    let bare = |target: String| match target.trim().strip_prefix('<').and_then(|target| target.split_once('>')) {
        Some((target, _)) => target.to_owned(),
        None => target.split_whitespace().next().unwrap_or_default().to_owned(),
    };
    found.into_iter().map(bare).collect()
}

/// A line in which what stands between backticks is gone.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    // Without a partner the last backtick is only itself.
    let closed = if parts.len().is_multiple_of(2) { parts.len() - 1 } else { parts.len() };
    let kept = parts.iter().enumerate().filter(|(index, _)| index % 2 == 0 || *index >= closed);
    kept.map(|(_, part)| *part).collect()
}

/// What stands between the quotes of every such attribute.
fn quoted<'a>(line: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(attribute).skip(1).filter_map(|rest| rest.split_once('"').map(|(value, _)| value))
}

fn follow(from: &str, link: &str, pages: &BTreeMap<&str, Page>, paths: &BTreeSet<String>) -> Result<(), String> {
    if link.contains("://") || link.starts_with("//") || link.starts_with("mailto:") || link.starts_with("data:") {
        return Ok(());
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { from.to_owned() } else { join(from, &decoded(file)) };
    if !target.is_empty() && !paths.contains(&target) {
        return Err(format!("the link {link} leads nowhere: there is no {target}"));
    }
    match (anchor.map(decoded), pages.get(target.as_str())) {
        (Some(anchor), Some(page)) if !anchor.is_empty() && !page.anchors.contains(&anchor) => {
            Err(format!("the link {link} leads nowhere: {target} has no heading #{anchor}"))
        }
        _ => Ok(()),
    }
}

/// A relative address seen from a file, as a path from the root of the repository.
fn join(from: &str, to: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if to.starts_with('/') {
        parts.clear();
    }
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = text
            .get(text.len() - behind.len()..text.len() - behind.len() + 2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    #[test]
    fn anchors_are_githubs() {
        assert_eq!(anchor("Étape 1 : Créer un compte"), "étape-1--créer-un-compte");
        assert_eq!(anchor("1. Vue d'ensemble"), "1-vue-densemble");
        assert_eq!(anchor("The `serve` command, and [more_words](a.md)"), "the-serve-command-and-more_words");
    }

    #[test]
    fn links_that_lead_somewhere_are_quiet() {
        let page = "# One\n## Two\n## Two\n<a id=\"three\"></a>\n[a](#one) [b](#two-1 \"title\") [c](#three)\n\
                    [d](docs/b.md#%C3%A9t%C3%A9) ![e](<docs/e f.png>) [f](docs/) [g](https://example.org/x)\n\
                    `[h](nowhere)`\n```\n[i](nowhere)\n# no heading\n```\n[j]: docs/b.md\n\
                    <img src=\"docs/e%20f.png\">\n[^1]: a footnote\n";
        let other = "# Été\n[up](../a.md) [root](/a.md)";
        assert_eq!(check(&tree(&[("a.md", page), ("docs/b.md", other), ("docs/e f.png", "")])), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let page = "# One\n[a](#two)\n[b](b.md)\n[c](c.md#three)\n![d](d.png)\n[e]: e.md\n<a href=\"f.md\">f</a>\n";
        let found = places(&check(&tree(&[("docs/a.md", page), ("docs/c.md", "# Two\n")])));
        assert_eq!(found, ["docs/a.md:2", "docs/a.md:3", "docs/a.md:4", "docs/a.md:5", "docs/a.md:6", "docs/a.md:7"]);
    }
}
