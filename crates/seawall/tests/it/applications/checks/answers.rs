//! What the application answers: dressed, without its software's name, and otherwise unchanged.

use seawall_testkit::client::{RawResponse, Request};

use super::{Application, in_front_of};
use crate::{
    applications::{application::blob, tools::fixture},
    compression::decoded,
};

/// Headers with one value on every answer (checklist WK-3, without the deviations that `docs/guide/deviations.md` lists).
const EVERYWHERE: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "geolocation=(), microphone=(), camera=()"),
];

/// Security headers stand on pages, on what is not found, and on refusals.
pub(super) async fn dressed(application: Application) {
    let app = in_front_of(&application, "").await;
    let bare = application.directly().get("/index.html").await.expect_status(200);
    for name in EVERYWHERE.map(|(name, _)| name).into_iter().chain(["content-security-policy"]) {
        assert_eq!(bare.header(name), None, "the application itself sends no {name}");
    }
    let page = app.client().get("/index.html").await.expect_status(200);
    let missing = app.client().get("/not-here").await.expect_status(404);
    let refused = app.client().get("/a%2Fb").await.expect_status(400);
    for answer in [&page, &missing, &refused] {
        for (name, value) in EVERYWHERE {
            assert_eq!(answer.headers_named(name), [value], "{name} of {answer:?}");
        }
        assert_eq!(answer.headers_named("content-security-policy").len(), 1, "{answer:?}");
        assert_eq!(answer.header("strict-transport-security"), None, "not over plain http: {answer:?}");
    }
    let policy = |answer: &RawResponse| answer.header("content-security-policy").map(str::to_owned);
    assert_eq!(policy(&page).as_deref(), Some("frame-ancestors 'none'; base-uri 'self'; object-src 'none'"));
    assert_eq!(policy(&refused).as_deref(), Some("default-src 'none'; frame-ancestors 'none'"));
    let tried = page.header("content-security-policy-report-only").expect("a stricter policy is tried on pages");
    assert!(tried.contains("script-src 'self'"), "{tried}");
}

/// What names the application's software is gone.
pub(super) async fn nameless(application: Application) {
    let app = in_front_of(&application, "").await;
    let names =
        |answer: &RawResponse| [answer.header("server"), answer.header("x-powered-by")].map(|name| name.is_some());
    let bare = application.directly().get("/index.html").await;
    assert_ne!(names(&bare), [false, false], "the application itself names its software");
    for path in ["/index.html", "/not-here", "/a%2Fb"] {
        assert_eq!(names(&app.client().get(path).await), [false, false], "{path}");
    }
}

/// A page and a file arrive byte for byte, with their own headers; HEAD and conditional requests work.
pub(super) async fn unchanged(application: Application) {
    let app = in_front_of(&application, "").await;
    let page = app.client().get("/index.html").await.expect_status(200);
    assert_eq!(page.text(), std::fs::read_to_string(fixture("applications/site/index.html")).expect("it is there"));
    let file = app.client().get("/blob.bin").await.expect_status(200);
    assert!(file.body == blob(), "{} bytes came, and not those that were there", file.body.len());
    for (path, answer) in [("/index.html", &page), ("/blob.bin", &file)] {
        let bare = application.directly().get(path).await;
        for name in ["content-type", "content-length", "last-modified", "etag", "cache-control"] {
            assert_eq!(answer.header(name), bare.header(name), "{name} of {path}");
        }
        let head = app.client().request(Request::new("HEAD", path)).await.expect_status(200);
        assert_eq!((head.header("content-length"), head.body.len()), (bare.header("content-length"), 0), "{path}");
    }
    let since = file.header("last-modified").expect("static files say when they changed");
    let conditional = Request::get("/blob.bin").header("If-Modified-Since", since);
    let unmodified = app.client().request(conditional).await.expect_status(304);
    assert!(unmodified.body.is_empty() && unmodified.header("x-request-id").is_some());
}

/// A page arrives in the coding that was asked for and unfolds to itself; a file of octets is left alone, and so is a page for
/// someone who is signed in.
pub(super) async fn compressed(application: Application) {
    let app = in_front_of(&application, "[compression]\nmin_size = \"100 B\"\n").await;
    let page = std::fs::read(fixture("applications/site/index.html")).expect("it is there");
    for coding in ["zstd", "br", "gzip"] {
        let asked = Request::get("/index.html").header("Accept-Encoding", coding);
        let answer = app.client().request(asked).await.expect_status(200);
        assert_eq!((answer.header("content-encoding"), answer.header("content-length")), (Some(coding), None));
        assert!(answer.headers_named("vary").iter().any(|names| names.contains("Accept-Encoding")), "{answer:?}");
        assert!(decoded(coding, &answer.body) == (page.clone(), true), "{coding}: {answer:?}");
    }
    for request in [Request::get("/blob.bin"), Request::get("/index.html").header("Cookie", "session=1")] {
        let answer = app.client().request(request.header("Accept-Encoding", "gzip")).await.expect_status(200);
        assert_eq!(answer.header("content-encoding"), None, "{answer:?}");
        assert!(answer.header("content-length").is_some(), "{answer:?}");
    }
}
