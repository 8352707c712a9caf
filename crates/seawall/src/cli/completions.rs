//! Completion scripts.

use clap::CommandFactory;

use super::{Arguments, CliError, Next, World};

/// Writes the script for a shell.
pub(super) fn write(shell: clap_complete::Shell, world: &mut World<'_>) -> Result<Next, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "seawall", &mut script);
    world.say(&String::from_utf8_lossy(&script))?;
    Ok(Next::Exit(0))
}
