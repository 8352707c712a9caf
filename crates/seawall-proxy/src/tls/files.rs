//! The files that encryption is made from, read together, so that one look at them is judged as a whole.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::{CertificateFiles, TlsError, TlsSettings};

/// The longest file that is read: chains and lists of authorities are much shorter.
const LONGEST_BYTES: u64 = 4 * 1024 * 1024;

/// What the files held at one look. Holds private keys, so it cannot be printed.
#[derive(Hash)]
pub(super) struct Files {
    pub(super) certificates: Vec<Contents>,
    pub(super) client_authorities: Option<Vec<u8>>,
}

/// What the files of one certificate held.
#[derive(Hash)]
pub(super) struct Contents {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) ocsp: Option<Vec<u8>>,
}

impl Files {
    /// Reads all files.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let client_authorities = settings.client_ca_file.as_ref().map(|path| {
            read(path).map_err(|error| TlsError::ClientAuthorities { path: path.clone(), reason: error.to_string() })
        });
        Ok(Self {
            certificates: settings.certificates.iter().map(Contents::read).collect::<Result<_, _>>()?,
            client_authorities: client_authorities.transpose()?,
        })
    }

    /// A number that differs when the content differs. Nobody gains by making two contents alike: who writes the files has
    /// the keys.
    pub(super) fn fingerprint(&self) -> u64 {
        fingerprint(self)
    }

    /// As [`Self::fingerprint`], of the authorities alone.
    pub(super) fn authorities_fingerprint(&self) -> u64 {
        fingerprint(&self.client_authorities)
    }
}

impl Contents {
    fn read(files: &CertificateFiles) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            read(path).map_err(|source| TlsError::Unreadable {
                entry: files.name.clone(),
                path: path.to_owned(),
                source,
            })
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            ocsp: files.ocsp.as_deref().map(read).transpose()?,
        })
    }
}

/// Whether others than the owner may read a file; a file that cannot be asked is nobody else's.
pub(super) fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
}

fn fingerprint(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 4 MiB"));
    }
    Ok(bytes)
}
