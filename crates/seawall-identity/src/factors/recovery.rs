//! Recovery codes: ten of 125 random bits, shown once, each of one use (ASVS 5.0, 6.5.1 and 6.5.2).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::base32;

const COUNT: usize = 10;
const BYTES: usize = 16;

/// How many letters and digits a code has, of 5 bits each, and how they are grouped.
const LENGTH: usize = 25;
const GROUP: usize = 5;

/// Fresh codes, for their owner.
pub struct RecoveryCodes(Zeroizing<Vec<String>>);

impl RecoveryCodes {
    pub(crate) fn fresh() -> Result<Self, getrandom::Error> {
        let mut codes = Zeroizing::new(Vec::with_capacity(COUNT));
        for _ in 0..COUNT {
            let mut bytes = Zeroizing::new([0; BYTES]);
            getrandom::fill(&mut *bytes)?;
            let signs: Zeroizing<Vec<char>> =
                Zeroizing::new(base32::encode(&*bytes).to_lowercase().chars().take(LENGTH).collect());
            let groups: Vec<String> = signs.chunks(GROUP).map(|group| group.iter().collect()).collect();
            codes.push(groups.join("-"));
        }
        Ok(Self(codes))
    }

    /// As they are shown.
    #[must_use]
    pub fn expose(&self) -> &[String] {
        &self.0
    }

    /// What is kept of them.
    pub(crate) fn digests(&self) -> Vec<[u8; 32]> {
        self.0.iter().filter_map(|code| digest_of(code)).collect()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodes")
    }
}

/// The digest of a code as somebody typed it; nothing when it is none.
pub(crate) fn digest_of(typed: &str) -> Option<[u8; 32]> {
    if typed.len() > 4 * LENGTH {
        return None;
    }
    let kept = typed.chars().filter(|sign| !sign.is_whitespace() && *sign != '-');
    let code: Zeroizing<String> = Zeroizing::new(kept.map(|sign| sign.to_ascii_lowercase()).collect());
    let signs = code.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
    if code.len() != LENGTH || !signs {
        return None;
    }
    digest(&SHA256, code.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_codes_differ_and_are_read_as_people_type_them() {
        let codes = RecoveryCodes::fresh().unwrap();
        let digests = codes.digests();
        let different: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!((codes.expose().len(), different.len()), (10, 10));
        let code = &codes.expose()[0];
        assert_eq!(code.len(), 29);
        assert_eq!(digest_of(&format!(" {} ", code.to_uppercase().replace('-', " "))), Some(digests[0]));
        for nonsense in ["", "123456", &code[1..], &format!("{code}a"), &code.replace('-', "1"), &"a".repeat(10_000)] {
            assert_eq!(digest_of(nonsense), None, "{nonsense}");
        }
    }
}
