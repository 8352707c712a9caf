//! One configuration field: its key, documentation, default and bounds.

use std::{fmt, marker::PhantomData};

use super::raw::{Literal, Raw, Setting, Shape};

/// A field of type `T`; a constant of the crate that owns it.
pub struct Field<T> {
    spec: FieldSpec,
    read: PhantomData<fn() -> T>,
}

/// A field without its type, as tables list it.
#[derive(Clone, Copy)]
pub struct FieldSpec {
    /// The key in its section: `snake_case`.
    pub key: &'static str,
    /// What it does, in whole sentences.
    pub documentation: &'static str,
    /// The value when nothing else says so.
    pub default: Literal,
    /// Smallest and largest value allowed, in the words of the configuration.
    pub between: Option<(&'static str, &'static str)>,
    /// Whether a reload takes it over; otherwise a restart is needed.
    pub reloadable: bool,
    /// The form of the value.
    pub shape: Shape,
    check: Check,
}

/// Checks a value against its type and its bounds.
type Check = fn(&Raw, Option<(&str, &str)>) -> Result<(), String>;

impl<T: Setting> Field<T> {
    /// A reloadable field without bounds.
    #[must_use]
    pub const fn new(key: &'static str, default: Literal, documentation: &'static str) -> Self {
        let spec = FieldSpec {
            key,
            documentation,
            default,
            between: None,
            reloadable: true,
            shape: T::SHAPE,
            check: check::<T>,
        };
        Self { spec, read: PhantomData }
    }

    /// Bounds, in the words of the configuration; both belong to the allowed values.
    #[must_use]
    pub const fn between(self, least: &'static str, most: &'static str) -> Self {
        Self { spec: FieldSpec { between: Some((least, most)), ..self.spec }, read: PhantomData }
    }

    /// Marks a field that only a restart takes over.
    #[must_use]
    pub const fn needs_restart(self) -> Self {
        Self { spec: FieldSpec { reloadable: false, ..self.spec }, read: PhantomData }
    }

    /// The field without its type.
    #[must_use]
    pub const fn spec(&self) -> FieldSpec {
        self.spec
    }
}

impl<T> Field<T> {
    /// The key in its section.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.spec.key
    }
}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl FieldSpec {
    /// Checks a value against the type and the bounds.
    ///
    /// # Errors
    /// A sentence for the person who wrote the value.
    pub fn check(&self, raw: &Raw) -> Result<(), String> {
        (self.check)(raw, self.between)
    }

    /// Whether the value, or part of it, must not be seen.
    #[must_use]
    pub const fn secret(&self) -> bool {
        matches!(self.shape, Shape::Secret | Shape::Address)
    }
}

impl fmt::Debug for FieldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldSpec")
            .field("key", &self.key)
            .field("default", &self.default)
            .field("between", &self.between)
            .finish_non_exhaustive()
    }
}

fn check<T: Setting>(raw: &Raw, between: Option<(&str, &str)>) -> Result<(), String> {
    let measure = T::read(raw)?.measure();
    let (Some((least, most)), Some(measure)) = (between, measure) else {
        return Ok(());
    };
    let bound = |words: &str| T::read(&bound_raw::<T>(words)).ok().and_then(|bound| bound.measure());
    if bound(least).is_some_and(|least| measure < least) || bound(most).is_some_and(|most| measure > most) {
        return Err(format!("must be between {least} and {most}"));
    }
    Ok(())
}

/// A bound as the type reads it: numbers as numbers, all else as text.
fn bound_raw<T: Setting>(words: &str) -> Raw {
    match (T::SHAPE, words.parse()) {
        (Shape::Integer, Ok(integer)) => Raw::Integer(integer),
        _ => Raw::Text(words.to_owned()),
    }
}
