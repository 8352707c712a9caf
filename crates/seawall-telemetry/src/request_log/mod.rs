//! The request log: one line per request, as bytes, without spans or subscriber.
//!
//! Each core formats into a buffer of its own ([`RequestLog`]). Full buffers go by a bounded channel to one writer thread
//! ([`LogWriter`]) and come back empty, so that steady state allocates nothing. When the sink stalls, full buffers are
//! dropped, counted in `seawall_log_lines_dropped`, and a line says so once writing works again: the request log never
//! holds a request back. Security events and errors of the control plane must not be lost; they go by [`crate::log`].
//!
//! The level of a line: `error` when the problem is of severity critical, so that someone must act; `warn` for every
//! other 5xx that Seawall itself answered; `info` for all else, the application's own 5xx among it.

mod entry;
mod handle;
mod json;
mod pretty;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::Entry;
pub use handle::{LogHandle, RequestLog};
pub use writer::{LINES_DROPPED, LogWriter};
