//! Layers laid over each other: what a later one says wins.

use std::collections::{BTreeMap, HashMap};

use seawall_core::{
    http::route::{RoutePattern, Segment},
    settings::{FieldSpec, Section, Values},
};

use crate::{
    diagnostics::{Code, Diagnostic, Problems},
    layer::{Assignment, Content, Layer, Owner},
    place::Place,
    words,
};

/// All layers in one.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) sections: BTreeMap<&'static str, Sheet>,
    pub(crate) entries: BTreeMap<&'static str, Vec<Entry>>,
    pub(crate) routes: Vec<MergedRoute>,
    /// Where sections begin.
    pub(crate) headers: BTreeMap<&'static str, Place>,
    /// Whether parts are missing because a text could not be read.
    pub(crate) damaged: bool,
    /// Routes by path, so that each is compared with few others.
    paths: HashMap<String, Vec<usize>>,
    /// Entries by section and name.
    names: HashMap<(&'static str, String), usize>,
}

/// The written values of one table.
pub(crate) type Sheet = BTreeMap<&'static str, Cell>;

/// One written value.
pub(crate) struct Cell {
    pub(crate) field: &'static FieldSpec,
    pub(crate) content: Content,
    /// The path that the value was read from, when it was.
    pub(crate) file: Option<String>,
    pub(crate) place: Place,
}

/// A named entry of a section.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) sheet: Sheet,
}

/// A route and what it changes.
pub(crate) struct MergedRoute {
    pub(crate) pattern: RoutePattern,
    pub(crate) place: Place,
    pub(crate) mode: Option<Cell>,
    pub(crate) sheets: BTreeMap<&'static str, Sheet>,
    layer: usize,
}

/// Merges layers, the weakest first.
pub(crate) fn merge(layers: Vec<Layer>, problems: &mut Problems) -> Merged {
    let mut merged = Merged::default();
    for (number, layer) in layers.into_iter().enumerate() {
        merged.damaged |= layer.damaged;
        merged.headers.extend(layer.headers.into_iter().map(|(section, place)| (section.name, place)));
        for (section, name, place) in layer.entries {
            merged.entry(section, name, place);
        }
        let routes: Vec<Option<usize>> =
            layer.routes.into_iter().map(|(pattern, place)| merged.route(pattern, place, number, problems)).collect();
        for assignment in layer.assignments {
            merged.assign(assignment, &routes, problems);
        }
    }
    merged
}

/// The written values laid over others; wrong ones are left out.
pub(crate) fn over(mut values: Values, sheet: &Sheet) -> Values {
    for (key, cell) in sheet {
        if let Content::Given(raw) = &cell.content {
            values.set(key, raw.clone());
        }
    }
    values
}

/// Whether a value of the sheet was found wrong.
pub(crate) fn wrong(sheet: &Sheet) -> bool {
    sheet.values().any(|cell| cell.content == Content::Wrong)
}

impl Merged {
    fn entry(&mut self, section: &'static Section, name: String, place: Place) {
        let entries = self.entries.entry(section.name).or_default();
        let index = *self.names.entry((section.name, name.clone())).or_insert(entries.len());
        match entries.get_mut(index) {
            Some(entry) => entry.place = place,
            None => entries.push(Entry { name, place, sheet: Sheet::new() }),
        }
    }

    /// Adds a route, or finds the same one of an earlier layer; nothing when it contradicts another.
    fn route(&mut self, pattern: RoutePattern, place: Place, layer: usize, problems: &mut Problems) -> Option<usize> {
        let same_path = self.paths.entry(path_of(&pattern)).or_default();
        for &index in same_path.iter() {
            let Some(other) = self.routes.get_mut(index) else { continue };
            if !pattern.collides(&other.pattern) {
                continue;
            }
            if other.layer != layer && same_methods(&pattern, &other.pattern) {
                *other = MergedRoute {
                    pattern,
                    place,
                    layer,
                    mode: other.mode.take(),
                    sheets: std::mem::take(&mut other.sheets),
                };
                return Some(index);
            }
            problems.add(|| contradiction(&pattern, &place, other));
            return None;
        }
        same_path.push(self.routes.len());
        self.routes.push(MergedRoute { pattern, place, mode: None, sheets: BTreeMap::new(), layer });
        Some(self.routes.len() - 1)
    }

    fn assign(&mut self, assignment: Assignment, routes: &[Option<usize>], problems: &mut Problems) {
        let Assignment { owner, field, content, place } = assignment;
        let cell = Cell { field, content, file: None, place };
        let known = |route: usize| routes.get(route).copied().flatten();
        match owner {
            Owner::Section(section) => {
                self.sections.entry(section.name).or_default().insert(field.key, cell);
            }
            Owner::Entry(section, name) => {
                let entries = self.entries.entry(section.name).or_default();
                // A variable's name has no case, so it may have to be looked for.
                let index = self.names.get(&(section.name, name.clone())).copied();
                let index = index.or_else(|| entries.iter().position(|entry| entry.name.eq_ignore_ascii_case(&name)));
                match index.and_then(|index| entries.get_mut(index)) {
                    Some(entry) => {
                        entry.sheet.insert(field.key, cell);
                    }
                    None => problems.add(|| no_entry(section, &name, entries, &cell.place)),
                }
            }
            Owner::Route(route, section) => {
                if let Some(route) = known(route).and_then(|index| self.routes.get_mut(index)) {
                    route.sheets.entry(section.name).or_default().insert(field.key, cell);
                }
            }
            Owner::WholeRoute(route) => {
                if let Some(route) = known(route).and_then(|index| self.routes.get_mut(index)) {
                    route.mode = Some(cell);
                }
            }
        }
    }
}

/// The path as collisions see it: parameters without their names.
fn path_of(pattern: &RoutePattern) -> String {
    let mut path = String::new();
    for segment in pattern.segments() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Parameter(_) => path.push_str("{}"),
        }
    }
    if pattern.below() {
        path.push_str("/*");
    }
    path
}

fn same_methods(a: &RoutePattern, b: &RoutePattern) -> bool {
    a.methods().len() == b.methods().len() && a.methods().iter().all(|method| b.methods().contains(method))
}

fn contradiction(pattern: &RoutePattern, place: &Place, other: &MergedRoute) -> Diagnostic {
    let message = format!(
        "the routes \"{pattern}\" and \"{}\" are for the same requests, so one would hide the other",
        other.pattern
    );
    Diagnostic::new(Code::ContradictoryRoutes, message)
        .at_key(place, format!("the same requests as {}", other.place.source()))
        .at_key(&other.place, "first here")
        .help(
            "keep one of them, or give them different methods; case, a trailing slash and the names of parameters make \
             no difference, and GET includes HEAD",
        )
}

fn no_entry(section: &Section, name: &str, entries: &[Entry], place: &Place) -> Diagnostic {
    let known = words::names(entries.iter().map(|entry| entry.name.as_str()));
    let known = if known.is_empty() { String::new() } else { format!("; known are {known}") };
    Diagnostic::new(Code::UnknownVariable, format!("[{}] has no entry `{name}`", section.name))
        .at_key(place, "no such entry")
        .help(format!(
            "write [{}.{name}] in the configuration file; a variable can then change its values{known}",
            section.name
        ))
}
