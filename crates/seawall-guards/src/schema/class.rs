//! Patterns of one class of ASCII characters, as most are: `^[A-Z0-9-]{3,10}$`. A table finds them with an instruction or two for a byte.

/// How often which bytes may stand in a text, and nothing else.
#[derive(Debug)]
pub(super) struct Class {
    /// A bit for each byte of ASCII.
    bytes: u128,
    min: usize,
    max: Option<usize>,
}

impl Class {
    /// The class of a pattern; nothing when it is any other pattern, or may be.
    pub(super) fn read(pattern: &str) -> Option<Self> {
        let inside = pattern.strip_prefix("^[")?.strip_suffix('$')?;
        let (set, times) = inside.split_once(']')?;
        let bytes = bytes(set.as_bytes())?;
        let (min, max) = match times {
            "" => (1, Some(1)),
            "+" => (1, None),
            "*" => (0, None),
            "?" => (0, Some(1)),
            counted => {
                let counted = counted.strip_prefix('{')?.strip_suffix('}')?;
                match counted.split_once(',') {
                    None => (number(counted)?, Some(number(counted)?)),
                    Some((min, "")) => (number(min)?, None),
                    Some((min, max)) => (number(min)?, Some(number(max)?)),
                }
            }
        };
        Some(Self { bytes, min, max })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii() && self.bytes & (1 << byte) != 0;
        text.len() >= self.min && self.max.is_none_or(|max| text.len() <= max) && text.bytes().all(fits)
    }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The bytes of a class: letters, digits, signs that mean nothing else there, and ranges of letters or digits.
fn bytes(set: &[u8]) -> Option<u128> {
    let mut bytes = 0;
    let mut rest = set;
    while let [first, after @ ..] = rest {
        match (first, after) {
            (first, [b'-', last, after @ ..]) if first.is_ascii_alphanumeric() => {
                if !last.is_ascii_alphanumeric() || first > last {
                    return None;
                }
                (*first..=*last).for_each(|byte| bytes |= 1 << byte);
                rest = after;
                continue;
            }
            // Where it is first or last, it stands for itself.
            (b'-', _) if after.is_empty() || rest.len() == set.len() => {}
            (b' ' | b'_' | b'.' | b',' | b':' | b'@' | b'/' | b'+', after)
                if !after.starts_with(b"-") || after.len() == 1 => {}
            (first, _) if first.is_ascii_alphanumeric() => {}
            _ => return None,
        }
        bytes |= 1 << first;
        rest = after;
    }
    (bytes != 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_lite::Regex;

    use super::*;

    #[test]
    fn what_people_write_is_known() {
        for pattern in ["^[A-Z0-9 -]{3,10}$", "^[a-z]+$", "^[-0-9]{4}$", "^[A-Za-z_.]*$", "^[0-9]{2,}$"] {
            assert!(Class::read(pattern).is_some(), "{pattern}");
        }
        for pattern in
            ["[a-z]+", "^[^a]$", "^[a-z]|[0-9]$", "^[\\d]+$", "^[a]]$", "^[a]{2}{3}$", "^[]$", "^[a&&b]$", "^[a]+?$"]
        {
            assert!(Class::read(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_class_matches_what_its_pattern_does(
            set in "[A-Fa-f0-3 _.,:@/+&^\\\\\\[-]{1,6}", times in "|\\+|\\*|\\?|\\{[0-3](,[0-5]?)?\\}", text in "[A-Fa-f0-3 _.,:@/+&^é\n\\\\\\[-]{0,6}"
        ) {
            let pattern = format!("^[{set}]{times}$");
            if let (Some(class), Ok(regex)) = (Class::read(&pattern), Regex::new(&pattern)) {
                prop_assert_eq!(class.matches(&text), regex.is_match(&text), "{} {:?}", pattern, text);
            }
        }
    }
}
