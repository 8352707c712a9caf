//! Reload: another configuration takes over while the server serves, whole or not at all, and nobody notices but by what it says.

mod load;
mod process;
mod state;

use seawall::app::catalogue;
use seawall_testkit::{
    StartedApp, TestApp,
    client::{RawResponse, Request, websocket},
    in_front,
    upstream::{Kind, Upstream},
};

/// Asks the admin interface as an operator.
async fn admin(app: &StartedApp, method: &str, path: &str) -> RawResponse {
    let bearer = format!("Bearer {}", app.admin_token());
    app.admin_client().request(Request::new(method, path).header("Authorization", bearer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_come_and_go() {
    let (_upstream, app) = in_front("[route.\"/echo\"]\nbody.max = \"1 B\"\n").await;
    let client = app.client();
    let upload = |path| client.request(Request::post(path).body("four"));
    upload("/echo").await.expect_problem(413, "request-too-large");
    upload("/upload").await.expect_status(200);
    let difference = app.reload_with("[route.\"POST /upload\"]\nbody.max = \"1 B\"\n").await;
    let keys: Vec<_> = difference.changed.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["route.\"POST /upload\".body.max", "route.\"/echo\".body.max"]);
    upload("/echo").await.expect_status(200);
    upload("/upload").await.expect_problem(413, "request-too-large");
    let line = app.log_line("its new route", |line| line["http.route"] == "POST /upload").await;
    assert_eq!(line["http.status"], 413);
    assert_eq!(app.metric("seawall_reloads", &["applied"]), 1.0);
    assert!(app.metric("seawall_reload_applied_timestamp_seconds", &[]) > 1_700_000_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_mistakes_changes_nothing_and_says_why() {
    let (_upstream, app) = in_front("[body]\nmax = \"1 B\"\n").await;
    for (toml, part) in [
        ("[body]\nmax = \"1 GB\"\nmix = 1\n[rate_limt]\n", "rate_limt"),
        ("[body]\nmax = \"1 GB\"\n[server]\nprefix = \"/{x}\"\n", "not one plain path"),
        ("[body]\nmax = \"1 GB\"\n[app]\ncommand = [\"true\"]\n", "an application is named twice"),
        ("[body]\nmax = \"1 GB\"\n[health]\nlive_paths = [\"/_seawall/live\"]\n", "one of Seawall's own already"),
        ("[body]\nmax = \"1 GB\"\n[admin]\ntoken_file = \"missing\"\n", "missing"),
    ] {
        app.write_config(toml);
        let refusal = app.reload().await.unwrap_err();
        assert!(refusal.of_configuration() && refusal.text().contains(part), "{part}: {}", refusal.text());
        let problem = admin(&app, "POST", "/api/reload").await.expect_problem(422, "configuration-refused");
        assert!(problem["text"].as_str().is_some_and(|text| text.contains(part)), "{problem}");
        assert!(problem["diagnostics"][0]["message"].is_string(), "{problem}");
        admin(&app, "GET", "/api/diff").await.expect_problem(422, "configuration-refused");
        app.client().request(Request::post("/upload").body("four")).await.expect_problem(413, "request-too-large");
        assert!(admin(&app, "GET", "/api/config").await.text().contains("max = \"1 B\""));
    }
    app.write_config("[body]\nmax = \"1 GB\"\nmix = 1\n[rate_limt]\n");
    let (first, mistakes) = app.reload().await.unwrap_err().first();
    assert!(first.starts_with("seawall.toml:3: ") && mistakes == 2, "{first} {mistakes}");
    assert_eq!(app.metric("seawall_reloads", &["refused"]), 11.0);
    assert_eq!(app.metric("seawall_reloads", &["applied"]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named_and_all_else_taken_over() {
    let (_upstream, app) = in_front("").await;
    let toml = "environment = \"staging\"\ndata = \"elsewhere\"\n[body]\nmax = \"1 B\"\n[rate_limit]\ncapacity = 2048\n[tracing]\n";
    app.write_config(toml);
    let told = admin(&app, "GET", "/api/diff").await.expect_status(200).json();
    let done = admin(&app, "POST", "/api/reload").await.expect_status(200).json();
    assert_eq!(told, done, "it is told beforehand");
    assert_eq!(
        done["changed"],
        serde_json::json!([{ "key": "body.max", "kind": "changed", "old": "\"10 MB\"", "new": "\"1 B\"" }])
    );
    let keys: Vec<_> = done["needs_restart"].as_array().unwrap().iter().map(|change| change["key"].clone()).collect();
    assert_eq!(keys, ["environment", "data", "rate_limit.capacity"]);
    let shown = admin(&app, "GET", "/api/config").await.text();
    assert!(shown.contains("max = \"1 B\"") && shown.contains("# capacity = 32768  # default"), "{shown}");
    assert_eq!(admin(&app, "GET", "/api/status").await.json()["environment"], "development");
    let again = app.reload().await.unwrap();
    assert_eq!((again.changed.len(), again.restart_keys().as_str()), (0, "environment, data, rate_limit.capacity"));
    assert!(app.reload_with("[body]\nmax = \"1 B\"\n").await.nothing(), "undone, nothing is left to restart for");
}

/// Production is left by a restart only, so what production demands holds until then.
#[tokio::test(flavor = "multi_thread")]
async fn the_demands_of_the_environment_that_runs_hold_on() {
    let toml = "environment = \"production\"\n[cors]\norigins = [\"https://app.example.com\"]\n";
    let (_upstream, app) = in_front(toml).await;
    app.write_config("[admin]\ntoken = \"only sixteen bytes\"\n");
    let text = app.reload().await.unwrap_err().text();
    assert!(text.contains("production wants at least 32"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_changes_is_hidden() {
    let (_upstream, app) = in_front("").await;
    app.write_config("[admin]\ntoken = \"0123456789abcdef0123456789abcdef\"\n");
    let told = admin(&app, "GET", "/api/diff").await.expect_status(200);
    assert_eq!(told.json()["needs_restart"][0]["new"], "(hidden)", "{}", told.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_follows_the_other_and_none_comes_at_the_end() {
    let (_upstream, mut app) = in_front("[server]\ndrain_delay = \"1s\"\n").await;
    app.write_config("[server]\ndrain_delay = \"1s\"\nidle_timeout = \"5s\"\n");
    let reloads = (0..8).map(|_| admin(&app, "POST", "/api/reload"));
    let mut changes = 0;
    for answer in futures(reloads).await {
        changes += answer.expect_status(200).json()["changed"].as_array().unwrap().len();
    }
    assert_eq!(changes, 1, "only the first found something to change");
    assert_eq!(app.metric("seawall_reloads", &["applied"]), 8.0);
    app.drain().await;
    admin(&app, "POST", "/api/reload").await.expect_problem(409, "reload-not-possible");
    app.ended_within(std::time::Duration::from_secs(10)).await;
}

/// All of them at once.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Every key is one of the two, and this is the list that a new key is added to with thought: what is not on it must be read
/// again by a reload.
#[test]
fn the_keys_that_need_a_restart() {
    let keys = catalogue::schema().sections.into_iter().flat_map(|section| {
        let fields = section.fields.iter().chain(section.entries.unwrap_or_default());
        fields
            .filter(|field| !field.reloadable)
            .map(|field| format!("{}.{}", section.name, field.key).trim_start_matches('.').to_owned())
    });
    insta::assert_snapshot!(keys.collect::<Vec<_>>().join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_was_open_before_stays_open() {
    let (_upstream, app) = in_front("").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    for round in 0..20 {
        app.reload_with(&format!("[route.\"/ws\"]\nbody.max = \"{} B\"\n", round + 1)).await;
        socket.send_text(format!("round {round}")).await;
        assert_eq!(socket.receive_text().await, format!("round {round}"));
    }
    app.reload_with("[strict_http]\nhosts = [\"no.such.host\"]\n").await;
    socket.send_text("still").await;
    assert_eq!(socket.receive_text().await, "still");
    app.client().get("/echo").await.expect_problem(400, "invalid-host");
    assert_eq!(app.metric("seawall_sockets", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_to_other_servers_and_those_in_flight_finish() {
    let (first, second) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let url = |upstream: &Upstream| format!("[upstream]\nurl = \"{}\"\n", upstream.url());
    let app = TestApp::in_front_of_servers([]).with_config(&url(&first)).start().await;
    let mut kept = app.connect().await;
    kept.send("GET", "/echo", &[], b"").await.expect_status(200);
    let mut slow = app.connect().await;
    slow.write(Request::get("/slow/400").encode("a")).await;
    first.until("the slow request", |upstream| upstream.requests().len() == 2).await;
    app.reload_with(&url(&second)).await;
    kept.send("GET", "/echo", &[], b"").await.expect_status(200);
    slow.read_response("GET").await.expect_status(200);
    slow.send("GET", "/echo", &[], b"").await.expect_status(200);
    assert_eq!((first.requests().len(), second.requests().len()), (2, 2), "on the connections there were");
}

/// The first https:// server comes with a reload: it is spoken to encrypted or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_server_is_never_spoken_to_in_clear() {
    let (first, second) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let app = TestApp::in_front_of_servers([]);
    let app = app.with_config(&format!("[upstream]\nurl = \"{}\"\n", first.url())).start().await;
    app.client().get("/echo").await.expect_status(200);
    app.write_config(&format!("[upstream]\nurl = \"{}\"\n", second.url().replace("http://", "https://")));
    match app.reload().await {
        Ok(_) => assert!(app.client().get("/echo").await.status >= 500),
        // A machine without certificates cannot verify anybody.
        Err(refusal) => assert!(refusal.of_configuration() && app.client().get("/echo").await.status == 200),
    }
    assert_eq!(second.requests().len(), 0);
}
