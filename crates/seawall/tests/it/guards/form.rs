//! Forms: nothing of one reaches the application before all of it was seen, however it comes.

use seawall_testkit::{client::Request, in_front};

/// What is sent of an upload that is larger than the memory for bodies.
const LARGE_BYTES: usize = 3_000_000;

const PAIRS: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=----b";

fn sent(kind: &str, body: &[u8]) -> [Request; 2] {
    let request = || Request::post("/echo").header("Content-Type", kind);
    [request().body(body), request().chunked(body.chunks(7))]
}

/// A form with one file of this head and content.
fn file(head: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("------b\r\nContent-Disposition: form-data; name=\"f\"; {head}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n------b--\r\n"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_sound_forms_arrive_byte_for_byte_and_the_rest_is_refused_before_the_application_hears_of_it() {
    let config = "[route.\"/echo\"]\nform.types = [\"image/png\", \"text/plain\"]\nform.max_file = \"50 B\"\n";
    let (upstream, app) = in_front(config).await;
    let picture = file("filename=\"a.txt\"\r\nContent-Type: text/plain", b"caf\xc3\xa9\r\n------a");
    for (kind, sound) in [(PAIRS, &b"name=Ann&tags[]=1&tags[]=%32&note=a+b"[..]), (PARTS, &picture)] {
        for request in sent(kind, sound) {
            let seen = app.client().request(request).await.expect_status(200).json();
            assert_eq!(seen["body"].as_str().unwrap().as_bytes(), sound);
        }
    }

    let before = upstream.requests().len();
    let many = "a&".repeat(101);
    let long = format!("a={}", "x".repeat(10_001));
    let deep = format!("a{}=1", "[b]".repeat(11));
    for (kind, unsound, status, slug) in [
        (PAIRS, many.as_bytes().to_vec(), 400, "unsound-form"),
        (PAIRS, long.into_bytes(), 400, "unsound-form"),
        (PAIRS, deep.into_bytes(), 400, "unsound-form"),
        (PAIRS, b"secret=%00".to_vec(), 400, "unsound-form"),
        (PAIRS, b"secret=%ff".to_vec(), 400, "unsound-form"),
        (PAIRS, b"secret=%4".to_vec(), 400, "unsound-form"),
        (PARTS, b"preamble\r\n------b--".to_vec(), 400, "unsound-form"),
        (PARTS, b"------b\r\nContent-Disposition: form-data; name=secret\r\n\r\n1".to_vec(), 400, "unsound-form"),
        (PARTS, file("filename=\"../../secret\"", b"1"), 400, "unsound-form"),
        (PARTS, file("filename=a.png; filename=secret.php", b"1"), 400, "unsound-form"),
        (PARTS, file("filename=secret.png\r\nContent-Type: image/png", b"<?php"), 415, "file-type-refused"),
        (PARTS, file("filename=secret.gif", b"GIF89a"), 415, "file-type-refused"),
        (PARTS, file("filename=secret.txt", &[b'x'; 51]), 413, "file-too-large"),
        ("multipart/form-data", b"secret".to_vec(), 400, "unsound-form"),
    ] {
        for request in sent(kind, &unsound) {
            let problem = app.client().request(request).await.expect_problem(status, slug);
            assert!(!problem.to_string().contains("secret"), "{problem}");
        }
    }
    assert_eq!(upstream.requests().len(), before, "the application heard of none");
    assert_eq!(upstream.violations(), [""; 0]);
}

/// As documented in `docs/guide/bodies.md`: it is refused as soon as there is no room, whether or not the client says how long it is, and
/// nobody waits for the rest. A route that lets it stream takes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_beyond_the_memory_for_bodies_is_refused_with_a_reason_and_streams_where_the_route_says_so() {
    let config = "[server]\nbody_memory = \"1 MB\"\n[route.\"/upload\"]\nform.mode = \"off\"\n";
    let (upstream, app) = in_front(config).await;
    let form = file("filename=\"video\"", &vec![b'x'; LARGE_BYTES]);
    let sent = |path: &str| Request::post(path).header("Content-Type", PARTS);
    for request in [sent("/echo").body(form.clone()), sent("/echo").chunked(form.chunks(60_000))] {
        let refused = app.client().request(request).await;
        let problem = refused.expect_problem(503, "bodies-full");
        assert_eq!((refused.header("retry-after"), problem["retryable"].as_bool()), (Some("1"), Some(true)));
    }
    // It says that it sends all of this, and stops at the place where it is refused.
    let mut stops = app.connect().await;
    let head =
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: {PARTS}\r\nContent-Length: {}\r\n\r\n", form.len());
    stops.write(head).await;
    stops.write(&form[..1_100_000]).await;
    stops.read_response("POST").await.expect_problem(503, "bodies-full");
    assert_eq!(upstream.requests().len(), 0, "the application heard of none");
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;

    let streamed = app.client().request(sent("/upload").body(form.clone())).await.expect_status(200).json();
    assert_eq!(streamed["received"], form.len());
    assert_eq!(app.metric("seawall_bodies_held_bytes", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_every_form_passes_as_it_came_and_is_told() {
    let (upstream, app) = in_front("[form]\nmode = \"report\"\n").await;
    let unsound = b"a=%zz&rest=1";
    for request in sent(PAIRS, unsound) {
        let seen = app.client().request(request).await.expect_status(200).json();
        assert_eq!(seen["body"].as_str().unwrap().as_bytes(), unsound);
    }
    assert_eq!(app.metric("seawall_guard_decisions", &["form", "*", "reported"]), 2.0);
    assert_eq!(upstream.requests().len(), 2);
}
