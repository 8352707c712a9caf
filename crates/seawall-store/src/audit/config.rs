//! Section `[audit_log]`.

use std::{path::PathBuf, time::Duration};

use seawall_core::settings::{BadSetting, Field, Literal, Section, Span, Values};

const CHECKPOINT_EVERY: Field<Span> = Field::new(
    "checkpoint_every",
    Literal::Text("1min"),
    "How often the head of the audit log's chain is signed. What was written since could be cut off unseen by whoever owns the database.",
)
.between("1s", "1h")
.needs_restart();
const CHECKPOINT_FILE: Field<String> = Field::new(
    "checkpoint_file",
    Literal::Unset,
    "Where signed checkpoints are appended, relative to the configuration file: best on a disk that whoever owns the database does not own. Unset, it is `audit-checkpoints.jsonl` in the `data` directory.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "audit_log",
    "The record of who did what. Its entries are chained by hashes; `seawall audit-log verify` finds what was changed in it.",
    &[CHECKPOINT_EVERY.spec(), CHECKPOINT_FILE.spec()],
);

/// What the section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// How often the head is signed.
    pub checkpoint_every: Duration,
    /// Where statements are appended; nothing when it is in the data directory.
    pub checkpoint_file: Option<PathBuf>,
}

impl AuditSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            checkpoint_every: values.get(&CHECKPOINT_EVERY)?.duration(),
            checkpoint_file: values.find(&CHECKPOINT_FILE)?.map(PathBuf::from),
        })
    }
}
