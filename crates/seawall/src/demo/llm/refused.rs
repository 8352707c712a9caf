//! A refusal, for each provider to say in its own shape.

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) why: Why,
    pub(super) message: String,
    pub(super) retry_after_s: Option<u64>,
}

/// What providers tell apart beyond the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// No key, or a wrong one.
    Key,
    /// The request makes no sense.
    Request,
    /// There is no such model.
    Model,
    /// There is no such path.
    Path,
    /// The prompt is longer than the model's context.
    Context,
    /// The model's name asked for it.
    Wished,
}

impl Refused {
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::new(400, Why::Request, message)
    }

    pub(super) fn new(status: u16, why: Why, message: impl Into<String>) -> Self {
        Self { status, why, message: message.into(), retry_after_s: None }
    }

    /// What the model's name asked for.
    pub(super) fn wished(status: u16, retry_after_s: Option<u64>) -> Self {
        let what = match status {
            429 => "Rate limit reached",
            503 | 529 => "Overloaded",
            500..=599 => "The server had an error",
            _ => "Refused",
        };
        Self { retry_after_s, ..Self::new(status, Why::Wished, format!("{what}, as the model's name asks for")) }
    }

    pub(super) fn context(tokens: usize) -> Self {
        let message = format!("prompt is too long: {tokens} tokens are more than the model's maximum context length");
        Self::new(400, Why::Context, message)
    }
}
