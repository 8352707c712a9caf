//! Where in a document a refusal stands (RFC 6901), for people. Found by reading the document once more.

use super::{Limits, Scanner, Sink, Told, Word};

/// The most of a key that is shown, in characters.
const SHOWN: usize = 64;

/// Where the scanner stopped: `/items/3/name`; empty for the whole document.
#[must_use]
pub fn pointer(document: &[u8], limits: Limits) -> String {
    let mut scanner = Scanner::telling(limits, Path::default());
    let _refused_before = scanner.feed(document);
    scanner.into_sink().text()
}

/// Keeps the way to the value that is read.
#[derive(Debug, Default)]
struct Path(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// Which item comes next.
    Item(u64),
    /// The key that was read last.
    Key(String),
}

impl Path {
    fn text(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            match step {
                Step::Item(index) => out.push_str(&format!("/{index}")),
                Step::Key(key) if key.is_empty() => {}
                Step::Key(key) => {
                    out.push('/');
                    out.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        out
    }

    /// A value has been read.
    fn over(&mut self) {
        if let Some(Step::Item(index)) = self.0.last_mut() {
            *index += 1;
        }
    }
}

impl Sink for Path {
    const TEXTS: bool = true;

    fn open(&mut self, array: bool) {
        self.0.push(if array { Step::Item(0) } else { Step::Key(String::new()) });
    }

    fn close(&mut self) {
        self.0.pop();
        self.over();
    }

    fn key(&mut self, key: Told<'_>, _: u64) {
        if let Some(Step::Key(last)) = self.0.last_mut() {
            *last = key.text().chars().take(SHOWN).collect();
        }
    }

    fn text(&mut self, _: Told<'_>) {
        self.over();
    }

    fn number(&mut self, _: Told<'_>) {
        self.over();
    }

    fn word(&mut self, _: Word) {
        self.over();
    }
}
