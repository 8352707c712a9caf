//! A whole Seawall in a test: real listeners on free ports, a directory of its own, its log kept.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall::app::{
    App, AppError, ConfigSource, Running, SourceError, Surroundings, SystemClock,
    reload::{Difference, Refusal, Trigger},
};
use seawall_config::Override;
use seawall_core::{clock::Clock, settings::Raw};
use seawall_telemetry::{Sink, Terminal};
use serde_json::Value;

use crate::{
    ManualClock,
    client::{Client, RawClient, RawResponse, Request},
    upstream::{Kind, Upstream},
};

/// The longest that a test waits for anything.
const LIMIT: Duration = Duration::from_secs(10);

/// The configuration file of a test.
const FILE: &str = "seawall.toml";

/// How often what tells nobody of its changes is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A Seawall to be started: [`TestApp::in_front_of`], then [`TestApp::with_config`], then [`TestApp::start`].
#[derive(Debug)]
pub struct TestApp {
    servers: Vec<String>,
    config: String,
    clock: Arc<dyn Clock>,
    directory: Option<TemporaryDirectory>,
    workers: i64,
}

impl TestApp {
    /// In front of the application at this URL.
    #[must_use]
    pub fn in_front_of(url: impl Into<String>) -> Self {
        Self::in_front_of_servers([url.into()])
    }

    /// In front of an application that runs on several servers, each as `[upstream] servers` has it.
    #[must_use]
    pub fn in_front_of_servers(servers: impl IntoIterator<Item = String>) -> Self {
        let servers = servers.into_iter().collect();
        Self { servers, config: String::new(), clock: Arc::new(SystemClock::new()), directory: None, workers: 2 }
    }

    /// With this configuration file.
    #[must_use]
    pub fn with_config(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.config);
        self
    }

    /// With this clock for all decisions.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// In this directory instead of a fresh one, as after a restart.
    #[must_use]
    pub fn in_directory(mut self, directory: TemporaryDirectory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// On one data plane thread instead of two, so that all requests meet there.
    #[must_use]
    pub fn on_one_core(mut self) -> Self {
        self.workers = 1;
        self
    }

    /// Starts it on two data plane threads and the test's own runtime.
    pub async fn start(self) -> StartedApp {
        self.try_start().await.expect("the application must start")
    }

    /// The same, for a start that may be refused.
    ///
    /// # Errors
    /// Why it was.
    pub async fn try_start(self) -> Result<StartedApp, AppError> {
        let directory = self.directory.unwrap_or_else(TemporaryDirectory::new);
        let log = KeptLog::default();
        let surroundings = Surroundings {
            clock: self.clock,
            seed: 7,
            sink: Sink::new(Box::new(log.clone())),
            terminal: Terminal::No,
            directory: directory.0.clone(),
            open_files: None,
            variables: Vec::new(),
        };
        let source = source(&directory.0, &self.servers, self.workers);
        fs::write(directory.0.join(FILE), &self.config).expect("the configuration is written");
        let config = match source.read() {
            Ok(loaded) => loaded.config,
            Err(SourceError::Mistakes(mistakes)) => panic!("the test's configuration has mistakes:\n{mistakes}"),
            Err(error) => panic!("{error}"),
        };
        let app = App::build(config, surroundings).expect("the application must build").with_source(source);
        let running = app.start().await?;
        Ok(StartedApp { running: Some(running), log, directory })
    }
}

/// A Seawall with this configuration file in front of an upstream whose paths choose what it does.
pub async fn in_front(toml: &str) -> (Upstream, StartedApp) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).with_config(toml).start().await;
    (upstream, app)
}

/// As [`in_front`], with a clock that the test moves.
pub async fn in_front_with_clock(toml: &str) -> (Upstream, StartedApp, Arc<ManualClock>) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(toml).with_clock(Arc::clone(&clock) as _);
    (upstream, app.start().await, clock)
}

/// What a test app loads: the file in its directory, in front of these servers, on free ports.
fn source(directory: &Path, servers: &[String], workers: i64) -> ConfigSource {
    let option = |section: &str, key: &str, value: Raw| Override {
        section: section.to_owned(),
        key: key.to_owned(),
        value,
        name: "test".to_owned(),
    };
    let text = |text: &str| Raw::Text(text.to_owned());
    let upstream = match servers {
        // In the file, so that a test can change them.
        [] => None,
        [only] => Some(option("upstream", "url", text(only))),
        several => Some(option("upstream", "servers", Raw::List(several.iter().map(|server| text(server)).collect()))),
    };
    let overrides = [
        option("server", "listen", text("127.0.0.1:0")),
        option("server", "workers", Raw::Integer(workers)),
        option("admin", "listen", text("127.0.0.1:0")),
        option("outbound", "listen", text("127.0.0.1:0")),
    ];
    let overrides = overrides.into_iter().chain(upstream).collect();
    ConfigSource {
        directory: directory.to_owned(),
        file: Some(FILE.into()),
        overrides,
        variables: Vec::new(),
        started_with: None,
    }
}

/// A Seawall that runs; dropped, it ends at once.
#[derive(Debug)]
pub struct StartedApp {
    running: Option<Running>,
    log: KeptLog,
    directory: TemporaryDirectory,
}

impl StartedApp {
    /// Where clients connect.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.running().addresses().public
    }

    /// Where the admin interface listens.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.running().addresses().admin
    }

    /// Where requests in clear are redirected to https, when they are.
    #[must_use]
    pub fn redirect(&self) -> Option<SocketAddr> {
        self.running().addresses().redirect
    }

    /// Where the application's calls to other services come in.
    ///
    /// # Panics
    /// When its configuration names none.
    #[must_use]
    pub fn outbound(&self) -> SocketAddr {
        self.running().addresses().outbound.expect("a service to call")
    }

    /// A client of the listener for calls, with the application's key.
    ///
    /// # Panics
    /// When there is no key.
    #[must_use]
    pub fn outbound_client(&self) -> Client {
        let key = fs::read_to_string(self.running().data().outbound_key_path()).expect("the key");
        let authorization = format!("Bearer {}", key.trim());
        Client::new(&format!("http://{}", self.outbound())).with_header("Authorization", authorization)
    }

    /// A client of the public listener.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.public()))
    }

    /// One connection to the public listener.
    pub async fn connect(&self) -> RawClient {
        RawClient::connect(self.public()).await
    }

    /// A client of the admin listener, without its token.
    #[must_use]
    pub fn admin_client(&self) -> Client {
        Client::new(&format!("http://{}", self.admin()))
    }

    /// The token of the admin interface.
    #[must_use]
    pub fn admin_token(&self) -> String {
        self.running().admin_token().expose().to_owned()
    }

    /// What its guards would have refused that only report.
    pub async fn report(&self) -> Value {
        self.report_of("").await
    }

    /// A part of it, as a query says it.
    pub async fn report_of(&self, query: &str) -> Value {
        let request = Request::get(format!("/api/report?{query}"));
        let request = request.header("Authorization", format!("Bearer {}", self.admin_token()));
        self.admin_client().request(request).await.expect_status(200).json()
    }

    /// Asks the admin interface as its operator.
    pub async fn operator_get(&self, path: &str) -> RawResponse {
        let request = Request::get(path).header("Authorization", format!("Bearer {}", self.admin_token()));
        self.admin_client().request(request).await
    }

    /// The calls of language models that have ended, the latest first.
    ///
    /// # Panics
    /// When there are none.
    pub async fn llm_calls(&self) -> Vec<Value> {
        self.running().flush_calls().await;
        let page = self.operator_get("/api/llm/calls").await.expect_status(200).json();
        page["data"].as_array().expect("rows").clone()
    }

    /// Records calls of language models and gives back what budgets have left, as before the store is closed.
    pub async fn close_calls(&self) {
        self.running().close_calls().await;
    }

    /// The directory with its own files.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.0.join(".seawall")
    }

    /// A metric's value; zero when it has none yet.
    #[must_use]
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        self.running().registry().value(name, labels).unwrap_or_default()
    }

    /// Waits until a metric has this value.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    pub async fn until_metric(&self, name: &str, labels: &[&str], value: f64) {
        self.until_metric_is(name, labels, |now| (now - value).abs() <= f64::EPSILON).await;
    }

    /// Waits until a metric has a value that is wanted.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    pub async fn until_metric_is(&self, name: &str, labels: &[&str], wanted: impl Fn(f64) -> bool) {
        let wait = async {
            while !wanted(self.metric(name, labels)) {
                // Metrics tell nobody when they change, so they are looked at again.
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(LIMIT, wait).await.is_err() {
            panic!("{name}{labels:?} is {} and never became what is wanted", self.metric(name, labels));
        }
    }

    /// Waits until at least so many connections were accepted.
    ///
    /// # Panics
    /// When they were not within ten seconds.
    pub async fn until_accepted(&self, connections: u32) {
        let accepted = || self.metric("seawall_connections_accepted", &[]);
        let wait = async {
            while accepted() < f64::from(connections) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(LIMIT, wait).await.is_err() {
            panic!("{} connections were accepted, not {connections}", accepted());
        }
    }

    /// Waits until a line of the log satisfies `wanted`, and gives it.
    ///
    /// # Panics
    /// When none does within ten seconds.
    pub async fn log_line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = || self.log.lines().into_iter().find(&wanted);
        let wait = async {
            loop {
                if let Some(line) = found() {
                    return line;
                }
                self.log.changed().await;
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("no log line for {what} in:\n{}", self.log.text()))
    }

    /// The request log's line of a path.
    pub async fn request_line(&self, path: &str) -> Value {
        self.log_line(path, |line| line["msg"] == "request" && line["url.path"] == path).await
    }

    /// Everything logged so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.log.text()
    }

    /// Puts another configuration in the place of the file's.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_config(&self, toml: &str) {
        fs::write(self.directory.0.join(FILE), toml).expect("the configuration is written");
    }

    /// Has it read its configuration again.
    ///
    /// # Errors
    /// Why it did not take it over.
    pub async fn reload(&self) -> Result<Difference, Refusal> {
        self.running().reloader().reload(Trigger::Admin).await
    }

    /// Puts another configuration in the place of the file's, and has it taken over.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn reload_with(&self, toml: &str) -> Difference {
        self.write_config(toml);
        self.reload().await.unwrap_or_else(|refusal| panic!("the configuration is refused:\n{}", refusal.text()))
    }

    /// Takes Seawall's own database away while it serves. What was loose is written before.
    pub fn close_store(&self) {
        self.running().db().close();
    }

    /// Begins to finish, as SIGTERM does.
    pub async fn drain(&self) {
        self.running().drain().await;
    }

    /// Ends at once, as a second signal does.
    pub async fn force(&self) {
        self.running().force().await;
    }

    /// Gives the directory back for another start; the server ends at once.
    #[must_use]
    pub fn into_directory(self) -> TemporaryDirectory {
        self.directory
    }

    /// Waits until the server has finished by itself.
    ///
    /// # Panics
    /// When it does not within `limit`, or ended by a fault.
    pub async fn ended_within(&mut self, limit: Duration) {
        let running = self.running.as_mut().expect("the server was not taken");
        tokio::time::timeout(limit, running.ended())
            .await
            .expect("the server must end in time")
            .expect("and without a fault");
        self.running.take().expect("the server was not taken").finish().expect("the log is written to its end");
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the server has ended")
    }
}

/// A log that is kept in memory.
#[derive(Clone, Debug, Default)]
struct KeptLog {
    bytes: Arc<Mutex<Vec<u8>>>,
    changed: Arc<tokio::sync::Notify>,
}

impl KeptLog {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("nobody panics while writing")).into_owned()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Ends when more was written, or soon, because a line may have come between looking and waiting.
    async fn changed(&self) {
        let _soon = tokio::time::timeout(Duration::from_millis(50), self.changed.notified()).await;
    }
}

impl Write for KeptLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.lock().expect("nobody panics while writing").extend_from_slice(bytes);
        self.changed.notify_waiters();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A directory that goes when it is dropped.
#[derive(Debug)]
pub struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    /// A fresh, empty directory.
    ///
    /// # Panics
    /// When the system gives none.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "making one has an effect")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("seawall-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // What stays behind is in the system's temporary directory.
        let _stays = fs::remove_dir_all(&self.0);
    }
}
