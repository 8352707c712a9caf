//! Codes of authenticator apps (RFC 6238): HMAC-SHA-1 of the time, in steps of 30 s, six digits. SHA-1 and six digits are what every
//! app understands.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use seawall_core::http::percent::{UNRESERVED, encoded};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::base32;

/// How many bytes a seed has: as many as the hash (RFC 4226 section 4).
const SEED_BYTES: usize = 20;

const STEP_S: i64 = 30;
const DIGITS: usize = 6;

/// By how many steps the clock of the app may be off (RFC 6238 section 5.2).
const OFF: i64 = 1;

/// What an app and this server have in common.
pub(crate) struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    /// A fresh one.
    pub(crate) fn fresh() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new(vec![0; SEED_BYTES]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub(super) const fn of(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// As people type it into an app.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(&self.0))
    }

    /// As apps read it from a picture.
    pub(crate) fn uri(&self, issuer: &str, name: &str) -> Zeroizing<String> {
        let (issuer, name, text) = (encoded(issuer, UNRESERVED), encoded(name, UNRESERVED), self.text());
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            &*text
        ))
    }

    /// The step of a code that holds at this time and was not used before.
    pub(crate) fn step_of(&self, code: &str, now_us: i64, last_step: i64) -> Option<i64> {
        let now = now_us.div_euclid(1_000_000).div_euclid(STEP_S);
        let mut found = None;
        // All are computed, so that the time says nothing of which it was.
        for step in now - OFF..=now + OFF {
            let fits: bool = self.code(step).as_bytes().ct_eq(code.as_bytes()).into();
            if fits && step > last_step {
                found = Some(step);
            }
        }
        found
    }

    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        // RFC 4226 section 5.3: the last four bits say where the number begins.
        let at = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
        let number = bytes.get(at..at + 4).unwrap_or_default().iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of the standard's appendix B.
    fn seed() -> Seed {
        Seed(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    const S: i64 = 1_000_000;

    #[test]
    fn the_standards_codes_come_out() {
        for (at_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(seed().step_of(code, at_s * S, 0), Some(at_s / 30), "{at_s}");
        }
    }

    #[test]
    fn a_code_holds_one_step_early_and_late_and_once() {
        for (at_s, holds) in
            [(29, false), (30, true), (59, true), (60, true), (89, true), (90, true), (119, true), (120, false)]
        {
            assert_eq!(seed().step_of(&seed().code(2), at_s * S, 0).is_some(), holds, "{at_s}");
        }
        assert_eq!(seed().step_of(&seed().code(2), 60 * S, 1), Some(2));
        assert_eq!(seed().step_of(&seed().code(2), 60 * S, 2), None);
        for nonsense in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(seed().step_of(nonsense, 59 * S, 0), None);
        }
    }

    #[test]
    fn an_app_reads_it_with_any_name() {
        assert_eq!(
            &*seed().uri("My App", "zoë:1"),
            "otpauth://totp/My%20App:zo%C3%AB%3A1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20App&algorithm=SHA1&digits=6&period=30"
        );
    }
}
