//! What the two processes say to each other: one line each.

use std::fmt;

/// The version of the protocol. Another one is refused, and the predecessor goes on.
pub(super) const PROTOCOL: u32 = 2;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The successor is there and speaks this version of the protocol.
    Hello {
        /// Of the protocol.
        protocol: u32,
        /// Of Seawall.
        version: String,
    },
    /// What is handed over; the descriptors come with it, in this order.
    Offer(Vec<Offered>),
    /// There will be no hand-over, and why.
    Refused(String),
    /// The successor could serve.
    Ready,
    /// Whoever says it is not done yet, and has not come to a standstill.
    Working,
    /// The predecessor accepts nothing and has let go of the data directory.
    Released,
    /// The successor serves.
    Taken,
}

/// One descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    /// What it is.
    pub(super) name: String,
    /// The address that was configured for it.
    pub(super) asked: String,
}

impl Message {
    /// Reads a line; nothing when it is none of ours.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match (word, rest) {
            ("hello", rest) => {
                let (protocol, version) = rest.split_once(' ')?;
                Self::Hello { protocol: protocol.parse().ok()?, version: version.to_owned() }
            }
            ("offer", rest) => Self::Offer(rest.split_whitespace().map(Offered::parse).collect::<Option<_>>()?),
            ("refused", why) => Self::Refused(why.to_owned()),
            ("ready", "") => Self::Ready,
            ("working", "") => Self::Working,
            ("released", "") => Self::Released,
            ("taken", "") => Self::Taken,
            _ => return None,
        })
    }
}

impl Offered {
    fn parse(text: &str) -> Option<Self> {
        let (name, asked) = text.split_once('=')?;
        Some(Self { name: name.to_owned(), asked: asked.to_owned() })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { protocol, version } => write!(f, "hello {protocol} {version}"),
            Self::Offer(offered) => {
                f.write_str("offer")?;
                offered.iter().try_for_each(|Offered { name, asked }| write!(f, " {name}={asked}"))
            }
            Self::Refused(why) => write!(f, "refused {}", why.replace('\n', " ")),
            Self::Ready => f.write_str("ready"),
            Self::Working => f.write_str("working"),
            Self::Released => f.write_str("released"),
            Self::Taken => f.write_str("taken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let offered = |name: &str, asked: &str| Offered { name: name.to_owned(), asked: asked.to_owned() };
        for message in [
            Message::Hello { protocol: 1, version: "0.1.0".to_owned() },
            Message::Offer(vec![offered("public", "[::1]:80"), offered("stderr", "-")]),
            Message::Offer(Vec::new()),
            Message::Refused("another hand-over is under way".to_owned()),
            Message::Ready,
            Message::Working,
            Message::Released,
            Message::Taken,
        ] {
            assert_eq!(Message::parse(&message.to_string()), Some(message));
        }
    }

    #[test]
    fn what_makes_no_sense_is_not_understood() {
        for line in ["", "hello", "hello one 0.1.0", "offer public", "ready now", "GET / HTTP/1.1"] {
            assert_eq!(Message::parse(line), None, "{line}");
        }
    }
}
