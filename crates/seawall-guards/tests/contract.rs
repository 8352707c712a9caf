//! The contract of every guard, kept by the proxy's loop and by the tower layer alike: the same requests get the same
//! decisions, in both modes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use std::{convert::Infallible, fmt::Debug, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use seawall_core::{
    Mode,
    authenticator::{Authenticator, Credential, Credentials, Found, Presented},
    clock::{Clock, Now},
    meter::NoMeter,
    principal::{Principal, SessionFacts},
    reply::{PortError, Reply},
    settings::{Raw, Setting as _},
};
use seawall_guards::{
    AnswerHead, Context, Counted, End, Flow, Guard, GuardEntry, GuardLayer, Head, Peer, Policy, Seed, Shared, Step,
    Stop, Verdict, access, authentication, body, cors, load_shed, problem::Pages, rate_limit, request_id, rescue,
    security_headers, strict_http,
};
use tower::{Service, ServiceExt};
use tower_layer::Layer;

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Now {
        Now { monotonic_us: 5_000_000, unix_us: 1_800_000_000_000_000 }
    }
}

type Seen = (StatusCode, HeaderMap, String);

/// A request: method, target, headers, chunks of its body.
type Sent<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'static str]);

fn head(sent: Sent<'_>) -> http::request::Builder {
    let (method, target, headers, _) = sent;
    let peer = Peer::new(IpAddr::from([127, 0, 0, 1]), false);
    let request = Request::builder().method(method).uri(target).extension(peer);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn chunks(sent: Sent<'_>) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send + use<> {
    let chunks =
        sent.3.iter().map(|chunk| Ok(http_body::Frame::data(Bytes::from_static(chunk.as_bytes())))).collect::<Vec<_>>();
    StreamBody::new(futures_util::stream::iter(chunks))
}

/// An application that fails on /fail, grants everyone, and otherwise says how much it got.
async fn application<B: http_body::Body<Data = Bytes>>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B::Error: Debug,
{
    let failing = request.uri().path() == "/fail";
    let collected = request.into_body().collect().await;
    let received = collected.map_or(0, |body| body.to_bytes().len());
    let status = if failing { 500 } else { 200 };
    Ok(Response::builder()
        .status(status)
        .header("server", "careless")
        .body(Full::new(Bytes::from(format!("got {received}"))))
        .unwrap())
}

/// As the proxy does it.
async fn through_loop<G: Guard + 'static>(
    entry: &'static GuardEntry,
    guard: Arc<G>,
    mode: Mode,
    sent: Sent<'_>,
) -> Seen {
    let policy = Policy::single("*".into(), Step::new(entry, guard, mode, "*", &NoMeter));
    let pages = Pages::new("", false);
    let (mut head, ()) = head(sent).body(()).unwrap().into_parts();
    let peer = Peer::new(IpAddr::from([127, 0, 0, 1]), false);
    let mut context = Context::new(peer, &head.headers, StoppedClock.now(), Seed::default(), "*".into());
    let mut flow = policy.head(&mut head, &mut context);
    while let Flow::Later(place, wait) = flow {
        flow = policy.settle(place, wait.await, &mut head, &mut context);
    }
    let mut sent_on = false;
    if let Flow::Pass = flow {
        sent_on = true;
        let watch = policy.watch();
        let answer = application(Request::from_parts(head, Counted::new(chunks(sent), watch.clone()))).await.unwrap();
        let (mut answer, body) = answer.into_parts();
        let exceeded = watch.is_some_and(|watch| watch.exceeded());
        let mut stop = if exceeded { policy.body_exceeded(&mut context) } else { None };
        if stop.is_none() {
            stop = policy.answer(&mut answer, &mut context);
        }
        flow = Flow::Stop(match stop {
            Some(stop) => stop,
            None => {
                let bytes = body.collect().await.unwrap().to_bytes();
                Stop::Answered(Box::new(Response::from_parts(answer, bytes)))
            }
        });
    }
    let answer = match flow {
        Flow::Stop(Stop::Refused(problem)) => pages.render(&problem, &mut context),
        Flow::Stop(Stop::Answered(answer)) => *answer,
        other => panic!("{other:?}"),
    };
    let (mut answer, body) = answer.into_parts();
    policy.dress(&mut answer, &context);
    policy.finish(&End { sent: sent_on, status: Some(answer.status) }, &context);
    (answer.status, answer.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// As a Rust application does it.
async fn through_layer<G: Guard + 'static>(layer: &GuardLayer<G>, sent: Sent<'_>) -> Seen {
    let mut service = layer.layer(tower::service_fn(application));
    let answer = service.ready().await.unwrap().call(head(sent).body(chunks(sent)).unwrap()).await.unwrap();
    let (answer, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (answer.status, answer.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Sends the requests both ways, each way with a guard of its own, and compares statuses and problem codes with `expect`.
async fn check<G: Guard + 'static>(
    entry: &'static GuardEntry,
    make: impl Fn() -> G,
    mode: Mode,
    requests: &[(Sent<'_>, u16, &str)],
) {
    let in_loop = Arc::new(make());
    let layer = GuardLayer::new(entry, make()).mode(mode).clock(Arc::new(StoppedClock));
    for &(sent, status, code) in requests {
        for (way, (seen, _, text)) in [
            ("loop", through_loop(entry, Arc::clone(&in_loop), mode, sent).await),
            ("layer", through_layer(&layer, sent).await),
        ] {
            assert_eq!(seen.as_u16(), status, "{} by {way}: {sent:?} gave {text}", entry.name);
            assert!(text.contains(code), "{} by {way}: {sent:?} gave {text}, without {code}", entry.name);
        }
    }
}

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

const HOST: (&str, &str) = ("host", "app.example");

#[derive(Debug)]
struct Knows;

impl Authenticator for Knows {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        let (Credential::Session(value) | Credential::Key(value) | Credential::Token(value)) = presented.credential;
        let found = if value == b"broken" { Err(PortError::Unavailable) } else { Ok(Found::Nobody) };
        Reply::Later(Box::pin(async { found }))
    }
}

#[tokio::test]
async fn authentication() {
    let closed = || {
        let credentials = Credentials::new("session".into(), Arc::new(Knows));
        let values = authentication::values().with("when_unavailable", text("closed"));
        let shared = Shared {
            rates: rate_limit::MemoryRates::new(1_024, &NoMeter),
            local_rates: None,
            meter: Arc::new(NoMeter),
            permits: load_shed::Permits::default(),
            credentials: Some(credentials),
        };
        authentication::AuthenticationGuard::read(&values, &shared).unwrap()
    };
    let requests: &[(Sent<'_>, u16, &str)] = &[
        (("GET", "/", &[HOST], &[]), 200, "got 0"),
        (("GET", "/", &[HOST, ("cookie", "session=unknown")], &[]), 200, "got 0"),
        (("GET", "/", &[HOST, ("cookie", "session=broken")], &[]), 503, "SERVICE_UNAVAILABLE"),
        (("GET", "/", &[HOST, ("x-api-key", "sw_live_unknown")], &[]), 401, "INVALID_CREDENTIAL"),
    ];
    check(&authentication::ENTRY, closed, Mode::Enforce, requests).await;
    check(&authentication::ENTRY, closed, Mode::Report, requests).await;
}

#[tokio::test]
async fn access() {
    let users = || access::AccessGuard::new(vec![access::Requirement::read(&text("user")).unwrap()], false);
    let request: Sent<'_> = ("GET", "/", &[HOST], &[]);
    check(&access::ENTRY, users, Mode::Enforce, &[(request, 401, "UNAUTHORIZED")]).await;
    check(&access::ENTRY, users, Mode::Report, &[(request, 200, "got 0")]).await;
}

#[tokio::test]
async fn body() {
    let small = || body::BodyGuard::read(&body::values().with("max", text("4 B"))).unwrap();
    let declared: Sent<'_> = ("POST", "/", &[("content-length", "5")], &["12345"]);
    let streamed: Sent<'_> = ("POST", "/", &[], &["123", "45"]);
    let fits: Sent<'_> = ("POST", "/", &[], &["12", "34"]);
    let refused = [(declared, 413, "REQUEST_TOO_LARGE"), (streamed, 413, "REQUEST_TOO_LARGE"), (fits, 200, "got 4")];
    check(&body::ENTRY, small, Mode::Enforce, &refused).await;
    check(
        &body::ENTRY,
        small,
        Mode::Report,
        &[(declared, 200, "got 5"), (streamed, 200, "got 5"), (fits, 200, "got 4")],
    )
    .await;
}

#[tokio::test]
async fn rate_limit() {
    let values = rate_limit::values().with("limits", text("2/min per ip"));
    let make = || {
        rate_limit::RateLimitGuard::read(&values, "*", rate_limit::MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap()
    };
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    check(&rate_limit::ENTRY, make, Mode::Enforce, &[(get, 200, ""), (get, 200, ""), (get, 429, "RATE_LIMITED")]).await;
    check(&rate_limit::ENTRY, make, Mode::Report, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
}

/// Limits whoever authentication would have found.
#[derive(Debug)]
struct Ann(rate_limit::PrincipalRateLimitGuard);

impl Guard for Ann {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let session = SessionFacts {
            id: "s1".into(),
            authenticated_at_unix_us: 1,
            expires_at_unix_us: None,
            second_factor: false,
        };
        context.principal = Some(Arc::new(Principal::user("u1", "Ann", &[], session).unwrap()));
        self.0.head(head, context)
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        self.0.dress(answer, context);
    }
}

#[tokio::test]
async fn principal_rate_limit() {
    let make = || {
        let values = rate_limit::values().with("limits", text("2/min per user"));
        let rates = rate_limit::MemoryRates::new(1_024, &NoMeter);
        Ann(rate_limit::PrincipalRateLimitGuard::read(&values, "*", true, rates).unwrap())
    };
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    let entry = &rate_limit::BY_PRINCIPAL;
    check(entry, make, Mode::Enforce, &[(get, 200, ""), (get, 200, ""), (get, 429, "RATE_LIMITED")]).await;
    check(entry, make, Mode::Report, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
}

#[tokio::test]
async fn load_shed() {
    for mode in [Mode::Enforce, Mode::Report] {
        let make = || {
            load_shed::LoadShedGuard::read(
                &load_shed::values().with("max_in_flight", Raw::Integer(1)),
                load_shed::Permits::default().places("*"),
            )
            .unwrap()
        };
        let get: Sent<'_> = ("GET", "/", &[], &[]);
        check(&load_shed::ENTRY, make, mode, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
    }
}

#[tokio::test]
async fn cors() {
    let values = cors::values().with("origins", text("https://app.example.com"));
    let make = || cors::CorsGuard::read(&values, seawall_core::Environment::Production).unwrap();
    let asks = ("access-control-request-method", "PUT");
    let listed: Sent<'_> = ("OPTIONS", "/", &[HOST, ("origin", "https://app.example.com"), asks], &[]);
    let other: Sent<'_> = ("OPTIONS", "/", &[HOST, ("origin", "https://evil.example"), asks], &[]);
    check(&cors::ENTRY, make, Mode::Enforce, &[(listed, 204, ""), (other, 403, "ORIGIN_REFUSED")]).await;
    check(&cors::ENTRY, make, Mode::Report, &[(listed, 204, ""), (other, 200, "got 0")]).await;
}

#[tokio::test]
async fn rescue() {
    let make = || rescue::RescueGuard::read(&rescue::values(), seawall_core::Environment::Production).unwrap();
    let fails: Sent<'_> = ("GET", "/fail", &[], &[]);
    check(&rescue::ENTRY, make, Mode::Enforce, &[(fails, 500, "UPSTREAM_ERROR")]).await;
    check(&rescue::ENTRY, make, Mode::Report, &[(fails, 500, "got 0")]).await;
}

#[tokio::test]
async fn strict_http_is_enforced_in_either_mode() {
    let make =
        || strict_http::StrictHttpGuard::read(&strict_http::values(), seawall_core::meter::Handle::none()).unwrap();
    let dots: Sent<'_> = ("GET", "/a/../b", &[HOST], &[]);
    let trace: Sent<'_> = ("TRACE", "/", &[HOST], &[]);
    for mode in [Mode::Enforce, Mode::Report] {
        check(&strict_http::ENTRY, make, mode, &[(dots, 400, "INVALID_PATH"), (trace, 405, "METHOD_NOT_ALLOWED")])
            .await;
    }
}

#[tokio::test]
async fn answers_are_dressed_either_way() {
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    let guard = || {
        security_headers::SecurityHeadersGuard::read(&security_headers::values(), seawall_core::Environment::Production)
            .unwrap()
            .unwrap()
    };
    let layer = GuardLayer::new(&security_headers::ENTRY, guard());
    for (_, headers, _) in [
        through_loop(&security_headers::ENTRY, Arc::new(guard()), Mode::Enforce, get).await,
        through_layer(&layer, get).await,
    ] {
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(!headers.contains_key("server"));
    }
    let guard = || request_id::RequestIdGuard::read(&request_id::values(), Vec::new().into()).unwrap();
    let layer = GuardLayer::new(&request_id::ENTRY, guard());
    for (_, headers, _) in [
        through_loop(&request_id::ENTRY, Arc::new(guard()), Mode::Enforce, get).await,
        through_layer(&layer, get).await,
    ] {
        assert_eq!(headers["x-request-id"].len(), 36);
    }
}
