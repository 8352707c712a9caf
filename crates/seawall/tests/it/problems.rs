//! Every problem of the catalogue is provoked: a new one fails this test until a request that provokes it is added.

use std::time::Duration;

use seawall::app::catalogue;
use seawall_testkit::{
    StartedApp, TestApp,
    client::{RawClient, RawResponse, Request},
    upstream::{Kind, Upstream},
};

/// Everything small, so that each problem is a request away.
const CONFIGURATION: &str = r#"
[upstream]
breaker_failures = 1000

[deadline]
connect = "2s"
response_head = "200ms"
request_idle = "150ms"

[strict_http]
hosts = ["127.0.0.1", "app.example"]

[cors]
origins = ["https://app.example.com"]

[body]
max = "1 KB"

[rescue]
upstream_errors = "replace"

[route."/limited"]
rate_limit.limits = ["1/min per ip"]

[route."/slow/{ms}"]
load_shed.max_in_flight = 1
deadline.response_head = "20s"
"#;

/// Problems that no request over a socket brings about by itself, and the test that brings them about.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "internal-error",
        "rg_3_a_panic_in_a_request_is_one_500_and_the_process_lives",
        include_str!("../../../seawall-proxy/tests/rescue.rs"),
    ),
    (
        "service-unavailable",
        "rg_3_a_panic_in_a_request_is_one_500_and_the_process_lives",
        include_str!("../../../seawall-proxy/tests/rescue.rs"),
    ),
    (
        "circuit-breaker-open",
        "wk_5_five_failures_in_a_row_hold_requests_back_for_a_minute_and_two_successes_let_them_through",
        include_str!("upstream.rs"),
    ),
    (
        "upstream-busy",
        "connections_to_a_server_are_bounded_over_all_cores_and_those_who_wait_too",
        include_str!("upstream.rs"),
    ),
    ("configuration-refused", "a_file_with_mistakes_changes_nothing_and_says_why", include_str!("reload.rs")),
    ("reload-not-possible", "one_follows_the_other_and_none_comes_at_the_end", include_str!("reload.rs")),
    (
        "device-pending",
        "wk_10_a_device_is_paired_over_sockets_and_its_socket_closes_when_it_is_revoked",
        include_str!("identity/devices.rs"),
    ),
    (
        "device-slow-down",
        "wk_10_a_device_is_paired_over_sockets_and_its_socket_closes_when_it_is_revoked",
        include_str!("identity/devices.rs"),
    ),
    (
        "device-refused",
        "wk_10_a_device_is_paired_over_sockets_and_its_socket_closes_when_it_is_revoked",
        include_str!("identity/devices.rs"),
    ),
    (
        "scope-required",
        "a_key_has_sessions_of_the_application_only_when_it_was_given_for_them",
        include_str!("identity/devices.rs"),
    ),
    (
        "invalid-credential",
        "rg_8_a_program_has_an_access_token_of_a_quarter_hour_and_refreshes_it",
        include_str!("identity/tokens.rs"),
    ),
    ("not-signed-in", "routes_let_in_whom_they_are_for", include_str!("identity/sign_in.rs")),
    ("not-allowed", "routes_let_in_whom_they_are_for", include_str!("identity/sign_in.rs")),
    (
        "sign-in-refused",
        "wrong_unknown_disabled_and_paused_look_alike_and_take_as_long",
        include_str!("identity/sign_in.rs"),
    ),
    ("cross-site-refused", "only_the_sites_own_pages_and_json_sign_people_in", include_str!("identity/sign_in.rs")),
    ("json-required", "only_the_sites_own_pages_and_json_sign_people_in", include_str!("identity/sign_in.rs")),
    ("invalid-input", "only_the_sites_own_pages_and_json_sign_people_in", include_str!("identity/sign_in.rs")),
    ("name-taken", "who_registers_is_signed_in_and_names_are_taken_once", include_str!("identity/sign_in.rs")),
    (
        "https-required",
        "behind_a_proxy_that_ends_https_the_cookie_is_protected_and_plain_http_refused",
        include_str!("identity/sign_in.rs"),
    ),
    (
        "wrong-password",
        "another_password_needs_the_one_that_holds_and_ends_all_other_sessions",
        include_str!("identity/revoked.rs"),
    ),
    (
        "password-refused",
        "another_password_needs_the_one_that_holds_and_ends_all_other_sessions",
        include_str!("identity/revoked.rs"),
    ),
    (
        "second-factor-required",
        "who_has_an_app_signs_in_in_two_steps_and_may_use_what_needs_them",
        include_str!("identity/factors.rs"),
    ),
    (
        "code-refused",
        "who_has_an_app_signs_in_in_two_steps_and_may_use_what_needs_them",
        include_str!("identity/factors.rs"),
    ),
    (
        "factor-conflict",
        "who_has_an_app_signs_in_in_two_steps_and_may_use_what_needs_them",
        include_str!("identity/factors.rs"),
    ),
    (
        "password-again",
        "who_has_an_app_signs_in_in_two_steps_and_may_use_what_needs_them",
        include_str!("identity/factors.rs"),
    ),
    ("confirm-your-identity", "what_needs_a_younger_proof_says_so_and_takes_one", include_str!("identity/factors.rs")),
    (
        "reset-refused",
        "an_operators_token_gives_another_password_and_deletion_ends_everything",
        include_str!("identity/factors.rs"),
    ),
    ("link-refused", "an_address_is_ones_own_once_the_link_that_went_there_was_used", include_str!("identity/mail.rs")),
    (
        "too-many-mails",
        "an_address_is_ones_own_once_the_link_that_went_there_was_used",
        include_str!("identity/mail.rs"),
    ),
    ("mail-unavailable", "without_a_mail_server_everybody_is_told_what_to_do", include_str!("identity/mail.rs")),
    (
        "issuer-refused",
        "what_was_begun_elsewhere_is_mixed_up_forged_or_too_late_is_refused",
        include_str!("identity/oidc.rs"),
    ),
    ("issuer-unavailable", "an_issuer_that_does_not_answer_keeps_nobody_waiting", include_str!("identity/oidc.rs")),
    ("not-linked", "an_address_in_common_links_nothing_and_a_signed_in_user_does", include_str!("identity/oidc.rs")),
    (
        "linked-elsewhere",
        "an_address_in_common_links_nothing_and_a_signed_in_user_does",
        include_str!("identity/oidc.rs"),
    ),
    (
        "passkey-refused",
        "a_passkey_is_made_and_signs_in_without_a_password_over_sockets",
        include_str!("identity/passkeys.rs"),
    ),
    (
        "passkey-invalid",
        "a_passkey_is_made_and_signs_in_without_a_password_over_sockets",
        include_str!("identity/passkeys.rs"),
    ),
    (
        "passkey-conflict",
        "a_passkey_is_made_and_signs_in_without_a_password_over_sockets",
        include_str!("identity/passkeys.rs"),
    ),
    ("passkeys-unavailable", "without_a_domain_there_are_no_passkeys", include_str!("identity/passkeys.rs")),
    (
        "identity-unavailable",
        "without_its_store_seawall_serves_whom_it_knows_and_says_so_to_others",
        include_str!("identity/unavailable.rs"),
    ),
    (
        "sign-in-unavailable",
        "without_its_store_seawall_serves_whom_it_knows_and_says_so_to_others",
        include_str!("identity/unavailable.rs"),
    ),
    (
        "invalid-credential",
        "wk_9_a_key_that_does_not_hold_is_refused_everywhere_and_counted",
        include_str!("identity/keys.rs"),
    ),
    (
        "key-address-refused",
        "wk_9_a_key_that_does_not_hold_is_refused_everywhere_and_counted",
        include_str!("identity/keys.rs"),
    ),
    ("session-required", "people_manage_their_own_keys_with_a_session_alone", include_str!("identity/keys.rs")),
    (
        "admin-key-paused",
        "pm_8_the_operators_key_opens_the_admin_interface_and_guessing_is_paused",
        include_str!("identity/operator.rs"),
    ),
    (
        "limiter-unavailable",
        "wk_4_a_store_that_fails_lets_requests_pass_or_refuses_them_as_configured",
        include_str!("ports.rs"),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_every_problem_of_the_catalogue_is_provoked() {
    let mut upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).with_config(CONFIGURATION).start().await;
    for kind in catalogue::problems() {
        if let Some((_, test, source)) = ELSEWHERE.iter().find(|(slug, ..)| *slug == kind.slug) {
            assert!(source.contains(&format!("fn {test}")), "{} is not provoked by {test} any more", kind.slug);
            continue;
        }
        let answer = provoke(kind.slug, &app, &mut upstream).await;
        let body = answer.json();
        assert_eq!(body["code"], kind.code, "{}: {body}", kind.slug);
        assert_eq!(body["type"].as_str().and_then(|address| address.rsplit('/').next()), Some(kind.slug), "{body}");
        assert_eq!(body["status"].as_u64(), Some(answer.status.into()), "{body}");
        assert_eq!(body["retryable"], kind.retryable, "{body}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", kind.slug);
    }
}

async fn provoke(slug: &str, app: &StartedApp, upstream: &mut Upstream) -> RawResponse {
    let get = Request::get;
    let client = app.client();
    match slug {
        "invalid-host" => client.request(get("/").header("Host", "evil.example")).await,
        "invalid-path" => client.get("/a/../b").await,
        "invalid-request" => client.request(get("/").header("Connection", "not a name")).await,
        "method-refused" => client.request(Request::new("TRACE", "/")).await,
        "headers-too-large" => client.request(get("/").header("Cookie", "x".repeat(40_000))).await,
        "upstream-error" => client.get("/stack-trace").await,
        "origin-refused" => {
            let asks = Request::new("OPTIONS", "/").header("Origin", "https://evil.example");
            client.request(asks.header("Access-Control-Request-Method", "PUT")).await
        }
        "invalid-handshake" => {
            let asks = get("/ws").header("Connection", "Upgrade").header("Upgrade", "websocket");
            client.request(asks.header("Sec-WebSocket-Version", "13")).await
        }
        "quota-exceeded" => {
            client.get("/limited").await;
            client.get("/limited").await
        }
        "overloaded" => overload(app, upstream).await,
        "request-too-large" => client.request(Request::post("/upload").body(vec![0; 2_000])).await,
        "upstream-unreachable" => {
            upstream.stop().await;
            let answer = client.get("/echo").await;
            upstream.restart_on_same_port().await;
            answer
        }
        "bad-gateway" => client.get("/close").await,
        "upstream-timeout" => client.get("/never").await,
        "request-timeout" => {
            let mut raw = RawClient::connect(app.public()).await;
            raw.write("POST /upload HTTP/1.1\r\nHost: app.example\r\nContent-Length: 10\r\n\r\nhalf").await;
            raw.read_response("POST").await
        }
        "uri-too-long" => client.get(&format!("/{}", "x".repeat(9_000))).await,
        "transfer-coding-unknown" => client.request(get("/").header("Transfer-Encoding", "gzip, chunked")).await,
        "version-unsupported" => {
            let mut raw = RawClient::connect(app.public()).await;
            raw.write("GET / HTTP/1.2\r\nHost: app.example\r\n\r\n").await;
            raw.read_response("GET").await
        }
        "not-found" => client.get("/_seawall/nothing").await,
        "admin-host-refused" => app.admin_client().request(get("/health").header("Host", "evil.example")).await,
        "admin-token-required" => app.admin_client().get("/api/status").await,
        other => panic!("no request provokes {other}; add one here"),
    }
}

/// Asks while the only place is taken.
async fn overload(app: &StartedApp, upstream: &Upstream) -> RawResponse {
    let mut first = RawClient::connect(app.public()).await.with_limit(Duration::from_secs(30));
    first.write("GET /slow/20000 HTTP/1.1\r\nHost: app.example\r\n\r\n").await;
    upstream
        .until("the first request is there", |upstream| {
            upstream.requests().iter().any(|seen| seen.target.starts_with("/slow"))
        })
        .await;
    app.client().get("/slow/1").await
}
