//! One call of a language model: read, led to its provider, and answered in the words that it was made in.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::BodyExt;
use seawall_core::{clock::Now, problem::Problem};
use seawall_resilience::Deadline;

use super::{
    account::{Account, Begun},
    budget::{Budgets, Treasury, unaffordable},
    config::LlmSettings,
    estimate::Length,
    fields::{cleaned, named},
    meters::Meters,
    operation::{Dialect, Operation, asked},
    price::Prices,
    record::{Outcome, Records},
    refusal,
    sketch::Sketch,
    stream::Streamed,
    target::{Directory, Provider, Question, Target},
    watch::Watch,
    whole::Whole,
};
use crate::{
    body::{Body, whole},
    caller::Caller,
    endpoint::{Answer, CallError, Surroundings},
    problem::{BAD_CALL, IMAGE_LATE, LATE, NO_SUCH_OUTBOUND, of},
    service::{Answered, Call},
};

static PROJECT: HeaderName = HeaderName::from_static("x-seawall-project");
static CONVERSATION: HeaderName = HeaderName::from_static("x-seawall-conversation");
static ATTEMPTS: HeaderName = HeaderName::from_static("x-seawall-attempts");
static SERVED_BY: HeaderName = HeaderName::from_static("x-seawall-provider");
static SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// All that calls of one configuration go by.
#[derive(Debug)]
pub(crate) struct Gateway {
    directory: Directory,
    budgets: Budgets,
    prices: Arc<Prices>,
    image_timeout: Duration,
    meters: Arc<Meters>,
}

/// What outlives configurations: where calls are recorded, and what they may cost.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) records: Records,
    pub(crate) treasury: Treasury,
}

/// Whose call it is, as far as its row says.
struct Whose {
    at: Now,
    caller: Caller,
    project: Option<String>,
    conversation: Option<String>,
}

/// A call that was refused: in the words of its dialect, when that is known.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Option<Dialect>, pub(crate) Box<Problem>);

impl Gateway {
    /// The providers and models of these settings. What an earlier one learnt of those that stay is kept.
    pub(crate) fn new(settings: LlmSettings, earlier: Option<&Self>, around: &Surroundings) -> Result<Self, String> {
        let LlmSettings { ceiling, providers, models, budgets, most_output, image_timeout } = settings;
        let directory = Directory::new(providers, models, earlier.map(|earlier| &earlier.directory), around)?;
        let configured = directory.configured().collect();
        let meters = Meters::new(Arc::clone(&around.meter), configured, earlier.map(|earlier| &*earlier.meters));
        let prices = Arc::new(Prices { ceiling });
        let budgets = Budgets { all: budgets, most_output };
        Ok(Self { directory, budgets, prices, image_timeout, meters: Arc::new(meters) })
    }

    /// Answers a call. `path` is what follows `/llm`.
    pub(crate) async fn answer(
        &self,
        call: Call,
        path: &str,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Refused> {
        let at = around.clock.now();
        let Call { mut head, body, caller } = call;
        let [project, conversation] = [&PROJECT, &CONVERSATION].map(|name| named(&mut head.headers, name));
        let whose = Whose { at, caller, project, conversation };
        let asked = asked(&head.method, path, &head.headers);
        let asked = asked.ok_or_else(|| Refused(None, Problem::new(&NO_SUCH_OUTBOUND).detail(KNOWN_PATHS).into()))?;
        let dialect = asked.dialect;
        let refused = |problem: Box<Problem>| Refused(Some(dialect), problem);
        let sketch = (!body.is_empty()).then(|| Sketch::of(&body)).transpose();
        let sketch = sketch.map_err(|wrong| refused(Problem::new(&BAD_CALL).detail(wrong).into()))?;
        let question = Question { asked, sketch, head, body };
        let target = self.directory.target(dialect, question.model()).map_err(refused)?;
        self.ask(&question, &target, &whose, books, around).await.map_err(refused)
    }

    /// Asks one provider, within the budgets, and writes the call's row however it ends.
    async fn ask(
        &self,
        question: &Question<'_>,
        target: &Target,
        whose: &Whose,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Box<Problem>> {
        let deadline = Deadline::after(self.time(question, target));
        let begun = begun(question, target, whose);
        let (outgoing, hides_usage) = target.outgoing(question, self.budgets.most_output())?;
        let reserved = self.budgets.reserve(&begun, question.most_output(), &self.prices, &books.treasury).await;
        let (prices, meters) = (Arc::clone(&self.prices), Arc::clone(&self.meters));
        let mut account = Account::open(begun, prices, meters, books.records.clone(), Arc::clone(&around.clock));
        match reserved {
            Ok(Some(reservation)) => account.reserve(reservation),
            Ok(None) => {}
            Err(spent) => {
                let problem = unaffordable(&spent, around.clock.now());
                account.failed(problem.status().as_u16(), 0, false);
                account.settle(Outcome::Refused, Some(spent.to_string()));
                return Err(problem.into());
            }
        }
        account.asking();
        match target.provider.endpoint.call(&outgoing, deadline).await {
            Ok(answer) => passed_on(&target.provider, answer, account, hides_usage),
            Err(error) => Err(failed(&target.provider, &error, account).into()),
        }
    }

    /// How long all attempts of a call may take.
    fn time(&self, question: &Question<'_>, target: &Target) -> Duration {
        match question.asked.operation {
            Operation::Images => self.image_timeout.saturating_mul(u32::try_from(question.count()).unwrap_or(u32::MAX)),
            _ => target.provider.settings.endpoint.clocks.total,
        }
    }
}

/// What is known of a call before its answer.
fn begun(question: &Question<'_>, target: &Target, whose: &Whose) -> Begun {
    let Question { asked, sketch, head, body } = question;
    let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    Begun {
        at: whose.at,
        request_id,
        caller: Arc::clone(&whose.caller.key),
        user: whose.caller.user.clone(),
        project: whose.project.clone(),
        conversation: whose.conversation.clone(),
        provider: Arc::clone(&target.provider.name),
        dialect: asked.dialect,
        operation: asked.operation,
        model: target.model.clone(),
        price: target.price,
        streamed: asked.streams || sketch.as_ref().is_some_and(|sketch| sketch.streams),
        question: if asked.operation.costs() { Length::of_json(body) } else { Length::default() },
        count: question.count(),
    }
}

/// What is answered, and recorded, where a provider gave no answer.
fn failed(provider: &Provider, error: &CallError, mut account: Account) -> Problem {
    let mut problem = of(error, &provider.name);
    if account.operation() == Operation::Images && problem.kind.slug == LATE.slug {
        problem.kind = &IMAGE_LATE;
    }
    let (attempts, sent) = attempts_of(error);
    account.failed(problem.status().as_u16(), attempts, sent);
    account.settle(Outcome::Failed, Some(error.to_string()));
    tracing::warn!(outbound.name = &*provider.name, %error, "a provider gave no answer");
    problem.header(SHOULD_RETRY.clone(), HeaderValue::from_static("false"))
}

/// A provider's answer, as the application gets it.
fn passed_on(
    provider: &Provider,
    answer: Answer,
    mut account: Account,
    hides_usage: bool,
) -> Result<Answered, Box<Problem>> {
    let Answer { mut head, body, attempts } = answer;
    account.answered(head.status.as_u16(), attempts);
    cleaned(&mut head)?;
    head.headers.insert(&ATTEMPTS, HeaderValue::from(attempts));
    if let Ok(name) = HeaderValue::from_str(&provider.name) {
        head.headers.insert(&SERVED_BY, name);
    }
    let good = head.status.is_success();
    if !good && attempts >= provider.settings.endpoint.retry.attempts {
        // A client that tried again too would make nine attempts of three.
        head.headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    let body = if good && head.headers.get(CONTENT_TYPE).is_some_and(events) {
        head.headers.remove(CONTENT_LENGTH);
        let watch = Watch::new(account.dialect(), account.operation(), hides_usage);
        Streamed::new(body, watch, account).boxed_unsync()
    } else {
        Whole::new(body, good, account).boxed_unsync()
    };
    Ok(Answered { response: Response::from_parts(head, body), attempts })
}

/// What is said of a path that nobody knows.
const KNOWN_PATHS: &str = "Language models are called as /llm/v1/chat/completions, responses, embeddings, images/generations or messages, and as \
    /llm/v1beta/models/MODEL:generateContent and its like.";

/// How many attempts were made, and whether the provider may have had one.
const fn attempts_of(error: &CallError) -> (u32, bool) {
    match error {
        CallError::Open(_) | CallError::Full(_) => (0, false),
        CallError::Failed { attempts, sent, .. } => (*attempts, *sent),
        CallError::TimedOut { attempts } => (*attempts, true),
    }
}

/// A refusal as its caller understands it.
pub(crate) fn rendered(dialect: Dialect, problem: &Problem, request_id: &str) -> Response<Body> {
    let body = refusal::body(dialect, problem, request_id).to_string();
    let mut response = Response::new(whole(body.into()));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in &problem.headers {
        headers.insert(name, value.clone());
    }
    // What will not help is not to be tried again; what may, the client decides on by the status.
    if !problem.kind.retryable && problem.status() != StatusCode::UNAUTHORIZED {
        headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}
