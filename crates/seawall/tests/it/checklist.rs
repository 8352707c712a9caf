//! `docs/checklist.md` has a row for every line of the production checklist that works so far, and each test it names exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::applications::tools::repository;

/// The lines whose plain behaviour is here; their other parts come later.
const LINES: [&str; 60] = [
    "WK-1", "WK-2", "WK-3", "WK-4", "WK-5", "WK-8", "WK-9", "WK-10", "WK-11", "WK-12", "WK-13", "WK-14", "WK-15",
    "WK-17", "PM-1", "PM-3", "PM-4", "PM-5", "PM-7", "PM-8", "RG-1", "RG-3", "RG-4", "RG-6", "RG-9", "RG-11", "RG-12",
    "RG-14", "RG-15", "RG-22", "PL-4", "PL-5", "PL-9", "PL-10", "PL-13", "ST-1", "ST-2", "ST-4", "ST-7", "ST-8",
    "ST-9", "ST-11", "ST-12", "RG-2", "RG-7", "RG-19", "RG-8", "PL-1", "PL-3", "RG-20", "RG-10", "PM-6", "PL-2",
    "RG-18", "ST-5", "ST-6", "ST-3", "ST-10", "WK-7", "PL-6",
];

/// One row: what works, the tests that show it, what comes later.
struct Row {
    works: String,
    tests: Vec<String>,
    later: String,
}

/// The rows of the table, by the line of the checklist.
fn rows() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(repository().join("docs/checklist.md")).expect("the table is committed");
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains('-')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, works, tests, later] = cells[..] else { panic!("four cells in: {line}") };
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let row = Row { works: works.to_owned(), tests, later: later.to_owned() };
        assert!(rows.insert(id.to_owned(), row).is_none(), "{id} has two rows");
    }
    rows
}

/// The name of every test function of the workspace.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![repository().join("crates"), repository().join("examples"), repository().join("xtask/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                names.extend(of_file(&path));
            }
        }
    }
    names
}

/// The functions of a file that carry a test attribute.
fn of_file(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("source is text");
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if line.starts_with("#[ignore") {
            // It shows nothing until it runs.
            marked = false;
        } else if let Some((before, after)) = line.split_once("fn ")
            && (before.is_empty() || before == "async ")
        {
            if marked {
                names.extend(after.split('(').next().map(str::to_owned));
            }
            marked = false;
        }
    }
    names
}

#[test]
fn every_line_has_its_row() {
    let rows = rows();
    let missing: Vec<_> = LINES.iter().filter(|id| !rows.contains_key(**id)).collect();
    assert!(missing.is_empty(), "docs/checklist.md has no row for {missing:?}");
    for (id, row) in rows {
        assert!(!row.works.is_empty() && !row.later.is_empty(), "{id} says what works and what comes later");
        assert!(!row.tests.is_empty(), "{id} names no test");
    }
}

#[test]
fn every_test_that_a_row_names_exists() {
    let tests = tests();
    assert!(tests.contains("every_test_that_a_row_names_exists"), "this very test is found");
    let mut unknown = Vec::new();
    for (id, row) in rows() {
        unknown.extend(row.tests.into_iter().filter(|name| !tests.contains(name)).map(|name| format!("{id}: {name}")));
    }
    assert!(unknown.is_empty(), "docs/checklist.md names tests that do not exist:\n{}", unknown.join("\n"));
}
