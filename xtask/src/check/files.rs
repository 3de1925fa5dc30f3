//! The files of the repository, read once for all checks.

use std::collections::BTreeSet;
use std::process::Command;

use super::source::Source;
use crate::steps::output;

/// A text file: its path from the root of the repository, and what stands in it.
pub struct File {
    pub path: String,
    pub text: String,
    /// The text without comments and literals, if it is Rust.
    pub source: Option<Source>,
}

/// What a commit of everything would hold.
pub struct Tree {
    pub files: Vec<File>,
    /// Every path, those of pictures and other non-texts and of folders too.
    pub paths: BTreeSet<String>,
}

impl Tree {
    /// Reads what git tracks or would track, so that the checks work before the first commit too.
    pub fn read() -> Result<Self, String> {
        // A clone that belongs to somebody else (CI, a container's volume) is no danger for listing names.
        let arguments = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listing = output(Command::new("git").args(arguments))?;
        Ok(Self::of(listing.split_terminator('\0').filter_map(|path| {
            // A file that was removed but not yet from git's index cannot be read, nor can a picture.
            std::fs::read(path).ok().map(|bytes| (path, String::from_utf8(bytes).ok()))
        })))
    }

    /// A tree of these paths; `None` is a file that is not text.
    pub fn of<'a>(entries: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Self {
        let mut tree = Self { files: Vec::new(), paths: BTreeSet::new() };
        for (path, text) in entries {
            tree.paths.insert(path.to_owned());
            for (end, _) in path.match_indices('/') {
                tree.paths.insert(path[..end].to_owned());
            }
            if let Some(text) = text {
                let is_tests = path.split('/').any(|part| part == "tests" || part == "tests.rs");
                let read = if is_tests { Source::read_tests } else { Source::read };
                let source = path.ends_with(".rs").then(|| read(&text));
                tree.files.push(File { path: path.to_owned(), text, source });
            }
        }
        tree
    }

    /// The Rust files below a folder: path from there, and source.
    pub fn rust_below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a Source)> {
        self.files.iter().filter_map(move |file| Some((file.path.strip_prefix(folder)?, file.source.as_ref()?)))
    }
}

/// For the tests of the checks: a tree of a few texts.
#[cfg(test)]
pub fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::of(files.iter().map(|(path, text)| (*path, Some((*text).to_owned()))))
}
