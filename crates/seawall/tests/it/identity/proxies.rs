//! The configurations of `examples/forward-auth`, run by the proxies they are for.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use seawall_core::principal::told_names;
use seawall_testkit::{
    TemporaryDirectory,
    client::{Client, Request},
};
use tokio::{net::TcpStream, time::Instant};

use super::Place;
use crate::applications::{
    child::{Child, LIMIT},
    tools::{program, repository, skip},
};

/// What a client says of itself, in both spellings that are one word to some application.
fn forged_names() -> impl Iterator<Item = String> {
    let names = told_names().into_iter().map(|name| name.as_str().to_owned());
    names.flat_map(|name| [name.replace('-', "_"), name])
}

fn installed(name: &str) -> Option<PathBuf> {
    program(&[name]).or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()))
}

/// An address that nobody listens on a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("a bound socket has an address")
}

/// Runs a proxy with an example, whose addresses become those of the test, and asks through it.
async fn check(example: &str, command: impl FnOnce(&Path, &Path) -> Command) {
    let place = Place::new().await;
    let id = place.add("ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    let (directory, address) = (TemporaryDirectory::new(), free_address());
    let text = fs::read_to_string(repository().join("examples/forward-auth").join(example)).expect("an example");
    let upstream = place.upstream.url();
    let text = text
        .replace("127.0.0.1:8080", &place.app.public().to_string())
        .replace("127.0.0.1:3000", upstream.trim_start_matches("http://").trim_end_matches('/'))
        .replace("127.0.0.1:8000", &address.to_string());
    let file = directory.path().join("configuration");
    fs::write(&file, text).expect("the configuration can be written");
    let mut proxy = Child::start(command(&file, directory.path()));
    let limit = Instant::now() + LIMIT;
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < limit, "it does not listen on {address}: {proxy}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = Client::new(&format!("http://{address}"));
    let forged = || forged_names().fold(Request::get("/orders?a=b"), |request, name| request.header(&*name, "forged"));

    let before = place.upstream.requests().len();
    let answer = client.request(forged()).await;
    assert_eq!(answer.status, 401, "{answer:?} {proxy}");
    assert_eq!(place.upstream.requests().len(), before, "nobody reaches the application");
    let answer = client.request(forged().header("Cookie", &*session)).await;
    assert_eq!(answer.status, 200, "{answer:?} {proxy}");
    let seen = place.upstream.requests().pop().unwrap();
    assert!(!seen.headers.iter().any(|(_, value)| value == "forged"), "{seen:?}");
    assert_eq!((seen.header("x-seawall-user"), seen.header("x-seawall-roles")), (Some(&*id), Some("admin")));
    assert_eq!(seen.header("x-seawall-token").unwrap().split('.').count(), 3);
    // Seawall's own paths are reached through it.
    assert_eq!(client.get("/_seawall/auth/jwks.json").await.status, 200);
    proxy.signal("TERM");
    proxy.ended();
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_who_a_request_is_from() {
    let Some(nginx) = installed("nginx") else { return skip("nginx is not installed") };
    check("nginx/nginx.conf", |file, directory| {
        let mut command = Command::new(nginx);
        command.arg("-c").arg(file).arg("-p").arg(directory);
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_asks_who_a_request_is_from() {
    let Some(caddy) = installed("caddy") else { return skip("Caddy is not installed") };
    check("caddy/Caddyfile", |file, directory| {
        let mut command = Command::new(caddy);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", directory);
        command.env("XDG_DATA_HOME", directory).env("XDG_CONFIG_HOME", directory);
        command
    })
    .await;
}

/// Traefik is not to be had as a package, so what its example has to name is compared with what Seawall answers.
#[test]
fn traefiks_example_removes_and_copies_every_field() {
    let text = fs::read_to_string(repository().join("examples/forward-auth/traefik/dynamic.yml")).expect("an example");
    let (removed, copied) = text.split_once("authResponseHeaders:").expect("fields that are copied");
    let removed = removed.to_lowercase();
    for name in told_names().map(|name| name.as_str().to_lowercase()) {
        for spelled in spellings(&name) {
            assert!(removed.contains(&format!("\n          {spelled}: \"\"\n")), "{spelled} is left to clients");
        }
        assert!(copied.to_lowercase().contains(&format!("\n          - {name}\n")), "{name} is not copied");
    }
}

/// A name with each of its dashes as it is or as an underscore: applications behind CGI and WSGI read them alike.
fn spellings(name: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for letter in name.chars() {
        let underscored: Vec<String> =
            spellings.iter().filter(|_| letter == '-').map(|before| format!("{before}_")).collect();
        spellings.iter_mut().for_each(|before| before.push(letter));
        spellings.extend(underscored);
    }
    spellings
}
