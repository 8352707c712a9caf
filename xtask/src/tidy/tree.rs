//! The files of the repository as the rules see them: paths and texts, without git or a file system behind them.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::rust_text::{self, Line};

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    path: String,
    text: String,
}

impl File {
    /// Relative to the repository, with `/` between folders.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The crate's folder name when the file is in `crates/`.
    pub(crate) fn crate_folder(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split_once('/').map(|(folder, _)| folder)
    }

    pub(crate) fn rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Rust source of a crate or of xtask: what is built into a program or library, with its unit tests.
    pub(crate) fn crate_source(&self) -> bool {
        let below_src = match self.crate_folder() {
            Some(folder) => self.path.starts_with(&format!("crates/{folder}/src/")),
            None => self.path.starts_with("xtask/src/"),
        };
        self.rust() && below_src
    }

    /// A file that holds only tests.
    pub(crate) fn tests_only(&self) -> bool {
        matches!(self.name(), "tests.rs" | "testing.rs") || self.in_folder("tests") || self.in_folder("benches")
    }

    pub(crate) fn in_folder(&self, name: &str) -> bool {
        self.path.split('/').rev().skip(1).any(|folder| folder == name)
    }

    /// The source without its tests: line numbers from one, and the cut line.
    pub(crate) fn lines_outside_tests(&self) -> Vec<(usize, Line)> {
        if self.tests_only() {
            return Vec::new();
        }
        let lines = rust_text::lines(&self.text);
        let tests = rust_text::test_lines(&lines);
        lines
            .into_iter()
            .zip(tests)
            .enumerate()
            .filter(|(_, (_, test))| !test)
            .map(|(index, (line, _))| (index + 1, line))
            .collect()
    }
}

/// All text files of the repository.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// The files git knows or would add, without those that are ignored, deleted or not text.
    pub(crate) fn of_repository(root: &Path) -> Result<Self, Failure> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| Failure::unavailable(format!("cannot run git: {error}; install git")))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::broken(format!("git ls-files failed: {}", reason.trim())));
        }
        let listing = String::from_utf8_lossy(&output.stdout);
        let mut files: Vec<File> = listing.split('\0').filter_map(|path| read(root, path)).collect();
        files.sort_by(|left, right| left.path.cmp(&right.path));
        files.dedup_by(|left, right| left.path == right.path);
        Ok(Self { files })
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files =
            files.iter().map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() }).collect();
        Self { files }
    }
}

fn read(root: &Path, path: &str) -> Option<File> {
    let full = root.join(path);
    if path.is_empty() || !full.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let text = String::from_utf8(std::fs::read(full).ok()?).ok()?;
    (!text.contains('\0')).then(|| File { path: path.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_a_file_is() {
        let tree = Tree::of(&[
            ("crates/seawall-core/src/quota/tests.rs", ""),
            ("xtask/src/main.rs", ""),
            ("crates/seawall/tests/it/main.rs", ""),
        ]);
        let [unit_tests, xtask, integration] = tree.files() else { panic!("three files") };
        assert_eq!(unit_tests.crate_folder(), Some("seawall-core"));
        assert!(unit_tests.crate_source() && unit_tests.tests_only());
        assert!(xtask.crate_source() && !xtask.tests_only());
        assert!(!integration.crate_source() && integration.tests_only());
    }

    #[test]
    fn lines_keep_their_numbers_when_tests_are_left_out() {
        let tree = Tree::of(&[("crates/a/src/lib.rs", "//! A.\n#[cfg(test)]\nmod tests;\nfn b() {}\n")]);
        let numbers: Vec<usize> = tree.files()[0].lines_outside_tests().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 4, 5]);
    }
}
