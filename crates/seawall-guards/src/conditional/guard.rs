//! The decision who is concerned, and what is answered.

use http::{
    HeaderName, Method, StatusCode,
    header::{CONTENT_LENGTH, IF_NONE_MATCH, TRANSFER_ENCODING, UPGRADE},
};
use seawall_core::{
    Mode,
    http::{Likeness, Strength},
    principal,
    problem::Problem,
    settings::{BadSetting, Values},
};

use super::{
    Current, PRECONDITION_REQUIRED,
    answer::{constant, fits, own_tag, tagging},
    config::{COALESCE, Changing, ETAG, Etag, IF_MATCH, IF_MATCH_METHODS, IfMatch, MAX, UPSTREAM_TAGS, WAIT},
    hold::{Known, Tagged, matches},
    state::{Alike, Check, Condition, Has},
};
use crate::{AnswerHead, Context, Expected, Guard, Head, Hold, Inspect, Needs, Stop, Verdict};

/// Fields that no two requests share, and that say nothing of what is asked for.
static OF_ITS_OWN: [HeaderName; 4] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("date"),
];

/// Tags answers, answers by tags, and asks what requests know of what they change.
#[derive(Debug)]
pub struct ConditionalGuard {
    /// How tags are made for what has none, to compare changes with.
    makes: Option<Strength>,
    /// How answers are tagged.
    etag: Option<Strength>,
    upstream_tags: bool,
    enforces: bool,
    if_match: IfMatch,
    methods: Box<[Method]>,
    coalesce: bool,
    most_bytes: u64,
    wait: std::time::Duration,
}

impl ConditionalGuard {
    /// Reads the settings; nothing when they turn all of it off. While the guard reports, it changes no answer: nothing is tagged or
    /// shared, and only the changes that would be refused are looked at.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, mode: Mode) -> Result<Option<Self>, BadSetting> {
        let enforces = mode == Mode::Enforce;
        let etag = match values.get(&ETAG)? {
            Etag::Off => None,
            Etag::Weak => Some(Strength::Weak),
            Etag::Strong => Some(Strength::Strong),
        };
        let methods = values.get(&IF_MATCH_METHODS)?.into_iter().map(Changing::method);
        let guard = Self {
            enforces,
            makes: etag,
            etag: etag.filter(|_| enforces),
            upstream_tags: values.get(&UPSTREAM_TAGS)? && enforces,
            if_match: values.get(&IF_MATCH)?,
            methods: methods.collect(),
            coalesce: values.get(&COALESCE)? && enforces,
            most_bytes: values.get(&MAX)?.bytes(),
            wait: values.get(&WAIT)?.duration(),
        };
        let idle = guard.if_match == IfMatch::Off && !guard.coalesce && !guard.tags();
        Ok((!idle).then_some(guard))
    }

    const fn tags(&self) -> bool {
        self.etag.is_some() || self.upstream_tags
    }

    /// What the change says it knows.
    fn change(&self, head: &Head, context: &mut Context) -> Verdict {
        let Some(condition) = Condition::of(&head.headers) else {
            let detail = "Send the `ETag` of what you read in `If-Match`.";
            return Verdict::Refuse(Box::new(Problem::new(&PRECONDITION_REQUIRED).detail(detail)));
        };
        if self.if_match == IfMatch::Check {
            let check = Check {
                enforces: self.enforces,
                wait: self.wait,
                most_bytes: self.most_bytes,
                tags: self.makes,
                condition,
            };
            context.conditional.check = Some(Box::new(check));
        }
        Verdict::Pass
    }

    /// A GET that may share its answer: the same caller at the same place, who asks for the same in the same words.
    fn alike(&self, head: &Head, context: &Context) -> Alike {
        let mut likeness = Likeness::new();
        likeness.part(context.client.to_string().as_bytes());
        likeness.part(context.route.as_bytes());
        likeness.part(head.uri.to_string().as_bytes());
        if let Some(principal) = &context.principal {
            let organisation = principal.membership.as_ref().map(|membership| &membership.organisation);
            for text in [Some(&principal.id), principal.session.as_ref(), principal.owner.as_ref(), organisation] {
                likeness.part(text.map_or(&b""[..], |text| text.as_bytes()));
            }
        }
        for (name, value) in &head.headers {
            // The proof of who asks is another in each second.
            if !OF_ITS_OWN.contains(name) && name != principal::PROOF {
                likeness.part(name.as_str().as_bytes());
                likeness.part(value.as_bytes());
            }
        }
        Alike { key: likeness.finish(), wait: self.wait, most_bytes: self.most_bytes }
    }

    /// How a tag would be made of the answer; nothing when none is.
    fn tagged(&self, answer: &AnswerHead, context: &Context) -> Option<Strength> {
        let get = context.conditional.has.as_ref().is_some_and(|has| has.method == Method::GET);
        let strength = self.etag.filter(|_| get && own_tag(answer).is_none())?;
        (answer.status == StatusCode::OK && constant(answer) && fits(&answer.headers, self.most_bytes))
            .then_some(strength)
    }
}

impl Guard for ConditionalGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if self.if_match != IfMatch::Off && self.methods.contains(&head.method) {
            return self.change(head, context);
        }
        // What is left out of an answer to HEAD may be what takes its body to know (RFC 9110 section 9.3.2): a tag that is made is one.
        let get = head.method == Method::GET;
        if self.tags() && (get || (self.upstream_tags && head.method == Method::HEAD)) {
            let lines = head.headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
            context.conditional.has = Some(Has { lines, method: head.method.clone() });
        }
        let bare = !head.headers.contains_key(TRANSFER_ENCODING)
            && !head.headers.contains_key(CONTENT_LENGTH)
            && !head.headers.contains_key(UPGRADE);
        if self.coalesce && get && bare {
            context.conditional.alike = Some(Box::new(self.alike(head, context)));
        }
        Verdict::Pass
    }

    /// A body that is still to come would keep others from the resource, so all of it comes first.
    fn inspect(
        &self,
        _head: &mut Head,
        expected: &Expected,
        context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        let waits = context.conditional.check.is_some() && !expected.empty();
        Ok(waits.then(|| Box::new(Whole) as _))
    }

    fn current(&self, current: &Current, context: &mut Context) -> Option<Stop> {
        let check = context.conditional.check.take()?;
        check.condition.refusal(current).map(|problem| Stop::Refused(Box::new(problem)))
    }

    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        // A strong tag is one of these very bytes, and a weak one, as compression would make of it, never matches in `If-Match`.
        if self.tagged(answer, context) == Some(Strength::Strong) {
            context.compression.decline();
        }
        None
    }

    fn hold(&self, answer: &AnswerHead, context: &mut Context) -> Option<Box<dyn Hold>> {
        if let Some(strength) = self.tagged(answer, context) {
            let has = context.conditional.has.take().map(|has| has.lines).unwrap_or_default();
            return Some(Box::new(Tagged::new(tagging(&answer.headers), strength, self.most_bytes, has)));
        }
        let has = context.conditional.has.as_ref().filter(|_| self.upstream_tags)?;
        let known = answer.status == StatusCode::OK
            && constant(answer)
            && own_tag(answer).is_some_and(|tag| matches(&has.lines, tag));
        known.then(|| Box::new(Known { left_bytes: self.most_bytes }) as _)
    }

    fn needs(&self) -> Needs {
        Needs { inspects: self.if_match == IfMatch::Check, holds: self.tags(), answers: true, ..Needs::default() }
    }
}

/// A look that sees nothing: the body is held until it is whole.
#[derive(Debug)]
struct Whole;

impl Inspect for Whole {
    fn part(&mut self, _part: &[u8]) -> Result<(), Box<Problem>> {
        Ok(())
    }

    fn end(self: Box<Self>, _head: &mut Head, _context: &mut Context) -> Verdict {
        Verdict::Pass
    }
}
