//! Reads LLVM's lcov report: which lines of which file ran, added up per crate and without the tests' own lines.

use std::collections::BTreeMap;
use std::path::Path;

use crate::rust_text;

/// How many lines could run, and how many did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) all: u32,
    pub(crate) covered: u32,
}

impl Lines {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, covered: self.covered + other.covered }
    }

    /// `None` when there is nothing to cover.
    pub(crate) fn percent(self) -> Option<f64> {
        (self.all > 0).then(|| 100.0 * f64::from(self.covered) / f64::from(self.all))
    }
}

/// Adds up the files below `root`; crates by name, in alphabetical order.
pub(crate) fn per_crate(report: &str, root: &Path) -> Vec<(String, Lines)> {
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    for record in report.split("end_of_record") {
        let Some(file) = record.lines().find_map(|line| line.strip_prefix("SF:")) else { continue };
        let Ok(path) = Path::new(file).strip_prefix(root) else { continue };
        let Some(name) = crate_name(path) else { continue };
        let source = std::fs::read_to_string(file).unwrap_or_default();
        let lines = count(record, &source);
        let sum = crates.entry(name).or_default();
        *sum = sum.plus(lines);
    }
    crates.into_iter().collect()
}

/// The crate a source file belongs to; `None` for files that are tests, examples or benches.
fn crate_name(path: &Path) -> Option<String> {
    let words: Vec<&str> = path.iter().filter_map(|word| word.to_str()).collect();
    if words.iter().any(|word| matches!(*word, "tests" | "tests.rs" | "benches")) {
        return None;
    }
    match words.as_slice() {
        ["crates", name, "src", ..] | [name @ "xtask", "src", ..] => Some((*name).to_owned()),
        _ => None,
    }
}

/// `DA:LINE,TIMES` says how often a line ran.
fn count(record: &str, source: &str) -> Lines {
    let tests = rust_text::test_lines(&rust_text::lines(source));
    let mut lines = Lines::default();
    for entry in record.lines().filter_map(|line| line.strip_prefix("DA:")) {
        let mut numbers = entry.split(',');
        let (Some(line), Some(times)) =
            (numbers.next().and_then(|number| number.parse::<usize>().ok()), numbers.next())
        else {
            continue;
        };
        if tests.get(line.saturating_sub(1)) != Some(&true) {
            lines = lines.plus(Lines { all: 1, covered: u32::from(times != "0") });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_added_up_per_crate_and_others_left_out() {
        let report = "SF:/r/crates/a/src/x.rs\nDA:1,5\nDA:2,0\nend_of_record\nSF:/r/crates/a/src/y.rs\nDA:7,1\nend_of_record\n\
            SF:/r/xtask/src/main.rs\nDA:1,0\nend_of_record\nSF:/r/crates/a/src/x/tests.rs\nDA:1,1\nend_of_record\nSF:/registry/b/src/lib.rs\nDA:1,1\nend_of_record\n";
        let found = per_crate(report, Path::new("/r"));
        assert_eq!(
            found,
            [("a".to_owned(), Lines { all: 3, covered: 2 }), ("xtask".to_owned(), Lines { all: 1, covered: 0 })]
        );
    }

    #[test]
    fn lines_of_inline_tests_do_not_count() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(count("DA:1,0\nDA:4,9\n", source), Lines { all: 1, covered: 0 });
    }

    #[test]
    fn nothing_to_cover_has_no_percentage() {
        assert_eq!(Lines::default().percent(), None);
        assert_eq!(Lines { all: 4, covered: 3 }.percent(), Some(75.0));
    }
}
