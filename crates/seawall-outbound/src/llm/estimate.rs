//! How many tokens a text has, about, where nobody says.
//!
//! Four characters a token is right for English (checklist ST-7). Other scripts have fewer characters in a token, and more bytes in a character: a
//! quarter of the bytes comes closer there. The larger of the two is taken, so that a budget errs to the safe side.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

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
    texts: u64,
}

impl Length {
    /// Adds a text.
    pub(crate) fn add(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
        self.bytes += text.len() as u64;
        self.texts += 1;
    }

    /// Adds another's texts.
    pub(crate) const fn join(&mut self, other: Self) {
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.images += other.images;
        self.texts += other.texts;
    }

    /// About so many tokens.
    pub(crate) const fn tokens(&self) -> u64 {
        let (by_characters, by_bytes) = (self.characters.div_ceil(4), self.bytes.div_ceil(4));
        let latin = self.characters == self.bytes;
        let text = if latin || by_characters > by_bytes { by_characters } else { by_bytes };
        text + self.images * IMAGE_TOKENS
    }

    /// More tokens than it can have: none is shorter than a byte, and what stands around each text and in each image is counted generously.
    pub(crate) const fn most_tokens(&self) -> u64 {
        self.bytes + self.texts * AROUND_TOKENS + self.images * LARGEST_IMAGE_TOKENS
    }

    /// The texts in a request or an answer: every value that is text, and not a picture or a name of the dialect.
    pub(crate) fn of_json(json: &[u8]) -> Self {
        let mut length = Self::default();
        let mut reader = serde_json::Deserializer::from_slice(json);
        // What is no JSON is refused by whoever reads it next; what was counted until there stands.
        let _counted = Texts { length: &mut length, skip: false }.deserialize(&mut reader);
        length
    }
}

/// Members whose text is none that a model reads: names of the dialect, ids, and pictures.
pub(super) const NOT_READ: [&str; 18] = [
    "type",
    "role",
    "id",
    "model",
    "data",
    "b64_json",
    "mimeType",
    "media_type",
    "url",
    "image_url",
    "fileUri",
    "file_id",
    "tool_call_id",
    "tool_use_id",
    "call_id",
    "signature",
    "thoughtSignature",
    "encrypted_content",
];

/// Members that hold a picture or a file.
pub(super) const PICTURES: [&str; 5] = ["image_url", "inlineData", "fileData", "source", "input_audio"];

struct Texts<'a> {
    length: &'a mut Length,
    /// Whether texts here are none that a model reads.
    skip: bool,
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if !self.skip {
            self.length.add(text);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_element_seed(Texts { length: &mut *self.length, skip: self.skip })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            if PICTURES.contains(&&*name) {
                self.length.images += 1;
            }
            let skip = self.skip || NOT_READ.contains(&&*name) || PICTURES.contains(&&*name);
            members.next_value_seed(Texts { length: &mut *self.length, skip })?;
        }
        Ok(())
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
