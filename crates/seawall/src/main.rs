//! The binary: gives the command line its process, and does what only a process can: signals, the global log, the exit code.

mod descriptors;
mod serve;

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    process::ExitCode,
};

use mimalloc::MiMalloc;
use seawall::{
    app::hand_over::Program,
    cli::{self, CliError, Next, World},
};
use seawall_telemetry::Terminal;

/// A request takes memory some twenty times and gives it back; with this one it costs less CPU time than with glibc's
/// (`docs/decisions/0073-memory-is-shared-out-by-mimalloc.md`).
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let mut out = stdout();
    let plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = out.is_terminal() && !plain;
    let outcome = run(&mut out, colours, plain);
    let code = outcome.unwrap_or_else(|error| {
        // When even this cannot be written, the exit code still says it.
        let _unheard = stderr().write_all(error.render(stderr().is_terminal() && !plain).as_bytes());
        error.exit_code()
    });
    ExitCode::from(code)
}

fn run(out: &mut dyn Write, colours: bool, plain: bool) -> Result<u8, CliError> {
    let log_terminal = match (stdout().is_terminal(), plain) {
        (false, _) => Terminal::No,
        (true, true) => Terminal::Plain,
        (true, false) => Terminal::Coloured,
    };
    let mut world = World {
        out,
        colours,
        error_colours: stderr().is_terminal() && !plain,
        log_terminal,
        directory: std::env::current_dir()?,
        temporary: std::env::temp_dir(),
        variables: variables(),
        open_files: descriptors::raise(),
        program: program(&std::env::current_dir()?),
    };
    match cli::execute(std::env::args_os(), &mut world) {
        Ok(Next::Exit(code)) => Ok(code),
        Ok(Next::Serve(serve)) => serve::serve(*serve, &mut world),
        // Whoever read our answer has heard enough, as `head` does.
        Err(CliError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(error),
    }
}

/// How this process was started. It is found out at the start, while the program is where it was.
fn program(directory: &std::path::Path) -> Option<Program> {
    let search = std::env::var_os("PATH");
    Program::new(std::env::args_os(), directory, search.as_deref(), std::env::current_exe().ok())
}

#[expect(clippy::disallowed_methods, reason = "the binary hands the environment on; nothing else reads it")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables that are text; no setting is anything else.
fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
