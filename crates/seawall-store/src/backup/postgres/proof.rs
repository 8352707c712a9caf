//! Whether a dump can be restored: its list is read, and where a server lets us, it is restored into a database made for that.

use std::{collections::BTreeMap, path::Path};

use super::{
    super::{BackupError, vault::random_hex},
    PostgresServer,
    dump::{COUNTS, counts},
    tools::{self, Psql},
};

const TOOL: &str = "pg_restore";

/// Reads the list of what is in a dump.
pub(in crate::backup) fn listed(dump: &Path) -> Result<(), BackupError> {
    let mut command = std::process::Command::new(TOOL);
    tools::output(TOOL, command.arg("--list").arg(dump)).map(drop)
}

/// Restores a dump into a database made for it, counts, and drops it; nothing when the server does not let us make one.
pub(in crate::backup) fn restored(
    server: &PostgresServer,
    dump: &Path,
) -> Result<Option<BTreeMap<String, i64>>, BackupError> {
    let name = format!("seawall_verify_{}", random_hex::<6>()?);
    if let Err(error) = tools::query(server, &format!("CREATE DATABASE {name} TEMPLATE template0")) {
        tracing::info!(error = error.chain(), "no database for verification could be made");
        return Ok(None);
    }
    let scratch = server.database(&name);
    let found = restore_into(&scratch, dump).and_then(|()| Psql::open(&scratch)?.run(COUNTS)).map(counts);
    if let Err(error) = tools::query(server, &format!("DROP DATABASE {name} WITH (FORCE)")) {
        tracing::warn!(
            database = name,
            error = error.chain(),
            "a database made for verification could not be dropped; drop it by hand"
        );
    }
    found.map(Some)
}

/// Restores a dump into an empty database.
pub(in crate::backup) fn restore_into(server: &PostgresServer, dump: &Path) -> Result<(), BackupError> {
    tools::check_version(TOOL, server)?;
    let mut command = tools::command(TOOL, server);
    command.args(["--no-password", "--no-owner", "--no-privileges", "--exit-on-error"]);
    tools::output(TOOL, command.arg(format!("--dbname={}", server.url())).arg(dump)).map(drop)
}
