//! Sections `[app]` and `[app.env]`.

use std::time::Duration;

use seawall_config::Config;
use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Span, Values,
};
use seawall_proxy::{UPSTREAM_SECTION, UpstreamSettings};

use super::lifecycle::Backoff;

/// A text of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word(String);

impl Setting for Word {
    const SHAPE: Shape = Shape::Text("argument", "node");

    fn read(raw: &Raw) -> Result<Self, String> {
        String::read(raw).map(Self)
    }
}

/// A command for the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Script(String);

impl Setting for Script {
    const SHAPE: Shape = Shape::Text("shell command", "npm run migrate");

    fn read(raw: &Raw) -> Result<Self, String> {
        match String::read(raw)? {
            blank if blank.trim().is_empty() => Err("the command is empty".to_owned()),
            script => Ok(Self(script)),
        }
    }
}

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable(String);

impl Setting for Variable {
    const SHAPE: Shape = Shape::Text("variable", "DATABASE_URL");

    fn read(raw: &Raw) -> Result<Self, String> {
        let name = String::read(raw)?;
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(sane) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "\"{name}\" is not the name of a variable; write letters, digits and _, such as \"DATABASE_URL\""
            ));
        }
        Ok(Self(name))
    }
}

/// A variable and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment(String, String);

impl Setting for Assignment {
    const SHAPE: Shape = Shape::Text("assignment", "NODE_ENV=production");

    fn read(raw: &Raw) -> Result<Self, String> {
        let text = String::read(raw)?;
        let (name, value) = text.split_once('=').ok_or_else(|| {
            "expected a variable, = and its value in one text, such as \"NODE_ENV=production\"".to_owned()
        })?;
        let Variable(name) = Variable::read(&Raw::Text(name.to_owned()))?;
        if value.contains('\0') {
            return Err(format!("the value of {name} holds a zero byte, which no variable can"));
        }
        Ok(Self(name, value.to_owned()))
    }
}

/// A path at which the application says that it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReadyPath(String);

impl Setting for ReadyPath {
    const SHAPE: Shape = Shape::Text("path", "/health");

    fn read(raw: &Raw) -> Result<Self, String> {
        let path = String::read(raw)?;
        let whole = http::uri::PathAndQuery::try_from(path.as_str()).is_ok_and(|parsed| parsed.as_str() == path);
        if whole && path.starts_with('/') {
            Ok(Self(path))
        } else {
            Err(format!("\"{path}\" is not a path, such as \"/health\""))
        }
    }
}

const COMMAND: Field<Vec<Word>> = Field::new(
    "command",
    Literal::Unset,
    "The application that Seawall starts, watches and stops: its program and its arguments, each a text of its own. `seawall run -- node server.js` says it on the command line. It stands instead of `url` in `[upstream]`.",
)
.needs_restart();
const BEFORE_START: Field<Script> = Field::new(
    "before_start",
    Literal::Unset,
    "A command for `sh -c` that runs to its end before the application is started, such as a migration, and before it is replaced. When it fails, the application is not started and Seawall does not serve.",
)
.needs_restart();
const BEFORE_START_TIMEOUT: Field<Span> =
    Field::new("before_start_timeout", Literal::Text("10min"), "How long `before_start` may take.")
        .between("1s", "1day")
        .needs_restart();
const DIRECTORY: Field<String> = Field::new(
    "directory",
    Literal::Text("."),
    "The application's working directory; relative to the configuration file, or else to the working directory.",
)
.needs_restart();
const PORT: Field<u64> = Field::new(
    "port",
    Literal::Unset,
    "The port that the application listens on, when it cannot be told one. Unset, a free port is chosen for it, and only then it can be replaced while it serves.",
)
.between("1", "65535")
.needs_restart();
const PORT_VARIABLE: Field<Variable> = Field::new(
    "port_variable",
    Literal::Text("PORT"),
    "The variable that tells the application its port. `HOST` is 127.0.0.1, which it should listen on.",
)
.needs_restart();
const READY_PATH: Field<ReadyPath> = Field::new(
    "ready_path",
    Literal::Unset,
    "A path that answers with a 2xx or 3xx status once the application is ready. Unset, it is ready when it accepts connections.",
)
.needs_restart();
const READY_TIMEOUT: Field<Span> = Field::new(
    "ready_timeout",
    Literal::Text("60s"),
    "How long the application may take from its start until it is ready.",
)
.between("100ms", "1h")
.needs_restart();
const STOP_TIMEOUT: Field<Span> = Field::new(
    "stop_timeout",
    Literal::Text("10s"),
    "How long the application may take to end after SIGTERM, before it is killed. When it is told, its requests are finished.",
)
.between("0s", "1h")
.needs_restart();
const RESTART_BACKOFF: Field<Span> = Field::new(
    "restart_backoff",
    Literal::Text("500ms"),
    "How long to wait before the application is started again after it ended by itself; doubled each time, until it has run for a minute.",
)
.between("10ms", "1h")
.needs_restart();
const RESTART_BACKOFF_MAX: Field<Span> = Field::new(
    "restart_backoff_max",
    Literal::Text("30s"),
    "The longest wait before the application is started again.",
)
.between("10ms", "1day")
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "app",
    "The application, when Seawall starts it. Without a `command` the application runs by itself, at `url` in `[upstream]`.",
    &[
        COMMAND.spec(),
        BEFORE_START.spec(),
        BEFORE_START_TIMEOUT.spec(),
        DIRECTORY.spec(),
        PORT.spec(),
        PORT_VARIABLE.spec(),
        READY_PATH.spec(),
        READY_TIMEOUT.spec(),
        STOP_TIMEOUT.spec(),
        RESTART_BACKOFF.spec(),
        RESTART_BACKOFF_MAX.spec(),
    ],
)
.with_demands(demands);

const REQUIRED: Field<Vec<Variable>> = Field::new(
    "required",
    Literal::Texts(&[]),
    "Variables that the application cannot do without. Each must be set and not empty in the environment it is given; otherwise nothing is started, and all that are missing are named.",
)
.needs_restart();
const SET: Field<Vec<Assignment>> = Field::new(
    "set",
    Literal::Texts(&[]),
    "Variables that the application is given besides, each as \"NAME=VALUE\". Not for secrets: they are printed with the configuration.",
)
.needs_restart();

/// The section of the application's environment.
pub static ENV_SECTION: Section = Section::new(
    "app.env",
    "The environment of the application: Seawall's own, without the variables that begin with `SEAWALL__` and those by which a service manager is told how Seawall is (`NOTIFY_SOCKET`).",
    &[REQUIRED.spec(), SET.spec()],
);

/// How the application is started, watched and stopped.
#[derive(Clone, Debug)]
pub struct SupervisedSettings {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Runs first, in a shell.
    pub before_start: Option<String>,
    /// How long that may take.
    pub before_start_timeout: Duration,
    /// The working directory, as it was written.
    pub directory: String,
    /// The port, when it is not Seawall's to choose.
    pub port: Option<u16>,
    /// The variable that tells it.
    pub port_variable: String,
    /// Where readiness is asked for.
    pub ready_path: Option<String>,
    /// How long it may take to be ready.
    pub ready_timeout: Duration,
    /// How long it may take to end.
    pub stop_timeout: Duration,
    /// How long to wait before it is started again.
    pub backoff: Backoff,
    /// Variables that must be set.
    pub required: Vec<String>,
    /// Variables that it is given besides.
    pub set: Vec<(String, String)>,
}

impl SupervisedSettings {
    /// Reads the settings; nothing when no command is named.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the sections.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        let (app, env) = (config.values(&SECTION), config.values(&ENV_SECTION));
        let Some(command) = app.find(&COMMAND)? else { return Ok(None) };
        Ok(Some(Self {
            command: command.into_iter().map(|Word(word)| word).collect(),
            before_start: app.find(&BEFORE_START)?.map(|Script(script)| script),
            before_start_timeout: app.get(&BEFORE_START_TIMEOUT)?.duration(),
            directory: app.get(&DIRECTORY)?,
            port: app.find(&PORT)?.and_then(|port| u16::try_from(port).ok()),
            port_variable: app.get(&PORT_VARIABLE)?.0,
            ready_path: app.find(&READY_PATH)?.map(|ReadyPath(path)| path),
            ready_timeout: app.get(&READY_TIMEOUT)?.duration(),
            stop_timeout: app.get(&STOP_TIMEOUT)?.duration(),
            backoff: Backoff {
                first: app.get(&RESTART_BACKOFF)?.duration(),
                most: app.get(&RESTART_BACKOFF_MAX)?.duration(),
            },
            required: env.get(&REQUIRED)?.into_iter().map(|Variable(name)| name).collect(),
            set: env.get(&SET)?.into_iter().map(|Assignment(name, value)| (name, value)).collect(),
        }))
    }

    /// The command in one line, for people; what looks like a secret in it is hidden.
    #[must_use]
    pub fn title(&self) -> String {
        seawall_core::redact::text(&self.command.join(" "))
    }
}

/// Whether both a command and an address are named, of which only one can hold.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings.
pub fn both_named(config: &Config) -> Result<bool, BadSetting> {
    let servers = UpstreamSettings::read(config.values(&UPSTREAM_SECTION))?.servers;
    Ok(!servers.is_empty() && config.values(&SECTION).find(&COMMAND)?.is_some())
}

/// The command names a program, and its arguments are divided.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let complaint =
        |what: String, help: &str| vec![Complaint { key: Some(COMMAND.key()), what, help: help.to_owned() }];
    let Ok(Some(command)) = values.find(&COMMAND) else { return Vec::new() };
    match command.as_slice() {
        [] => {
            complaint("the command is empty".to_owned(), "name a program, such as command = [\"node\", \"server.js\"]")
        }
        [Word(program), ..] if program.trim().is_empty() => complaint(
            "the command names no program".to_owned(),
            "begin with a program, such as command = [\"node\", \"server.js\"]",
        ),
        [Word(line)] if line.contains(char::is_whitespace) => complaint(
            format!("\"{line}\" would be the name of one program, spaces included"),
            "write each argument as a text of its own, such as command = [\"node\", \"server.js\"]; for a shell, command = [\"sh\", \"-c\", \"…\"]",
        ),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_cannot_be_meant_are_refused() {
        let situation = Situation { environment: seawall_core::Environment::Development, written: true };
        let said = |words: &[&str]| {
            let words = words.iter().map(|&word| Raw::Text(word.to_owned())).collect();
            let values = Values::defaults(&SECTION).with("command", Raw::List(words));
            demands(&values, &situation).into_iter().map(|complaint| complaint.what).collect::<String>()
        };
        assert_eq!(said(&["node", "server.js"]) + &said(&["server"]), "");
        assert_eq!(said(&["/opt/my app/run", "--fast"]), "");
        assert!(said(&[]).contains("empty") && said(&[" ", "x"]).contains("no program"));
        assert!(said(&["node server.js"]).contains("one program"));
    }

    #[test]
    fn names_assignments_and_paths_read_as_people_write_them() {
        let text = |text: &str| Raw::Text(text.to_owned());
        assert_eq!(Assignment::read(&text("A=b=c")), Ok(Assignment("A".to_owned(), "b=c".to_owned())));
        assert_eq!(Assignment::read(&text("A=")), Ok(Assignment("A".to_owned(), String::new())));
        for wrong in ["A", "=b", "1A=b", "A B=c"] {
            assert!(Assignment::read(&text(wrong)).is_err(), "{wrong}");
        }
        for wrong in ["", "health", "http://x/health", "/a b", "/a#b"] {
            assert!(ReadyPath::read(&text(wrong)).is_err(), "{wrong}");
        }
        assert!(ReadyPath::read(&text("/health?deep=1")).is_ok());
    }
}
