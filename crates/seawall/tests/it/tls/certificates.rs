//! Which certificate is shown, how changed ones are taken over, and whose own certificates are asked for.

use std::{fs, time::Duration};

use seawall_testkit::{
    client::{RawClient, Request},
    tls::{Authority, Issued, TLS12, TLS13, Tunnel},
};

use super::{Encrypted, get};

const SEVERAL: &str = "
[tls.wild]
certificate = \"wild.pem\"
key = \"wild.key\"

[tls.other]
certificate = \"other.pem\"
key = \"other.key\"
";

/// Asks for a host and tells whether this certificate was shown; a name that is not in it fails at the client.
async fn shows(server: &Encrypted, host: &str, certificate: &Issued) -> bool {
    let tunnel = server.authority.clients().tunnel(server.app.public(), host).await;
    get(tunnel.address(), "/echo").await.expect_status(200);
    tunnel.last().certificate_is(certificate)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_a_client_asks_for_chooses() {
    let issued = std::cell::RefCell::new(Vec::new());
    let server = Encrypted::start_with(SEVERAL, |authority, directory| {
        for (entry, names) in [("wild", &["*.example.org"][..]), ("other", &["other.example", "www.example.org"])] {
            let certificate = authority.issue(names);
            certificate.write(directory, entry);
            issued.borrow_mut().push(certificate);
        }
    })
    .await;
    let issued = issued.into_inner();
    assert!(shows(&server, "example.com", &server.certificate).await);
    assert!(shows(&server, "api.example.org", &issued[0]).await);
    assert!(shows(&server, "OTHER.example", &issued[1]).await);
    assert!(shows(&server, "www.example.org", &issued[1]).await, "an exact name goes before a wildcard");
    // An unknown name gets the first certificate, which the client refuses.
    let tunnel = server.authority.clients().tunnel(server.app.public(), "unknown.example").await;
    RawClient::connect(tunnel.address()).await.expect_closed().await;
    assert!(tunnel.last().fault.unwrap().contains("not valid for name"), "{:?}", tunnel.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_certificate_is_shown_to_new_connections_while_old_ones_live_on() {
    let server = Encrypted::start("").await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let mut old = RawClient::connect(tunnel.address()).await;
    old.send("GET", "/echo", &[], b"").await.expect_status(200);
    let next = server.authority.issue(&["example.com"]);
    next.write(&server.folder, "main");
    server.app.until_metric("seawall_tls_reloads", &["taken_over"], 1.0).await;
    // A session of its own: a resumed one keeps what it was shown.
    assert!(shows(&server, "example.com", &next).await);
    old.send("GET", "/echo", &[], b"").await.expect_status(200);
    // The tickets' keys stay, so sessions from before are resumed.
    get(tunnel.address(), "/echo").await.expect_status(200);
    assert!(tunnel.last().resumed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_cannot_be_used_changes_nothing() {
    let server = Encrypted::start("").await;
    let next = server.authority.issue(&["example.com"]);
    fs::write(server.folder.join("main.pem"), &next.certificate).unwrap();
    server.app.until_metric("seawall_tls_reloads", &["refused"], 1.0).await;
    assert!(shows(&server, "example.com", &server.certificate).await);
    // The key follows, and both are taken over.
    fs::write(server.folder.join("main.key"), &next.key).unwrap();
    server.app.until_metric("seawall_tls_reloads", &["taken_over"], 1.0).await;
    assert!(shows(&server, "example.com", &next).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authoritys_statement_reaches_clients_and_the_next_one_after_it() {
    // What is in it is the clients' to judge: any sequence of DER is passed on.
    const FIRST: [u8; 5] = [0x30, 3, 10, 1, 0];
    const NEXT: [u8; 5] = [0x30, 3, 10, 1, 6];
    let stapled = "ocsp = \"main.ocsp\"\n";
    let server = Encrypted::start_with(stapled, |_, directory| fs::write(directory.join("main.ocsp"), FIRST).unwrap());
    let server = server.await;
    let meets = async |version, expected: &[u8]| {
        let clients = server.authority.clients().in_version(version);
        let tunnel = clients.tunnel(server.app.public(), "example.com").await;
        get(tunnel.address(), "/echo").await.expect_status(200);
        assert_eq!(tunnel.last().stapled, expected, "{version:?}");
    };
    meets(&TLS12, &FIRST).await;
    meets(&TLS13, &FIRST).await;
    fs::write(server.folder.join("main.ocsp"), NEXT).unwrap();
    server.app.until_metric("seawall_tls_reloads", &["taken_over"], 1.0).await;
    meets(&TLS12, &NEXT).await;
    meets(&TLS13, &NEXT).await;

    let without = Encrypted::start("").await;
    let tunnel = without.authority.clients().tunnel(without.app.public(), "example.com").await;
    get(tunnel.address(), "/echo").await.expect_status(200);
    assert!(tunnel.last().stapled.is_empty());
}

/// Whether a client gets an answer.
async fn answered(tunnel: &Tunnel) -> bool {
    let mut client = RawClient::connect(tunnel.address()).await.with_limit(Duration::from_secs(5));
    client.try_request(&Request::get("/echo")).await.is_ok_and(|answer| answer.status == 200)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_show_certificates_of_their_own_when_they_must() {
    let stranger = Authority::new().issue(&["client.example"]);
    for (mode, without) in [("optional", true), ("required", false)] {
        let more = format!("[tls]\nclient_certificates = \"{mode}\"\nclient_ca_file = \"authority.pem\"\n");
        let server = Encrypted::start(&more).await;
        let known = server.authority.issue(&["client.example"]);
        for version in [&TLS12, &TLS13] {
            let clients = server.authority.clients().in_version(version);
            for (clients, expected, what) in [
                (clients.clone(), without, "none"),
                (clients.clone().showing(&known), true, "one that is trusted"),
                (clients.showing(&stranger), false, "one that is not trusted"),
            ] {
                let tunnel = clients.tunnel(server.app.public(), "example.com").await;
                assert_eq!(answered(&tunnel).await, expected, "{mode} with {what}: {:?}", tunnel.last());
            }
        }
        let refused = if without { 2.0 } else { 4.0 };
        server.app.until_metric("seawall_tls_handshakes", &["failed"], refused).await;
        assert_eq!(server.upstream.requests().len(), if without { 4 } else { 2 });
    }
}

const ASKS: &str = "[tls]\nclient_certificates = \"optional\"\nclient_ca_file = \"authority.pem\"\n";

/// What a client is taken for that shows this certificate, or none, and claims to be another: by the application, and in the log.
async fn taken_for(
    server: &Encrypted,
    shown: Option<&Issued>,
    path: &str,
) -> (Vec<Option<String>>, Vec<Option<String>>) {
    let clients = server.authority.clients();
    let clients = match shown {
        Some(certificate) => clients.showing(certificate),
        None => clients,
    };
    let tunnel = clients.tunnel(server.app.public(), "example.com").await;
    let fields = ["x-seawall-certificate-subject", "x-seawall-certificate-sha256"];
    // The second time the session is resumed, which shows nothing anew.
    for _ in 0..2 {
        let forged = [
            ("X-Seawall-Certificate-Subject", "CN=root"),
            ("X_Seawall_Certificate_SHA256", "00"),
            ("Connection", "close"),
        ];
        RawClient::connect(tunnel.address()).await.send("GET", path, &forged, b"").await.expect_status(200);
    }
    assert!(tunnel.last().resumed);
    let requests = server.upstream.requests();
    let told = fields.map(|name| requests.last().unwrap().header(name).map(ToOwned::to_owned));
    let line = server.app.request_line(path).await;
    let logged =
        ["tls.client.subject", "tls.client.hash.sha256"].map(|name| line[name].as_str().map(ToOwned::to_owned));
    (told.to_vec(), logged.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_certificate_it_is_stands_in_the_log_and_is_told_when_it_is_to_be() {
    for told in [false, true] {
        let server = Encrypted::start(&format!("{ASKS}tell_certificates = {told}\n")).await;
        let known = server.authority.issue_to(&["client.example"], "device 7, of \"Bü\r\n\"");
        let (fields, logged) = taken_for(&server, Some(&known), "/echo").await;
        let subject = "CN=device 7\\, of \\\"B\\C3\\BC\\0D\\0A\\\"".to_owned();
        assert_eq!(logged, [Some(subject), Some(known.sha256())]);
        assert_eq!(fields, if told { logged } else { vec![None, None] });
        assert_eq!(taken_for(&server, None, "/status/200").await, (vec![None, None], vec![None, None]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_certificate_expires_is_a_metric() {
    let server = Encrypted::start("").await;
    let expires = server.app.metric("seawall_tls_certificate_expires_seconds", &["main"]);
    assert!(expires > 4.0e9, "{expires}");
}
