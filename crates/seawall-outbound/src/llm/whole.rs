//! An answer that is no stream, on its way: passed on as it comes, and a copy kept to see at its end what it used.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{account::Account, estimate::Length, record::Outcome, usage};
use crate::{body::BodyError, endpoint::AnswerBody};

/// The longest answer of which a copy is kept; of a longer one only its end is, where usage stands.
const LONGEST: usize = 1024 * 1024;
const END: usize = 8 * 1024;

/// What is kept of an answer.
#[derive(Debug, Default)]
struct Copy {
    bytes: BytesMut,
    cut: bool,
}

impl Copy {
    fn push(&mut self, data: &[u8]) {
        self.cut |= self.bytes.len() + data.len() > LONGEST;
        if self.cut {
            let data = data.get(data.len().saturating_sub(END)..).unwrap_or_default();
            let kept = self.bytes.len().min(END.saturating_sub(data.len()));
            let _before = self.bytes.split_to(self.bytes.len() - kept);
            self.bytes.extend_from_slice(data);
        } else {
            self.bytes.extend_from_slice(data);
        }
    }
}

pin_project! {
    /// The body of an answer.
    pub(crate) struct Whole {
        #[pin]
        body: AnswerBody,
        copy: Copy,
        // Whether the provider did what was asked.
        good: bool,
        account: Account,
    }
}

impl Whole {
    pub(crate) fn new(body: AnswerBody, good: bool, account: Account) -> Self {
        Self { body, copy: Copy::default(), good, account }
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                this.account.first_part();
                if let Some(data) = frame.data_ref() {
                    this.copy.push(data);
                }
                if this.body.is_end_stream() {
                    settle(this.account, this.copy, *this.good);
                }
            }
            Some(Err(error)) => this.account.settle(Outcome::Failed, Some(error.to_string())),
            None => settle(this.account, this.copy, *this.good),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn settle(account: &mut Account, copy: &Copy, good: bool) {
    if !good {
        return account.settle(Outcome::Refused, None);
    }
    let used = if copy.cut {
        usage::of_end(account.dialect(), &copy.bytes, account.images())
    } else {
        usage::of_answer(account.dialect(), &copy.bytes)
    };
    let answer = if used.is_none() { Length::of_json(&copy.bytes) } else { Length::default() };
    account.learnt(used, answer);
    account.hear(&copy.bytes);
    account.settle(Outcome::Answered, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_answer_the_end_is_kept() {
        let mut copy = Copy::default();
        for part in [vec![b'a'; LONGEST], vec![b'b'; 10_000], vec![b'c'; 100]] {
            copy.push(&part);
        }
        assert!(copy.cut && copy.bytes.len() == END && copy.bytes.capacity() <= 2 * LONGEST);
        assert!(copy.bytes.starts_with(b"b") && copy.bytes.ends_with(&[b'c'; 100]));
    }
}
