//! One call: read, found out what happens to it, answered.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::Value;

use super::{
    ask::{Ask, hash},
    behaviour::{Behaviour, Says, Trouble},
    body::Played,
    dialect::{Asked, Dialect, Provider},
    openai,
    refused::{Refused, Why},
    reply::Reply,
    route::{self, Endpoint, Route},
    state::{Shared, Watch},
    steps::{self, Steps},
    studio,
};

/// The longest request.
const MOST_BODY_BYTES: usize = 32 << 20;

const JSON: &str = "application/json";

/// What is sent.
#[derive(Debug)]
struct Answer {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    steps: Steps,
    /// Nothing is sent for so long.
    silence: Duration,
    /// Nothing is ever sent.
    hangs: bool,
}

/// Answers a call.
pub(super) async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Response<Played> {
    let (head, body) = request.into_parts();
    let watch = Watch::begin(&shared, &head);
    let body = Limited::new(body, MOST_BODY_BYTES).collect().await.map(Collected::to_bytes);
    if let Ok(body) = &body {
        watch.set_body(body);
    }
    let answer = decide(&shared, &head, body.ok().as_ref(), &watch.request_id());
    if answer.hangs {
        std::future::pending::<()>().await;
    }
    if !answer.silence.is_zero() {
        tokio::time::sleep(answer.silence).await;
    }
    watch.set_status(answer.status);
    answer.into_response(watch)
}

fn decide(shared: &Shared, head: &Parts, body: Option<&Bytes>, request_id: &str) -> Answer {
    let (provider, behaviour, made) = match route::find(&head.method, head.uri.path(), &head.headers) {
        Ok(route) => {
            let mut behaviour = Behaviour::default();
            let made = carried_out(shared, head, body, &route, &mut behaviour);
            (route.provider, behaviour, made)
        }
        Err((provider, refused)) => (provider, Behaviour::default(), Err(refused)),
    };
    let mut answer = made.unwrap_or_else(|refused| Answer::refused(provider, &refused, request_id));
    answer.headers.extend(provider.headers(request_id));
    Answer { silence: behaviour.slow_headers, hangs: behaviour.hang, ..answer }
}

/// Answers, and says what was asked for meanwhile, because it holds for refusals too.
fn carried_out(
    shared: &Shared,
    head: &Parts,
    body: Option<&Bytes>,
    route: &Route<'_>,
    behaviour: &mut Behaviour,
) -> Result<Answer, Refused> {
    let null = Value::Null;
    let query = head.uri.query().unwrap_or_default();
    let asked = |body, model| Asked { headers: &head.headers, query, body, model, action: route.action };
    if !matches!(route.endpoint, Endpoint::Picture) {
        route.provider.check_key(&asked(&null, ""))?;
    }
    let body = body.ok_or_else(|| {
        Refused::new(413, Why::Request, format!("the body did not come whole within {MOST_BODY_BYTES} bytes"))
    })?;
    let json = if head.method == "GET" { Ok(Value::Null) } else { serde_json::from_slice(body) };
    let json = json.map_err(|error| Refused::request(format!("the body is no JSON: {error}")))?;
    let asked = asked(&json, route.model.or_else(|| json["model"].as_str()).unwrap_or_default());
    match route.endpoint {
        Endpoint::Generates(dialect) => {
            let ask = (dialect.read)(&asked)?;
            *behaviour = wished(shared, &studio::model(&ask.model, &ask.prompt), ask.prompt.as_bytes())?;
            refuse(behaviour, ask.stream, ask.input_tokens())?;
            Ok(generated(dialect, &ask, behaviour))
        }
        Endpoint::Tells(tell) => {
            let prompt = json["prompt"].as_str().unwrap_or_default();
            *behaviour = wished(shared, &studio::model(asked.model, prompt), body)?;
            refuse(behaviour, false, body.len().div_ceil(4))?;
            let mut value = tell(&asked)?;
            if let Some(fields) = value.as_object_mut().filter(|_| behaviour.no_usage) {
                fields.remove("usage");
            }
            Ok(Answer::plain(JSON, steps::whole(behaviour, &value.to_string(), 0)))
        }
        Endpoint::Picture => Ok(Answer::plain("image/png", steps::plain(openai::picture()))),
    }
}

fn wished(shared: &Shared, model: &str, prompt: &[u8]) -> Result<Behaviour, Refused> {
    let prompt = hash(&[model.as_bytes(), b"\n", prompt].concat());
    shared.behaviour(model, prompt).map_err(|error| Refused::new(404, Why::Model, error.to_string()))
}

fn refuse(behaviour: &Behaviour, stream: bool, tokens: usize) -> Result<(), Refused> {
    if let Some(status) = behaviour.status {
        return Err(Refused::wished(status, behaviour.retry_after_s));
    }
    if behaviour.says == Says::Context {
        return Err(Refused::context(tokens));
    }
    if behaviour.trouble == Some(Trouble::ErrorFrame) && !stream {
        return Err(Refused::wished(500, behaviour.retry_after_s));
    }
    Ok(())
}

fn generated(dialect: &Dialect, ask: &Ask, behaviour: &Behaviour) -> Answer {
    let reply = Reply::new(ask, behaviour);
    if !ask.stream {
        let body = (dialect.whole)(ask, &reply).to_string();
        return Answer::plain(JSON, steps::whole(behaviour, &body, reply.output_tokens * ask.choices));
    }
    let frames = (dialect.frames)(ask, &reply);
    let error = Refused::wished(500, behaviour.retry_after_s);
    let error = (dialect.error_frame)(ask, &error, steps::place(behaviour, &frames));
    let steps = steps::stream(behaviour, frames, error);
    Answer::plain(if ask.array { JSON } else { "text/event-stream; charset=utf-8" }, steps)
}

impl Answer {
    const fn plain(content_type: &'static str, steps: Steps) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), steps, silence: Duration::ZERO, hangs: false }
    }

    fn refused(provider: Provider, refused: &Refused, request_id: &str) -> Self {
        let body = provider.error(refused, request_id).to_string();
        let headers = provider.retry_after(refused).into_iter().collect();
        Self { status: refused.status, headers, ..Self::plain(JSON, steps::plain(body)) }
    }

    fn into_response(self, watch: Watch) -> Response<Played> {
        let mut response = Response::new(Played::new(self.steps.steps, watch));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(length) = self.steps.length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
