//! What documents say of requests and answers, as frameworks write them.

mod bodies;
mod documents;
mod generated;
mod guard;
mod heads;

use seawall_core::clock::Now;
use serde_json::Value;

use super::{Captured, Described, Document, Faults, Format, Formats, Operation};

const FASTAPI: &str = include_str!("tests/documents/fastapi.json");
const NESTJS: &str = include_str!("tests/documents/nestjs.json");
const UTOIPA: &str = include_str!("tests/documents/utoipa.json");

/// 2024-02-29 at noon.
const NOW: Now = Now { monotonic_us: 0, unix_us: (19_782 * 86_400 + 43_200) * 1_000_000 };

fn formats() -> Formats {
    let check = |text: &str, _: Now| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Formats::standard().with(Format { name: "safe_id", expected: "letters and digits", check })
}

fn document(text: &str) -> Document {
    Document::read(text.as_bytes(), &formats()).unwrap()
}

/// The operation of a request such as `POST /orders`.
fn operation<'d>(document: &'d Document, request: &str) -> &'d Operation {
    let (method, path) = request.split_once(' ').unwrap();
    match document.find(&method.parse().unwrap(), path, &mut Captured::new()) {
        Described::Operation(operation) => operation,
        other => panic!("{request}: {other:?}"),
    }
}

/// The operation of a body with this JSON Schema.
fn schema(schema: &Value) -> Operation {
    Operation::with_body_schema(schema.to_string().as_bytes(), &formats()).unwrap()
}

/// The fields and rules that are broken.
fn told(faults: &Faults) -> Vec<String> {
    faults.list().iter().map(|fault| format!("{} {}", fault.field(), fault.rule)).collect()
}
