//! PostgreSQL's command-line tools.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{super::BackupError, PostgresServer};

/// How long a tool waits for the server, in seconds.
const CONNECT_S: &str = "10";

/// A command that finds the password in its environment, which other users cannot read.
pub(super) fn command(tool: &'static str, server: &PostgresServer) -> Command {
    let mut command = Command::new(tool);
    command.env("PGCONNECT_TIMEOUT", CONNECT_S).env("LC_ALL", "C").stdin(Stdio::null());
    if let Some(password) = server.password() {
        command.env("PGPASSWORD", password);
    }
    command
}

/// Runs a tool to its end; answers what it wrote.
pub(super) fn output(tool: &'static str, command: &mut Command) -> Result<String, BackupError> {
    let output = command.output().map_err(|error| not_there(tool, &error))?;
    if !output.status.success() {
        return Err(failed(tool, &String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs one statement; answers its rows.
pub(super) fn query(server: &PostgresServer, sql: &str) -> Result<String, BackupError> {
    output(
        "psql",
        command("psql", server).args(["-XAtq", "-w", "-v", "ON_ERROR_STOP=1", "-d", server.url(), "-c", sql]),
    )
}

/// Refuses a tool that is older than the server: its dump would lack what it does not know.
pub(super) fn check_version(tool: &'static str, server: &PostgresServer) -> Result<(), BackupError> {
    let said = output(tool, command(tool, server).arg("--version"))?;
    let own = said.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
    let number = query(server, "SHOW server_version_num")?;
    let theirs = number.trim().parse::<u32>().ok().map(|number| number / 10_000);
    match (own, theirs) {
        (Some(own), Some(theirs)) if own < theirs => Err(BackupError::Tool {
            tool,
            reason: format!(
                "it is of version {own} and the server of version {theirs}; install postgresql-client-{theirs}"
            ),
        }),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(BackupError::Tool { tool, reason: format!("its version cannot be read from `{}`", said.trim()) }),
    }
}

pub(super) fn not_there(tool: &'static str, error: &std::io::Error) -> BackupError {
    BackupError::Tool { tool, reason: format!("it cannot be run ({error}); install PostgreSQL's client programs") }
}

pub(super) fn failed(tool: &'static str, said: &str) -> BackupError {
    // The first lines name the cause; what follows repeats it.
    let reason: Vec<&str> = said.lines().take(3).collect();
    BackupError::Tool { tool, reason: reason.join("; ") }
}

/// A `psql` that stays, so that its transaction does.
pub(super) struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    pub(super) fn open(server: &PostgresServer) -> Result<Self, BackupError> {
        let gone = |_| failed("psql", "it has no input or output");
        let mut child = command("psql", server)
            .args(["-XAtq", "-w", "-v", "ON_ERROR_STOP=1", "-d", server.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| not_there("psql", &error))?;
        let input = child.stdin.take().ok_or(()).map_err(gone)?;
        let output = BufReader::new(child.stdout.take().ok_or(()).map_err(gone)?);
        Ok(Self { child, input, output })
    }

    /// Runs statements; answers the lines of their rows.
    pub(super) fn run(&mut self, sql: &str) -> Result<Vec<String>, BackupError> {
        const END: &str = "seawall-end-of-rows";
        if writeln!(self.input, "{sql}\n\\echo {END}").and_then(|()| self.input.flush()).is_err() {
            return Err(self.broken());
        }
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match self.output.read_line(&mut line) {
                Ok(0) | Err(_) => return Err(self.broken()),
                Ok(_) if line.trim_end() == END => return Ok(lines),
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
        }
    }

    fn broken(&mut self) -> BackupError {
        let mut said = String::new();
        if let Some(errors) = &mut self.child.stderr {
            // What it could not say is lost with it.
            let _read = errors.take(4_096).read_to_string(&mut said);
        }
        failed("psql", &said)
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a tool that is not needed any more.
pub(super) fn end(child: &mut Child) {
    let _gone = child.kill();
    if let Err(error) = child.wait() {
        tracing::debug!(%error, "a tool could not be waited for");
    }
}
