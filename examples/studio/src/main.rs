//! The studio as a program: settings from the environment, as Seawall gives them to an application that it starts.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::ExitCode,
};

use studio_example::{REFINE_PATH, Settings, serve};
use tokio::{net::TcpListener, signal::unix};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let needed = |name: &str| {
        variable(name).ok_or_else(|| {
            format!("{name} is not set; start the studio with: seawall run --config seawall.toml -- studio")
        })
    };
    let settings = Settings {
        outbound: needed("SEAWALL_OUTBOUND")?,
        key: needed("SEAWALL_KEY")?,
        refine_path: variable("STUDIO_REFINE_PATH").unwrap_or_else(|| REFINE_PATH.to_owned()),
        database: variable("STUDIO_DATABASE").map_or_else(|| PathBuf::from("studio.sqlite"), PathBuf::from),
    };
    let host = variable("HOST").and_then(|host| host.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let port: u16 = needed("PORT")?.parse().map_err(|_| "PORT is no port".to_owned())?;
    let listener = TcpListener::bind((host, port)).await.map_err(|error| format!("{host}:{port}: {error}"))?;
    let mut stop = unix::signal(unix::SignalKind::terminate()).map_err(|error| error.to_string())?;
    let stopped = async move {
        stop.recv().await;
    };
    serve(listener, settings, stopped).await.map_err(|error| error.to_string())
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::print_stderr, reason = "Seawall takes it into its log")]
fn say(what: &str) {
    eprintln!("{what}");
}
