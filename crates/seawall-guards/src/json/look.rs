//! Reading one body.

use seawall_core::{
    json::{Refusal, Scanner, Sink},
    problem::Problem,
};

use super::{Growing, UNSOUND_JSON};
use crate::{Context, Head, Inspect, Verdict};

/// Reads it and keeps nothing.
#[derive(Debug)]
pub(super) struct Look(pub(super) Scanner);

/// Reads it into a tree.
#[derive(Debug)]
pub(super) struct TreeLook(pub(super) Scanner<Growing>);

impl Inspect for Look {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        read(&mut self.0, part)
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }

    fn end(self: Box<Self>, _head: &mut Head, _context: &mut Context) -> Verdict {
        match self.0.finish() {
            Ok(_) => Verdict::Pass,
            Err(refusal) => Verdict::Refuse(refused(refusal)),
        }
    }
}

impl Inspect for TreeLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        read(&mut self.0, part)
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes() + self.0.sink().held_bytes()
    }

    fn end(self: Box<Self>, _head: &mut Head, context: &mut Context) -> Verdict {
        match self.0.finish() {
            Ok(tree) => {
                context.json = tree.into_tree();
                Verdict::Pass
            }
            Err(refusal) => Verdict::Refuse(refused(refusal)),
        }
    }
}

fn read<S: Sink>(scanner: &mut Scanner<S>, part: &[u8]) -> Result<(), Box<Problem>> {
    scanner.feed(part).map_err(refused)
}

/// Nothing of the body is in it.
fn refused(refusal: Refusal) -> Box<Problem> {
    let Refusal { fault, at } = refusal;
    Box::new(Problem::new(&UNSOUND_JSON).detail(format!("The body is refused: {fault}, at byte {at}.")))
}
