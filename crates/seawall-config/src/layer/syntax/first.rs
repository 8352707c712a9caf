//! Where a key or section that is written twice stands for the first time.

use std::ops::Range;

use crate::text::Text;

/// The first place of what stands again at `span`: the same header, or the same key in the same section.
pub(super) fn place(text: &Text, span: &Range<usize>) -> Option<Range<usize>> {
    let start = text.line_start(span.start);
    let this = text.raw().get(start..text.line_end(start))?;
    let before = text.raw().get(..start)?;
    let same = |wanted: &str, line: &str| head(line).is_some_and(|head| head == wanted);
    let wanted = head(this)?;
    let block = if wanted.starts_with('[') { 0 } else { last_header(before) };
    let mut at = 0;
    for line in before.split_inclusive('\n') {
        if at >= block && same(&wanted, line) {
            let indent = line.len() - line.trim_start().len();
            let length = line.split(['=', '\n']).next().unwrap_or_default().trim().len();
            return Some(at + indent..at + indent + length);
        }
        at += line.len();
    }
    None
}

/// What a line sets or opens, without white space: `[a]`, or the key before `=`.
fn head(line: &str) -> Option<String> {
    let line = line.trim();
    let head = if line.starts_with('[') { line.split_inclusive(']').next()? } else { line.split_once('=')?.0 };
    Some(head.split_whitespace().collect())
}

/// Where the last section before the end begins.
fn last_header(before: &str) -> usize {
    let mut at = 0;
    let mut last = 0;
    for line in before.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            last = at;
        }
        at += line.len();
    }
    last
}
