//! Reading one form.

use seawall_core::{
    form::{Fault, Multipart, Refusal, Urlencoded},
    problem::Problem,
};

use super::{FILE_TOO_LARGE, FILE_TYPE_REFUSED, UNSOUND_FORM};
use crate::{Context, Head, Inspect, Verdict};

/// Reads pairs.
#[derive(Debug)]
pub(super) struct UrlencodedLook(pub(super) Urlencoded);

/// Reads parts.
#[derive(Debug)]
pub(super) struct MultipartLook(pub(super) Multipart);

impl Inspect for UrlencodedLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.0.feed(part).map_err(refused)
    }

    fn end(self: Box<Self>, _head: &mut Head, _context: &mut Context) -> Verdict {
        verdict(self.0.finish())
    }
}

impl Inspect for MultipartLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.0.feed(part).map_err(refused)
    }

    fn end(self: Box<Self>, _head: &mut Head, _context: &mut Context) -> Verdict {
        verdict(self.0.finish())
    }
}

fn verdict(read: Result<(), Refusal>) -> Verdict {
    read.map_or_else(|refusal| Verdict::Refuse(refused(refusal)), |()| Verdict::Pass)
}

/// Nothing of the form is in it.
fn refused(refusal: Refusal) -> Box<Problem> {
    let Refusal { fault, at } = refusal;
    let kind = match fault {
        Fault::LargeFile => &FILE_TOO_LARGE,
        Fault::FileType => &FILE_TYPE_REFUSED,
        _ => &UNSOUND_FORM,
    };
    Box::new(Problem::new(kind).detail(format!("The form is refused: {fault}, near byte {at}.")))
}
