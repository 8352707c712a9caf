//! What a call can be refused with, and why a service that was asked gave no answer.

use http::StatusCode;
use seawall_core::problem::{Fault as Whose, Problem, ProblemType, Severity};
use seawall_resilience::{BulkheadFull, Late};

use crate::{client::Fault, endpoint::CallError};

/// Every problem of the outbound listener.
pub static PROBLEMS: [&ProblemType; 19] = [
    &KEY_NEEDED,
    &WRONG_USER,
    &NO_SUCH_OUTBOUND,
    &NO_SUCH_MODEL,
    &NO_SUCH_ROUTE,
    &QUESTION_TOO_LONG,
    &CONVERSATION_NEEDED,
    &KEY_LIMITED,
    &UNTRANSLATABLE,
    &BUDGET_SPENT,
    &IMAGE_LATE,
    &NOT_ALLOWED,
    &BAD_CALL,
    &TOO_LARGE,
    &NO_ROOM,
    &AWAY,
    &FAILED,
    &LATE,
    &LED_AWAY,
];

pub(crate) static KEY_NEEDED: ProblemType = ProblemType {
    slug: "outbound-key-needed",
    code: "OUTBOUND_KEY_NEEDED",
    status: StatusCode::UNAUTHORIZED,
    title: "The application key is missing or wrong",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Medium,
    documentation: "Calls through Seawall need the application's key: `Authorization: Bearer KEY`, `X-Seawall-Key`, or where the clients of language models send theirs (`x-api-key`, `x-goog-api-key`).\n\nFor the operator: the key is `key` in `[outbound]`, or `outbound.key` in the data directory; an application that Seawall starts finds it in `SEAWALL_KEY`.",
};

pub(crate) static WRONG_USER: ProblemType = ProblemType {
    slug: "outbound-wrong-user",
    code: "OUTBOUND_WRONG_USER",
    status: StatusCode::UNAUTHORIZED,
    title: "The token of the user does not hold",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Medium,
    documentation: "The call names a user by `X-Seawall-Token`, and the token has expired or is none of this installation. Hand on the token of the request that is being answered, as it came.\n\nFor the operator: Seawall gives the application that token with each request of a principal; it holds for minutes.",
};

pub(crate) static NO_SUCH_OUTBOUND: ProblemType = ProblemType {
    slug: "outbound-unknown",
    code: "OUTBOUND_UNKNOWN",
    status: StatusCode::NOT_FOUND,
    title: "No service of this name is configured",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "The first part of the path names the service: `/out/NAME/…`.\n\nFor the operator: services are `[outbound.NAME]` in the configuration.",
};

pub(crate) static NO_SUCH_MODEL: ProblemType = ProblemType {
    slug: "llm-model-unknown",
    code: "LLM_MODEL_UNKNOWN",
    status: StatusCode::NOT_FOUND,
    title: "No provider has this model",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "A call names its model, and the model leads to a provider: one that speaks the words of the call, unless the name says which.\n\nFor the operator: with one provider of a \
        dialect, every model leads to it; with several, calls write \"PROVIDER/MODEL\", or `[llm.model.NAME]` says where a model is.",
};

pub(crate) static NO_SUCH_ROUTE: ProblemType = ProblemType {
    slug: "llm-route-unknown",
    code: "LLM_ROUTE_UNKNOWN",
    status: StatusCode::NOT_FOUND,
    title: "No route of this name is configured",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "What stands before the version in a path names a route: `/llm/NAME/v1/…`. A call of `/llm/v1/…` needs none.\n\nFor the operator: routes are `[llm.route.NAME]` in the configuration.",
};

pub(crate) static QUESTION_TOO_LONG: ProblemType = ProblemType {
    slug: "llm-question-too-long",
    code: "LLM_QUESTION_TOO_LONG",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The question is too long",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "The texts of the call's messages have more characters or tokens together than the route takes; the answer says how many they have, and how many may be. Earlier messages of a conversation count, too.\n\n\
        For the operator: the limits are `max_input_characters` and `max_input_tokens` in `[llm.route.NAME]`.",
};

pub(crate) static CONVERSATION_NEEDED: ProblemType = ProblemType {
    slug: "llm-conversation-needed",
    code: "LLM_CONVERSATION_NEEDED",
    status: StatusCode::BAD_REQUEST,
    title: "The conversation is not named",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "The route counts the rounds of each conversation, so a call names the one that it belongs to: `X-Seawall-Conversation: NAME`, the same for all calls of one conversation and another for each.\n\n\
        For the operator: the route has `rounds` in `[llm.route.NAME]`.",
};

pub(crate) static KEY_LIMITED: ProblemType = ProblemType {
    slug: "outbound-key-limited",
    code: "OUTBOUND_KEY_LIMITED",
    status: StatusCode::FORBIDDEN,
    title: "The key may not ask for this",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Medium,
    documentation: "The key is one for a program that may call some models, routes and services, and this is none of them.\n\nFor the operator: they are `models`, `routes` and `services` in `[outbound.caller.NAME]`.",
};

pub(crate) static UNTRANSLATABLE: ProblemType = ProblemType {
    slug: "llm-untranslatable",
    code: "LLM_UNTRANSLATABLE",
    status: StatusCode::BAD_REQUEST,
    title: "The call cannot be said in the words of the model's provider",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "The model is of a provider that speaks another dialect than the call, and that dialect has no words for a part of it, which is named. Leave that part out, or ask a model of a provider that speaks the call's words.\n\nFor the operator: what is carried, dropped and refused is in the guide to language models; `kind` in `[llm.provider.NAME]` says which words a provider speaks, and `responses` whether it has OpenAI's responses as well as chat completions.",
};

pub(crate) static BUDGET_SPENT: ProblemType = ProblemType {
    slug: "llm-budget-spent",
    code: "LLM_BUDGET_SPENT",
    status: StatusCode::PAYMENT_REQUIRED,
    title: "The budget for language models is spent",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Medium,
    documentation: "What the call can cost at most is not left in a budget that it is in; `Retry-After` says when the budget begins anew. A shorter answer (`max_tokens`) may \
        still fit.\n\nFor the operator: budgets are `[llm.budget.NAME]`; `/api/llm/usage` says what was spent on what. What a call can cost is the longest answer that it allows.",
};

pub(crate) static IMAGE_LATE: ProblemType = ProblemType {
    slug: "llm-image-late",
    code: "LLM_IMAGE_LATE",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "Image generation timed out",
    retryable: true,
    fault: Whose::Upstream,
    severity: Severity::High,
    documentation: "The provider did not finish the images in the time that they may take.\n\nFor the operator: it is `image_timeout` in `[llm]`, for each image.",
};

pub(crate) static NOT_ALLOWED: ProblemType = ProblemType {
    slug: "outbound-not-allowed",
    code: "OUTBOUND_NOT_ALLOWED",
    status: StatusCode::FORBIDDEN,
    title: "This may not be asked of the service",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Medium,
    documentation: "The method and path are none of those that may be asked of this service.\n\nFor the operator: they are `allow` in `[outbound.NAME]`; paths are those after the name.",
};

pub(crate) static BAD_CALL: ProblemType = ProblemType {
    slug: "outbound-bad-call",
    code: "OUTBOUND_BAD_CALL",
    status: StatusCode::BAD_REQUEST,
    title: "The call cannot be passed on",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "The path can be read in two ways (`..`, an encoded slash), or a field belongs to no request.",
};

pub(crate) static TOO_LARGE: ProblemType = ProblemType {
    slug: "outbound-too-large",
    code: "OUTBOUND_TOO_LARGE",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The body of the call is too large",
    retryable: false,
    fault: Whose::Client,
    severity: Severity::Low,
    documentation: "A call is held until it is answered, so that it can be tried again; its body may be no larger than `largest_call` in `[outbound]`.",
};

pub(crate) static NO_ROOM: ProblemType = ProblemType {
    slug: "outbound-no-room",
    code: "OUTBOUND_NO_ROOM",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Too many calls are under way",
    retryable: true,
    fault: Whose::Us,
    severity: Severity::Medium,
    documentation: "As many calls to this service are under way as may be, and as many wait; or the bodies of all calls hold as much memory as they may. Try again in a moment.\n\nFor the operator: `at_once` and `waiting` in `[outbound.NAME]`, `memory` in `[outbound]`.",
};

pub(crate) static AWAY: ProblemType = ProblemType {
    slug: "outbound-away",
    code: "OUTBOUND_AWAY",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The service is left alone for a while",
    retryable: true,
    fault: Whose::Upstream,
    severity: Severity::High,
    documentation: "It failed several times in a row, so it is not asked until `Retry-After`.\n\nFor the operator: `breaker_failures`, `breaker_successes` and `breaker_open` in `[outbound.NAME]`; the log says why it failed, and `seawall_outbound_breaker_open` that it is so.",
};

pub(crate) static FAILED: ProblemType = ProblemType {
    slug: "outbound-failed",
    code: "OUTBOUND_FAILED",
    status: StatusCode::BAD_GATEWAY,
    title: "The service gave no answer",
    retryable: true,
    fault: Whose::Upstream,
    severity: Severity::High,
    documentation: "No connection could be made, or it ended before an answer came, as often as was tried.\n\nFor the operator: the log says what happened under the request id. An address that is not on the internet needs `private_addresses = true` in `[outbound.NAME]`.",
};

pub(crate) static LATE: ProblemType = ProblemType {
    slug: "outbound-late",
    code: "OUTBOUND_LATE",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "The service did not answer in time",
    retryable: true,
    fault: Whose::Upstream,
    severity: Severity::High,
    documentation: "All attempts together had `timeout`, and it is over; or the answer did not begin in `first_byte_timeout`.\n\nFor the operator: both are in `[outbound.NAME]`.",
};

pub(crate) static LED_AWAY: ProblemType = ProblemType {
    slug: "outbound-led-away",
    code: "OUTBOUND_LED_AWAY",
    status: StatusCode::BAD_GATEWAY,
    title: "The service leads to another host",
    retryable: false,
    fault: Whose::Upstream,
    severity: Severity::Medium,
    documentation: "Its answer is a redirection to a host that is not its own. Seawall does not follow it, because it would show the service's key to whoever is there.\n\nFor the operator: the log names the host. If it is right, make an `[outbound.NAME]` of it.",
};

/// The one place where a failed call becomes what the caller sees. `service` is its name in the configuration.
pub(crate) fn of(error: &CallError, service: &str) -> Problem {
    let problem = match error {
        CallError::Open(open) => {
            let seconds = open.retry_after.as_millis().div_ceil(1_000);
            Problem::new(&AWAY).retry_after(u64::try_from(seconds).unwrap_or(u64::MAX).max(1))
        }
        CallError::Full(BulkheadFull::Full | BulkheadFull::TimedOut) => Problem::new(&NO_ROOM).retry_after(1),
        CallError::TimedOut { .. }
        | CallError::Failed { fault: Fault::Late(Late::FirstByte | Late::Total | Late::Idle), .. } => {
            Problem::new(&LATE)
        }
        CallError::Failed { fault: Fault::Late(Late::Connect) | Fault::Connect(_) | Fault::Broken(_), .. } => {
            Problem::new(&FAILED)
        }
    };
    problem.detail(format!("The service is \"{service}\".")).inside(error.to_string())
}
