//! Which coding a client wants: `Accept-Encoding` read as RFC 9110 section 12.5.3 says.

use http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};
use seawall_core::settings::{Raw, Setting, Shape, choice};

/// A content coding that answers can be compressed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
    /// Gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Its name as a header's value.
    #[must_use]
    pub const fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// Whether a client's word means it. `x-gzip` is the old name of `gzip` (RFC 9110 section 8.4.1.3).
    fn is_named(self, word: &str) -> bool {
        word.eq_ignore_ascii_case(self.name()) || (self == Self::Gzip && word.eq_ignore_ascii_case("x-gzip"))
    }
}

impl Setting for Coding {
    const SHAPE: Shape = Shape::Choice(&["zstd", "br", "gzip"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("zstd", Self::Zstd), ("br", Self::Brotli), ("gzip", Self::Gzip)])
    }
}

/// The coding that the client wants most of those `offered`, of which the first is ours to prefer; nothing when it wants none,
/// or would rather have the answer as it is.
pub(super) fn negotiate(headers: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let mut best = None;
    // Ahead of every coding that is wanted less than the plain answer; a coding as welcome as that is taken.
    let mut wanted = weight_of(headers, |word| word.eq_ignore_ascii_case("identity")).unwrap_or(0).max(1);
    for &coding in offered {
        let weight =
            weight_of(headers, |word| coding.is_named(word)).or_else(|| weight_of(headers, |word| word == "*"));
        let Some(weight) = weight else { continue };
        if weight > wanted || (weight == wanted && best.is_none()) {
            (best, wanted) = (Some(coding), weight);
        }
    }
    best
}

/// The weight that the client gives a coding, in thousandths; nothing when it does not name it. The first of several holds.
fn weight_of(headers: &HeaderMap, named: impl Fn(&str) -> bool) -> Option<u16> {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut elements = lines.flat_map(|line| line.split(','));
    elements.find_map(|element| {
        let mut parts = element.split(';').map(str::trim);
        named(parts.next()?).then(|| parts.next().map_or(1_000, |parameter| weight(parameter).unwrap_or(0)))
    })
}

/// `q=0.5` in thousandths. What is not a weight is nothing, and the coding not taken: a client whose words are unclear can
/// surely read the plain answer.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if !name.trim().eq_ignore_ascii_case("q") || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = thousandths_of(part);
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

/// Up to three digits after the point, in thousandths.
fn thousandths_of(digits: &str) -> u16 {
    digits.bytes().zip([100, 10, 1]).map(|(digit, place)| u16::from(digit - b'0') * place).sum()
}
