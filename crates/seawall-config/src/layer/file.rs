//! A TOML text read against the schema: which key sets which field, and every key that sets none.

use std::{ops::Range, sync::Arc};

use seawall_core::{
    http::route::RoutePattern,
    settings::{FieldSpec, Section},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Assignment, Content, Layer, Owner, syntax,
    syntax::Damage,
    unknown::{self, Unknown},
    value,
};
use crate::{
    check,
    diagnostics::{Code, Diagnostic, Problems},
    place::Place,
    schema::{self, ROUTE, Schema},
    text::Text,
    top,
};

/// Largest text that is read, in bytes; a configuration is written by hand.
const LARGEST: usize = 1_000_000;

/// Longest name of an entry, in bytes; it becomes a metric label.
const LONGEST_NAME: usize = 64;

/// Everything that a TOML text sets.
pub(crate) fn read(schema: &Schema, text: &Arc<Text>, problems: &mut Problems) -> Layer {
    if text.raw().len() > LARGEST {
        problems.add(|| {
            Diagnostic::new(Code::TooLarge, format!("{} is larger than 1 MB", text.name))
                .help("check that the path names the configuration and not some other file")
        });
        return Layer { damaged: true, ..Layer::default() };
    }
    let (tree, errors) = DeTable::parse_recoverable(text.raw());
    let damage = syntax::report(text, tree.get_ref(), &errors, problems);
    let layer = Layer { damaged: damage.any(), ..Layer::default() };
    let mut reader = Reader { schema, text, damage, problems, layer };
    reader.root(tree.get_ref());
    reader.layer
}

/// The index of a route that cannot be read; what stands in it is checked and then dropped.
const NO_ROUTE: usize = usize::MAX;

struct Reader<'a> {
    schema: &'a Schema,
    text: &'a Arc<Text>,
    damage: Damage,
    problems: &'a mut Problems,
    layer: Layer,
}

/// One key and its value.
struct Item<'t> {
    name: &'t str,
    key: Range<usize>,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Item<'t> {
    fn table(&self) -> Option<&'t DeTable<'t>> {
        self.value.get_ref().as_table()
    }
}

impl Reader<'_> {
    fn root(&mut self, table: &DeTable<'_>) {
        for item in self.items(table) {
            if item.name == ROUTE {
                self.routes(&item);
            } else if let Some(section) = self.schema.table(item.name) {
                self.section(section, &item);
            } else if let Some(top) = self.schema.top().filter(|_| item.table().is_none()) {
                self.field(&Owner::Section(top), top.fields, &item);
            } else {
                self.stranger(None, &item);
            }
        }
        if let Some(top) = self.schema.top() {
            self.twice(&Owner::Section(top), 0);
        }
    }

    /// The items of a table in the order of the text, without those that a syntax error makes meaningless.
    fn items<'t>(&self, table: &'t DeTable<'t>) -> Vec<Item<'t>> {
        let mut items: Vec<_> = table
            .iter()
            .map(|(key, value)| Item { name: key.get_ref().as_ref(), key: key.span(), value })
            .filter(|item| self.damage.spares(&item.key, &item.value.span(), item.table().is_some()))
            .collect();
        items.sort_by_key(|item| item.key.start);
        items
    }

    fn routes(&mut self, item: &Item<'_>) {
        let Some(table) = item.table() else {
            return self
                .not_a_section(item, "write [route.\"POST /path\"] on a line of its own and its settings below");
        };
        for route in self.items(table) {
            self.route(&route);
        }
    }

    fn route(&mut self, item: &Item<'_>) {
        let Some(table) = item.table() else {
            return self
                .not_a_section(item, "write [route.\"POST /path\"] on a line of its own and its settings below");
        };
        let index = match RoutePattern::parse(item.name) {
            Ok(pattern) => {
                self.layer.routes.push((pattern, self.place(item)));
                self.layer.routes.len() - 1
            }
            Err(reason) => {
                let (text, key) = (self.text, &item.key);
                self.problems.add(|| bad_route(text, key, &reason));
                NO_ROUTE
            }
        };
        for inner in self.items(table) {
            match self.schema.section(inner.name) {
                _ if inner.name == top::ROUTE_MODE.key => {
                    self.assign(&Owner::WholeRoute(index), &top::ROUTE_MODE, &inner);
                }
                Some(section) if section.routes => self.section_of_route(index, section, &inner),
                Some(section) if !section.name.is_empty() => self.not_per_route(section, &inner),
                _ => self.stranger_in_route(&inner),
            }
        }
    }

    fn section_of_route(&mut self, route: usize, section: &'static Section, item: &Item<'_>) {
        match item.table() {
            Some(table) => self.fields(&Owner::Route(route, section), section, section.fields, table),
            None => {
                let keys = section.fields.iter().map(|field| format!("{}.{}", section.name, field.key));
                let help = format!("set its keys one by one: {}", keys.collect::<Vec<_>>().join(", "));
                self.not_a_section(item, &help);
            }
        }
    }

    fn section(&mut self, section: &'static Section, item: &Item<'_>) {
        let Some(table) = item.table() else {
            return self.value_for_section(section, item);
        };
        self.layer.headers.push((section, self.place(item)));
        self.fields(&Owner::Section(section), section, section.fields, table);
    }

    fn entry(&mut self, section: &'static Section, fields: &'static [FieldSpec], item: &Item<'_>) {
        let Some(table) = item.table() else { return };
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if item.name.is_empty() || item.name.len() > LONGEST_NAME || !item.name.bytes().all(sane) {
            let (text, key) = (self.text, &item.key);
            return self.problems.add(|| {
                Diagnostic::new(Code::BadName, format!("\"{}\" cannot be the name of an entry", item.name))
                    .at(text, key, "letters, digits, _ and -")
                    .help(format!("choose a name of at most {LONGEST_NAME} letters, digits, _ and -"))
            });
        }
        self.layer.entries.push((section, item.name.to_owned(), self.place(item)));
        self.fields(&Owner::Entry(section, item.name.to_owned()), section, fields, table);
    }

    fn fields(&mut self, owner: &Owner, section: &'static Section, fields: &'static [FieldSpec], table: &DeTable<'_>) {
        let before = self.layer.assignments.len();
        for item in self.items(table) {
            let own = fields.iter().any(|field| field.key == item.name);
            let inner = self.schema.inner(section, item.name);
            match (owner, inner, section.entries) {
                (Owner::Section(_), Some(inner), _) if !own => self.section(inner, &item),
                (Owner::Section(_), None, Some(entry)) if !own && item.table().is_some() => {
                    self.entry(section, entry, &item);
                }
                _ => self.field(owner, fields, &item),
            }
        }
        self.twice(owner, before);
    }

    fn field(&mut self, owner: &Owner, fields: &'static [FieldSpec], item: &Item<'_>) {
        if let Some(field) = fields.iter().find(|field| field.key == item.name) {
            self.assign(owner, field, item);
        } else if let Some(field) = schema::secret_by_file_key(fields, item.name) {
            self.assign_file(owner, field, item);
        } else {
            self.stranger(Some((owner, fields)), item);
        }
    }

    fn assign(&mut self, owner: &Owner, field: &'static FieldSpec, item: &Item<'_>) {
        let place = self.place(item);
        let path = owner.path(field.key);
        let content = match value::raw(item.value) {
            Ok(raw) => {
                let faults = check::faults(field, &raw);
                for fault in &faults {
                    let place = match fault.item.and_then(|index| item.value.get_ref().get(index)) {
                        Some(part) => place.narrowed(part.span()),
                        None => place.clone(),
                    };
                    self.problems.add(|| check::bad_value(field, &path, fault, &place));
                }
                if faults.is_empty() { Content::Given(raw) } else { Content::Wrong }
            }
            Err(unusable) if unusable.table && item.table().is_some() => {
                self.problems.add(|| unknown::table_for_value(field, &path, &place));
                Content::Wrong
            }
            Err(unusable) => {
                let fault = check::Fault { item: None, reason: unusable.reason.to_owned() };
                self.problems.add(|| check::bad_value(field, &path, &fault, &place.narrowed(unusable.span)));
                Content::Wrong
            }
        };
        self.layer.assignments.push(Assignment { owner: owner.clone(), field, content, place });
    }

    fn assign_file(&mut self, owner: &Owner, field: &'static FieldSpec, item: &Item<'_>) {
        let place = self.place(item);
        let content = match item.value.get_ref().as_str().filter(|path| !path.is_empty()) {
            Some(path) => Content::File(path.to_owned()),
            None => {
                self.problems.add(|| {
                    Diagnostic::new(Code::BadValue, format!("{}: expected the path of a file", owner.path(item.name)))
                        .at_value(&place, "expected a path in quotes")
                        .help(format!("the file holds the value of `{}` and nothing else", field.key))
                });
                Content::Wrong
            }
        };
        self.layer.assignments.push(Assignment { owner: owner.clone(), field, content, place });
    }

    /// Complains when a secret is given both as a value and as a file in the same table.
    fn twice(&mut self, owner: &Owner, from: usize) {
        let fresh = self.layer.assignments.get(from..).unwrap_or_default();
        let mine = |assignment: &&Assignment| match (&assignment.owner, owner) {
            (Owner::Section(a), Owner::Section(b)) => a.name == b.name,
            (Owner::Entry(..), Owner::Entry(..)) | (Owner::Route(..), Owner::Route(..)) => true,
            _ => false,
        };
        for (index, second) in fresh.iter().enumerate().filter(|(_, assignment)| mine(assignment)) {
            let mut earlier = fresh.iter().take(index).filter(mine);
            if let Some(first) = earlier.find(|first| first.field.key == second.field.key) {
                self.problems.add(|| unknown::given_twice(owner, second, &first.place));
            }
        }
    }

    fn place(&self, item: &Item<'_>) -> Place {
        Place::Text { text: self.text.clone(), key: item.key.clone(), value: item.value.span() }
    }

    fn value_for_section(&mut self, section: &'static Section, item: &Item<'_>) {
        let known = crate::words::names(section.fields.iter().map(|field| field.key));
        self.not_a_section(item, &format!("write [{}] on a line of its own and its keys below: {known}", section.name));
    }

    fn not_a_section(&mut self, item: &Item<'_>, help: &str) {
        let (text, span) = (self.text, item.value.span());
        self.problems.add(|| {
            let what = if item.value.get_ref().is_array() { "a list" } else { "a value" };
            Diagnostic::new(Code::NotASection, format!("`{}` is a section, but {what} stands here", item.name))
                .at(text, &span, "expected a section")
                .help(help)
        });
    }

    fn not_per_route(&mut self, section: &'static Section, item: &Item<'_>) {
        let (schema, text, key) = (self.schema, self.text, &item.key);
        self.problems.add(|| unknown::not_per_route(schema, section, text, key));
    }

    fn stranger_in_route(&mut self, item: &Item<'_>) {
        let stranger = Unknown { name: item.name, table: item.table().is_some(), place: self.place(item) };
        let schema = self.schema;
        self.problems.add(|| unknown::in_route(schema, &stranger));
    }

    fn stranger(&mut self, among: Option<(&Owner, &'static [FieldSpec])>, item: &Item<'_>) {
        let stranger = Unknown { name: item.name, table: item.table().is_some(), place: self.place(item) };
        let schema = self.schema;
        self.problems.add(|| match among {
            Some((owner, fields)) => unknown::key(schema, owner, fields, &stranger),
            None => unknown::section(schema, &stranger),
        });
    }
}

fn bad_route(text: &Arc<Text>, key: &Range<usize>, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::BadRoute, reason)
        .at(text, key, "expected a method and a path, or a path alone")
        .help("a route is written as [route.\"POST /api/login\"], [route.\"GET /users/{id}\"] or [route.\"/admin/*\"]")
}
