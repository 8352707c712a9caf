//! Who may ask what: each path that Seawall answers itself, and each thing that a route can require, asked by everybody there is. The
//! table is `authorisation.txt`; a path that is added without its row fails here. `UPDATE=1` writes it anew, to be read before it is kept.

mod callers;
mod endpoints;

use std::{env, fmt::Write, fs, path::Path};

use serde_json::{Value, json};

use self::{
    callers::{Caller, Callers},
    endpoints::Endpoint,
};

/// What a route can require, each with the path of a route that does.
const REQUIREMENTS: [(&str, &str); 11] = [
    ("user", "user"),
    ("role admin", "role"),
    ("known", "known"),
    ("key", "key"),
    ("scope orders:read", "scope"),
    ("scope orders:read and role admin", "both"),
    ("device", "device"),
    ("second factor", "second"),
    ("fresh 5min", "fresh"),
    ("organisation role admin", "organisation-role"),
    ("tier pro", "tier"),
];

fn configuration() -> String {
    let mut text =
        "[identity]\nenabled = true\nurl = \"https://app.example\"\nsign_in_limits = []\nscopes = [\"orders:read\"]\nregistration = \"open\"\n\
         [identity.tiers.pro]\nlimits = []\n[rate_limit]\nlimits = []\n"
            .to_owned();
    for (require, path) in REQUIREMENTS {
        writeln!(text, "[route.\"/{path}/*\"]\naccess.require = \"{require}\"").unwrap();
    }
    text + "[route.\"/hidden/*\"]\naccess.require = \"role admin\"\naccess.hidden = true\n\
            [route.\"/watched/*\"]\naccess.require = \"role admin\"\naccess.mode = \"report\"\n"
}

/// What is sent, where `{}` would not be what the path is for.
fn body(endpoint: &Endpoint) -> Value {
    match endpoint.path.rsplit("/auth/").next().unwrap_or_default() {
        "keys" => json!({ "label": "another" }),
        "app-sessions" | "devices/{id}/name" | "passkeys/{id}/name" => json!({ "name": "another" }),
        "organisation" => json!({ "organisation": "acme" }),
        _ => json!({}),
    }
}

fn row(out: &mut String, name: &str, statuses: &[u16]) {
    write!(out, "{name:<46}").unwrap();
    statuses.iter().for_each(|status| write!(out, "{status:>9}").unwrap());
    out.push('\n');
}

fn heads(out: &mut String, title: &str, names: impl IntoIterator<Item = &'static str>) {
    writeln!(out, "\n{title}\n").unwrap();
    write!(out, "{:<46}", "").unwrap();
    names.into_iter().for_each(|name| write!(out, "{name:>9}").unwrap());
    out.push('\n');
}

/// Below the prefix, by everybody; the owner comes last, after it was seen that nothing of hers has changed.
async fn people_ask(callers: &mut Callers, endpoint: &Endpoint) -> Vec<u16> {
    let passkey = endpoint.path.contains("/passkeys/{id}");
    let path = callers.fresh(&endpoint.path).await;
    let before = callers.owned().await;
    let mut statuses = Vec::new();
    for caller in Caller::ALL {
        if caller == Caller::Owner && endpoint.path.contains("/{id}") {
            assert_eq!(callers.owned().await, before, "{} {path} changed what is another's", endpoint.method);
        }
        statuses.push(callers.ask(caller, endpoint.method, &path, &body(endpoint)).await.status);
        if statuses.last().is_some_and(|status| *status < 300) {
            callers.renew(caller).await;
        }
    }
    if passkey {
        callers.without_factors().await;
    }
    statuses
}

async fn table() -> String {
    let mut callers = Callers::new(&configuration()).await;
    let endpoints = endpoints::all();
    assert!(endpoints.len() > 100, "{}", endpoints.len());
    let mut out = include_str!("authorisation/head.txt").to_owned();
    heads(&mut out, "What a route requires", Caller::ALL.map(Caller::name));
    for (name, path) in
        REQUIREMENTS.into_iter().chain([("role admin, hidden", "hidden"), ("role admin, report", "watched")])
    {
        let mut statuses = Vec::new();
        for caller in Caller::ALL {
            statuses.push(callers.ask(caller, "GET", &format!("/{path}/a"), &Value::Null).await.status);
        }
        row(&mut out, name, &statuses);
    }
    heads(&mut out, "Below the prefix", Caller::ALL.map(Caller::name));
    for endpoint in endpoints.iter().filter(|endpoint| !endpoint.operators) {
        let statuses = people_ask(&mut callers, endpoint).await;
        row(&mut out, &format!("{} {}", endpoint.method, endpoint.path), &statuses);
    }
    heads(&mut out, "The admin interface", Callers::OPERATORS);
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.operators) {
        let statuses = callers.operators_ask(endpoint).await;
        row(&mut out, &format!("{} {}", endpoint.method, endpoint.path), &statuses);
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_ask_what_the_table_says_and_nothing_else() {
    let table = table().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/identity/authorisation.txt");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let wrong: Vec<String> = table
        .lines()
        .filter(|line| !kept.lines().any(|one| one == *line))
        .map(|line| format!("is:  {line}"))
        .chain(kept.lines().filter(|line| !table.lines().any(|one| one == *line)).map(|line| format!("was: {line}")))
        .collect();
    assert!(wrong.is_empty(), "another answer than authorisation.txt says:\n{}", wrong.join("\n"));
    assert_eq!(table, kept, "rows are in another order");
}

/// What holds of the table whatever stands in it: nobody may do what is not named here, nor may whoever was disabled.
#[test]
fn nobody_is_let_in_where_the_table_does_not_name_it() {
    const OPEN: &[&str] = &[
        "role admin, report",
        "GET /_seawall/auth/email/verify",
        "GET /_seawall/auth/jwks.json",
        "GET /_seawall/auth/reset",
        "GET /_seawall/auth/pages/forgot",
        "GET /_seawall/auth/pages/link.js",
        "GET /_seawall/auth/pages/passkeys.js",
        "GET /_seawall/auth/pages/register",
        "GET /_seawall/auth/pages/sign-in",
        "GET /_seawall/auth/pages/style.css",
        "POST /_seawall/auth/pages/sign-in/offer",
        "POST /_seawall/auth/passkeys/sign-in/options",
        "GET /_seawall/health/live",
        "GET /_seawall/health/ready",
        "GET /_seawall/openapi.json",
        "GET /_seawall/problems/{slug}",
        "POST /_seawall/auth/sign-out",
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /problems/{slug}",
    ];
    let table = include_str!("authorisation.txt");
    let mut seen = 0;
    for line in table.lines().filter(|line| line.len() > 60) {
        let (name, statuses) = line.split_at(46);
        let statuses: Vec<u16> = statuses.split_whitespace().filter_map(|status| status.parse().ok()).collect();
        let Some(nobody) = statuses.first().filter(|_| statuses.len() > 1) else { continue };
        seen += 1;
        if !OPEN.contains(&name.trim()) {
            // Pages send whoever is nobody to sign in.
            let least = if name.contains("/auth/pages/") { 303 } else { 400 };
            assert!(*nobody >= least, "{name} is open");
            if statuses.len() == Caller::ALL.len() {
                assert!(statuses[Caller::Disabled as usize] >= least, "{name} is open to the disabled");
            } else {
                assert!(statuses[..Callers::STRANGERS].iter().all(|status| *status == 401), "{name} is open");
            }
        }
        if name.contains("/{id}") && statuses.len() == Caller::ALL.len() {
            for caller in Caller::ALL.into_iter().filter(|caller| *caller != Caller::Owner) {
                let status = statuses[caller as usize];
                assert!([401, 403, 404].contains(&status), "{name}: {status} for {}", caller.name());
            }
        }
    }
    assert!(seen > 100, "{seen} rows");
}

/// Every path but those of pages stands in the published document, with every status that anybody was seen to be answered.
#[tokio::test(flavor = "multi_thread")]
async fn rg_18_the_document_has_every_path_and_status_of_the_table() {
    let callers = Callers::new(&configuration()).await;
    let document: Value = callers.ask(Caller::Nobody, "GET", "/_seawall/openapi.json", &Value::Null).await.json();
    let own = |endpoint: &&Endpoint| !endpoint.operators && !endpoint.path.contains("/auth/pages");
    let endpoints: Vec<_> = endpoints::all().into_iter().filter(|endpoint| own(&endpoint)).collect();
    let table = include_str!("authorisation.txt");
    for Endpoint { method, path, .. } in &endpoints {
        let row = table.lines().find_map(|line| line.strip_prefix(&format!("{method} {path} "))).expect("a row");
        let operation = &document["paths"][path.replace("{*", "{")][method.to_ascii_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {path} is not in the document");
        for status in row.split_whitespace() {
            assert!(operation["responses"][status].is_object(), "{method} {path}: {status}");
        }
    }
    let paths = document["paths"].as_object().unwrap();
    let count =
        paths.values().flat_map(|item| item.as_object().unwrap().keys()).filter(|key| *key != "servers").count();
    assert_eq!(count, endpoints.len(), "the document has paths that nobody answers");
}
