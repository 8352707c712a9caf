//! Frames that the reader passed on, taken apart, written anew and put together to messages: slow, and by the letter of RFC 6455.

use seawall_core::websocket::Sender;

/// A frame that was passed on, perhaps without the end of its payload.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) last: bool,
    pub(super) opcode: u8,
    pub(super) key: [u8; 4],
    pub(super) length: u64,
    /// Without the mask.
    pub(super) payload: Vec<u8>,
}

/// A message that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Of its first frame.
    pub(super) opcode: u8,
    /// Without masks.
    pub(super) content: Vec<u8>,
}

/// Takes a stream apart that the reader passed on.
pub(super) fn frames(mut wire: &[u8], sender: Sender) -> Vec<Passed> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = wire {
        assert_eq!(*second >= 128, sender == Sender::Client, "a client masks, an application does not");
        let (extra, rest) = rest.split_at(match second % 128 {
            126 => 2,
            127 => 8,
            _ => 0,
        });
        let short = u64::from(second % 128);
        let length =
            if extra.is_empty() { short } else { extra.iter().fold(0, |sum, &byte| sum * 256 + u64::from(byte)) };
        let (key, rest) = rest.split_at(if sender == Sender::Client { 4 } else { 0 });
        let key = key.try_into().unwrap_or([0; 4]);
        let (payload, rest) = rest.split_at(rest.len().min(usize::try_from(length).unwrap()));
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        frames.push(Passed { last: *first >= 128, opcode: first % 128, key, length, payload });
        wire = rest;
    }
    assert!(wire.is_empty(), "half a header was passed on");
    frames
}

/// Writes a frame in its only form: no reserved bits, and its length as short as can be.
pub(super) fn write(frame: &Passed, sender: Sender) -> Vec<u8> {
    let masked = if sender == Sender::Client { 128 } else { 0 };
    let mut bytes = vec![frame.opcode | if frame.last { 128 } else { 0 }];
    match frame.length {
        0..126 => bytes.push(masked | u8::try_from(frame.length).unwrap()),
        126..0x1_0000 => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(frame.length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend(frame.length.to_be_bytes());
        }
    }
    if sender == Sender::Client {
        bytes.extend(frame.key);
    }
    bytes.extend(frame.payload.iter().zip(frame.key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// The messages that came whole, control frames among them.
pub(super) fn messages(frames: &[Passed]) -> Vec<Message> {
    let (mut messages, mut open) = (Vec::new(), None);
    for frame in frames.iter().filter(|frame| frame.payload.len() as u64 == frame.length) {
        match frame.opcode {
            8.. => {
                assert!(frame.last && frame.length < 126, "{frame:?}");
                messages.push(Message { opcode: frame.opcode, content: frame.payload.clone() });
            }
            opcode => {
                assert_eq!(opcode == 0, open.is_some(), "{frame:?}");
                let (opcode, mut content) = open.take().unwrap_or((opcode, Vec::new()));
                content.extend(&frame.payload);
                if frame.last {
                    assert!(opcode != 1 || std::str::from_utf8(&content).is_ok(), "a text is not UTF-8: {frame:?}");
                    messages.push(Message { opcode, content });
                } else {
                    open = Some((opcode, content));
                }
            }
        }
    }
    messages
}
