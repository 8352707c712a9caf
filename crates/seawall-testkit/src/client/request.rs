//! A request as it will be on the wire: nothing is normalised, only Host and framing are added when missing.

use serde_json::Value;

use super::head::named;

/// A request with header lines in order and in the case given.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Sized(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

impl Request {
    /// A request without a body; `target` goes on the wire as it is.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: Body::Sized(Vec::new()) }
    }

    /// A GET request.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A POST request, without a body so far.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    /// Adds a header line. Naming Host, Content-Length or Transfer-Encoding replaces what would be added by itself.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends these bytes with a Content-Length.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Sized(bytes.into());
        self
    }

    /// Sends this value as `application/json`.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.header("Content-Type", "application/json").body(value.to_string())
    }

    /// Sends these chunks with `Transfer-Encoding: chunked`.
    #[must_use]
    pub fn chunked(mut self, chunks: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        self.body = Body::Chunked(chunks.into_iter().map(Into::into).collect());
        self
    }

    /// The same request of another target.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// The method, in the case given.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target as it goes on the wire.
    pub fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn prefixed(mut self, prefix: &str, headers: &[(String, String)]) -> Self {
        self.target.insert_str(0, prefix);
        for (name, value) in headers {
            if !self.has(name) {
                self.headers.push((name.clone(), value.clone()));
            }
        }
        self
    }

    /// The bytes of the whole request; `host` is used when no header names it.
    pub fn encode(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let mut line = |name: &str, value: &str| bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        if !self.has("host") {
            line("Host", host);
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !self.has("content-length") && !self.has("transfer-encoding") {
            match &self.body {
                Body::Sized(body) if body.is_empty() && !matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") => {}
                Body::Sized(body) => line("Content-Length", &body.len().to_string()),
                Body::Chunked(_) => line("Transfer-Encoding", "chunked"),
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.encode_body(&mut bytes);
        bytes
    }

    fn encode_body(&self, bytes: &mut Vec<u8>) {
        match &self.body {
            Body::Sized(body) => bytes.extend_from_slice(body),
            Body::Chunked(chunks) => {
                for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        named(&self.headers, name).next().is_some()
    }
}
