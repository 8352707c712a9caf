//! Which guards are counted: a request that concerns each, what configures it, and the most it should add.

/// One guard, or several together.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) goal: Goal,
    pub(super) request: fn() -> String,
    /// What configures it beside the defaults.
    pub(super) with: &'static str,
    pub(super) without: &'static str,
}

/// The most that a guard should add, in thousandths of the request without it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    Instructions(u64),
    /// Of CPU time, with the system's share.
    Time(u64),
    /// It is only told.
    None,
}

/// A guard that looks at heads and puts so many fields on answers: 3 % for what it decides, and 1.2 % for each field, which is what one costs
/// nginx of its own request by the same count.
const fn head(fields: u64) -> Goal {
    Goal::Instructions(30 + 12 * fields)
}

/// Seawall as installed, with a limit that is never reached.
const LIMIT: &str = "[rate_limit]\nlimits = [\"1000000000/min per ip\"]\n";

/// What nothing of looks at bodies but the guard that is counted.
const BLIND: &str = "[json]\nmode = \"off\"\n[form]\nmode = \"off\"\n";
const SHAPE: &str = "[form]\nmode = \"off\"\n";

/// Guards of the shape of bodies.
const BODY: Goal = Goal::Time(50);

/// HMAC-SHA-256 of [`json`] by the secret `0123456789abcdef0123456789abcdef`.
const SIGNATURE: &str = "8492c18dda8f2a6adf7d7fa648527101a5ba6c3d9a80c3242a4cadee6728f380";

impl Case {
    /// The configuration of the run with the guard, or without.
    pub(super) fn configuration(&self, own: &str) -> String {
        if own.contains("[rate_limit]") { own.to_owned() } else { format!("{LIMIT}{own}") }
    }
}

pub(super) const CASES: [Case; 17] = [
    Case { name: "rescue", goal: head(0), request: plain, with: "", without: "[rescue]\nmode = \"off\"\n" },
    Case { name: "compression", goal: head(0), request: plain, with: "", without: "[compression]\nenabled = false\n" },
    Case {
        name: "security_headers",
        goal: head(6),
        request: plain,
        with: "",
        without: "[security_headers]\nenabled = false\n",
    },
    Case {
        name: "cors",
        goal: head(3),
        request: || get("/items", "origin: https://app.example\r\n"),
        with: "[cors]\norigins = [\"https://app.example\"]\n",
        without: "[cors]\nmode = \"off\"\n",
    },
    Case { name: "rate_limit", goal: head(5), request: plain, with: "", without: "[rate_limit]\nmode = \"off\"\n" },
    Case { name: "websocket", goal: head(0), request: plain, with: "", without: "[websocket]\nmode = \"off\"\n" },
    Case { name: "load_shed", goal: head(0), request: plain, with: "", without: "[load_shed]\nmode = \"off\"\n" },
    Case {
        name: "csrf",
        goal: head(0),
        request: || post("cookie: a=b\r\nsec-fetch-site: same-origin\r\n", ""),
        with: "",
        without: "[csrf]\nmode = \"off\"\n",
    },
    Case {
        name: "versions",
        goal: head(0),
        request: || get("/api/v1/items", ""),
        with: "[versions]\nby = \"path\"\nbelow = \"/api\"\n[versions.v1]\n",
        without: "",
    },
    Case {
        name: "schema, head",
        goal: head(0),
        request: || get("/items?days=30", ""),
        with: "[schema]\ndocument = \"openapi.json\"\n",
        without: "",
    },
    Case { name: "body", goal: head(0), request: record, with: BLIND, without: BLIND_AND_UNBOUND },
    Case { name: "json", goal: BODY, request: record, with: SHAPE, without: BLIND },
    Case {
        name: "json + schema",
        goal: Goal::Time(350),
        request: record,
        with: "[form]\nmode = \"off\"\n[schema]\ndocument = \"openapi.json\"\n",
        without: BLIND,
    },
    Case {
        name: "form",
        goal: BODY,
        request: || post("content-type: application/x-www-form-urlencoded\r\n", &form()),
        with: "[json]\nmode = \"off\"\n",
        without: BLIND,
    },
    Case {
        name: "payload_filter",
        goal: Goal::None,
        request: record,
        with: "[form]\nmode = \"off\"\n[payload_filter]\nenabled = true\nmode = \"enforce\"\n",
        without: SHAPE,
    },
    Case {
        name: "signatures",
        goal: Goal::None,
        request: || {
            post(&format!("content-type: application/json\r\nx-hub-signature-256: sha256={SIGNATURE}\r\n"), &json())
        },
        with: SIGNED,
        without: UNSIGNED,
    },
    // A caller of its own for each request: one has no more than 10,000 keys.
    Case {
        name: "idempotency",
        goal: Goal::None,
        request: || {
            post(
                "content-type: application/json\r\nidempotency-key: \"bench-1\"\r\nauthorization: Bearer bench-@NUMBER@\r\n",
                &json(),
            )
        },
        with: BLIND,
        without: "[json]\nmode = \"off\"\n[form]\nmode = \"off\"\n[idempotency]\nmode = \"off\"\n",
    },
];

const SIGNED: &str = "[json]\nmode = \"off\"\n[form]\nmode = \"off\"\n[signatures.hub]\npreset = \"github\"\n\
    secret = \"0123456789abcdef0123456789abcdef\"\n[route.\"POST /items\"]\nsignatures.require = [\"hub\"]\n";
const UNSIGNED: &str =
    "[json]\nmode = \"off\"\n[form]\nmode = \"off\"\n[route.\"POST /items\"]\nsignatures.mode = \"off\"\n";
const BLIND_AND_UNBOUND: &str = "[json]\nmode = \"off\"\n[form]\nmode = \"off\"\n[body]\nmode = \"off\"\n";

/// What the schema guard knows of the application.
pub(super) const DOCUMENT: &str = r##"{"openapi": "3.1.0", "paths": {"/items": {
  "get": {"parameters": [{"name": "days", "in": "query", "schema": {"type": "integer", "maximum": 3650}}]},
  "post": {"requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}}
}}, "components": {"schemas": {
  "Order": {"type": "object", "additionalProperties": false,
    "required": ["id", "customer_id", "status", "currency", "total", "lines", "shipping_address", "created_at"],
    "properties": {
      "id": {"type": "string", "format": "uuid"}, "customer_id": {"type": "integer", "minimum": 1},
      "status": {"enum": ["draft", "placed", "paid"]}, "currency": {"type": "string", "minLength": 3, "maxLength": 3},
      "total": {"type": "number", "minimum": 0}, "discount": {"type": ["number", "null"]}, "gift": {"type": "boolean"},
      "email": {"type": "string", "format": "email", "maxLength": 254}, "note": {"type": "string", "maxLength": 2000},
      "tags": {"type": "array", "items": {"type": "string", "maxLength": 40}, "maxItems": 20},
      "created_at": {"type": "string", "format": "date-time"},
      "shipping_address": {"$ref": "#/components/schemas/Address"}, "billing_address": {"$ref": "#/components/schemas/Address"},
      "lines": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/components/schemas/Line"}}}},
  "Address": {"type": "object", "additionalProperties": false, "required": ["name", "street", "city", "country"],
    "properties": {"name": {"type": "string", "maxLength": 200}, "street": {"type": "string", "maxLength": 200},
      "postal_code": {"type": "string", "pattern": "^[A-Z0-9 -]{3,10}$"}, "city": {"type": "string", "maxLength": 100},
      "country": {"type": "string", "minLength": 2, "maxLength": 2}}},
  "Line": {"type": "object", "additionalProperties": false, "required": ["sku", "quantity", "price"],
    "properties": {"sku": {"type": "string", "maxLength": 40}, "name": {"type": "string", "maxLength": 200},
      "quantity": {"type": "integer", "minimum": 1, "maximum": 1000}, "price": {"type": "number", "minimum": 0}}}
}}}"##;

fn plain() -> String {
    get("/items", "")
}

fn record() -> String {
    post("content-type: application/json\r\n", &json())
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n{fields}\r\n")
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /items HTTP/1.1\r\nhost: 127.0.0.1\r\n{fields}content-length: {}\r\n\r\n{body}", body.len())
}

/// A kilobyte, as a program would send a record: an order with 26 fields, those of what is in it among them.
pub(super) fn json() -> String {
    let line = |id: u32| {
        format!(
            r#"{{"sku":"A-{id:05}-XL","name":"Rain jacket, dark green, size {id}","quantity":{id},"price":{id}9.95}}"#
        )
    };
    let lines: Vec<String> = (1..=2).map(line).collect();
    format!(
        concat!(
            r#"{{"id":"018f3c1e-7a54-7bb0-9d5e-3f2b8c64a1d7","customer_id":482913,"status":"placed","currency":"EUR","#,
            r#""total":259.80,"discount":null,"gift":false,"email":"johanna.schmidt@example.com","note":"Please ring twice, the bell "#,
            r#"is hard to hear. If nobody opens, leave the parcel with the neighbours on the second floor, who are at home in the "#,
            r#"afternoon. The invoice goes to the office, as it did last time, with the number of the order in the subject. "#,
            r#"We are away in the last week of the month; whatever cannot be brought before that should be kept at the depot, from where "#,
            r#"we fetch it on the Monday after.","#,
            r#""tags":["spring","newsletter"],"created_at":"2026-03-14T09:26:53Z","shipping_address":{{"name":"Johanna Maria Schmidt","#,
            r#""street":"Lange Straße 118","postal_code":"10243","city":"Berlin","country":"DE"}},"lines":[{}]}}"#,
        ),
        lines.join(",")
    )
}

/// A kilobyte, as a page would send it.
fn form() -> String {
    let pairs: Vec<String> = (0..24).map(|id| format!("field_{id}=a+short+remark%2C+caf%C3%A9+{id:06}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_a_kilobyte() {
        for body in [json(), form()] {
            assert!((950..1_100).contains(&body.len()), "{} bytes: {body}", body.len());
        }
    }
}
