//! Section `[upstream]`.

use std::{path::PathBuf, time::Duration};

use http::{HeaderValue, uri::Authority};
use seawall_core::{
    resilience::BreakerSettings,
    settings::{BadSetting, Complaint, Field, Literal, Section, Situation, Span, Values},
};

use super::{Protocol, UpstreamAddress, WeighedServer};

/// Servers of one upstream: their places are bits of a word.
pub(super) const MOST_SERVERS: usize = 64;

const URL: Field<UpstreamAddress> = Field::new(
    "url",
    Literal::Unset,
    "Where the application is: `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`. `seawall run --to URL` says it on the command line.",
);
const SERVERS: Field<Vec<WeighedServer>> = Field::new(
    "servers",
    Literal::Texts(&[]),
    "Several servers that run the same application, each as `URL` or `URL weight=N`. A request goes to the one with the fewest requests in flight for its weight.",
);
const HOST: Field<String> = Field::new(
    "host",
    Literal::Unset,
    "The `Host` that the application is asked for, such as \"app.internal\". Unset, it gets the one that the client sent.",
);
const PROTOCOL: Field<Protocol> = Field::new(
    "protocol",
    Literal::Text("http1"),
    "Which HTTP servers are spoken to in: HTTP/1.1 (`http1`), HTTP/2 (`http2`: agreed on by ALPN over https://, begun without asking in clear), or what an https:// server chooses by ALPN, and HTTP/1.1 in clear (`auto`). Upgrades such as WebSocket always go over HTTP/1.1.",
);
const MAX_STREAMS: Field<u64> = Field::new(
    "max_streams",
    Literal::Integer(100),
    "How many requests one HTTP/2 connection to a server carries at once; fewer where the server allows fewer. Who needs more opens another connection, within `max_connections`.",
)
.between("1", "1000");
const PING_INTERVAL: Field<Span> = Field::new(
    "ping_interval",
    Literal::Text("10s"),
    "How long an HTTP/2 connection with requests on it may be silent before the server is asked whether it is there.",
)
.between("100ms", "10min");
const PING_TIMEOUT: Field<Span> = Field::new(
    "ping_timeout",
    Literal::Text("5s"),
    "How long the answer to that may take before the connection counts as dead, and the requests on it as failed.",
)
.between("10ms", "1min");
const MAX_IDLE: Field<u64> = Field::new(
    "max_idle",
    Literal::Integer(256),
    "Idle connections to each server that each worker keeps for the next request.",
)
.between("0", "10000");
const KEEP: Field<Span> = Field::new(
    "keep",
    Literal::Text("4s"),
    "How long an idle connection to the application is kept. Shorter than the application keeps it (Node: 5 s), so that it never closes one just as a request is sent.",
)
.between("0s", "10min");
const MAX_CONNECTIONS: Field<u64> = Field::new(
    "max_connections",
    Literal::Integer(10_000),
    "How many connections to each server may be open at once, over all workers. Who needs one more waits for a place, as long as `connect` in `[deadline]` allows.",
)
.between("1", "1000000");
const MAX_WAITING: Field<u64> = Field::new(
    "max_waiting",
    Literal::Integer(1_000),
    "How many requests may wait for a connection to each server once `max_connections` are open; more are refused with 503.",
)
.between("0", "100000");
const RETRY_BUDGET: Field<u64> = Field::new(
    "retry_budget",
    Literal::Integer(20),
    "How many requests in a hundred may be sent again, over the last ten seconds; ten a second are always allowed, so that a quiet service may retry too. `[retry]` says which.",
)
.between("0", "100");
const BREAKER_FAILURES: Field<u64> = Field::new(
    "breaker_failures",
    Literal::Integer(5),
    "After how many failures in a row a server gets no requests for a while (checklist WK-5: 5). Failures are: not reachable, no answer in time, an answer that breaks off before its head is complete.",
)
.between("1", "100000");
const BREAKER_SUCCESSES: Field<u64> = Field::new(
    "breaker_successes",
    Literal::Integer(2),
    "How many requests in a row must succeed, one at a time, before a server gets all of them again (checklist WK-5: 2).",
)
.between("1", "1000");
const BREAKER_OPEN: Field<Span> = Field::new(
    "breaker_open",
    Literal::Text("1min"),
    "How long a failing server gets no requests (checklist WK-5: 60 s). A server that could not be reached is tried earlier: as soon as it accepts a connection again.",
)
.between("100ms", "1h");
const BREAKER_STATUSES: Field<Vec<u64>> = Field::new(
    "breaker_statuses",
    Literal::Texts(&[]),
    "Statuses of the application that count as failures too, such as [502, 503, 504].",
);
const CHECK_PATH: Field<String> = Field::new(
    "check_path",
    Literal::Unset,
    "A path that each server must answer with a 2xx or 3xx status, such as \"/health\". Unset, several servers are checked by connecting to them, and a single one is not checked.",
);
const CHECK_INTERVAL: Field<Span> =
    Field::new("check_interval", Literal::Text("5s"), "How often servers are checked.").between("100ms", "1h");
const CHECK_TIMEOUT: Field<Span> =
    Field::new("check_timeout", Literal::Text("2s"), "How long a check may take.").between("10ms", "1min");
const RESOLVE_INTERVAL: Field<Span> = Field::new(
    "resolve_interval",
    Literal::Text("10s"),
    "How often the addresses of a server's name are looked up again. A failed look-up keeps the addresses known.",
)
.between("1s", "1h");
const CA_FILE: Field<String> = Field::new(
    "ca_file",
    Literal::Unset,
    "A PEM file with the certificates that https:// servers are verified by, instead of the system's.",
)
.needs_restart();

/// The section of the application behind.
pub const SECTION: Section = Section::new(
    "upstream",
    "The application behind Seawall: its servers, the connections to them, and what happens when they fail.",
    &[
        URL.spec(),
        SERVERS.spec(),
        HOST.spec(),
        PROTOCOL.spec(),
        MAX_STREAMS.spec(),
        PING_INTERVAL.spec(),
        PING_TIMEOUT.spec(),
        MAX_IDLE.spec(),
        KEEP.spec(),
        MAX_CONNECTIONS.spec(),
        MAX_WAITING.spec(),
        RETRY_BUDGET.spec(),
        BREAKER_FAILURES.spec(),
        BREAKER_SUCCESSES.spec(),
        BREAKER_OPEN.spec(),
        BREAKER_STATUSES.spec(),
        CHECK_PATH.spec(),
        CHECK_INTERVAL.spec(),
        CHECK_TIMEOUT.spec(),
        RESOLVE_INTERVAL.spec(),
        CA_FILE.spec(),
    ],
)
.with_demands(demands);

/// Where the application is, and how it is treated.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Its servers; none until configured.
    pub servers: Vec<WeighedServer>,
    /// How connections to it are kept, and when it counts as failing.
    pub tuning: Tuning,
    /// A PEM file to verify it by, instead of the system's certificates.
    pub ca_file: Option<PathBuf>,
}

/// What holds for each server of an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// The `Host` to ask for, instead of the client's.
    pub host: Option<HeaderValue>,
    /// Which HTTP they are spoken to in.
    pub protocol: Protocol,
    /// How HTTP/2 connections to them are used.
    pub sharing: Sharing,
    /// Idle connections kept per core.
    pub max_idle: usize,
    /// How long they are kept.
    pub keep: Duration,
    /// Connections at once, over all cores.
    pub max_connections: usize,
    /// Requests that may wait for one.
    pub max_waiting: usize,
    /// Retries in a hundred requests.
    pub retry_percent: u32,
    /// When it counts as failing.
    pub breaker: BreakerSettings,
    /// Statuses that count as failures.
    pub failure_statuses: Vec<u16>,
    /// What active checks ask for.
    pub check_path: Option<String>,
    /// How often.
    pub check_interval: Duration,
    /// How long they may take.
    pub check_timeout: Duration,
    /// How often names are looked up.
    pub resolve_interval: Duration,
}

/// How connections that carry many requests at once are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Requests at once on one of them.
    pub max_streams: u32,
    /// Silence after which the server is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to say so.
    pub ping_timeout: Duration,
}

impl UpstreamSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let count = |field| values.get(field).map(|count: u64| usize::try_from(count).unwrap_or(usize::MAX));
        let number = |field| values.get(field).map(|number: u64| u32::try_from(number).unwrap_or(u32::MAX));
        let statuses = values.get(&BREAKER_STATUSES)?.into_iter().filter_map(|status| u16::try_from(status).ok());
        let several = values.get(&SERVERS)?;
        let servers = values.find(&URL)?.map_or(several, |address| vec![WeighedServer::new(address)]);
        let tuning = Tuning {
            host: values.find(&HOST)?.and_then(|host| HeaderValue::from_str(&host).ok()),
            protocol: values.get(&PROTOCOL)?,
            sharing: Sharing {
                max_streams: number(&MAX_STREAMS)?,
                ping_interval: values.get(&PING_INTERVAL)?.duration(),
                ping_timeout: values.get(&PING_TIMEOUT)?.duration(),
            },
            max_idle: count(&MAX_IDLE)?,
            keep: values.get(&KEEP)?.duration(),
            max_connections: count(&MAX_CONNECTIONS)?,
            max_waiting: count(&MAX_WAITING)?,
            retry_percent: number(&RETRY_BUDGET)?,
            breaker: BreakerSettings {
                failures: number(&BREAKER_FAILURES)?,
                successes: number(&BREAKER_SUCCESSES)?,
                open: values.get(&BREAKER_OPEN)?.duration(),
                ..BreakerSettings::default()
            },
            failure_statuses: statuses.collect(),
            check_path: values.find(&CHECK_PATH)?,
            check_interval: values.get(&CHECK_INTERVAL)?.duration(),
            check_timeout: values.get(&CHECK_TIMEOUT)?.duration(),
            resolve_interval: values.get(&RESOLVE_INTERVAL)?.duration(),
        };
        Ok(Self { servers, tuning, ca_file: values.find(&CA_FILE)?.map(PathBuf::from) })
    }
}

/// One way to name servers, no server twice, and a path that is one.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let complaint = |key, what: String, help: &str| Complaint { key: Some(key), what, help: help.to_owned() };
    let mut complaints = Vec::new();
    let servers = values.get(&SERVERS).unwrap_or_default();
    if !servers.is_empty() && values.raw(URL.key()).is_some() {
        let what = "both `url` and `servers` say where the application is".to_owned();
        complaints.push(complaint(SERVERS.key(), what, "keep `url` for one server, `servers` for several"));
    }
    if servers.len() > MOST_SERVERS {
        let what = format!("{} servers are more than {MOST_SERVERS}", servers.len());
        complaints.push(complaint(SERVERS.key(), what, "put a name that resolves to all of them in their place"));
    }
    for (place, server) in servers.iter().enumerate() {
        if servers.iter().take(place).any(|other| other.address == server.address) {
            let what = format!("{} is named twice", server.address);
            complaints.push(complaint(
                SERVERS.key(),
                what,
                "name each server once, with `weight=N` for a larger share",
            ));
        }
    }
    if let Ok(Some(path)) = values.find(&CHECK_PATH)
        && (!path.starts_with('/') || path.parse::<http::uri::PathAndQuery>().is_err())
    {
        let what = format!("\"{path}\" is not a path");
        complaints.push(complaint(CHECK_PATH.key(), what, "write a path of the application, such as \"/health\""));
    }
    if let Ok(Some(host)) = values.find(&HOST)
        && (host.contains('@') || host.parse::<Authority>().is_err())
    {
        let what = format!("\"{host}\" is not a host");
        complaints.push(complaint(
            HOST.key(),
            what,
            "write a name and, where it needs one, a port: \"app.internal:8080\"",
        ));
    }
    for status in values.get(&BREAKER_STATUSES).unwrap_or_default() {
        if !(500..600).contains(&status) && status != 429 {
            let what = format!("{status} is not a status that says the application fails");
            complaints.push(complaint(BREAKER_STATUSES.key(), what, "name statuses from 500 to 599, or 429"));
        }
    }
    complaints
}
