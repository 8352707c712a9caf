//! `seawall run` and `seawall demo`: what is served, and what is said when it runs.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use seawall_config::{Inputs, SourceText, load};

use super::{
    CliError, Next, World,
    arguments::{DemoOptions, RunOptions},
    configuration::{self, option, words},
    fault::Json,
    paint::Paint,
    reload, report, restart,
    status::Ask,
    store, supervised,
};
use crate::{
    app::{App, Running, Surroundings, catalogue, hand_over::Entry, supervised::Status},
    demo::{self, llm},
};

/// Where the fake LLM listens unless it is told.
const LLM_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_090);

/// What needs a runtime.
#[derive(Debug)]
pub enum Serve {
    /// An application to serve.
    App {
        /// It.
        app: Box<App>,
        /// What is said once it runs.
        banner: Banner,
        /// Where the sample application listens, when it is a demonstration.
        demo: Option<TcpListener>,
    },
    /// The fake LLM, without Seawall.
    Llm {
        /// Where it listens.
        listener: TcpListener,
        /// What is said once it runs.
        banner: String,
    },
    /// A question to a running server.
    Status(Ask),
    /// A wish to reload, or the question what it would change.
    Reload(reload::Ask),
    /// A question what guards would have refused that only report.
    Report(report::Ask),
    /// A question what calls of language models used.
    Models(super::llm::Ask),
    /// A wish to start a successor.
    Restart(restart::Ask),
    /// Something about the store.
    Store(Box<store::Ask>),
    /// A question about the application that a running server started, or a wish for it.
    Supervised(supervised::Ask),
}

/// What is said once a server runs.
#[derive(Debug)]
pub struct Banner {
    upstream: String,
    environment: &'static str,
    routes: usize,
    file: Option<String>,
    paint: Paint,
    demo: bool,
}

/// Prepares `seawall run`.
pub(super) fn run(options: &RunOptions, world: &World<'_>) -> Result<Next, CliError> {
    let overrides = [
        option("upstream", "url", "--to", options.to.as_ref()),
        words("app", "command", "--", &options.command),
        option("server", "listen", "--listen", options.listen.as_ref()),
        option("admin", "listen", "--admin", options.admin.as_ref()),
    ];
    let source = configuration::source(&options.file, overrides.into_iter().flatten().collect(), world);
    let loaded = configuration::load(&source, false)?;
    let source = source.of_running(&loaded);
    let file = loaded.file.as_ref().and_then(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned());
    let surroundings = Surroundings::of_process(world.log_terminal, loaded.directory, world.variables.clone())
        .with_open_files(world.open_files);
    let entry = if options.take_over { Entry::TakeOver } else { Entry::Fresh };
    let app = Box::new(
        App::build(loaded.config, surroundings)?
            .with_source(source)
            .with_program(world.program.clone())
            .entering(entry),
    );
    let banner = Banner::new(&app, file, Paint { colours: world.error_colours }, false);
    Ok(Next::Serve(Box::new(Serve::App { app, banner, demo: None })))
}

/// Prepares `seawall demo`: a sample application on a free port, and Seawall in front of it.
pub(super) fn demo(options: &DemoOptions, world: &World<'_>) -> Result<Next, CliError> {
    if options.llm {
        return llm(options.listen.unwrap_or(LLM_LISTEN));
    }
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let overrides = [
        option("upstream", "url", "demo", Some(&url)),
        option("server", "listen", "--listen", options.listen.as_ref()),
        option("admin", "listen", "--admin", options.admin.as_ref()),
    ];
    let inputs = Inputs {
        file: Some(SourceText::new("the demo's configuration", demo::CONFIGURATION)),
        overrides: overrides.into_iter().flatten().collect(),
        variables: world.variables.clone(),
        ..Inputs::default()
    };
    let config = load(&catalogue::schema(), inputs)
        .map_err(|diagnostics| CliError::Configuration(Box::new(diagnostics), Json::No))?;
    let directory = world.temporary.join(format!("seawall-demo-{}", std::process::id()));
    let app = Box::new(App::build(config, Surroundings::of_process(world.log_terminal, directory, Vec::new()))?);
    let banner = Banner::new(&app, None, Paint { colours: world.error_colours }, true);
    Ok(Next::Serve(Box::new(Serve::App { app, banner, demo: Some(listener) })))
}

/// Prepares `seawall demo --llm`.
fn llm(address: SocketAddr) -> Result<Next, CliError> {
    let listener = TcpListener::bind(address).map_err(|error| {
        CliError::Missing(format!("the fake LLM cannot listen on {address}: {error}\n  help: choose another address with --listen, or end what listens there"))
    })?;
    listener.set_nonblocking(true)?;
    let banner = llm::how_to_use(&format!("http://{}", listener.local_addr()?));
    Ok(Next::Serve(Box::new(Serve::Llm { listener, banner })))
}

impl Banner {
    fn new(app: &App, file: Option<String>, paint: Paint, demo: bool) -> Self {
        let config = app.config();
        Self {
            upstream: app.upstream(),
            environment: config.environment().word(),
            routes: config.routes().len(),
            file,
            paint,
            demo,
        }
    }

    /// The lines.
    #[must_use]
    pub fn render(&self, running: &Running) -> String {
        let addresses = running.addresses();
        let (public, admin) = (running.url(), format!("http://{}", addresses.admin));
        let guards = catalogue::ORDER.iter().map(|step| step.guard.name).collect::<Vec<_>>();
        let half = guards.len().div_ceil(2);
        let (first, second) = guards.split_at_checked(half).unwrap_or((&guards, &[]));
        let routes = match self.routes {
            0 => String::new(),
            1 => ", and one route of its own".to_owned(),
            routes => format!(", and {routes} routes of their own"),
        };
        let from = self.file.as_ref().map_or_else(|| "defaults".to_owned(), |file| format!("{file} over defaults"));
        let mut out = format!(
            "{} protects {}\n",
            self.paint.bold(&format!("Seawall {}", crate::VERSION)),
            self.paint.bold(&self.upstream)
        );
        if let Some(supervisor) = running.supervisor() {
            let Status { pid, address, .. } = supervisor.handle().status();
            let _infallible = writeln!(out, "  app      started here, process {pid} on {address}");
        }
        let _infallible = writeln!(out, "  public   {public}");
        if let Some(redirect) = addresses.redirect {
            let _infallible = writeln!(out, "  redirect http://{redirect} to https");
        }
        if let Some(outbound) = addresses.outbound {
            let key = running.data().outbound_key_path();
            let _infallible = writeln!(out, "  outbound http://{outbound}/out/NAME/…  (key in {})", key.display());
        }
        let _infallible =
            writeln!(out, "  admin    {admin}  (health, metrics; token in {})", running.data().token_path().display());
        let _infallible = writeln!(out, "  guards   {},\n           {}", first.join(", "), second.join(", "));
        let _infallible = writeln!(out, "  settings {from}{routes}; {}", self.environment);
        out.push_str(&if self.demo { demo::what_to_try(&public, &admin) } else { self.next_steps(&public) });
        out
    }

    fn next_steps(&self, public: &str) -> String {
        let mut out = format!("Try next:\n  curl -i {public}/\n  seawall explain GET /\n");
        if self.file.is_none() {
            out.push_str("  seawall config example > seawall.toml\n");
        }
        out
    }
}
