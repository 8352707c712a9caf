//! CBOR (RFC 8949) as authenticators write it (CTAP 2.2 section 8): a strict reader that is bounded in depth and in size.
//!
//! Definite lengths in their shortest form, no tags, no floating numbers, no key twice. What else there is in the world is refused.

/// How deep values lie within each other at most: an attestation statement has arrays in maps.
const DEEPEST: usize = 6;

/// How many items one array or map has at most.
const MOST: usize = 64;

/// A value, borrowed from what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Flag(bool),
    Nothing,
}

/// Why bytes are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCbor {
    /// They end within a value.
    #[error("it ends within a value")]
    Short,
    /// Something stands behind the value.
    #[error("something stands behind it")]
    Trailing,
    /// Values lie too deep.
    #[error("values lie deeper than {DEEPEST}")]
    Deep,
    /// An array or a map is too long.
    #[error("an array or a map has more than {MOST} items")]
    Long,
    /// A number or a length is not in its shortest form.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// A key stands in a map twice.
    #[error("a key stands in a map twice")]
    Twice,
    /// A text is not UTF-8.
    #[error("a text is no UTF-8")]
    NotText,
    /// Tags, floating numbers, lengths that come later, numbers of more than 63 bits.
    #[error("it has a kind of value that authenticators do not write")]
    Foreign,
}

/// Reads all of it as one value.
pub(super) fn whole(bytes: &[u8]) -> Result<Value<'_>, BadCbor> {
    let (value, rest) = first(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(BadCbor::Trailing) }
}

/// Reads the first value; answers what stands behind it, too.
pub(super) fn first(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), BadCbor> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    Ok((value, reader.rest))
}

impl<'a> Value<'a> {
    /// What stands in a map under an integer.
    pub(super) fn at(&self, key: i64) -> Option<&Self> {
        self.find(&Value::Integer(key))
    }

    /// What stands in a map under a text.
    pub(super) fn named(&self, key: &str) -> Option<&Self> {
        self.find(&Value::Text(key))
    }

    fn find(&self, wanted: &Value<'_>) -> Option<&Self> {
        let Value::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
    }

    pub(super) const fn bytes(&self) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) const fn integer(&self) -> Option<i64> {
        if let Value::Integer(number) = self { Some(*number) } else { None }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, BadCbor> {
        if depth > DEEPEST {
            return Err(BadCbor::Deep);
        }
        let first = *self.take(1)?.first().ok_or(BadCbor::Short)?;
        let (major, low) = (first >> 5, first & 31);
        if major == 7 {
            return match low {
                20 => Ok(Value::Flag(false)),
                21 => Ok(Value::Flag(true)),
                22 => Ok(Value::Nothing),
                _ => Err(BadCbor::Foreign),
            };
        }
        let number = self.number(low)?;
        match major {
            0 => i64::try_from(number).map(Value::Integer).map_err(|_| BadCbor::Foreign),
            1 => i64::try_from(number).map(|number| Value::Integer(-1 - number)).map_err(|_| BadCbor::Foreign),
            2 => Ok(Value::Bytes(self.take(length(number)?)?)),
            3 => {
                let text = std::str::from_utf8(self.take(length(number)?)?);
                text.map(Value::Text).map_err(|_| BadCbor::NotText)
            }
            4 => (0..items(number)?).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Value::Array),
            5 => self.map(items(number)?, depth + 1),
            _ => Err(BadCbor::Foreign),
        }
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<Value<'a>, BadCbor> {
        let mut pairs: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        for _ in 0..count {
            let key = self.value(depth)?;
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(BadCbor::Twice);
            }
            let value = self.value(depth)?;
            pairs.push((key, value));
        }
        Ok(Value::Map(pairs))
    }

    /// A number, whose low bits say how many bytes hold it.
    fn number(&mut self, low: u8) -> Result<u64, BadCbor> {
        let (bytes, least) = match low {
            0..=23 => return Ok(u64::from(low)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(BadCbor::Foreign),
        };
        let number = self.take(bytes)?.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        if number < least { Err(BadCbor::NotShortest) } else { Ok(number) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BadCbor> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(BadCbor::Short)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn length(number: u64) -> Result<usize, BadCbor> {
    usize::try_from(number).map_err(|_| BadCbor::Short)
}

fn items(number: u64) -> Result<usize, BadCbor> {
    usize::try_from(number).ok().filter(|count| *count <= MOST).ok_or(BadCbor::Long)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_examples_are_read() {
        // RFC 8949, appendix A.
        for (bytes, value) in [
            (&[0x00][..], Value::Integer(0)),
            (&[0x17], Value::Integer(23)),
            (&[0x18, 0x18], Value::Integer(24)),
            (&[0x19, 0x03, 0xe8], Value::Integer(1000)),
            (&[0x1a, 0x00, 0x0f, 0x42, 0x40], Value::Integer(1_000_000)),
            (&[0x39, 0x03, 0xe7], Value::Integer(-1000)),
            (&[0xf4], Value::Flag(false)),
            (&[0xf6], Value::Nothing),
            (&[0x44, 1, 2, 3, 4], Value::Bytes(&[1, 2, 3, 4])),
            (&[0x62, 0xc3, 0xbc], Value::Text("\u{fc}")),
            (&[0x83, 1, 2, 3], Value::Array([1, 2, 3].map(Value::Integer).to_vec())),
            (&[0xa1, 1, 2], Value::Map(vec![(Value::Integer(1), Value::Integer(2))])),
        ] {
            assert_eq!(whole(bytes), Ok(value), "{bytes:?}");
        }
    }

    #[test]
    fn what_authenticators_do_not_write_is_refused() {
        let deep = [vec![0x81; DEEPEST + 1], vec![0]].concat();
        for (bytes, why) in [
            (&[][..], BadCbor::Short),
            (&[0x18], BadCbor::Short),
            (&[0x5b, 0x7f, 255, 255, 255, 255, 255, 255, 255], BadCbor::Short),
            (&[0x42, 1], BadCbor::Short),
            (&[0, 0], BadCbor::Trailing),
            (&deep, BadCbor::Deep),
            (&[0x98, 65], BadCbor::Long),
            (&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255], BadCbor::Long),
            (&[0x18, 23], BadCbor::NotShortest),
            (&[0x58, 1, 0], BadCbor::NotShortest),
            (&[0xa2, 1, 1, 1, 2], BadCbor::Twice),
            (&[0x61, 0xff], BadCbor::NotText),
            (&[0x9f, 0xff], BadCbor::Foreign),
            (&[0x5f, 0x41, 0, 0xff], BadCbor::Foreign),
            (&[0xc0, 0], BadCbor::Foreign),
            (&[0xf9, 0, 0], BadCbor::Foreign),
            (&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255], BadCbor::Foreign),
        ] {
            assert_eq!(whole(bytes), Err(why), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            if let Ok((_, rest)) = first(&bytes) {
                prop_assert!(rest.len() < bytes.len() && bytes.ends_with(rest));
            }
        }
    }
}
