//! Commits made again: the images of the pages that each changed are written to their places.

use std::{
    io::{self, Read},
    ops::Range,
};

use super::super::{
    capture::{Head, RecordKind, Records},
    paced::Paced,
};

/// Makes the commits of one segment whose numbers are among `commits` again in `target`; answers the database's size in bytes after
/// the last of them.
///
/// # Errors
/// The segment cannot be read, or the file cannot be written.
pub(in crate::backup) fn make<R: Read>(
    head: &Head,
    records: &mut Records<R>,
    commits: &Range<u64>,
    target: &mut Paced,
) -> io::Result<Option<u64>> {
    let offset = |pages: u32| u64::from(pages) * u64::from(head.page_size);
    let (mut number, mut bytes) = (head.first_commit, None);
    while number < commits.end
        && let Some(record) = records.advance()?
    {
        let wanted = commits.contains(&number);
        if wanted {
            for (page, image) in records.images() {
                let before = page.checked_sub(1).ok_or_else(|| io::Error::other("the segment names page 0"))?;
                target.write_at(image, offset(before))?;
            }
        }
        if let RecordKind::Commit { pages, .. } = record.what {
            number += 1;
            bytes = wanted.then(|| offset(pages)).or(bytes);
        }
    }
    Ok(bytes)
}
