//! The directory with Seawall's own files: the lock, the admin token, the admin socket. Only its owner may look in.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use seawall_core::settings::Secret;

use super::{AppError, random};

/// The directory, locked for this process as long as the value lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Opens the directory, and makes it when it is missing.
    ///
    /// # Errors
    /// [`AppError::InUse`] when another process has it, [`AppError::Data`] when it cannot be made or written.
    pub fn open(path: &Path) -> Result<Self, AppError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| AppError::Data { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault(path))?;
        let ignore = path.join(".gitignore");
        if !ignore.exists() {
            // Nothing in here belongs in a repository.
            fs::write(&ignore, "*\n").map_err(fault(&ignore))?;
        }
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(fault(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(AppError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(AppError::Data { path: lock_path, source }),
        }
    }

    /// Where the admin socket is.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        Self::socket_in(&self.path)
    }

    /// Where the admin socket of a data directory is.
    #[must_use]
    pub fn socket_in(data: &Path) -> PathBuf {
        data.join("admin.sock")
    }

    /// Where the admin token is kept.
    #[must_use]
    pub fn token_path(&self) -> PathBuf {
        self.path.join("admin.token")
    }

    /// The admin token; made at the first start, readable by its owner only.
    ///
    /// # Errors
    /// [`AppError::Data`] when it cannot be read or made.
    pub fn admin_token(&self) -> Result<Secret, AppError> {
        let path = self.token_path();
        read_or_make(&path).map(Secret::from).map_err(|source| AppError::Data { path, source })
    }
}

fn read_or_make(path: &Path) -> io::Result<String> {
    match File::open(path) {
        Ok(mut file) => {
            if file.metadata()?.permissions().mode() & 0o077 != 0 {
                tracing::warn!(file = %path.display(), "others could read the admin token; only its owner may from now on");
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
            }
            let mut token = String::new();
            file.read_to_string(&mut token)?;
            let token = token.trim().to_owned();
            if token.len() < 32 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the token in it is shorter than 32 characters; remove the file and a new one is made",
                ));
            }
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = random::secret()?;
            // Written whole under another name first: a crash leaves no half token behind.
            let fresh = path.with_extension("token.new");
            let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
            writeln!(file, "{token}")?;
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            Ok(token)
        }
        Err(error) => Err(error),
    }
}
