//! A request as one JSON object.

use seawall_core::http::TraceContext;

use super::entry::{
    Entry, LONGEST_ERROR, LONGEST_NAME, LONGEST_PATH, LONGEST_SUBJECT, LONGEST_TEXT, MOST_DRIFT, MOST_REPORTED,
};
use crate::line::{Head, Stamp, address, capped, escaped, key, milliseconds, number_field, text_field};

/// Appends the line.
pub(super) fn write(out: &mut Vec<u8>, head: &Head, stamp: &mut Stamp, scratch: &mut String, entry: &Entry<'_>) {
    head.write(out, stamp, entry.ended_unix_us, entry.level(), b"request");
    key(out, "request.id");
    out.push(b'"');
    // No id holds a character that has to be escaped.
    out.extend_from_slice(entry.request_id.as_bytes());
    out.push(b'"');
    if let Some(trace_id) = entry.trace_id {
        key(out, "trace.id");
        out.push(b'"');
        out.extend_from_slice(&TraceContext::trace_id_hex(trace_id));
        out.push(b'"');
    }
    write_question(out, scratch, entry);
    write_answer(out, entry);
    write_caller(out, entry);
    write_guards(out, entry);
    if let Some(us) = entry.upstream_us {
        key(out, "upstream.duration_ms");
        milliseconds(out, us);
    }
    if let Some(problem) = entry.problem {
        text_field(out, "problem", problem.slug.as_bytes(), LONGEST_NAME);
    }
    if let Some(error) = entry.error {
        text_field(out, "error", error.as_bytes(), LONGEST_ERROR);
    }
    if let Some(user_agent) = entry.user_agent {
        text_field(out, "user_agent", user_agent, LONGEST_TEXT);
    }
    out.extend_from_slice(b"}\n");
}

fn write_question(out: &mut Vec<u8>, scratch: &mut String, entry: &Entry<'_>) {
    text_field(out, "http.method", entry.method.as_bytes(), LONGEST_NAME);
    text_field(out, "url.path", entry.path, LONGEST_PATH);
    if let Some(query) = entry.redacted_query(scratch) {
        key(out, "url.query");
        out.push(b'"');
        escaped(out, query.as_bytes());
        out.push(b'"');
    }
    if let Some(route) = entry.route {
        text_field(out, "http.route", route.as_bytes(), LONGEST_TEXT);
    }
}

fn write_answer(out: &mut Vec<u8>, entry: &Entry<'_>) {
    number_field(out, "http.status", entry.status.into());
    key(out, "duration_ms");
    milliseconds(out, entry.duration_us);
    number_field(out, "bytes.in", entry.bytes_in);
    number_field(out, "bytes.out", entry.bytes_out);
}

fn write_caller(out: &mut Vec<u8>, entry: &Entry<'_>) {
    key(out, "client.address");
    out.push(b'"');
    address(out, entry.client);
    out.push(b'"');
    if let Some((subject, fingerprint)) = entry.certificate {
        if let Some(subject) = subject {
            text_field(out, "tls.client.subject", subject.as_bytes(), LONGEST_SUBJECT);
        }
        text_field(out, "tls.client.hash.sha256", fingerprint.as_bytes(), LONGEST_NAME);
    }
    if let Some(principal) = entry.principal {
        text_field(out, "principal", principal.as_bytes(), LONGEST_TEXT);
    }
    if let Some(key) = entry.signed_by {
        text_field(out, "signature.key", key.as_bytes(), LONGEST_TEXT);
    }
}

fn write_guards(out: &mut Vec<u8>, entry: &Entry<'_>) {
    if let Some(guard) = entry.guard {
        text_field(out, "guard.name", guard.as_bytes(), LONGEST_NAME);
    }
    write_names(out, "guard.reported", entry.reported, MOST_REPORTED);
    write_names(out, "answer.drift", entry.drift, MOST_DRIFT);
}

fn write_names(out: &mut Vec<u8>, name: &'static str, names: &[&str], most: usize) {
    if names.is_empty() {
        return;
    }
    key(out, name);
    for (index, name) in names.iter().take(most).enumerate() {
        out.extend_from_slice(if index == 0 { b"[\"" } else { b",\"" });
        capped(out, name.as_bytes(), LONGEST_NAME);
        out.push(b'"');
    }
    out.push(b']');
}
