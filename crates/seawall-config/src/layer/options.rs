//! Values from the command line.

use seawall_core::settings::Raw;

use super::{Assignment, Content, Layer, Owner, variables::coerced};
use crate::{
    check,
    diagnostics::{Code, Diagnostic, Problems},
    inputs::Override,
    place::Place,
    schema::Schema,
    words,
};

/// Everything that the command line sets.
pub(crate) fn read(schema: &Schema, overrides: &[Override], problems: &mut Problems) -> Layer {
    let mut layer = Layer::default();
    for option in overrides {
        let section = schema.section(&option.section);
        let Some((section, field)) = section.and_then(|section| Some((section, section.field(&option.key)?))) else {
            let place = Place::Option { name: option.name.clone(), shown: option.name.clone() };
            problems.add(|| {
                Diagnostic::new(
                    Code::UnknownVariable,
                    format!("`{}` in [{}] is no setting", option.key, option.section),
                )
                .at_key(&place, "")
                .help("write SECTION.KEY=VALUE with a section and a key of the reference")
            });
            continue;
        };
        let shown = match &option.value {
            _ if words::hidden(&field.shape) => "(hidden)".to_owned(),
            Raw::Text(text) => text.clone(),
            other => words::toml_value(other),
        };
        let place = Place::Option { name: option.name.clone(), shown: format!("{} {shown}", option.name) };
        let owner = Owner::Section(section);
        let path = owner.path(field.key);
        let (content, faults) = match coerced(&field.shape, &option.value) {
            Ok(raw) => (Content::Given(raw.clone()), check::faults(field, &raw)),
            Err(reason) => (Content::Wrong, vec![check::Fault { item: None, reason }]),
        };
        for fault in &faults {
            problems.add(|| check::bad_value(field, &path, fault, &place));
        }
        let content = if faults.is_empty() { content } else { Content::Wrong };
        layer.assignments.push(Assignment { owner, field, content, place });
    }
    layer
}
