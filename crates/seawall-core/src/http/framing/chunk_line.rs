//! The line before a chunk: its size, and extensions that nobody uses (RFC 9112 section 7.1).

use super::{Rule, declared::LARGEST, octets::token_length};

/// Digits that 64 bits have.
const MOST_DIGITS: usize = 16;

/// The size of the chunk, and how many bytes of the line are extensions.
pub(super) fn check(line: &[u8]) -> Result<(u64, usize), Rule> {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (size, extensions) = line.split_at_checked(digits).ok_or(Rule::InvalidChunkSize)?;
    let (1..=MOST_DIGITS, b"" | [b';', ..]) = (digits, extensions) else { return Err(Rule::InvalidChunkSize) };
    let number = std::str::from_utf8(size).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    let size = number.filter(|&size| size <= LARGEST).ok_or(Rule::InvalidChunkSize)?;
    let mut rest = extensions;
    while !rest.is_empty() {
        rest = extension(rest).ok_or(Rule::InvalidChunkExtension)?;
    }
    Ok((size, extensions.len()))
}

/// What follows the first extension. White space may stand within it, as the standard asks recipients to bear, but not
/// before its semicolon: after the size it has made servers disagree.
fn extension(text: &[u8]) -> Option<&[u8]> {
    let text = skip_space(text.strip_prefix(b";")?);
    let (name, rest) = text.split_at_checked(token_length(text))?;
    if name.is_empty() {
        return None;
    }
    let Some(value) = skip_space(rest).strip_prefix(b"=") else { return at_end_or_semicolon(rest) };
    let value = skip_space(value);
    if let Some(quoted) = value.strip_prefix(b"\"") {
        return at_end_or_semicolon(after_quotes(quoted)?);
    }
    let (token, rest) = value.split_at_checked(token_length(value))?;
    if token.is_empty() { None } else { at_end_or_semicolon(rest) }
}

/// What follows the closing quotes.
fn after_quotes(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _escaped, rest @ ..] => rest,
            [b'\\'] | [] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

fn at_end_or_semicolon(rest: &[u8]) -> Option<&[u8]> {
    matches!(rest, [] | [b';', ..]).then_some(rest)
}

fn skip_space(text: &[u8]) -> &[u8] {
    let spaces = text.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(text.len());
    text.get(spaces..).unwrap_or_default()
}
