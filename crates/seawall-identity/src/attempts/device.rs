//! The cookie of a known device: who signed in there is known again for 180 days, and attempts of others do not hold it up.
//!
//! It signs nobody in. Its keys are kept beside the key of attempts; a fresh one is made every 90 days, at a start, and those before
//! it are kept as long as cookies of them hold.

use std::{fmt, fs, io, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

const DAY_S: u64 = 24 * 60 * 60;

/// How long a device is known.
pub(crate) const KNOWN_S: u64 = 180 * DAY_S;

/// How old a key becomes that signs.
const SIGNS_S: u64 = 90 * DAY_S;

const KEY_BYTES: usize = 32;

/// The longest cookie that is looked at.
const LONGEST: usize = 512;

/// A device on which a user signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id: random, for this user alone.
    pub id: String,
    /// The user.
    pub user_id: String,
}

/// Keys that sign the cookies, the one in use first. Cheap to clone.
#[derive(Clone)]
pub struct DeviceKeys(Arc<[hmac::Key]>);

impl DeviceKeys {
    /// One key, which several nodes have in common.
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self([hmac::Key::new(HMAC_SHA256, secret)].into())
    }

    /// Those in a file, which is made when it is not there; a fresh one is added when the newest is 90 days old.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(path: &Path, now_s: u64) -> io::Result<Self> {
        let mut kept = match fs::read_to_string(path) {
            Ok(text) => read(&Zeroizing::new(text))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if kept.first().is_none_or(|(made_s, _)| now_s.saturating_sub(*made_s) >= SIGNS_S) {
            let mut fresh = Zeroizing::new(vec![0; KEY_BYTES]);
            getrandom::fill(&mut fresh).map_err(io::Error::other)?;
            kept.insert(0, (now_s, fresh));
            kept.retain(|(made_s, _)| now_s.saturating_sub(*made_s) < SIGNS_S + KNOWN_S);
            write(path, &kept)?;
        }
        Ok(Self(kept.iter().map(|(_, key)| hmac::Key::new(HMAC_SHA256, key)).collect()))
    }

    /// A cookie for a device.
    pub(crate) fn cookie(&self, device: &Device, now_s: u64) -> Option<String> {
        let said = format!("1.{}.{}.{now_s}", device.user_id, device.id);
        let tag = hmac::sign(self.0.first()?, said.as_bytes());
        Some(format!("{said}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())))
    }

    /// The device of a cookie; nothing when it was not made here, or too long ago.
    pub(crate) fn device(&self, cookie: &str, now_s: u64) -> Option<Device> {
        let (said, tag) = cookie.rsplit_once('.').filter(|_| cookie.len() <= LONGEST)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.0.iter().find(|key| hmac::verify(key, said.as_bytes(), &tag).is_ok())?;
        let mut words = said.split('.');
        let ("1", user_id, id) = (words.next()?, words.next()?, words.next()?) else { return None };
        let given_s: u64 = words.next()?.parse().ok()?;
        let holds = given_s <= now_s && now_s - given_s < KNOWN_S;
        holds.then(|| Device { id: id.to_owned(), user_id: user_id.to_owned() })
    }
}

impl Device {
    /// A device of a user that was not known.
    pub(crate) fn fresh(user_id: &str) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self { id: URL_SAFE_NO_PAD.encode(bytes), user_id: user_id.to_owned() })
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKeys")
    }
}

type Kept = Vec<(u64, Zeroizing<Vec<u8>>)>;

/// A line for each: when it was made, in seconds, and the key.
fn read(text: &str) -> io::Result<Kept> {
    let line = |line: &str| {
        let (made_s, key) = line.split_once(' ')?;
        let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(key).ok()?);
        Some((made_s.parse().ok()?, key)).filter(|(_, key)| key.len() == KEY_BYTES)
    };
    let wrong = || {
        io::Error::new(io::ErrorKind::InvalidData, "it does not hold keys of devices; remove it, and another is made")
    };
    text.lines().map(|text| line(text).ok_or_else(wrong)).collect()
}

/// Written whole under another name, so that a crash leaves no half of it.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let mut text = Zeroizing::new(String::new());
    for (made_s, key) in kept {
        text.push_str(&format!("{made_s} {}\n", URL_SAFE_NO_PAD.encode(&**key)));
    }
    let draft = path.with_extension("key.new");
    let _left_behind = fs::remove_file(&draft);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn device() -> Device {
        Device { id: "d1".to_owned(), user_id: "u1".to_owned() }
    }

    #[test]
    fn a_device_is_known_for_180_days_by_what_was_signed_here() {
        let keys = DeviceKeys::of(b"one");
        let cookie = keys.cookie(&device(), NOW).unwrap();
        assert_eq!(keys.device(&cookie, NOW + KNOWN_S - 1), Some(device()));
        assert_eq!(keys.device(&cookie, NOW + KNOWN_S), None);
        assert_eq!(keys.device(&cookie, NOW - 1), None);
        assert_eq!(DeviceKeys::of(b"other").device(&cookie, NOW), None);
        for forged in
            [cookie.replace("u1", "u2"), cookie.replace(".d1.", ".d2."), cookie.replace("1.", "2."), cookie + "A"]
        {
            assert_eq!(keys.device(&forged, NOW), None, "{forged}");
        }
        for nonsense in ["", ".", "1.u1.d1.0.", &"1.".repeat(400)] {
            assert_eq!(keys.device(nonsense, NOW), None);
        }
    }

    #[test]
    fn a_fresh_key_signs_after_90_days_and_the_ones_before_it_are_kept_as_long_as_they_are_needed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("devices.key");
        let first = DeviceKeys::open(&path, NOW).unwrap().cookie(&device(), NOW).unwrap();
        assert_eq!(DeviceKeys::open(&path, NOW + 1).unwrap().0.len(), 1);
        let later = DeviceKeys::open(&path, NOW + SIGNS_S).unwrap();
        assert_eq!(later.0.len(), 2);
        assert_eq!(later.device(&first, NOW + SIGNS_S), Some(device()));
        let second = later.cookie(&device(), NOW).unwrap();
        assert_ne!(first, second);
        let last = DeviceKeys::open(&path, NOW + SIGNS_S + KNOWN_S).unwrap();
        assert_eq!(last.0.len(), 2, "the first is gone");
        fs::write(&path, "nonsense").unwrap();
        assert!(DeviceKeys::open(&path, NOW).is_err());
    }
}
