//! How a provider's part in a call ends, as a route tells the ends apart after which it asks the next.

use http::StatusCode;
use seawall_core::settings::{Raw, Setting, Shape, choice};
use seawall_resilience::Late;

use crate::{
    client::Fault,
    endpoint::{Answer, CallError},
};

/// An end without an answer that is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// No connection, or it ended before an answer.
    Unreachable,
    /// Left alone by its breaker, or no place.
    Busy,
    /// No answer in time.
    Late,
    /// 429.
    Limited,
    /// 408, 5xx.
    Failing,
    /// The key or the model is refused, or the provider's bill.
    Refused,
}

impl End {
    const ALL: [Self; 6] = [Self::Unreachable, Self::Busy, Self::Late, Self::Limited, Self::Failing, Self::Refused];

    /// As it is written in configuration and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Limited => "limited",
            Self::Failing => "failing",
            Self::Refused => "refused",
        }
    }

    /// How it ended; nothing when another provider would be told the same, or this one answered.
    pub(crate) fn of(ended: &Result<Answer, CallError>) -> Option<Self> {
        match ended {
            Ok(answer) => Self::of_status(answer.head.status),
            Err(CallError::Open(_) | CallError::Full(_)) => Some(Self::Busy),
            Err(
                CallError::TimedOut { .. }
                | CallError::Failed { fault: Fault::Late(Late::FirstByte | Late::Idle | Late::Total), .. },
            ) => Some(Self::Late),
            Err(CallError::Failed {
                fault: Fault::Late(Late::Connect) | Fault::Connect(_) | Fault::Broken(_), ..
            }) => Some(Self::Unreachable),
        }
    }

    /// How an answer ends that has this status.
    pub(crate) fn of_status(status: StatusCode) -> Option<Self> {
        match status.as_u16() {
            429 => Some(Self::Limited),
            408 | 500..=599 => Some(Self::Failing),
            401..=404 => Some(Self::Refused),
            _ => None,
        }
    }
}

impl Setting for End {
    const SHAPE: Shape = Shape::Choice(&["unreachable", "busy", "late", "limited", "failing", "refused"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &Self::ALL.map(|end| (end.word(), end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_provider_would_say_too_is_no_end() {
        let of = |status| End::of_status(StatusCode::from_u16(status).unwrap());
        for (status, end) in [
            (200, None),
            (400, None),
            (413, None),
            (422, None),
            (401, Some(End::Refused)),
            (404, Some(End::Refused)),
            (408, Some(End::Failing)),
            (429, Some(End::Limited)),
            (500, Some(End::Failing)),
            (529, Some(End::Failing)),
        ] {
            assert_eq!(of(status), end, "{status}");
        }
    }

    #[test]
    fn each_word_reads_as_its_end() {
        for end in End::ALL {
            assert_eq!(End::read(&Raw::Text(end.word().to_owned())), Ok(end));
        }
    }
}
