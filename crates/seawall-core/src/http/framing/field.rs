//! One field of a head or of the trailers (RFC 9112 section 5).

use super::{
    Rule,
    octets::{token_length, trim},
};

/// The fields that say where a message ends and whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    ContentLength,
    TransferEncoding,
    Host,
}

/// Checks a line, and gives the value when the field is a known one.
///
/// The line holds no control characters but tabs ([`super::lines::Lines::next`]), so that every value is well-formed: bytes
/// above 0x7f may stand in it (`obs-text`, RFC 9110 section 5.5).
pub(super) fn check(line: &[u8]) -> Result<Option<(Known, &[u8])>, Rule> {
    let (name, rest) = line.split_at_checked(token_length(line)).ok_or(Rule::InvalidFieldName)?;
    let value = match (name, rest) {
        ([], [b' ' | b'\t', ..]) => return Err(Rule::FoldedLine),
        ([], [b':', ..]) => return Err(Rule::EmptyFieldName),
        ([], _) => return Err(Rule::InvalidFieldName),
        (_, [b':', value @ ..]) => value,
        (_, []) => return Err(Rule::MissingColon),
        (_, [b' ' | b'\t', ..]) if trim(rest).starts_with(b":") => return Err(Rule::SpaceBeforeColon),
        _ => return Err(Rule::InvalidFieldName),
    };
    Ok(known(name).map(|known| (known, trim(value))))
}

fn known(name: &[u8]) -> Option<Known> {
    match name.len() {
        4 if name.eq_ignore_ascii_case(b"host") => Some(Known::Host),
        14 if name.eq_ignore_ascii_case(b"content-length") => Some(Known::ContentLength),
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => Some(Known::TransferEncoding),
        _ => None,
    }
}
