//! The texts in a request or an answer: every value that is text, and not a picture or a name of the dialect; tokens that are given as numbers;
//! and all that tools are called with and answer, where names are a program's own.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::estimate::Length;

/// Members whose text is none that a model reads: names of the dialect, ids, and addresses.
pub(super) const NOT_READ: [&str; 17] = [
    "type",
    "role",
    "id",
    "model",
    "b64_json",
    "embedding",
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
];

/// Members that hold a picture or a file.
pub(super) const FILES: [&str; 5] = ["image_url", "inlineData", "fileData", "source", "input_audio"];

/// Members whose value is a program's own: what a tool is called with and answers, and schemas.
const FREE: [&str; 8] = [
    "args",
    "response",
    "parameters",
    "input_schema",
    "parametersJsonSchema",
    "responseSchema",
    "responseJsonSchema",
    "schema",
];

/// What a token that is given as a number counts as, and a number that is not whole.
const TOKEN_CHARACTERS: u64 = 4;
const FRACTION_CHARACTERS: u64 = 17;

/// Adds the texts in this JSON.
///
/// # Errors
/// It is none; what was before the place is counted.
pub(super) fn read(json: &[u8], length: &mut Length) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Texts { length, manner: Manner::Words }.deserialize(&mut reader)
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Members have names of the dialect.
    Words,
    /// So, and a number is a token.
    Entry,
    /// So, but an object is a program's own: what a tool is called with (Anthropic).
    Input,
    /// Each name and each value counts.
    Free,
    /// Nothing of it is read.
    Skipped,
}

impl Manner {
    /// How a member is read.
    fn of_member(self, name: &str) -> Self {
        match self {
            Self::Skipped => Self::Skipped,
            Self::Free | Self::Input => Self::Free,
            Self::Words | Self::Entry if NOT_READ.contains(&name) => Self::Skipped,
            Self::Words | Self::Entry if FREE.contains(&name) => Self::Free,
            Self::Words | Self::Entry if name == "input" => Self::Input,
            Self::Words | Self::Entry => Self::Words,
        }
    }

    /// How an entry of a list is read.
    const fn of_entry(self) -> Self {
        match self {
            Self::Words | Self::Entry | Self::Input => Self::Entry,
            Self::Free | Self::Skipped => self,
        }
    }
}

struct Texts<'a> {
    length: &'a mut Length,
    manner: Manner,
}

impl Texts<'_> {
    /// A value that is no text counts where all does.
    fn plain(self, characters: u64) {
        if self.manner == Manner::Free {
            self.length.add_plain(characters);
        }
    }
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
        if self.manner != Manner::Skipped {
            self.length.add(text);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.plain(5);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.plain(1 + digits(number.unsigned_abs()));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        match self.manner {
            Manner::Entry => self.length.add_plain(TOKEN_CHARACTERS),
            _ => self.plain(digits(number)),
        }
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.plain(FRACTION_CHARACTERS);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.plain(4);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let manner = self.manner.of_entry();
        while entries.next_element_seed(Texts { length: &mut *self.length, manner })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            let (length, manner) = (&mut *self.length, self.manner.of_member(&name));
            if matches!(self.manner, Manner::Free | Manner::Input) {
                length.add_plain(name.len() as u64);
            }
            let in_words = matches!(self.manner, Manner::Words | Manner::Entry);
            if in_words && FILES.contains(&&*name) {
                members.next_value_seed(File(length))?;
            } else {
                members.next_value_seed(Texts { length, manner })?;
            }
        }
        Ok(())
    }
}

/// A picture, a file, or a text that is given as one (Anthropic's documents).
struct File<'a>(&'a mut Length);

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a picture or a file")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.0.add_image();
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
        while entries.next_element_seed(File(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut is_text, mut is_picture, mut data) = (false, true, Length::default());
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            match &*name {
                "type" => is_text = matches!(&*word(members.next_value()?), "text" | "content"),
                "media_type" | "mimeType" => is_picture = word(members.next_value()?).starts_with("image/"),
                // Blocks as those of a message.
                "data" | "content" => {
                    members.next_value_seed(Texts { length: &mut data, manner: Manner::Words })?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        match (is_text, is_picture) {
            (true, _) => self.0.join(data),
            (false, true) => self.0.add_image(),
            (false, false) => self.0.add_file(data.characters),
        }
        Ok(())
    }
}

/// A value that should be text; empty where it is none.
fn word(value: &RawValue) -> Cow<'_, str> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

/// How many digits a number has.
fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or_default()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(json: &str) -> u64 {
        let mut length = Length::default();
        read(json.as_bytes(), &mut length).unwrap();
        length.characters
    }

    #[test]
    fn tokens_that_are_given_as_numbers_count_and_settings_do_not() {
        assert_eq!(characters(r#"{"model":"e","input":[1,22,333]}"#), 12);
        assert_eq!(characters(r#"{"input":[[1,2],[3]]}"#), 12);
        assert_eq!(characters(r#"{"max_tokens":800,"temperature":0.5,"stream":true,"stop":null}"#), 0);
    }

    #[test]
    fn all_that_a_tool_is_called_with_and_answers_counts_whatever_its_names_are() {
        let called = r#"{"messages":[{"content":[{"type":"tool_use","id":"i","name":"n","input":{"data":"abc","url":"de","id":12}}]}]}"#;
        assert_eq!(characters(called), 1 + "data".len() as u64 + 3 + "url".len() as u64 + 2 + "id".len() as u64 + 2);
        let answered = r#"{"contents":[{"parts":[{"functionResponse":{"name":"n","response":{"source":{"data":["xy",true]}}}}]}]}"#;
        assert_eq!(characters(answered), 1 + "source".len() as u64 + "data".len() as u64 + 2 + 5);
        let described =
            r#"{"tools":[{"type":"function","function":{"parameters":{"properties":{"type":{"type":"string"}}}}}]}"#;
        assert_eq!(characters(described), "propertiestypetypestring".len() as u64);
    }

    #[test]
    fn a_text_that_is_given_as_a_file_is_a_text() {
        let document = |source: &str| format!(r#"{{"content":[{{"type":"document","source":{source}}}]}}"#);
        assert_eq!(characters(&document(r#"{"data":"abcd","media_type":"text/plain","type":"text"}"#)), 4);
        assert_eq!(characters(&document(r#"{"type":"content","content":[{"type":"text","text":"abc"}]}"#)), 3);
        let mut length = Length::default();
        let pages = "A".repeat(80_000);
        let json = document(&format!(r#"{{"type":"base64","media_type":"application/pdf","data":"{pages}"}}"#));
        read(json.as_bytes(), &mut length).unwrap();
        assert_eq!(length.characters, 0);
        assert!(length.most_tokens() > 80_000, "{}", length.most_tokens());
    }
}
