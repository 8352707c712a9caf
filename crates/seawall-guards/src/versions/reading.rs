//! Where a request names its version.

use http::{HeaderName, HeaderValue, header::ACCEPT};
use seawall_core::{
    http::quality,
    settings::{Raw, Setting, Shape},
};

use crate::Head;

/// Where a request names its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// In a segment of the path.
    Path,
    /// In this field.
    Header(HeaderName),
    /// In a media type that it accepts.
    MediaType,
}

/// What a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// Nothing.
    Nothing,
    /// This, which may be a version or not.
    Version(&'a [u8]),
    /// A segment of the path that may be anything, and no version at all.
    Segment(&'a [u8]),
    /// Two that differ.
    Ambiguous,
}

impl Setting for Reading {
    const SHAPE: Shape = Shape::Text("place of the version", "header X-API-Version");

    fn read(raw: &Raw) -> Result<Self, String> {
        let wrong = |what: String| {
            format!(
                "{what}; write \"path\", \"media type\", or \"header\" and its name, such as \"header X-API-Version\""
            )
        };
        let Raw::Text(text) = raw else { return Err(wrong(format!("expected text, found {}", raw.kind()))) };
        match &text.split_whitespace().collect::<Vec<_>>()[..] {
            ["path"] => Ok(Self::Path),
            ["media", "type"] => Ok(Self::MediaType),
            ["header", name] => match name.parse::<HeaderName>() {
                Ok(name) => Ok(Self::Header(name)),
                Err(_) => Err(wrong(format!("\"{name}\" is not the name of a field"))),
            },
            _ => Err(wrong(format!("\"{text}\" is no place of a version"))),
        }
    }
}

impl Reading {
    /// What the request names; `below` are the segments before a version in the path.
    pub(super) fn named<'a>(&self, head: &'a Head, below: &[String]) -> Named<'a> {
        match self {
            Self::Path => in_path(head.uri.path(), below),
            Self::Header(name) => in_field(head, name),
            Self::MediaType => in_media_types(head),
        }
    }
}

/// Without regard to case and doubled slashes, as routes are matched, nor to what stands behind a semicolon, which servers of Java take
/// for parameters of the segment and leave out: no spelling slips past.
pub(super) fn in_path<'a>(path: &'a str, below: &[String]) -> Named<'a> {
    // Encoded too: some servers decode first.
    let bare = |segment: &'a str| segment.split(';').flat_map(|part| part.split("%3B")).next().unwrap_or_default();
    let mut segments = path.split('/').map(bare).filter(|segment| !segment.is_empty());
    for own in below {
        if !segments.next().is_some_and(|segment| segment.eq_ignore_ascii_case(own)) {
            return Named::Nothing;
        }
    }
    segments.next().map_or(Named::Nothing, |segment| Named::Segment(segment.as_bytes()))
}

fn in_field<'a>(head: &'a Head, name: &HeaderName) -> Named<'a> {
    let values = head.headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii());
    values.fold(Named::Nothing, |named, value| match named {
        Named::Nothing => Named::Version(value),
        Named::Version(other) if other == value => named,
        _ => Named::Ambiguous,
    })
}

/// Of the media types that name one, what the client would rather have decides, and the first of equals; what it will not have
/// (`q=0`) is none (RFC 9110 section 12.4.2).
fn in_media_types(head: &Head) -> Named<'_> {
    let lines = head.headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    let ranges = lines.flat_map(|line| line.split(|&byte| byte == b','));
    let best = ranges
        .filter_map(in_media_type)
        .fold((0, None), |best, (weight, version)| if weight > best.0 { (weight, Some(version)) } else { best });
    best.1.map_or(Named::Nothing, Named::Version)
}

/// The weight, in thousandths, and the version that is named.
fn in_media_type(range: &[u8]) -> Option<(u16, &[u8])> {
    let parts = || range.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts().next()?;
    // A parameter called `v` alone stands in what browsers accept by themselves, and is no version of ours.
    let version = parts().skip(1).find_map(of_parameter).or_else(|| of_vendor(essence))?;
    Some((parts().skip(1).find_map(quality::weight).unwrap_or(1_000), version))
}

fn of_parameter(parameter: &[u8]) -> Option<&[u8]> {
    let (name, value) = parameter.split_at_checked(b"version=".len())?;
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    name.eq_ignore_ascii_case(b"version=").then_some(value)
}

/// `application/vnd.shop.v1+json`, `application/vnd.shop.v1.full+json`.
fn of_vendor(essence: &[u8]) -> Option<&[u8]> {
    let at = essence.iter().position(|&byte| byte == b'/')?;
    let subtype = essence.get(at + 1..)?;
    let subtype = subtype.split(|&byte| byte == b'+').next()?;
    let mut words = subtype.split(|&byte| byte == b'.');
    let vendor = words.next()?.eq_ignore_ascii_case(b"vnd");
    if vendor { words.find(|word| looks_like_one(word)) } else { None }
}

/// Whether a word looks like a version: `v1`, `V2.1`, `2026-01-01`.
pub(super) fn looks_like_one(word: &[u8]) -> bool {
    let numbered = match word.split_first() {
        Some((b'v' | b'V', number)) => {
            number.first().is_some_and(u8::is_ascii_digit)
                && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        }
        _ => false,
    };
    let dated = word.len() == 10
        && word.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    numbered || dated
}
