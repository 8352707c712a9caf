//! One value against its field, put into words.

use seawall_core::settings::{FieldSpec, Raw};

use crate::{
    diagnostics::{Code, Diagnostic},
    place::Place,
    words,
};

/// What is wrong with a value.
pub(crate) struct Fault {
    /// Which item of a list is meant; nothing means the whole value.
    pub(crate) item: Option<usize>,
    /// A sentence.
    pub(crate) reason: String,
}

/// What is wrong with `raw` as a value of `field`; of a list, each wrong item on its own.
pub(crate) fn faults(field: &FieldSpec, raw: &Raw) -> Vec<Fault> {
    let Err(reason) = field.check(raw) else {
        return Vec::new();
    };
    let items = match raw {
        Raw::List(items) => items.as_slice(),
        Raw::Flag(_) | Raw::Integer(_) | Raw::Text(_) => &[],
    };
    let wrong: Vec<Fault> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let reason = field.check(item).err()?;
            Some(Fault { item: Some(index), reason: discreet(field, item, reason) })
        })
        .collect();
    if wrong.is_empty() { vec![Fault { item: None, reason: discreet(field, raw, reason) }] } else { wrong }
}

/// A fault as a diagnostic at the place of the value.
pub(crate) fn bad_value(field: &FieldSpec, path: &str, fault: &Fault, place: &Place) -> Diagnostic {
    let label = words::expectation(field, fault.item.is_some());
    Diagnostic::new(Code::BadValue, format!("{path}: {}", fault.reason))
        .at_value(place, label)
        .help(words::field_help(field))
}

/// The reason, unless it would show a secret.
fn discreet(field: &FieldSpec, raw: &Raw, reason: String) -> String {
    let leaks = words::hidden(&field.shape) && words::without(&reason, raw) != reason;
    if leaks { "the secret cannot be used".to_owned() } else { reason }
}
