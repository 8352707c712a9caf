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

[form]
max_file = "100 B"
types = ["text/plain"]

[rescue]
upstream_errors = "replace"

[versions]
by = "header X-API-Version"
after_sunset = "refuse"

[versions.v1]
sunset = "2020-01-01"

[route."/json"]
csrf.content_types = ["application/json"]

[signatures.partner]
algorithm = "hmac-sha256"
secret = "a-secret-of-both-sides"

[route."/signed"]
signatures.require = "partner"

[route."/limited"]
rate_limit.limits = ["1/min per ip"]

[route."/required"]
conditional.if_match = "require"

[route."/checked/{anything}"]
conditional.if_match = "check"
conditional.etag = "strong"

[route."/slow/{ms}"]
load_shed.max_in_flight = 1
deadline.response_head = "20s"
"#;

/// Problems that no request over a socket brings about by itself, and the test that brings them about.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "socket-closed",
        "wk_17_what_is_reported_of_sockets_is_what_closes_them_when_that_is_enforced",
        include_str!("websocket/reported.rs"),
    ),
    (
        "too-many-connections",
        "operators_beyond_the_most_are_told_so_while_clients_are_served",
        include_str!("admin.rs"),
    ),
    ("llm-image-late", "st_9_each_image_has_its_time_and_a_message_of_its_own", include_str!("outbound/faults.rs")),
    ("llm-budget-spent", "two_hundred_calls_at_once_never_cost_more_than_the_cap", include_str!("outbound/budgets.rs")),
    (
        "llm-route-unknown",
        "the_path_says_which_route_and_each_dialect_has_its_own_base_url",
        include_str!("outbound/routes.rs"),
    ),
    (
        "llm-question-too-long",
        "st_5_a_question_that_is_too_long_is_refused_in_the_words_of_its_dialect",
        include_str!("outbound/limits.rs"),
    ),
    (
        "llm-conversation-needed",
        "each_conversation_has_rounds_of_its_own_and_has_to_be_named",
        include_str!("outbound/rounds.rs"),
    ),
    (
        "outbound-key-limited",
        "a_program_asks_for_what_its_key_lists_and_nothing_else",
        include_str!("outbound/programs.rs"),
    ),
    (
        "llm-untranslatable",
        "st_8_what_cannot_be_said_is_refused_before_anybody_is_asked",
        include_str!("outbound/translating.rs"),
    ),
    ("llm-model-unknown", "models_lead_to_their_providers", include_str!("outbound/models.rs")),
    ("outbound-key-needed", "whoever_has_no_key_is_told_nothing", include_str!("outbound/calls.rs")),
    ("outbound-wrong-user", "a_call_names_the_user_for_whom_it_is_made", include_str!("outbound/users.rs")),
    ("outbound-unknown", "only_what_is_allowed_is_asked", include_str!("outbound/calls.rs")),
    ("outbound-not-allowed", "only_what_is_allowed_is_asked", include_str!("outbound/calls.rs")),
    ("outbound-bad-call", "only_what_is_allowed_is_asked", include_str!("outbound/calls.rs")),
    ("outbound-too-large", "a_body_that_is_too_large_is_refused_before_it_is_read", include_str!("outbound/calls.rs")),
    ("outbound-no-room", "calls_wait_for_their_turn_and_too_many_are_refused", include_str!("outbound/failing.rs")),
    ("outbound-away", "pl_13_a_service_that_fails_is_left_alone_and_tried_again", include_str!("outbound/failing.rs")),
    ("outbound-failed", "nobody_there_is_said_at_once", include_str!("outbound/failing.rs")),
    ("outbound-late", "pl_9_silence_ends_in_time", include_str!("outbound/failing.rs")),
    ("outbound-led-away", "redirections_lead_back_through_seawall_or_nowhere", include_str!("outbound/calls.rs")),
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
    (
        "idempotency-key-missing",
        "wk_13_what_comes_again_is_answered_as_it_was_and_carried_out_once",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-key-invalid",
        "wk_13_what_comes_again_is_answered_as_it_was_and_carried_out_once",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-key-reused",
        "wk_13_what_comes_again_is_answered_as_it_was_and_carried_out_once",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-in-flight",
        "wk_13_of_two_hundred_at_once_one_reaches_the_application",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-outcome-unknown",
        "wk_13_an_outcome_that_nobody_knows_is_told_and_tried_again_only_where_that_does_no_harm",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-answer-not-kept",
        "what_is_too_large_to_be_kept_or_has_no_end_is_told_and_not_sent_again",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-unavailable",
        "without_its_store_requests_with_a_key_are_refused_and_others_pass",
        include_str!("guards/idempotency.rs"),
    ),
    (
        "idempotency-keys-spent",
        "wk_13_each_claim_has_its_answer",
        include_str!("../../../seawall-guards/src/idempotency/tests.rs"),
    ),
    (
        "suspicious-payload",
        "wk_1_an_attack_in_any_value_is_refused_when_that_is_asked_for_and_only_told_otherwise",
        include_str!("guards/payload_filter.rs"),
    ),
    ("bodies-full", "without_room_for_a_body_its_request_is_refused_and_others_pass", include_str!("guards/json.rs")),
    (
        "validation-failed",
        "rg_10_fields_that_the_document_does_not_take_are_told_and_nothing_reaches_the_application",
        include_str!("guards/schema.rs"),
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
    ("resource-busy", "rg_15_changes_of_one_resource_follow_one_another", include_str!("guards/conditional.rs")),
    (
        "current-state-unknown",
        "rg_15_the_applications_own_tags_are_compared_and_sent_on",
        include_str!("guards/conditional.rs"),
    ),
    ("not-signed-in", "routes_let_in_whom_they_are_for", include_str!("identity/sign_in.rs")),
    ("not-allowed", "routes_let_in_whom_they_are_for", include_str!("identity/sign_in.rs")),
    (
        "sign-in-refused",
        "wrong_unknown_disabled_and_paused_look_alike_and_take_as_long",
        include_str!("identity/sign_in.rs"),
    ),
    ("cross-site-refused", "only_the_sites_own_pages_and_json_sign_people_in", include_str!("identity/sign_in.rs")),
    (
        "csrf-token-refused",
        "rg_7_a_route_takes_the_token_of_the_session_and_no_other",
        include_str!("identity/page_tokens.rs"),
    ),
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
    (
        "too-many-pairings",
        "devices_that_wait_beyond_ten_of_an_address_are_told_when_to_come_back",
        include_str!("identity/devices.rs"),
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
        include_str!("identity/oidc/signing_in.rs"),
    ),
    (
        "issuer-unavailable",
        "an_issuer_that_does_not_answer_keeps_nobody_waiting",
        include_str!("identity/oidc/away.rs"),
    ),
    (
        "not-linked",
        "an_address_in_common_links_nothing_and_a_signed_in_user_does",
        include_str!("identity/oidc/linking.rs"),
    ),
    (
        "linked-elsewhere",
        "an_address_in_common_links_nothing_and_a_signed_in_user_does",
        include_str!("identity/oidc/linking.rs"),
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
        "signature-unavailable",
        "wk_15_what_another_node_has_taken_is_refused_and_without_its_word_what_is_configured_holds",
        include_str!("../../../seawall-guards/src/signatures/tests/replays.rs"),
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

#[expect(clippy::too_many_lines, reason = "a table: a row for each problem")]
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
        "content-type-refused" => {
            let form = Request::post("/json").header("Cookie", "session=1").header("Content-Type", "text/plain");
            client.request(form.body("{}")).await
        }
        "api-version-unknown" => client.request(get("/").header("X-API-Version", "9")).await,
        "api-version-gone" => client.request(get("/").header("X-API-Version", "1")).await,
        "invalid-handshake" => {
            let asks = get("/ws").header("Connection", "Upgrade").header("Upgrade", "websocket");
            client.request(asks.header("Sec-WebSocket-Version", "13")).await
        }
        "quota-exceeded" => {
            client.get("/limited").await;
            client.get("/limited").await
        }
        "precondition-required" => client.request(Request::new("PUT", "/required")).await,
        "precondition-failed" => {
            client.request(Request::new("PUT", "/checked/a").header("If-Match", "\"other\"")).await
        }
        "overloaded" => overload(app, upstream).await,
        "signature-refused" => client.get("/signed").await,
        "unsound-json" => client.request(Request::post("/upload").header("Content-Type", "text/json").body("{")).await,
        "encoded-body" => {
            let packed = Request::post("/upload").header("Content-Type", "text/json").header("Content-Encoding", "br");
            client.request(packed.body("{}")).await
        }
        "unsound-form" => client.request(form("a=%zz".to_owned(), "application/x-www-form-urlencoded")).await,
        "file-too-large" => client.request(form(file(&"x".repeat(101)), "multipart/form-data; boundary=b")).await,
        "file-type-refused" => client.request(form(file("GIF89a"), "multipart/form-data; boundary=b")).await,
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

fn form(body: String, content_type: &str) -> Request {
    Request::post("/upload").header("Content-Type", content_type).body(body)
}

/// A form with one file.
fn file(content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n{content}\r\n--b--")
}
