//! What is computed of a body while it is read, and compared at its end.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use seawall_core::signatures::Digests;

use super::{outcome::Outcome, replay::Mark};

/// A check of a body.
pub(super) enum Body {
    /// Its digest was signed: each with what it must be.
    Digested { mark: Mark, digests: Vec<(digest::Context, Vec<u8>)> },
    /// Nothing of it was signed.
    Unsigned { mark: Mark, must_be_empty: bool },
    /// It was signed itself.
    Signed { hash: digest::Context, tags: Vec<hmac::Context>, given: Vec<Vec<u8>> },
}

/// What is wrong with it.
pub(super) type Fault = (Outcome, &'static str);

const UNSIGNED: Fault = (Outcome::Body, "There is a body, and the signature does not cover its `Content-Digest`.");

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digested { .. } => "Digested",
            Self::Unsigned { .. } => "Unsigned",
            Self::Signed { .. } => "Signed",
        })
    }
}

impl Body {
    /// A body that must have these digests; nothing when there is none that proves something.
    pub(super) fn digested(mark: Mark, digests: Digests) -> Option<Self> {
        let sha256 = digests.sha256.map(|expected| (digest::Context::new(&digest::SHA256), expected));
        let sha512 = digests.sha512.map(|expected| (digest::Context::new(&digest::SHA512), expected));
        let digests: Vec<_> = sha256.into_iter().chain(sha512).collect();
        (!digests.is_empty()).then_some(Self::Digested { mark, digests })
    }

    /// A body that follows `before` in what is signed by one of the secrets, with one of the given signatures.
    pub(super) fn signed(key: &str, before: &[u8], secrets: &[hmac::Key], given: Vec<Vec<u8>>) -> Self {
        let tags = secrets.iter().map(hmac::Context::with_key).collect();
        let mut body = Self::Signed { hash: begun(key), tags, given };
        body.feed(before);
        body
    }

    /// What is wrong before it is read, when it is known how long it is.
    pub(super) fn announced(&self, length: Option<u64>) -> Result<(), Fault> {
        match self {
            Self::Unsigned { must_be_empty: true, .. } if length.is_some_and(|length| length > 0) => Err(UNSIGNED),
            _ => Ok(()),
        }
    }

    /// Reads the next part.
    pub(super) fn part(&mut self, part: &[u8]) -> Result<(), Fault> {
        if matches!(self, Self::Unsigned { must_be_empty: true, .. }) && !part.is_empty() {
            return Err(UNSIGNED);
        }
        self.feed(part);
        Ok(())
    }

    fn feed(&mut self, part: &[u8]) {
        match self {
            Self::Digested { digests, .. } => digests.iter_mut().for_each(|(context, _)| context.update(part)),
            Self::Unsigned { .. } => {}
            Self::Signed { hash, tags, .. } => {
                hash.update(part);
                tags.iter_mut().for_each(|tag| tag.update(part));
            }
        }
    }

    /// The body is over: what the request is known by, when all is as it must be.
    pub(super) fn end(self) -> Result<Mark, Fault> {
        match self {
            Self::Unsigned { mark, .. } => Ok(mark),
            Self::Digested { mark, digests } => {
                let holds = |(context, expected): (digest::Context, Vec<u8>)| {
                    verify_slices_are_equal(context.finish().as_ref(), &expected).is_ok()
                };
                if digests.into_iter().all(holds) {
                    return Ok(mark);
                }
                Err((Outcome::Body, "The body is not the one that `Content-Digest` says."))
            }
            Self::Signed { hash, tags, given } => {
                let tags: Vec<_> = tags.into_iter().map(hmac::Context::sign).collect();
                let holds =
                    |given: &Vec<u8>| tags.iter().any(|tag| verify_slices_are_equal(tag.as_ref(), given).is_ok());
                if given.iter().any(holds) {
                    return Ok(mark_of(&hash.finish()));
                }
                Err((
                    Outcome::Wrong,
                    "The signature does not match what was sent: it was changed, or signed with another secret.",
                ))
            }
        }
    }
}

/// What a request is known by whose signature covers these bytes.
pub(super) fn mark(key: &str, signed: &[u8]) -> Mark {
    let mut hash = begun(key);
    hash.update(signed);
    mark_of(&hash.finish())
}

/// What another key has signed is another request.
fn begun(key: &str) -> digest::Context {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(key.as_bytes());
    hash.update(b"\n");
    hash
}

fn mark_of(digest: &digest::Digest) -> Mark {
    let mut mark = Mark::default();
    for (own, byte) in mark.iter_mut().zip(digest.as_ref()) {
        *own = *byte;
    }
    mark
}
