//! A TOML value as configuration holds it.

use std::ops::Range;

use seawall_core::settings::Raw;
use toml::{Spanned, de::DeValue};

/// A TOML value that configuration has no use for.
pub(super) struct Unusable {
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// What is wrong with it.
    pub(super) reason: &'static str,
    /// Whether it is a table, so that a section stands where a value should.
    pub(super) table: bool,
}

/// The value as configuration holds it.
pub(super) fn raw(value: &Spanned<DeValue<'_>>) -> Result<Raw, Unusable> {
    let unusable = |reason| Err(Unusable { span: value.span(), reason, table: false });
    Ok(match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Raw::Integer(integer),
            Err(_) => return unusable("the number is too large"),
        },
        DeValue::Float(_) => return unusable("a number with a fraction cannot stand here"),
        DeValue::Datetime(_) => return unusable("a date or time cannot stand here without quotes"),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect::<Result<_, _>>()?),
        DeValue::Table(_) => {
            return Err(Unusable { span: value.span(), reason: "expected a value, found a table", table: true });
        }
    })
}
