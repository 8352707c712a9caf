//! What nodes tell each other about a cache: the keys that are void, or that everything is.

use super::CacheKey;

/// Everything is void.
pub(super) const EVERYTHING: &str = "*";

/// How long one message gets before another is begun, in bytes; every carrier takes that much.
const LONGEST: usize = 4_096;

/// What was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<K> {
    Keys(Vec<K>),
    Everything,
}

/// Keys as messages, several in each.
pub(super) fn write<K: CacheKey>(keys: &[K]) -> Vec<String> {
    let mut messages = Vec::new();
    let (mut texts, mut length) = (Vec::new(), 0);
    for key in keys {
        let text = key.text();
        if length + text.len() > LONGEST && !texts.is_empty() {
            messages.push(json(&std::mem::take(&mut texts)));
            length = 0;
        }
        // Quotes and a comma come with it.
        length += text.len() + 3;
        texts.push(text);
    }
    if !texts.is_empty() {
        messages.push(json(&texts));
    }
    messages
}

/// Reads a message. One that says something else is from another version: everything it could be about is void.
pub(super) fn read<K: CacheKey>(text: &str) -> Told<K> {
    let texts: Option<Vec<String>> = serde_json::from_str(text).ok();
    let keys = texts.and_then(|texts| texts.iter().map(|text| K::read(text)).collect());
    keys.map_or(Told::Everything, Told::Keys)
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_in_messages_of_bounded_length() {
        let keys: Vec<[u8; 32]> = (0..200).map(|number| [number; 32]).collect();
        let messages = write(&keys);
        assert!(messages.len() > 1 && messages.iter().all(|message| message.len() < 7_900), "{}", messages.len());
        let read: Vec<[u8; 32]> = messages
            .iter()
            .flat_map(|message| match read(message) {
                Told::Keys(keys) => keys,
                Told::Everything => panic!("keys were told"),
            })
            .collect();
        assert_eq!(read, keys);
        let odd = ["a \"quoted\" key".to_owned(), String::new(), "é\n".to_owned()];
        assert_eq!(
            write(&odd).iter().map(|message| self::read(message)).collect::<Vec<_>>(),
            [Told::Keys(odd.to_vec())]
        );
    }

    #[test]
    fn what_is_not_understood_makes_everything_void() {
        for strange in [EVERYTHING, "", "[1]", "[\"ab\"]", "{}"] {
            assert_eq!(read::<[u8; 32]>(strange), Told::Everything, "{strange}");
        }
        assert!(write::<String>(&[]).is_empty());
    }
}
