//! Text that is not TOML: which errors are worth telling, and what of the rest can still be checked.

mod first;
mod words;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

use crate::{
    diagnostics::{Code, Diagnostic, Problems},
    text::Text,
};

/// What syntax errors have made meaningless.
#[derive(Default)]
pub(super) struct Damage {
    any: bool,
    /// Where errors stand that spoil the value or line they are in, in order.
    spots: Vec<usize>,
    /// From here on, nothing is where it seems to be.
    until: Option<usize>,
}

impl Damage {
    /// Whether there is any, so that something may be missing.
    pub(super) const fn any(&self) -> bool {
        self.any
    }

    /// Whether a key and its value still mean what they say. Of a table with a header, only the header counts.
    pub(super) fn spares(&self, key: &Range<usize>, value: &Range<usize>, table: bool) -> bool {
        if !self.any {
            return true;
        }
        let (start, end) = (key.start.min(value.start), key.end.max(value.end));
        let next = self.spots.partition_point(|&spot| spot < start);
        let hit = self.spots.get(next).is_some_and(|&spot| spot <= end);
        let placeholder = value.is_empty() && !table;
        !hit && !placeholder && self.until.is_none_or(|until| key.start < until)
    }
}

/// One error of the parser.
#[derive(Clone, Debug)]
struct Fault {
    message: String,
    span: Range<usize>,
}

/// Reports the errors of a text, one for each line and without those that only follow from another.
pub(super) fn report(text: &Arc<Text>, tree: &DeTable<'_>, errors: &[Error], problems: &mut Problems) -> Damage {
    let end = text.raw().len();
    let all: Vec<Fault> = errors
        .iter()
        .map(|error| Fault { message: error.message().to_owned(), span: error.span().unwrap_or(end..end) })
        .collect();
    let mut damage = Damage { any: !all.is_empty(), ..Damage::default() };
    for fault in &all {
        match reach(&fault.message) {
            Reach::Nothing => {}
            Reach::Value => damage.spots.push(fault.span.start),
            Reach::Rest => {
                damage.spots.push(fault.span.start);
                let line = text.line_start(fault.span.start);
                damage.until = Some(damage.until.map_or(line, |until| until.min(line)));
            }
        }
    }
    damage.spots.sort_unstable();
    for fault in worth_telling(text, tree, all) {
        problems.add(|| diagnostic(text, &fault));
    }
    damage
}

/// How far an error makes the tree meaningless.
enum Reach {
    /// Not at all: a second setting of a key is simply not taken.
    Nothing,
    /// The value, or the line.
    Value,
    /// Everything after it.
    Rest,
}

fn reach(message: &str) -> Reach {
    const VALUE: &[&str] = &[
        "string values must be quoted",
        "invalid basic string",
        "invalid literal string",
        "missing escaped value",
        "invalid boolean",
        "unexpected leading zero",
        "unexpected key or value",
        "`_` may only",
        "invalid date",
        "invalid time",
    ];
    if message.starts_with("duplicate key") || message.starts_with("cannot extend") {
        Reach::Nothing
    } else if VALUE.iter().any(|start| message.starts_with(start)) {
        Reach::Value
    } else {
        Reach::Rest
    }
}

/// One error for each line; what stands inside something that is never closed is left out, and that something is
/// pointed at where it opens.
fn worth_telling(text: &Text, tree: &DeTable<'_>, mut all: Vec<Fault>) -> Vec<Fault> {
    let unclosed = |fault: &Fault| {
        let open = ["unclosed array,", "unclosed inline table", "invalid multi-line"];
        open.iter().any(|start| fault.message.starts_with(start))
    };
    all.iter_mut().for_each(|fault| second_word(text, fault));
    if let Some(open) = all.iter().find(|fault| unclosed(fault)).cloned()
        && let Some(value) = value_around(text, tree, open.span.start)
    {
        all.retain(|fault| fault.span.start < value.start);
        let mark = if open.message.starts_with("invalid") { 3 } else { 1 };
        all.push(Fault { message: open.message, span: value.start..value.start + mark });
    }
    let mut lines: BTreeMap<usize, Fault> = BTreeMap::new();
    for fault in all {
        let line = text.line(fault.span.start);
        match lines.get(&line) {
            Some(better) if order(better) <= order(&fault) => {}
            _ => {
                lines.insert(line, fault);
            }
        }
    }
    lines.into_values().collect()
}

/// Where a second setting stands on a line, the parser points at its `=`; this points at its key.
fn second_word(text: &Text, fault: &mut Fault) {
    let start = text.line_start(fault.span.start);
    let (before, after) = text.raw().split_at_checked(fault.span.start).unwrap_or_default();
    let before = before.get(start..).unwrap_or_default().trim_end();
    if fault.message.starts_with("unexpected key or value")
        && after.starts_with('=')
        && let Some(space) = before.rfind(' ')
    {
        fault.span = start + space + 1..start + before.len();
    }
}

/// Of two errors on a line, the one that says more comes first.
fn order(fault: &Fault) -> (u8, usize) {
    let rank = match fault.message.as_str() {
        message if message.starts_with("unexpected key or value") => 0,
        message if message.starts_with("unclosed table") => 2,
        _ => 1,
    };
    (rank, fault.span.start)
}

/// The outermost value, other than a table with a header, around an offset.
fn value_around(text: &Text, table: &DeTable<'_>, at: usize) -> Option<Range<usize>> {
    table.iter().find_map(|(_, value)| around(text, value, at))
}

fn around(text: &Text, value: &Spanned<DeValue<'_>>, at: usize) -> Option<Range<usize>> {
    let span = value.span();
    let holds = span.start < at && at <= span.end;
    let inline = text.raw().get(span.start..).is_some_and(|rest| rest.starts_with('{'));
    match value.get_ref() {
        DeValue::Table(table) if !inline => value_around(text, table, at),
        DeValue::Array(items) if !holds => items.iter().find_map(|item| around(text, item, at)),
        _ => holds.then_some(span),
    }
}

fn diagnostic(text: &Arc<Text>, fault: &Fault) -> Diagnostic {
    let words = words::explain(text, &fault.message, &fault.span);
    let mut diagnostic = Diagnostic::new(Code::Syntax, words.message).at(text, &fault.span, words.label);
    if fault.message.starts_with("duplicate key")
        && let Some(first) = first::place(text, &fault.span)
    {
        diagnostic = diagnostic.at(text, &first, "first here");
    }
    diagnostic.help(words.help)
}
