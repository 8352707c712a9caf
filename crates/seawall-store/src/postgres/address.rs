//! Where a PostgreSQL server is and how its connections are kept safe, as `postgres://` URLs say it.
//!
//! The parameters are those of libpq as the driver knows them, besides `sslmode=verify-full` and `sslrootcert`. The password is
//! never shown.

use std::{fmt, path::PathBuf, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// Silence after which the kernel asks whether the other side is still there. A lost server is noticed within a minute, and
/// firewalls do not forget the connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// A database of a PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Box<Config>,
    trust: Trust,
}

/// Whom a connection over TLS trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers: nobody can listen, but who it is that answers is not known.
    Anybody,
    /// Who proves the host's name with a certificate that the system's roots vouch for.
    System,
    /// Who proves the host's name with a certificate that the roots in this file vouch for.
    File(PathBuf),
}

impl PostgresUrl {
    /// Reads a URL; nothing when it is of another scheme.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        known.then(|| read(text))
    }

    /// As the driver takes it.
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whom it trusts.
    pub(super) const fn trust(&self) -> &Trust {
        &self.trust
    }
}

impl fmt::Display for PostgresUrl {
    /// The URL without its password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@", self.config.get_user().unwrap_or_default())?;
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            f.write_str(if place > 0 { "," } else { "" })?;
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]")?,
                Host::Tcp(name) => f.write_str(name)?,
                Host::Unix(path) => write!(f, "{}", path.display())?,
            }
            let ports = self.config.get_ports();
            if let Some(port) = ports.get(place).or_else(|| ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        self.config.get_dbname().map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.trust)
    }
}

fn read(text: &str) -> Result<PostgresUrl, String> {
    let (address, parameters) = split_parameters(text);
    let mut mode = None;
    let mut roots = None;
    let mut others = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => roots = Some(value),
            _ => others.push(parameter),
        }
    }
    let mut config: Config = format!("{address}?{}", others.join("&")).parse().map_err(|error| why(&error))?;
    let (mode, trust) = security(mode, roots)?;
    config.ssl_mode(mode);
    complete(&mut config)?;
    Ok(PostgresUrl { config: Box::new(config), trust })
}

/// Where the parameters begin: at the first `?` behind the password, which may hold one itself.
fn split_parameters(text: &str) -> (&str, &str) {
    let host = text.find('@').unwrap_or(0);
    let question = text.char_indices().find(|&(place, character)| place >= host && character == '?');
    question
        .and_then(|(place, _)| text.split_at_checked(place))
        .map_or((text, ""), |(address, rest)| (address, rest.strip_prefix('?').unwrap_or(rest)))
}

/// What `sslmode` and `sslrootcert` ask for. There is no mode that asks for safety and does without it when the server has none.
fn security(mode: Option<&str>, roots: Option<&str>) -> Result<(SslMode, Trust), String> {
    if let Some(roots) = roots.filter(|_| mode != Some("verify-full")) {
        return Err(format!("`sslrootcert={roots}` needs `sslmode=verify-full`; the other modes verify nothing"));
    }
    match mode {
        Some("disable") => Ok((SslMode::Disable, Trust::Anybody)),
        None | Some("prefer") => Ok((SslMode::Prefer, Trust::Anybody)),
        Some("require") => Ok((SslMode::Require, Trust::Anybody)),
        Some("verify-full") => match roots {
            None | Some("system") => Ok((SslMode::Require, Trust::System)),
            Some(path) if path.contains('%') => {
                Err("the path of `sslrootcert` is taken as it stands, without `%`".to_owned())
            }
            Some(path) => Ok((SslMode::Require, Trust::File(PathBuf::from(path)))),
        },
        Some(_) => {
            Err("`sslmode` is one of disable, prefer, require (encrypts, verifies nothing), verify-full".to_owned())
        }
    }
}

/// Refuses what would be guessed, and sets what has a better default than the driver's.
fn complete(config: &mut Config) -> Result<(), String> {
    if config.get_user().is_none_or(str::is_empty) {
        return Err("the user is missing: postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned());
    }
    if config.get_hosts().is_empty() {
        return Err(
            "the host is missing: postgres://USER@HOST/DATABASE, or `?host=/DIRECTORY` of a Unix socket".to_owned()
        );
    }
    // Taken for a host's name, the end of the password would be shown and looked up.
    if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
        return Err("the password holds `@`; write it as `%40`".to_owned());
    }
    if config.get_application_name().is_none() {
        config.application_name("seawall");
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    Ok(())
}

/// The driver names the parameter that is wrong, and no value.
fn why(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PostgresUrl, String> {
        PostgresUrl::parse(text).expect("a URL of PostgreSQL")
    }

    #[test]
    fn the_password_is_never_shown() {
        let url = parse("postgres://ann:s3cr?t@db.example:6432/things?connect_timeout=3&sslmode=require").unwrap();
        assert_eq!(url.to_string(), "postgres://ann@db.example:6432/things");
        assert_eq!(url.config().get_password(), Some(b"s3cr?t".as_slice()));
        assert_eq!(url.config().get_ssl_mode(), SslMode::Require);
        assert_eq!(url.config().get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert!(!format!("{url:?}").contains("s3cr"));
        for wrong in
            ["postgres://ann:s3c@ret@db/things", "postgres://ann:s3cret@db:port/x", "postgres://ann:s3cret@db?a=s3cret"]
        {
            let error = parse(wrong).unwrap_err();
            assert!(!error.contains("s3c") && !error.contains("ret@"), "{error}");
        }
    }

    #[test]
    fn a_socket_is_a_host() {
        let url = parse("postgresql://ann@/things?host=/run/postgresql").unwrap();
        assert_eq!(url.config().get_hosts(), [Host::Unix(PathBuf::from("/run/postgresql"))]);
        assert_eq!(url.config().get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn no_mode_promises_what_it_does_not_keep() {
        let roots = parse("postgres://a@h/d?sslmode=verify-full&sslrootcert=/etc/roots.pem").unwrap();
        assert_eq!(roots.trust(), &Trust::File(PathBuf::from("/etc/roots.pem")));
        assert_eq!(parse("postgres://a@h/d?sslmode=verify-full").unwrap().trust(), &Trust::System);
        for refused in
            ["sslmode=allow", "sslmode=verify-ca", "sslrootcert=/etc/roots.pem", "sslmode=require&sslrootcert=x"]
        {
            assert!(parse(&format!("postgres://a@h/d?{refused}")).is_err(), "{refused}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        assert!(parse("postgres://db.example/things").unwrap_err().contains("user"));
        assert!(parse("postgres://ann@/things").unwrap_err().contains("host"));
        assert!(PostgresUrl::parse("sqlite://things.db").is_none());
    }
}
