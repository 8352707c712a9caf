//! The database's file: whose it is, and where it lies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::OpenError;

/// A lock that one process holds as long as it has the database.
#[derive(Debug)]
pub(crate) struct Ownership {
    lock: File,
}

impl Ownership {
    /// Takes the database at `path` for this process.
    ///
    /// # Errors
    /// [`OpenError::InUse`], [`OpenError::Network`], [`OpenError::File`].
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        refuse_network(directory)?;
        let lock_path = beside(path, "lock");
        let fault = |source| OpenError::File { path: lock_path.clone(), source };
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&lock_path).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(OpenError::File { path: lock_path, source }),
        }
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // A program that is being started has a duplicate of the descriptor for a moment, so closing ours is not enough.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the database's lock could not be let go of");
        }
    }
}

/// The path of a file that belongs to the database: `seawall.db` has `seawall.db-lock` beside it.
pub(crate) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(what);
    PathBuf::from(name)
}

/// Refuses a directory that other machines share: there SQLite's locks and its shared memory do not hold
/// (<https://sqlite.org/wal.html>, "all processes using a database must be on the same host computer").
fn refuse_network(directory: &Path) -> Result<(), OpenError> {
    let fault = |error: rustix::io::Errno| OpenError::File { path: directory.to_owned(), source: error.into() };
    let kind = rustix::fs::statfs(directory).map_err(fault)?.f_type;
    network_file_system(kind).map_or(Ok(()), |kind| Err(OpenError::Network { path: directory.to_owned(), kind }))
}

/// The name of a network file system by its magic number (linux/magic.h and the file systems' own headers).
#[expect(
    clippy::cast_sign_loss,
    reason = "the kernel's number is a pattern of 32 bits, which some machines show with its sign spread"
)]
const fn network_file_system(magic: i64) -> Option<&'static str> {
    match magic as u64 & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0102_1997 => Some("9P"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x7461_636f => Some("OCFS2"),
        0x0116_1970 => Some("GFS2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        assert_eq!(network_file_system(0x6969), Some("NFS"));
        assert_eq!(network_file_system(0xff53_4d42_u32.cast_signed().into()), Some("SMB"));
        // ext4, tmpfs and overlay are local.
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(network_file_system), [None; 3]);
    }
}
