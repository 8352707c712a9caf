//! The effective configuration: every section's values, globally and by route, and where each comes from.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use seawall_core::{
    Environment, Mode,
    http::route::RoutePattern,
    settings::{Section, Setting as _, Values},
};

use crate::{
    layer::Content,
    merge::{self, Cell, Merged, MergedRoute, Sheet},
    place::Source,
    schema::Schema,
};

static EMPTY: LazyLock<Values> = LazyLock::new(Values::default);

/// A configuration in which every value has been checked.
pub struct Config {
    pub(crate) sections: Vec<&'static Section>,
    environment: Environment,
    globals: Arc<BTreeMap<&'static str, Values>>,
    origins: BTreeMap<&'static str, Origins>,
    entries: BTreeMap<&'static str, Vec<(String, Values)>>,
    entry_origins: BTreeMap<(&'static str, String), Origins>,
    routes: Vec<Route>,
}

/// A route with what it changes.
pub struct Route {
    pattern: RoutePattern,
    mode: Option<Mode>,
    mode_origin: Option<Origin>,
    own: BTreeMap<&'static str, Values>,
    origins: BTreeMap<&'static str, Origins>,
    globals: Arc<BTreeMap<&'static str, Values>>,
}

/// Where the written values of one table come from.
pub(crate) type Origins = BTreeMap<&'static str, Origin>;

/// Where a written value comes from.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) source: Source,
    /// The path as it was written, when the value stands in a file of its own.
    pub(crate) file: Option<String>,
}

impl Config {
    pub(crate) fn new(schema: &Schema, merged: Merged, environment: Environment) -> Self {
        let nothing = Sheet::new();
        let sheet = |section: &Section| merged.sections.get(section.name).unwrap_or(&nothing);
        let globals = schema
            .sections
            .iter()
            .map(|section| (section.name, merge::over(Values::defaults(section), sheet(section))));
        let globals: Arc<BTreeMap<_, _>> = Arc::new(globals.collect());
        let origins = merged.sections.iter().map(|(name, sheet)| (*name, origins(sheet))).collect();
        let mut entries: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut entry_origins = BTreeMap::new();
        for section in &schema.sections {
            let fields = section.entries.unwrap_or_default();
            for entry in merged.entries.get(section.name).into_iter().flatten() {
                let values = merge::over(Values::of_defaults(fields), &entry.sheet);
                entries.entry(section.name).or_default().push((entry.name.clone(), values));
                entry_origins.insert((section.name, entry.name.clone()), self::origins(&entry.sheet));
            }
        }
        let routes = merged.routes.into_iter().map(|route| Route::new(route, &globals)).collect();
        Self { sections: schema.sections.clone(), environment, globals, origins, entries, entry_origins, routes }
    }

    /// Where the application runs.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// A section's values for everything that no route changes.
    #[must_use]
    pub fn values(&self, section: &Section) -> &Values {
        self.globals.get(section.name).unwrap_or(&EMPTY)
    }

    /// The routes in the order of the file.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// A section's named entries in the order of the file.
    #[must_use]
    pub fn entries(&self, section: &Section) -> &[(String, Values)] {
        self.entries.get(section.name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether anyone wrote a value or an entry of this section, routes aside.
    #[must_use]
    pub fn written(&self, section: &Section) -> bool {
        self.origins.contains_key(section.name) || self.entries.contains_key(section.name)
    }

    /// Where a value comes from: for a route, its own place or else the global one.
    #[must_use]
    pub fn source(&self, section: &Section, key: &str, route: Option<&RoutePattern>) -> Source {
        let route = route.and_then(|pattern| self.routes.iter().find(|route| route.pattern == *pattern));
        let own = route.and_then(|route| route.origins(section)?.get(key));
        let origin = own.or_else(|| self.origins(section)?.get(key));
        origin.map_or(Source::Default, |origin| origin.source.clone())
    }

    /// Where a value of a named entry comes from.
    #[must_use]
    pub fn entry_source(&self, section: &Section, entry: &str, key: &str) -> Source {
        let origin = self.entry_origins(section, entry).and_then(|origins| origins.get(key));
        origin.map_or(Source::Default, |origin| origin.source.clone())
    }

    /// The configuration as it can hold while the process runs that began with `running`: what needs a restart stays as it is
    /// there.
    #[must_use]
    pub fn within(mut self, running: &Self) -> Self {
        let mut globals = BTreeMap::clone(&self.globals);
        for section in &self.sections {
            for field in section.fields.iter().filter(|field| !field.reloadable) {
                globals.entry(section.name).or_default().follow(field.key, running.values(section));
                let origin = running.origins(section).and_then(|origins| origins.get(field.key));
                let own = self.origins.get_mut(section.name);
                match (origin, own) {
                    (Some(origin), _) => {
                        self.origins.entry(section.name).or_default().insert(field.key, origin.clone());
                    }
                    (None, Some(own)) => {
                        own.remove(field.key);
                    }
                    (None, None) => {}
                }
            }
        }
        self.globals = Arc::new(globals);
        for route in &mut self.routes {
            route.globals = Arc::clone(&self.globals);
        }
        self.environment = running.environment;
        self
    }

    pub(crate) fn origins(&self, section: &Section) -> Option<&Origins> {
        self.origins.get(section.name)
    }

    pub(crate) fn entry_origins(&self, section: &Section, entry: &str) -> Option<&Origins> {
        self.entry_origins.get(&(section.name, entry.to_owned()))
    }
}

impl Route {
    fn new(route: MergedRoute, globals: &Arc<BTreeMap<&'static str, Values>>) -> Self {
        let own = route
            .sheets
            .iter()
            .map(|(name, sheet)| (*name, merge::over(globals.get(name).cloned().unwrap_or_default(), sheet)));
        let given = |cell: &Cell| match &cell.content {
            Content::Given(raw) => Mode::read(raw).ok(),
            Content::File(_) | Content::Wrong => None,
        };
        Self {
            mode: route.mode.as_ref().and_then(given),
            mode_origin: route.mode.as_ref().map(origin),
            own: own.collect(),
            origins: route.sheets.iter().map(|(name, sheet)| (*name, origins(sheet))).collect(),
            globals: globals.clone(),
            pattern: route.pattern,
        }
    }

    /// Which requests it is for.
    #[must_use]
    pub const fn pattern(&self) -> &RoutePattern {
        &self.pattern
    }

    /// The mode of the whole route, when it has one of its own.
    #[must_use]
    pub const fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// A section's effective values on this route.
    #[must_use]
    pub fn values(&self, section: &Section) -> &Values {
        self.own.get(section.name).or_else(|| self.globals.get(section.name)).unwrap_or(&EMPTY)
    }

    /// Whether the route itself changes this section.
    #[must_use]
    pub fn written(&self, section: &Section) -> bool {
        self.origins.contains_key(section.name)
    }

    pub(crate) const fn mode_origin(&self) -> Option<&Origin> {
        self.mode_origin.as_ref()
    }

    pub(crate) fn origins(&self, section: &Section) -> Option<&Origins> {
        self.origins.get(section.name)
    }
}

fn origins(sheet: &Sheet) -> Origins {
    sheet.iter().map(|(key, cell)| (*key, origin(cell))).collect()
}

fn origin(cell: &Cell) -> Origin {
    Origin { source: cell.place.source(), file: cell.file.clone() }
}

// Values may be secret, so only names are shown.

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("environment", &self.environment)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("pattern", &self.pattern.to_string())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
