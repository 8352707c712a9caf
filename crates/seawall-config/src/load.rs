//! Loading: the order of the steps from texts and variables to a configuration.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use seawall_core::{
    Environment,
    settings::{Raw, Setting as _, nearest},
};

use crate::{
    config::Config,
    demands,
    diagnostics::{Code, Diagnostic, Diagnostics, Problems},
    inputs::{Inputs, SourceText},
    layer::{self, Assignment, Content, Layer, Owner},
    mask,
    merge::{self, Merged},
    schema::{Preset, Schema},
    secret_file::{self, Files},
    text::Text,
    top, words,
};

/// Reads, merges and checks everything.
///
/// # Errors
/// Every mistake found, not only the first.
pub fn load(schema: &Schema, inputs: Inputs<'_>) -> Result<Config, Diagnostics> {
    let mut problems = Problems::default();
    let directory = inputs.file.as_ref().and_then(|file| Path::new(&file.name).parent()).map(PathBuf::from);
    let mut layers = Vec::new();
    if let Some(file) = inputs.file {
        layers.push(layer::read_file(schema, &toml_text(schema, file, None), &mut problems));
    }
    if let Some(dotenv) = inputs.dotenv {
        layers.push(layer::read_dotenv(schema, &dotenv_text(schema, dotenv), &mut problems));
    }
    layers.push(layer::read_variables(schema, &inputs.variables, &mut problems));
    layers.push(layer::read_options(schema, &inputs.overrides, &mut problems));
    if let Some(preset) = chosen_preset(schema, &layers, &mut problems) {
        let text = SourceText::new(format!("preset {}", preset.name), preset.toml);
        layers.insert(0, layer::read_file(schema, &toml_text(schema, text, Some(preset.name)), &mut problems));
    }
    let mut merged = merge::merge(layers, &mut problems);
    let files = Files { directory: directory.unwrap_or_default(), read: inputs.read_file };
    secret_file::read_all(&mut merged, &files, &mut problems);
    let environment = environment(&merged);
    if let Some(environment) = environment
        && !merged.damaged
    {
        demands::check(schema, &merged, environment, &mut problems);
    }
    problems.finish(Config::new(schema, merged, environment.unwrap_or_default()))
}

fn toml_text(schema: &Schema, source: SourceText, preset: Option<&'static str>) -> Arc<Text> {
    let schema = schema.clone();
    Arc::new(Text::new(source.name, preset, source.text, move |text| mask::toml(&schema, text)))
}

fn dotenv_text(schema: &Schema, source: SourceText) -> Arc<Text> {
    let schema = schema.clone();
    let plain = move |name: &str| layer::plain_variable(&schema, name);
    Arc::new(Text::new(source.name, None, source.text, move |text| mask::dotenv(text, &plain)))
}

/// The preset that the strongest layer names.
fn chosen_preset(schema: &Schema, layers: &[Layer], problems: &mut Problems) -> Option<Preset> {
    let chosen = layers.iter().rev().flat_map(|layer| layer.assignments.iter().rev()).find(|assignment| {
        matches!(assignment.owner, Owner::Section(section) if section.name.is_empty())
            && assignment.field.key == top::PRESET.key()
    })?;
    let Content::Given(Raw::Text(name)) = &chosen.content else { return None };
    let preset = schema.presets.iter().copied().find(|preset| preset.name == name);
    if preset.is_none() {
        problems.add(|| unknown_preset(schema, name, chosen));
    }
    preset
}

fn unknown_preset(schema: &Schema, name: &str, chosen: &Assignment) -> Diagnostic {
    let known = || schema.presets.iter().map(|preset| preset.name);
    let near = nearest(name, known()).map(|near| format!("did you mean \"{near}\"? "));
    let all = if schema.presets.is_empty() {
        "there are no presets".to_owned()
    } else {
        format!("known are {}", words::choices(&known().collect::<Vec<_>>()))
    };
    Diagnostic::new(Code::UnknownPreset, format!("\"{name}\" is not a preset"))
        .at_value(&chosen.place, "no preset of this name")
        .help(format!("{}{all}", near.unwrap_or_default()))
}

/// The environment; nothing when what was written for it is wrong, so that no demand can be judged.
fn environment(merged: &Merged) -> Option<Environment> {
    let cell = merged.sections.get("").and_then(|sheet| sheet.get(top::ENVIRONMENT.key()));
    match cell.map(|cell| &cell.content) {
        None => top::ENVIRONMENT.spec().default.raw().and_then(|raw| Environment::read(&raw).ok()),
        Some(Content::Given(raw)) => Environment::read(raw).ok(),
        Some(Content::File(_) | Content::Wrong) => None,
    }
}

#[cfg(test)]
mod tests;
