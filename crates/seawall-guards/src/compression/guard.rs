//! The decision, in two steps: what the client takes, then what its answer allows.

use http::{
    HeaderMap, Method, Version,
    header::{AUTHORIZATION, COOKIE, HeaderName, IF_NONE_MATCH},
};
use seawall_core::{
    meter::{Handle, Meter},
    settings::{BadSetting, Values},
};

use super::{
    Coding,
    accept::negotiate,
    answer::{Content, compressible, not_modified, sets_cookie, strongly_tagged},
    config::{
        ANSWERS, CODINGS, ENABLED, MAX_AT_ONCE, MIN_SIZE, STRONG_ETAGS, StrongEtags, WITH_CREDENTIALS, WithCredentials,
    },
    relabel::{vary, weaken},
};
use crate::{AnswerHead, Context, End, Guard, Head, Needs, Stop, Verdict, load_shed::Places};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is known of the compression of one request's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compression {
    /// The coding that the client wants most.
    accepted: Option<Coding>,
    credentials: Credentials,
    /// Whether it asked with a weak tag if what it has still holds.
    weakly_tagged: bool,
    /// The coding that was decided on; a place is taken for it.
    chosen: Option<Coding>,
}

impl Compression {
    /// The answer is to be sent as it is: what is said of it holds for its very bytes.
    pub(crate) const fn decline(&mut self) {
        self.accepted = None;
    }

    /// The coding in which the answer's body must be sent.
    #[must_use]
    pub const fn chosen(&self) -> Option<Coding> {
        self.chosen
    }
}

/// What a browser added to a request by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Credentials {
    /// Nothing that makes the answer personal.
    #[default]
    None,
    /// A token that the page's own code put there: no other page can.
    Own,
    /// A cookie or a password, which a browser adds whoever asks.
    Ambient,
    /// The same, asked for by a page of another site.
    AskedByStranger,
}

/// Decides which answers are compressed.
#[derive(Debug)]
pub struct CompressionGuard {
    codings: Vec<Coding>,
    min_size: u64,
    with_credentials: WithCredentials,
    strong_etags: StrongEtags,
    most: u64,
    places: Places,
    full: Handle,
    answers: [(Coding, Handle); 3],
}

impl CompressionGuard {
    /// Reads the settings; nothing when they turn it off. Counts what is compressed at once in `places`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, places: Places, meter: &dyn Meter) -> Result<Option<Self>, BadSetting> {
        let codings = values.get(&CODINGS)?;
        if !values.get(&ENABLED)? || codings.is_empty() {
            return Ok(None);
        }
        let counted = |label| meter.series(&ANSWERS, &[label]);
        Ok(Some(Self {
            codings,
            min_size: values.get(&MIN_SIZE)?.bytes(),
            with_credentials: values.get(&WITH_CREDENTIALS)?,
            strong_etags: values.get(&STRONG_ETAGS)?,
            most: values.get(&MAX_AT_ONCE)?,
            places,
            full: counted("full"),
            answers: [Coding::Zstd, Coding::Brotli, Coding::Gzip].map(|coding| (coding, counted(coding.name()))),
        }))
    }

    /// Whether an answer may be compressed although it may hold a secret (BREACH).
    fn safe(&self, answer: &AnswerHead, content: Content, credentials: Credentials) -> bool {
        match (self.with_credentials, credentials) {
            (WithCredentials::Always, _) => true,
            _ if sets_cookie(answer) => false,
            (_, Credentials::None) | (WithCredentials::Json, Credentials::Own) => true,
            (WithCredentials::Never, _) | (_, Credentials::AskedByStranger) => false,
            (WithCredentials::Json, Credentials::Ambient) => content != Content::Text,
        }
    }

    fn take_place(&self, coding: Coding) -> bool {
        if !self.places.take(self.most) {
            self.full.increment();
            return false;
        }
        if let Some((_, answers)) = self.answers.iter().find(|(known, _)| *known == coding) {
            answers.increment();
        }
        true
    }
}

impl Guard for CompressionGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        // To HTTP/1.0 an answer of unknown length ends when its connection does, so a broken one would look whole.
        if head.version >= Version::HTTP_11
            && let Some(coding) = negotiate(&head.headers, &self.codings)
        {
            context.compression = Compression {
                // An answer to HEAD has no body; it gets no more than `Vary`.
                accepted: (head.method != Method::HEAD).then_some(coding),
                credentials: credentials(&head.headers),
                weakly_tagged: asks_with_weak_tag(&head.headers),
                chosen: None,
            };
        }
        Verdict::Pass
    }

    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        let known = context.compression;
        if not_modified(answer) {
            // What the client has may be an answer of ours whose tag was made weak; the same tag must come back.
            if known.weakly_tagged {
                weaken(&mut answer.headers);
                vary(&mut answer.headers);
            }
            return None;
        }
        let content = compressible(answer, self.min_size)?;
        // Such a tag may come back in `If-Match`, where a weak one never matches (RFC 9110 section 13.1.1).
        if content == Content::Json && self.strong_etags == StrongEtags::Auto && strongly_tagged(answer) {
            return None;
        }
        vary(&mut answer.headers);
        let coding = known.accepted?;
        if self.safe(answer, content, known.credentials) && self.take_place(coding) {
            context.compression.chosen = Some(coding);
        }
        None
    }

    fn finish(&self, _end: &End, context: &Context) {
        if context.compression.chosen.is_some() {
            self.places.give_back();
        }
    }

    fn needs(&self) -> Needs {
        Needs { answers: true, finishes: true, ..Needs::default() }
    }
}

/// What the request carries that may make its answer personal.
fn credentials(headers: &HeaderMap) -> Credentials {
    let authorization = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
    let own =
        authorization.is_some_and(|value| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")));
    if headers.contains_key(COOKIE) || (authorization.is_some() && !own) {
        let site = headers.get(&SEC_FETCH_SITE).map(http::HeaderValue::as_bytes);
        return if site == Some(b"cross-site") { Credentials::AskedByStranger } else { Credentials::Ambient };
    }
    if own { Credentials::Own } else { Credentials::None }
}

fn asks_with_weak_tag(headers: &HeaderMap) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().any(|tags| tags.as_bytes().windows(3).any(|start| start == b"W/\""))
}
