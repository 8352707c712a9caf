//! Environment variables: `SEAWALL__SECTION__KEY`, and the schema's aliases.

use seawall_core::settings::{FieldSpec, Raw, Section, Shape};

use super::{Assignment, Content, Layer, Owner, coerce::coerce, unknown};
use crate::{
    check,
    diagnostics::{Code, Diagnostic, Problems},
    place::Place,
    schema::{self, Schema},
    words,
};

/// What every variable of Seawall's own begins with.
pub(super) const PREFIX: &str = "SEAWALL__";

/// What a variable stands for.
pub(super) struct Target {
    owner: Owner,
    field: &'static FieldSpec,
    /// Whether its value is the path of a file.
    file: bool,
}

/// Everything that the environment sets.
pub(crate) fn read(schema: &Schema, variables: &[(String, String)], problems: &mut Problems) -> Layer {
    let mut layer = Layer::default();
    let mut ours: Vec<_> = variables.iter().filter(|(name, _)| concerns(schema, name)).collect();
    ours.sort_by_key(|(name, _)| rank(schema, name));
    for (name, value) in ours {
        let Some(target) = find(schema, name) else {
            let place = Place::Variable { name: name.clone(), shown: name.clone() };
            problems.add(|| unknown::variable(schema, name).at_key(&place, ""));
            continue;
        };
        let shown = if words::hidden(&target.field.shape) && !target.file { "(hidden)" } else { value.as_str() };
        let place = Place::Variable { name: name.clone(), shown: format!("{name}={shown}") };
        assign(&mut layer, schema, name, target, value, place, problems);
    }
    layer
}

/// Whether a variable is meant for us.
pub(super) fn concerns(schema: &Schema, name: &str) -> bool {
    own(name).is_some() || alias(schema, name).is_some() || looks_like_ours(schema, name)
}

/// What follows the prefix.
fn own(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(PREFIX.len())?;
    start.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

/// Whether a variable would be ours if its underscores were right: `SEAWALL_UPSTREAM_URL` must not be passed over
/// without a word.
fn looks_like_ours(schema: &Schema, name: &str) -> bool {
    let folded = |name: &str| name.replace('_', "").to_ascii_uppercase();
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("SEAWALL_"))
        && names(schema).iter().any(|known| folded(known) == folded(name))
}

/// The order in which variables of one layer are taken: an alias gives way to the variable it stands for.
pub(super) fn rank(schema: &Schema, name: &str) -> (bool, String) {
    (alias(schema, name).is_none(), name.to_owned())
}

/// What a variable of this name stands for.
pub(super) fn find(schema: &Schema, name: &str) -> Option<Target> {
    if let Some(alias) = alias(schema, name) {
        let section = schema.section(alias.section)?;
        return Some(Target { owner: Owner::Section(section), field: section.field(alias.key)?, file: false });
    }
    let rest = own(name)?;
    let parts: Vec<&str> = rest.split("__").collect();
    let section = |wanted: &str| schema.tables().find(|section| section.name.eq_ignore_ascii_case(wanted));
    match parts.as_slice() {
        [key] => schema.top().and_then(|top| field(Owner::Section(top), top.fields, key)),
        [name, key] => section(name).and_then(|section| field(Owner::Section(section), section.fields, key)),
        [name, inner, key] => match section(&format!("{name}.{inner}")) {
            Some(section) => field(Owner::Section(section), section.fields, key),
            None => {
                let section = section(name)?;
                field(Owner::Entry(section, inner.to_ascii_lowercase()), section.entries?, key)
            }
        },
        _ => None,
    }
}

/// Whether a variable's value may be shown: it stands for a known field that is no secret.
pub(crate) fn plain(schema: &Schema, name: &str) -> bool {
    concerns(schema, name)
        && find(schema, name).is_some_and(|target| target.file || !words::hidden(&target.field.shape))
}

/// Reads a variable's text into the layer.
pub(super) fn assign(
    layer: &mut Layer,
    schema: &Schema,
    name: &str,
    target: Target,
    value: &str,
    place: Place,
    problems: &mut Problems,
) {
    let Target { owner, field, file } = target;
    let path = owner.path(field.key);
    let wrong = |reason| vec![check::Fault { item: None, reason }];
    let (content, faults) = if file {
        let faults = if value.is_empty() { wrong("the path of the file is empty".to_owned()) } else { Vec::new() };
        (Content::File(value.to_owned()), faults)
    } else {
        match coerce(&field.shape, value) {
            Ok(raw) => (Content::Given(raw.clone()), check::faults(field, &raw)),
            Err(reason) => (Content::Wrong, wrong(reason)),
        }
    };
    for fault in &faults {
        problems.add(|| check::bad_value(field, &path, fault, &place));
    }
    let content = if faults.is_empty() { content } else { Content::Wrong };
    let assignment = Assignment { owner, field, content, place };
    let same =
        |earlier: &&Assignment| earlier.field.key == field.key && earlier.owner.path("") == assignment.owner.path("");
    if let Some(first) = layer.assignments.iter().find(same).filter(|first| !from_alias(schema, first)) {
        problems.add(|| twice(name, &assignment, first));
    }
    layer.assignments.push(assignment);
}

/// Every variable that stands for something, upper case; entries are left out, because their names are the operator's.
pub(super) fn names(schema: &Schema) -> Vec<String> {
    let own = schema.sections.iter().flat_map(|section| section.fields.iter().map(move |field| (section, field)));
    own.flat_map(|(section, field)| {
        let name = variable_of(section, field.key);
        let file = field.secret().then(|| format!("{name}_FILE"));
        [Some(name), file].into_iter().flatten()
    })
    .chain(schema.aliases.iter().map(|alias| alias.variable.to_owned()))
    .collect()
}

/// The variable of a field.
pub(crate) fn variable_of(section: &Section, key: &str) -> String {
    let parts = section.name.split('.').chain([key]);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).map(str::to_ascii_uppercase).collect();
    format!("{PREFIX}{}", parts.join("__"))
}

fn alias<'a>(schema: &'a Schema, name: &str) -> Option<&'a schema::Alias> {
    schema.aliases.iter().find(|alias| alias.variable.eq_ignore_ascii_case(name))
}

fn from_alias(schema: &Schema, assignment: &Assignment) -> bool {
    match &assignment.place {
        Place::Variable { name, .. } => alias(schema, name).is_some(),
        Place::Text { text, key, .. } => text.raw().get(key.clone()).is_some_and(|name| alias(schema, name).is_some()),
        Place::Option { .. } => false,
    }
}

fn field(owner: Owner, fields: &'static [FieldSpec], key: &str) -> Option<Target> {
    if let Some(field) = fields.iter().find(|field| field.key.eq_ignore_ascii_case(key)) {
        return Some(Target { owner, field, file: false });
    }
    let field = schema::secret_by_file_key(fields, &key.to_ascii_lowercase())?;
    Some(Target { owner, field, file: true })
}

fn twice(name: &str, second: &Assignment, first: &Assignment) -> Diagnostic {
    let other = match &first.place {
        Place::Variable { name, .. } | Place::Option { name, .. } => format!("{name} sets it too; "),
        Place::Text { .. } => String::new(),
    };
    let message = format!("`{}` is set twice", second.owner.path(second.field.key));
    Diagnostic::new(Code::SetTwice, message)
        .at_key(&second.place, format!("{name} sets it again"))
        .at_key(&first.place, "first here")
        .help(format!("{other}keep one of them"))
}

/// The text of a raw value from the command line, as a variable would give it.
pub(super) fn coerced(shape: &Shape, raw: &Raw) -> Result<Raw, String> {
    match raw {
        Raw::Text(text) => coerce(shape, text),
        other => Ok(other.clone()),
    }
}
