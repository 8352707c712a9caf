//! A call as a span of the trace that it is part of, by OpenTelemetry's names of generative AI.
//!
//! Source: OpenTelemetry semantic conventions for generative AI, client spans. What is asked and answered is in none.

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::{
    http::trace_context::TraceContext,
    span::{Attribute, ClientSpan, Tracer},
};

use super::{account::Begun, heard::Heard, record::Outcome, usage::Usage};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The place of a call in a trace that is sampled and exported.
pub(crate) type Place = TraceContext;

/// What is known of a call at its end.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    pub(crate) usage: Usage,
    pub(crate) heard: Option<&'a Heard>,
    pub(crate) duration_us: u64,
}

/// The place of a call that has begun; nothing where its trace is not sampled or goes nowhere. Its provider is told of it as whose span calls.
pub(crate) fn begun(headers: &mut HeaderMap, tracer: &dyn Tracer) -> Option<Place> {
    if !tracer.exports() {
        return None;
    }
    let told = headers.get(&TRACEPARENT)?;
    let trace = TraceContext::carry_on(told.as_bytes(), fastrand::u64(..)).filter(|trace| trace.sampled)?;
    headers.insert(&TRACEPARENT, HeaderValue::from_bytes(&trace.header()).ok()?);
    Some(trace)
}

/// The span of a call that has ended.
pub(crate) fn span(begun: &Begun, trace: Place, ended: &Ended<'_>) -> ClientSpan {
    let Ended { outcome, status, attempts, usage, heard, duration_us } = ended;
    let text = |text: &str| Attribute::Text(text.to_owned());
    let number = |number: u64| Attribute::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let good = matches!(outcome, Outcome::Answered | Outcome::Cached);
    let mut attributes = vec![
        ("gen_ai.operation.name", text(begun.operation.word())),
        ("gen_ai.provider.name", text(&begun.provider)),
        ("gen_ai.request.model", text(&begun.model)),
        ("seawall.llm.route", text(&begun.route)),
        ("seawall.llm.attempts", number(u64::from(*attempts))),
        ("seawall.llm.outcome", text(outcome.word())),
        ("seawall.request_id", text(&begun.request_id)),
        ("http.response.status_code", number(u64::from(*status))),
    ];
    attributes.extend(begun.conversation.as_deref().map(|name| ("gen_ai.conversation.id", text(name))));
    attributes.extend(heard.and_then(Heard::model).map(|model| ("gen_ai.response.model", text(model))));
    let ends = heard.map(Heard::ends).filter(|ends| !ends.is_empty());
    attributes.extend(ends.map(|ends| ("gen_ai.response.finish_reasons", Attribute::Texts(ends.to_vec()))));
    let used = [
        ("gen_ai.usage.input_tokens", usage.input),
        ("gen_ai.usage.output_tokens", usage.output),
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_read),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cached_write),
    ];
    attributes.extend(used.into_iter().filter(|(_, tokens)| *tokens > 0).map(|(name, tokens)| (name, number(tokens))));
    attributes.extend((!good).then(|| ("error.type", text(outcome.word()))));
    ClientSpan {
        trace,
        name: format!("{} {}", begun.operation.word(), begun.model),
        start_unix_us: begun.at.unix_us,
        end_unix_us: begun.at.unix_us.saturating_add(*duration_us),
        attributes,
        error: !good,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use seawall_core::clock::Now;

    use super::*;
    use crate::llm::{
        estimate::Length,
        operation::{Dialect, Operation},
        price::OwnPrice,
    };

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<ClientSpan>>, bool);

    impl Tracer for Kept {
        fn exports(&self) -> bool {
            self.1
        }

        fn finished(&self, span: ClientSpan) {
            self.0.lock().unwrap().push(span);
        }
    }

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parent: &str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT.clone(), HeaderValue::from_str(parent).unwrap())])
    }

    #[test]
    fn only_a_sampled_trace_that_goes_anywhere_is_carried_on() {
        let (exporting, other) = (Kept(Mutex::default(), true), Kept::default());
        let mut sampled = headers(PARENT);
        let trace = begun(&mut sampled, &exporting).unwrap();
        assert_eq!(
            (trace.parent_id, sampled[&TRACEPARENT].as_bytes()),
            (Some(0x00f0_67aa_0ba9_02b7), &trace.header()[..])
        );
        for (parent, tracer) in
            [(PARENT, &other), (&*PARENT.replace("-01", "-00"), &exporting), ("nonsense", &exporting)]
        {
            let mut untouched = headers(parent);
            assert_eq!(begun(&mut untouched, tracer), None, "{parent}");
            assert_eq!(untouched, headers(parent));
        }
    }

    #[test]
    fn a_span_has_opentelemetrys_names_for_what_is_known() {
        let trace = TraceContext::carry_on(PARENT.as_bytes(), 7).unwrap();
        let begun = Begun {
            at: Now::default(),
            request_id: "r".to_owned(),
            caller: "application".into(),
            user: None,
            project: None,
            conversation: Some("talk".to_owned()),
            route: "refine".into(),
            provider: "openai".into(),
            dialect: Dialect::OpenAi,
            operation: Operation::Responses,
            model: "gpt-5".to_owned(),
            price: OwnPrice::default(),
            streamed: false,
            question: Length::default(),
            count: 1,
            prompt: None,
            trace: Some(trace),
        };
        let mut heard = Heard::new(0);
        heard.take(br#"{"object":"response","model":"gpt-5-2026","status":"completed"}"#);
        let usage = Usage { input: 12, cached_read: 5, output: 3, ..Usage::default() };
        let ended = |outcome, heard| Ended { outcome, status: 200, attempts: 2, usage, heard, duration_us: 9 };
        let good = span(&begun, trace, &ended(Outcome::Answered, Some(&heard)));
        let of = |name: &str| good.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let text = |text: &str| Some(Attribute::Text(text.to_owned()));
        for (name, value) in [
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.provider.name", text("openai")),
            ("gen_ai.request.model", text("gpt-5")),
            ("gen_ai.response.model", text("gpt-5-2026")),
            ("gen_ai.response.finish_reasons", Some(Attribute::Texts(vec!["completed".to_owned()]))),
            ("gen_ai.conversation.id", text("talk")),
            ("gen_ai.usage.input_tokens", Some(Attribute::Integer(12))),
            ("gen_ai.usage.output_tokens", Some(Attribute::Integer(3))),
            ("gen_ai.usage.cache_read.input_tokens", Some(Attribute::Integer(5))),
            ("gen_ai.usage.cache_creation.input_tokens", None),
            ("error.type", None),
        ] {
            assert_eq!(of(name), value, "{name}");
        }
        assert_eq!((good.name.as_str(), good.end_unix_us, good.error), ("chat gpt-5", 9, false));
        let failed = span(&begun, trace, &ended(Outcome::Failed, None));
        assert!(failed.error && failed.attributes.contains(&("error.type", Attribute::Text("failed".to_owned()))));
    }
}
