//! Health, as it is answered to strangers and, where it is configured, to others.

use serde_json::{Value, json};

/// What readiness answers, whether it is ready or not. How much of it is shown is configured.
pub(super) fn health() -> Value {
    let check = json!({
        "type": "object",
        "required": ["status", "took_ms", "required"],
        "properties": {
            "status": { "type": "string", "enum": ["ok", "failed"] },
            "took_ms": { "type": "integer" },
            "required": { "type": "boolean" },
            "error": { "type": "string" },
        },
    });
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": { "type": "string" },
            "checks": { "type": "object", "additionalProperties": check },
            "version": { "type": "string" },
            "uptime_s": { "type": "integer" },
            "memory_bytes": { "type": ["integer", "null"] },
        },
    })
}
