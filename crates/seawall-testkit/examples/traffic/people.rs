//! Requests of people who signed in, and of their programs: with a session, an API key and an access token.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use seawall_testkit::client::{Client, RawResponse};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{Crowd, kept};

/// What such an installation has to say.
pub(crate) const CONFIG: &str = "[identity]\nenabled = true\nsign_in_limits = [\"1000000000/min per ip\"]\n";

const NAME: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// Who asks with each kind of credential. Every one signs in once: verifying a password takes as long as a thousand requests, so more of
/// them would be all that the profile shows.
const OF_EACH: usize = 6;

/// Adds the user whose requests they are.
pub(crate) fn add(program: &Path, directory: &Path) {
    command(program, directory, &["user", "add", NAME, "--password-stdin"]);
}

/// Asks for so long; gives how many requests there were.
pub(crate) async fn ask(address: SocketAddr, length: Duration) -> usize {
    let base = format!("http://{address}");
    let client = Client::new(&base);
    let mut known = Vec::new();
    for _ in 0..OF_EACH {
        let cookie = session(&client).await;
        let user = Client::new(&base).with_header("cookie", &cookie);
        let made = user.post_json("/_seawall/auth/keys", &json!({ "label": "traffic" })).await.expect_status(201);
        known.push(("cookie", format!("{cookie}; theme=dark")));
        known.push(("x-api-key", text(&made.json(), "key")));
        known.push(("authorization", format!("Bearer {}", token(&client).await)));
    }
    let crowd = Crowd::new(length);
    let mut tasks = JoinSet::new();
    for (name, value) in known {
        tasks.spawn(kept(crowd.clone(), Client::new(&base).keeping_connection().with_header(name, &value)));
    }
    tasks.join_all().await;
    crowd.asked()
}

/// Signs in as a browser does: the cookie that it sends from then on.
async fn session(client: &Client) -> String {
    let answer = sign_in(client, "/_seawall/auth/sign-in").await;
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    cookie.expect("signing in sets a cookie").to_owned()
}

/// Signs in as a program does.
async fn token(client: &Client) -> String {
    text(&sign_in(client, "/_seawall/auth/token").await.json(), "access_token")
}

async fn sign_in(client: &Client, path: &str) -> RawResponse {
    client.post_json(path, &json!({ "name": NAME, "password": PASSWORD })).await.expect_status(200)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).expect("the answer holds it").to_owned()
}

fn command(program: &Path, directory: &Path, words: &[&str]) {
    let mut command = Command::new(program);
    command.args(words).args(["--config", "seawall.toml"]).current_dir(directory).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut input = child.stdin.take().expect("its standard input is ours");
    writeln!(input, "{PASSWORD}").expect("it reads the password");
    drop(input);
    assert!(child.wait().expect("it is our child").success(), "{words:?}");
}
