//! HTTP/1.1 upstreams for proxy tests, honest and faulty, on raw sockets: they see exact bytes and can break the rules. For
//! HTTP/2 there are [`H2Upstream`], over hyper, and [`H2RawServer`], frame by frame.
//!
//! One [`Upstream`] serves a whole test, because the path chooses the behaviour ([`Kind::ByPath`]):
//!
//! | path | what happens |
//! |---|---|
//! | `/echo` | JSON: `method`, `target`, `version`, `connection`, `headers` (list of pairs), `body_length`, `body` (text or null), `trailers` |
//! | `/bytes/N`, `/chunked/N` | N bytes of [`pattern`], with Content-Length or in chunks of 64 KiB; the query holds header lines |
//! | `/upload` | JSON: `received` bytes and their `sum` ([`Checksum`]); flat memory |
//! | `/status/CODE?Name=Value` | that status, with these headers; JSON body `{"status":CODE}` where allowed |
//! | `/headers?Name=Value&…` | 200 with these header lines, percent-decoded, in order; framing headers are taken as they are |
//! | `/say?BODY&Name=Value&…` | 200 with that body, percent-decoded, as JSON, and with these header lines; with `/say/MS`, the second half after the wait |
//! | `/html`, `/page`, `/asset/N.js` (`.css`, `.svg`) | a small page; a page with 100 assets that ends with the title `loaded 100 failed 0`; its assets |
//! | `/slow/MS`, `/slow-body/MS` | waits before the head; sends `first` at once and `second` after the wait |
//! | `/trickle/N/MS`, `/sse/N/MS` | N chunks of one digit; N events `data: 1`, `data: 2` …; MS between them |
//! | `/never` | reads the request and never answers |
//! | `/reset`, `/close` | RST after the head of the request; FIN after the whole request; no answer |
//! | `/reset-body`, `/short-body` | RST after half of 32 KiB; FIN after 50 of 100 bytes |
//! | `/long-body` | declares 10 bytes, sends 20, keeps the connection |
//! | `/bad-head`, `/bad-chunk`, `/cl-te`, `/huge-header` | no status line; an invalid chunk size; both framings; a header of 1 MiB |
//! | `/early-close-after-answer` | a good answer, then an unannounced FIN |
//! | `/100-continue`, `/103`, `/trailers` | an interim answer before 200; trailers `X-Checksum` and `X-Count` |
//! | `/expect` | 417 without `Expect: 100-continue`; with it JSON `waited_for_continue` and `received` |
//! | `/early-answer` | 200 before the request's body is read, which it is afterwards |
//! | `/stack-trace` | 500 with a stack trace that contains [`LEAKED_SECRET`], and version headers |
//! | `/ws`, `/ws-refused`, `/upgrade-other` | a WebSocket that echoes; 200 to the upgrade; 101 to `chat`, then raw echo |
//! | anything else | 200 `{"ok":true}` |
//!
//! Every path answers HEAD without a body, reads the request's body before it answers (but `/reset`, `/early-answer` and
//! `/ws`), gives 100 Continue to a client that waits for it, keeps the connection, and answers pipelined requests in order.
//! A request that breaks HTTP/1.1 is answered with 400, closes the connection and is listed in [`Upstream::violations`].

mod behaviour;
mod connection;
mod exchange;
mod h2;
mod h2_raw;
mod kind;
mod payload;
mod record;
mod server;
mod target;

#[cfg(test)]
mod tests;

pub use behaviour::LEAKED_SECRET;
pub use h2::{H2Seen, H2Upstream};
pub use h2_raw::H2RawServer;
pub use kind::Kind;
pub use payload::{Checksum, pattern};
pub use record::{BODY_KEPT, SeenRequest};
pub use server::Upstream;
