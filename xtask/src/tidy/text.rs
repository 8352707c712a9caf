//! Every text file: no white space at the end of a line, and a line feed at the end of the file.

use super::finding::Finding;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter(|file| !bytes_matter(file)).flat_map(check_file).collect()
}

/// Files whose exact bytes are the point: recorded messages, what fuzzers found, and what a program printed.
fn bytes_matter(file: &File) -> bool {
    file.path().ends_with(".snap") || ["fixtures", "corpus", "seeds"].iter().any(|folder| file.in_folder(folder))
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text().split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(file.path(), index + 1, "white space at the end of the line", "delete it"));
        }
    }
    if !file.text().is_empty() && !file.text().ends_with('\n') {
        let last = file.text().split('\n').count();
        findings.push(Finding::new(file.path(), last, "the last line does not end", "add a line feed"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        assert_eq!(
            reports("a.md", "one\ntwo \nthree\t\n"),
            [
                "a.md:2: white space at the end of the line; delete it",
                "a.md:3: white space at the end of the line; delete it",
            ]
        );
        assert_eq!(reports("a.md", "one\r\n").len(), 1);
    }

    #[test]
    fn a_file_without_a_last_line_feed_is_found() {
        assert_eq!(reports("a.toml", "a = 1\nb = 2"), ["a.toml:2: the last line does not end; add a line feed"]);
    }

    #[test]
    fn empty_files_and_files_kept_byte_for_byte_are_left_alone() {
        assert!(reports("empty", "").is_empty());
        assert!(reports("tests/fixtures/request.http", "GET / HTTP/1.1\r\n\r").is_empty());
        assert!(reports("fuzz/seeds/path/dot-segment", "/a/.. ").is_empty());
        assert!(reports("a.snap", "usage: \n").is_empty());
    }
}
