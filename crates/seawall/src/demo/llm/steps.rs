//! How an answer is sent: its frames and what goes wrong among them, as steps. Pure.

use std::time::Duration;

use bytes::Bytes;

use super::{
    behaviour::{Behaviour, Trouble},
    frame::{Frame, without_end},
    reply::FILLED,
};

/// How long an answer is that is far too long.
const OVERSIZED_BYTES: usize = 40_000_000;

/// What is sent of it at a time.
const FILLING: &str = "far too long ";

/// How often [`FILLING`] is in one piece.
const FILLINGS_IN_PIECE: usize = 5_000;

/// After so many frames a stream stops that stalls.
const BEFORE_STALL: usize = 2;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send(Bytes),
    Wait(Duration),
    /// Sends the same so often.
    Fill(Bytes, usize),
    /// Sends the same for as long as it is taken.
    FillForever(Bytes),
    /// Sends nothing, and stays.
    Stay,
    /// Ends the connection.
    Cut,
}

/// Steps, and how many bytes the head promises, if it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) length: Option<usize>,
}

/// Of an answer that nothing happens to.
pub(super) fn plain(body: impl Into<Bytes>) -> Steps {
    let body = body.into();
    Steps { length: Some(body.len()), steps: vec![Step::Send(body)] }
}

/// Of a whole answer.
pub(super) fn whole(behaviour: &Behaviour, body: &str, output_tokens: usize) -> Steps {
    let tokens = u32::try_from(output_tokens).unwrap_or(u32::MAX);
    let mut steps = waited(behaviour.latency.saturating_add(behaviour.drip.saturating_mul(tokens)));
    let send = |text: &str| Step::Send(Bytes::from(text.to_owned()));
    let half = send(body.get(..body.floor_char_boundary(body.len() / 2)).unwrap_or_default());
    let mut length = body.len();
    match behaviour.trouble {
        Some(Trouble::Stall) => steps.extend([half, Step::Stay]),
        Some(Trouble::Cut) => steps.extend([half, Step::Cut]),
        Some(Trouble::Malformed) => {
            let broken = without_end(body);
            length = broken.len();
            steps.push(send(&broken));
        }
        Some(Trouble::Oversized) => {
            // An answer without a text is filled with white space at its end.
            let (before, after, filling) = body
                .split_once(FILLED)
                .map_or((body, "", " ".repeat(FILLING.len())), |(before, after)| (before, after, FILLING.to_owned()));
            let piece = Bytes::from(filling.repeat(FILLINGS_IN_PIECE));
            let times = OVERSIZED_BYTES.div_ceil(piece.len());
            length = before.len() + piece.len() * times + after.len();
            steps.extend([send(before), Step::Fill(piece, times)]);
            if !after.is_empty() {
                steps.push(send(after));
            }
        }
        // An error in place of a whole answer is a refusal.
        Some(Trouble::ErrorFrame) | None => steps.push(send(body)),
    }
    Steps { steps, length: Some(length) }
}

/// Of a stream.
pub(super) fn stream(behaviour: &Behaviour, frames: Vec<Frame>, error: Frame) -> Steps {
    let mut steps = waited(behaviour.latency);
    let middle = place(behaviour, &frames);
    let stall = if behaviour.first { middle } else { BEFORE_STALL };
    for (index, frame) in frames.into_iter().enumerate() {
        match behaviour.trouble {
            Some(Trouble::Stall) if index == stall => {
                steps.push(Step::Stay);
                break;
            }
            Some(Trouble::Cut) if index == middle => {
                steps.push(Step::Cut);
                break;
            }
            Some(Trouble::ErrorFrame) if index == middle => {
                steps.push(Step::Send(error.bytes.into()));
                break;
            }
            Some(Trouble::Malformed) if index == middle => steps.push(Step::Send(frame.malformed().bytes.into())),
            Some(Trouble::Oversized) if frame.token => {
                steps.push(Step::FillForever(frame.bytes.into()));
                break;
            }
            _ => {}
        }
        if frame.token && !behaviour.drip.is_zero() {
            steps.push(Step::Wait(behaviour.drip));
        }
        steps.push(Step::Send(frame.bytes.into()));
    }
    Steps { steps, length: None }
}

/// How many frames come before what goes wrong.
pub(super) fn place(behaviour: &Behaviour, frames: &[Frame]) -> usize {
    let first = frames.iter().position(|frame| frame.token).filter(|_| behaviour.first);
    first.unwrap_or((frames.len() / 2).max(1))
}

fn waited(duration: Duration) -> Vec<Step> {
    if duration.is_zero() { Vec::new() } else { vec![Step::Wait(duration)] }
}

#[cfg(test)]
mod tests;
