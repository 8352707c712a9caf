//! Looks at one body.

use std::sync::Arc;

use seawall_core::problem::Problem;

use super::{
    Place, Tally,
    form::{name, pair, spaced},
    guard::Scoring,
    tree,
};
use crate::{Context, Head, Inspect, Verdict};

/// A body of so many bytes is scored at once; scoring takes some ten nanoseconds for a byte.
const AT_ONCE_BYTES: usize = 32 * 1024;

/// A pair of a form is scored in pieces of so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// So much of a piece is seen again with the next, for what stands across.
const OVERLAP_BYTES: usize = 1024;

/// The texts of a JSON body, in the tree that the guard `json` read.
#[derive(Debug)]
pub(super) struct JsonLook {
    scoring: Arc<Scoring>,
    bytes: usize,
}

impl JsonLook {
    pub(super) const fn new(scoring: Arc<Scoring>) -> Self {
        Self { scoring, bytes: 0 }
    }
}

impl Inspect for JsonLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.bytes = self.bytes.saturating_add(part.len());
        Ok(())
    }

    fn end(self: Box<Self>, _head: &mut Head, context: &mut Context) -> Verdict {
        // Without `json` there is no tree, nor for a body that it only reported.
        let Some(tree) = context.json.take() else { return Verdict::Pass };
        let scoring = self.scoring;
        if self.bytes <= AT_ONCE_BYTES {
            let finding = tree::at_once(&scoring.filter, &tree);
            context.json = Some(tree);
            return scoring.verdict(finding.as_ref());
        }
        Verdict::Later(Box::pin(async move {
            let finding = tree::in_slices(&scoring.filter, &tree, AT_ONCE_BYTES).await;
            let settle: crate::engine::Settle = Box::new(move |_, context| {
                context.json = Some(tree);
                scoring.verdict(finding.as_ref())
            });
            settle
        }))
    }
}

/// The pairs of a form, as they come.
#[derive(Debug)]
pub(super) struct FormLook {
    scoring: Arc<Scoring>,
    /// What came of a pair that has not ended.
    begun: Vec<u8>,
    /// The name of a pair that is scored in pieces.
    key: Option<Vec<u8>>,
    tally: Tally,
}

impl FormLook {
    pub(super) fn new(scoring: Arc<Scoring>) -> Self {
        Self { scoring, begun: Vec::new(), key: None, tally: Tally::default() }
    }

    fn score(&mut self) {
        let (key, value) = match &self.key {
            Some(key) => (&**key, &*self.begun),
            None => pair(&self.begun),
        };
        let in_form = || format!("/{}", name(key)).into();
        let texts = [if self.key.is_none() { key } else { b"" }, value];
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.tally.add(self.scoring.filter.named(Place::Body, in_form, &spaced(text)));
        }
    }

    /// Scores what came of a long pair, and keeps its end.
    fn score_piece(&mut self) {
        self.score();
        if self.key.is_none() {
            let (key, _) = pair(&self.begun);
            self.key = Some(key.get(..key.len().min(OVERLAP_BYTES)).unwrap_or_default().to_vec());
        }
        self.begun.drain(..self.begun.len().saturating_sub(OVERLAP_BYTES));
    }
}

impl Inspect for FormLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        let mut rest = part;
        while let Some(end) = rest.iter().position(|byte| *byte == b'&') {
            let (text, after) = rest.split_at(end);
            self.begun.extend_from_slice(text);
            self.score();
            self.begun.clear();
            self.key = None;
            rest = after.get(1..).unwrap_or_default();
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > PIECE_BYTES {
            self.score_piece();
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, _head: &mut Head, _context: &mut Context) -> Verdict {
        self.score();
        self.scoring.verdict(self.tally.strongest().as_ref())
    }
}
