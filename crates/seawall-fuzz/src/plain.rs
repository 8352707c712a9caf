//! Messages read by the letter of RFC 9112: slow, simple, and of another shape than the checker it judges.
//!
//! It reads what the checker passed, and panics where that could be read in two ways.

use seawall_core::http::framing::ResponseTo;

use crate::verdict::Side;

/// What may not stand in a token, of the printable characters (RFC 9110 section 5.6.2).
const DELIMITERS: &[u8] = b"\"(),/:;<=>?@[\\]{} ";

/// A message whose head has passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The first line.
    pub(crate) start: Vec<u8>,
    /// Names in lower case with their values, ordered by name.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the message ends, counted from the first byte of all; nothing when it does not.
    pub(crate) end: Option<usize>,
    /// Bytes of content that have passed.
    pub(crate) content: usize,
}

/// The messages in the bytes that a checker passed.
pub(crate) fn read(side: Side, bytes: &[u8]) -> Vec<Message> {
    let mut reader = Reader { bytes, at: 0, tolerant: side != Side::Requests };
    let mut messages = Vec::new();
    while reader.at < bytes.len() {
        let message = reader.message(side);
        let ended = message.end.is_some();
        messages.push(message);
        assert!(ended || reader.at == bytes.len(), "bytes after the end: {}", bytes.escape_ascii());
    }
    messages
}

/// What the fields say of the content's length.
enum Framing {
    Nothing,
    Length(usize),
    Chunks,
    UntilClose,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether lines of a head may end with LF alone.
    tolerant: bool,
}

impl Reader<'_> {
    fn message(&mut self, side: Side) -> Message {
        if side == Side::Requests && self.bytes[self.at..].starts_with(b"\r\n") {
            self.at += 2;
        }
        let start = self.line(self.tolerant).to_vec();
        let mut fields = self.fields(self.tolerant);
        fields.sort_by(|left, right| left.0.cmp(&right.0));
        let framing = match side {
            Side::Requests => of_request(&start, &fields),
            Side::Answer(to) => of_answer(&start, &fields, to),
        };
        let (end, content) = match framing {
            Framing::Nothing => (Some(self.at), 0),
            Framing::UntilClose => (None, self.rest()),
            Framing::Length(length) => {
                let content = self.content(length);
                ((content == length).then_some(self.at), content)
            }
            Framing::Chunks => self.chunks(),
        };
        Message { start, fields, end, content }
    }

    /// The next line, which has passed whole, and nothing that some servers take for a line's end stands in it.
    fn line(&mut self, tolerant: bool) -> &[u8] {
        let rest = &self.bytes[self.at..];
        let feed = rest.iter().position(|&byte| byte == b'\n').expect("a line passes whole");
        self.at += feed + 1;
        let line = rest[..feed].strip_suffix(b"\r").unwrap_or_else(|| {
            assert!(tolerant, "a bare line feed passed: {}", self.bytes.escape_ascii());
            &rest[..feed]
        });
        let clean = line.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control());
        assert!(clean, "a control character passed: {}", self.bytes.escape_ascii());
        line
    }

    fn fields(&mut self, tolerant: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields = Vec::new();
        loop {
            let line = self.line(tolerant);
            if line.is_empty() {
                return fields;
            }
            let colon = line.iter().position(|&byte| byte == b':').expect("a field has a colon");
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            assert!(token(name), "no name: {}", line.escape_ascii());
            fields.push((name.to_ascii_lowercase(), value.to_vec()));
        }
    }

    /// Passes over so many bytes, or as many as there are.
    fn content(&mut self, length: usize) -> usize {
        let content = length.min(self.bytes.len() - self.at);
        self.at += content;
        content
    }

    fn rest(&mut self) -> usize {
        self.content(usize::MAX)
    }

    fn chunks(&mut self) -> (Option<usize>, usize) {
        let mut content = 0;
        while self.at < self.bytes.len() {
            let size = chunk_size(self.line(false));
            if size == 0 {
                // The trailers may not have come, and then nothing of them has passed.
                if self.at == self.bytes.len() {
                    break;
                }
                let trailers = self.fields(false);
                let none = |name: &[u8]| values(&trailers, name).is_empty();
                assert!(none(b"content-length") && none(b"transfer-encoding") && none(b"host"), "{trailers:?}");
                return (Some(self.at), content);
            }
            let data = self.content(size);
            content += data;
            if data < size || self.at == self.bytes.len() {
                break;
            }
            assert!(self.line(false).is_empty(), "a chunk is longer than its size: {}", self.bytes.escape_ascii());
        }
        (None, content)
    }
}

fn chunk_size(line: &[u8]) -> usize {
    let text = String::from_utf8_lossy(line);
    let size = text.split(';').next().unwrap_or_default();
    let digits = size.chars().all(|digit| digit.is_ascii_hexdigit());
    assert!(digits && (1..=16).contains(&size.len()), "no size: {text}");
    usize::from_str_radix(size, 16).ok().filter(|&size| i64::try_from(size).is_ok()).expect("a size of 63 bits")
}

fn of_request(start: &[u8], fields: &[(Vec<u8>, Vec<u8>)]) -> Framing {
    let words: Vec<&[u8]> = start.split(|&byte| byte == b' ').collect();
    let [method, target, version] = words[..] else { panic!("not three words: {}", start.escape_ascii()) };
    assert!(token(method) && !target.is_empty() && !target.contains(&b'#'), "{}", start.escape_ascii());
    assert!(target.is_ascii() && target.iter().all(u8::is_ascii_graphic), "{}", start.escape_ascii());
    let hosts = values(fields, b"host");
    assert!(hosts.len() == 1 || (hosts.is_empty() && version == b"HTTP/1.0"), "{hosts:?}");
    let host = hosts.first().copied().unwrap_or(b"a");
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    assert!(!host.is_empty() && host.iter().all(named), "{}", host.escape_ascii());
    match declared(version, fields) {
        Framing::UntilClose => Framing::Nothing,
        declared => declared,
    }
}

fn of_answer(start: &[u8], fields: &[(Vec<u8>, Vec<u8>)], to: ResponseTo) -> Framing {
    let (version, status) = (&start[..8], &start[8..12]);
    let status: u16 = std::str::from_utf8(status).unwrap().trim_start().parse().expect("a status");
    let declared = declared(version, fields);
    match status {
        100..200 | 204 => {
            assert!(matches!(declared, Framing::UntilClose | Framing::Nothing), "{fields:?}");
            Framing::Nothing
        }
        304 => Framing::Nothing,
        200..600 if to == ResponseTo::Head => Framing::Nothing,
        200..600 => declared,
        _ => panic!("{}", start.escape_ascii()),
    }
}

/// A message with a declared length of zero has nothing; one without any goes on until the connection is closed.
fn declared(version: &[u8], fields: &[(Vec<u8>, Vec<u8>)]) -> Framing {
    match (&values(fields, b"content-length")[..], &values(fields, b"transfer-encoding")[..]) {
        ([], []) => Framing::UntilClose,
        ([b"0"], []) => Framing::Nothing,
        ([length], []) => {
            let digits = length.iter().all(u8::is_ascii_digit) && !length.starts_with(b"0");
            let number = std::str::from_utf8(length).unwrap().parse::<i64>().ok();
            let number = number.filter(|_| digits).and_then(|number| usize::try_from(number).ok());
            Framing::Length(number.unwrap_or_else(|| panic!("no length: {}", length.escape_ascii())))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && version == b"HTTP/1.1" => Framing::Chunks,
        other => panic!("two readings: {other:?}"),
    }
}

fn values<'a>(fields: &'a [(Vec<u8>, Vec<u8>)], name: &[u8]) -> Vec<&'a [u8]> {
    fields.iter().filter(|field| field.0 == name).map(|field| field.1.as_slice()).collect()
}

fn token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_graphic() && !DELIMITERS.contains(byte))
}
