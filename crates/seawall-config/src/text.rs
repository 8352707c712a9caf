//! A text that settings are read from, and what of it may be shown to people.

use std::{ops::Range, sync::OnceLock};

/// Longest stretch that a label underlines, in bytes.
const LONGEST_MARK: usize = 80;

/// A file, a preset or `.env`.
pub(crate) struct Text {
    /// The name that messages call it by.
    pub(crate) name: String,
    /// Which preset it is, when it is one.
    pub(crate) preset: Option<&'static str>,
    raw: String,
    mask: Mask,
    // Invariant: as long as `raw` in every line, and one newline longer.
    shown: OnceLock<String>,
    starts: Vec<usize>,
}

/// Masks the secrets of a text, byte for byte.
type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

impl Text {
    /// A text and what masks its secrets, should any of it have to be shown.
    pub(crate) fn new(
        name: String,
        preset: Option<&'static str>,
        raw: String,
        mask: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let starts = std::iter::once(0).chain(raw.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, preset, raw, mask: Box::new(mask), shown: OnceLock::new(), starts }
    }

    /// The text as it came.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The text as people may see it.
    pub(crate) fn shown(&self) -> &str {
        self.shown.get_or_init(|| format!("{}\n", printable(&(self.mask)(&self.raw))))
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).max(1)
    }

    /// The column of a byte offset in characters, from 1.
    pub(crate) fn column(&self, offset: usize) -> usize {
        let start = self.line_start(offset);
        self.raw.get(start..offset).map_or(1, |before| before.chars().count() + 1)
    }

    /// Where the line of a byte offset begins.
    pub(crate) fn line_start(&self, offset: usize) -> usize {
        self.starts.get(self.line(offset) - 1).copied().unwrap_or_default()
    }

    /// Where the line of a byte offset ends, before its newline.
    pub(crate) fn line_end(&self, offset: usize) -> usize {
        self.raw.get(offset..).and_then(|rest| rest.find('\n')).map_or(self.raw.len(), |length| offset + length)
    }

    /// The span as a label can show it: inside one line, on character boundaries, and no longer than a mask, so that it
    /// does not tell a secret's length.
    pub(crate) fn tidy(&self, span: &Range<usize>) -> Range<usize> {
        let mut start = self.raw.floor_char_boundary(span.start.min(self.raw.len()));
        if start == self.raw.len() && self.raw.ends_with('\n') {
            start -= 1;
        }
        let end = span.end.clamp(start, self.line_end(start).max(start)).min(start + LONGEST_MARK);
        let end = self.raw.ceil_char_boundary(end);
        start..end.min(start.saturating_add(self.mask_length(start)))
    }

    /// Whether a mask stands at this offset.
    pub(crate) fn masked(&self, offset: usize) -> bool {
        self.mask_length(offset) < usize::MAX
    }

    fn mask_length(&self, offset: usize) -> usize {
        let rest = |text: &str| text.get(offset..).unwrap_or_default().chars().next();
        if rest(self.shown()) != Some('*') || rest(&self.raw) == Some('*') {
            return usize::MAX;
        }
        self.shown().get(offset..).unwrap_or_default().bytes().take_while(|&byte| byte == b'*').count()
    }
}

/// The text with control and invisible characters replaced by as many visible bytes: a terminal must not obey them, and
/// a person must see that they are there.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push_str(match c {
            '\n' | '\t' => {
                out.push(c);
                continue;
            }
            '\r' if rest.peek() == Some(&'\n') => " ",
            control if control.is_control() => {
                if control.len_utf8() == 1 {
                    "?"
                } else {
                    "·"
                }
            }
            '\u{feff}' => "   ",
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => "\u{fffd}",
            plain => {
                out.push(plain);
                continue;
            }
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Text {
        Text::new("t".to_owned(), None, raw.to_owned(), str::to_owned)
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = text("ab\n\u{e4}b\n");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 3), (3, 2, 1), (5, 2, 2), (7, 3, 1)] {
            assert_eq!((text.line(offset), text.column(offset)), (line, column), "{offset}");
        }
    }

    #[test]
    fn spans_stay_inside_a_line() {
        let text = text("ab\ncd\n");
        assert_eq!(text.tidy(&(0..5)), 0..2);
        assert_eq!(text.tidy(&(6..6)), 5..5);
        assert_eq!(text.tidy(&(9..90)), 5..5);
    }

    #[test]
    fn control_characters_keep_their_width() {
        let raw = "a\u{1b}[31m\u{85}\u{202e}\r\n\t\u{feff}";
        let text = text(raw);
        assert_eq!(text.shown(), "a?[31m·\u{fffd} \n\t   \n");
        assert_eq!(text.shown().len(), raw.len() + 1);
    }
}
