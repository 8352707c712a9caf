//! `seawall reload` and `seawall diff`: has the running server take over its configuration, or asks what it would take over.

use std::{fmt::Write, io, path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    CliError, Next, Serve, World,
    arguments::StatusOptions,
    paint::Paint,
    status::{self, unreachable},
};
use crate::app::tiny_http::{self, Answer};

/// How long a reload may take: it waits for the one before.
const LIMIT: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Take over the configuration.
    Reload,
    /// Say what that would change.
    Difference,
}

/// A wish to reload, or the question what it would change.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    wish: Wish,
    json: bool,
    paint: Paint,
}

/// Prepares the question. The server reads the configuration, with the options and variables it was started with; mistakes in
/// it are its to tell, so that they are in its log too.
pub(super) fn ask(options: &StatusOptions, wish: Wish, world: &World<'_>) -> Result<Next, CliError> {
    let socket = status::earlier_socket(options, world)?;
    let ask = Ask { socket, wish, json: options.json, paint: Paint { colours: world.colours } };
    Ok(Next::Serve(Box::new(Serve::Reload(ask))))
}

impl Ask {
    /// Asks, and answers for people or machines, with the exit code. In JSON a refused configuration is an answer too, as it is for
    /// `seawall check`.
    ///
    /// # Errors
    /// [`CliError::Missing`] when no server runs or it cannot reload, [`CliError::Told`] when the configuration is refused.
    pub async fn answer(&self) -> Result<(String, u8), CliError> {
        let asked = match self.wish {
            Wish::Difference => tiny_http::get_unix(&self.socket, "/api/diff", LIMIT).await,
            Wish::Reload => tiny_http::post_unix(&self.socket, "/api/reload", LIMIT).await,
        };
        let Answer { status, body } = asked.map_err(|error| unreachable(&self.socket, &error))?;
        match status {
            200 if self.json => Ok((body, 0)),
            200 => Ok((self.text(&serde_json::from_str(&body).map_err(io::Error::other)?)?, 0)),
            422 if self.json => Ok((body, 64)),
            422 => Err(CliError::Told(self.refused(&serde_json::from_str(&body).map_err(io::Error::other)?))),
            _ => Err(not_possible(&body)),
        }
    }

    fn text(&self, said: &Value) -> Result<String, CliError> {
        let list = |name: &str| said[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let (changed, restart) = (list("changed"), list("needs_restart"));
        let mut out = match (self.wish, changed.len(), restart.len()) {
            (Wish::Difference, 0, 0) => "no differences\n".to_owned(),
            (Wish::Difference, ..) => String::new(),
            (Wish::Reload, 0, _) => format!("{}, and nothing changed\n", self.paint.good("reloaded")),
            (Wish::Reload, 1, _) => format!("{}, one change:\n", self.paint.good("reloaded")),
            (Wish::Reload, changes, _) => format!("{}, {changes} changes:\n", self.paint.good("reloaded")),
        };
        for change in changed {
            line(&mut out, change)?;
        }
        if !restart.is_empty() {
            let title = match self.wish {
                Wish::Difference => "needs a restart:",
                Wish::Reload => "not taken over, needs a restart:",
            };
            writeln!(out, "{}", self.paint.bold(title)).map_err(io::Error::other)?;
            for change in restart {
                line(&mut out, change)?;
            }
        }
        Ok(out)
    }

    fn refused(&self, said: &Value) -> String {
        let what = match self.wish {
            Wish::Reload => "the configuration was not reloaded, and the one that runs holds on",
            Wish::Difference => "the configuration could not be reloaded as it is",
        };
        format!("{}\n{what}\n", said["text"].as_str().unwrap_or_default().trim_end())
    }
}

/// One key: `+` added, `-` removed, `~` changed.
fn line(out: &mut String, change: &Value) -> Result<(), CliError> {
    let text = |name: &str| change[name].as_str().unwrap_or_default();
    let key = text("key");
    let written = match text("kind") {
        "added" => writeln!(out, "  + {key} = {}", text("new")),
        "removed" => writeln!(out, "  - {key} = {}", text("old")),
        _ => writeln!(out, "  ~ {key} = {} -> {}", text("old"), text("new")),
    };
    Ok(written.map_err(io::Error::other)?)
}

fn not_possible(body: &str) -> CliError {
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    let detail = said.get("detail").and_then(Value::as_str);
    CliError::Missing(detail.unwrap_or("the server does not say why it cannot reload").to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(wish: Wish, value: &Value) -> String {
        let ask = Ask { socket: PathBuf::new(), wish, json: false, paint: Paint { colours: false } };
        ask.text(value).unwrap()
    }

    #[test]
    fn changes_are_listed_as_people_read_them() {
        let change = |key: &str, kind: &str| json!({ "key": key, "kind": kind, "old": "1", "new": "2" });
        let changed = json!([
            change("body.max", "changed"),
            change("route.\"/a\".mode", "added"),
            change("health.db.tcp", "removed")
        ]);
        let value = json!({ "changed": changed, "needs_restart": [change("server.listen", "changed")] });
        insta::assert_snapshot!(said(Wish::Reload, &value), @r#"
        reloaded, 3 changes:
          ~ body.max = 1 -> 2
          + route."/a".mode = 2
          - health.db.tcp = 1
        not taken over, needs a restart:
          ~ server.listen = 1 -> 2
        "#);
        assert!(said(Wish::Difference, &value).starts_with("  ~ body.max"));
        let nothing = json!({ "changed": [], "needs_restart": [] });
        assert_eq!(said(Wish::Difference, &nothing), "no differences\n");
        assert_eq!(said(Wish::Reload, &nothing), "reloaded, and nothing changed\n");
    }
}
