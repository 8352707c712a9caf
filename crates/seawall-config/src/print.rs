//! The effective configuration as a file that loads to the same values again.

use std::fmt::Write as _;

use seawall_core::settings::{FieldSpec, Section, Values};

use crate::{
    config::{Config, Origin, Origins},
    schema::{ROUTE, file_key},
    top, words,
};

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Only what was written and differs from the defaults.
    Differences,
    /// Everything. Defaults stand as comments, so that the printed file, when loaded, does not count as having asked for
    /// a feature that nobody asked for.
    All,
}

impl Config {
    /// The configuration as TOML, each value with its source. Secrets are hidden, so those must be added before the
    /// text loads again.
    #[must_use]
    pub fn print(&self, which: Which) -> String {
        let mut out = String::new();
        for section in &self.sections {
            self.section(&mut out, section, which);
            for (name, values) in self.entries(section) {
                let fields = section.entries.unwrap_or_default();
                let origins = self.entry_origins(section, name);
                let lines = lines("", fields, values, origins, which);
                table(&mut out, &format!("{}.{}", section.name, words::toml_key(name)), &lines);
            }
        }
        for route in self.routes() {
            let mut body = String::new();
            if let (Some(mode), Some(origin)) = (route.mode(), route.mode_origin()) {
                line(&mut body, &format!("{} = \"{}\"", top::MODE.key(), mode.word()), &from(origin));
            }
            for section in &self.sections {
                if let Some(origins) = route.origins(section) {
                    let prefix = format!("{}.", section.name);
                    let fields = section.fields.iter().filter(|field| origins.contains_key(field.key));
                    for field in fields {
                        one(&mut body, &prefix, field, route.values(section), Some(origins));
                    }
                }
            }
            table(&mut out, &format!("{ROUTE}.{}", words::toml_key(&route.pattern().to_string())), &body);
        }
        out
    }

    fn section(&self, out: &mut String, section: &Section, which: Which) {
        let lines = lines("", section.fields, self.values(section), self.origins(section), which);
        if section.name.is_empty() {
            out.push_str(&lines);
        } else if !lines.is_empty() {
            table(out, section.name, &lines);
        }
    }
}

fn table(out: &mut String, header: &str, body: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = write!(out, "[{header}]\n{body}");
}

fn lines(prefix: &str, fields: &[FieldSpec], values: &Values, origins: Option<&Origins>, which: Which) -> String {
    let mut out = String::new();
    for field in fields {
        let written = origins.is_some_and(|origins| origins.contains_key(field.key));
        let differs = written && values.raw(field.key) != field.default.raw().as_ref();
        if which == Which::All || differs {
            one(&mut out, prefix, field, values, origins);
        }
    }
    out
}

fn one(out: &mut String, prefix: &str, field: &FieldSpec, values: &Values, origins: Option<&Origins>) {
    let key = field.key;
    let origin = origins.and_then(|origins| origins.get(key));
    let value = values.raw(key).map(|raw| words::seen(&field.shape, raw));
    match (origin, value) {
        (Some(Origin { file: Some(path), .. }), _) if words::hidden(&field.shape) => {
            let path = words::toml_text(path);
            line(out, &format!("{prefix}{} = {path}", file_key(key)), &origin.map(from).unwrap_or_default());
        }
        (Some(origin), Some((value, false))) => line(out, &format!("# {prefix}{key} = {value}"), &from(origin)),
        (Some(origin), Some((value, true))) => line(out, &format!("{prefix}{key} = {value}"), &from(origin)),
        (None, Some((value, _))) => line(out, &format!("# {prefix}{key} = {value}"), "default"),
        (_, None) => line(out, &format!("# {prefix}{key} ="), "not set"),
    }
}

fn line(out: &mut String, setting: &str, comment: &str) {
    let _ = writeln!(out, "{setting}  # {comment}");
}

fn from(origin: &Origin) -> String {
    let source: String = origin.source.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("from {source}")
}

#[cfg(test)]
mod tests;
