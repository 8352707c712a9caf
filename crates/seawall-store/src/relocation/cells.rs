//! Values that outlive the row they came from.

use crate::{FromRow, Row, StoreError, ToValue, Value};

/// The cells of one row, in the order of its columns.
#[derive(Clone, Debug)]
pub(super) struct Cells(pub(super) Vec<Cell>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl FromRow for Cells {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let cells = (0..row.width()).map(|place| {
            Ok(match row.value(place)? {
                Value::Null => Cell::Null,
                // SQLite has no truth values of its own, so that both engines have to look alike here.
                Value::Bool(flag) => Cell::Integer(i64::from(flag)),
                Value::Integer(integer) => Cell::Integer(integer),
                Value::Real(real) => Cell::Real(real),
                Value::Text(text) => Cell::Text(text.to_owned()),
                Value::Bytes(bytes) => Cell::Bytes(bytes.to_owned()),
            })
        });
        cells.collect::<Result<_, _>>().map(Self)
    }
}

impl ToValue for Cell {
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Real(real) => Value::Real(*real),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}
