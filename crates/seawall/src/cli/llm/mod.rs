//! `seawall llm`: asks the running server what calls of language models used and cost, and what models do.

mod calls;
mod prices;
mod table;
mod usage;

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use serde_json::Value;

use self::{calls::CallsOptions, prices::PricesOptions, usage::UsageOptions};
use super::{
    CliError, Next, Serve, World,
    arguments::StatusOptions,
    paint::Paint,
    status::{self, unreachable},
};
use crate::app::tiny_http::{self, Answer};

/// Sums over many rows may take a while.
const LIMIT: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum LlmCommand {
    /// Add up what calls used and cost: by day, model, provider, user, project or the application's key.
    Usage(UsageOptions),
    /// Show the last calls, the latest first: how each ended, what it used, cost and took.
    Calls(CallsOptions),
    /// Show what a model costs, or all models of the configuration, and where each price is from.
    Prices(PricesOptions),
}

/// A question, and how its answer is shown.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    path: String,
    shown: Shown,
    paint: Paint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// As the server says it: JSON or CSV.
    AsSaid,
    Usage,
    Calls,
    Prices,
}

/// Prepares the question.
pub(super) fn ask(command: &LlmCommand, world: &World<'_>) -> Result<Next, CliError> {
    let (server, path, shown): (&StatusOptions, _, _) = match command {
        LlmCommand::Usage(options) => {
            let shown = if options.server.json || options.csv { Shown::AsSaid } else { Shown::Usage };
            (&options.server, options.path()?, shown)
        }
        LlmCommand::Calls(options) => {
            let shown = if options.server.json { Shown::AsSaid } else { Shown::Calls };
            (&options.server, options.path(), shown)
        }
        LlmCommand::Prices(options) => {
            let shown = if options.server.json { Shown::AsSaid } else { Shown::Prices };
            (&options.server, options.path(), shown)
        }
    };
    let socket = status::earlier_socket(server, world)?;
    let ask = Ask { socket, path, shown, paint: Paint { colours: world.colours } };
    Ok(Next::Serve(Box::new(Serve::Models(ask))))
}

impl Ask {
    /// Asks, and answers for people or machines.
    ///
    /// # Errors
    /// [`CliError::Missing`] when no server runs, its store does not answer, or it is of a version that knows no calls;
    /// [`CliError::Refused`] when it does not take the question.
    pub async fn answer(&self) -> Result<String, CliError> {
        let asked = tiny_http::get_unix(&self.socket, &self.path, LIMIT).await;
        let Answer { status, body } = asked.map_err(|error| unreachable(&self.socket, &error))?;
        match status {
            200 => self.told(body),
            400 => Err(CliError::Refused(format!("the running server does not take this: {}", why(&body)))),
            503 => Err(CliError::Missing(format!(
                "the running server's store does not answer: {}\n  help: its log says more; ask again in a moment",
                why(&body)
            ))),
            _ => Err(CliError::Missing(format!(
                "the running server tells nothing of language models (it answered {status})\n  help: it may be of an earlier version; restart it with: seawall restart"
            ))),
        }
    }

    fn told(&self, body: String) -> Result<String, CliError> {
        let read = || serde_json::from_str::<Value>(&body).map_err(std::io::Error::other);
        Ok(match self.shown {
            Shown::AsSaid => body,
            Shown::Usage => usage::shown(&read()?, self.paint),
            Shown::Calls => calls::shown(&read()?, self.paint),
            Shown::Prices => prices::shown(&read()?, self.paint),
        })
    }
}

/// What a server says of what it does not do.
fn why(body: &str) -> String {
    let said = serde_json::from_str::<Value>(body).ok();
    let error = said.as_ref().and_then(|said| said["error"].as_str());
    super::store::visible(error.unwrap_or("it does not say why"))
}

fn items(value: &Value) -> &[Value] {
    value["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

/// What people or programs wrote; `-` where nothing is.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), super::store::visible)
}
