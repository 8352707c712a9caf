//! The forms of a body, by its media type.

use super::node::NodeId;

/// What a document says of each media type; nothing is said of the body of a type without a schema.
#[derive(Clone, Debug, Default)]
pub(super) struct MediaTypes(pub(super) Vec<(String, Option<NodeId>)>);

impl MediaTypes {
    /// The form of this type, named or by a range; nothing when the document has none for it.
    pub(super) fn find(&self, content_type: &str) -> Option<Option<NodeId>> {
        let essence = essence(content_type);
        let (kind, _) = essence.split_once('/').unwrap_or((essence, ""));
        let named =
            |name: &str| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, node)| *node);
        let range = || {
            let fits = |known: &str| known.strip_suffix("/*").is_some_and(|known| known.eq_ignore_ascii_case(kind));
            self.0.iter().find(|(known, _)| fits(known)).map(|(_, node)| *node)
        };
        named(essence).or_else(range).or_else(|| named("*/*"))
    }

    /// The names, for people.
    pub(super) fn names(&self) -> String {
        self.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" or ")
    }
}

/// The type without its parameters.
pub(super) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a body of this type is JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    let suffix = essence.len().checked_sub(5).and_then(|at| essence.get(at..));
    essence.eq_ignore_ascii_case("application/json") || suffix.is_some_and(|end| end.eq_ignore_ascii_case("+json"))
}
