//! A problem as `application/problem+json` (RFC 9457), wherever it is answered.

use std::fmt::Write;

use super::Problem;

/// The document: `base` stands before the slug in its type URI, `request_id` names the occurrence, and what happened inside is told only where
/// `inside` says so.
#[must_use]
pub fn json(problem: &Problem, base: &str, request_id: &str, inside: bool) -> String {
    let kind = problem.kind;
    let mut out = String::with_capacity(512);
    // Slugs, codes and titles are constants of ours without a character that JSON escapes; a test holds them to it.
    let _ = write!(
        out,
        r#"{{"type":"{base}{}","title":"{}","status":{},"code":"{}","severity":"{}","fault":"{}","retryable":{}"#,
        kind.slug,
        kind.title,
        problem.status().as_u16(),
        kind.code,
        kind.severity.word(),
        kind.fault.word(),
        kind.retryable,
    );
    if let Some(seconds) = problem.retry_after {
        let _ = write!(out, r#","retry_after":{seconds}"#);
    }
    if let Some(detail) = &problem.detail {
        member(&mut out, "detail", detail);
    }
    if let Some(inside) = problem.inside.as_deref().filter(|_| inside) {
        member(&mut out, "inside", inside);
    }
    member(&mut out, "instance", request_id);
    member(&mut out, "request_id", request_id);
    if !problem.fields.is_empty() {
        out.push_str(r#","errors":["#);
        for (place, field) in problem.fields.iter().enumerate() {
            out.push_str(if place == 0 { r#"{"field":"# } else { r#",{"field":"# });
            text(&mut out, &field.field);
            member(&mut out, "message", &field.message);
            out.push('}');
        }
        out.push(']');
    }
    out.push('}');
    out
}

/// One more member with a text value.
fn member(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, r#","{name}":"#);
    text(out, value);
}

/// A text between quotes.
fn text(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::problem::{Fault, FieldError, ProblemType, Severity};

    static BROKEN: ProblemType = ProblemType {
        slug: "broken",
        code: "BROKEN",
        status: StatusCode::BAD_GATEWAY,
        title: "It broke",
        retryable: true,
        fault: Fault::Upstream,
        severity: Severity::High,
        documentation: "",
    };

    #[test]
    fn any_text_can_be_read_back() {
        let detail = "a \"quote\", a \\ and \u{1}\u{7f}\n\t\r\u{2028}é";
        let mut problem = Problem::new(&BROKEN).detail(detail).inside("password in here").retry_after(3);
        problem.fields =
            ["/a", "/b\""].map(|field| FieldError { field: field.into(), message: "is \\".into() }).to_vec();
        let read: serde_json::Value = serde_json::from_str(&json(&problem, "/p/", "id", false)).unwrap();
        assert_eq!(read["detail"], detail);
        assert_eq!((&read["retry_after"], &read["type"]), (&3.into(), &"/p/broken".into()));
        assert_eq!(read["errors"][1], serde_json::json!({"field": "/b\"", "message": "is \\"}));
        assert_eq!(read.get("inside"), None);
        let read: serde_json::Value = serde_json::from_str(&json(&problem, "/p/", "id", true)).unwrap();
        assert_eq!(read["inside"], "password in here");
    }
}
