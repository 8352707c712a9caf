//! Values on their way to the server and back, in the binary form of the type that the server names.

use std::{error::Error, fmt};

use bytes::BytesMut;
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type},
};

use crate::{StoreError, Value, row::Cells};

/// One parameter.
pub(super) struct Bound<'a> {
    /// From 1.
    pub(super) number: usize,
    pub(super) value: Value<'a>,
}

/// A parameter is of another kind than the statement wants.
#[derive(Debug, thiserror::Error)]
#[error("${number} holds {found}, which does not fit {wanted}")]
pub(super) struct Mismatch {
    number: usize,
    found: &'static str,
    wanted: String,
}

impl Bound<'_> {
    fn write(&self, wanted: &Type, into: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let misfit = || Mismatch { number: self.number, found: self.value.kind(), wanted: wanted.name().to_owned() };
        match (self.value, wanted) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Bool(flag), &Type::BOOL) => flag.to_sql(wanted, into),
            // So it is in SQLite, which has no truth values of its own.
            (Value::Integer(number @ (0 | 1)), &Type::BOOL) => (number == 1).to_sql(wanted, into),
            (Value::Bool(flag), &Type::INT2 | &Type::INT4 | &Type::INT8) => {
                Self { number: self.number, value: Value::Integer(i64::from(flag)) }.write(wanted, into)
            }
            (Value::Integer(number), &Type::INT2) => i16::try_from(number).map_err(|_| misfit())?.to_sql(wanted, into),
            (Value::Integer(number), &Type::INT4) => i32::try_from(number).map_err(|_| misfit())?.to_sql(wanted, into),
            (Value::Integer(number), &Type::INT8) => number.to_sql(wanted, into),
            (Value::Integer(number), &Type::FLOAT8) => (number as f64).to_sql(wanted, into),
            (Value::Real(number), &Type::FLOAT8) => number.to_sql(wanted, into),
            (Value::Real(number), &Type::FLOAT4) => single(number).to_sql(wanted, into),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::JSON) => {
                text.to_sql(&Type::TEXT, into)
            }
            (Value::Text(text), &Type::JSONB) => {
                into.extend_from_slice(&[JSONB]);
                text.to_sql(&Type::TEXT, into)
            }
            (Value::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(wanted, into),
            _ => Err(misfit().into()),
        }
    }
}

/// The version that stands before the text of a JSONB value.
const JSONB: u8 = 1;

#[expect(clippy::cast_possible_truncation, reason = "the column keeps no more digits")]
const fn single(number: f64) -> f32 {
    number as f32
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, wanted: &Type, into: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.write(wanted, into)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, wanted: &Type, into: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.write(wanted, into)
    }
}

// The driver logs parameters, which may be secret.
impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value.kind())
    }
}

/// A row as the driver holds it.
pub(super) struct PostgresCells<'a>(pub(super) &'a Row);

impl Cells for PostgresCells<'_> {
    fn width(&self) -> usize {
        self.0.len()
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.0.columns().get(place).map(tokio_postgres::Column::name)
    }

    fn value(&self, place: usize) -> Result<Value<'_>, StoreError> {
        let missing =
            || StoreError::Column { column: place.to_string(), found: "no such column", expected: "a column" };
        let column = self.0.columns().get(place).ok_or_else(missing)?;
        let (name, kind) = (column.name(), column.type_());
        if !Cell::accepts(kind) {
            let what = format!("column {name} is of type {kind}, which the store does not read; CAST it to another");
            return Err(StoreError::Statement(what));
        }
        let cell: Option<Cell<'_>> = self.0.try_get(place).map_err(|_| StoreError::Column {
            column: name.to_owned(),
            found: "a value in no form that is known",
            expected: "a value of its type",
        })?;
        Ok(cell.map_or(Value::Null, |cell| cell.0))
    }
}

/// A cell with a value in it.
struct Cell<'a>(Value<'a>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::BOOL => Value::Bool(bool::from_sql(kind, raw)?),
            Type::INT2 => Value::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Value::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Value::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, raw)?),
            Type::BYTEA => Value::Bytes(raw),
            Type::JSONB => {
                Value::Text(std::str::from_utf8(raw.strip_prefix(&[JSONB]).ok_or("of an unknown version")?)?)
            }
            _ => Value::Text(std::str::from_utf8(raw)?),
        }))
    }

    fn accepts(kind: &Type) -> bool {
        const KNOWN: [Type; 13] = [
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::BYTEA,
            Type::TEXT,
            Type::VARCHAR,
            Type::BPCHAR,
            Type::NAME,
            Type::JSON,
            Type::JSONB,
        ];
        KNOWN.contains(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named_without_its_value() {
        let mut into = BytesMut::new();
        let misfit = Bound { number: 2, value: Value::Text("s3cret") }.write(&Type::INT8, &mut into).err().unwrap();
        assert_eq!(misfit.to_string(), "$2 holds text, which does not fit int8");
        let misfit = Bound { number: 1, value: Value::Integer(1 << 40) }.write(&Type::INT4, &mut into).err().unwrap();
        assert_eq!(misfit.to_string(), "$1 holds a whole number, which does not fit int4");
        assert_eq!(format!("{:?}", Bound { number: 1, value: Value::Text("s3cret") }), "text");
    }
}
