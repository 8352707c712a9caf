//! What a target did: read from libFuzzer's last line of progress, and printed as a table.

use std::path::PathBuf;

/// One target's run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    target: String,
    seconds: u32,
    executions: u64,
    edges: u64,
    features: u64,
    /// Inputs for which something does not hold.
    findings: Vec<PathBuf>,
}

impl Row {
    /// `output` is what libFuzzer wrote: `#4711<tab>DONE   cov: 363 ft: 1651 corp: …`, and lines like it on the way. Seconds are
    /// those it says it ran, or those it was given when it did not get so far.
    pub(crate) fn read(target: &str, given_s: u32, output: &str, findings: Vec<PathBuf>) -> Self {
        let progress =
            output.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: ")).unwrap_or_default();
        let executions = progress.strip_prefix('#').and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        let done = output.lines().rfind(|line| line.starts_with("Done ")).unwrap_or_default();
        Self {
            target: target.to_owned(),
            seconds: after(done, "in").and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(given_s),
            executions: executions.parse().unwrap_or_default(),
            edges: after(progress, "cov:").unwrap_or_default(),
            features: after(progress, "ft:").unwrap_or_default(),
            findings,
        }
    }

    /// What to do about a finding.
    pub(crate) fn finding(&self) -> Option<String> {
        let first = self.findings.first()?.display();
        Some(format!(
            "{target}: {first}\n  Copy it to fuzz/seeds/{target}/ under a name that says what broke, and \
             `cargo test -p seawall-fuzz` shows why.",
            target = self.target
        ))
    }
}

/// The number that follows a word.
fn after(line: &str, word: &str) -> Option<u64> {
    let mut words = line.split_whitespace().skip_while(|found| *found != word);
    words.nth(1)?.parse().ok()
}

pub(crate) fn table(rows: &[Row]) -> String {
    let head = format!(
        "{:<16} {:>8} {:>12} {:>8} {:>9} {:>9}",
        "target", "seconds", "executions", "edges", "features", "findings"
    );
    let row = |row: &Row| {
        let Row { target, seconds, executions, edges, features, findings } = row;
        format!("{target:<16} {seconds:>8} {executions:>12} {edges:>8} {features:>9} {:>9}", findings.len())
    };
    std::iter::once(head).chain(rows.iter().map(row)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
INFO: seed corpus: files: 3
#8192	pulse  cov: 300 ft: 1200 corp: 400/9Kb lim: 33 exec/s: 4096 rss: 28Mb
#1639672	DONE   cov: 363 ft: 1651 corp: 597/136Kb lim: 4096 exec/s: 78079 rss: 28Mb
Done 1639672 runs in 21 second(s)
";

    #[test]
    fn the_last_line_of_progress_is_read() {
        let row = Row::read("path", 20, OUTPUT, Vec::new());
        let expected = "\
target            seconds   executions    edges  features  findings
path                   21      1639672      363      1651         0";
        assert_eq!(table(&[row]), expected);
    }

    #[test]
    fn a_finding_says_what_to_do() {
        let row = Row::read("path", 20, "#77\tNEW    cov: 9 ft: 12\nSUMMARY: deadly signal", vec!["f/crash-1".into()]);
        assert_eq!((row.executions, row.edges, row.features, row.seconds), (77, 9, 12, 20));
        assert!(row.finding().is_some_and(|text| text.contains("f/crash-1") && text.contains("fuzz/seeds/path/")));
        assert_eq!(Row::read("path", 20, "", Vec::new()).finding(), None);
    }
}
