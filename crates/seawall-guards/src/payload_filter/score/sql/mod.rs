//! SQL that goes on after a value ended.
//!
//! A text is read as SQL three times: as it stands, as the rest of a string in single quotes, and as that of one in double quotes. What
//! matters is what follows the value: whoever quotes SQL in prose, or writes whole statements, follows no value.

mod rules;
mod tokens;

use rules::Tail;
use tokens::{Token, Tokens};

use super::{Points, reader::Lower};

/// The most tokens of a reading that are kept: an injection is told by its beginning.
const MOST_TOKENS: usize = 48;

/// Points for SQL.
pub(super) fn points(text: &[u8]) -> Points {
    let mut points = Points::default();
    for quote in *b"'\"" {
        if let Some(place) = text.iter().position(|&byte| byte == quote) {
            let (value, after) = text.split_at(place);
            let value = value.strip_suffix(b"\\").unwrap_or(value);
            points = points.or(Tail::read(after.get(1..).unwrap_or_default(), true, value).points());
        }
    }
    points.or(without_quote(text))
}

/// A number or a name, or nothing at all, that SQL follows.
fn without_quote(text: &[u8]) -> Points {
    let text = text.trim_ascii();
    let signed = text.strip_prefix(b"-").unwrap_or(text);
    let so = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_.".contains(byte);
    let mut value = signed.iter().position(|byte| !so(byte)).unwrap_or(signed.len());
    let (start, _) = signed.split_at(value);
    if tokens::keyword(start) {
        value = 0;
    }
    let (start, after) = signed.split_at(value);
    let mut points = Tail::read(after, false, start).points();
    if let Some(within) = text.strip_prefix(b"(") {
        points = points.or(Tail::read(within, false, b"(").points());
    }
    points
}

/// Whether the text begins with a word that goes on with SQL, after a name of one word or at once.
pub(super) fn begins_with_keyword(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    [words.next(), words.next()].into_iter().flatten().any(tokens::keyword)
}

/// The first tokens of a text.
fn first_tokens(text: &[u8]) -> ([Token; MOST_TOKENS], usize, bool) {
    let mut kept = [Token::End; MOST_TOKENS];
    let mut reader = Tokens::new(text);
    let mut count = 0;
    for (place, token) in kept.iter_mut().zip(&mut reader) {
        *place = token;
        count += 1;
    }
    (kept, count, reader.hidden())
}

fn lower(word: &[u8]) -> Lower {
    Lower::of(word)
}
