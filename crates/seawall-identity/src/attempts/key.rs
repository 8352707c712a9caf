//! By which key attempts are counted: a keyed hash of the name and the source.

use std::{fmt, fs, io, net::IpAddr, os::unix::fs::OpenOptionsExt, path::Path};

use aws_lc_rs::{
    digest::SHA256_OUTPUT_LEN,
    hmac::{self, HMAC_SHA256},
};
use seawall_core::{http::ClientKey, settings::Secret};
use zeroize::Zeroizing;

use super::DeviceKeys;

/// What attempts are counted by.
pub(crate) type Counted = [u8; SHA256_OUTPUT_LEN];

/// The longest name that is told apart from others, in bytes.
const LONGEST: usize = 1_024;

/// What stands before everything but attempts at a name from a source. No name begins so after a source: these bytes are no text.
const ELSE: [u8; 32] = [0xff; 32];

/// The secret of this installation, without which nobody finds out whose attempts a row counts. Other keys are made from it, each for
/// one purpose.
#[derive(Clone)]
pub struct AttemptsKey {
    key: hmac::Key,
    devices: Option<DeviceKeys>,
}

impl AttemptsKey {
    /// A secret that several nodes have in common.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self::from_bytes(secret.expose().as_bytes())
    }

    /// The one in a file, which is made when it is not there.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) if bytes.len() == SHA256_OUTPUT_LEN => Ok(Self::from_bytes(&Zeroizing::new(bytes))),
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it does not hold {SHA256_OUTPUT_LEN} bytes; remove it, and another is made"),
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error),
        }
    }

    fn make(path: &Path) -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; SHA256_OUTPUT_LEN]);
        getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
        // Written whole under another name, so that a crash leaves no half of it.
        let draft = path.with_extension("key.new");
        let _left_behind = fs::remove_file(&draft);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        io::Write::write_all(&mut file, &*bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        Ok(Self::from_bytes(&*bytes))
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self { key: hmac::Key::new(HMAC_SHA256, bytes), devices: None }
    }

    /// With keys for the cookies of known devices that change from time to time, in place of one that is made from this.
    #[must_use]
    pub fn with_devices(self, devices: DeviceKeys) -> Self {
        Self { devices: Some(devices), ..self }
    }

    /// What signs the cookies of known devices.
    pub(crate) fn devices(&self) -> DeviceKeys {
        self.devices.clone().unwrap_or_else(|| DeviceKeys::of(&self.made_for("devices", &[])))
    }

    /// A secret of its own for this purpose, or what is counted by it in another way than by name and source.
    pub(crate) fn made_for(&self, purpose: &str, parts: &[&[u8]]) -> Counted {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&ELSE);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        bytes_of(&context)
    }

    /// What attempts at this name from there are counted by. `name` is its key, or what was typed when that is no name.
    pub(crate) fn counted(&self, name: &str, source: IpAddr) -> Counted {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&ClientKey::of(source).bytes());
        context.update(told_apart(name));
        bytes_of(&context)
    }
}

/// So much of a name as is told apart from others.
pub(super) fn told_apart(name: &str) -> &[u8] {
    name.as_bytes().get(..LONGEST).unwrap_or(name.as_bytes())
}

fn bytes_of(context: &hmac::Context) -> Counted {
    let mut counted = [0; SHA256_OUTPUT_LEN];
    for (own, byte) in counted.iter_mut().zip(context.clone().sign().as_ref()) {
        *own = *byte;
    }
    counted
}

impl fmt::Debug for AttemptsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptsKey")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.key");
        let source: IpAddr = "192.0.2.1".parse().unwrap();
        let first = AttemptsKey::open(&path).unwrap().counted("ann", source);
        assert_eq!(AttemptsKey::open(&path).unwrap().counted("ann", source), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short").unwrap();
        assert!(AttemptsKey::open(&path).is_err());
    }

    #[test]
    fn names_and_sources_are_told_apart_and_a_v6_network_is_one_source() {
        let key = AttemptsKey::of(&"secret".to_owned().into());
        let counted = |name: &str, source: &str| key.counted(name, source.parse().unwrap());
        assert_eq!(counted("ann", "2001:db8::1"), counted("ann", "2001:db8::ffff"));
        assert_eq!(counted("ann", "::ffff:192.0.2.1"), counted("ann", "192.0.2.1"));
        let all = [counted("ann", "192.0.2.1"), counted("bob", "192.0.2.1"), counted("ann", "192.0.2.2")];
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    }
}
