//! The length that the fields of a head declare (RFC 9112 section 6).

use super::{
    Rule,
    octets::{one_token, trim},
    request_line::Version,
};

/// The largest length: a signed number of 64 bits, which is what most applications count in.
pub(super) const LARGEST: u64 = i64::MAX as u64;

/// What the fields read so far declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Declared {
    /// Nothing.
    #[default]
    Nothing,
    /// A length.
    Length(u64),
    /// Chunks.
    Chunks,
}

impl Declared {
    /// A `Content-Length` field.
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), Rule> {
        match self {
            Self::Nothing => *self = Self::Length(length(value).ok_or(Rule::InvalidContentLength)?),
            Self::Length(_) => return Err(Rule::RepeatedContentLength),
            Self::Chunks => return Err(Rule::ContentLengthWithTransferEncoding),
        }
        Ok(())
    }

    /// A `Transfer-Encoding` field.
    pub(super) fn transfer_encoding(&mut self, value: &[u8], version: Version) -> Result<(), Rule> {
        match self {
            Self::Length(_) => Err(Rule::ContentLengthWithTransferEncoding),
            Self::Chunks => Err(Rule::RepeatedTransferEncoding),
            Self::Nothing if version == Version::Old => Err(Rule::TransferEncodingInOldVersion),
            Self::Nothing if value.eq_ignore_ascii_case(b"chunked") => {
                *self = Self::Chunks;
                Ok(())
            }
            Self::Nothing => Err(other_coding(value)),
        }
    }
}

/// A plain decimal number. Leading zeros are refused: the grammar has them, nobody sends them, and some servers take what
/// follows for octal.
fn length(value: &[u8]) -> Option<u64> {
    let plain = match value {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let number = plain.then(|| std::str::from_utf8(value).ok()).flatten()?;
    number.parse().ok().filter(|&number| number <= LARGEST)
}

/// What is wrong with a `Transfer-Encoding` other than `chunked`: a well-formed list with an unknown coding is one that this
/// server does not know (RFC 9112 section 6.1); anything else is malformed.
fn other_coding(value: &[u8]) -> Rule {
    let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings = value.rsplit(|&byte| byte == b',').map(trim);
    let last = codings.next().unwrap_or_default();
    if one_token(last) && codings.all(|coding| one_token(coding) && !chunked(coding)) {
        Rule::UnknownTransferCoding
    } else {
        Rule::InvalidTransferEncoding
    }
}
