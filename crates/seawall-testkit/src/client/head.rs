//! The head of an HTTP/1.1 message, read strictly: header order, case and raw bytes are kept.

use super::wire::{Wire, WireError};

/// Header lines in the order of the wire, names in their original case, values trimmed; bytes that are not UTF-8 are replaced.
pub(crate) type Headers = Vec<(String, String)>;

/// A start line with its headers.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) headers: Headers,
    /// Everything up to and with the empty line.
    pub(crate) raw: Vec<u8>,
}

impl Head {
    /// Reads a head; `None` when the peer closed before its first byte.
    pub(crate) async fn read(wire: &mut Wire) -> Result<Option<Self>, WireError> {
        let Some(start) = wire.line().await? else { return Ok(None) };
        let mut raw = start.to_vec();
        raw.extend_from_slice(b"\r\n");
        let start = String::from_utf8_lossy(&start).into_owned();
        let headers = read_headers(wire, &mut raw).await?;
        Ok(Some(Self { start, headers, raw }))
    }
}

/// Reads header lines up to and with the empty line (also a chunked body's trailers); the bytes are added to `raw`.
pub(crate) async fn read_headers(wire: &mut Wire, raw: &mut Vec<u8>) -> Result<Headers, WireError> {
    let mut headers = Vec::new();
    loop {
        let line = wire.line().await?.ok_or(WireError::Closed)?;
        raw.extend_from_slice(&line);
        raw.extend_from_slice(b"\r\n");
        if line.is_empty() {
            return Ok(headers);
        }
        headers.push(
            parse_line(&line)
                .map_err(|problem| WireError::Malformed(format!("{problem}: \"{}\"", line.escape_ascii())))?,
        );
    }
}

/// The values of every header line with this name, compared without case.
pub(crate) fn named<'h>(headers: &'h [(String, String)], name: &str) -> impl Iterator<Item = &'h str> {
    headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Whether a comma-separated header such as `Connection` names `token`.
pub(crate) fn lists(headers: &[(String, String)], name: &str, token: &str) -> bool {
    named(headers, name).flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn parse_line(line: &[u8]) -> Result<(String, String), &'static str> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or("header line without a colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err("folded header line");
    }
    if name.is_empty() || !name.iter().copied().all(token_byte) {
        return Err("header name is not a token");
    }
    if value.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        return Err("NUL or CR in a header value");
    }
    Ok((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value.trim_ascii()).into_owned()))
}

/// RFC 9110 section 5.6.2, `tchar`.
fn token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
