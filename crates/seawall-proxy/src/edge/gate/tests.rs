//! The gate over a stream that gives bytes in pieces.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use seawall_core::http::framing::{Limits, RequestChecker, Rule};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Gate, Given};

/// Gives one piece after another, and then has nothing more; an empty piece is the end.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.0.pop_front() else { return Poll::Pending };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.0.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

fn gate() -> Gate<RequestChecker> {
    Gate::new(RequestChecker::new(Limits::requests()))
}

/// Reads into buffers of `room` bytes until nothing comes; what came, and what was said last.
fn read(gate: &mut Gate<RequestChecker>, pieces: &[&[u8]], room: usize) -> (Vec<u8>, Option<Given>) {
    let mut stream = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect());
    let mut all = Vec::new();
    loop {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        match gate.poll_read(&mut stream, &mut Context::from_waker(Waker::noop()), &mut buffer, || ()) {
            Poll::Ready(Ok(Given::Bytes)) => {
                assert!(!buffer.filled().is_empty(), "a read without bytes would be taken for the end");
                all.extend_from_slice(buffer.filled());
            }
            Poll::Ready(Ok(given)) => return (all, Some(given)),
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => return (all, None),
        }
    }
}

const TWO: &[u8] = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
const BAD: &[u8] = b"GET /c HTTP/1.1\r\nHost : a\r\n\r\n";

#[test]
fn what_is_right_passes_however_it_is_cut_and_nothing_is_kept() {
    for cut in 1..TWO.len() {
        let (start, end) = TWO.split_at(cut);
        for room in [1, 7, 4_096] {
            let mut gate = gate();
            assert_eq!(read(&mut gate, &[start, end], room), (TWO.to_vec(), None), "cut at {cut}, room for {room}");
            assert_eq!(gate.held.capacity(), 0, "an idle connection keeps no memory");
        }
    }
}

#[test]
fn a_head_byte_by_byte_passes_once_it_is_whole() {
    let bytes: Vec<&[u8]> = TWO.chunks(1).collect();
    assert_eq!(read(&mut gate(), &bytes, 4_096), (TWO.to_vec(), None));
    let (head, _) = TWO.split_at(20);
    assert_eq!(read(&mut gate(), &[head], 4_096), (Vec::new(), None), "nothing of half a head");
}

#[test]
fn what_is_right_passes_before_what_is_refused() {
    let all = [TWO, BAD].concat();
    for cut in 1..all.len() {
        let (start, end) = all.split_at(cut);
        let mut gate = gate();
        let (passed, given) = read(&mut gate, &[start, end, b"GET /d HTTP/1.1\r\nHost: a\r\n\r\n"], 64);
        assert_eq!(passed, TWO, "cut at {cut}");
        assert!(matches!(given, Some(Given::Refused(refusal)) if refusal.rule == Rule::SpaceBeforeColon), "{given:?}");
    }
}

#[test]
fn what_was_read_before_is_checked_too() {
    let mut gate = gate();
    gate.bring(BytesMut::from(TWO));
    assert_eq!(read(&mut gate, &[BAD], 16).0, TWO);
}

#[test]
fn the_end_gives_nothing_of_what_was_held() {
    assert_eq!(read(&mut gate(), &[b"GET / HTTP/1.1\r\n", b""], 64), (Vec::new(), Some(Given::End)));
}

#[test]
fn once_open_everything_passes_what_was_held_or_refused_first() {
    for held in [&b"GET / HT"[..], BAD] {
        let mut gate = gate();
        assert_eq!(read(&mut gate, &[held], 64).0, b"");
        gate.open();
        assert_eq!(read(&mut gate, &[b"\0more"], 64), ([held, b"\0more"].concat(), None));
    }
}

#[test]
fn a_substitute_takes_the_place_of_what_was_refused() {
    let mut gate = gate();
    assert!(matches!(read(&mut gate, &[BAD], 64), (_, Some(Given::Refused(_)))));
    assert_eq!(gate.unpassed(), BAD);
    gate.substitute(b"mine");
    let (passed, given) = read(&mut gate, &[b"more"], 3);
    assert_eq!(passed, b"mine");
    assert!(matches!(given, Some(Given::Refused(_))), "{given:?}");
}
