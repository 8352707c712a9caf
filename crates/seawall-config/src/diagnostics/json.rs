//! Diagnostics for machines: editors, CI annotations, the console.

use serde_json::{Value, json};

use super::{Diagnostic, Diagnostics};

impl Diagnostics {
    /// All diagnostics as `{"diagnostics": […], "hidden": n}`. A diagnostic has `code`, `message`, and, when it has them,
    /// `help`, `label`, `source`, `line`, `column`, `start`, `end` (bytes), `setting` (a variable or option).
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "diagnostics": self.iter().map(diagnostic).collect::<Vec<_>>(),
            "hidden": self.hidden(),
        })
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let mut value = json!({ "code": diagnostic.code().word(), "message": diagnostic.message() });
    let mut set = |key: &str, part: Value| {
        if let Value::Object(object) = &mut value {
            object.insert(key.to_owned(), part);
        }
    };
    for (key, part) in [("help", diagnostic.advice()), ("label", diagnostic.label()), ("setting", diagnostic.setting())]
    {
        if let Some(part) = part {
            set(key, part.into());
        }
    }
    if let Some(location) = diagnostic.location() {
        set("source", location.source.into());
        set("line", location.line.into());
        set("column", location.column.into());
        set("start", location.span.start.into());
        set("end", location.span.end.into());
    }
    value
}
