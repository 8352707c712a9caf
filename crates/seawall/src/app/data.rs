//! The directory with Seawall's own files: the lock, the admin token, the sockets for operators and for a successor. Only its
//! owner may look in.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use seawall_core::settings::Secret;

use super::{AppError, random};

/// The file with the key of the application's calls.
const OUTBOUND_KEY: &str = "outbound.key";

/// The directory, locked for this process as long as the value lives, or until it is handed over to another.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    /// Nothing once another process may have it.
    lock: Mutex<Option<File>>,
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
        Ok(Self { lock: Mutex::new(Some(lock(path)?)), path: path.to_owned() })
    }

    /// Lets another process have it.
    pub(super) fn release(&self) -> io::Result<()> {
        let Some(lock) = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        // A program that is being started has a duplicate of the descriptor for a moment, so closing ours is not enough.
        lock.unlock()
    }

    /// Locks it again after it was let go of.
    pub(super) fn take_back(&self) -> Result<(), AppError> {
        let lock = lock(&self.path)?;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).replace(lock);
        Ok(())
    }

    /// Whether it is this process's.
    pub(super) fn held(&self) -> bool {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Where a process that shall take over finds this one.
    #[must_use]
    pub fn hand_over_path(&self) -> PathBuf {
        Self::hand_over_in(&self.path)
    }

    /// Where a process that serves from a data directory is found.
    #[must_use]
    pub fn hand_over_in(data: &Path) -> PathBuf {
        data.join("hand-over.sock")
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

    /// Where the key of the application's calls is kept, unless configuration gives it.
    #[must_use]
    pub fn outbound_key_path(&self) -> PathBuf {
        self.path.join(OUTBOUND_KEY)
    }

    /// Where the admin token is kept.
    #[must_use]
    pub fn token_path(&self) -> PathBuf {
        self.path.join("admin.token")
    }

    /// The key that calls of the application show; made at the first start, readable by its owner only.
    ///
    /// # Errors
    /// [`AppError::Data`] when it cannot be read or made.
    pub(super) fn outbound_key_in(data: &Path) -> Result<Secret, AppError> {
        let path = data.join(OUTBOUND_KEY);
        read_or_make(&path).map(Secret::from).map_err(|source| AppError::Data { path, source })
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

fn lock(directory: &Path) -> Result<File, AppError> {
    let path = directory.join("lock");
    let opened = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(|source| AppError::Data { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AppError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(AppError::Data { path, source }),
    }
}

fn read_or_make(path: &Path) -> io::Result<String> {
    match File::open(path) {
        Ok(mut file) => {
            if file.metadata()?.permissions().mode() & 0o077 != 0 {
                tracing::warn!(file = %path.display(), "others could read this secret; only its owner may from now on");
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
            }
            let mut token = String::new();
            file.read_to_string(&mut token)?;
            let token = token.trim().to_owned();
            if token.len() < 32 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the secret in it is shorter than 32 characters; remove the file and a new one is made",
                ));
            }
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = random::secret()?;
            // Written whole under another name first: a crash leaves no half secret behind.
            let fresh = path.with_extension("new");
            let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
            writeln!(file, "{token}")?;
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            Ok(token)
        }
        Err(error) => Err(error),
    }
}
