//! What differs between two configurations, key by key, as an operator is told before and after a reload.

use seawall_core::settings::{FieldSpec, Raw, Section};

use crate::{
    config::{Config, Route},
    schema::ROUTE,
    top, words,
};

/// One key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key as the file spells it, from the top: `rate_limit.limits`, `route."GET /x".body.max`.
    pub key: String,
    /// The value before, as TOML writes it; nothing when there was none. Secrets are hidden.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
    /// Whether only a restart takes it over.
    pub needs_restart: bool,
}

impl Config {
    /// What differs from another configuration, in the order of the reference, routes last. Of a section the effective values
    /// are compared, of a route what it changes itself.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for section in &self.sections {
            let (old, new) = (before.values(section), self.values(section));
            for field in section.fields {
                let key = words::path(section, None, field.key);
                compare(&mut changes, key, field, old.raw(field.key), new.raw(field.key));
            }
            self.entry_changes(before, section, &mut changes);
        }
        let removed = before.routes().iter().filter(|route| same(self, route).is_none());
        for route in self.routes().iter().chain(removed) {
            self.route_changes(same(before, route), same(self, route), &mut changes);
        }
        changes
    }

    fn entry_changes(&self, before: &Self, section: &Section, changes: &mut Vec<Change>) {
        let find = |config: &Self, name: &str| {
            let entry = config.entries(section).iter().find(|(known, _)| known == name);
            entry.map(|(_, values)| values.clone()).unwrap_or_default()
        };
        let known = |name: &str| self.entries(section).iter().any(|(known, _)| known == name);
        let removed = before.entries(section).iter().filter(|(name, _)| !known(name));
        for (name, _) in self.entries(section).iter().chain(removed) {
            let (old, new) = (find(before, name), find(self, name));
            for field in section.entries.unwrap_or_default() {
                let key = words::path(section, Some(&words::toml_key(name)), field.key);
                compare(changes, key, field, old.raw(field.key), new.raw(field.key));
            }
        }
    }

    fn route_changes(&self, old: Option<&Route>, new: Option<&Route>, changes: &mut Vec<Change>) {
        let Some(pattern) = new.or(old).map(|route| words::toml_key(&route.pattern().to_string())) else { return };
        let before = changes.len();
        let mode = |route: Option<&Route>| Some(Raw::Text(route?.mode()?.word().to_owned()));
        let key = format!("{ROUTE}.{pattern}.{}", top::MODE.key());
        compare(changes, key, &top::ROUTE_MODE, mode(old).as_ref(), mode(new).as_ref());
        for section in &self.sections {
            let own = |route: Option<&Route>, key: &str| {
                let route = route?;
                route.origins(section)?.get(key)?;
                route.values(section).raw(key).cloned()
            };
            for field in section.fields {
                let key = format!("{ROUTE}.{pattern}.{}", words::path(section, None, field.key));
                compare(changes, key, field, own(old, field.key).as_ref(), own(new, field.key).as_ref());
            }
        }
        // A route that changes nothing is one nevertheless: it is counted apart.
        if changes.len() == before && old.is_some() != new.is_some() {
            let shown = |route: Option<&Route>| route.map(|_| "{}".to_owned());
            let key = format!("{ROUTE}.{pattern}");
            changes.push(Change { key, old: shown(old), new: shown(new), needs_restart: false });
        }
    }
}

/// The route for the same pattern in a configuration.
fn same<'a>(config: &'a Config, route: &Route) -> Option<&'a Route> {
    config.routes().iter().find(|known| known.pattern() == route.pattern())
}

fn compare(changes: &mut Vec<Change>, key: String, field: &FieldSpec, old: Option<&Raw>, new: Option<&Raw>) {
    if old == new {
        return;
    }
    let shown = |raw: Option<&Raw>| raw.map(|raw| words::seen(&field.shape, raw).0);
    changes.push(Change { key, old: shown(old), new: shown(new), needs_restart: !field.reloadable });
}

#[cfg(test)]
mod tests {
    use seawall_core::settings::{Field, Literal, Secret, Span};

    use super::*;
    use crate::{Inputs, Schema, SourceText, load};

    const WAIT: Field<Span> = Field::new("wait", Literal::Text("30s"), "Longest wait.");
    const PORT: Field<u64> = Field::new("port", Literal::Integer(80), "The port.").needs_restart();
    const TOKEN: Field<Secret> = Field::new("token", Literal::Unset, "Signs.");
    static TOP: Section = Section::new("", "Top.", &[top::ENVIRONMENT.spec(), top::MODE.spec()]);
    static SHOP: Section = Section::new("shop", "The shop.", &[WAIT.spec(), PORT.spec(), TOKEN.spec()])
        .with_entries(&[WAIT.spec()])
        .per_route();

    fn config(text: &str) -> Config {
        let schema = Schema { sections: vec![&TOP, &SHOP], ..Schema::default() };
        load(&schema, Inputs { file: Some(SourceText::new("a.toml", text)), ..Inputs::default() }).unwrap()
    }

    fn changes(old: &str, new: &str) -> String {
        let line = |change: Change| {
            let word = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            let restart = if change.needs_restart { " (restart)" } else { "" };
            format!("{} {} {}{restart}\n", change.key, word(change.old), word(change.new))
        };
        config(new).changes_since(&config(old)).into_iter().map(line).collect()
    }

    #[test]
    fn what_is_added_removed_and_changed_is_listed_and_secrets_are_hidden() {
        let old = "[shop]\nport = 1\ntoken = \"s3cret\"\n[shop.near]\nwait = \"1s\"\n[route.\"GET /a\"]\nmode = \"report\"\n[route.\"/b\"]\nshop.wait = \"2s\"\n";
        let new = "environment = \"staging\"\n[shop]\nwait = \"5s\"\ntoken = \"other\"\n[shop.far]\n[route.\"/b\"]\nshop.wait = \"3s\"\n[route.\"/c\"]\n";
        insta::assert_snapshot!(changes(old, new));
        insta::assert_snapshot!(changes(new, old));
    }

    #[test]
    fn spelling_is_no_change() {
        assert_eq!(changes("", "[shop]\nwait = \"30s\"\n# a comment\n"), "");
    }

    #[test]
    fn what_needs_a_restart_stays_and_all_else_is_taken_over() {
        let running = config("environment = \"staging\"\n[shop]\nwait = \"1s\"\n");
        let asked = "[shop]\nwait = \"2s\"\nport = 7\n[route.\"/a\"]\nshop.wait = \"3s\"\n";
        let held = config(asked).within(&running);
        assert_eq!(held.environment(), seawall_core::Environment::Staging);
        assert_eq!((held.values(&SHOP).get(&PORT), held.values(&SHOP).get(&WAIT).map(Span::ms)), (Ok(80), Ok(2_000)));
        assert_eq!(held.source(&SHOP, "port", None).to_string(), "default");
        let left = config(asked).changes_since(&held).into_iter().map(|change| change.key).collect::<Vec<_>>();
        assert_eq!(left, ["environment", "shop.port"], "until the restart they are told each time");
    }
}
