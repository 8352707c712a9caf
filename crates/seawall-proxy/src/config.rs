//! Section `[server]`.

use std::{net::SocketAddr, time::Duration};

use seawall_core::{
    http::{Networks, RoutePattern},
    settings::{BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Size, Span, Values},
};

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Setting for Listen {
    const SHAPE: Shape = Shape::Text("address", "127.0.0.1:8080");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected an address as text, such as \"127.0.0.1:8080\", found {}", raw.kind()));
        };
        text.parse()
            .map(Self)
            .map_err(|_| format!("\"{text}\" is not an address and port, such as \"127.0.0.1:8080\" or \"[::]:8080\""))
    }
}

/// The fields of `[server]`.
pub mod server {
    use super::{Field, Listen, Literal, Size, Span};

    /// Where clients connect.
    pub const LISTEN: Field<Listen> = Field::new(
        "listen",
        Literal::Text("127.0.0.1:8080"),
        "Where clients connect. `0.0.0.0:8080` takes connections from everywhere.",
    )
    .needs_restart();
    /// Data plane threads.
    pub const WORKERS: Field<u64> =
        Field::new("workers", Literal::Unset, "Threads that serve requests. Unset means one per core.")
            .between("1", "256")
            .needs_restart();
    /// The prefix of built-in paths.
    pub const PREFIX: Field<String> = Field::new(
        "prefix",
        Literal::Text("/_seawall"),
        "The path under which Seawall answers itself: health, the pages behind problems. Everything else goes to the application.",
    );
    /// Until the first byte.
    pub const FIRST_BYTE: Field<Span> =
        Field::new("first_byte_timeout", Literal::Text("10s"), "How long a new connection may stay silent.")
            .between("100ms", "5min");
    /// Until the head is complete.
    pub const HEADER: Field<Span> =
        Field::new("header_timeout", Literal::Text("10s"), "How long a request's head may take from its first byte.")
            .between("100ms", "5min");
    /// Between requests.
    pub const IDLE: Field<Span> =
        Field::new("idle_timeout", Literal::Text("75s"), "How long a connection may stay open between requests.")
            .between("100ms", "1h");
    /// Without taking an answer.
    pub const SEND: Field<Span> = Field::new(
        "send_timeout",
        Literal::Text("2min"),
        "How long a client may take less than 64 bytes a second of an answer that waits for it, before its connection is cut; at most twice as long. Where the kernel does not tell how much was taken (`sock_diag`), it must make room for more meanwhile, which takes a good part of the send buffer.",
    )
    .between("100ms", "1h");
    /// Connections at once.
    pub const MAX_CONNECTIONS: Field<u64> = Field::new(
        "max_connections",
        Literal::Integer(10_000),
        "How many client connections may be open at once; more are closed at once.",
    )
    .between("1", "1000000");
    /// Connections of one address at once.
    pub const MAX_CONNECTIONS_PER_ADDRESS: Field<u64> = Field::new(
        "max_connections_per_address",
        Literal::Integer(1_000),
        "How many connections one address may have open at once, IPv6 counted by /64; more are closed at once. Trusted proxies (`[client_address]`) and this machine are not counted.",
    )
    .between("1", "1000000");
    /// Whether a proxy announces clients.
    pub const PROXY_PROTOCOL: Field<bool> = Field::new(
        "proxy_protocol",
        Literal::Flag(false),
        "Whether every connection begins with a PROXY protocol header (version 1 or 2), as a load balancer can send it to say who the client is. Connections are then served only from the proxies in `[client_address] trusted`.",
    )
    .needs_restart();
    /// HTTP/2 requests at once on one connection.
    pub const MAX_STREAMS: Field<u64> = Field::new(
        "max_streams",
        Literal::Integer(100),
        "How many requests one HTTP/2 connection may have open at once; more are refused. As many may be given up in ten seconds; a connection that gives up more, and more than half of what it began, is closed. Raise it when a proxy in front brings the requests of many clients over one connection.",
    )
    .between("1", "1000");
    /// What bodies may take.
    pub const BODY_MEMORY: Field<Size> = Field::new(
        "body_memory",
        Literal::Text("64 MB"),
        "How much of bodies may be in memory at once, on all cores together: of requests that guards look at before the application gets them, of answers that are held, shared or compared, and of what the guards make of them. A request for whose body there is no room is refused with 503; an answer for which there is none is passed on as it comes.",
    )
    .between("1 MB", "1 TB");
    /// Accepting goes on while draining.
    pub const DRAIN_DELAY: Field<Span> = Field::new(
        "drain_delay",
        Literal::Text("0s"),
        "After SIGTERM, how long connections are still accepted while readiness already fails. Give a load balancer the time it needs to notice.",
    )
    .between("0s", "5min");
    /// The end of draining.
    pub const DRAIN_TIMEOUT: Field<Span> = Field::new(
        "drain_timeout",
        Literal::Text("30s"),
        "After SIGTERM, how long requests in flight may take before they are cut off.",
    )
    .between("0s", "1h");
}

use server::{
    BODY_MEMORY, DRAIN_DELAY, DRAIN_TIMEOUT, FIRST_BYTE, HEADER, IDLE, LISTEN, MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_ADDRESS, MAX_STREAMS, PREFIX, PROXY_PROTOCOL, SEND, WORKERS,
};

/// The section of the public listener.
pub const SERVER_SECTION: Section = Section::new(
    "server",
    "The public listener.",
    &[
        LISTEN.spec(),
        WORKERS.spec(),
        PREFIX.spec(),
        FIRST_BYTE.spec(),
        HEADER.spec(),
        IDLE.spec(),
        SEND.spec(),
        MAX_CONNECTIONS.spec(),
        MAX_CONNECTIONS_PER_ADDRESS.spec(),
        PROXY_PROTOCOL.spec(),
        MAX_STREAMS.spec(),
        BODY_MEMORY.spec(),
        DRAIN_DELAY.spec(),
        DRAIN_TIMEOUT.spec(),
    ],
)
.with_demands(demands);

/// The prefix takes its own paths and nothing of the application's.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let prefix = values.get(&PREFIX).unwrap_or_default();
    if RoutePattern::parse(prefix.trim_end_matches('/')).is_ok_and(|pattern| pattern.plain()) {
        return Vec::new();
    }
    let what = format!("\"{prefix}\" is not one plain path, so it could hide the application's own");
    vec![Complaint { key: Some(PREFIX.key()), what, help: "write a path of its own, such as \"/_seawall\"".to_owned() }]
}

/// The least that HTTP/2 takes as one head.
const LEAST_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// Room for the request line, which HTTP/2 counts among the fields; a head a little too large is still read, and gets a problem.
const REQUEST_LINE_BYTES: u32 = 8 * 1024;

/// How the public listener behaves.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Threads; unset means one per core.
    pub workers: Option<usize>,
    /// The path of built-in targets, without a trailing slash.
    pub prefix: String,
    /// Until the first byte of a connection.
    pub first_byte: Duration,
    /// Until a head is complete.
    pub header: Duration,
    /// Between requests.
    pub idle: Duration,
    /// Without taking an answer.
    pub send: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one address.
    pub max_connections_per_address: usize,
    /// Proxies whose connections are not counted by address, because they carry many clients. Part of `[client_address]`; whoever
    /// reads both sections sets it.
    pub trusted: Networks,
    /// Whether connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// HTTP/2 requests at once on one connection.
    pub max_streams: u32,
    /// Bytes of the decoded header fields of one HTTP/2 request, 32 octets counted for each field.
    pub max_header_list_bytes: u32,
    /// Bytes of bodies in memory at once, on all cores together, while they are held.
    pub body_memory_bytes: u64,
    /// Accepting goes on for so long while draining.
    pub drain_delay: Duration,
    /// Draining ends after so long.
    pub drain_timeout: Duration,
}

impl ServerSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            listen: values.get(&LISTEN)?.0,
            workers: values.find(&WORKERS)?.and_then(|workers| usize::try_from(workers).ok()),
            prefix: values.get(&PREFIX)?.trim_end_matches('/').to_owned(),
            first_byte: values.get(&FIRST_BYTE)?.duration(),
            header: values.get(&HEADER)?.duration(),
            idle: values.get(&IDLE)?.duration(),
            send: values.get(&SEND)?.duration(),
            max_connections: usize::try_from(values.get(&MAX_CONNECTIONS)?).unwrap_or(usize::MAX),
            max_connections_per_address: usize::try_from(values.get(&MAX_CONNECTIONS_PER_ADDRESS)?)
                .unwrap_or(usize::MAX),
            trusted: Networks::default(),
            proxy_protocol: values.get(&PROXY_PROTOCOL)?,
            max_streams: u32::try_from(values.get(&MAX_STREAMS)?).unwrap_or(u32::MAX),
            max_header_list_bytes: LEAST_HEADER_LIST_BYTES,
            body_memory_bytes: values.get(&BODY_MEMORY)?.bytes(),
            drain_delay: values.get(&DRAIN_DELAY)?.duration(),
            drain_timeout: values.get(&DRAIN_TIMEOUT)?.duration(),
        })
    }

    /// Takes heads over HTTP/2 whose fields have so many bytes, 32 octets counted for each field: those that pass over HTTP/1.
    #[must_use]
    pub fn with_largest_field_list(mut self, bytes: u64) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(REQUEST_LINE_BYTES);
        self.max_header_list_bytes = bytes.max(LEAST_HEADER_LIST_BYTES);
        self
    }
}
