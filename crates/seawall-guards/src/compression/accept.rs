//! Which coding a client wants: `Accept-Encoding` read as RFC 9110 section 12.5.3 says.

use http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};
use seawall_core::{
    http::quality,
    settings::{Raw, Setting, Shape, choice},
};

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
    let wishes = Wishes::read(headers);
    let mut best = None;
    // Ahead of every coding that is wanted less than the plain answer; a coding as welcome as that is taken.
    let mut wanted = wishes.identity.unwrap_or(0).max(1);
    for &coding in offered {
        let Some(weight) = wishes.of(coding) else { continue };
        if weight > wanted || (weight == wanted && best.is_none()) {
            (best, wanted) = (Some(coding), weight);
        }
    }
    best
}

/// The weights that a client gives, in thousandths; nothing for what it does not name. The first of several holds.
#[derive(Default)]
struct Wishes {
    identity: Option<u16>,
    zstd: Option<u16>,
    brotli: Option<u16>,
    gzip: Option<u16>,
    /// `*`: all that is not named.
    any: Option<u16>,
}

impl Wishes {
    fn read(headers: &HeaderMap) -> Self {
        let mut wishes = Self::default();
        let lines = headers.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes);
        for element in lines.flat_map(|line| line.split(|&byte| byte == b',')) {
            let (word, parameters) = element.iter().position(|&byte| byte == b';').map_or((element, None), |at| {
                let (word, parameters) = element.split_at(at);
                (word, parameters.get(1..))
            });
            if let Some(place) = wishes.place(word.trim_ascii()) {
                place.get_or_insert_with(|| parameters.map_or(1_000, first_weight));
            }
        }
        wishes
    }

    fn place(&mut self, word: &[u8]) -> Option<&mut Option<u16>> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if word == b"*" {
            Some(&mut self.any)
        } else if is(Coding::Gzip.name()) || is("x-gzip") {
            // The old name (RFC 9110 section 8.4.1.3).
            Some(&mut self.gzip)
        } else if is(Coding::Brotli.name()) {
            Some(&mut self.brotli)
        } else if is(Coding::Zstd.name()) {
            Some(&mut self.zstd)
        } else if is("identity") {
            Some(&mut self.identity)
        } else {
            None
        }
    }

    fn of(&self, coding: Coding) -> Option<u16> {
        let named = match coding {
            Coding::Zstd => self.zstd,
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
        };
        named.or(self.any)
    }
}

/// What is not a weight is nothing, and the coding not taken: a client whose words are unclear can surely read the plain answer.
fn first_weight(parameters: &[u8]) -> u16 {
    let first = parameters.split(|&byte| byte == b';').next().unwrap_or_default();
    quality::weight(first).unwrap_or(0)
}
