//! Servers over https: reached only when they prove who they are.

use seawall_testkit::{
    Authority, Bridge, StartedApp, TemporaryDirectory, TestApp, Validity,
    client::{Request, websocket},
    upstream::{Kind, Upstream, pattern},
};

use crate::cli::binary::{FREE_PORTS, Place};

/// A Seawall in front of an https server that shows a certificate for `name`, and what else the test needs.
async fn behind(
    name: &str,
    validity: Validity,
    signer: &Authority,
    trusted: &Authority,
) -> (Upstream, Bridge, StartedApp) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let bridge = Bridge::tls(signer.identity(name, validity), upstream.address).await;
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("authority.pem"), trusted.pem()).unwrap();
    let app = TestApp::in_front_of(bridge.url())
        .with_config("[upstream]\nca_file = \"authority.pem\"\n")
        .in_directory(directory)
        .start()
        .await;
    (upstream, bridge, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_server_is_used_like_any_other() {
    let authority = Authority::new();
    let (upstream, bridge, app) = behind("localhost", Validity::Current, &authority, &authority).await;
    let mut connection = app.connect().await;
    for _ in 0..10 {
        connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    }
    let body = pattern(300_000);
    let posted = connection.request(&Request::post("/upload").body(body.clone())).await.expect_status(200);
    assert_eq!(posted.json()["received"], 300_000);
    assert!(connection.send("GET", "/bytes/300000", &[], b"").await.body == body);
    assert_eq!(bridge.connections_opened(), 1, "one connection carries all of them");
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");
    assert_eq!(upstream.violations(), [""; 0]);
}

/// The client is told that the application cannot be reached, the log why; the application hears nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_prove_who_it_is_gets_no_request() {
    let (known, unknown) = (Authority::new(), Authority::new());
    for (name, validity, signer, reason) in [
        ("other.test", Validity::Current, &known, "not valid for name"),
        ("localhost", Validity::Expired, &known, "expired"),
        ("localhost", Validity::Current, &unknown, "UnknownIssuer"),
    ] {
        let (upstream, bridge, app) = behind(name, validity, signer, &known).await;
        for request in [Request::get("/echo"), Request::post("/echo").body("secret")] {
            app.client().request(request).await.expect_problem(503, "upstream-unreachable");
        }
        let line = app.request_line("/echo").await;
        let error = line["error"].as_str().unwrap();
        assert!(error.contains("invalid peer certificate") && error.contains(reason), "{reason}: {error}");
        assert_eq!((upstream.connections_opened(), bridge.connections_opened()), (0, 0), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_cannot_be_read_are_told_at_start() {
    let config = "[upstream]\nurl = \"https://localhost:1\"\nca_file = \"authority.pem\"\n";
    let missing = Place::with_config(config);
    let empty = Place::with_config(config).with_file("authority.pem", "no certificate\n");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = Place::with_config(config).with_file("authority.pem", broken);
    for (place, reason) in [(missing, "No such file"), (empty, "holds no certificate"), (broken, "certificate")] {
        let said = place.seawall(&[&["run"], &FREE_PORTS[..]].concat());
        let words = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(said.code, Some(64), "{words}");
        assert!(words.contains("authority.pem cannot be used") && words.contains(reason), "{words}");
    }
}
