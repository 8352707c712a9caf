//! Rows, and types that are read from them.

use std::fmt;

use crate::{FromValue, StoreError, Value};

/// The cells of one row, as an engine holds them.
pub(crate) trait Cells {
    /// How many columns it has.
    fn width(&self) -> usize;
    /// The name of a column.
    fn name(&self, place: usize) -> Option<&str>;
    /// The value in a column.
    fn value(&self, place: usize) -> Result<Value<'_>, StoreError>;
}

/// One row of an answer; it holds as long as it is looked at.
pub struct Row<'a>(&'a dyn Cells);

impl<'a> Row<'a> {
    pub(crate) fn new(cells: &'a dyn Cells) -> Self {
        Self(cells)
    }

    /// How many columns it has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// The name of the column at this place, from 0.
    #[must_use]
    pub fn name(&self, place: usize) -> Option<&str> {
        self.0.name(place)
    }

    /// The value at this place, from 0, as the engine holds it.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column, or it is of a type that [`Value`] does not know.
    pub fn value(&self, place: usize) -> Result<Value<'_>, StoreError> {
        self.0.value(place)
    }

    /// Reads the column at this place, from 0.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column, or it holds another kind of value.
    pub fn at<T: FromValue>(&self, place: usize) -> Result<T, StoreError> {
        let value = self.0.value(place)?;
        T::from_value(value).map_err(|expected| {
            let column = self.0.name(place).map_or_else(|| place.to_string(), str::to_owned);
            StoreError::Column { column, found: value.kind(), expected }
        })
    }

    /// Reads the column of this name.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column, or it holds another kind of value.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T, StoreError> {
        let place = (0..self.width()).find(|&place| self.0.name(place) == Some(name));
        let missing = || StoreError::Column { column: name.to_owned(), found: "no such column", expected: "a column" };
        self.at(place.ok_or_else(missing)?)
    }
}

// Cells may be secret.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.width()).map(|place| self.0.name(place))).finish()
    }
}

/// A type that one row is read into.
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// [`StoreError::Column`] when a column is missing or holds another kind of value.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

/// A row of one column.
impl<A: FromValue> FromRow for (A,) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok((row.at(0)?,))
    }
}

impl<A: FromValue, B: FromValue> FromRow for (A, B) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok((row.at(0)?, row.at(1)?))
    }
}

impl<A: FromValue, B: FromValue, C: FromValue> FromRow for (A, B, C) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok((row.at(0)?, row.at(1)?, row.at(2)?))
    }
}

impl<A: FromValue, B: FromValue, C: FromValue, D: FromValue> FromRow for (A, B, C, D) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok((row.at(0)?, row.at(1)?, row.at(2)?, row.at(3)?))
    }
}
