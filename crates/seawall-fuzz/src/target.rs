//! The table of targets.

use crate::{chunking, headers, path, proxy_protocol, request_line, seeds, websocket};

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
pub const TARGETS: [Target; 6] = [
    Target { name: "request_line", check: request_line::check, seeds: seeds::request_lines },
    Target { name: "headers", check: headers::check, seeds: seeds::messages },
    Target { name: "chunking", check: chunking::check, seeds: seeds::chunked_bodies },
    Target { name: "websocket", check: websocket::check, seeds: seeds::frames },
    Target { name: "proxy_protocol", check: proxy_protocol::check, seeds: seeds::proxy_headers },
    Target { name: "path", check: path::check, seeds: seeds::paths },
];
