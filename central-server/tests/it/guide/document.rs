//! A very small reader of Markdown: headings, and the fenced blocks below each.

use std::path::Path;

/// A document of `docs`, as it stands in the repository.
pub struct Document {
    pub text: String,
    sections: Vec<Section>,
}

/// A heading and what stands below it, up to the next heading of any level.
#[derive(Debug)]
pub struct Section {
    pub heading: String,
    /// The lines outside of blocks.
    pub lines: Vec<String>,
    pub blocks: Vec<Block>,
}

/// What is copied and pasted.
#[derive(Debug)]
pub struct Block {
    pub language: String,
    /// Without the indentation that the list around the block asks for.
    pub text: String,
    /// As it stands in the document.
    pub lines: Vec<String>,
}

impl Document {
    /// The guide as its author wrote it.
    pub fn original() -> Self {
        Self::read("guide-original.md")
    }

    /// What of it this version does not keep.
    pub fn differences() -> Self {
        Self::read("guide-differences.md")
    }

    /// The one of this name.
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        Self::of(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("docs/{name}: {error}")))
    }

    fn of(text: String) -> Self {
        let mut sections = vec![Section { heading: String::new(), lines: Vec::new(), blocks: Vec::new() }];
        let mut open: Option<(usize, Block)> = None;
        for line in text.lines() {
            let start = line.trim_start();
            let indent = line.len() - start.len();
            let section = sections.last_mut().expect("there is always one");
            match (&mut open, start.strip_prefix("```")) {
                (None, Some(language)) => {
                    let block = Block { language: language.trim().into(), text: String::new(), lines: Vec::new() };
                    open = Some((indent, block));
                }
                (Some(_), Some("")) => section.blocks.extend(open.take().map(|(_, block)| block)),
                (Some((outer, block)), _) => {
                    block.text.push_str(&line[indent.min(*outer)..]);
                    block.text.push('\n');
                    block.lines.push(line.to_owned());
                }
                (None, None) => match start.trim_start_matches('#').strip_prefix(' ') {
                    Some(heading) if line.starts_with('#') => sections.push(Section {
                        heading: heading.trim().to_owned(),
                        lines: Vec::new(),
                        blocks: Vec::new(),
                    }),
                    _ => section.lines.push(line.to_owned()),
                },
            }
        }
        assert!(open.is_none(), "a block is never closed");
        Self { text, sections }
    }

    /// All sections, in order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The one section whose heading begins like this.
    pub fn section(&self, heading: &str) -> &Section {
        let mut found = self.sections.iter().filter(|section| section.heading.starts_with(heading));
        let section = found.next().unwrap_or_else(|| panic!("no heading begins with {heading:?}"));
        assert!(found.next().is_none(), "several headings begin with {heading:?}");
        section
    }
}

impl Section {
    /// The one block of a language; without a language it is `""`.
    pub fn block(&self, language: &str) -> &str {
        let mut found = self.blocks.iter().filter(|block| block.language == language);
        let block = found.next().unwrap_or_else(|| panic!("no block of {language:?} in {:?}", self.heading));
        assert!(found.next().is_none(), "several blocks of {language:?} in {:?}", self.heading);
        &block.text
    }

    /// What stands between backticks, in order.
    pub fn codes(&self) -> Vec<&str> {
        self.lines.iter().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    /// The one thing between backticks that this is true of.
    pub fn code(&self, wanted: impl Fn(&str) -> bool) -> &str {
        match self.codes().into_iter().filter(|code| wanted(code)).collect::<Vec<_>>()[..] {
            [code] => code,
            ref codes => panic!("{:?} should have one, not {codes:?}", self.heading),
        }
    }
}

#[test]
fn headings_blocks_and_codes_are_found() {
    let text =
        "# A\n\nsee `x` and `y.sql`\n1. one:\n   ```bash\n   # no heading\n     deep\n   ```\n## B c\n```\nz\n```\n";
    let document = Document::of(text.into());
    let first = document.section("A");
    assert_eq!(first.block("bash"), "# no heading\n  deep\n");
    assert_eq!(first.blocks[0].lines, ["   # no heading", "     deep"]);
    assert_eq!((first.codes(), first.code(|code| code.ends_with(".sql"))), (vec!["x", "y.sql"], "y.sql"));
    assert_eq!(document.section("B").block(""), "z\n");
    assert_eq!(document.sections().len(), 3);
}
