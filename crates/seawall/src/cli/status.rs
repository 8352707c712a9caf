//! `seawall status`: asks the running server over its socket.

use std::{
    fmt::Write,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use seawall_core::settings::Setting as _;
use serde_json::Value;

use super::{CliError, World, arguments::StatusOptions, configuration, paint::Paint};
use crate::app::{
    AppError, DataDirectory,
    catalogue::{DATA, TOP},
    tiny_http,
};

const LIMIT: Duration = Duration::from_secs(10);

/// A question to the running server.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    json: bool,
    paint: Paint,
}

/// The socket of the server that has this configuration.
pub(super) fn socket(options: &StatusOptions, world: &World<'_>) -> Result<PathBuf, CliError> {
    let loaded = configuration::read(&options.file, Vec::new(), options.json, world)?;
    let data = loaded.config.values(&TOP).get(&DATA).map_err(AppError::Setting)?;
    Ok(DataDirectory::socket_in(&loaded.directory.join(data)))
}

/// The socket of the server that began with an earlier form of this configuration. When what the file says now has mistakes, or
/// leads nowhere, that is the one that is there by default.
pub(super) fn earlier_socket(options: &StatusOptions, world: &World<'_>) -> Result<PathBuf, CliError> {
    let named = socket(options, world);
    if named.as_ref().is_ok_and(|socket| socket.exists()) {
        return named;
    }
    let beside = options.file.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let data = DATA.spec().default.raw().and_then(|raw| String::read(&raw).ok()).unwrap_or_default();
    let by_default = DataDirectory::socket_in(&world.directory.join(beside).join(data));
    if by_default.exists() { Ok(by_default) } else { named }
}

/// Nobody answers.
pub(super) fn unreachable(socket: &Path, error: &io::Error) -> CliError {
    let help = "start it with: seawall run --to http://localhost:3000; or name its configuration with --config";
    CliError::Missing(format!("no running server answers at {}: {error}\n  help: {help}", socket.display()))
}

impl Ask {
    pub(super) fn new(options: &StatusOptions, world: &World<'_>) -> Result<Self, CliError> {
        Ok(Self { socket: socket(options, world)?, json: options.json, paint: Paint { colours: world.colours } })
    }

    /// Asks, and answers for people or machines.
    ///
    /// # Errors
    /// [`CliError::Missing`] when no server runs.
    pub async fn answer(&self) -> Result<String, CliError> {
        let answer = tiny_http::get_unix(&self.socket, "/api/status", LIMIT).await;
        let answer = answer.map_err(|error| unreachable(&self.socket, &error))?;
        if self.json {
            return Ok(answer.body);
        }
        let status: Value = serde_json::from_str(&answer.body).map_err(io::Error::other)?;
        Ok(self.text(&status))
    }

    fn text(&self, status: &Value) -> String {
        let health = &status["health"];
        let text = |key: &str| status[key].as_str().or_else(|| health[key].as_str()).unwrap_or("?").to_owned();
        let number = |key: &str| status[key].as_f64().or_else(|| health[key].as_f64()).unwrap_or_default();
        let mut out =
            format!("{} for {}, in {}\n", self.paint.bold(&text("status")), text("upstream"), text("environment"));
        let _infallible = writeln!(out, "  public   http://{}\n  admin    http://{}", text("public"), text("admin"));
        let _infallible =
            writeln!(out, "  version  {}, up {} s, process {}", text("version"), number("uptime_s"), number("pid"));
        let megabytes = number("memory_bytes") / 1e6;
        let _infallible = writeln!(
            out,
            "  memory   {megabytes:.1} MB\n  now      {} connections, {} requests",
            number("connections"),
            number("active_requests")
        );
        for (name, check) in health["checks"].as_object().into_iter().flatten() {
            let error = check["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
            let _infallible = writeln!(out, "  check    {name}: {}{error}", check["status"].as_str().unwrap_or("?"));
        }
        out
    }
}
