//! The exporter against a small collector, and against none.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use seawall_core::clock::{Clock, Now};

use super::{Attribute, Endpoint, Kind, SpanExporter, SpanRecord, WAITING};
use crate::Registry;

const LIMIT: Duration = Duration::from_secs(20);

/// Time stands still: a batch ends when it is full or when the exporter shall finish.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now::default()
    }
}

struct Post {
    head: String,
    body: Vec<u8>,
}

/// A collector that answers every request with this status and passes on what it was sent.
fn collector(status: &'static str) -> (Endpoint, mpsc::Receiver<Post>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (sender, posts) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || serve(&stream.unwrap(), status, &sender));
        }
    });
    (endpoint, posts)
}

fn serve(stream: &TcpStream, status: &str, posts: &mpsc::Sender<Post>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let _ = posts.send(Post { head, body });
        let mut answer = stream;
        let _ = write!(answer, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    }
}

fn span(span_id: u64) -> SpanRecord {
    SpanRecord {
        trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
        span_id,
        parent_id: Some(0x00f0_67aa_0ba9_02b7),
        kind: Kind::Server,
        name: "GET /items/{id}".into(),
        start_unix_us: 1_793_880_000_000_000,
        end_unix_us: 1_793_880_000_001_234,
        attributes: vec![
            ("http.response.status_code", Attribute::Integer(503)),
            ("http.route", Attribute::Text("/items/{id}".into())),
            ("seawall.sampled", Attribute::Flag(true)),
        ],
        error: true,
    }
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[test]
fn spans_reach_the_collector_with_their_ids_in_batches() {
    let (endpoint, posts) = collector("200 OK");
    let registry = Registry::new(1);
    let (exporter, spans) = SpanExporter::start(&endpoint, "shop", Arc::new(Still), &registry).unwrap();
    assert!(spans.exported());
    for span_id in 1..=300 {
        spans.hand(span(span_id));
    }
    exporter.finish(LIMIT).unwrap();
    let posts: Vec<Post> = posts.try_iter().collect();
    assert_eq!(posts.len(), 2, "256 spans and the rest");
    let (head, body) = (posts[0].head.to_ascii_lowercase(), &posts[0].body);
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    assert!(holds(body, &0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes()));
    assert!(holds(body, &256_u64.to_be_bytes()) && !holds(body, &257_u64.to_be_bytes()));
    assert!(holds(body, &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()));
    assert!(holds(body, &(1_793_880_000_001_234_000_u64).to_le_bytes()), "times are nanoseconds");
    for text in ["GET /items/{id}", "http.route", "http.response.status_code", "service.name", "shop", "seawall"] {
        assert!(holds(body, text.as_bytes()), "{text}");
    }
    assert!(holds(&posts[1].body, &300_u64.to_be_bytes()));
    assert_eq!(registry.value("seawall_trace_spans_dropped", &[]), Some(0.0));
}

#[test]
fn a_collector_that_refuses_costs_counted_spans() {
    let (endpoint, posts) = collector("400 Bad Request");
    let registry = Registry::new(1);
    let (exporter, spans) = SpanExporter::start(&endpoint, "shop", Arc::new(Still), &registry).unwrap();
    for span_id in 1..=3 {
        spans.hand(span(span_id));
    }
    exporter.finish(LIMIT).unwrap();
    assert_eq!(posts.try_iter().count(), 1, "what cannot succeed is not tried again");
    assert_eq!(registry.value("seawall_trace_spans_dropped", &[]), Some(3.0));
}

#[test]
fn a_dead_collector_holds_nobody_back() {
    // Listens, but never accepts or answers.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", dead.local_addr().unwrap())).unwrap();
    let registry = Registry::new(1);
    let (exporter, spans) = SpanExporter::start(&endpoint, "shop", Arc::new(Still), &registry).unwrap();
    let handed = WAITING + 256 + 10;
    for span_id in 1..=handed as u64 {
        spans.hand(span(span_id));
    }
    let dropped = registry.value("seawall_trace_spans_dropped", &[]).unwrap();
    assert!(dropped >= 1.0, "the channel is bounded: {dropped}");
    assert!(exporter.finish(Duration::from_millis(10)).is_err(), "and shutting down does not wait for it");
}
