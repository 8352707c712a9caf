//! Dumping a database and counting its rows, both in one snapshot.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    process::Stdio,
};

use super::{
    super::{BackupError, Phase, Progress, pipeline::BUFFER_BYTES},
    PostgresServer,
    tools::{self, Psql},
};

/// Counts the rows of every table: one query per table, made and run by psql.
pub(super) const COUNTS: &str =
    "SELECT format('SELECT %L, count(*) FROM %I.%I', schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \\gexec";

/// Writes a dump of the database; answers the rows of each table in it.
pub(in crate::backup) fn dump(
    server: &PostgresServer,
    into: &mut dyn Write,
    progress: &Progress,
) -> Result<BTreeMap<String, i64>, BackupError> {
    const TOOL: &str = "pg_dump";
    tools::check_version(TOOL, server)?;
    let mut session = Psql::open(server)?;
    let snapshot = session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();")?;
    let snapshot = snapshot.into_iter().next().ok_or_else(|| tools::failed("psql", "no snapshot was exported"))?;
    // The pipeline compresses better than the tool does.
    let mut child = tools::command(TOOL, server)
        .args(["--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=60s"])
        .arg(format!("--snapshot={snapshot}"))
        .arg(format!("--dbname={}", server.url()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| tools::not_there(TOOL, &error))?;
    let copied = child.stdout.take().map_or(Ok(()), |mut dumped| copy(&mut dumped, into, progress));
    if let Err(error) = copied {
        tools::end(&mut child);
        return Err(error);
    }
    let ended = child.wait_with_output().map_err(|error| tools::not_there(TOOL, &error))?;
    if !ended.status.success() {
        return Err(tools::failed(TOOL, &String::from_utf8_lossy(&ended.stderr)));
    }
    Ok(counts(session.run(COUNTS)?))
}

/// Reads lines `TABLE|ROWS`.
pub(super) fn counts(lines: Vec<String>) -> BTreeMap<String, i64> {
    lines
        .into_iter()
        .filter_map(|line| {
            let (table, rows) = line.rsplit_once('|')?;
            Some((table.to_owned(), rows.parse().ok()?))
        })
        .collect()
}

fn copy(dumped: &mut impl Read, into: &mut dyn Write, progress: &Progress) -> Result<(), BackupError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    loop {
        let read = dumped.read(&mut buffer).map_err(|error| BackupError::Abandoned(error.to_string()))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        into.write_all(bytes).map_err(|error| BackupError::Abandoned(error.to_string()))?;
        done += read as u64;
        progress.tell(Phase::Upload, done, 0);
    }
}
