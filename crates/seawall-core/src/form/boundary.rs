//! The boundary between the parts of a form, as the request's `Content-Type` says it.

use super::parameters::Parameters;

/// The most characters of a boundary (RFC 2046 section 5.1.1).
const MOST: usize = 70;

/// With a line end and two hyphens before it.
pub(super) const LONGEST: usize = MOST + 4;

/// A boundary, ready to be searched for.
#[derive(Clone, Copy, Debug)]
pub struct Boundary {
    /// With the line end and the two hyphens before it.
    line: [u8; LONGEST],
    length: usize,
}

impl Boundary {
    /// The boundary in the value of a `Content-Type`; nothing when there is none, more than one, or none as RFC 2046 section 5.1.1 wants it.
    #[must_use]
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let (_, parameters) = Parameters::split(content_type);
        let mut found = None;
        for parameter in parameters {
            let (name, value) = parameter.ok()?;
            if name.eq_ignore_ascii_case(b"boundary") && found.replace(value).is_some() {
                return None;
            }
        }
        Self::new(found?)
    }

    fn new(boundary: &[u8]) -> Option<Self> {
        let sound = (1..=MOST).contains(&boundary.len())
            && boundary.iter().all(|byte| is_boundary_byte(*byte))
            && boundary.last() != Some(&b' ');
        let mut line = [0; LONGEST];
        let written = b"\r\n--".iter().chain(boundary);
        line.iter_mut().zip(written).for_each(|(place, byte)| *place = *byte);
        sound.then_some(Self { line, length: boundary.len() + 4 })
    }

    /// The line end, two hyphens, and the boundary.
    pub(super) fn line(&self) -> &[u8] {
        self.line.get(..self.length).unwrap_or_default()
    }
}

const fn is_boundary_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'\'' | b'(' | b')' | b'+' | b'_' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?' | b' ')
}
