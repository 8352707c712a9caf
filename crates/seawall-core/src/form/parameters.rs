//! Parameters behind a value: `; name=value; name="quoted value"` (RFC 9110 section 5.6.6).

use super::Fault;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(&'a [u8]);

impl<'a> Parameters<'a> {
    /// The value before them, and they.
    pub(super) fn split(text: &'a [u8]) -> (&'a [u8], Self) {
        let at = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
        (value.trim_ascii(), Self(rest))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (_, rest) = self.0.trim_ascii_start().split_first().filter(|(first, _)| **first == b';')?;
            self.0 = rest.trim_ascii_start();
            if !matches!(self.0.first(), None | Some(b';')) {
                return Some(self.pair());
            }
        }
    }
}

impl<'a> Parameters<'a> {
    fn pair(&mut self) -> Result<(&'a [u8], &'a [u8]), Fault> {
        let name = self.until(|byte| !is_token_byte(byte));
        let value = self.0.strip_prefix(b"=").filter(|_| !name.is_empty()).ok_or(Fault::BadHead)?;
        self.0 = value;
        let value = if let Some(quoted) = value.strip_prefix(b"\"") {
            self.0 = quoted;
            let value = self.until(|byte| matches!(byte, b'"' | b'\\'));
            match self.0.split_first() {
                Some((b'"', after)) => self.0 = after,
                Some(_) => return Err(Fault::Backslash),
                None => return Err(Fault::BadHead),
            }
            value
        } else {
            // More than tokens: boundaries with a colon or an equals sign are sent without the marks that they need.
            self.until(|byte| !byte.is_ascii_graphic() || matches!(byte, b';' | b',' | b'"' | b'\\'))
        };
        match self.0.trim_ascii_start().first() {
            None | Some(b';') => Ok((name, value)),
            Some(b'\\') => Err(Fault::Backslash),
            Some(_) => Err(Fault::BadHead),
        }
    }

    fn until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self.0.iter().position(|byte| stop(*byte)).unwrap_or(self.0.len());
        let (front, rest) = self.0.split_at_checked(at).unwrap_or((self.0, &[]));
        self.0 = rest;
        front
    }
}

/// A byte of a token (RFC 9110 section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}
