//! How a guard is asked: as the proxy does it, and as a Rust application does.

use std::{convert::Infallible, fmt::Debug, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::NoMeter,
    settings::Raw,
};
use seawall_guards::{
    AnswerHead, Context, Counted, End, Flow, Guard, GuardEntry, GuardLayer, Head, HeldFlow, Inspection, Peer, Policy,
    Seed, Step, Stop, problem::Pages,
};
use tower::{Service, ServiceExt};
use tower_layer::Layer;

#[derive(Debug)]
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Now {
        Now { monotonic_us: 5_000_000, unix_us: 1_800_000_000_000_000 }
    }
}

pub(crate) type Seen = (StatusCode, HeaderMap, String);

/// A request: method, target, headers, chunks of its body.
pub(crate) type Sent<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'static str]);

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
pub(crate) async fn through_loop<G: Guard + 'static>(
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
    if let Flow::Pass = flow
        && let Some(mut inspection) = policy.inspect(&mut head, None, &mut context).transpose()
    {
        flow = show(&policy, &mut inspection, sent, &mut head, &mut context).await;
    }
    let mut sent_on = false;
    if let Flow::Pass = flow {
        sent_on = true;
        let watch = policy.watch();
        let answer = application(Request::from_parts(head, Counted::new(chunks(sent), watch.clone()))).await.unwrap();
        let (mut answer, body) = answer.into_parts();
        let following = policy.follow(&answer, &mut context);
        let exceeded = watch.is_some_and(|watch| watch.exceeded());
        let mut stop = if exceeded { policy.body_exceeded(&mut context) } else { None };
        if stop.is_none() {
            stop = policy.answer(&mut answer, &mut context);
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        if let Some(mut following) = following {
            let whole = bytes.chunks(3).all(|part| following.part(part));
            following.end(whole).into_iter().for_each(|rest| rest());
        }
        if stop.is_none() {
            stop = hold(&policy, &mut answer, &bytes, &mut context).await;
        }
        flow = Flow::Stop(match stop {
            Some(stop) => stop,
            None => Stop::Answered(Box::new(Response::from_parts(answer, bytes))),
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

/// Shows the body to the guard.
async fn show(
    policy: &Policy,
    inspection: &mut Result<Inspection, Stop>,
    sent: Sent<'_>,
    head: &mut Head,
    context: &mut Context,
) -> Flow {
    let inspection = match inspection {
        Ok(inspection) => inspection,
        Err(Stop::Refused(problem)) => return Flow::Stop(Stop::Refused(problem.clone())),
        Err(stop) => panic!("{stop:?}"),
    };
    for chunk in sent.3 {
        if let Some(stop) = policy.inspect_part(inspection, chunk.as_bytes(), context) {
            return Flow::Stop(stop);
        }
    }
    let mut flow = policy.inspected(inspection, head, context);
    while let Flow::Later(place, wait) = flow {
        flow = policy.inspected_after(place, wait.await, inspection, head, context);
    }
    flow
}

/// Shows the answer to a guard that holds it.
async fn hold(policy: &Policy, answer: &mut AnswerHead, body: &[u8], context: &mut Context) -> Option<Stop> {
    let mut holding = policy.hold(answer, context)?;
    let whole = body.chunks(3).all(|part| holding.part(part));
    let mut flow = policy.held(&mut holding, whole, answer, context);
    loop {
        match flow {
            HeldFlow::Pass => return None,
            HeldFlow::Stop(stop) => return Some(stop),
            HeldFlow::Later(place, wait) => {
                let said = (place, wait.await);
                flow = policy.held_after(said, &mut holding, whole, answer, context);
            }
        }
    }
}

/// As a Rust application does it.
pub(crate) async fn through_layer<G: Guard + 'static>(layer: &GuardLayer<G>, sent: Sent<'_>) -> Seen {
    let mut service = layer.layer(tower::service_fn(application));
    let answer = service.ready().await.unwrap().call(head(sent).body(chunks(sent)).unwrap()).await.unwrap();
    let (answer, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (answer.status, answer.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Sends the requests both ways, each way with a guard of its own, and compares statuses and problem codes with `expect`.
pub(crate) async fn check<G: Guard + 'static>(
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

pub(crate) fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

pub(crate) const HOST: (&str, &str) = ("host", "app.example");
