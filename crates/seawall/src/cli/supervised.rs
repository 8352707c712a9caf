//! `seawall app`: asks the running server for the application it started, or to replace it.

use std::{fmt::Write, io, path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    CliError, Next, Serve, World,
    arguments::StatusOptions,
    paint::Paint,
    status::{self, unreachable},
};
use crate::app::tiny_http::{self, Answer};

/// How long an answer about the application may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a replacement may take: a migration, the start, and the requests that are finished all have limits of their own.
const REPLACE_LIMIT: Duration = Duration::from_secs(26 * 60 * 60);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Status,
    Replace,
}

/// A question about the application, or the wish to replace it.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    wish: Wish,
    json: bool,
    paint: Paint,
}

/// Prepares the question.
pub(super) fn ask(options: &StatusOptions, wish: Wish, world: &World<'_>) -> Result<Next, CliError> {
    let socket = status::socket(options, world)?;
    let ask = Ask { socket, wish, json: options.json, paint: Paint { colours: world.colours } };
    Ok(Next::Serve(Box::new(Serve::Supervised(ask))))
}

impl Ask {
    /// Asks, and answers for people or machines.
    ///
    /// # Errors
    /// [`CliError::Missing`] when no server runs, or it started no application, or the application was not replaced.
    pub async fn answer(&self) -> Result<String, CliError> {
        let asked = match self.wish {
            Wish::Status => tiny_http::get_unix(&self.socket, "/api/app", LIMIT).await,
            Wish::Replace => tiny_http::post_unix(&self.socket, "/api/app/replace", REPLACE_LIMIT).await,
        };
        let Answer { status, body } = asked.map_err(|error| unreachable(&self.socket, &error))?;
        match status {
            200 if self.json => Ok(body),
            200 => self.text(&serde_json::from_str(&body).map_err(io::Error::other)?),
            404 => Err(self.not_there()),
            _ => Err(refused(&body)),
        }
    }

    fn not_there(&self) -> CliError {
        let what = match self.wish {
            Wish::Status => "the running server started no application: it protects one that runs by itself",
            Wish::Replace => "the running server has no application that it can replace",
        };
        CliError::Missing(format!("{what}\n  help: let Seawall start it: seawall run -- node server.js"))
    }

    fn text(&self, status: &Value) -> Result<String, CliError> {
        let text = |key: &str| status[key].as_str().unwrap_or("?").to_owned();
        let number = |key: &str| status[key].as_u64().unwrap_or_default();
        let state = if self.wish == Wish::Replace { "replaced".to_owned() } else { text("state") };
        let mut out = format!("{} {}\n", self.paint.bold(&state), text("command"));
        let mut line = |name: &str, value: String| writeln!(out, "  {name:<8} {value}").map_err(io::Error::other);
        line("process", number("pid").to_string())?;
        line("address", format!("http://{}", text("address")))?;
        line("starts", format!("{} again after an end, {} to replace", number("restarts"), number("replacements")))?;
        if let Some(end) = status["last_end"].as_str() {
            line("ended", format!("last with {end}"))?;
        }
        Ok(out)
    }
}

/// What the server says about a replacement that failed.
fn refused(body: &str) -> CliError {
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    let help = text("help").map(|help| format!("\n  help: {help}")).unwrap_or_default();
    let error = text("error").unwrap_or("the server does not say why");
    CliError::Missing(format!("the application was not replaced, and the one that runs goes on: {error}{help}"))
}

#[cfg(test)]
mod tests {
    use axum::{
        Json, Router,
        http::StatusCode,
        routing::{get, post},
    };
    use serde_json::json;

    use super::*;

    /// Asks a server with these routes, over a socket of the test's own.
    async fn asked(name: &str, wish: Wish, json: bool, router: Router) -> Result<String, String> {
        let socket = std::env::temp_dir().join(format!("seawall-app-{name}-{}.sock", std::process::id()));
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let ask = Ask { socket: socket.clone(), wish, json, paint: Paint { colours: false } };
        let answer = ask.answer().await.map_err(|error| error.render(false));
        server.abort();
        std::fs::remove_file(socket).unwrap();
        answer
    }

    fn status() -> Json<Value> {
        Json(json!({
            "command": "node server.js", "state": "ready", "pid": 7, "address": "127.0.0.1:4711", "restarts": 2,
            "replacements": 1, "last_end": "signal 9",
        }))
    }

    #[tokio::test]
    async fn what_the_server_says_is_told() {
        let router = || {
            Router::new()
                .route("/api/app", get(|| async { status() }))
                .route("/api/app/replace", post(|| async { status() }))
        };
        insta::assert_snapshot!(asked("status", Wish::Status, false, router()).await.unwrap(), @r"
        ready node server.js
          process  7
          address  http://127.0.0.1:4711
          starts   2 again after an end, 1 to replace
          ended    last with signal 9
        ");
        let replaced = asked("replace", Wish::Replace, false, router()).await.unwrap();
        assert!(replaced.starts_with("replaced node server.js\n"), "{replaced}");
        let json: Value = serde_json::from_str(&asked("json", Wish::Status, true, router()).await.unwrap()).unwrap();
        assert_eq!(json, status().0);
    }

    #[tokio::test]
    async fn what_the_server_cannot_do_is_told_with_the_way_out() {
        let refuse =
            || async { (StatusCode::CONFLICT, Json(json!({ "error": "it has one port", "help": "free it" }))) };
        let refusing = Router::new().route("/api/app/replace", post(refuse));
        insta::assert_snapshot!(asked("refused", Wish::Replace, false, refusing).await.unwrap_err(), @r"
        error: the application was not replaced, and the one that runs goes on: it has one port
          help: free it
        ");
        insta::assert_snapshot!(asked("absent", Wish::Replace, false, Router::new()).await.unwrap_err(), @r"
        error: the running server has no application that it can replace
          help: let Seawall start it: seawall run -- node server.js
        ");
    }
}
