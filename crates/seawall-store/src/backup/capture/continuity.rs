//! Whether the log goes on where the capture stopped: decided from what the log and the files say, never hoped.

use super::{
    segment::{Identity, Position},
    wal::Checksum,
};

/// What is found when the capture looks at the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The log's salts; nothing when there is no log or it is empty.
    pub(super) salts: Option<[u32; 2]>,
    /// The sum in the last frame that was captured, where the log still has it.
    pub(super) last_checksum: Option<Checksum>,
    /// The database's file.
    pub(super) file: Identity,
}

/// How the capture goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuity {
    /// After the last captured frame.
    Same,
    /// From the first frame: the log began anew, and all of the one before it had been captured.
    Anew,
    /// It does not: something may be missing.
    Broken(&'static str),
}

/// Decides after a start. The log begins anew only after all of it went into the database's file, which only the store's writer
/// brings about, and only after a capture; so one beginning between here and there is no gap, and two would be.
pub(super) fn after_start(position: &Position, found: &Found) -> Continuity {
    match found.salts {
        None if position.emptied == Some(found.file) => Continuity::Anew,
        None if position.emptied.is_some() => Continuity::Broken("the database's file was changed meanwhile"),
        None => Continuity::Broken("the write-ahead log is gone"),
        Some(salts) if salts == position.salts => {
            if position.frames == 0 || found.last_checksum == Some(position.checksum) {
                Continuity::Same
            } else {
                Continuity::Broken("the write-ahead log is not the one that was captured")
            }
        }
        // Nothing went into the file since the log was emptied, so all that came after is in the log of now.
        Some(_) if position.emptied == Some(found.file) => Continuity::Anew,
        Some(salts) => next_log(position, salts),
    }
}

/// Decides while the store runs, where nobody else can have emptied the log.
pub(super) fn while_running(position: &Position, salts: [u32; 2], opened_emptied: bool) -> Continuity {
    if salts == position.salts {
        Continuity::Same
    } else if opened_emptied {
        // The first log after the file was opened without one has salts of its own.
        Continuity::Anew
    } else {
        next_log(position, salts)
    }
}

fn next_log(position: &Position, salts: [u32; 2]) -> Continuity {
    if salts[0] == position.salts[0].wrapping_add(1) {
        Continuity::Anew
    } else {
        Continuity::Broken("the write-ahead log began anew more than once since it was captured")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Identity = Identity { inode: 7, bytes: 4_096, modified_ns: 1 };

    fn position() -> Position {
        Position { salts: [10, 99], frames: 5, checksum: [1, 2], emptied: None }
    }

    fn found(salts: Option<[u32; 2]>, last_checksum: Option<Checksum>) -> Found {
        Found { salts, last_checksum, file: FILE }
    }

    #[test]
    fn the_same_log_goes_on_and_another_one_does_not() {
        assert_eq!(after_start(&position(), &found(Some([10, 99]), Some([1, 2]))), Continuity::Same);
        assert_eq!(after_start(&position(), &found(Some([11, 3]), None)), Continuity::Anew);
        for other in [found(Some([10, 99]), Some([1, 3])), found(Some([12, 3]), None), found(None, None)] {
            assert!(matches!(after_start(&position(), &other), Continuity::Broken(_)), "{other:?}");
        }
    }

    #[test]
    fn an_emptied_log_goes_on_only_when_nobody_touched_the_file() {
        let emptied = Position { emptied: Some(FILE), ..position() };
        assert_eq!(after_start(&emptied, &found(None, None)), Continuity::Anew);
        assert_eq!(after_start(&emptied, &found(Some([77, 1]), None)), Continuity::Anew);
        let touched = Found { file: Identity { modified_ns: 2, ..FILE }, ..found(None, None) };
        assert!(matches!(after_start(&emptied, &touched), Continuity::Broken(_)));
    }
}
