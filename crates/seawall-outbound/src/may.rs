//! What a key may ask for: least privilege for several programs of one team.

use std::sync::Arc;

use seawall_core::settings::{Raw, Setting, Shape};

/// What whoever shows a key may ask for. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct May(Option<Arc<Grants>>);

/// What is listed for a key; all else it may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) models: Vec<NamePattern>,
    pub(crate) routes: Vec<NamePattern>,
    pub(crate) services: Vec<NamePattern>,
}

/// A name, or the beginning of names with `*` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePattern {
    text: String,
    begins: bool,
}

impl May {
    /// Everything.
    #[must_use]
    pub const fn everything() -> Self {
        Self(None)
    }

    /// What scopes of an API key open: `llm` every model and route, `llm:NAME` a route, `out:NAME` a service.
    #[must_use]
    pub fn of_scopes<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut grants = Grants::default();
        for scope in scopes {
            let named = |name: &str| NamePattern { text: name.to_owned(), begins: false };
            match scope.split_once(':') {
                None if scope == "llm" => {
                    let all = || NamePattern { text: String::new(), begins: true };
                    grants.models.push(all());
                    grants.routes.push(all());
                }
                Some(("llm", name)) => grants.routes.push(named(name)),
                Some(("out", name)) => grants.services.push(named(name)),
                _ => {}
            }
        }
        Self::listed(grants)
    }

    /// What is listed.
    pub(crate) fn listed(grants: Grants) -> Self {
        Self(Some(Arc::new(grants)))
    }

    /// Whether it may ask this model by any route.
    pub(crate) fn model(&self, name: &str) -> bool {
        self.holds(|grants| matches(&grants.models, name))
    }

    /// Whether there is a model that it may ask.
    pub(crate) fn any_model(&self) -> bool {
        self.holds(|grants| !grants.models.is_empty() || !grants.routes.is_empty())
    }

    /// Whether it may call this route, and so ask all that the route asks.
    pub(crate) fn route(&self, name: &str) -> bool {
        self.holds(|grants| matches(&grants.routes, name))
    }

    /// Whether it may call this service, `/out/NAME/…`.
    pub(crate) fn service(&self, name: &str) -> bool {
        self.holds(|grants| matches(&grants.services, name))
    }

    fn holds(&self, of: impl FnOnce(&Grants) -> bool) -> bool {
        self.0.as_deref().is_none_or(of)
    }
}

fn matches(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

impl NamePattern {
    fn matches(&self, name: &str) -> bool {
        if self.begins { name.starts_with(&self.text) } else { name == self.text }
    }
}

impl Setting for NamePattern {
    const SHAPE: Shape = Shape::Text("name pattern", "gpt-5*");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected a name as text, found {}", raw.kind())) };
        let begins = text.ends_with('*');
        let name = text.strip_suffix('*').unwrap_or(text);
        if name.contains('*') || text.is_empty() {
            return Err(format!("\"{}\" is no name, and no beginning of one with * at its end", text.escape_debug()));
        }
        Ok(Self { text: name.to_owned(), begins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        NamePattern::read(&Raw::Text(text.to_owned())).unwrap()
    }

    #[test]
    fn what_is_not_listed_may_not_be_asked() {
        let grants = Grants { models: vec![pattern("small"), pattern("home/*")], ..Grants::default() };
        let may = May::listed(grants);
        let models = ["small", "home/llama3", "home/"].map(|name| may.model(name));
        assert_eq!(models, [true; 3]);
        for other in ["smaller", "Small", "home", "x/small", ""] {
            assert!(!may.model(other), "{other}");
        }
        assert!(!may.route("default") && !may.service("weather") && may.any_model());
        assert!(!May::listed(Grants::default()).any_model());
        let all = May::everything();
        assert!(all.model("any") && all.route("any") && all.service("any"));
    }

    #[test]
    fn a_scope_opens_what_it_names() {
        let may = May::of_scopes(["llm:chat", "out:weather", "orders:read", "out", "llm:"]);
        assert!(may.route("chat") && may.service("weather"));
        assert!(!may.route("other") && !may.model("small") && !may.service("mail") && !may.service(""));
        let may = May::of_scopes(["llm"]);
        assert!(may.route("chat") && may.model("any/model") && !may.service("weather"));
        let may = May::of_scopes(["llmx", "out"]);
        assert!(!may.any_model() && !may.service("out"));
    }

    #[test]
    fn a_star_stands_at_the_end() {
        assert!(pattern("*").matches("anything"));
        for wrong in ["", "a*b", "*a", "**"] {
            assert!(NamePattern::read(&Raw::Text(wrong.to_owned())).is_err(), "{wrong}");
        }
    }
}
