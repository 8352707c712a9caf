//! `seawall user`: people with a server and without one, and what a crash leaves of their sessions.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use seawall_testkit::{
    MailServer, Manner,
    client::Request,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::binary::{Place, Server};
use crate::identity::{PASSWORD, authenticator::Device, cookie};

const CONFIGURATION: &str = "[identity]\nenabled = true\n[route.\"/private/*\"]\naccess.require = \"role admin\"\n";

/// Adds somebody whose password comes from the standard input.
fn add(place: &Place, name: &str, more: &[&str], password: &str) -> (Option<i32>, String) {
    let mut command: Command = place.command(env!("CARGO_BIN_EXE_seawall"));
    command.args(["user", "add", name, "--password-stdin", "--json"]).args(more);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    (said.status.code(), String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned())
}

async fn serve(place: &Place) -> (Upstream, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server)
}

async fn sign_in(server: &Server, name: &str, password: &str) -> seawall_testkit::client::RawResponse {
    let body = json!({ "name": name, "password": password });
    server.client().post_json("/_seawall/auth/sign-in", &body).await
}

async fn status(server: &Server, cookie: &str) -> u16 {
    server.client().request(Request::get("/private/a").header("Cookie", cookie)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_kept_with_a_server_and_without() {
    let place = Place::with_config(CONFIGURATION);
    assert_eq!(place.seawall(&["user", "list"]).code, Some(69), "there is no store yet");
    let (_upstream, mut server) = serve(&place).await;
    let (code, added) = add(&place, "Ann", &["--role", "admin"], PASSWORD);
    let user: Value = serde_json::from_str(&added).unwrap_or_else(|_| panic!("{added}"));
    assert_eq!((code, &user["name"], &user["roles"]), (Some(0), &json!("Ann"), &json!(["admin"])), "{added}");
    let (code, refused) = add(&place, "ann", &[], PASSWORD);
    assert!(code == Some(69) && refused.contains("another user has this name"), "{refused}");
    let (code, refused) = add(&place, "bob", &[], "short");
    assert!(code == Some(64) && refused.contains("take at least 8"), "{refused}");

    let session = cookie(&sign_in(&server, "ann", PASSWORD).await.expect_status(200));
    assert_eq!(status(&server, &session).await, 200);
    assert!(place.seawall(&["user", "sessions", "ann"]).ok().contains("from 127.0.0.1"));
    assert!(place.seawall(&["user", "roles", "ann", "--remove", "admin"]).ok().contains("has: no role"));
    assert_eq!(status(&server, &session).await, 403);
    assert_eq!(place.seawall(&["user", "sign-out", "Ann"]).ok(), "1 session ended\n");
    assert_eq!(status(&server, &session).await, 401);
    assert_eq!(server.terminate(), Some(0));

    // Nobody has the store now, so the command opens it itself.
    assert!(place.seawall(&["user", "disable", "ann"]).ok().contains("kept out"));
    let made: Value =
        serde_json::from_str(&place.seawall(&["user", "add", "bob", "--random-password", "--json"]).ok()).unwrap();
    let listed = place.seawall(&["user", "list"]).ok();
    assert!(listed.lines().count() == 2 && listed.contains("never signed in"), "{listed}");
    assert_eq!(place.seawall(&["user", "enable", "nobody"]).code, Some(69));
    let (_upstream, mut server) = serve(&place).await;
    sign_in(&server, "ann", PASSWORD).await.expect_status(401);
    sign_in(&server, "bob", made["password"].as_str().unwrap()).await.expect_status(200);
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_session_that_was_acknowledged_and_brings_back_none_that_ended() {
    let place = Place::with_config(&CONFIGURATION.replace("enabled = true", "enabled = true\nsign_in_limits = []"));
    let (upstream, mut server) = serve(&place).await;
    add(&place, "ann", &["--role", "admin"], PASSWORD);
    for _ in 0..3 {
        let kept = cookie(&sign_in(&server, "ann", PASSWORD).await.expect_status(200));
        let ended = cookie(&sign_in(&server, "ann", PASSWORD).await.expect_status(200));
        let out = Request::post("/_seawall/auth/sign-out").header("Cookie", &*ended);
        server.client().request(out).await.expect_status(204);
        server.child.signal("KILL");
        server.child.ended();
        server = place.serve(&["run", "--to", &upstream.url()]);
        assert_eq!((status(&server, &kept).await, status(&server, &ended).await), (200, 401));
    }
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_9_keys_are_made_rotated_and_taken_back_with_a_server_and_without_and_logged_by_ten_characters() {
    let configuration = CONFIGURATION.replace("enabled = true", "enabled = true\nscopes = [\"orders:read\"]")
        + "[route.\"/orders/*\"]\naccess.require = \"scope orders:read\"\n";
    let place = Place::with_config(&configuration);
    let (_upstream, mut server) = serve(&place).await;
    add(&place, "Ann", &[], PASSWORD);
    let json = |said: String| serde_json::from_str::<Value>(&said).unwrap_or_else(|_| panic!("{said}"));
    let made = json(
        place
            .seawall(&[
                "key",
                "add",
                "ann",
                "--label",
                "nightly",
                "--scope",
                "orders:read",
                "--rate",
                "100/min",
                "--json",
            ])
            .ok(),
    );
    let (key, id) = (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned());
    let asked = async |server: &Server, key: &str| {
        server.client().request(Request::get("/orders/1").header("X-API-Key", key)).await.status
    };
    assert_eq!(asked(&server, &key).await, 200);
    let refused = place.seawall(&["key", "add", "ann", "--label", "x", "--scope", "orders:red"]).refused(64);
    assert!(refused.contains("did you mean \"orders:read\"?"), "{refused}");
    let listed = place.seawall(&["key", "list"]).ok();
    assert!(listed.contains(&id) && listed.contains("nightly") && !listed.contains(&key), "{listed}");
    let successor = json(place.seawall(&["key", "rotate", &id, "--overlap", "1h", "--json"]).ok());
    assert_eq!(asked(&server, successor["key"].as_str().unwrap()).await, 200);
    assert!(place.seawall(&["key", "revoke", &id]).ok().contains("revoked"));
    assert_eq!(asked(&server, &key).await, 401);
    server.logged(&format!("\"start\":\"{}\"", &key[..10]));
    assert_eq!(server.terminate(), Some(0));

    // Nobody has the store now, so the command opens it itself.
    assert_eq!(place.seawall(&["key", "list", "--user", "ann"]).ok().lines().count(), 2);
    place.seawall(&["key", "revoke", successor["id"].as_str().unwrap()]).ok();
    let shown = place.seawall(&["key", "add", "ann", "--label", "by hand"]).ok();
    assert!(shown.contains("key: sw_test_") && shown.contains("shown this once"), "{shown}");
    assert_eq!(place.seawall(&["key", "rotate", "00000000"]).code, Some(69));
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(asked(&server, successor["key"].as_str().unwrap()).await, 401);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn sessions_do_not_travel_in_clear_outside_development() {
    let place = Place::with_config("environment = \"production\"\n[identity]\nenabled = true\n");
    let said = place.seawall(&["run", "--to", "http://127.0.0.1:1"]).refused(64);
    assert!(said.contains("[identity]") || said.contains("origins") || said.contains("token"), "{said}");
    let place = Place::with_config("environment = \"staging\"\n[identity]\nenabled = true\n");
    let said = place.seawall(&["check"]).refused(64);
    assert!(
        said.contains("nothing says that their connections are encrypted") && said.contains("[tls.NAME]"),
        "{said}"
    );
    let place = Place::with_config("[route.\"/a\"]\naccess.require = \"user\"\n");
    let said = place.seawall(&["check"]).refused(64);
    assert!(said.contains("enabled = true"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_people_a_token_makes_the_first_administrator_and_operators_help_who_is_locked_out() {
    let place = Place::with_config(CONFIGURATION);
    let (_upstream, mut server) = serve(&place).await;
    let said = server.logged_line("makes the first administrator");
    let token: String =
        said.split("token").nth(1).unwrap().chars().skip_while(|sign| !token_sign(*sign)).take(43).collect();
    assert!(token.chars().all(token_sign), "{said}");
    let first = json!({ "token": token, "name": "Ann", "password": PASSWORD });
    let made = server.client().post_json("/_seawall/auth/first", &first).await.expect_status(201);
    assert_eq!(made.json()["user"]["roles"], json!(["admin"]));
    server.client().post_json("/_seawall/auth/first", &first).await.expect_problem(403, "reset-refused");

    let offer: Value = serde_json::from_str(&place.seawall(&["user", "reset", "ann", "--json"]).ok()).unwrap();
    let chosen = json!({ "token": offer["token"], "password": "a rather different one" });
    server.client().post_json("/_seawall/auth/reset", &chosen).await.expect_status(204);
    sign_in(&server, "ann", "a rather different one").await.expect_status(200);
    assert_eq!(place.seawall(&["user", "factors", "ann"]).ok(), "no second factor\n");
    assert_eq!(place.seawall(&["user", "factors", "ann", "--remove"]).code, Some(69));
    assert_eq!(place.seawall(&["user", "links", "ann"]).ok(), "no account elsewhere\n");
    assert_eq!(place.seawall(&["user", "links", "ann", "--remove-all"]).ok(), "0 accounts taken away\n");
    let unknown = place.seawall(&["user", "links", "ann", "--remove", "0123456789abcdef"]).refused(69);
    assert!(unknown.contains("there is no linked account 0123456789abcdef"), "{unknown}");
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(place.seawall(&["user", "links", "ann", "--remove-all", "--json"]).ok(), "{\"removed\":0}\n");
    assert_ne!(place.seawall(&["user", "delete", "ann"]).code, Some(0), "it wants --yes");
    assert!(place.seawall(&["user", "delete", "ann", "--yes"]).ok().starts_with("deleted: "));
    assert_eq!(place.seawall(&["user", "list"]).ok(), "");
}

fn token_sign(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_')
}

/// Somebody makes a passkey; answers its id and the session.
async fn add_passkey(server: &Server, session: &str, device: &mut Device) -> (String, String) {
    let ask = async |path: &str, cookie: &str, body: Value| {
        let path = format!("/_seawall/auth/passkeys/{path}");
        server.client().request(Request::post(path).header("Cookie", cookie).json(&body)).await
    };
    let begun = ask("register/options", session, json!({})).await.expect_status(200);
    let kept = format!("{session}; {}", cookie(&begun));
    let credential = device.make(&begun.json());
    let added = ask("register", &kept, json!({ "credential": credential, "name": "Phone" })).await.expect_status(201);
    (added.json()["passkey"]["id"].as_str().unwrap().to_owned(), cookie(&added))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_removed_with_a_server_and_without_and_its_sessions_end() {
    const ORIGIN: &str = "https://app.example";
    let configuration =
        CONFIGURATION.replace("enabled = true", &format!("enabled = true\nsign_in_limits = []\nurl = \"{ORIGIN}\""));
    let place = Place::with_config(&configuration);
    let (upstream, mut server) = serve(&place).await;
    add(&place, "Ann", &["--role", "admin"], PASSWORD);
    let session = cookie(&sign_in(&server, "ann", PASSWORD).await.expect_status(200));
    let (first, session) = add_passkey(&server, &session, &mut Device::new(ORIGIN, b"one")).await;
    let (second, session) = add_passkey(&server, &session, &mut Device::new(ORIGIN, b"two")).await;
    let shown = place.seawall(&["user", "factors", "ann"]).ok();
    assert!(shown.starts_with("no authenticator app, 10 recovery codes left\n"), "{shown}");
    for id in [&first, &second] {
        assert!(shown.contains(&format!("passkey {id}: \"Phone\", since ")), "{shown}");
    }
    assert_eq!(place.seawall(&["user", "factors", "ann", "--remove-passkey", "none"]).code, Some(69));
    let both = place.seawall(&["user", "factors", "ann", "--remove", "--remove-passkey", &first]);
    assert_eq!(both.code, Some(64), "one or all");
    assert_eq!(status(&server, &session).await, 200);
    let left = place.seawall(&["user", "factors", "ann", "--remove-passkey", &first, "--json"]).ok();
    let left: Value = serde_json::from_str(&left).unwrap_or_else(|_| panic!("{left}"));
    let ids: Vec<&Value> = left["passkeys"].as_array().unwrap().iter().map(|passkey| &passkey["id"]).collect();
    assert_eq!(ids, [&json!(second)], "{left}");
    assert_eq!(status(&server, &session).await, 401);
    sign_in(&server, "ann", PASSWORD).await.expect_status(202);
    assert_eq!(server.terminate(), Some(0));

    // Nobody has the store now, so the command opens it itself.
    assert_eq!(place.seawall(&["user", "factors", "ann", "--remove-passkey", &second]).ok(), "no second factor\n");
    let log = place.seawall(&["audit-log", "tail", "--json"]).ok();
    let removed = log.lines().filter(|line| line.contains("user.factor_removed")).count();
    assert_eq!(removed, 2, "{log}");
    let mut server = place.serve(&["run", "--to", &upstream.url()]);
    sign_in(&server, "ann", PASSWORD).await.expect_status(200);
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_letter_and_a_link_is_logged_where_no_mail_server_is_named() {
    let mail = MailServer::start(Manner::Busy).await;
    let named = format!("{CONFIGURATION}[mail]\nurl = \"{}\"\nfrom = \"no-reply@app.example\"\n", mail.url());
    let place = Place::with_config(&named);
    let (upstream, mut server) = serve(&place).await;
    add(&place, "ann", &["--email", "ann@example.org"], PASSWORD);
    let forgot = json!({ "name": "ann" });
    server.client().post_json("/_seawall/auth/forgot", &forgot).await.expect_status(202);
    // Its first attempt has failed, and it waits for the next.
    let failed = "seawall_outbox_deliveries_total{topic=\"mail\",outcome=\"failed\"} 1";
    let tried = async {
        while !server.admin_client().get("/metrics").await.text().contains(failed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), tried).await.expect("the letter is not tried");
    server.child.signal("KILL");
    server.child.ended();
    mail.behave(Manner::Takes);
    let mut server = place.serve(&["run", "--to", &upstream.url()]);
    assert_eq!(mail.until_letters_within(1, Duration::from_secs(90)).await[0].to, ["ann@example.org"]);
    assert!(place.seawall(&["mail", "test", "x@example.org"]).ok().contains("took a letter to x@example.org"));
    assert_eq!(server.terminate(), Some(0));
    assert!(place.seawall(&["mail", "test", "x@example.org"]).ok().contains("took a letter to x@example.org"));
    assert_eq!(place.seawall(&["mail", "dead"]).ok(), "no letter was set aside\n");

    let place = Place::with_config(CONFIGURATION);
    let (_upstream, mut server) = serve(&place).await;
    add(&place, "ann", &[], PASSWORD);
    assert!(place.seawall(&["mail", "test", "x@example.org"]).refused(69).contains("set `url` and `from` in [mail]"));
    place.seawall(&["user", "email", "ann", "ann@example.org"]).ok();
    server.client().post_json("/_seawall/auth/forgot", &forgot).await.expect_status(202);
    server.logged("/_seawall/auth/reset#");
    assert_eq!(server.terminate(), Some(0));
}
