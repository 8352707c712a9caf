//! A request as one aligned line for people.

use super::entry::{Entry, LONGEST_ERROR, LONGEST_NAME, LONGEST_PATH, MOST_DRIFT, MOST_REPORTED};
use crate::{
    Style,
    line::{Colour, Stamp, capped, escaped, milliseconds, number, paint, unpaint},
};

/// Columns of the method.
const METHOD_WIDTH: usize = 7;

/// Columns of path and query; longer ones push the rest of the line.
const PATH_WIDTH: usize = 32;

/// Columns of the duration.
const DURATION_WIDTH: usize = 10;

/// Appends `12:00:00.000 GET     /path?query → 200      1.234 ms id`, and what else matters.
pub(super) fn write(out: &mut Vec<u8>, style: Style, stamp: &mut Stamp, scratch: &mut String, entry: &Entry<'_>) {
    out.extend_from_slice(paint(style, Colour::Dim));
    stamp.write_time_of_day(out, entry.ended_unix_us);
    out.extend_from_slice(unpaint(style));
    out.push(b' ');
    padded(out, METHOD_WIDTH, |out| capped(out, entry.method.as_bytes(), LONGEST_NAME));
    out.push(b' ');
    padded(out, PATH_WIDTH, |out| {
        capped(out, entry.path, LONGEST_PATH);
        if let Some(query) = entry.redacted_query(scratch) {
            out.push(b'?');
            escaped(out, query.as_bytes());
        }
    });
    out.extend_from_slice(" → ".as_bytes());
    out.extend_from_slice(paint(style, colour(entry.status)));
    number(out, entry.status.into());
    out.extend_from_slice(unpaint(style));
    out.push(b' ');
    padded(out, DURATION_WIDTH, |out| {
        milliseconds(out, entry.duration_us);
        out.extend_from_slice(b"ms");
    });
    out.push(b' ');
    out.extend_from_slice(paint(style, Colour::Dim));
    out.extend_from_slice(entry.request_id.as_str().as_bytes());
    out.extend_from_slice(unpaint(style));
    write_rest(out, entry);
    out.push(b'\n');
}

/// Who answered and why, when it was not the upstream.
fn write_rest(out: &mut Vec<u8>, entry: &Entry<'_>) {
    if let Some(guard) = entry.guard {
        out.extend_from_slice(b" guard=");
        capped(out, guard.as_bytes(), LONGEST_NAME);
    }
    for name in entry.reported.iter().take(MOST_REPORTED) {
        out.extend_from_slice(b" reported=");
        capped(out, name.as_bytes(), LONGEST_NAME);
    }
    for part in entry.drift.iter().take(MOST_DRIFT) {
        out.extend_from_slice(b" drift=");
        capped(out, part.as_bytes(), LONGEST_NAME);
    }
    if let Some(problem) = entry.problem {
        out.extend_from_slice(b" problem=");
        capped(out, problem.slug.as_bytes(), LONGEST_NAME);
    }
    if let Some(error) = entry.error {
        out.extend_from_slice(b": ");
        capped(out, error.as_bytes(), LONGEST_ERROR);
    }
}

/// Appends what `write` appends, and spaces up to `width` characters.
fn padded(out: &mut Vec<u8>, width: usize, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let written = out.get(start..).unwrap_or_default();
    let continues = |byte: &&u8| *byte & 0b1100_0000 == 0b1000_0000;
    let characters = written.len() - written.iter().filter(continues).count();
    out.resize(out.len() + width.saturating_sub(characters), b' ');
}

const fn colour(status: u16) -> Colour {
    match status {
        ..=299 => Colour::Good,
        300..=399 => Colour::Moved,
        400..=499 => Colour::Doubtful,
        500.. => Colour::Bad,
    }
}
