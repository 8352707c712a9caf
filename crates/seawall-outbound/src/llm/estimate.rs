//! How many tokens a text has, about, where nobody says.
//!
//! Four characters a token is right for English (checklist ST-7). Other scripts have fewer characters in a token, and more bytes in a character: a
//! quarter of the bytes comes closer there. The larger of the two is taken, so that a budget errs to the safe side.

use super::texts;

/// What an image counts as, about, whatever its size.
const IMAGE_TOKENS: u64 = 1_600;

/// What the largest image counts as, by the dearest of the known ways of counting.
const LARGEST_IMAGE_TOKENS: u64 = 50_000;

/// What stands around a text: the marks of a message, the name of a role, a tool's frame.
const AROUND_TOKENS: u64 = 32;

/// Characters and bytes of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) characters: u64,
    bytes: u64,
    images: u64,
    /// Bytes of files that are no pictures.
    files: u64,
    texts: u64,
}

impl Length {
    /// Adds a text.
    pub(crate) fn add(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
        self.bytes += text.len() as u64;
        self.texts += 1;
    }

    /// Adds so many characters of ASCII to a text.
    pub(super) const fn add_plain(&mut self, characters: u64) {
        self.characters += characters;
        self.bytes += characters;
    }

    /// Adds a picture.
    pub(super) const fn add_image(&mut self) {
        self.images += 1;
    }

    /// Adds a file that is no picture, of which nobody knows how much text is in it.
    pub(super) const fn add_file(&mut self, bytes: u64) {
        self.images += 1;
        self.files += bytes;
    }

    /// Adds another's texts.
    pub(crate) const fn join(&mut self, other: Self) {
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.images += other.images;
        self.files += other.files;
        self.texts += other.texts;
    }

    /// About so many tokens.
    pub(crate) const fn tokens(&self) -> u64 {
        let (by_characters, by_bytes) = (self.characters.div_ceil(4), self.bytes.div_ceil(4));
        let latin = self.characters == self.bytes;
        let text = if latin || by_characters > by_bytes { by_characters } else { by_bytes };
        text + self.images * IMAGE_TOKENS
    }

    /// More tokens than what is in a request can have: none is shorter than a byte, and what stands around each text and in each image is counted
    /// generously. What a provider fetches by a name or an address is not in it.
    pub(crate) const fn most_tokens(&self) -> u64 {
        self.bytes + self.files + self.texts * AROUND_TOKENS + self.images * LARGEST_IMAGE_TOKENS
    }

    /// The texts in a request or an answer.
    pub(crate) fn of_json(json: &[u8]) -> Self {
        let mut length = Self::default();
        // What is no JSON is refused by whoever reads it next; what was counted until there stands.
        let _read = texts::read(json, &mut length);
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> u64 {
        let mut length = Length::default();
        length.add(text);
        length.tokens()
    }

    #[test]
    fn st_7_four_characters_are_a_token_and_in_other_scripts_four_bytes() {
        assert_eq!((tokens(""), tokens("a"), tokens("abcd"), tokens("abcde")), (0, 1, 1, 2));
        assert_eq!(tokens("日本語のテキスト"), 6);
        assert_eq!(tokens("größer"), 2);
    }

    #[test]
    fn what_a_model_reads_is_counted_and_nothing_else() {
        let request = br#"{"model":"gpt-5","messages":[{"role":"system","content":"abcd"},{"role":"user","content":[
            {"type":"text","text":"efgh"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAAAAAAAAAA"}}]}],
            "temperature":0.5,"stream":true,"stop":null}"#;
        let length = Length::of_json(request);
        assert_eq!((length.characters, length.images), (8, 1));
        assert_eq!(length.tokens(), 2 + IMAGE_TOKENS);
        assert_eq!(Length::of_json(b"{\"a\":\"bc").characters, 0);
    }
}
