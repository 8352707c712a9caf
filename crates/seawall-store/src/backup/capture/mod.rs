//! The capture: every change of the database, written down within a second, so that any second can be restored.
//!
//! It belongs to the thread that writes. After commits, at most once a second and always before the log may begin anew, the log's
//! new frames are checked and appended to a segment with the time of each commit. Segments are flushed to the
//! disk only when the store is closed: after a crash of the process they are whole anyway, and after one of the machine another
//! generation begins. A task ships complete segments to the place. One series of segments without a gap is a
//! *generation*; when continuity cannot be proven, or the disk may hold no more, the generation ends and the next backup begins
//! another. The database never waits for any of it.

mod continuity;
mod mark;
mod notes;
mod open;
mod segment;
mod shared;
mod spool;
mod wal;

use std::{
    fs::File,
    io,
    os::unix::fs::{DirBuilderExt, FileExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use seawall_core::clock::{Clock, Now};

use self::{
    continuity::{Continuity, Found, after_start, while_running},
    notes::Note,
    open::Open,
    segment::{Identity, Pages, Position, What},
    wal::Header,
};

pub use shared::CaptureStatus;

pub(crate) use mark::{Holds, Kept, Mark};
pub(crate) use notes::Notes;
pub(crate) use segment::What as RecordKind;
pub(crate) use segment::{Head, Records};
pub(crate) use shared::Shared;
pub(crate) use spool::{Waiting, hold, open_segment, segment_file, waiting};

/// How often commits are captured: a restore reaches any second.
const EVERY: Duration = Duration::from_secs(1);

/// How old a segment gets before it is complete: with the second above and the time of the upload, what happened is at the place
/// within a minute.
const SEGMENT_AGE: Duration = Duration::from_secs(20);

/// Bytes that may wait while the place is away: on a busy day some hours of changes.
const MOST_WAITING_BYTES: u64 = 2 << 30;

/// How large a segment gets before it is complete.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Bytes of pages that are gathered before they are written.
pub(super) const MOST_GATHERED_BYTES: usize = 1 << 20;

/// How often a point is tried for at which all of the log is in the file.
const SETTLE_EVERY: Duration = Duration::from_millis(100);

/// Frames that are read at once.
const FRAMES_AT_ONCE: u32 = 64;

/// Why there is nothing to go on with when there never was anything.
const NEVER: &str = "nothing was captured before";

/// Where changes are captured to, until they are shipped.
#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// A directory on this machine.
    pub directory: PathBuf,
    /// Bytes that may wait there while the place cannot be reached.
    pub most_waiting_bytes: u64,
    /// How often commits are captured.
    pub every: Duration,
    /// How old a segment gets before it is complete and can be shipped.
    pub segment_age: Duration,
}

impl CaptureOptions {
    /// Captures to this directory, every second, for segments of 20 seconds, 2 GiB of which may wait.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, most_waiting_bytes: MOST_WAITING_BYTES, every: EVERY, segment_age: SEGMENT_AGE }
    }
}

/// The part of the capture that belongs to the thread that writes.
#[derive(Debug)]
pub(crate) struct Capture {
    options: CaptureOptions,
    database: PathBuf,
    log: PathBuf,
    notes: Arc<Notes>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    open: Option<Open>,
    /// The database was opened without a log, and nothing has been captured since.
    opened_emptied: bool,
    /// The time of the last commit; times never go back within a generation.
    last_at_us: i64,
    captured_us: u64,
    /// When a point was last tried for.
    settled_us: u64,
}

/// Why a generation cannot go on.
struct Broken(String);

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Capture {
    /// Goes on with the generation on the disk where that is proven to have no gap, or begins another. The connection that writes
    /// is open already, so that the log has been recovered, and nothing has been written.
    pub(crate) fn start(
        options: CaptureOptions,
        database: &Path,
        notes: Arc<Notes>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let captured_us = clock.now().monotonic_us;
        let mut capture = Self {
            options,
            database: database.to_owned(),
            log: log.into(),
            notes,
            shared,
            clock,
            open: None,
            opened_emptied: false,
            last_at_us: 0,
            captured_us,
            settled_us: 0,
        };
        match capture.resume() {
            Ok(()) => {}
            // The first start, or the first with the capture on.
            Err(Broken(reason)) if reason == NEVER => capture.begin(),
            Err(Broken(reason)) => {
                tracing::warn!(
                    reason,
                    "the capture of changes cannot go on without a gap; a new generation begins with the next backup"
                );
                capture.begin();
            }
        }
        // What the last run left in the log.
        if capture.open.is_some()
            && let Err(Broken(reason)) = capture.copy(&[])
        {
            capture.give_up(&reason);
        }
        capture
    }

    /// How long the thread may wait for work before [`Self::tick`] has something to do.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let now = self.clock.now().monotonic_us;
        let open = self.open.as_ref()?;
        let due_us = if self.notes.pending() {
            self.captured_us + us(self.options.every)
        } else {
            open.since_us? + us(self.options.segment_age)
        };
        Some(Duration::from_micros(due_us.saturating_sub(now)))
    }

    /// Whether another generation is asked for, which [`Self::tick`] begins. It begins with all that is in the log then, so the less the better.
    pub(crate) fn begins_soon(&self) -> bool {
        self.open.is_none() && self.shared.asked_for_generation()
    }

    /// Whether somebody waits for a point at which all of the log is in the file, and it is time to try.
    pub(crate) fn settles_soon(&mut self) -> bool {
        let now_us = self.clock.now().monotonic_us;
        let due = now_us >= self.settled_us.saturating_add(us(SETTLE_EVERY));
        let wanted = due && self.shared.asking.wanted() == Some(Holds::Settled);
        if wanted {
            self.settled_us = now_us;
        }
        wanted
    }

    /// All of the log is in the file.
    pub(crate) fn settled(&mut self) {
        self.capture();
        let mark = self.mark();
        if let Some(mark) = &mark {
            self.shared.keep(mark);
        }
        self.shared.asking.answer(mark);
    }

    /// Where the capture stands, all that was committed being captured.
    fn mark(&self) -> Option<Mark> {
        let open = self.open.as_ref()?;
        Some(Mark {
            generation: open.head.generation.clone(),
            segment: open.head.number,
            commit: open.next_commit,
            at_us: super::time::now_us(&*self.clock).max(self.last_at_us),
        })
    }

    /// Captures when it is time to.
    pub(crate) fn tick(&mut self) {
        let now = self.clock.now();
        if self.shared.asking.wanted() == Some(Holds::Captured) {
            self.capture();
            self.shared.asking.answer(self.mark());
        }
        if self.open.is_none() {
            self.notes.take();
            self.shared.asking.answer(None);
            if self.shared.takes_up_asking() {
                self.begin();
            }
            return;
        }
        if now.monotonic_us >= self.captured_us + us(self.options.every) {
            self.capture();
        }
        self.rotate_if_due(now);
    }

    /// Captures all that is committed; has to be called before a checkpoint, after which the log may begin anew.
    pub(crate) fn capture(&mut self) {
        let notes = self.notes.take();
        self.captured_us = self.clock.now().monotonic_us;
        if self.open.is_none() || notes.is_empty() {
            return;
        }
        if let Err(Broken(reason)) = self.copy(&notes) {
            self.give_up(&reason);
        }
    }

    /// The log has been emptied, all of it captured.
    pub(crate) fn emptied(&mut self) {
        let (Some(open), Ok(identity)) = (&mut self.open, identity(&self.database)) else { return };
        let position = Position { emptied: Some(identity), ..open.position };
        if let Err(error) = open.write(&mut Pages::default(), What::Emptied, position).and_then(|()| open.flush()) {
            self.give_up(&error.to_string());
        }
    }

    /// Finds the segment that the last run wrote, and whether the log goes on behind it.
    fn resume(&mut self) -> Result<(), Broken> {
        // Changes are not encrypted before they are shipped.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.options.directory)?;
        let left = spool::clean_up(&self.options.directory)?;
        for waiting in waiting(&self.options.directory)? {
            self.shared.completed(waiting.bytes);
        }
        let Some(mut open) = left else { return Err(Broken(NEVER.to_owned())) };
        let clean = open.of_this_boot() || open.position.emptied.is_some();
        let continuity = if clean {
            after_start(&open.position, &self.found(&open.position)?)
        } else {
            Continuity::Broken("the machine went down while it was written")
        };
        match continuity {
            Continuity::Same => {}
            Continuity::Anew => {
                self.opened_emptied = true;
            }
            Continuity::Broken(reason) => {
                open.complete(&self.shared)?;
                return Err(Broken(reason.to_owned()));
            }
        }
        open.continue_in_this_boot()?;
        open.since_us = (open.commits() > 0).then_some(self.captured_us);
        self.last_at_us = open.last_at_us;
        self.shared.began(&open.head.generation, open.head.number);
        self.open = Some(open);
        Ok(())
    }

    fn found(&self, position: &Position) -> Result<Found, Broken> {
        let file = identity(&self.database)?;
        let Some((log, header)) = self.open_log()? else { return Ok(Found { salts: None, last_checksum: None, file }) };
        let mut head = [0; wal::FRAME_HEADER_BYTES];
        let last = position.frames.checked_sub(1).map(|before| offset(&header, before));
        let last_checksum = match last.map(|at| log.read_exact_at(&mut head, at)) {
            Some(Ok(())) => Header::checksum_in(&head),
            _ => None,
        };
        Ok(Found { salts: Some(header.salts), last_checksum, file })
    }

    /// Begins a generation with whatever is in the log.
    fn begin(&mut self) {
        let begun = super::vault::random_hex::<6>().map_err(|error| Broken(error.to_string())).and_then(|random| {
            let generation = format!("{}-{random}", super::time::compact(super::time::now_us(&*self.clock)));
            let page_size = self.open_log()?.map_or(0, |(_, header)| header.page_size);
            Ok(Open::create(&self.options.directory, &generation, 1, page_size, 0, Position::default())?)
        });
        match begun {
            Ok(open) => {
                self.opened_emptied = true;
                self.last_at_us = 0;
                tracing::info!(generation = open.head.generation, "a generation of changes begins");
                self.shared.began(&open.head.generation, 1);
                self.open = Some(open);
            }
            Err(Broken(reason)) => self.give_up(&reason),
        }
    }

    fn give_up(&mut self, reason: &str) {
        tracing::error!(
            reason,
            directory = %self.options.directory.display(),
            "changes are no longer captured, so restores reach the last backup only; look at the place of the backups and at the disk's room: the next backup begins anew"
        );
        if let Some(open) = self.open.take() {
            // What is whole in it stays of use.
            if let Err(error) = open.complete(&self.shared) {
                tracing::warn!(%error, "the last segment of the generation could not be completed");
            }
        }
        self.shared.gave_up(reason);
    }

    fn rotate_if_due(&mut self, now: Now) {
        let age_us = us(self.options.segment_age);
        let due = |open: &Open| {
            open.since_us.is_some_and(|since_us| now.monotonic_us >= since_us + age_us) || open.bytes >= SEGMENT_BYTES
        };
        if self.open.as_ref().is_some_and(due) {
            self.rotate();
        }
    }

    /// Completes the segment and begins the next one, when there is anything in it.
    fn rotate(&mut self) {
        let Some(open) = self.open.take_if(|open| open.commits() > 0) else { return };
        // The next one is there before this one is complete, so that a crash between the two leaves no doubt.
        let next = Open::create(
            &self.options.directory,
            &open.head.generation,
            open.head.number + 1,
            open.head.page_size,
            open.next_commit,
            open.position,
        );
        let waiting = open.complete(&self.shared);
        match (next, waiting) {
            (Ok(next), Ok(waiting)) if waiting <= self.options.most_waiting_bytes => {
                self.shared.began(&next.head.generation, next.head.number);
                self.open = Some(next);
            }
            (Ok(next), Ok(waiting)) => {
                self.open = Some(next);
                self.give_up(&format!("{waiting} bytes of changes wait to be shipped, more than may"));
            }
            (Err(error), _) | (_, Err(error)) => self.give_up(&error.to_string()),
        }
    }

    /// Copies the log's frames after the last captured one: up to the last noted commit, or without notes up to the last whole one.
    fn copy(&mut self, notes: &[Note]) -> Result<(), Broken> {
        let Some((log, header)) = self.open_log()? else {
            return if notes.is_empty() { Ok(()) } else { Err(Broken("the write-ahead log is gone".to_owned())) };
        };
        let written_us = log.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let fallback_us = i64::try_from(written_us).unwrap_or_default();
        let opened_emptied = std::mem::take(&mut self.opened_emptied);
        let Some(open) = &mut self.open else { return Ok(()) };
        open.settle_page_size(header.page_size)?;
        let (mut done, mut checksum) = match while_running(&open.position, header.salts, opened_emptied) {
            Continuity::Same if open.position.frames > 0 => (open.position.frames, open.position.checksum),
            Continuity::Same | Continuity::Anew => (0, header.checksum),
            Continuity::Broken(reason) => return Err(Broken(reason.to_owned())),
        };
        // Every commit makes the log longer, unless it began anew behind our back.
        if !notes.is_sorted_by(|before, after| before.frames < after.frames) {
            return Err(Broken(
                "another process checkpoints the database: run Litestream or the capture, not both".to_owned(),
            ));
        }
        let until = notes.last().map(|note| note.frames);
        let mut notes = notes.iter().peekable();
        let mut pages = Pages::default();
        let mut buffer = vec![0; header.frame_bytes() * FRAMES_AT_ONCE as usize];
        'log: while until.is_none_or(|until| done < until) {
            let frames = until.map_or(FRAMES_AT_ONCE, |until| FRAMES_AT_ONCE.min(until - done));
            let read = read_frames(&log, &header, done, frames, &mut buffer)?;
            if read == 0 {
                break;
            }
            for bytes in buffer.chunks_exact(header.frame_bytes()).take(read) {
                let Some((frame, after)) = header.frame(checksum, bytes) else { break 'log };
                (done, checksum) = (done + 1, after);
                pages.add(frame.page, bytes.get(wal::FRAME_HEADER_BYTES..).unwrap_or_default());
                let position = Position { salts: header.salts, frames: done, checksum, emptied: None };
                if frame.commit_pages > 0 {
                    while notes.next_if(|note| note.frames < done).is_some() {}
                    let at_us = notes.peek().map_or(fallback_us, |note| note.at_us).max(self.last_at_us);
                    self.last_at_us = at_us;
                    open.since_us = open.since_us.or(Some(self.captured_us));
                    open.write(&mut pages, What::Commit { at_us, pages: frame.commit_pages }, position)?;
                } else if pages.bytes() >= MOST_GATHERED_BYTES {
                    open.write(&mut pages, What::Part, position)?;
                }
            }
        }
        open.flush()?;
        self.shared.captured(self.last_at_us);
        match until {
            Some(until) if open.position.frames != until => {
                Err(Broken(format!("frame {} of the write-ahead log does not verify", open.position.frames + 1)))
            }
            _ => Ok(()),
        }
    }

    fn open_log(&self) -> Result<Option<(File, Header)>, Broken> {
        let log = match File::open(&self.log) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut head = [0; wal::HEADER_BYTES];
        match log.read_exact_at(&mut head, 0) {
            Ok(()) => Ok(Header::parse(&head).map(|header| (log, header))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// When the store is closed, what was captured can be shipped; the next run goes on with a segment that is empty yet.
impl Drop for Capture {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.open.as_mut().map(Open::sync) {
            self.give_up(&error.to_string());
        }
        self.rotate();
        // Without it, the next start after one of the machine begins another generation.
        if let Some(Err(error)) = self.open.as_mut().map(Open::sync) {
            tracing::warn!(%error, "the next segment was not flushed");
        }
    }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Where a frame begins, from 0.
fn offset(header: &Header, frame: u32) -> u64 {
    wal::HEADER_BYTES as u64 + u64::from(frame) * header.frame_bytes() as u64
}

/// Reads whole frames; answers how many there were.
fn read_frames(log: &File, header: &Header, from: u32, frames: u32, into: &mut [u8]) -> io::Result<usize> {
    let wanted = header.frame_bytes() * frames as usize;
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..wanted).filter(|rest| !rest.is_empty()) {
        match log.read_at(rest, offset(header, from) + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled / header.frame_bytes())
}

/// The database's file as the file system describes it. It is not opened: closing it would let go of SQLite's own locks.
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    let modified = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    Ok(Identity { inode: found.ino(), bytes: found.size(), modified_ns: u64::try_from(modified).unwrap_or_default() })
}
