//! Looking at the configuration's files: what changed during the start is reloaded, and later what changed and rests for one look.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::time::MissedTickBehavior;

use super::{Reloader, Trigger};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// So often files that still change after the start are looked at before they are read as they are.
const MOST_LOOKS: u32 = 60;

/// What a file looks like from outside: nothing when it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Watches for as long as the future lives. A configuration that is refused is not tried again until its files change.
pub(in crate::app) fn watch(reloader: Reloader) -> impl Future<Output = ()> {
    // What changed while the process started, or took over from one that was told to reload meanwhile, is what it is to serve with. What
    // changes from here on is read when somebody asks for it, or it is watched.
    let changed = reloader.untried();
    async move {
        if changed {
            let stamps = || -> Vec<Stamp> { reloader.files().iter().map(|file| stamp(file)).collect() };
            let mut seen = stamps();
            for _ in 0..MOST_LOOKS {
                tokio::time::sleep(LOOK).await;
                let before = std::mem::replace(&mut seen, stamps());
                if before == seen {
                    break;
                }
            }
            // What came of it is in the log.
            let _told = reloader.reload(Trigger::File).await;
        }
        look_again_and_again(reloader).await;
    }
}

async fn look_again_and_again(reloader: Reloader) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched = Watched::default();
    loop {
        looks.tick().await;
        if !reloader.watches() {
            watched = Watched::default();
            continue;
        }
        let stamps = reloader.files().iter().map(|file| stamp(file)).collect();
        if watched.rests_changed(stamps) && reloader.untried() {
            // What came of it is in the log.
            let _told = reloader.reload(Trigger::File).await;
        }
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// What the files looked like.
#[derive(Debug, Default)]
struct Watched {
    /// When they were read last.
    settled: Option<Vec<Stamp>>,
    /// At the last look.
    seen: Option<Vec<Stamp>>,
}

impl Watched {
    /// Whether the files look otherwise than when they were read, and did so at the last look already: half a file, as an
    /// editor may leave it for a moment, is not read.
    fn rests_changed(&mut self, stamps: Vec<Stamp>) -> bool {
        let rests = self.seen.as_ref() == Some(&stamps) && self.settled.as_ref() != Some(&stamps);
        if rests {
            self.settled = Some(stamps.clone());
        }
        self.seen = Some(stamps);
        rests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_read_once_when_it_rests() {
        let at = |seconds| Some((SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), 7));
        let mut watched = Watched::default();
        let looks = [at(1), at(1), at(1), at(2), at(3), at(3), at(3), None, None, at(3), at(3)];
        let read: Vec<_> = looks.into_iter().map(|stamp| watched.rests_changed(vec![stamp, None])).collect();
        assert_eq!(read, [false, true, false, false, false, true, false, false, true, false, true]);
    }
}
