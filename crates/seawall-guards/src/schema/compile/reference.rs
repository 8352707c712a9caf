//! References inside a document. Nothing is ever fetched for one.

use seawall_core::http::percent;
use serde_json::Value;

use super::DocumentError;
use crate::schema::at::escaped;

/// The place and the value that a reference at `pointer` names.
///
/// # Errors
/// [`DocumentError`] when it leads out of the document or to nothing.
pub(in crate::schema) fn resolve<'d>(
    root: &'d Value,
    pointer: &str,
    reference: &str,
) -> Result<(String, &'d Value), DocumentError> {
    let refused = |reason: &str| DocumentError::new(pointer, format!("the reference \"{reference}\" {reason}"));
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(refused("leads out of the document, and nothing is fetched; put what it names under `components`"));
    };
    let fragment = percent::decoded(fragment, false).ok_or_else(|| refused("has a broken percent-encoding"))?;
    if !fragment.is_empty() && !fragment.starts_with('/') {
        return Err(refused("is no JSON pointer; write one such as \"#/components/schemas/Order\""));
    }
    let mut here = root;
    let mut place = String::new();
    for step in fragment.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        let next = match here {
            Value::Object(map) => map.get(&key),
            Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        here = next.ok_or_else(|| refused("names nothing in the document"))?;
        place.push('/');
        place.push_str(&escaped(&key));
    }
    Ok((place, here))
}
