//! `seawall restart`: has the running server start its successor and hand over to it.

use std::{io, path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    CliError, Next, Serve, World,
    arguments::StatusOptions,
    paint::Paint,
    status::{self, unreachable},
};
use crate::app::tiny_http::{self, Answer};

/// How long a hand-over may take: the application is started anew, requests in flight are waited for and the store is migrated, each with
/// limits of its own.
const LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// A wish to restart.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    json: bool,
    paint: Paint,
}

/// Prepares the wish. The successor reads the configuration, with the options and variables the server was started with.
pub(super) fn ask(options: &StatusOptions, world: &World<'_>) -> Result<Next, CliError> {
    let socket = status::earlier_socket(options, world)?;
    let ask = Ask { socket, json: options.json, paint: Paint { colours: world.colours } };
    Ok(Next::Serve(Box::new(Serve::Restart(ask))))
}

impl Ask {
    /// Asks, and answers for people or machines.
    ///
    /// # Errors
    /// [`CliError::Refused`] when the successor found its configuration at fault, [`CliError::Missing`] when no server runs or there
    /// was no hand-over for another reason.
    pub async fn answer(&self) -> Result<String, CliError> {
        let asked = tiny_http::post_unix(&self.socket, "/api/restart", LIMIT).await;
        let Answer { status, body } = asked.map_err(|error| unreachable(&self.socket, &error))?;
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        match status {
            200 if self.json => Ok(body),
            200 => self.text(&said).ok_or_else(|| io::Error::other("the answer names no process").into()),
            404 => Err(CliError::Missing(
                "the running server cannot be restarted: it does not know how it was started".to_owned(),
            )),
            _ => Err(refused(&said)),
        }
    }

    fn text(&self, said: &Value) -> Option<String> {
        let process = |name: &str| said.get(name).and_then(Value::as_u64);
        let (successor, predecessor) = (process("successor")?, process("predecessor")?);
        let restarted = self.paint.good("restarted");
        Some(format!("{restarted}: process {successor} serves, process {predecessor} finishes what it has\n"))
    }
}

fn refused(said: &Value) -> CliError {
    let error = said.get("error").and_then(Value::as_str).unwrap_or("the server does not say why");
    let text = format!("the server was not restarted, and the one that runs goes on: {error}");
    if said.get("exit_code").and_then(Value::as_u64) == Some(64) {
        CliError::Refused(text)
    } else {
        CliError::Missing(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_serves_is_told() {
        let ask = Ask { socket: PathBuf::new(), json: false, paint: Paint { colours: false } };
        let text = ask.text(&json!({ "successor": 12, "predecessor": 7 }));
        assert_eq!(text.as_deref(), Some("restarted: process 12 serves, process 7 finishes what it has\n"));
        assert_eq!(ask.text(&json!({})), None);
    }

    #[test]
    fn a_refusal_has_its_exit_code() {
        let code = |code: u8| refused(&json!({ "error": "e", "exit_code": code })).exit_code();
        assert_eq!((code(64), code(69), code(70)), (64, 69, 69));
    }
}
