//! The values of one section, after all layers are merged.

use std::collections::BTreeMap;

use super::{Field, FieldSpec, Raw, Section, Setting};

/// The effective values of one section; read them typed through [`Values::get`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(BTreeMap<String, Raw>);

/// A value that could not be read; only possible where nobody checked the values first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct BadSetting {
    /// The key.
    pub key: &'static str,
    /// What is wrong with its value.
    pub reason: String,
}

impl Values {
    /// The defaults of a section.
    #[must_use]
    pub fn defaults(section: &Section) -> Self {
        Self::of_defaults(section.fields)
    }

    /// The defaults of these fields.
    #[must_use]
    pub fn of_defaults(fields: &[FieldSpec]) -> Self {
        Self(fields.iter().filter_map(|field| Some((field.key.to_owned(), field.default.raw()?))).collect())
    }

    /// Sets a value.
    pub fn set(&mut self, key: &str, raw: Raw) {
        self.0.insert(key.to_owned(), raw);
    }

    /// Takes over what others say of this key, also that it is unset.
    pub fn follow(&mut self, key: &str, others: &Self) {
        match others.raw(key) {
            Some(raw) => self.set(key, raw.clone()),
            None => {
                self.0.remove(key);
            }
        }
    }

    /// The values with one of them changed; for tests and library users.
    #[must_use]
    pub fn with(mut self, key: &str, raw: Raw) -> Self {
        self.set(key, raw);
        self
    }

    /// The value as it was written, or nothing when it is unset.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&Raw> {
        self.0.get(key)
    }

    /// Reads a field.
    ///
    /// # Errors
    /// [`BadSetting`] when the value is missing or is not of the field's type; loading a configuration has excluded both.
    pub fn get<T: Setting>(&self, field: &Field<T>) -> Result<T, BadSetting> {
        let reason = |reason| BadSetting { key: field.key(), reason };
        let raw = self.0.get(field.key()).ok_or_else(|| reason("a value is required".to_owned()))?;
        T::read(raw).map_err(reason)
    }

    /// Reads a field that may be unset.
    ///
    /// # Errors
    /// [`BadSetting`] when the value is not of the field's type.
    pub fn find<T: Setting>(&self, field: &Field<T>) -> Result<Option<T>, BadSetting> {
        self.0.get(field.key()).map(T::read).transpose().map_err(|reason| BadSetting { key: field.key(), reason })
    }
}
