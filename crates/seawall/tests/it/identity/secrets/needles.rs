//! Each way in which a secret could be written, looked for in many bytes at once.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shorter parts than this are not looked for: they are numbers, and the end of an id that anybody may see.
const LEAST: usize = 16;

/// What is looked for, by the first two bytes.
pub(super) struct Needles {
    starts: Vec<Vec<Needle>>,
}

struct Needle {
    what: String,
    bytes: Vec<u8>,
}

impl Default for Needles {
    fn default() -> Self {
        Self { starts: (0..=usize::from(u16::MAX)).map(|_| Vec::new()).collect() }
    }
}

impl Needles {
    /// Some bytes, and how they are written.
    pub(super) fn of_bytes(what: &str, bytes: &[u8]) -> Self {
        let mut needles = Self::default();
        needles.written(what, bytes);
        needles
    }

    /// A secret as it was given out: as text, each long part of it decoded, and all of that in other writings.
    pub(super) fn add(&mut self, what: &str, text: &str) {
        self.written(what, text.as_bytes());
        let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        for form in [bare.to_ascii_lowercase(), bare.to_ascii_uppercase()] {
            self.written(&format!("{what}, without signs between"), form.as_bytes());
        }
        let wholes = [text.to_owned(), bare];
        let parts = text.split(['.', '_', '-', ' ', '=']).map(str::to_owned);
        for part in wholes.into_iter().chain(parts).filter(|part| part.len() >= LEAST) {
            self.written(&format!("{what}, a part"), part.as_bytes());
            let decoded = [
                ("base64url", URL_SAFE_NO_PAD.decode(&part).ok()),
                ("base64", STANDARD_NO_PAD.decode(&part).ok()),
                ("hex", unhex(&part)),
                ("base32", unbase32(&part)),
            ];
            for (coding, bytes) in decoded {
                if let Some(bytes) = bytes.filter(|bytes| bytes.len() >= LEAST / 2) {
                    self.written(&format!("{what}, decoded from {coding}"), &bytes);
                }
            }
        }
    }

    fn written(&mut self, what: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (how, form) in [
            ("as it is", bytes.to_vec()),
            ("in hex", hex.clone().into_bytes()),
            ("in hex", hex.to_ascii_uppercase().into_bytes()),
            ("in base64", STANDARD.encode(bytes).into_bytes()),
            ("in base64", STANDARD_NO_PAD.encode(bytes).into_bytes()),
            ("in base64url", URL_SAFE_NO_PAD.encode(bytes).into_bytes()),
        ] {
            let [first, second, ..] = form[..] else { continue };
            let start = &mut self.starts[usize::from(u16::from_be_bytes([first, second]))];
            start.push(Needle { what: format!("{what} {how}"), bytes: form });
        }
    }

    /// Which of them stand in these bytes.
    pub(super) fn found_in(&self, held: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, pair) in held.windows(2).enumerate() {
            for needle in &self.starts[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                if held[at..].starts_with(&needle.bytes) && !found.contains(&needle.what) {
                    found.push(needle.what.clone());
                }
            }
        }
        found
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|sign| u8::try_from(sign.to_digit(16)?).ok()).collect();
    digits
        .filter(|digits| digits.len() % 2 == 0)
        .map(|digits| digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let bits: Option<Vec<[u8; 5]>> = text
        .bytes()
        .map(|sign| {
            let value = match sign.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            Some([4, 3, 2, 1, 0].map(|place| value >> place & 1))
        })
        .collect();
    let bits: Vec<u8> = bits?.into_iter().flatten().collect();
    Some(bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect())
}

#[test]
fn secrets_are_found_in_each_writing() {
    let mut needles = Needles::default();
    needles.add("a token", "sw_test_AbCdEfGhIjKlMnOpQrStUv");
    for written in [
        "x sw_test_AbCdEfGhIjKlMnOpQrStUv y".to_owned(),
        "AbCdEfGhIjKlMnOpQrStUv".to_owned(),
        "\\x7377".to_owned() + &"_test_AbCdEfGhIjKlMnOpQrStUv".bytes().map(|b| format!("{b:02x}")).collect::<String>(),
        format!("{:?}", STANDARD.encode("sw_test_AbCdEfGhIjKlMnOpQrStUv")),
    ] {
        assert!(!needles.found_in(written.as_bytes()).is_empty(), "{written}");
    }
    let decoded = URL_SAFE_NO_PAD.decode("AbCdEfGhIjKlMnOpQrStUv").unwrap_or_default();
    assert_eq!(needles.found_in(&decoded).is_empty(), decoded.is_empty());
    assert!(needles.found_in(b"sw_test_AbCdEf and nothing else of it").is_empty());
}
