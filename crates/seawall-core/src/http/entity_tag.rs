//! Entity tags (RFC 9110 section 8.8.3): read from `If-Match` and `If-None-Match`, compared, and made of a representation.

use std::fmt;

use http::HeaderValue;
use sha2::{Digest, Sha256};

/// An entity tag as it stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads the value of `ETag`; nothing when it is not exactly one tag.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::first(value.trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    /// The tag at the start, and what follows it.
    fn first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = text.strip_prefix(b"W/").map_or((false, text), |rest| (true, rest));
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|&byte| byte == b'"')?;
        let (opaque, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
        let sound = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
        opaque.iter().all(sound).then_some((Self { weak, opaque }, rest))
    }

    /// Whether both are the same tag and neither is weak: every byte is the same.
    #[must_use]
    pub fn strongly(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Whether both are the same tag, weak or not: the same to whoever reads it.
    #[must_use]
    pub fn weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

/// What stands in `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags<'a> {
    /// `*`: any representation.
    Any,
    /// One of these.
    Listed(Vec<EntityTag<'a>>),
}

impl<'a> Tags<'a> {
    /// Reads all lines of the field; nothing when there is no tag, or what stands there is no list of tags.
    #[must_use]
    pub fn parse(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let (mut tags, mut any) = (Vec::new(), false);
        for line in lines {
            let mut rest = line.trim_ascii();
            if rest == b"*" {
                any = true;
                continue;
            }
            while !rest.is_empty() {
                // A list may have empty members (RFC 9110 section 5.6.1.2).
                if let Some(after) = rest.strip_prefix(b",") {
                    rest = after.trim_ascii_start();
                    continue;
                }
                let (tag, after) = EntityTag::first(rest)?;
                tags.push(tag);
                rest = after.trim_ascii_start();
                if !rest.is_empty() && !rest.starts_with(b",") {
                    return None;
                }
            }
        }
        match (any, tags.is_empty()) {
            (true, true) => Some(Self::Any),
            (false, false) => Some(Self::Listed(tags)),
            _ => None,
        }
    }

    /// Whether one is the same tag, every byte of what it stands for included, as `If-Match` wants it.
    #[must_use]
    pub fn strongly(&self, current: &EntityTag<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.strongly(current)),
        }
    }

    /// Whether one is the same tag, as `If-None-Match` wants it.
    #[must_use]
    pub fn weakly(&self, current: &EntityTag<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.weakly(current)),
        }
    }
}

/// How much a tag that is made promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Whoever reads it gets the same; its bytes may be coded otherwise on the way.
    Weak,
    /// Every byte is the same.
    Strong,
}

/// A tag that is being made of a representation, while its body comes. No process, node or start has a part in it: whoever makes
/// it of the same representation makes the same tag.
#[derive(Clone)]
pub struct Tagging(Sha256);

impl Tagging {
    /// Of a representation with these fields, which tell apart what the body alone does not: its type, coding and language.
    pub fn of<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"seawall entity tag 1\n");
        for field in fields {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Self(hash)
    }

    /// Takes a piece of the body, however it was cut.
    pub fn body(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The value for `ETag`, once the body is whole. 128 bits: nobody finds two representations with one tag by chance.
    #[must_use]
    pub fn finish(self, strength: Strength) -> HeaderValue {
        use std::fmt::Write as _;
        let digest: [u8; 32] = self.0.finalize().into();
        let mut text = String::with_capacity(36);
        text.push_str(if strength == Strength::Weak { "W/\"" } else { "\"" });
        for byte in digest.iter().take(16) {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('"');
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }
}

impl fmt::Debug for Tagging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tagging")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn tags_compare_as_rfc_9110_section_8_8_3_2_has_it() {
        for (one, other, strongly, weakly) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            assert_eq!(
                (tag(one).strongly(&tag(other)), tag(one).weakly(&tag(other))),
                (strongly, weakly),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn lists_are_read_over_lines_and_what_is_no_list_is_nothing() {
        let read = |lines: &[&'static str]| Tags::parse(lines.iter().map(|line| line.as_bytes()));
        let two = Some(Tags::Listed(vec![tag("\"a,b\""), tag("W/\"c\"")]));
        assert_eq!(read(&["\"a,b\", W/\"c\""]), two);
        assert_eq!(read(&["\"a,b\"", ",, W/\"c\" ,"]), two);
        assert_eq!(read(&[" * "]), Some(Tags::Any));
        for broken in ["", ",", "a", "\"a", "w/\"a\"", "\"a\" \"b\"", "\"a b\"", "*, \"a\"", "\"a\", *"] {
            assert_eq!(read(&[broken]), None, "{broken}");
        }
        assert_eq!(read(&["*", "\"a\""]), None);
        assert_eq!(EntityTag::parse(b"\"a\", \"b\""), None);
    }

    #[test]
    fn another_type_or_coding_is_another_tag() {
        let of = |fields: &[&'static [u8]], strength| Tagging::of(fields.iter().copied()).finish(strength);
        let plain = of(&[b"text/plain", b"", b""], Strength::Strong);
        assert_ne!(plain, of(&[b"text/html", b"", b""], Strength::Strong));
        assert_ne!(plain, of(&[b"text/plain", b"gzip", b""], Strength::Strong));
        assert_ne!(of(&[b"a", b"bc"], Strength::Strong), of(&[b"ab", b"c"], Strength::Strong));
        let weak = of(&[b"text/plain", b"", b""], Strength::Weak);
        assert_eq!(weak.as_bytes(), [b"W/", plain.as_bytes()].concat());
    }

    proptest! {
        #[test]
        fn a_tag_is_the_same_however_the_body_was_cut_and_reads_back(
            body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200
        ) {
            let (first, second) = body.split_at(cut.min(body.len()));
            let (mut whole, mut parts) = (Tagging::of([]), Tagging::of([]));
            whole.body(&body);
            parts.body(first);
            parts.body(second);
            let made = whole.finish(Strength::Strong);
            prop_assert_eq!(&made, &parts.finish(Strength::Strong));
            let read = EntityTag::parse(made.as_bytes());
            prop_assert!(read.is_some_and(|tag| tag.strongly(&tag)));
        }

        #[test]
        fn no_field_breaks_the_reader(line in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(Tags::Listed(tags)) = Tags::parse([&line[..]]) {
                prop_assert!(!tags.is_empty());
            }
        }
    }
}
