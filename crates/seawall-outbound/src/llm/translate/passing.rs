//! A provider's answer, as a caller of another dialect gets it.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    response,
};
use http_body_util::BodyExt;
use seawall_core::problem::Problem;
use seawall_resilience::ReadError;

use super::{counts, embeddings::Embedding, live::Live, talk::Talk, tree::Tree, trouble::Trouble};
use crate::{
    body::{Body, Parts, gathered, whole},
    endpoint::{Answer, AnswerBody},
    llm::{
        account::Account, estimate::Length, operation::Dialect, record::Outcome, stream::Streamed, usage, watch::Watch,
    },
    problem::{FAILED, LATE},
};

/// The longest answer that is held to be translated, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// What has to be known of a translated call to answer it.
#[derive(Clone, Debug)]
pub(in crate::llm) struct Translation {
    pub(super) from: Dialect,
    pub(super) to: Dialect,
    pub(super) request_id: String,
    pub(super) wanted: Wanted,
}

/// What an answer is.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// What is said next in a conversation.
    Talk(Talk),
    /// Vectors of texts.
    Embedding(Embedding),
    /// A count of tokens.
    Count,
}

impl Translation {
    /// The head and the body that the caller gets, and the call's account settled or handed on with the stream.
    ///
    /// # Errors
    /// [`FAILED`] when the answer is too long or none of its dialect, [`LATE`] when it stopped before its end.
    pub(in crate::llm) async fn pass(
        self,
        answer: Answer,
        account: Account,
    ) -> Result<(response::Parts, Body), Box<Problem>> {
        let Answer { mut head, body, .. } = answer;
        let given = std::mem::take(&mut head.headers);
        let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
        let streamed = given.get(CONTENT_TYPE).is_some_and(events);
        if !head.status.is_success() {
            let body = self.troubled(&mut head, &given, body, account).await;
            return Ok((head, body));
        }
        if streamed != matches!(&self.wanted, Wanted::Talk(Talk { stream: true, .. })) {
            return Err(failed(account, "the provider's answer is not of the kind that was asked for"));
        }
        match self.wanted {
            Wanted::Talk(Talk { words, stream: true, turn, manner }) => {
                let kind = if manner.array { "application/json" } else { "text/event-stream; charset=utf-8" };
                head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                let watch = Watch::new(account.dialect(), account.operation(), false);
                let live = Live::new(self.from, words, turn, manner, &self.request_id);
                Ok((head, Streamed::translated(body, watch, account, live).boxed_unsync()))
            }
            _ => {
                head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Ok((head, whole(self.read(body, account).await?)))
            }
        }
    }

    /// A whole answer, translated.
    async fn read(&self, body: AnswerBody, mut account: Account) -> Result<Bytes, Box<Problem>> {
        let bytes = match gathered(body, LONGEST).await {
            Ok(Parts::Whole(bytes)) => bytes,
            Ok(Parts::Begun(_)) => return Err(failed(account, "the provider's answer is longer than is held")),
            Err(ReadError::Late(late)) => {
                account.told(LATE.status.as_u16());
                account.settle(Outcome::Failed, Some(late.to_string()));
                return Err(Problem::new(&LATE).detail("The answer stopped before its end.").into());
            }
            Err(ReadError::Broken(error)) => {
                account.told(FAILED.status.as_u16());
                account.settle(Outcome::Failed, Some(error.to_string()));
                return Err(Problem::new(&FAILED).detail("The answer ended before its end.").into());
            }
        };
        account.first_part();
        let used = usage::of_answer(self.from, &bytes);
        let answer = if used.is_none() { Length::of_json(&bytes) } else { Length::default() };
        account.learnt(used, answer);
        account.hear(&bytes);
        let told = std::str::from_utf8(&bytes).ok().and_then(|body| self.told(body));
        let Some(told) = told else {
            return Err(failed(account, "the provider's answer is none of its dialect"));
        };
        account.settle(Outcome::Answered, None);
        Ok(told.text().into())
    }

    /// A whole answer in the caller's words; nothing when it is none of the provider's.
    fn told(&self, body: &str) -> Option<Tree> {
        match &self.wanted {
            Wanted::Talk(talk) => talk.told(self.from, body),
            Wanted::Embedding(embedding) => embedding.told(self.from, body),
            Wanted::Count => counts::told(self.from, self.to, body),
        }
    }

    /// A provider's error, translated. One that cannot be read is still one.
    async fn troubled(
        &self,
        head: &mut response::Parts,
        given: &HeaderMap,
        body: AnswerBody,
        mut account: Account,
    ) -> Body {
        let bytes = match gathered(body, LONGEST).await {
            Ok(Parts::Whole(bytes)) => bytes,
            Ok(Parts::Begun(_)) | Err(_) => Bytes::new(),
        };
        account.settle(Outcome::Refused, None);
        // A redirection means nothing to a client of another provider.
        if head.status.as_u16() < 400 {
            head.status = StatusCode::BAD_GATEWAY;
        }
        let trouble = Trouble::of_answer(head.status, given, &bytes);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match (given.get(RETRY_AFTER), trouble.retry_after_s) {
            (Some(value), _) => {
                head.headers.insert(RETRY_AFTER, value.clone());
            }
            (None, Some(seconds)) => {
                head.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            (None, None) => {}
        }
        whole(trouble.written(self.to, &self.request_id).to_string().into())
    }
}

/// An answer that is none, whose cost was spent.
fn failed(mut account: Account, why: &str) -> Box<Problem> {
    account.told(FAILED.status.as_u16());
    account.settle(Outcome::Failed, Some(why.to_owned()));
    let mut detail = why.to_owned() + ".";
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Problem::new(&FAILED).detail(detail).into()
}
