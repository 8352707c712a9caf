//! As much of Markdown as the tests need: the repository's files, their blocks of code, their headings and links.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::applications::tools::repository;

/// A Markdown file of the repository.
pub(super) struct Page {
    /// Relative to the repository.
    pub(super) path: PathBuf,
    text: String,
}

/// A fenced block of code.
pub(super) struct Block<'a> {
    pub(super) language: &'a str,
    pub(super) text: String,
    /// Where it begins: `README.md:12`.
    pub(super) place: String,
}

/// Every Markdown file of the repository, without what is built or installed.
pub(super) fn pages() -> Vec<Page> {
    let root = repository();
    let mut pages = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                let skipped = name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.');
                folders.extend((!skipped).then_some(path));
            } else if path.extension().is_some_and(|end| end == "md") {
                let text = fs::read_to_string(&path).expect("Markdown is text");
                pages.push(Page { path: path.strip_prefix(&root).expect("it is below").to_owned(), text });
            }
        }
    }
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(pages.iter().any(|page| page.path == Path::new("README.md")), "the README is among them");
    pages
}

impl Page {
    /// The blocks of code, in order.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (number, line) in self.text.lines().enumerate() {
            match (line.strip_prefix("```"), open.as_mut()) {
                (Some(language), None) => {
                    let place = format!("{}:{}", self.path.display(), number + 1);
                    open = Some(Block { language, text: String::new(), place });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
        }
        blocks
    }

    /// The lines that are no code.
    fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let lines = self.text.lines().enumerate().filter(|(_, line)| {
            let fence = line.starts_with("```");
            inside ^= fence;
            !inside && !fence
        });
        lines.map(|(number, line)| (number + 1, line)).collect()
    }

    /// The names that a link can give to the page's headings, as common viewers make them.
    pub(super) fn anchors(&self) -> Vec<String> {
        let headings = self.prose().into_iter().filter(|(_, line)| line.starts_with('#'));
        headings.map(|(_, line)| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// The targets of links, each with its line.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let of_line = |(number, line): (usize, &str)| {
            // Code spans hold no links.
            let bare: String = line.split('`').step_by(2).collect();
            let targets = bare.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
            targets.map(|target| (number, target)).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(of_line).collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn blocks_headings_and_links_are_found() {
    let text = "# One `[two]`, three\n[a](b.md#c) `[x](y)` [`d`](e)\n```toml\n# [no](link)\na = 1\n```\n".to_owned();
    let page = Page { path: PathBuf::from("a.md"), text };
    assert_eq!(page.anchors(), ["one-two-three"]);
    assert_eq!(page.links(), [(2, "b.md#c".to_owned()), (2, "e".to_owned())]);
    let blocks: Vec<_> = page.blocks().into_iter().map(|block| (block.language, block.text, block.place)).collect();
    assert_eq!(blocks, [("toml", "# [no](link)\na = 1\n".to_owned(), "a.md:3".to_owned())]);
}
