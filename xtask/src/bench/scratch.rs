//! A folder of its own for everything the proxies write, removed at the end, and ports nobody uses.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Deleted with all that is in it when dropped.
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(crate) fn create() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("seawall-bench-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| Failure::io("create", &folder, &error))?;
        Ok(Self { folder })
    }

    /// A fresh empty folder for one run.
    pub(crate) fn fresh(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        discard(&folder);
        fs::create_dir(&folder).map_err(|error| Failure::io("create", &folder, &error))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        discard(&self.folder);
    }
}

/// Deletes a run's folder, so that logs do not pile up. What cannot be deleted is left to the system's own cleaning.
pub(crate) fn discard(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// Two ports that were free a moment ago: the proxies cannot be handed an open socket.
pub(crate) fn free_ports() -> Result<[u16; 2], Failure> {
    let failed = |error| Failure::broken(format!("no free port: {error}"));
    let open = || TcpListener::bind(("127.0.0.1", 0)).map_err(failed);
    let listeners = [open()?, open()?];
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port()).map_err(failed);
    let [first, second] = &listeners;
    Ok([port(first)?, port(second)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_gone_at_the_end() {
        let scratch = Scratch::create().unwrap();
        let run = scratch.fresh("run").unwrap();
        fs::write(run.join("log"), "a").unwrap();
        drop(scratch);
        assert!(!run.exists());
    }

    #[test]
    fn two_ports_differ() {
        let [first, second] = free_ports().unwrap();
        assert_ne!(first, second);
    }
}
