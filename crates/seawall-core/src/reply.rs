//! What a port answers: at once, or later.

use std::{fmt, future::Future, pin::Pin};

/// A boxed future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An answer of a port. Memory and warm caches are [`Reply::Ready`]; whatever waits for another thread or machine is
/// [`Reply::Later`], so that a request which waits for nothing allocates nothing.
pub enum Reply<T> {
    /// The answer is here.
    Ready(Result<T, PortError>),
    /// The answer comes; the future ends at the deadline at the latest.
    Later(BoxFuture<'static, Result<T, PortError>>),
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(Ok(_)) => "Ready(Ok)",
            Self::Ready(Err(_)) => "Ready(Err)",
            Self::Later(_) => "Later",
        })
    }
}

/// Why a port gave no answer. What that means for the request (open, closed, local) is the guard's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The engine behind the port cannot be reached.
    #[error("the engine cannot be reached")]
    Unavailable,
    /// No answer came before the deadline.
    #[error("no answer came before the deadline")]
    TimedOut,
    /// A bounded queue or table has no room.
    #[error("there is no room left")]
    Full,
}
