//! Active checks, and what health tells of several servers.

use std::time::Duration;

use seawall_testkit::{
    TestApp,
    upstream::{Kind, Upstream},
};
use tokio::time::Instant;

use super::scripted::Scripted;
use crate::cli::binary::Place;

const UP: &str = "seawall_upstream_up";

fn checked(path: &str) -> String {
    format!("[upstream]\ncheck_path = \"{path}\"\ncheck_interval = \"100ms\"\ncheck_timeout = \"300ms\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_of_each_server_which_of_them_works() {
    let (works, mut gone) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    gone.stop().await;
    let config = "[upstream]\ncheck_interval = \"100ms\"\n";
    let app = TestApp::in_front_of_servers([works.url(), gone.url()]).with_config(config).start().await;
    app.until_metric(UP, &[&gone.url()], 0.0).await;
    let health = app.admin_client().get("/health").await.expect_status(200).json();
    let check = &health["checks"]["upstream"];
    assert_eq!((&health["status"], &check["status"]), (&"ok".into(), &"ok".into()), "one server is enough: {health}");
    let server = |url: String, up: bool| serde_json::json!({ "address": url, "breaker": "closed", "up": up, "requests": 0, "connections": 0 });
    assert_eq!(check["servers"], serde_json::json!([server(works.url(), true), server(gone.url(), false)]));
    for _ in 0..6 {
        app.client().get("/echo").await.expect_status(200);
    }
    let strangers = app.client().get("/_seawall/health/ready").await.expect_status(200).text();
    assert!(!strangers.contains("127.0.0.1"), "{strangers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_takes_a_redirect_for_yes_and_everything_odd_for_no() {
    let redirects = Upstream::start(Kind::always("/status/302?Location=/login")).await;
    let silent = Upstream::start(Kind::NeverReads).await;
    let late = Upstream::start(Kind::always("/never")).await;
    let garbage = Upstream::start(Kind::always("/bad-head")).await;
    let resets = Upstream::start(Kind::ResetsOnAccept).await;
    let missing = Upstream::start(Kind::always("/status/404")).await;
    let floods = Scripted::start(async |mut peer| {
        peer.head().await;
        while peer.write(b"HTTP/1.1 100 Continue\r\n\r\n").await {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    })
    .await;
    let bad = [silent.url(), late.url(), garbage.url(), resets.url(), missing.url(), floods.url()];
    let app = TestApp::in_front_of_servers([vec![redirects.url()], bad.to_vec()].concat())
        .with_config(&checked("/health"))
        .start()
        .await;
    for url in &bad {
        app.until_metric(UP, &[url], 0.0).await;
    }
    assert!((app.metric(UP, &[&redirects.url()]) - 1.0).abs() < f64::EPSILON);
    assert_eq!(redirects.requests()[0].target, "/health");
    app.client().get("/").await.expect_status(302);
}

/// One server that accepts and says nothing is looked at for as long as a check may take; the others not less often for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_holds_up_no_check_of_another() {
    let (hangs, fails) = (Upstream::start(Kind::NeverReads).await, Upstream::start(Kind::ByPath).await);
    let config = "[upstream]\ncheck_path = \"/echo\"\ncheck_interval = \"100ms\"\ncheck_timeout = \"4s\"\n";
    let app = TestApp::in_front_of_servers([hangs.url(), fails.url()]).with_config(config).start().await;
    hangs.until("its first check", |hangs| hangs.connections_opened() > 0).await;
    fails.become_kind(Kind::always("/status/500"));
    let began = Instant::now();
    app.until_metric(UP, &[&fails.url()], 0.0).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// The lines that the guide tells operators to look for.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_what_becomes_of_a_server() {
    let (fails, mut goes) = (Upstream::start(Kind::always("/close")).await, Upstream::start(Kind::ByPath).await);
    let config = format!(
        "[upstream]\nservers = [\"{}\", \"{}\"]\ncheck_interval = \"100ms\"\nbreaker_open = \"100ms\"\n[retry]\nattempts = 1\n",
        fails.url(),
        goes.url()
    );
    let place = Place::with_config(&config);
    let server = tokio::task::block_in_place(|| place.serve(&["run"]));
    let said = |url: String, message: &str| {
        let wanted = |line: &serde_json::Value| line["msg"] == message && line["server.address"] == url.as_str();
        let find = |said: &str| said.lines().filter_map(|line| serde_json::from_str(line).ok()).find(wanted);
        tokio::task::block_in_place(|| server.child.said(message, find))
    };
    goes.stop().await;
    let line = said(goes.url(), "a server of the upstream fails its checks");
    assert!(
        line["level"] == "error" && line["error"].as_str().is_some_and(|error| error.contains("refused")),
        "{line}"
    );
    for _ in 0..5 {
        server.client().get("/").await.expect_status(502);
    }
    let line = said(fails.url(), "a server of the upstream fails; it gets no requests for a while");
    assert_eq!(line["level"], "error");
    fails.become_kind(Kind::ByPath);
    tokio::time::sleep(Duration::from_millis(120)).await;
    for _ in 0..2 {
        server.client().get("/").await.expect_status(200);
    }
    said(fails.url(), "a failing server is tried again");
    said(fails.url(), "a failing server is well again");
    goes.restart_on_same_port().await;
    said(goes.url(), "a server of the upstream passes its checks again");
}
