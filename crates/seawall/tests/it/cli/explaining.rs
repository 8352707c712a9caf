//! `seawall explain`: a request, a problem, and what is neither.

use seawall::app::catalogue;
use serde_json::Value;

use super::binary::Place;

const ROUTE: &str = "\
environment = \"staging\"

[client_address]
trusted = [\"10.0.0.0/8\"]

[route.\"POST /login\"]
rate_limit.limits = [\"5/15min per ip\"]
body.max = \"10 KB\"
load_shed.mode = \"report\"
";

#[test]
#[expect(clippy::too_many_lines, reason = "the snapshot is the test")]
fn a_request_meets_every_guard_with_the_default_values() {
    insta::assert_snapshot!(Place::new().seawall(&["explain", "GET", "/"]).ok(), @r#"
    GET / meets no route of its own; the general settings hold.
    Its guards, in order, with their values and where each comes from:

     1 strict_http  Refuses requests whose meaning is uncertain: hosts, paths, methods and header fields that servers read differently.
       first, so that nothing reads a head that can be read in two ways, and its limits count only what the client sent
         encoded_slash = "refuse"  # default
         max_headers = 100  # default
         max_header_bytes = "32 KiB"  # default
         overrides = "refuse"  # default
         hosts = []  # default

     2 request_id  Gives every request an id: in the answer, in the log, and told to the application.
       early, so that whatever follows can be found by its id
         keep = true  # default

     3 trace_context  Continues or begins a W3C trace and tells the application.
       with the id, so that the log line has its trace
         accept = "trusted"  # default
         sample = "100%"  # default

     4 client_address  Finds the client's address through trusted proxies and replaces forwarding headers that strangers sent.
       before anything counts or believes an address
         trusted = []  # default
         header = "x-forwarded-for"  # default

     5 rescue  Keeps stack traces inside: the application's 5xx answers become problems in production, a panic becomes a 500.
       outermost of the route's guards, so that it sees what the application answered last
         upstream_errors = "auto"  # default

     6 compression  Compresses answers that shrink and hold no secret, in the coding that the client wants most.
       next to it, so that it decides on the answer that all others have left, and compresses none that is replaced
         enabled = true  # default
         codings = ["zstd", "br", "gzip"]  # default
         min_size = "1400 B"  # default
         with_credentials = "json"  # default
         strong_etags = "auto"  # default
         max_at_once = 128  # default

     7 security_headers  Adds or corrects security headers on every answer and takes out those that name the application's software.
       outside all that refuse, so that refusals are dressed too
         enabled = true  # default
         upstream = "respect"  # default
         frame_options = "DENY"  # default
         referrer_policy = "strict-origin-when-cross-origin"  # default
         permissions_policy = "geolocation=(), microphone=(), camera=()"  # default
         xss_protection = "0"  # default
         csp_json = "default-src 'none'; frame-ancestors 'none'"  # default
         csp_html = "frame-ancestors 'none'; base-uri 'self'; object-src 'none'"  # default
         csp_html_report_only = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"  # default
         hsts = "auto"  # default
         hsts_value = "max-age=31536000"  # default
         hide = ["Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version"]  # default

     8 deadline  Bounds every wait: connecting, the answer's head, silence on either side, the whole exchange.
       before anything may wait
         connect = "5s"  # default
         response_head = "30s"  # default
         request_idle = "30s"  # default
         request_rate = "500 B"  # default
         request_grace = "20s"  # default
         response_idle = "5min"  # default
         tunnel_idle = "1h"  # default

     9 retry  Sends a request again when the application failed it and a second time does no harm.
       beside the time limits, which all attempts share
         attempts = 3  # default
         backoff = "100ms"  # default
         max_backoff = "5s"  # default
         statuses = []  # default

    10 cors  Answers preflights, grants listed origins exactly, refuses others, and checks the origin of WebSockets.
       before the limits, so that a page can read why it was refused and preflights cost it nothing
         origins = []  # default
         credentials = false  # default
         methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]  # default
         headers = ["Authorization", "Content-Type", "Accept", "If-Match", "If-None-Match", "Idempotency-Key", "X-Requested-With", "X-Request-Id"]  # default
         expose = ["X-Request-Id", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"]  # default
         max_age = "10min"  # default

    11 rate_limit  Limits how often a client may ask, exactly, and tells it where it stands.
       before a place is taken, so that a flood from one address takes none
         limits = ["1000/min per ip", "100/min per ip for unsafe methods"]  # default
         legacy_headers = true  # default
         when_unavailable = "local"  # default
         capacity = 32768  # default

    12 websocket  Checks handshakes and every frame of WebSockets; bounds messages, pings clients, ends what is silent.
       after the limits, so that broken handshakes count too, and before a place is taken
         ping = "30s"  # default
         silence = "90s"  # default
         max_message = "1 MiB"  # default
         max_answer = "16 MiB"  # default
         messages = "6000/min"  # default
         bytes = "100 MB/min"  # default

    13 load_shed  Serves so many requests at once and refuses the rest early, so that accepted ones stay quick.
       before anything is looked up for a request, so that no more wait for an answer than there are places
         max_in_flight = 4096  # default
         retry_after = "1s"  # default

    14 authentication  Finds out who a request is from, by a session, a token or an API key, tells the application, and removes what strangers said of it.
       after the limits, so that a flood of credentials asks the store for no more than they let through
         when_unavailable = "anonymous"  # default

    15 csrf  Refuses what pages of other sites have a browser ask with the visitor's cookies, and forms where JSON belongs.
       as soon as it is known what the request shows, so that no page of another site spends what the visitor may ask
         when = "cookies"  # default
         require = "nothing"  # default
         token_header = "X-CSRF-Token"  # default
         trusted = []  # default
         content_types = []  # default

    16 principal_rate_limit  Limits how often a person, a key or an organisation may ask, by `[rate_limit]`, the tier, and the key's own rate.
       as soon as it is known who asks, so that what is refused next was counted too
         limits = ["1000/min per ip", "100/min per ip for unsafe methods"]  # default
         legacy_headers = true  # default
         when_unavailable = "local"  # default
         capacity = 32768  # default

    17 access  Lets a route be used by whoever signed in, has a role, or shows a key that holds for it.
       as soon as it is known who asks, and before the body is read
         require = []  # default
         hidden = false  # default

    18 signatures  Refuses requests that no key of the route has signed, that are too old, or that come again.
       after those who may not ask, and before anything that tells what the route takes, so that nobody learns it who cannot sign
         require = []  # default
         components = ["@method", "@path", "@query", "content-digest"]  # default
         window = "5min"  # default
         when_unavailable = "closed"  # default

    19 versions  Refuses unknown versions of the API, announces the end of old ones, and remembers who still uses them.
       after those who may not ask, so that who uses an old version is somebody who may, and before the body is read
         below = "/"  # default
         required = false  # default
         after_sunset = "serve"  # default

    20 body  Refuses request bodies beyond a size, declared or streamed.
       on the body, which is read only for requests that all others let pass
         max = "10 MB"  # default

    21 json  Refuses JSON bodies that two readers may read differently, or that are too deep, too wide or too long.
       after the size, which bounds what is read, and before anything that trusts what the body holds
         depth = 10  # default
         items = 1000  # default
         keys = 100  # default
         characters = 10000  # default
         encoded = "refuse"  # default

    22 form  Refuses forms that two readers may read differently, that are too large, or that hold files of other types than are taken.
       beside JSON, since a body is one or the other
         fields = 100  # default
         characters = 10000  # default
         depth = 10  # default
         duplicates = "allow"  # default
         files = 20  # default
         max_file = "10 MB"  # default
         types = []  # default
         encoded = "refuse"  # default

    23 schema  Refuses requests whose path, query, headers, cookies or body are not what the application's document says.
       after the shape, which reads the body that it compares; its heads are of those who may use the route, so that nobody else learns what it takes
         document = ""  # default
         document_wait = "30s"  # default
         unknown_fields = "reject"  # default
         undocumented = "allow"  # default
         answers = "off"  # default
         body = ""  # default

    24 payload_filter (reports only)  Finds values that look like SQL injection, cross-site scripting, path traversal or shell commands; off unless enabled.
       on what is sound, as the last that only looks, so that it guesses about nothing that is refused for certain
         enabled = false  # default
         threshold = 5  # default
         classes = ["sql", "xss", "path", "command"]  # default
         allow = []  # default
         bodies = true  # default
         cookies = false  # default
         headers = []  # default

    25 idempotency  Carries a request with an idempotency key out once, however often it comes, and gives its answer again.
       last, so that a key is claimed only for a request that nothing else refuses, and each claim is sent on
         methods = ["POST", "PATCH"]  # default
         required = false  # default
         header = "Idempotency-Key"  # default
         ttl = "1day"  # default
         max_answer = "1 MiB"  # default
         unknown = "conflict"  # default
         when_unavailable = "closed"  # default

    26 conditional  Answers 304 to clients that have the answer, refuses changes of a state that has changed, and asks once for GETs that are alike.
       innermost, so that it sees the application's own answer, and holds a resource only for changes that all others let pass
         etag = "off"  # default
         upstream_tags = false  # default
         if_match = "off"  # default
         if_match_methods = ["PUT", "PATCH", "DELETE"]  # default
         coalesce = false  # default
         max = "1 MiB"  # default
         wait = "5s"  # default
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "the order of all guards is shown")]
fn a_route_shows_its_own_values_and_where_they_were_written() {
    let place = Place::with_config(ROUTE).with_variable("SEAWALL__DEADLINE__CONNECT", "2s");
    let said = place.seawall(&["explain", "POST", "/login"]).ok();
    let own = said.lines().filter(|line| !line.ends_with("# default")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(own, @r#"
    POST /login meets the route POST /login.
    Its guards, in order, with their values and where each comes from:

     1 strict_http  Refuses requests whose meaning is uncertain: hosts, paths, methods and header fields that servers read differently.
       first, so that nothing reads a head that can be read in two ways, and its limits count only what the client sent

     2 request_id  Gives every request an id: in the answer, in the log, and told to the application.
       early, so that whatever follows can be found by its id

     3 trace_context  Continues or begins a W3C trace and tells the application.
       with the id, so that the log line has its trace

     4 client_address  Finds the client's address through trusted proxies and replaces forwarding headers that strangers sent.
       before anything counts or believes an address
         trusted = ["10.0.0.0/8"]  # seawall.toml:4

     5 rescue  Keeps stack traces inside: the application's 5xx answers become problems in production, a panic becomes a 500.
       outermost of the route's guards, so that it sees what the application answered last

     6 compression  Compresses answers that shrink and hold no secret, in the coding that the client wants most.
       next to it, so that it decides on the answer that all others have left, and compresses none that is replaced

     7 security_headers  Adds or corrects security headers on every answer and takes out those that name the application's software.
       outside all that refuse, so that refusals are dressed too

     8 deadline  Bounds every wait: connecting, the answer's head, silence on either side, the whole exchange.
       before anything may wait
         connect = "2s"  # SEAWALL__DEADLINE__CONNECT

     9 retry  Sends a request again when the application failed it and a second time does no harm.
       beside the time limits, which all attempts share

    10 cors  Answers preflights, grants listed origins exactly, refuses others, and checks the origin of WebSockets.
       before the limits, so that a page can read why it was refused and preflights cost it nothing

    11 rate_limit  Limits how often a client may ask, exactly, and tells it where it stands.
       before a place is taken, so that a flood from one address takes none
         limits = ["5/15min per ip"]  # seawall.toml:7

    12 websocket  Checks handshakes and every frame of WebSockets; bounds messages, pings clients, ends what is silent.
       after the limits, so that broken handshakes count too, and before a place is taken

    13 load_shed (reports only)  Serves so many requests at once and refuses the rest early, so that accepted ones stay quick.
       before anything is looked up for a request, so that no more wait for an answer than there are places

    14 authentication  Finds out who a request is from, by a session, a token or an API key, tells the application, and removes what strangers said of it.
       after the limits, so that a flood of credentials asks the store for no more than they let through

    15 csrf  Refuses what pages of other sites have a browser ask with the visitor's cookies, and forms where JSON belongs.
       as soon as it is known what the request shows, so that no page of another site spends what the visitor may ask

    16 principal_rate_limit  Limits how often a person, a key or an organisation may ask, by `[rate_limit]`, the tier, and the key's own rate.
       as soon as it is known who asks, so that what is refused next was counted too
         limits = ["5/15min per ip"]  # seawall.toml:7

    17 access  Lets a route be used by whoever signed in, has a role, or shows a key that holds for it.
       as soon as it is known who asks, and before the body is read

    18 signatures  Refuses requests that no key of the route has signed, that are too old, or that come again.
       after those who may not ask, and before anything that tells what the route takes, so that nobody learns it who cannot sign

    19 versions  Refuses unknown versions of the API, announces the end of old ones, and remembers who still uses them.
       after those who may not ask, so that who uses an old version is somebody who may, and before the body is read

    20 body  Refuses request bodies beyond a size, declared or streamed.
       on the body, which is read only for requests that all others let pass
         max = "10 KB"  # seawall.toml:8

    21 json  Refuses JSON bodies that two readers may read differently, or that are too deep, too wide or too long.
       after the size, which bounds what is read, and before anything that trusts what the body holds

    22 form  Refuses forms that two readers may read differently, that are too large, or that hold files of other types than are taken.
       beside JSON, since a body is one or the other

    23 schema  Refuses requests whose path, query, headers, cookies or body are not what the application's document says.
       after the shape, which reads the body that it compares; its heads are of those who may use the route, so that nobody else learns what it takes

    24 payload_filter (reports only)  Finds values that look like SQL injection, cross-site scripting, path traversal or shell commands; off unless enabled.
       on what is sound, as the last that only looks, so that it guesses about nothing that is refused for certain

    25 idempotency  Carries a request with an idempotency key out once, however often it comes, and gives its answer again.
       last, so that a key is claimed only for a request that nothing else refuses, and each claim is sent on

    26 conditional  Answers 304 to clients that have the answer, refuses changes of a state that has changed, and asks once for GETs that are alike.
       innermost, so that it sees the application's own answer, and holds a resource only for changes that all others let pass
    "#);
}

#[test]
fn a_request_in_json_names_the_same() {
    let place = Place::with_config(ROUTE);
    let said: Value = serde_json::from_str(&place.seawall(&["explain", "post", "/login?a=b", "--json"]).ok()).unwrap();
    assert_eq!(
        (&said["method"], &said["path"], &said["route"]),
        (&"POST".into(), &"/login".into(), &"POST /login".into())
    );
    let guards: Vec<_> =
        said["guards"].as_array().unwrap().iter().map(|guard| guard["guard"].as_str().unwrap()).collect();
    assert_eq!(guards, catalogue::ORDER.iter().map(|step| step.guard.name).collect::<Vec<_>>());
    let limit = guards.iter().position(|guard| *guard == "rate_limit").unwrap();
    let limit = &said["guards"][limit]["values"][0];
    assert_eq!((&limit["value"], &limit["source"]), (&"[\"5/15min per ip\"]".into(), &"seawall.toml:7".into()));
}

#[test]
fn a_path_that_is_refused_is_not_explained_away() {
    insta::assert_snapshot!(Place::new().seawall(&["explain", "GET", "/a/../b"]).refused(64), @"error: this request is refused with invalid-path: the path holds a dot segment");
    assert!(Place::new().seawall(&["explain", "GET", "b"]).refused(64).contains("begins with /"));
    assert!(Place::new().seawall(&["explain", "G T", "/"]).refused(64).contains("is not a method"));
}

#[test]
fn a_problem_is_explained() {
    insta::assert_snapshot!(Place::new().seawall(&["explain", "quota-exceeded"]).ok(), @r#"
    quota-exceeded
    Too many requests

    - code: `RATE_LIMITED`
    - status: 429 Too Many Requests
    - retry: yes, the same request may succeed later
    - whose fault: client
    - severity: medium

    The client, the user, the key or the organisation made more requests than the limit of this route allows. The `RateLimit` field says how it stands, `Retry-After` when the next request fits. Wait that long; asking sooner is refused again, but is not counted.

    For the operator: limits are `limits` in `[rate_limit]`, per route under `[route."METHOD /path"]`, for tiers `[identity.tiers.NAME]`, and what a key was given; the name in `RateLimit` says which it was. If all clients seem to share one address, a proxy stands in front: add it to `trusted` in `[client_address]`.
    "#);
}

#[test]
fn every_problem_is_explained_by_its_slug_its_type_and_as_json() {
    let place = Place::new();
    for problem in catalogue::problems() {
        let by_slug = place.seawall(&["explain", problem.slug]).ok();
        assert!(by_slug.contains(problem.title) && by_slug.contains(problem.code), "{by_slug}");
        assert_eq!(by_slug, place.seawall(&["explain", &format!("/_seawall/problems/{}", problem.slug)]).ok());
        let json: Value = serde_json::from_str(&place.seawall(&["explain", problem.slug, "--json"]).ok()).unwrap();
        assert_eq!((&json["slug"], &json["status"]), (&problem.slug.into(), &problem.status.as_u16().into()));
    }
    assert!(place.seawall(&["explain", "RATE_LIMITED"]).ok().starts_with("quota-exceeded\n"));
}

#[test]
fn what_is_no_problem_is_met_with_those_that_are() {
    insta::assert_snapshot!(Place::new().seawall(&["explain", "nonsense"]).refused(64), @r#"error: "nonsense" is not a problem; known are invalid-host, invalid-path, invalid-request, method-refused, headers-too-large, upstream-error, internal-error, origin-refused, quota-exceeded, limiter-unavailable, invalid-handshake, socket-closed, overloaded, identity-unavailable, invalid-credential, key-address-refused, cross-site-refused, content-type-refused, csrf-token-refused, not-signed-in, not-allowed, confirm-your-identity, second-factor-required, signature-refused, signature-unavailable, api-version-unknown, api-version-gone, request-too-large, unsound-json, encoded-body, unsound-form, file-too-large, file-type-refused, validation-failed, suspicious-payload, idempotency-key-missing, idempotency-key-invalid, idempotency-in-flight, idempotency-key-reused, idempotency-outcome-unknown, idempotency-answer-not-kept, idempotency-keys-spent, idempotency-unavailable, precondition-required, precondition-failed, resource-busy, current-state-unknown, upstream-unreachable, circuit-breaker-open, upstream-busy, bad-gateway, upstream-timeout, request-timeout, bodies-full, uri-too-long, transfer-coding-unknown, version-unsupported, not-found, service-unavailable, admin-host-refused, admin-token-required, admin-key-paused, configuration-refused, reload-not-possible, too-many-connections, outbound-key-needed, outbound-wrong-user, outbound-unknown, llm-model-unknown, llm-route-unknown, llm-question-too-long, llm-conversation-needed, outbound-key-limited, llm-untranslatable, llm-budget-spent, llm-image-late, outbound-not-allowed, outbound-bad-call, outbound-too-large, outbound-no-room, outbound-away, outbound-failed, outbound-late, outbound-led-away, sign-in-refused, wrong-password, password-refused, name-taken, invalid-input, json-required, https-required, session-required, code-refused, password-again, reset-refused, factor-conflict, scope-required, sign-in-unavailable, device-pending, device-slow-down, device-refused, too-many-pairings, link-refused, too-many-mails, mail-unavailable, issuer-refused, issuer-unavailable, not-linked, linked-elsewhere, passkey-refused, passkey-invalid, passkey-conflict, passkeys-unavailable"#);
    assert!(
        Place::new()
            .seawall(&["explain", "/users"])
            .refused(64)
            .contains("help: to explain a request, name its method too: seawall explain GET /users")
    );
}

#[test]
fn a_request_is_explained_as_it_is_served() {
    let place = Place::new();
    assert!(place.seawall(&["explain", "GET", "/a%2Fb"]).refused(64).contains("invalid-path"));
    let passes = Place::with_config("strict_http.encoded_slash = \"pass\"\n");
    passes.seawall(&["explain", "GET", "/a%2Fb"]).ok();
    let own = Place::with_config("mode = \"report\"\n").seawall(&["explain", "GET", "/_seawall/health/live"]).ok();
    assert!(own.contains("/_seawall/*") && !own.contains("(reports only)"), "{own}");
}

/// Where passwords are tried, other limits hold than elsewhere, and they come from another section.
#[test]
fn routes_of_our_own_are_explained_by_their_names_with_their_limits() {
    let config = "[rate_limit]\nlimits = [\"70/min per ip\"]\n\n[identity]\nenabled = true\nsign_in_limits = [\"3/min per ip\"]\n";
    let place = Place::with_config(config);
    let explained = |path: &str| -> (String, String, String) {
        let said = place.seawall(&["explain", "POST", path, "--json"]).ok();
        let said: Value = serde_json::from_str(&said).unwrap();
        let guards = said["guards"].as_array().unwrap();
        let limit = &guards.iter().find(|guard| guard["guard"] == "rate_limit").unwrap()["values"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&said["route"]), text(&limit["value"]), text(&limit["source"]))
    };
    let expect =
        |route: &str, limit: &str, source: &str| (route.to_owned(), format!("[\"{limit}\"]"), source.to_owned());
    assert_eq!(
        explained("/_seawall/auth/sign-in"),
        expect("/_seawall/auth/sign-in", "3/min per ip", "sign_in_limits in [identity]")
    );
    assert_eq!(
        explained("/_seawall/auth/refresh"),
        expect("/_seawall/auth/refresh", "70/min per ip", "seawall.toml:2")
    );
    assert_eq!(explained("/_seawall/health/live"), expect("/_seawall/*", "70/min per ip", "seawall.toml:2"));
}
