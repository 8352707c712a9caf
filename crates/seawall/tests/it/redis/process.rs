//! What a real process says of Redis: at the start, in its log, and to whoever checks its configuration.

use std::{fs, net::TcpListener};

use seawall_testkit::{
    RedisServer,
    client::Request,
    tls::Authority,
    upstream::{Kind, Upstream},
};

use tokio::time::timeout;

use super::PATIENT;
use crate::cli::binary::Place;

fn place(url: &str) -> Place {
    Place::with_config(&format!("[store]\nredis = \"{url}\"\nredis_timeout = \"3s\"\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_the_log_says_once_when_redis_is_lost_and_once_when_it_is_back() {
    let (redis, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let place = place(&redis.url());
    let server = place.serve(&["run", "--to", &upstream.url()]);
    redis.stop();
    for _ in 0..12 {
        server.client().get("/hello").await.expect_status(200);
    }
    server.logged("shared counters do not answer");
    redis.start_again();
    server.logged("shared counters answer again");
    let log = server.child.out();
    assert_eq!(log.matches("shared counters do not answer").count(), 1, "{log}");
    assert_eq!(log.matches("shared counters answer again").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_whether_messages_reach_other_nodes() {
    let (redis, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let place = place(&redis.url());
    let server = place.serve(&["run", "--to", &upstream.url()]);
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap();
    let messages = async || {
        let request = Request::get("/api/store").header("Authorization", format!("Bearer {}", token.trim()));
        server.admin_client().request(request).await.expect_status(200).json()["messages"].clone()
    };
    let until = async |connected: bool| loop {
        let told = messages().await;
        if told["connected"] == connected {
            return told;
        }
        tokio::task::yield_now().await;
    };
    let told = timeout(PATIENT, until(true)).await.expect("it connects");
    assert_eq!((&told["carrier"], &told["fault"]), (&"redis".into(), &serde_json::Value::Null), "{told}");
    redis.stop();
    let told = timeout(PATIENT, until(false)).await.expect("it is noticed");
    assert!(told["fault"].as_str().is_some_and(|fault| fault.contains("redis")), "{told}");
    server.logged("messages to and from other processes are lost");
    redis.start_again();
    server.logged("messages reach other processes again");
    timeout(PATIENT, until(true)).await.expect("it connects again");
}

#[test]
fn a_wrong_password_is_told_at_the_start() {
    let redis = RedisServer::start_with(&["--requirepass", "r1ght"]);
    let said = place(&format!("{}?pass=wr0ng", redis.url())).seawall(&["run", "--to", "http://127.0.0.1:9"]);
    assert_eq!(said.code, Some(69), "{said:?}");
    for part in
        ["shared counters cannot be used", "refuses what Seawall needs", "user and password in `redis` in [store]"]
    {
        assert!(said.err.contains(part), "no {part:?} in {said:?}");
    }
    assert!(!said.err.contains("wr0ng"), "{said:?}");
}

#[test]
fn a_wrong_url_is_told_by_check_without_its_password() {
    for url in ["http://:s3cret@localhost", "redis://", "rediss://:s3cret@host/#insecure"] {
        let said = place(url).seawall(&["check"]);
        assert!(said.code != Some(0) && !format!("{said:?}").contains("s3cret"), "{said:?}");
        assert!(said.err.contains("redis"), "{said:?}");
    }
}

/// A Redis that speaks TLS only, with a certificate for `localhost`; where it listens, and its authority.
fn encrypted(place: &Place) -> (RedisServer, String, Authority) {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"]);
    let path = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key, ca) =
        (path("redis.crt", &issued.certificate), path("redis.key", &issued.key), path("ca.crt", authority.pem()));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let options = [&["--tls-port", &port, "--tls-auth-clients", "no", "--bind", "127.0.0.1"][..], &files].concat();
    (RedisServer::start_with(&options), format!("rediss://localhost:{port}"), authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_systems_certificates_decide() {
    let upstream = Upstream::start(Kind::ByPath).await;
    for trusted in [true, false] {
        let place = Place::new();
        let (_redis, url, authority) = encrypted(&place);
        let other = Authority::new();
        let bundle = if trusted { authority.pem() } else { other.pem() };
        let place = place
            .with_file("bundle.pem", bundle)
            .with_file("seawall.toml", &format!("[store]\nredis = \"{url}\"\nredis_timeout = \"3s\"\n"));
        let bundle = place.path().join("bundle.pem").display().to_string();
        let place = place.with_variable("SSL_CERT_FILE", bundle);
        let server = place.serve(&["run", "--to", &upstream.url()]);
        let health = server.admin_client().get("/health").await.json();
        let told = &health["checks"]["redis"];
        assert_eq!(told["status"] == "ok", trusted, "{health}");
        assert!(trusted || told["error"].as_str().is_some_and(|error| error.contains("certificate")), "{health}");
    }
}
