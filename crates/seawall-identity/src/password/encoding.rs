//! How formats write bytes: hexadecimal, the kinds of base64, and crypt's alphabet.

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, STANDARD_NO_PAD},
    },
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);
const CRYPT: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Base64 with or without padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Base64 with or without padding, of both alphabets, as Firebase gives it out.
pub(crate) fn base64_any(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('-', "+").replace('_', "/"))
}

/// Passlib's base64: `.` instead of `+`, without padding.
pub(crate) fn base64_adapted(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('.', "+"))
}

/// Base64 with padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 without padding, as PHC strings have it.
pub(crate) fn to_base64_bare(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Bcrypt's base64.
pub(crate) fn base64_bcrypt(text: &str) -> Option<Vec<u8>> {
    BCRYPT.decode(text).ok()
}

/// Crypt's alphabet, four characters to three bytes, the lowest bits first.
pub(crate) fn crypt(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (place, character) in group.iter().enumerate() {
            bits |= crypt_digit(*character)? << (6 * place);
        }
        let count = group.len() * 6 / 8;
        if count == 0 || u64::from(bits) >> (8 * count) != 0 {
            return None;
        }
        bytes.extend(bits.to_le_bytes().into_iter().take(count));
    }
    Some(bytes)
}

/// The value of one character of crypt's alphabet.
pub(crate) fn crypt_digit(character: u8) -> Option<u32> {
    CRYPT.iter().position(|known| *known == character).and_then(|place| u32::try_from(place).ok())
}

/// Hexadecimal of either case.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: u8| char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Hexadecimal in small letters.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| HEX.get(usize::from(value)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_in_both_cases_and_written_small() {
        assert_eq!(hex("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!(to_hex(&[0, 255, 160]), "00ffa0");
        assert_eq!((hex("0"), hex("0g"), hex("é")), (None, None, None));
    }

    #[test]
    fn crypts_alphabet_is_read_lowest_bits_first() {
        assert_eq!(crypt("/..."), Some(vec![1, 0, 0]));
        assert_eq!(crypt("zzzz"), Some(vec![255, 255, 255]));
        assert_eq!(crypt("z1"), Some(vec![255]));
        assert_eq!(crypt("zz"), None, "twelve bits are no byte");
        assert_eq!((crypt("z"), crypt("....+")), (None, None));
    }
}
