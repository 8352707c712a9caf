//! The request log: what a line says, that nothing breaks out of it, and that a stalled sink holds nobody back.

use std::{
    io::{self, ErrorKind, Write},
    net::IpAddr,
    sync::{Arc, mpsc},
    time::Duration,
};

use http::StatusCode;
use proptest::prelude::*;
use seawall_core::{
    clock::{Clock, Now},
    problem::{Fault, ProblemType, Severity},
    request_id::RequestId,
};
use serde_json::Value;

use super::{handle::CAPACITY, writer::WAITING, *};
use crate::{
    Output, Registry, Sink, Style,
    line::{Head, Stamp},
    sink::tests::Kept,
};

const LIMIT: Duration = Duration::from_secs(20);

const OVERLOADED: ProblemType = ProblemType {
    slug: "overloaded",
    code: "OVERLOADED",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Too busy",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "",
};

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Now {
        Now { monotonic_us: 0, unix_us: 1_793_880_000_000_000 }
    }
}

fn output(sink: Sink, style: Style) -> Output {
    Output { sink, style, service: "shop".into(), clock: Arc::new(Noon) }
}

fn id() -> RequestId {
    RequestId::parse(b"req-1").unwrap()
}

fn plain(request_id: &RequestId) -> Entry<'_> {
    Entry {
        ended_unix_us: 1_793_880_000_000_001,
        request_id,
        trace_id: None,
        method: "GET",
        path: b"/items",
        query: None,
        route: None,
        status: 200,
        duration_us: 1_234,
        bytes_in: 0,
        bytes_out: 42,
        client: IpAddr::from([192, 0, 2, 1]),
        certificate: None,
        principal: None,
        signed_by: None,
        guard: None,
        reported: &[],
        drift: &[],
        upstream_us: None,
        problem: None,
        error: None,
        user_agent: None,
    }
}

fn full(request_id: &RequestId) -> Entry<'_> {
    Entry {
        trace_id: Some(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
        query: Some(b"page=2&token=abc"),
        route: Some("/items"),
        status: 503,
        certificate: Some((Some("CN=device 7,O=Acme\\, Inc."), "BA7816BF")),
        principal: Some("user:usr_1"),
        signed_by: Some("partner"),
        guard: Some("load_shed"),
        reported: &["rate_limit", "csrf"],
        drift: &["status"],
        upstream_us: Some(900),
        problem: Some(&OVERLOADED),
        error: Some("queue is \"full\""),
        user_agent: Some(b"curl/8"),
        ..plain(request_id)
    }
}

fn json_line(entry: &Entry<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write(&mut out, &Head::new("shop"), &mut Stamp::new(), &mut String::new(), entry);
    out
}

fn pretty_line(style: Style, entry: &Entry<'_>) -> String {
    let mut out = Vec::new();
    pretty::write(&mut out, style, &mut Stamp::new(), &mut String::new(), entry);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_line_says_what_happened() {
    let id = id();
    let lines = [json_line(&plain(&id)), json_line(&full(&id))].concat();
    insta::assert_snapshot!(String::from_utf8(lines).unwrap(), @r##"
    {"time":"2026-11-05T12:00:00.000001Z","level":"info","msg":"request","service":"shop","request.id":"req-1","http.method":"GET","url.path":"/items","http.status":200,"duration_ms":1.234,"bytes.in":0,"bytes.out":42,"client.address":"192.0.2.1"}
    {"time":"2026-11-05T12:00:00.000001Z","level":"warn","msg":"request","service":"shop","request.id":"req-1","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","http.method":"GET","url.path":"/items","url.query":"page=2&token=[redacted]","http.route":"/items","http.status":503,"duration_ms":1.234,"bytes.in":0,"bytes.out":42,"client.address":"192.0.2.1","tls.client.subject":"CN=device 7,O=Acme\\, Inc.","tls.client.hash.sha256":"BA7816BF","principal":"user:usr_1","signature.key":"partner","guard.name":"load_shed","guard.reported":["rate_limit","csrf"],"answer.drift":["status"],"upstream.duration_ms":0.900,"problem":"overloaded","error":"queue is \"full\"","user_agent":"curl/8"}
    "##);
}

#[test]
fn a_line_for_people_is_aligned() {
    let id = id();
    let lines = [
        pretty_line(Style::Pretty, &plain(&id)),
        pretty_line(Style::Pretty, &full(&id)),
        pretty_line(Style::Coloured, &plain(&id)).replace('\x1b', "ESC"),
    ];
    insta::assert_snapshot!(lines.concat(), @r##"
    12:00:00.000 GET     /items                           → 200 1.234ms    req-1
    12:00:00.000 GET     /items?page=2&token=[redacted]   → 503 1.234ms    req-1 guard=load_shed reported=rate_limit reported=csrf drift=status problem=overloaded: queue is \"full\"
    ESC[2m12:00:00.000ESC[0m GET     /items                           → ESC[32m200ESC[0m 1.234ms    ESC[2mreq-1ESC[0m
    "##);
}

#[test]
fn the_level_says_who_must_act() {
    const CRITICAL: ProblemType = ProblemType { severity: Severity::Critical, ..OVERLOADED };
    let id = id();
    for (status, problem, level) in [
        (200, None, "info"),
        (429, Some(&OVERLOADED), "info"),
        (502, None, "info"),
        (503, Some(&OVERLOADED), "warn"),
        (500, Some(&CRITICAL), "error"),
    ] {
        let line: Value = serde_json::from_slice(&json_line(&Entry { status, problem, ..plain(&id) })).unwrap();
        assert_eq!(line["level"], level, "{status} {problem:?}");
    }
}

#[test]
fn long_values_are_cut_and_marked() {
    let id = id();
    let long = vec![b'x'; 9_000];
    let secret = [b"token=".as_slice(), &long].concat();
    let entry = Entry { path: &long, query: Some(&secret), user_agent: Some(&long), ..plain(&id) };
    let line: Value = serde_json::from_slice(&json_line(&entry)).unwrap();
    assert_eq!(line["url.path"].as_str().unwrap().len(), 2_048 + "[cut]".len());
    assert_eq!(line["url.query"], "token=[redacted][cut]");
    assert_eq!(line["user_agent"].as_str().unwrap().len(), 256 + "[cut]".len());
}

#[test]
fn the_longest_line_fits_its_room() {
    let id = RequestId::parse(&[b'i'; 64]).unwrap();
    let hostile = "\u{1}".repeat(9_000);
    let names = ["\u{1}".repeat(99).leak() as &'static str; 99];
    let entry = Entry {
        trace_id: Some(u128::MAX),
        method: &hostile,
        certificate: Some((Some(&hostile), &hostile)),
        path: hostile.as_bytes(),
        query: Some(hostile.as_bytes()),
        route: Some(&hostile),
        principal: Some(&hostile),
        guard: Some(&hostile),
        reported: &names,
        drift: &names,
        upstream_us: Some(u64::MAX),
        error: Some(&hostile),
        user_agent: Some(hostile.as_bytes()),
        ended_unix_us: u64::MAX,
        duration_us: u64::MAX,
        bytes_in: u64::MAX,
        bytes_out: u64::MAX,
        client: IpAddr::from([0xffff_u16; 8]),
        status: u16::MAX,
        ..full(&id)
    };
    assert!(json_line(&entry).len() <= entry::LONGEST_LINE);
    assert!(pretty_line(Style::Coloured, &entry).len() <= entry::LONGEST_LINE);
}

proptest! {
    #[test]
    fn any_bytes_give_exactly_one_line_of_json(
        path in prop::collection::vec(any::<u8>(), 0..300),
        query in prop::collection::vec(any::<u8>(), 0..300),
        agent in prop::collection::vec(any::<u8>(), 0..300),
        error in ".*",
        principal in any::<String>(),
    ) {
        let id = id();
        let entry = Entry {
            path: &path,
            query: Some(&query),
            user_agent: Some(&agent),
            error: Some(&error),
            principal: Some(&principal),
            ..full(&id)
        };
        let line = json_line(&entry);
        prop_assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        prop_assert_eq!(line.last_chunk(), Some(b"}\n"));
        let value: Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(value["http.status"].as_u64(), Some(503), "no later field replaces an earlier one");
        if let Ok(path) = std::str::from_utf8(&path) {
            prop_assert_eq!(value["url.path"].as_str(), Some(path));
        }
        for style in [Style::Json, Style::Pretty] {
            let text = if style == Style::Json { String::from_utf8(line.clone()).unwrap() } else { pretty_line(style, &entry) };
            prop_assert_eq!(text.chars().filter(|c| c.is_control() || "\u{2028}\u{2029}\u{202e}".contains(*c)).count(), 1);
        }
    }

    #[test]
    fn no_line_shows_a_secret_of_the_query(
        before in prop::collection::vec(any::<u8>(), 0..3_000),
        name in prop::sample::select(vec!["password", "api_key", "Token", "x-Secret", "acc%65ss_token", "sid", "pin"]),
        after in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        const SECRET: &str = "qQzZ7hunter2";
        let query = [&before[..], b"&", name.as_bytes(), b"=", SECRET.as_bytes(), b"&", &after].concat();
        let id = id();
        let entry = Entry { query: Some(&query), ..plain(&id) };
        prop_assert!(!String::from_utf8(json_line(&entry)).unwrap().contains(SECRET));
        prop_assert!(!pretty_line(Style::Pretty, &entry).contains(SECRET));
    }
}

#[test]
fn lines_reach_the_sink_and_buffers_are_used_again() {
    let (kept, registry, id) = (Kept::default(), Registry::new(1), id());
    let (writer, handle) = LogWriter::start(output(kept.sink(), Style::Json), &registry).unwrap();
    let mut log = handle.request_log();
    let long = vec![b'"'; 2_048];
    for count in 0..500 {
        log.record(&Entry { path: &long, bytes_in: count, ..plain(&id) });
        assert_eq!(log.capacity(), CAPACITY, "a buffer never grows");
    }
    drop(log);
    writer.finish(LIMIT).unwrap();
    let text = kept.text();
    assert_eq!(text.lines().count(), 500);
    for (count, line) in text.lines().enumerate() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["bytes.in"], count);
    }
    assert_eq!(registry.value("seawall_log_lines_dropped", &[]), Some(0.0));
}

#[test]
fn lines_for_people_are_flushed_at_once() {
    let (kept, registry, id) = (Kept::default(), Registry::new(1), id());
    let (writer, handle) = LogWriter::start(output(kept.sink(), Style::Pretty), &registry).unwrap();
    let mut log = handle.request_log();
    log.record(&plain(&id));
    writer.finish(LIMIT).unwrap();
    assert!(kept.text().contains("GET     /items"));
    drop(log);
}

/// A sink that takes nothing until it is released.
struct Stalled {
    released: mpsc::Receiver<()>,
    entered: mpsc::Sender<()>,
    kept: Kept,
}

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.released.recv();
        self.kept.clone().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stalled_sink_drops_and_counts_instead_of_blocking() {
    let (kept, registry, id) = (Kept::default(), Registry::new(1), id());
    let (release, released) = mpsc::channel();
    let (entered, stalled) = mpsc::channel();
    let sink = Sink::new(Box::new(Stalled { released, entered, kept: kept.clone() }));
    let (writer, handle) = LogWriter::start(output(sink, Style::Json), &registry).unwrap();
    let mut log = handle.request_log();
    let long = "\u{1}".repeat(2_048);
    let long = Entry { path: long.as_bytes(), ..plain(&id) };
    let mut fill = |buffers: usize| (0..buffers * LINES).for_each(|_| log.record(&long));
    fill(1);
    stalled.recv_timeout(LIMIT).unwrap();
    fill(WAITING + 5);
    let dropped = || registry.value("seawall_log_lines_dropped", &[]).unwrap();
    assert_eq!(dropped(), 5.0 * LINES as f64);

    log.record(&plain(&id));
    log.flush();
    assert_eq!(dropped(), 5.0 * LINES as f64, "a buffer that has room waits for the next flush");
    drop(release);
    writer.finish(LIMIT).unwrap();
    let text = kept.text();
    assert_eq!(text.lines().filter(|line| line.contains("\"msg\":\"request\"")).count(), (WAITING + 1) * LINES);
    let notices: Vec<_> = text.lines().filter(|line| line.contains("lines dropped")).collect();
    insta::assert_snapshot!(notices.join("\n"), @r##"
    {"time":"2026-11-05T12:00:00.000000Z","level":"warn","msg":"request log lines dropped","service":"shop","lines":30}
    "##);
    log.flush();
    assert_eq!(dropped(), 5.0 * LINES as f64 + 1.0, "lines after the end are counted too");
}

/// Lines of the longest path that fill a buffer.
const LINES: usize = 6;

#[test]
fn what_waits_for_room_is_written_when_there_is_some() {
    let (kept, registry, id) = (Kept::default(), Registry::new(1), id());
    let (release, released) = mpsc::channel();
    let (entered, stalled) = mpsc::channel();
    let sink = Sink::new(Box::new(Stalled { released, entered, kept: kept.clone() }));
    let (writer, handle) = LogWriter::start(output(sink, Style::Pretty), &registry).unwrap();
    let mut log = handle.request_log();
    log.record(&plain(&id));
    stalled.recv_timeout(LIMIT).unwrap();
    for _ in 0..WAITING + 50 {
        log.record(&plain(&id));
    }
    drop(release);
    while kept.text().lines().count() <= WAITING {
        std::thread::yield_now();
    }
    log.flush();
    writer.finish(LIMIT).unwrap();
    assert_eq!(kept.text().lines().count(), WAITING + 51);
    assert_eq!(registry.value("seawall_log_lines_dropped", &[]), Some(0.0));
}

/// A sink that fails until it has been asked three times.
struct Broken {
    calls: usize,
    kept: Kept,
}

impl Write for Broken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls <= 3 { Err(ErrorKind::BrokenPipe.into()) } else { self.kept.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_sink_neither_ends_nor_spins_the_writer() {
    let (kept, registry, id) = (Kept::default(), Registry::new(1), id());
    let sink = Sink::new(Box::new(Broken { calls: 0, kept: kept.clone() }));
    let (writer, handle) = LogWriter::start(output(sink, Style::Json), &registry).unwrap();
    let mut log = handle.request_log();
    for _ in 0..4 {
        log.record(&plain(&id));
        log.flush();
    }
    writer.finish(LIMIT).unwrap();
    assert_eq!(registry.value("seawall_log_lines_dropped", &[]), Some(3.0));
    assert_eq!(kept.text().lines().count(), 2, "the fourth line, and how many are missing");
    assert!(kept.text().contains("\"lines\":3"));
}
