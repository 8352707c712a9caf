//! The lines of a text that a message shows, as miette asks for them.

use std::{fmt, sync::Arc};

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::Diagnostic;
use crate::{text::Text, words};

/// A longer line is cut around what is labelled, in bytes.
const LONGEST_LINE: usize = 240;

/// What stays on both sides of the label when a line is cut.
const MARGIN: usize = 60;

/// A diagnostic as miette renders it.
pub(super) struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
}

/// Whole lines of a text around a span, without its neighbours.
struct Excerpt(Arc<Text>);

impl<'a> Shown<'a> {
    /// The diagnostic with its sentences wrapped between words; miette itself would also break at a slash, and what is
    /// to be copied into the file must stay whole.
    pub(super) fn new(diagnostic: &'a Diagnostic, width: usize) -> Self {
        let wrapped = |text: &str| words::wrapped(text, width).join("\n");
        Self {
            diagnostic,
            message: wrapped(diagnostic.message()),
            help: diagnostic.advice().map(wrapped),
            excerpt: diagnostic.text().cloned().map(Excerpt),
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mut first = true;
        let labels = self.diagnostic.marks().iter().map(move |mark| {
            let (span, label) = (SourceSpan::from(mark.span.clone()), Some(mark.label.clone()));
            if std::mem::take(&mut first) {
                LabeledSpan::new_primary_with_span(label, span)
            } else {
                LabeledSpan::new_with_span(label, span)
            }
        });
        Some(Box::new(labels))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &self.0;
        let (from, to) = (span.offset(), span.offset().saturating_add(span.len()));
        // miette asks for no lines around a span when it wants its line and column.
        let (start, column) = match lines_before {
            0 => (from, text.column(from) - 1),
            _ => (text.line_start(from), 0),
        };
        let end = text.line_end(to) + 1;
        let (start, end) = if end.saturating_sub(start) > LONGEST_LINE {
            let left = text.shown().floor_char_boundary(from.saturating_sub(MARGIN).max(start));
            let right = text.shown().ceil_char_boundary(to.saturating_add(MARGIN).min(end));
            (left, right)
        } else {
            (start, end)
        };
        let data = text.shown().as_bytes().get(start..end).ok_or(MietteError::OutOfBounds)?;
        let lines = text.line(to) - text.line(from) + 1;
        let span = SourceSpan::from(start..end);
        let contents = MietteSpanContents::new_named(text.name.clone(), data, span, text.line(from) - 1, column, lines);
        Ok(Box::new(contents))
    }
}
