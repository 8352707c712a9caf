//! The arguments, declared once for parsing, help and completions.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    CliError, Next, World,
    llm::LlmCommand,
    store::{
        AuditLogCommand, BackupCommand, DbCommand, DeviceCommand, IdentityCommand, ImportCommand, KeyCommand,
        MailCommand, MigrateCommand, OrganisationCommand, RestoreOptions, UserCommand,
    },
};
use crate::demo::llm;

const EXIT_CODES: &str = "\
Exit codes:
  0   clean
  1   a fault of the running process
  64  bad usage or configuration
  69  an address or directory is in use, or the application or what is asked is not there
  70  an internal fault at start";

const FIRST_STEPS: &str = "\
First steps:
  seawall demo                             a careless sample application behind Seawall
  seawall run --to http://localhost:3000   your application behind Seawall
  seawall run -- node server.js            the same, and Seawall starts and watches it
  seawall explain GET /                    which guards, with which values, from where";

/// Makes any web API ready for real users: one process in front of your application, in any language, without a change to
/// its code.
#[derive(Debug, Parser)]
#[command(name = "seawall", version, max_term_width = 100, after_help = FIRST_STEPS, after_long_help = format!("{FIRST_STEPS}\n\n{EXIT_CODES}"))]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What each takes is only put together for the one that is asked for.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Serve: put all guards in front of an application.
    Run(RunOptions),
    /// Show a careless sample application behind Seawall, and what to try; or play an LLM.
    #[command(after_long_help = llm::words())]
    Demo(DemoOptions),
    /// Check the configuration without serving, and show what it changes.
    Check(CheckOptions),
    /// Explain a request (GET /path) or a problem (quota-exceeded).
    Explain(ExplainOptions),
    /// Write an example file, the JSON Schema for editors, or the reference.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask the running server how it is.
    Status(StatusOptions),
    /// Have the running server take over its changed configuration; one with mistakes changes nothing.
    Reload(StatusOptions),
    /// Start a successor in the running server's place, such as a new version, without losing a request.
    Restart(StatusOptions),
    /// Show what `seawall reload` would change in the running server.
    Diff(StatusOptions),
    /// Show what guards of the running server would have refused that only report, which setting would refuse none of it, and which answers differ from the document.
    Report(ReportOptions),
    /// Show what the running server's calls of language models used and cost.
    #[command(subcommand)]
    Llm(LlmCommand),
    /// Ask how the application is that the running server started.
    #[command(subcommand)]
    App(AppCommand),
    /// Bring the store's tables to this version, or back, when no server runs; or see how they stand.
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Take a backup, see which there are, or prove that one can be restored.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Bring back the newest state, or that of a second, from the backups. Stop the server first.
    Restore(RestoreOptions),
    /// Move the store to another database.
    #[command(subcommand)]
    Db(DbCommand),
    /// Add people who may sign in, give them roles, keep them out, or end their sessions.
    #[command(subcommand)]
    User(UserCommand),
    /// Make API keys of users for programs, show, replace them, or take them back.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show the devices that people paired, or revoke one.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Add organisations, show them, give them members and a tier, or remove them.
    #[command(subcommand)]
    Organisation(OrganisationCommand),
    /// Show the keys that sign tokens, or put another in their place.
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Take over the users of another system, with the passwords they have.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Try the mail server, or see to letters that it did not take.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Read the record of who did what, or find out whether it was changed.
    #[command(subcommand)]
    AuditLog(AuditLogCommand),
    /// Write a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FileOption {
    /// The configuration file [default: seawall.toml, when it is there].
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct RunOptions {
    /// Where your application is, such as http://localhost:3000.
    #[arg(long, value_name = "URL")]
    pub(super) to: Option<String>,
    /// Where clients connect [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the admin interface listens, on this machine only [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDR")]
    pub(super) admin: Option<SocketAddr>,
    /// Take over from the running server of this data directory, if there is one, without losing a request.
    #[arg(long)]
    pub(super) take_over: bool,
    #[command(flatten)]
    pub(super) file: FileOption,
    /// The program that is your application, and its arguments: it is started, watched, and stopped last; the variable
    /// PORT tells it where to listen.
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DemoOptions {
    /// Play an LLM instead: OpenAI, Anthropic and Gemini on one port, offline. The model's name chooses what goes wrong.
    #[arg(long, conflicts_with = "admin")]
    pub(super) llm: bool,
    /// Where to listen [default: 127.0.0.1:8080, with --llm 127.0.0.1:8090].
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the admin interface listens [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDR")]
    pub(super) admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    pub(super) file: FileOption,
    /// Show every value, defaults too.
    #[arg(long)]
    pub(super) all: bool,
    /// Answer in JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// A method and a path, or the name of a problem.
    #[arg(required = true, num_args = 1..=2, value_name = "METHOD PATH | PROBLEM")]
    pub(super) what: Vec<String>,
    #[command(flatten)]
    pub(super) file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// An example file: every key with its documentation and default.
    Example,
    /// The JSON Schema of the file, for completion and checks in editors.
    Schema,
    /// The reference, in Markdown.
    Reference {
        /// Which part.
        #[arg(value_enum, default_value_t = Reference::Configuration)]
        what: Reference,
    },
}

/// A part of the reference.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Reference {
    /// Every section and key.
    Configuration,
    /// Every guard, in order.
    Guards,
    /// Every problem.
    Problems,
    /// Every metric.
    Metrics,
}

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    #[command(flatten)]
    pub(super) file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportOptions {
    /// Only this guard, such as rate_limit.
    #[arg(long, value_name = "NAME")]
    pub(super) guard: Option<String>,
    /// Only this route, as the configuration names it, or * for what has none of its own.
    #[arg(long, value_name = "ROUTE")]
    pub(super) route: Option<String>,
    #[command(flatten)]
    pub(super) server: StatusOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum AppCommand {
    /// What it does, and where.
    Status(StatusOptions),
    /// Start it anew, lead requests there once it is ready, and stop the old one when its requests are finished.
    Replace(StatusOptions),
}

/// Help and version are answers; all else is bad usage.
pub(super) fn refused(error: &clap::Error, world: &mut World<'_>) -> Result<Next, CliError> {
    let render = |colours: bool| if colours { error.render().ansi().to_string() } else { error.render().to_string() };
    if error.use_stderr() {
        return Err(CliError::Usage(render(world.error_colours)));
    }
    let text = render(world.colours);
    world.say(&text)?;
    Ok(Next::Exit(0))
}
