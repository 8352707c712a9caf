//! `seawall.example.toml`: every key with its documentation, commented out, showing its default.

use std::fmt::Write as _;

use seawall_core::settings::{FieldSpec, Section, Shape};

use crate::{
    schema::{ROUTE, Schema, file_key},
    top, words,
};

/// Columns that comments are wrapped at.
const WIDTH: usize = 100;

const HEAD: &str = "Every setting with its default. Remove the # before a key to change it; what stays commented out \
                    keeps its default. Any key can also be set by an environment variable, SEAWALL__SECTION__KEY, or \
                    SEAWALL__KEY for the keys at the top.";

/// The example file. Section headers are live, so that a key whose `#` is removed lands in its section; it loads to the
/// defaults.
#[must_use]
pub fn example(schema: &Schema) -> String {
    let mut out = String::new();
    comment(&mut out, HEAD);
    if let Some(top) = schema.top() {
        for field in top.fields {
            out.push('\n');
            if field.key == top::PRESET.key() {
                preset(&mut out, schema, field);
            } else {
                setting(&mut out, field);
            }
        }
    }
    for section in schema.tables() {
        table(&mut out, section);
    }
    routes(&mut out, schema);
    out
}

fn table(out: &mut String, section: &Section) {
    out.push_str("\n\n");
    comment(out, section.documentation);
    if section.routes {
        comment(out, "A route may differ.");
    }
    let _ = writeln!(out, "[{}]", section.name);
    for field in section.fields {
        out.push('\n');
        setting(out, field);
    }
    if let Some(entries) = section.entries {
        out.push('\n');
        comment(out, "Named entries; choose any name.");
        let _ = writeln!(out, "#[{}.NAME]", section.name);
        for field in entries {
            out.push('\n');
            setting(out, field);
        }
    }
}

fn setting(out: &mut String, field: &FieldSpec) {
    comment(out, field.documentation);
    comment(out, &facts(field));
    let _ = writeln!(out, "#{} = {}", field.key, words::default(field).unwrap_or_else(|| words::sample(field)));
    if field.secret() {
        let path = words::toml_text(&format!("/run/secrets/{}", field.key));
        let _ = writeln!(out, "#{} = {path}", file_key(field.key));
    }
}

/// Form, bounds, default and what a change takes, in one sentence each.
fn facts(field: &FieldSpec) -> String {
    let mut facts = match field.shape {
        Shape::Choice(all) => format!("One of {}", words::choices(all)),
        ref shape => capital(&words::form(shape)),
    };
    if let Some((least, most)) = field.between {
        let _ = write!(facts, ", between {least} and {most}");
    }
    facts.push('.');
    if words::default(field).is_none() {
        facts.push_str(" Not set by default.");
    }
    facts.push_str(if field.reloadable { " Reloadable." } else { " Needs a restart." });
    if field.secret() {
        let _ = write!(facts, " Better kept in a file of its own, named by {}.", file_key(field.key));
    }
    facts
}

fn preset(out: &mut String, schema: &Schema, field: &FieldSpec) {
    comment(out, field.documentation);
    for preset in &schema.presets {
        comment(out, &format!("{}: {}", words::toml_text(preset.name), preset.documentation));
    }
    let first = schema.presets.first().map(|preset| preset.name).unwrap_or_default();
    let _ = writeln!(out, "#{} = {}", field.key, words::toml_text(first));
}

fn routes(out: &mut String, schema: &Schema) {
    let sections: Vec<_> = schema.tables().filter(|section| section.routes).collect();
    out.push_str("\n\n");
    let names = sections.iter().map(|section| section.name).collect::<Vec<_>>().join(", ");
    comment(
        out,
        &format!(
            "Routes: a method and a path, where {{name}} stands for one segment and a final * for everything below. A \
             route may change its mode and these sections: {names}."
        ),
    );
    let _ = writeln!(out, "#[{ROUTE}.\"POST /api/login\"]");
    let _ = writeln!(out, "#{} = \"report\"", top::ROUTE_MODE.key);
    let first = sections.first().and_then(|section| Some((section, section.fields.first()?)));
    if let Some((section, field)) = first {
        let value = words::default(field).unwrap_or_else(|| words::sample(field));
        let _ = writeln!(out, "#{}.{} = {value}", section.name, field.key);
    }
}

/// A comment, wrapped between words.
fn comment(out: &mut String, text: &str) {
    for line in words::wrapped(text, WIDTH - 2) {
        let _ = writeln!(out, "# {line}");
    }
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}
