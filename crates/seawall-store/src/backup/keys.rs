//! Who can read backups: age keys (X25519), in age's own file format.
//!
//! Whoever loses the key file loses the backups; whoever keeps it only beside the data has lost both when the machine burns. The
//! operator keeps a copy elsewhere, or gives recipients only and keeps the key away from this machine altogether.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use age::{
    secrecy::ExposeSecret,
    x25519::{Identity, Recipient},
};

use super::BackupError;

/// Keys that backups are encrypted for, and keys that open them.
#[derive(Clone, Default)]
pub struct Keys {
    recipients: Arc<[Recipient]>,
    identities: Arc<[Identity]>,
}

impl Keys {
    /// No keys: backups are not encrypted.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a key file; makes one at the first time, readable by its owner only. Backups are encrypted for the keys in it.
    ///
    /// # Errors
    /// [`BackupError::Key`], [`BackupError::File`].
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path).map_err(BackupError::file(path))?,
            Err(error) => return Err(BackupError::file(path)(error)),
        };
        let identities: Arc<[Identity]> = identities(&text, path)?.into();
        Ok(Self { recipients: identities.iter().map(Identity::to_public).collect(), identities })
    }

    /// Backups are encrypted for these recipients (`age1…`) and cannot be read with what is on this machine.
    ///
    /// # Errors
    /// [`BackupError::Key`].
    pub fn recipients(recipients: &[&str]) -> Result<Self, BackupError> {
        let parse = |text: &&str| {
            text.parse().map_err(|error| BackupError::Key(format!("`{text}` is no age recipient (age1…): {error}")))
        };
        Ok(Self { recipients: recipients.iter().map(parse).collect::<Result<_, _>>()?, ..Self::default() })
    }

    /// Besides, opens backups with the keys in this file.
    ///
    /// # Errors
    /// [`BackupError::Key`], [`BackupError::File`].
    pub fn opened_by(self, path: &Path) -> Result<Self, BackupError> {
        let text = fs::read_to_string(path).map_err(BackupError::file(path))?;
        Ok(Self { identities: identities(&text, path)?.into(), ..self })
    }

    /// Whether backups are encrypted.
    #[must_use]
    pub fn encrypt(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// The recipients in age's form, for people to note down.
    #[must_use]
    pub fn public(&self) -> Vec<String> {
        self.recipients.iter().map(ToString::to_string).collect()
    }

    pub(super) fn for_writing(&self) -> impl Iterator<Item = &dyn age::Recipient> {
        self.recipients.iter().map(|recipient| recipient as &dyn age::Recipient)
    }

    pub(super) fn for_reading(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.identities.iter().map(|identity| identity as &dyn age::Identity)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("recipients", &self.public()).finish_non_exhaustive()
    }
}

fn identities(text: &str, path: &Path) -> Result<Vec<Identity>, BackupError> {
    let wrong = |reason: &str| BackupError::Key(format!("{}: {reason}", path.display()));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities: Vec<Identity> = lines.map(|line| line.parse().map_err(wrong)).collect::<Result<_, _>>()?;
    if identities.is_empty() { Err(wrong("it holds no line AGE-SECRET-KEY-1…")) } else { Ok(identities) }
}

/// Makes a key and writes it whole under another name first: a crash leaves no half key behind.
fn make(path: &Path) -> io::Result<String> {
    let identity = Identity::generate();
    let text = format!("# public key: {}\n{}\n", identity.to_public(), identity.to_string().expose_secret());
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(text)
}
