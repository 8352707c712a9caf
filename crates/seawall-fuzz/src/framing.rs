//! All that must hold for the bytes of an HTTP/1 connection.

use std::iter;

use seawall_core::http::framing::ResponseTo;

use crate::{
    agreement::{self, Seen, block_on},
    pieces::Cuts,
    plain,
    verdict::{self, Side},
};

/// However the bytes are cut, the verdict is the same; what passes has one reading, by the letter and by the library behind.
/// Gives the requests that the library saw.
pub(crate) fn check(side: Side, bytes: &[u8], cuts: Cuts) -> Vec<Seen> {
    let (verdict, ends) = verdict::of(side, bytes, cuts);
    let passed = usize::try_from(verdict.progress.bytes).expect("a count of bytes in memory");
    let messages = plain::read(side, &bytes[..passed]);
    let text = || format!("{verdict:?}, {messages:?}: {}", bytes.escape_ascii());

    let plain_ends: Vec<u64> = messages.iter().filter_map(|message| message.end).map(|end| end as u64).collect();
    assert_eq!(plain_ends, ends, "{}", text());
    assert_eq!(messages.len() as u64, verdict.progress.heads, "{}", text());
    let content: usize = messages.iter().map(|message| message.content).sum();
    assert_eq!(content as u64, verdict.progress.content_bytes, "{}", text());

    match side {
        Side::Requests => {
            let seen = block_on(agreement::requests(bytes)).seen;
            for (seen, message) in iter::zip(&seen, &messages) {
                assert_eq!(seen.fields, message.fields, "{}", text());
                let method = message.start.split(|&byte| byte == b' ').next();
                assert_eq!(Some(seen.method.as_bytes()), method, "{}", text());
            }
            seen
        }
        Side::Answer(to) => {
            block_on(agreement::answer(bytes, if to == ResponseTo::Head { "HEAD" } else { "GET" }));
            Vec::new()
        }
    }
}
