//! What is kept of an answer, and in which bytes.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::http::hop;

/// Fields that are not kept: they belong to one connection, to one moment, or to whoever asked first.
///
/// Cookies are credentials (OWASP ASVS 3.4); `Date` and `Age` tell of the moment, as do the fields about limits; ids and traces are the
/// request's own; the length follows from the body; what Seawall dresses each answer with, it dresses a replay with too.
const LEFT_OUT: &[&str] = &[
    "age",
    "alt-svc",
    "authentication-info",
    "clear-site-data",
    "content-length",
    "date",
    "idempotent-replayed",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "server-timing",
    "set-cookie",
    "set-cookie2",
    "traceparent",
    "tracestate",
    "trailer",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

/// What an attempt was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// All that is kept of an answer.
    Kept(StoredAnswer),
    /// The answer had this status, and could not be kept: it was too large.
    NotKept(StatusCode),
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without those that belong to the first answer alone.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// What an answer says of its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The attempt is over, and this is its answer for good.
    Keep,
    /// The application did not carry it out: it may be tried again with the same key.
    Release,
    /// Somebody behind the application gave up on it: nobody knows whether it was carried out.
    Abandon,
}

/// What an answer of this status, given by the application, says of its attempt. A failure of the application itself (500) is kept: it
/// may have failed half way, and a second attempt would do the first half twice.
#[must_use]
pub const fn fate(status: StatusCode) -> Fate {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE => Fate::Release,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Fate::Abandon,
        _ => Fate::Keep,
    }
}

/// Bytes that are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no answer that was kept")]
pub struct Unreadable;

/// The first byte of an answer, and of one that was not kept.
const WITH: u8 = 1;
const WITHOUT: u8 = 2;

impl Answered {
    /// What is kept of an answer whose fields and body, as they are kept, have so many bytes at most.
    #[must_use]
    pub fn of(status: StatusCode, headers: &HeaderMap, body: Bytes, most_bytes: usize) -> Self {
        let mut kept = headers.clone();
        if hop::strip(&mut kept).is_err() {
            // What its `Connection` names cannot be told: nothing of its fields is sure to be for everybody.
            return Self::NotKept(status);
        }
        LEFT_OUT.iter().for_each(|name| drop(kept.remove(*name)));
        let answer = StoredAnswer { status, headers: kept, body };
        if answer.size() > most_bytes { Self::NotKept(status) } else { Self::Kept(answer) }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Kept(answer) => answer.to_bytes(),
            Self::NotKept(status) => [&[WITHOUT][..], &status.as_u16().to_be_bytes()].concat(),
        }
    }

    /// Reads what [`Answered::to_bytes`] gave.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = Reader(bytes);
        match rest.take::<1>()? {
            [WITH] => StoredAnswer::read(rest).map(Self::Kept),
            [WITHOUT] => {
                let status = rest.status()?;
                if rest.0.is_empty() { Ok(Self::NotKept(status)) } else { Err(Unreadable) }
            }
            _ => Err(Unreadable),
        }
    }
}

impl StoredAnswer {
    /// How many bytes its fields and its body have.
    #[must_use]
    pub fn size(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + self.body.len()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size() + 8 * self.headers.len() + 16);
        bytes.push(WITH);
        bytes.extend_from_slice(&self.status.as_u16().to_be_bytes());
        bytes.extend_from_slice(&length(self.headers.len()));
        for (name, value) in &self.headers {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                bytes.extend_from_slice(&length(part.len()));
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn read(mut rest: Reader<'_>) -> Result<Self, Unreadable> {
        let status = rest.status()?;
        let count = rest.length()?;
        let mut headers = HeaderMap::new();
        for _ in 0..count {
            let name = HeaderName::from_bytes(rest.part()?).map_err(|_| Unreadable)?;
            let value = HeaderValue::from_bytes(rest.part()?).map_err(|_| Unreadable)?;
            headers.try_append(name, value).map_err(|_| Unreadable)?;
        }
        Ok(Self { status, headers, body: Bytes::copy_from_slice(rest.0) })
    }
}

/// A length as four bytes. What was taken over a connection is far below 4 GiB; what is not makes bytes that are not read again.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    fn length(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(u32::from_be_bytes(self.take()?)).map_err(|_| Unreadable)
    }

    fn part(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.length()?;
        let (part, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(part)
    }

    fn status(&mut self) -> Result<StatusCode, Unreadable> {
        StatusCode::from_u16(u16::from_be_bytes(self.take()?)).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn cookies_and_what_belongs_to_the_moment_are_not_kept() {
        let sent = headers(&[
            ("set-cookie", "session=1"),
            ("set-cookie", "other=2"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("content-length", "2"),
            ("x-request-id", "r1"),
            ("content-type", "application/json"),
            ("location", "/orders/1"),
            ("etag", "\"v1\""),
            ("link", "<a>"),
            ("link", "<b>"),
        ]);
        let kept = Answered::of(StatusCode::CREATED, &sent, Bytes::from_static(b"{}"), 1_000);
        let Answered::Kept(answer) = kept else { panic!("{kept:?}") };
        let expected = headers(&[
            ("content-type", "application/json"),
            ("location", "/orders/1"),
            ("etag", "\"v1\""),
            ("link", "<a>"),
            ("link", "<b>"),
        ]);
        assert_eq!(answer.headers, expected);
    }

    #[test]
    fn an_answer_is_kept_up_to_a_size() {
        let sent = headers(&[("etag", "1")]);
        let of = |most| Answered::of(StatusCode::OK, &sent, Bytes::from_static(b"12345"), most);
        assert!(matches!(of(10), Answered::Kept(_)));
        assert_eq!(of(9), Answered::NotKept(StatusCode::OK));
        let strange = headers(&[("connection", "not a name")]);
        let strange = Answered::of(StatusCode::OK, &strange, Bytes::new(), 100);
        assert_eq!(strange, Answered::NotKept(StatusCode::OK));
    }

    #[test]
    fn only_answers_that_say_so_let_an_attempt_be_made_again() {
        for (status, expected) in [
            (201, Fate::Keep),
            (303, Fate::Keep),
            (402, Fate::Keep),
            (422, Fate::Keep),
            (500, Fate::Keep),
            (401, Fate::Release),
            (429, Fate::Release),
            (503, Fate::Release),
            (502, Fate::Abandon),
            (504, Fate::Abandon),
        ] {
            assert_eq!(fate(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    proptest! {
        #[test]
        fn what_was_kept_is_read_again(
            status in 100_u16..1000,
            fields in proptest::collection::vec(("[a-z-]{1,20}", "[ -~]{0,40}"), 0..12),
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answered::Kept(StoredAnswer { status, headers, body: body.into() });
            prop_assert_eq!(Answered::from_bytes(&answer.to_bytes()), Ok(answer));
            let large = Answered::NotKept(status);
            prop_assert_eq!(Answered::from_bytes(&large.to_bytes()), Ok(large));
        }

        #[test]
        fn any_bytes_are_an_answer_or_none_and_nothing_more_is_held(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Answered::Kept(answer)) = Answered::from_bytes(&bytes) {
                prop_assert!(answer.size() <= bytes.len());
            }
        }
    }
}
