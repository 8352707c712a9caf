//! Where the store and its files are.

use std::path::{Path, PathBuf};

use seawall_config::Config;
use seawall_core::settings::{BadSetting, Raw};
use seawall_outbound::llm;
use seawall_store::{
    DatabaseUrl, StoreSettings,
    audit::{self, AuditSettings},
    backup::{self, BackupSettings, PostgresServer},
    retention::Rule,
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
    /// The key that signs them, and backups.
    pub key_file: PathBuf,
    /// The directory with Seawall's own files.
    pub data: PathBuf,
    /// The database as PostgreSQL's tools take it, when it is one of PostgreSQL.
    pub server: Option<PostgresServer>,
    /// What is backed up, and where to.
    pub backup: BackupSettings,
    /// When rows of calls of language models are let go of.
    pub calls: Rule,
}

impl StorePlace {
    /// Reads it from a configuration; relative paths begin in `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(config: &Config, directory: &Path) -> Result<Self, BadSetting> {
        let data = directory.join(config.values(&TOP).get(&DATA)?);
        let store = StoreSettings::read(config.values(&seawall_store::SECTION), directory)?;
        let audit = AuditSettings::read(config.values(&audit::SECTION), directory)?;
        let entries = config.entries(&backup::SECTION);
        let backup = BackupSettings::read(config.values(&backup::SECTION), entries, directory)?;
        let by_default = data.join("audit-checkpoints.jsonl");
        let url = store.url.clone().unwrap_or_else(|| DatabaseUrl::Sqlite(data.join("seawall.db")));
        let server = match (&url, config.values(&seawall_store::SECTION).raw("url")) {
            (DatabaseUrl::Postgres(_), Some(Raw::Text(text))) => PostgresServer::parse(text.trim()).ok(),
            _ => None,
        };
        let mut place = Self {
            url,
            checkpoint_file: audit.checkpoint_file.as_ref().map_or(by_default, |file| directory.join(file)),
            key_file: data.join("audit.key"),
            data,
            server,
            backup,
            calls: llm::retention(config.values(&llm::SECTION))?,
            store,
            audit,
        };
        // Whoever opens the store, the command line too, goes on with the capture, so that it has no gap.
        place.store.options.capture = place.capture();
        Ok(place)
    }
}
