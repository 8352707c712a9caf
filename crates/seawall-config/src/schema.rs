//! What may be configured: all sections, the presets, and variables with names of their own.

use seawall_core::settings::{FieldSpec, Section};

/// The table that holds routes; no section may have this name.
pub(crate) const ROUTE: &str = "route";

/// All that a configuration may say.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Every section, in the order of the reference; the one named `""` holds the keys at the top.
    pub sections: Vec<&'static Section>,
    /// Every preset.
    pub presets: Vec<Preset>,
    /// Variables that stand for a field under another name.
    pub aliases: Vec<Alias>,
}

/// A named set of values to start from.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The word in `preset = "…"`.
    pub name: &'static str,
    /// What kind of application it suits, in a whole sentence.
    pub documentation: &'static str,
    /// Its values, written as a configuration file.
    pub toml: &'static str,
}

/// A variable that stands for a field under another name: `LOG_LEVEL` for `level` in `[log]`.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The variable's name, upper case.
    pub variable: &'static str,
    /// The section's name.
    pub section: &'static str,
    /// The field's key.
    pub key: &'static str,
}

impl Schema {
    /// The section of this name; `""` is the top.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&'static Section> {
        self.sections.iter().copied().find(|section| section.name == name)
    }

    /// The section that is a table of this name at the top of the file.
    pub(crate) fn table(&self, name: &str) -> Option<&'static Section> {
        self.section(name).filter(|section| !section.name.is_empty() && !section.name.contains('.'))
    }

    /// The section that is a table of this name inside another section's: `[app.env]` in `[app]`.
    pub(crate) fn inner(&self, outer: &Section, name: &str) -> Option<&'static Section> {
        self.inners(outer).find(|(inner, _)| *inner == name).map(|(_, section)| section)
    }

    /// The sections inside another section's table, with the last part of their names.
    pub(crate) fn inners(&self, outer: &Section) -> impl Iterator<Item = (&'static str, &'static Section)> {
        let parts = |section: &'static Section| section.name.rsplit_once('.').map(|parts| (parts, section));
        let outer = outer.name;
        let inners = self.sections.iter().copied().filter_map(parts).filter(move |((name, _), _)| *name == outer);
        inners.map(|((_, inner), section)| (inner, section))
    }

    /// The sections that stand as tables in the file.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &'static Section> {
        self.sections.iter().copied().filter(|section| !section.name.is_empty())
    }

    /// The section that holds the keys at the top.
    pub(crate) fn top(&self) -> Option<&'static Section> {
        self.section("")
    }

    /// The sections that have a field of this key.
    pub(crate) fn homes(&self, key: &str) -> Vec<&'static Section> {
        self.sections.iter().copied().filter(|section| section.field(key).is_some()).collect()
    }

    /// Every field, those of entries included, with its section.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static Section, &'static FieldSpec)> {
        self.sections.iter().copied().flat_map(|section| {
            section.fields.iter().chain(section.entries.unwrap_or_default()).map(move |field| (section, field))
        })
    }
}

/// The key under which a secret names a file: `token_file` for `token`.
pub(crate) fn file_key(key: &str) -> String {
    format!("{key}_file")
}

/// The secret among `fields` that this key names a file for.
pub(crate) fn secret_by_file_key(fields: &'static [FieldSpec], key: &str) -> Option<&'static FieldSpec> {
    let base = key.strip_suffix("_file")?;
    fields.iter().find(|field| field.secret() && field.key == base)
}
