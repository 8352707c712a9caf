//! Certificates for tests, in files of a directory that goes with them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use seawall_core::settings::{Raw, Values};

use super::{CertificateFiles, SECTION, TlsSettings};

/// A directory that goes when it is dropped.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("seawall-tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).unwrap();
    }

    /// Writes a certificate for these names, and its key, under the name of an entry.
    pub(super) fn certify(&self, entry: &str, names: &[&str]) {
        self.certify_until(entry, names, 2999);
    }

    /// As [`Self::certify`], valid from 2020 to the start of a year.
    pub(super) fn certify_until(&self, entry: &str, names: &[&str], year: i32) {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().unwrap();
        self.write(&format!("{entry}.pem"), params.self_signed(&key).unwrap().pem());
        self.write(&format!("{entry}.key"), key.serialize_pem());
    }

    pub(super) fn files(&self, entry: &str) -> CertificateFiles {
        let path = |suffix: &str| self.0.join(format!("{entry}.{suffix}"));
        CertificateFiles { name: entry.to_owned(), certificate: path("pem"), key: path("key"), ocsp: None }
    }

    /// The settings with these entries.
    pub(super) fn settings(&self, entries: &[&str], more: &[(&str, &str)]) -> TlsSettings {
        let text = |text: String| Raw::Text(text);
        let entry = |name: &&str| {
            let values = Values::default()
                .with("certificate", text(format!("{name}.pem")))
                .with("key", text(format!("{name}.key")));
            (name.to_string(), values)
        };
        let entries = entries.iter().map(entry).collect::<Vec<_>>();
        let mut values = Values::defaults(&SECTION);
        for (key, value) in more {
            values.set(key, text(value.to_string()));
        }
        TlsSettings::read(&values, &entries, &self.0).unwrap().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _stays = fs::remove_dir_all(&self.0);
    }
}
