//! Close codes: why a connection ends (RFC 6455 section 7.4).

/// A close code that may stand in a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server is going down.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// The peer did what is not allowed here.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message that is too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// A code as it was read. Nothing for the codes that are reserved, undefined, or only ever reported by one's own
    /// software: 1004, 1005, 1006 and 1015 never travel (RFC 6455 section 7.4.1 and the IANA registry).
    #[must_use]
    pub const fn parse(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_may_travel_are_read() {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(CloseCode::parse(code).map(CloseCode::value), Some(code), "{code}");
        }
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            assert_eq!(CloseCode::parse(code), None, "{code}");
        }
    }
}
