//! Server-sent events, as they come in pieces (the HTML standard, section 9.2.6).

use bytes::{Bytes, BytesMut};

/// The longest event that is held. A provider's events have some hundred bytes; one with an image has some megabytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// All its bytes, with the empty line at its end.
    pub(crate) bytes: Bytes,
    /// Its name, when it has one.
    pub(crate) name: Option<String>,
    /// Its data; lines are joined as the standard says.
    pub(crate) data: Bytes,
}

/// An event is longer than any that a provider sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {LONGEST} bytes")]
pub(crate) struct TooLong;

/// Divides a stream into events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    held: BytesMut,
    /// Up to where no end of an event was found.
    looked: usize,
}

impl Events {
    /// Takes what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.held.len() + bytes.len() > LONGEST {
            return Err(TooLong);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// The next event that is here as a whole.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let end = self.end()?;
        let bytes = self.held.split_to(end).freeze();
        self.looked = 0;
        Some(read(bytes))
    }

    /// What came of an event whose end did not.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.held
    }

    /// Where the first event ends: behind two ends of lines in a row, each LF, CR or CRLF.
    fn end(&mut self) -> Option<usize> {
        let bytes = &self.held[..];
        let mut at = self.looked;
        while let Some(offset) = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let line_end = at + offset;
            let next = line_end + ending(bytes.get(line_end..)?)?;
            match bytes.get(next) {
                Some(b'\n' | b'\r') => return Some(next + ending(bytes.get(next..)?)?),
                Some(_) => at = next,
                None => {
                    self.looked = line_end;
                    return None;
                }
            }
        }
        self.looked = bytes.len();
        None
    }
}

/// How long the end of a line at the beginning of these bytes is. A CR at their very end may be half of a CRLF.
fn ending(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] | [b'\r', _, ..] => Some(1),
        _ => None,
    }
}

fn read(bytes: Bytes) -> Event {
    let (mut name, mut data): (Option<String>, Option<Bytes>) = (None, None);
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(value) = field(line, b"data") {
            data = Some(match data.take() {
                None => bytes.slice_ref(value),
                Some(before) => [&before, &b"\n"[..], value].concat().into(),
            });
        } else if let Some(value) = field(line, b"event") {
            name = Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    Event { name, data: data.unwrap_or_default(), bytes }
}

/// The value of a line of this field.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(events: &mut Events) -> Vec<(Option<String>, String)> {
        let next = || events.next();
        std::iter::from_fn(next).map(|event| (event.name, String::from_utf8_lossy(&event.data).into_owned())).collect()
    }

    const STREAM: &[u8] =
        b"event: a\ndata: one\n\n: comment\n\ndata:two\r\ndata: three\r\n\r\ndata: four\r\rdata: five\n\nrest";

    #[test]
    fn events_are_found_with_every_end_of_a_line() {
        let mut events = Events::default();
        events.push(STREAM).unwrap();
        let found = all(&mut events);
        let name = Some("a".to_owned());
        let texts = ["one", "", "two\nthree", "four", "five"];
        let expected = texts.iter().enumerate().map(|(n, text)| (name.clone().filter(|_| n == 0), (*text).to_owned()));
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert_eq!(events.rest(), b"rest");
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(cuts in prop::collection::vec(1_usize..9, 1..60)) {
            let mut whole = Events::default();
            whole.push(STREAM).unwrap();
            let expected = all(&mut whole);
            let (mut events, mut found, mut left, mut bytes) = (Events::default(), Vec::new(), STREAM, Vec::new());
            for cut in cuts.iter().cycle() {
                let (piece, rest) = left.split_at((*cut).min(left.len()));
                events.push(piece).unwrap();
                while let Some(event) = events.next() {
                    bytes.extend_from_slice(&event.bytes);
                    found.push((event.name.clone(), String::from_utf8_lossy(&event.data).into_owned()));
                }
                left = rest;
                if left.is_empty() { break }
            }
            prop_assert_eq!(found, expected);
            bytes.extend_from_slice(events.rest());
            prop_assert_eq!(&bytes[..], STREAM);
        }
    }
}
