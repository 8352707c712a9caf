//! The table of targets.

use crate::{
    chunking, fields, form, headers, json, multipart, path, payload, proxy_protocol, request_line, routes, schema,
    seeds, websocket,
};

/// Something to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As on the command line, and as the file in `fuzz/fuzz_targets/` is called.
    pub name: &'static str,
    /// Panics when something does not hold for the input.
    pub check: fn(&[u8]),
    /// Inputs to begin with, made of what the repository holds.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    Target { name: "request_line", check: request_line::check, seeds: seeds::request_lines },
    Target { name: "headers", check: headers::check, seeds: seeds::messages },
    Target { name: "chunking", check: chunking::check, seeds: seeds::chunked_bodies },
    Target { name: "websocket", check: websocket::check, seeds: seeds::frames },
    Target { name: "proxy_protocol", check: proxy_protocol::check, seeds: seeds::proxy_headers },
    Target { name: "path", check: path::check, seeds: seeds::paths },
    Target { name: "routes", check: routes::check, seeds: seeds::none },
    Target { name: "fields", check: fields::check, seeds: seeds::none },
    Target { name: "schema", check: schema::check, seeds: seeds::none },
    Target { name: "json", check: json::check, seeds: seeds::none },
    Target { name: "form", check: form::check, seeds: seeds::none },
    Target { name: "multipart", check: multipart::check, seeds: seeds::none },
    Target { name: "payload", check: payload::check, seeds: seeds::payloads },
];
