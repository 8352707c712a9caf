//! The command line: what people type, and what it answers.
//!
//! Nothing here reads the process: the binary gives it the arguments and a [`World`], and carries out what is [`Next`].

mod arguments;
mod check;
mod completions;
mod configuration;
mod explain;
mod fault;
mod git;
mod llm;
mod paint;
mod problem;
mod reload;
mod render;
mod report;
mod restart;
mod serve;
mod status;
mod store;
mod supervised;
mod world;

use std::ffi::OsString;

use clap::Parser;

pub use arguments::Arguments;
pub use fault::CliError;
pub use serve::Serve;
pub use world::World;

use arguments::{AppCommand, Command, ConfigCommand};

/// What the binary does next.
#[derive(Debug)]
pub enum Next {
    /// Nothing; exit with this code.
    Exit(u8),
    /// Serve until a signal.
    Serve(Box<Serve>),
}

/// Carries out a command as far as it needs no runtime and no signals.
///
/// # Errors
/// [`CliError`], to be rendered and turned into an exit code.
pub fn execute(arguments: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Result<Next, CliError> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return arguments::refused(&error, world),
    };
    match arguments.command {
        Command::Run(options) => serve::run(&options, world),
        Command::Demo(options) => serve::demo(&options, world),
        Command::Check(options) => check::check(&options, world),
        Command::Explain(options) => explain::explain(&options, world),
        Command::Config(ConfigCommand::Example) => render::example(world),
        Command::Config(ConfigCommand::Schema) => render::schema(world),
        Command::Config(ConfigCommand::Reference { what }) => render::reference(what, world),
        Command::Status(options) => Ok(Next::Serve(Box::new(Serve::Status(status::Ask::new(&options, world)?)))),
        Command::Reload(options) => reload::ask(&options, reload::Wish::Reload, world),
        Command::Restart(options) => restart::ask(&options, world),
        Command::Diff(options) => reload::ask(&options, reload::Wish::Difference, world),
        Command::Report(options) => report::ask(&options, world),
        Command::Llm(command) => llm::ask(&command, world),
        Command::App(AppCommand::Status(options)) => supervised::ask(&options, supervised::Wish::Status, world),
        Command::App(AppCommand::Replace(options)) => supervised::ask(&options, supervised::Wish::Replace, world),
        Command::Migrate(command) => store::migrate(command, world),
        Command::Backup(command) => store::backup(command, world),
        Command::Restore(options) => store::restore(options, world),
        Command::Db(command) => Ok(store::db(command, world)),
        Command::User(command) => store::user(command, world),
        Command::Key(command) => store::key(command, world),
        Command::Device(command) => store::device(command, world),
        Command::Organisation(command) => store::organisation(command, world),
        Command::Identity(command) => store::identity(command, world),
        Command::Import(command) => store::import(command, world),
        Command::Mail(command) => store::mail(command, world),
        Command::AuditLog(command) => store::audit_log(command, world),
        Command::Completions { shell } => completions::write(shell, world),
    }
}
