//! The code that a device shows and a person types: eight consonants, which spell no word and are mistaken for none of each other
//! (RFC 8628 section 6.1). Some 34 bits, so it holds for minutes, and few are tried.

use std::fmt;

use zeroize::Zeroizing;

/// What codes are made of.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const SIGNS: usize = 8;

/// A code.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(Zeroizing<String>);

impl Code {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut text = Zeroizing::new(String::with_capacity(SIGNS));
        let mut bytes = Zeroizing::new([0_u8; 32]);
        while text.len() < SIGNS {
            getrandom::fill(&mut *bytes)?;
            // Bytes beyond the last whole round of the alphabet are drawn again, so that all signs are equally likely.
            let drawn =
                bytes.iter().filter(|byte| **byte < 240).filter_map(|byte| ALPHABET.get(usize::from(byte % 20)));
            let missing = SIGNS - text.len();
            text.extend(drawn.take(missing).copied().map(char::from));
        }
        Ok(Self(text))
    }

    /// What a person typed, in whatever case, with dashes and spaces; nothing when it can be no code.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let signs = typed.chars().filter(|sign| !matches!(sign, '-' | ' ')).map(|sign| sign.to_ascii_uppercase());
        let text: Zeroizing<String> = Zeroizing::new(signs.take(SIGNS + 1).collect());
        let fits = text.len() == SIGNS && text.bytes().all(|sign| ALPHABET.contains(&sign));
        fits.then_some(Self(text))
    }

    /// The signs without a dash.
    pub(crate) fn signs(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As it is shown: `WDJB-MJHT`.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(SIGNS / 2).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }
}

// It may be a good one.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed_and_others_are_none() {
        let code = Code::parse("WDJBMJHT").unwrap();
        assert_eq!(code.shown(), "WDJB-MJHT");
        for typed in ["wdjb-mjht", " WDJB MJHT ", "w-d-j-b-m-j-h-t"] {
            assert_eq!(Code::parse(typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "WDJBMJH", "WDJBMJHTT", "WDJBMJHA", "WDJBMJH0", "WDJBMJHß"] {
            assert_eq!(Code::parse(typed), None, "{typed}");
        }
        assert_eq!(format!("{code:?}"), "Code");
    }

    #[test]
    fn fresh_codes_are_codes_and_all_signs_come() {
        let codes: Vec<_> = (0..200).map(|_| Code::new().unwrap()).collect();
        assert!(codes.iter().all(|code| Code::parse(&code.shown()).as_ref() == Some(code)));
        let all: Vec<u8> = codes.iter().flat_map(|code| code.signs().to_vec()).collect();
        assert!(ALPHABET.iter().all(|sign| all.contains(sign)));
    }
}
