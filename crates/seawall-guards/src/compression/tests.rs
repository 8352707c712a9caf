//! Which coding a client gets, and which answers are compressed.

use http::{HeaderMap, HeaderValue, Request, Response, header::ACCEPT_ENCODING};
use seawall_core::{
    meter::NoMeter,
    settings::{Raw, Values},
};

use super::{accept::negotiate, *};
use crate::{AnswerHead, Context, End, Guard, Verdict, engine::sample_context, load_shed::Permits};

const OURS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

type Fields<'a> = &'a [(&'static str, &'a str)];

fn guard(values: &Values) -> CompressionGuard {
    CompressionGuard::read(values, Permits::default().places("compression"), &NoMeter).unwrap().unwrap()
}

fn with(key: &str, value: &str) -> Values {
    values().with(key, Raw::Text(value.to_owned()))
}

/// What the guard makes of an answer, and the answer afterwards.
fn decided(
    guard: &CompressionGuard,
    asked: &str,
    request: Fields<'_>,
    status: u16,
    answer: Fields<'_>,
) -> (Context, AnswerHead) {
    let (method, path) = asked.split_once(' ').unwrap();
    let head = Request::builder().method(method).uri(path);
    let head = request.iter().fold(head, |head, (name, value)| head.header(*name, *value));
    let (mut head, ()) = head.body(()).unwrap().into_parts();
    let mut context = sample_context();
    assert!(matches!(guard.head(&mut head, &mut context), Verdict::Pass));
    let response = Response::builder().status(status);
    let response = answer.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    let (mut answer, ()) = response.body(()).unwrap().into_parts();
    assert!(guard.answer(&mut answer, &mut context).is_none(), "it refuses nothing");
    (context, answer)
}

const GZIP: (&str, &str) = ("accept-encoding", "gzip");
const JSON: (&str, &str) = ("content-type", "application/json");
const PAGE: (&str, &str) = ("content-type", "text/html; charset=utf-8");

/// Whether an answer is compressed, and whether caches are told that it could have been.
fn outcome(values: &Values, request: Fields<'_>, status: u16, answer: Fields<'_>) -> (bool, bool) {
    let (context, answer) = decided(&guard(values), "GET /", request, status, answer);
    (context.compression.chosen().is_some(), answer.headers.contains_key("vary"))
}

#[test]
fn wk_12_the_client_gets_the_coding_it_wants_most() {
    use Coding::{Brotli, Gzip, Zstd};
    for (accept, wanted) in [
        ("", None),
        ("gzip", Some(Gzip)),
        ("GZip", Some(Gzip)),
        ("x-gzip", Some(Gzip)),
        ("br", Some(Brotli)),
        ("zstd", Some(Zstd)),
        ("gzip, deflate, br, zstd", Some(Zstd)),
        ("gzip, deflate, br", Some(Brotli)),
        ("gzip,deflate", Some(Gzip)),
        ("deflate", None),
        ("compress, dcb", None),
        ("gzip;q=1.0, br;q=0.5", Some(Gzip)),
        ("gzip;q=0.8, br;q=0.9, zstd;q=0.1", Some(Brotli)),
        ("gzip;q=0.5, br;q=0.5", Some(Brotli)),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0.001", Some(Gzip)),
        ("gzip ; q=0.5", Some(Gzip)),
        ("gzip;Q=0.5", Some(Gzip)),
        ("*", Some(Zstd)),
        ("*;q=0", None),
        ("zstd;q=0, *", Some(Brotli)),
        ("gzip;q=0.5, *;q=0.1", Some(Gzip)),
        ("br;q=0, zstd;q=0, gzip;q=0, *", None),
        ("identity", None),
        ("identity, gzip", Some(Gzip)),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=1", Some(Gzip)),
        ("identity;q=0, gzip;q=0.2", Some(Gzip)),
        ("identity;q=0", None),
        ("identity;q=0, *;q=0.1", Some(Zstd)),
        ("gzip;q=2", None),
        ("gzip;q=1.5", None),
        ("gzip;q=0.1234", None),
        ("gzip;q=-1", None),
        ("gzip;q=x", None),
        ("gzip;level=9", None),
        ("gzip;q", None),
        (",, ,gzip,,", Some(Gzip)),
        ("gzipped, agzip", None),
        ("gzip;q=0, gzip", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
        assert_eq!(negotiate(&headers, &OURS), wanted, "{accept:?}");
    }
    let mut headers = HeaderMap::new();
    assert_eq!(negotiate(&headers, &OURS), None, "a client that says nothing gets the answer as it is");
    headers.append(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0.5"));
    headers.append(ACCEPT_ENCODING, HeaderValue::from_static("br"));
    assert_eq!(negotiate(&headers, &OURS), Some(Brotli), "several lines are one list");
    assert_eq!(negotiate(&headers, &[Gzip]), Some(Gzip), "what is not offered is not taken");
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd"));
    assert_eq!(negotiate(&headers, &[Gzip, Zstd]), Some(Gzip), "the first of equals");
}

#[test]
fn types_that_shrink_are_compressed() {
    for (kind, shrinks) in [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("Application/JSON", true),
        ("application/problem+json", true),
        ("application/x-ndjson", true),
        ("text/html", true),
        ("text/plain", true),
        ("text/css", true),
        ("text/csv", true),
        ("application/javascript", true),
        ("text/javascript", true),
        ("application/xml", true),
        ("application/atom+xml", true),
        ("image/svg+xml", true),
        ("application/wasm", true),
        ("font/ttf", true),
        ("font/woff2", false),
        ("image/png", false),
        ("image/jpeg", false),
        ("video/mp4", false),
        ("application/zip", false),
        ("application/gzip", false),
        ("application/pdf", false),
        ("application/octet-stream", false),
        ("application/grpc", false),
        ("multipart/mixed", false),
        ("text/event-stream", false),
        ("text/event-stream;charset=utf-8", false),
        ("", false),
    ] {
        assert_eq!(outcome(&values(), &[GZIP], 200, &[("content-type", kind)]), (shrinks, shrinks), "{kind}");
    }
    assert_eq!(outcome(&values(), &[GZIP], 200, &[]), (false, false), "no type says nothing");
}

#[test]
fn only_whole_answers_that_may_be_changed_are_compressed() {
    for (status, answer, compressed) in [
        (200, &[JSON][..], true),
        (201, &[JSON], true),
        (204, &[JSON], false),
        (205, &[JSON], false),
        (206, &[JSON, ("content-range", "bytes 0-1/2")], false),
        (301, &[PAGE], false),
        (404, &[JSON], false),
        (500, &[JSON], false),
        (200, &[JSON, ("content-length", "1024")], false),
        (200, &[JSON, ("content-length", "1399")], false),
        (200, &[JSON, ("content-length", "1400")], true),
        (200, &[JSON, ("content-encoding", "br")], false),
        (200, &[JSON, ("content-encoding", "identity")], false),
        (200, &[JSON, ("content-range", "bytes 0-1/2")], false),
        (200, &[JSON, ("cache-control", "public, No-Transform")], false),
        (200, &[JSON, ("cache-control", "max-age=60")], true),
        (200, &[JSON, ("content-digest", "sha-256=:x:")], false),
        (200, &[JSON, ("repr-digest", "sha-256=:x:")], false),
        (200, &[JSON, ("digest", "md5=x")], false),
        (200, &[JSON, ("content-md5", "x")], false),
        (200, &[JSON, ("etag", "W/\"x\"")], true),
        (200, &[JSON, ("etag", "\"x\"")], false),
        (200, &[PAGE, ("etag", "\"x\"")], true),
    ] {
        assert_eq!(outcome(&values(), &[GZIP], status, answer), (compressed, compressed), "{status} {answer:?}");
    }
    let weaken = with("strong_etags", "weaken");
    assert_eq!(outcome(&weaken, &[GZIP], 200, &[JSON, ("etag", "\"x\"")]), (true, true));
}

#[test]
fn wk_12_answers_that_may_hold_a_secret_are_not_compressed() {
    const COOKIE: (&str, &str) = ("cookie", "session=1");
    const BEARER: (&str, &str) = ("authorization", "Bearer x");
    const PASSWORD: (&str, &str) = ("authorization", "Basic eDp5");
    const STRANGER: (&str, &str) = ("sec-fetch-site", "cross-site");
    const NEIGHBOUR: (&str, &str) = ("sec-fetch-site", "same-site");
    const SCRIPT: (&str, &str) = ("content-type", "text/javascript");
    const SETS: (&str, &str) = ("set-cookie", "session=1");
    for (request, answer, [never, json, always]) in [
        (&[][..], &[PAGE][..], [true, true, true]),
        (&[STRANGER], &[PAGE], [true, true, true]),
        (&[], &[JSON, SETS], [false, false, true]),
        (&[COOKIE], &[PAGE], [false, false, true]),
        (&[COOKIE], &[JSON], [false, true, true]),
        (&[COOKIE], &[SCRIPT], [false, true, true]),
        (&[COOKIE, NEIGHBOUR], &[JSON], [false, true, true]),
        (&[COOKIE, STRANGER], &[JSON], [false, false, true]),
        (&[PASSWORD], &[PAGE], [false, false, true]),
        (&[PASSWORD], &[JSON], [false, true, true]),
        (&[BEARER], &[PAGE], [false, true, true]),
        (&[BEARER], &[JSON], [false, true, true]),
        (&[BEARER, STRANGER], &[JSON], [false, true, true]),
        (&[BEARER, COOKIE], &[PAGE], [false, false, true]),
        (&[BEARER], &[JSON, SETS], [false, false, true]),
    ] {
        for (setting, compressed) in [("never", never), ("json", json), ("always", always)] {
            let request = [&[GZIP], request].concat();
            let seen = outcome(&with("with_credentials", setting), &request, 200, answer);
            assert_eq!(seen, (compressed, true), "{setting}: {request:?} {answer:?}");
        }
    }
}

#[test]
fn caches_are_told_whoever_asked() {
    let vary = |request: Fields<'_>, answer: Fields<'_>| {
        let (_, answer) = decided(&guard(&values()), "GET /", request, 200, answer);
        answer
            .headers
            .get_all("vary")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" + ")
    };
    assert_eq!(vary(&[], &[JSON]), "Accept-Encoding");
    assert_eq!(vary(&[GZIP], &[JSON, ("vary", "Origin")]), "Origin + Accept-Encoding");
    assert_eq!(vary(&[GZIP], &[JSON, ("vary", "Origin, accept-encoding")]), "Origin, accept-encoding");
    assert_eq!(vary(&[GZIP], &[JSON, ("vary", "*")]), "*");
    assert_eq!(vary(&[GZIP], &[("content-type", "image/png")]), "");
}

#[test]
fn heads_and_old_clients_get_the_answer_as_it_is() {
    let (context, answer) = decided(&guard(&values()), "HEAD /", &[GZIP], 200, &[JSON, ("content-length", "5000")]);
    assert_eq!((context.compression.chosen(), &answer.headers["content-length"]), (None, &"5000".parse().unwrap()));
    assert!(answer.headers.contains_key("vary"), "a cache may use it for a GET");
    let mut request = Request::get("/").header("accept-encoding", "gzip").body(()).unwrap();
    *request.version_mut() = http::Version::HTTP_10;
    let mut context = sample_context();
    guard(&values()).head(&mut request.into_parts().0, &mut context);
    assert_eq!(context.compression, Compression::default());
}

#[test]
fn a_head_is_made_true_for_the_compressed_body() {
    let response = Response::builder().header("content-length", "5000").header("etag", "\"x\"");
    let (mut answer, ()) = response.header("accept-ranges", "bytes").body(()).unwrap().into_parts();
    relabel(&mut answer, Coding::Brotli);
    assert_eq!(
        (&answer.headers["content-encoding"], &answer.headers["etag"]),
        (&"br".parse().unwrap(), &"W/\"x\"".parse().unwrap())
    );
    assert!(!answer.headers.contains_key("content-length") && !answer.headers.contains_key("accept-ranges"));
}

#[test]
fn the_tag_that_was_made_weak_comes_back_weak() {
    for (asked, tag, given) in
        [("W/\"x\"", "\"x\"", "W/\"x\""), ("\"x\"", "\"x\"", "\"x\""), ("\"a\", W/\"x\"", "W/\"x\"", "W/\"x\"")]
    {
        let (_, answer) = decided(&guard(&values()), "GET /", &[GZIP, ("if-none-match", asked)], 304, &[("etag", tag)]);
        assert_eq!(answer.headers["etag"], given, "{asked} {tag}");
    }
}

#[test]
fn so_many_are_compressed_at_once_and_their_places_come_back() {
    let places = Permits::default().places("compression");
    let guard = CompressionGuard::read(&values().with("max_at_once", Raw::Integer(1)), places.clone(), &NoMeter);
    let guard = guard.unwrap().unwrap();
    let (first, _) = decided(&guard, "GET /", &[GZIP], 200, &[JSON]);
    let (second, _) = decided(&guard, "GET /", &[GZIP], 200, &[JSON]);
    assert_eq!((first.compression.chosen(), second.compression.chosen()), (Some(Coding::Gzip), None));
    let end = End { sent: true, status: None };
    guard.finish(&end, &second);
    assert_eq!(places.taken(), 1, "who took none gives none back");
    guard.finish(&end, &first);
    assert_eq!(places.taken(), 0);
}

#[test]
fn it_can_be_turned_off() {
    let places = || Permits::default().places("compression");
    assert!(CompressionGuard::read(&values().with("enabled", Raw::Flag(false)), places(), &NoMeter).unwrap().is_none());
    assert!(
        CompressionGuard::read(&values().with("codings", Raw::List(Vec::new())), places(), &NoMeter).unwrap().is_none()
    );
}
