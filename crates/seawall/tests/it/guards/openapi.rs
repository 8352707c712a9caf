//! The application's document with what Seawall adds to it.

use seawall::app::catalogue;
use seawall_guards::schema::{Document, Formats};
use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp, in_front,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

const DOCUMENT: &str = r##"{"openapi": "3.0.3", "info": {"title": "Reports", "version": "7"}, "servers": [{"url": "/api"}],
"paths": {
  "/reports": {
    "get": {"responses": {"200": {"$ref": "#/components/responses/All"}, "429": {"description": "Too many, says the application"}}},
    "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}}},
             "responses": {"201": {"description": "made", "headers": {"x-request-id": {"schema": {"type": "integer"}}}}}}
  },
  "/members/{id}": {"get": {"responses": {"default": {"description": "a member"}}}}
}, "components": {
  "responses": {"All": {"description": "all of them"}},
  "schemas": {"Report": {"type": "object", "properties": {"title": {"type": "string", "maxLength": 2000}}}}
}}"##;

const CONFIG: &str = r#"
[schema]
document = "openapi.json"
[identity]
enabled = true
[csrf]
mode = "report"
[route."/api/members/*"]
access.require = "user"
[route."POST /api/reports"]
json.characters = 2000
body.max = "64 KiB"
"#;

async fn described(config: &str) -> (Upstream, StartedApp) {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), DOCUMENT).expect("the document is written");
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).in_directory(directory).with_config(config).start().await;
    (upstream, app)
}

/// What a reference in the document leads to.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    value["$ref"].as_str().map_or(value, |reference| document.pointer(&reference[1..]).expect("it leads somewhere"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_18_the_document_tells_the_answers_fields_and_credentials_that_are_added() {
    let (_upstream, app) = described(CONFIG).await;
    let document: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    assert_eq!((&document["openapi"], &document["info"]["title"]), (&json!("3.0.3"), &json!("Reports")));
    let get = &document["paths"]["/reports"]["get"];
    assert_eq!(get["responses"]["200"]["description"], "all of them", "what was referred to is written out");
    assert!(get["responses"]["200"]["headers"]["RateLimit"]["$ref"].is_string(), "{get}");
    let limited = &get["responses"]["429"];
    assert_eq!(limited["description"], "Too many, says the application", "what it says stands");
    assert!(limited["content"]["application/problem+json"]["schema"]["$ref"].is_string(), "{limited}");
    let refused = |operation: &Value, status: &str| -> Vec<String> {
        let answer = resolved(&document, &operation["responses"][status]);
        assert!(operation["responses"][status].is_null() || answer["description"].is_string(), "{status}: {operation}");
        let slugs = answer["x-seawall-problems"].as_array().into_iter().flatten();
        slugs.filter_map(|slug| slug.as_str().map(str::to_owned)).collect()
    };
    assert!(refused(get, "400").contains(&"validation-failed".to_owned()));
    assert!(refused(get, "413").is_empty(), "it has no body");
    assert!(!get["responses"]["502"].is_null(), "the application may be away");

    let post = &document["paths"]["/reports"]["post"];
    assert!(refused(post, "413").contains(&"request-too-large".to_owned()), "{:?}", refused(post, "413"));
    assert!(refused(post, "415").contains(&"validation-failed".to_owned()));
    assert!(!refused(post, "403").contains(&"cross-site-refused".to_owned()), "what only reports refuses nothing");
    assert_eq!(post["responses"]["201"]["headers"]["x-request-id"]["schema"]["type"], "integer");
    assert_eq!(post["responses"]["201"]["headers"]["X-Request-Id"], Value::Null, "it says so itself");
    let form = json!({ "fields": 100, "characters": 10_000, "depth": 10, "files": 20, "file_bytes": 10_000_000 });
    let limits =
        json!({ "body_bytes": 65_536, "characters": 2000, "depth": 10, "items": 1000, "keys": 100, "form": form });
    assert_eq!(post["x-seawall-limits"], limits, "checklist ST-5");
    assert_eq!(document["components"]["schemas"]["Report"]["properties"]["title"]["maxLength"], 2000);

    let member = &document["paths"]["/members/{id}"]["get"];
    assert!(refused(member, "401").contains(&"not-signed-in".to_owned()), "{:?}", refused(member, "401"));
    assert_eq!(member["security"].as_array().map(Vec::len), Some(3));
    assert_eq!(get["security"], Value::Null);
    for scheme in ["SeawallSession", "SeawallToken", "SeawallKey"] {
        assert!(document["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
    }
    let sign_in = &document["paths"]["/_seawall/auth/sign-in"];
    assert_eq!(sign_in["servers"][0]["url"], "/", "it stands beside the application");
    assert!(sign_in["post"]["responses"]["429"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_described_operation_stands_in_the_document() {
    let (_upstream, app) = described(&format!("{CONFIG}[rate_limit]\nlimits = [\"4/hour per ip\"]\n")).await;
    let document: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    let mut seen = Vec::new();
    for (path, described) in [("/api/members/7", "/members/{id}"), ("/api/reports?x=1", "/reports")].repeat(3) {
        let answer = app.client().get(path).await;
        let problem: Value = answer.json();
        let stated = &document["paths"][described]["get"]["responses"][answer.status.to_string()];
        let slugs = &resolved(&document, stated)["x-seawall-problems"];
        let slug = problem["type"].as_str().and_then(|kind| kind.rsplit('/').next()).expect("a problem");
        assert!(slugs.as_array().is_some_and(|slugs| slugs.contains(&json!(slug))), "{path}: {problem} {slugs}");
        seen.push(answer.status);
    }
    assert_eq!(seen, [401, 400, 401, 400, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_development_the_document_is_there_only_when_it_is_made_public() {
    let production = "environment = \"production\"\n";
    let (_upstream, app) = in_front(production).await;
    app.client().get("/_seawall/openapi.json").await.expect_problem(404, "not-found");
    app.reload_with(&format!("{production}[openapi]\npublish = \"public\"\n")).await;
    let document: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    assert!(document["paths"]["/_seawall/health/ready"]["get"].is_object(), "without a document of the application");
    assert_eq!(document["paths"]["/_seawall/auth/sign-in"], Value::Null, "nobody can sign in");
    app.reload_with("[openapi]\npublish = \"off\"\n").await;
    app.client().get("/_seawall/openapi.json").await.expect_problem(404, "not-found");
}

/// A field of requests, as an operation describes it.
fn sent<'d>(operation: &'d Value, name: &str) -> Option<&'d Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .into_iter()
        .find(|one| one["in"] == "header" && one["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)))
}

const WITH_GUARDS: &str = r#"
[schema]
document = "openapi.json"
[identity]
enabled = true
[csrf]
require = "token"
[idempotency]
required = true
[conditional]
etag = "strong"
if_match = "check"
if_match_methods = ["POST"]
[versions]
by = "header X-API-Version"
required = true
after_sunset = "refuse"
[versions.v1]
deprecated = "2026-01-01"
sunset = "2027-01-01"
[versions.v2]
[signatures]
require = ["partner"]
[signatures.partner]
algorithm = "hmac-sha256"
secret = "0123456789abcdef0123456789abcdef"
[rate_limit]
legacy_headers = true
"#;

#[tokio::test(flavor = "multi_thread")]
async fn rg_18_what_each_guard_asks_for_and_answers_is_told_where_it_enforces() {
    let (_upstream, app) = described(WITH_GUARDS).await;
    let document: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    let (get, post) = (&document["paths"]["/reports"]["get"], &document["paths"]["/reports"]["post"]);
    for (name, required, in_get) in [
        ("Idempotency-Key", true, false),
        ("X-CSRF-Token", false, false),
        ("If-Match", false, false),
        ("If-None-Match", false, true),
        ("X-API-Version", true, true),
        ("Signature", true, true),
        ("Signature-Input", true, true),
        ("Content-Digest", false, false),
    ] {
        assert_eq!(sent(post, name).map(|one| &one["required"]), Some(&json!(required)), "{name}");
        assert_eq!(sent(get, name).is_some(), in_get, "{name}");
    }
    assert_eq!(sent(get, "X-API-Version").unwrap()["schema"]["enum"], json!(["v1", "1", "v2", "2"]));
    for (operation, statuses) in
        [(get, &["304", "400", "401", "410"][..]), (post, &["401", "403", "409", "410", "412", "422", "428", "503"])]
    {
        for status in statuses {
            assert!(operation["responses"][*status].is_object(), "{status}: {operation}");
        }
    }
    for absent in ["409", "412", "422", "428"] {
        assert_eq!(get["responses"][absent], Value::Null, "{absent}");
    }
    let fields = |operation: &Value, status: &str, names: &[&str]| {
        let known = &operation["responses"][status]["headers"];
        for name in names {
            assert!(known[name]["$ref"].is_string(), "{name} with {status}: {known}");
            resolved(&document, &known[name]);
        }
    };
    let of_versions = ["Deprecation", "Sunset", "X-RateLimit-Remaining"];
    fields(get, "200", &[&["ETag"][..], &of_versions].concat());
    fields(post, "201", &[&["Idempotent-Replayed"][..], &of_versions].concat());
    // The schema that is closed is a copy: answers may refer to the other.
    let body = &post["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(body, "#/components/schemas/Report-sent");
    assert_eq!(document["components"]["schemas"]["Report-sent"]["additionalProperties"], false);
    assert_eq!(document["components"]["schemas"]["Report"]["additionalProperties"], Value::Null);
    let bytes = document.to_string();
    Document::read(bytes.as_bytes(), &Formats::default()).expect("it is a document of 3.0 that can be read");

    let reporting = WITH_GUARDS.replace("required = true", "required = true\nmode = \"report\"");
    app.reload_with(&reporting).await;
    let document: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    let post = &document["paths"]["/reports"]["post"];
    assert!(sent(post, "Idempotency-Key").is_none() && sent(post, "X-API-Version").is_none(), "{post}");
    assert_eq!(post["responses"]["422"], Value::Null);
}

#[test]
fn the_guide_says_of_every_guard_what_it_adds() {
    let guide = include_str!("../../../../../docs/guide/schema.md");
    let (_, table) = guide.split_once("| guard | what it adds").expect("the table is there");
    let rows: String = table.lines().take_while(|line| line.starts_with('|') || line.contains("enforces")).collect();
    let named: Vec<&str> = rows.split('`').collect();
    for step in &catalogue::ORDER {
        assert!(named.contains(&step.guard.name), "{} has no row", step.guard.name);
    }
}
