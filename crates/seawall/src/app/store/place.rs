//! Where the store and its files are.

use std::path::{Path, PathBuf};

use seawall_config::Config;
use seawall_core::settings::BadSetting;
use seawall_store::{
    DatabaseUrl, StoreSettings,
    audit::{self, AuditSettings},
};

use crate::app::catalogue::{DATA, TOP};

/// Everything that says where, and how it is used.
#[derive(Clone, Debug)]
pub struct StorePlace {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// How it is used.
    pub store: StoreSettings,
    /// How often checkpoints are signed.
    pub audit: AuditSettings,
    /// Where they are appended.
    pub checkpoint_file: PathBuf,
    /// The key that signs them.
    pub key_file: PathBuf,
}

impl StorePlace {
    /// Reads it from a configuration; relative paths begin in `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(config: &Config, directory: &Path) -> Result<Self, BadSetting> {
        let data = directory.join(config.values(&TOP).get(&DATA)?);
        let store = StoreSettings::read(config.values(&seawall_store::SECTION), directory)?;
        let audit = AuditSettings::read(config.values(&audit::SECTION))?;
        let by_default = data.join("audit-checkpoints.jsonl");
        Ok(Self {
            url: store.url.clone().unwrap_or_else(|| DatabaseUrl::Sqlite(data.join("seawall.db"))),
            checkpoint_file: audit.checkpoint_file.as_ref().map_or(by_default, |file| directory.join(file)),
            key_file: data.join("audit.key"),
            store,
            audit,
        })
    }
}
