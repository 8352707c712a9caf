//! Which secrets files hold, for whoever looks after files.

use seawall_core::settings::{FieldSpec, Section, Values};

use crate::{
    Config, Source,
    config::{Origin, Origins},
    words,
};

/// A secret that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSecret {
    /// Its key, such as `admin.token` or `outbound.search.secret`.
    pub key: String,
    /// The file of its own that holds it, as it was written; nothing when the configuration file does.
    pub file: Option<String>,
    /// Whether it belongs to a named table, whose keys no variable sets.
    pub named: bool,
}

impl Config {
    /// The secrets that the configuration file holds, or files that it names. Those in variables and in `.env` are not among them, nor are
    /// URLs without a password.
    #[must_use]
    pub fn secrets_in_files(&self) -> Vec<KeptSecret> {
        let mut kept = Vec::new();
        for section in self.sections.iter().copied() {
            let table = Table { section, entry: None, origins: self.origins(section), values: self.values(section) };
            kept.extend(table.secrets(section.fields));
            for (name, values) in self.entries(section) {
                let origins = self.entry_origins(section, name);
                let table = Table { section, entry: Some(words::toml_key(name)), origins, values };
                kept.extend(table.secrets(section.entries.unwrap_or_default()));
            }
        }
        kept
    }
}

/// A section, or one of its named entries.
struct Table<'a> {
    section: &'static Section,
    entry: Option<String>,
    origins: Option<&'a Origins>,
    values: &'a Values,
}

impl Table<'_> {
    fn secrets(&self, fields: &'static [FieldSpec]) -> impl Iterator<Item = KeptSecret> {
        fields.iter().filter_map(|field| {
            let origin = self.origins?.get(field.key).filter(|origin| in_file(origin))?;
            self.values.raw(field.key).filter(|raw| words::shows_secret(&field.shape, raw))?;
            let key = words::path(self.section, self.entry.as_deref(), field.key);
            Some(KeptSecret { key, file: origin.file.clone(), named: self.entry.is_some() })
        })
    }
}

fn in_file(origin: &Origin) -> bool {
    origin.file.is_some() || matches!(&origin.source, Source::File { name, .. } if !name.ends_with(".env"))
}
