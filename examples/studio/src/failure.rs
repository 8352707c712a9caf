//! What people are told when a call brought nothing. Pure.

use http::StatusCode;
use serde_json::Value;

/// Why a call brought nothing. Each can be tried again by a button; Seawall has already done what helps without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The words of checklist line ST-9.
    #[error("Image generation timed out")]
    ImageLate,
    #[error("The model did not answer in time.")]
    Late,
    #[error("The model is busy. Try again in a moment.")]
    Busy,
    #[error("The budget for language models is spent.")]
    BudgetSpent,
    #[error("The model's answer could not be read.")]
    Unreadable,
    #[error("The model gave no answer.")]
    NoAnswer,
}

/// The failure that an answer tells: its status, and the code that Seawall writes into the error of the dialect.
pub(crate) fn of_answer(status: StatusCode, body: &[u8]) -> Failure {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = error.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    match (status, code) {
        (_, "LLM_IMAGE_LATE") => Failure::ImageLate,
        (StatusCode::PAYMENT_REQUIRED, _) => Failure::BudgetSpent,
        (StatusCode::GATEWAY_TIMEOUT, _) => Failure::Late,
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => Failure::Busy,
        _ => Failure::NoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st_9_an_image_that_took_too_long_is_told_in_the_words_of_the_checklist() {
        let late = of_answer(StatusCode::GATEWAY_TIMEOUT, br#"{"error":{"code":"LLM_IMAGE_LATE"}}"#);
        assert_eq!(late.to_string(), "Image generation timed out");
    }

    #[test]
    fn statuses_are_told_in_words_and_what_a_provider_says_is_not_shown() {
        for (status, failure) in [
            (402, Failure::BudgetSpent),
            (429, Failure::Busy),
            (503, Failure::Busy),
            (504, Failure::Late),
            (500, Failure::NoAnswer),
            (400, Failure::NoAnswer),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(of_answer(status, b"<html>secret</html>"), failure, "{status}");
        }
    }
}
