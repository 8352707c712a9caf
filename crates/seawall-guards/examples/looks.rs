//! What a guard's look at a body costs by its size: `cargo run --release -p seawall-guards --example looks` prints nanoseconds per byte for
//! bodies from 1 KB to 10 MB. With `KIND BYTES TIMES` it looks at one of them so often and prints nothing, to be counted.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the time and prints what it found"
)]

use std::{error::Error, sync::Arc, time::Instant};

use aws_lc_rs::{digest, hmac, signature::Ed25519KeyPair, signature::KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Request, Response};
use seawall_core::{
    Mode,
    clock::Now,
    meter::NoMeter,
    settings::{Raw, Values},
    signatures::{Signed, base, inputs},
};
use seawall_guards::{
    Context, Expected, Guard, Head, Peer, Seed, Shared, Verdict,
    deadline::Deadlines,
    idempotency::{self, IdempotencyGuard},
    json::JsonGuard,
    payload_filter::{self, PayloadFilterGuard},
    schema::{Document, Drift, Formats, Operation, Reading, SchemaGuard, Undocumented, UnknownFields},
    signatures::{self, SignaturesGuard},
};

type Failure = Box<dyn Error>;

const KINDS: [&str; 8] =
    ["json-tree", "schema", "payload_filter", "payload_filter-tag", "hmac", "ed25519", "idempotency", "answers"];
const SIZES: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// As a body arrives.
const PART: usize = 64 * 1024;

/// So many bytes are looked at for each figure.
const READ: usize = 20_000_000;

const CREATED: u64 = 1_800_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PAIR: [u8; 32] = [7; 32];

/// What the records of a body are.
const SCHEMA: &str = r#"{"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["id", "sku", "amount"],
  "properties": {"id": {"type": "integer", "minimum": 0}, "sku": {"type": "string", "maxLength": 40}, "amount": {"type": "number"},
    "open": {"type": "boolean"}, "note": {"type": "string", "maxLength": 200}}}}"#;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, bytes, times] = &words[..] {
        let bench = Bench::new(kind, bytes.parse()?)?;
        // What is made before stands in every run, however often it looks.
        let heads = bench.heads(MOST_TIMES)?;
        return heads.into_iter().take(times.parse()?).try_for_each(|head| bench.look(head));
    }
    println!("nanoseconds per byte");
    println!("{:<16}{}", "", SIZES.map(|size| format!(" {:>8} KB", size / 1_000)).concat());
    for kind in KINDS {
        let mut row = format!("{kind:<16}");
        for size in SIZES {
            let bench = Bench::new(kind, size)?;
            // Of small bodies no more than what one caller may have under way.
            let times = (READ / size).clamp(1, 2_000);
            let mut heads = bench.heads(times + 1)?.into_iter();
            heads.next().map(|head| bench.look(head)).transpose()?;
            let begun = Instant::now();
            heads.try_for_each(|head| bench.look(head))?;
            let hundredths = begun.elapsed().as_nanos() * 100 / (times * bench.body.len()) as u128;
            row += &format!(" {:>8}.{:02}", hundredths / 100, hundredths % 100);
        }
        println!("{row}");
    }
    Ok(())
}

const MOST_TIMES: usize = 3;

/// The guards that look at a body, in their order, and the body.
struct Bench {
    guards: Vec<Box<dyn Guard>>,
    kind: String,
    body: Vec<u8>,
}

impl Bench {
    fn new(kind: &str, bytes: usize) -> Result<Self, Failure> {
        let shape = || -> Result<Box<dyn Guard>, Failure> { Ok(Box::new(JsonGuard::read(&unbounded())?)) };
        let guards: Vec<Box<dyn Guard>> = match kind {
            "json-tree" => vec![shape()?],
            "schema" => vec![shape()?, Box::new(schema()?)],
            "payload_filter" | "payload_filter-tag" => {
                vec![shape()?, Box::new(PayloadFilterGuard::read(&payload_filter::values(), &NoMeter)?)]
            }
            "answers" => vec![Box::new(described()?)],
            "hmac" => vec![Box::new(signed("hmac-sha256", "secret", SECRET)?)],
            "ed25519" => {
                let public = STANDARD.encode(pair()?.public_key().as_ref());
                vec![Box::new(signed("ed25519", "public_key", &public)?)]
            }
            "idempotency" => {
                let (values, deadlines) = (idempotency::values(), Deadlines::default());
                vec![Box::new(IdempotencyGuard::read(&values, "*", Mode::Enforce, &deadlines, &Shared::in_memory())?)]
            }
            other => return Err(format!("no kind {other}").into()),
        };
        let body = if kind == "payload_filter-tag" { tag(bytes) } else { records(bytes) };
        Ok(Self { guards, kind: kind.to_owned(), body })
    }

    /// Heads of requests, no two alike.
    fn heads(&self, count: usize) -> Result<Vec<Head>, Failure> {
        (0..count).map(|number| self.head(number)).collect()
    }

    fn head(&self, number: usize) -> Result<Head, Failure> {
        let request = Request::builder().method("POST").uri("/items?a=b").header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("\"bench-{number:08}\""));
        let mut head = request.body(())?.into_parts().0;
        if matches!(&*self.kind, "hmac" | "ed25519") {
            let digest = STANDARD.encode(digest::digest(&digest::SHA256, &self.body));
            let covered = "(\"@method\" \"@path\" \"@query\" \"content-digest\")";
            let input = format!("{covered};created={CREATED};keyid=\"bench\";nonce=\"{number}\"");
            field(&mut head, "content-digest", &format!("sha-256=:{digest}:"))?;
            field(&mut head, "signature-input", &format!("sig={input}"))?;
            field(&mut head, "signature", "sig=:AA==:")?;
            let components = inputs(&head.headers)?.remove(0).components;
            let what = Signed { method: &head.method, uri: &head.uri, headers: &head.headers, secure: false };
            let base = base(&components, &input, what)?;
            let signature = match &*self.kind {
                "hmac" => STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &base)),
                _ => STANDARD.encode(pair()?.sign(&base)),
            };
            field(&mut head, "signature", &format!("sig=:{signature}:"))?;
        }
        Ok(head)
    }

    /// All of one request's way through the guards, or of its answer's.
    fn look(&self, head: Head) -> Result<(), Failure> {
        if self.kind == "answers" { self.look_at_answer(head) } else { self.look_at_request(head) }
    }

    /// An answer that is compared with its document, up to its largest body.
    fn look_at_answer(&self, mut head: Head) -> Result<(), Failure> {
        // So many a second are compared, so each has a second of its own.
        let second = head
            .headers
            .get("idempotency-key")
            .map_or(0, |key| key.as_bytes().iter().map(|byte| u64::from(*byte)).sum());
        let now = Now { monotonic_us: second * 1_000_000, unix_us: CREATED * 1_000_000 };
        let mut context = Context::new(
            Peer::new([127, 0, 0, 1].into(), false),
            &head.headers,
            now,
            Seed([1, 2, 3, 4, 5]),
            "*".into(),
        );
        let answer = Response::builder().header("content-type", "application/json").body(())?.into_parts().0;
        for guard in &self.guards {
            passed(guard.head(&mut head, &mut context), &mut head, &mut context)?;
            let Some(mut follow) = guard.follow(&answer, &mut context) else { return Err("nobody looks".into()) };
            let whole = self.body.chunks(PART).all(|part| follow.part(part));
            if let Some(rest) = follow.end(whole) {
                rest();
            }
        }
        Ok(())
    }

    fn look_at_request(&self, mut head: Head) -> Result<(), Failure> {
        let now = Now { monotonic_us: 1, unix_us: CREATED * 1_000_000 };
        let peer = Peer::new([127, 0, 0, 1].into(), false);
        let mut context = Context::new(peer, &head.headers, now, Seed([1, 2, 3, 4, 5]), "*".into());
        let expected = Expected { length: None, tree: self.guards.len() > 1 || self.kind == "json-tree" };
        let mut looks = Vec::new();
        for guard in &self.guards {
            passed(guard.head(&mut head, &mut context), &mut head, &mut context)?;
            let look = guard.inspect(&mut head, &expected, &mut context);
            looks.extend(look.map_err(|problem| format!("{problem:?}"))?);
        }
        for part in self.body.chunks(PART) {
            for look in &mut looks {
                look.part(part).map_err(|problem| format!("{problem:?}"))?;
            }
        }
        for look in looks {
            let verdict = look.end(&mut head, &mut context);
            passed(verdict, &mut head, &mut context)?;
        }
        Ok(())
    }
}

fn passed(verdict: Verdict, head: &mut Head, context: &mut Context) -> Result<(), Failure> {
    match verdict {
        Verdict::Pass => Ok(()),
        Verdict::Later(mut wait) => {
            // What looks in slices gives way between them; nothing here is waited for.
            loop {
                if let Some(settle) = (&mut wait).now_or_never() {
                    let verdict = settle(head, context);
                    return passed(verdict, head, context);
                }
            }
        }
        other => Err(format!("{other:?}").into()),
    }
}

fn field(head: &mut Head, name: &'static str, value: &str) -> Result<(), Failure> {
    head.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
    Ok(())
}

/// A limit that none of the bodies comes to.
fn unbounded() -> Values {
    let most = Raw::Integer(4_000_000_000);
    seawall_guards::json::values().with("items", most.clone()).with("keys", most.clone()).with("characters", most)
}

fn schema() -> Result<SchemaGuard, Failure> {
    let body = Operation::with_body_schema(SCHEMA.as_bytes(), &Formats::standard())?;
    let reading = Reading { read_before: true, ..Reading::default() };
    let guard = SchemaGuard::new(None, UnknownFields::Reject, Undocumented::Allow);
    Ok(guard.with_body(Some(Arc::new(body))).reading(reading))
}

/// A document whose answers are the records.
fn described() -> Result<SchemaGuard, Failure> {
    let document = format!(
        r#"{{"openapi": "3.1.0", "paths": {{"/items": {{"post": {{"parameters": [{{"name": "a", "in": "query", "schema": {{}}}}],
          "responses": {{"200": {{"content": {{"application/json": {{"schema": {SCHEMA}}}}}}}}}}}}}}}}}"#
    );
    let document = Document::read(document.as_bytes(), &Formats::standard())?;
    let guard = SchemaGuard::new(Some(Arc::new(document)), UnknownFields::Reject, Undocumented::Refuse);
    Ok(guard.comparing_answers(&Drift::default(), "*", UnknownFields::Reject, &NoMeter))
}

fn pair() -> Result<Ed25519KeyPair, Failure> {
    Ed25519KeyPair::from_seed_unchecked(&PAIR).map_err(|error| error.to_string().into())
}

fn signed(algorithm: &str, field: &str, key: &str) -> Result<SignaturesGuard, Failure> {
    let text = |text: &str| Raw::Text(text.to_owned());
    let fields = signatures::SECTION.entries.ok_or("the section has no entries")?;
    let entry = Values::of_defaults(fields).with("algorithm", text(algorithm)).with(field, text(key));
    let values = signatures::values().with("require", Raw::List(vec![text("bench")]));
    let guard = SignaturesGuard::read(&values, &[("bench".to_owned(), entry)], &Shared::in_memory())?;
    Ok(guard.ok_or("no signature is asked for")?)
}

/// One text of about so many bytes: a tag with very many attributes, which a reader could begin again with each of.
fn tag(bytes: usize) -> Vec<u8> {
    format!("[\"<a x={}\"]", "/onx=".repeat(bytes / 5)).into_bytes()
}

/// A body of about so many bytes.
fn records(bytes: usize) -> Vec<u8> {
    let mut body = "[".to_owned();
    for id in 0.. {
        body += &format!(
            "{{\"id\":{id},\"sku\":\"A-{id}-XL\",\"amount\":12.5,\"open\":true,\"note\":\"a short remark\"}},"
        );
        if body.len() >= bytes {
            break;
        }
    }
    body.pop();
    (body + "]").into_bytes()
}
