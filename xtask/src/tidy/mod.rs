//! `cargo xtask tidy`: the rules of this workspace that no compiler or linter knows.
//!
//! Each rule reads the same [`Tree`] and answers with findings that say where, what, and what to do.

mod borders;
mod finding;
mod layout;
mod manifest;
mod source;
mod text;
mod tree;

use std::path::Path;

use crate::failure::Failure;
use crate::{terminal, workspace};
use finding::Finding;
use tree::Tree;

const RULES: [fn(&Tree) -> Vec<Finding>; 4] = [text::check, source::check, layout::check, borders::check];

/// Checks the workspace, prints every finding, and fails when there is one.
pub(crate) fn run() -> Result<(), Failure> {
    check_folder(&workspace::root())
}

fn check_folder(root: &Path) -> Result<(), Failure> {
    let tree = Tree::of_repository(root)?;
    let findings = findings(&tree);
    for finding in &findings {
        terminal::say(&finding.to_string());
    }
    match findings.len() {
        0 => {
            terminal::say(&format!("tidy: {} files, nothing to report", tree.files().len()));
            Ok(())
        }
        1 => Err(Failure::found(format!("tidy: 1 finding in {} files", tree.files().len()))),
        count => Err(Failure::found(format!("tidy: {count} findings in {} files", tree.files().len()))),
    }
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let mut all: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    all.sort();
    all
}
