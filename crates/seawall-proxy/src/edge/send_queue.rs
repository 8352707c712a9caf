//! How much of what was written to a client it has not taken yet, asked of the kernel.
//!
//! A socket is ready to be written to only when a good part of its send buffer is free, which a slow reader may bring about once in
//! many minutes. `SIOCOUTQ` would tell of every byte, but an ioctl takes unsafe code here; `sock_diag(7)` tells the same number by a
//! message ([decision 65](../../../../docs/decisions/0065-the-kernel-is-asked-by-messages.md)). The kernel answers while the
//! question is sent, so nothing waits.

use std::{
    cell::Cell,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

/// `AF_NETLINK` and `NETLINK_SOCK_DIAG` (linux/socket.h, linux/netlink.h).
const NETLINK: i32 = 16;
const SOCK_DIAG: i32 = 4;

/// The type of question and answer, and the flag of a question (linux/sock_diag.h, linux/netlink.h).
const BY_FAMILY: u16 = 20;
const REQUEST: u16 = 1;

const IPV4: u8 = 2;
const IPV6: u8 = 10;
const TCP: u8 = 6;

/// Of the question: a message's head (16), what is asked for (8), whose (48).
const QUESTION_BYTES: u8 = 72;
/// Where the answer says what was not acknowledged: behind both heads, the socket's names, a timer and the receive queue.
const UNACKNOWLEDGED: usize = 16 + 4 + 48 + 8;
/// An answer without attributes is shorter.
const ANSWER_BYTES: usize = 512;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// Asks for one core.
#[derive(Debug, Default)]
pub(crate) struct SendQueues(Cell<Known>);

/// What is known of the kernel. One that has no answers, or may not be asked, is left alone: it would look for a module each time.
#[derive(Clone, Copy, Debug, Default)]
enum Known {
    #[default]
    Nothing,
    Answers,
    Silent,
}

impl SendQueues {
    /// Bytes that were written to the connection and not acknowledged by its client. Nothing where the kernel does not tell.
    pub(crate) fn left(&self, ends: &Ends) -> Option<u32> {
        if matches!(self.0.get(), Known::Silent) {
            return None;
        }
        let left = ask(ends).ok().flatten();
        match (self.0.get(), left) {
            (Known::Nothing, None) => {
                self.0.set(Known::Silent);
                tracing::debug!("the kernel does not tell what clients have left, so only room in send buffers counts");
            }
            (Known::Nothing, Some(_)) => self.0.set(Known::Answers),
            _ => {}
        }
        left
    }
}

fn ask(ends: &Ends) -> io::Result<Option<u32>> {
    let mut socket = Socket::new(Domain::from(NETLINK), Type::DGRAM, Some(Protocol::from(SOCK_DIAG)))?;
    socket.set_nonblocking(true)?;
    socket.write_all(&question(ends))?;
    let mut answer = [0; ANSWER_BYTES];
    let length = socket.read(&mut answer)?;
    Ok(answer.get(..length).and_then(unacknowledged))
}

/// `nlmsghdr`, `inet_diag_req_v2` and the `inet_diag_sockid` in it (linux/inet_diag.h). Numbers are in the machine's order, ports and
/// addresses in the network's.
fn question(ends: &Ends) -> Vec<u8> {
    let family = if ends.local.is_ipv4() { IPV4 } else { IPV6 };
    let interface = match ends.local {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    };
    let mut question = Vec::with_capacity(usize::from(QUESTION_BYTES));
    question.extend_from_slice(&u32::from(QUESTION_BYTES).to_ne_bytes());
    question.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    question.extend_from_slice(&REQUEST.to_ne_bytes());
    // A number and a sender, which an answer of one message needs not.
    question.extend_from_slice(&[0; 8]);
    // No attributes, and sockets in any state.
    question.extend_from_slice(&[family, TCP, 0, 0]);
    question.extend_from_slice(&u32::MAX.to_ne_bytes());
    question.extend_from_slice(&ends.local.port().to_be_bytes());
    question.extend_from_slice(&ends.peer.port().to_be_bytes());
    for end in [ends.local, ends.peer] {
        let mut address = [0; 16];
        let octets: &[u8] = match &end.ip() {
            IpAddr::V4(ip) => &ip.octets(),
            IpAddr::V6(ip) => &ip.octets(),
        };
        address.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        question.extend_from_slice(&address);
    }
    question.extend_from_slice(&interface.to_ne_bytes());
    // Whichever socket has these names.
    question.extend_from_slice(&[0xff; 8]);
    question
}

/// What an answer says was not acknowledged; nothing when it is an error, or something else.
fn unacknowledged(answer: &[u8]) -> Option<u32> {
    let kind = answer.get(4..6)?.try_into().ok().map(u16::from_ne_bytes)?;
    let left = answer.get(UNACKNOWLEDGED..UNACKNOWLEDGED + 4)?.try_into().ok().map(u32::from_ne_bytes)?;
    (kind == BY_FAMILY).then_some(left)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn connected(address: &str) -> Option<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(address).ok()?;
        let port = listener.local_addr().unwrap().port();
        // A listener for both families has clients of the older one.
        let client = if address.starts_with("[::]") {
            format!("127.0.0.1:{port}")
        } else {
            listener.local_addr().unwrap().to_string()
        };
        let client = TcpStream::connect(client).unwrap();
        Some((client, listener.accept().unwrap().0))
    }

    #[test]
    fn what_a_client_has_not_taken_is_told_to_the_byte() {
        for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            // A machine may have no IPv6.
            let Some((mut client, mut server)) = connected(address) else { continue };
            let ends = Ends { local: server.local_addr().unwrap(), peer: server.peer_addr().unwrap() };
            let queues = SendQueues::default();
            let mut idle = [0; 1];
            server.write_all(b"x").unwrap();
            client.read_exact(&mut idle).unwrap();
            assert_eq!(queues.left(&ends), Some(0), "{address}");
            server.set_nonblocking(true).unwrap();
            while server.write(&[0; 65_536]).is_ok() {}
            let full = queues.left(&ends).unwrap();
            assert!(full > 0, "{address}");
            let mut taken = vec![0; 4 << 20];
            client.read_exact(&mut taken[..1 << 20]).unwrap();
            // The client's own buffer takes over what was read, a moment later.
            while queues.left(&ends).unwrap() == full {
                std::thread::yield_now();
            }
            client.set_nonblocking(true).unwrap();
            while queues.left(&ends).unwrap() > 0 {
                let _nothing_yet = client.read(&mut taken);
            }
        }
    }

    #[test]
    fn a_kernel_that_does_not_tell_is_asked_once() {
        let (client, server) = connected("127.0.0.1:0").unwrap();
        let ends = Ends { local: server.local_addr().unwrap(), peer: server.peer_addr().unwrap() };
        let nobody = Ends { peer: "192.0.2.1:9".parse().unwrap(), ..ends };
        let queues = SendQueues::default();
        assert_eq!((queues.left(&nobody), queues.left(&ends)), (None, None));
        let queues = SendQueues::default();
        assert_eq!((queues.left(&ends), queues.left(&nobody), queues.left(&ends)), (Some(0), None, Some(0)));
        drop(client);
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        let mut answer = [0; 112];
        answer[4] = 20;
        answer[UNACKNOWLEDGED..UNACKNOWLEDGED + 4].copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(unacknowledged(&answer), Some(7));
        assert_eq!(unacknowledged(&answer[..UNACKNOWLEDGED + 3]), None);
        answer[4] = 2;
        assert_eq!(unacknowledged(&answer), None, "an error");
        assert_eq!(unacknowledged(b""), None);
    }
}
