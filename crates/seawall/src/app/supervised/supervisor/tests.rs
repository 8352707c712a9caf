//! The supervisor with real processes: shells, and Python's small server.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
};

use tokio::time::sleep;

use super::*;
use crate::app::{SystemClock, supervised::plan::tests::settings};

/// The longest that a test waits for anything.
const LIMIT: Duration = Duration::from_secs(30);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// An application that serves its working directory.
const SERVER: &str = "exec python3 -m http.server \"$PORT\" --bind \"$HOST\"";

/// A proxy that remembers what it is told.
#[derive(Debug, Default)]
struct Told {
    placed: Mutex<Vec<SocketAddr>>,
    in_flight: AtomicUsize,
}

impl Told {
    fn placed(&self) -> Vec<SocketAddr> {
        self.placed.lock().unwrap().clone()
    }
}

impl Placement for Told {
    fn place(&self, address: SocketAddr) {
        self.placed.lock().unwrap().push(address);
    }

    fn in_flight(&self, _: SocketAddr) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }
}

/// A directory of a test's own.
pub(in crate::app) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("seawall-supervised-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Makes an empty file.
    pub(in crate::app) fn write(&self, name: &str) {
        fs::write(self.0.join(name), "").unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    /// What a file holds, once it is there.
    async fn holds(&self, name: &str) -> String {
        until(name, || fs::read_to_string(self.0.join(name)).is_ok_and(|text| text.ends_with('\n'))).await;
        fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned()
    }

    async fn start(
        &self,
        settings: SupervisedSettings,
        placement: Option<Arc<Told>>,
    ) -> Result<Supervisor, SupervisedError> {
        let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
        let surrounding = Surrounding {
            directory: self.0.clone(),
            variables: vec![("PATH".to_owned(), path)],
            clock: Arc::new(SystemClock::new()),
            placement: placement.map(|told| told as _),
            drain_timeout: watch::channel(LIMIT).1,
        };
        timeout(LIMIT, Supervisor::start(settings, surrounding)).await.expect("it starts or fails in time")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _stays = fs::remove_dir_all(&self.0);
    }
}

/// An application that serves and can be replaced; the script comes before it in its shell.
pub(in crate::app) async fn serving(script: &str) -> (Folder, Supervisor) {
    let folder = Folder::new();
    let supervisor = folder.start(settings(&format!("{script}{SERVER}")), Some(Arc::default())).await.unwrap();
    (folder, supervisor)
}

/// An application that serves and cannot be replaced.
pub(in crate::app) async fn serving_unreplaceable() -> (Folder, Supervisor) {
    let folder = Folder::new();
    let supervisor = folder.start(settings(SERVER), None).await.unwrap();
    (folder, supervisor)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = timeout(LIMIT, async {
        while !holds() {
            sleep(LOOK_AGAIN).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Whether a process runs; one that only waits to be collected does not.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z') && !rest.is_empty())
}

async fn serves(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}

#[tokio::test]
async fn missing_variables_are_told_before_anything_starts() {
    let folder = Folder::new();
    let mut settings = settings("touch started");
    settings.before_start = Some("touch prepared".to_owned());
    settings.required = vec!["DATABASE_URL".to_owned(), "REDIS_URL".to_owned()];
    let error = folder.start(settings, None).await.unwrap_err();
    assert_eq!(error.to_string(), "the application needs variables that are not set: DATABASE_URL, REDIS_URL");
    assert!(!folder.has("prepared") && !folder.has("started"));
}

#[tokio::test]
async fn an_application_whose_preparation_fails_is_not_started() {
    let folder = Folder::new();
    let mut settings = settings("touch started");
    settings.before_start = Some("echo no table; echo password=x >&2; exit 3".to_owned());
    let error = folder.start(settings, None).await.unwrap_err().to_string();
    assert!(error.starts_with("before_start failed with exit code 3, so the application is not started"), "{error}");
    assert!(error.contains("│ no table") && error.contains("│ password=[redacted]"), "{error}");
    assert!(!folder.has("started"));
}

#[tokio::test]
async fn a_preparation_that_takes_too_long_is_ended_with_all_it_started() {
    let folder = Folder::new();
    let mut settings = settings("touch started");
    settings.before_start = Some("sleep 600 & echo $! > pid; wait".to_owned());
    settings.before_start_timeout = Duration::from_millis(500);
    let error = folder.start(settings, None).await.unwrap_err().to_string();
    assert!(error.starts_with("before_start took longer than 500ms"), "{error}");
    let pid = folder.holds("pid").await;
    until("the end of what it started", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_first_start_that_fails_tells_why() {
    let folder = Folder::new();
    let error = folder.start(settings("echo cannot find module; exit 2"), None).await.unwrap_err();
    assert!(error.to_string().starts_with("the application ended with exit code 2 before it was ready"), "{error}");
    assert!(error.to_string().ends_with("its last lines:\n  │ cannot find module"), "{error}");
    let mut settings = settings("");
    settings.command = vec!["./no-such-program".to_owned()];
    let error = folder.start(settings, None).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot start ./no-such-program");
    assert!(error.help().is_some());
}

#[tokio::test]
async fn an_application_that_never_listens_is_stopped() {
    let folder = Folder::new();
    let mut settings = settings("echo $$ > pid; echo on port 3000; exec sleep 600");
    settings.ready_timeout = Duration::from_millis(400);
    let error = folder.start(settings, None).await.unwrap_err().to_string();
    assert!(error.starts_with("the application was not ready within 400ms: 127.0.0.1:"), "{error}");
    assert!(error.contains("takes no connection") && error.contains("│ on port 3000"), "{error}");
    let pid = folder.holds("pid").await;
    assert!(!runs(&pid));
}

#[tokio::test]
async fn readiness_can_be_a_path_that_answers() {
    let folder = Folder::new();
    let mut settings = settings(&format!("(sleep 0.5; touch health) & {SERVER}"));
    settings.ready_path = Some("/health".to_owned());
    let mut supervisor = folder.start(settings.clone(), None).await.unwrap();
    assert!(folder.has("health"), "it was ready only when the path answered");
    supervisor.stop().await;
    settings.ready_path = Some("/never".to_owned());
    settings.ready_timeout = Duration::from_secs(1);
    let error = folder.start(settings, None).await.unwrap_err().to_string();
    assert!(error.contains("/never answers with status 404"), "{error}");
}

#[tokio::test]
async fn an_application_that_ends_is_started_again_at_the_same_address() {
    let folder = Folder::new();
    let mut supervisor = folder.start(settings(SERVER), None).await.unwrap();
    let first = supervisor.handle().status();
    assert_eq!((first.state, first.restarts), (State::Ready, 0));
    for round in 1..=2 {
        let pid = rustix::process::Pid::from_raw(i32::try_from(supervisor.handle().status().pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let again = || {
            let status = supervisor.handle().status();
            status.state == State::Ready && status.restarts == round
        };
        until("a restart", again).await;
    }
    let last = supervisor.handle().status();
    assert_eq!((last.address, last.last_end.as_deref()), (first.address, Some("signal 9")));
    assert!(last.pid != first.pid && serves(last.address).await);
    supervisor.stop().await;
    assert!(!serves(last.address).await);
}

#[tokio::test]
async fn a_restart_that_fails_is_tried_again_and_can_be_stopped() {
    let folder = Folder::new();
    let mut settings = settings(&format!("[ -e broken ] && exit 7; {SERVER}"));
    settings.backoff.most = Duration::from_secs(600);
    let mut supervisor = folder.start(settings, None).await.unwrap();
    folder.write("broken");
    let pid = rustix::process::Pid::from_raw(i32::try_from(supervisor.handle().status().pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until("three attempts", || matches!(supervisor.handle().status().state, State::Restarting { attempt: 3.. })).await;
    let busy = supervisor.handle().replace().await.unwrap_err();
    assert_eq!(busy.to_string(), "the application is just being started again");
    timeout(LIMIT, supervisor.stop()).await.expect("a wait for the next start is no reason to wait");
}

#[tokio::test]
async fn stopping_tells_the_whole_group_and_kills_what_does_not_listen() {
    let folder = Folder::new();
    let polite =
        "trap 'touch told; exit 0' TERM; python3 -m http.server \"$PORT\" --bind \"$HOST\" & echo $! > pid; wait";
    let mut supervisor = folder.start(settings(polite), None).await.unwrap();
    let pid = folder.holds("pid").await;
    timeout(LIMIT, supervisor.stop()).await.unwrap();
    assert!(folder.has("told") && !runs(&pid));

    let folder = Folder::new();
    let deaf = "trap '' TERM; echo $$ > pid; python3 -m http.server \"$PORT\" --bind \"$HOST\" & wait; wait";
    let mut settings = settings(deaf);
    settings.stop_timeout = Duration::from_millis(300);
    let mut supervisor = folder.start(settings.clone(), None).await.unwrap();
    let pid = folder.holds("pid").await;
    timeout(LIMIT, supervisor.stop()).await.unwrap();
    assert!(!runs(&pid));

    // Told to hurry while it waits.
    settings.stop_timeout = Duration::from_secs(600);
    let mut supervisor = folder.start(settings, None).await.unwrap();
    assert!(timeout(Duration::from_millis(300), supervisor.stop()).await.is_err());
    timeout(LIMIT, supervisor.kill()).await.unwrap();
    assert!(!serves(supervisor.handle().status().address).await);
}

#[tokio::test]
async fn a_supervisor_that_is_dropped_leaves_nothing_behind() {
    let folder = Folder::new();
    let supervisor = folder.start(settings(&format!("echo $$ > pid; {SERVER}")), None).await.unwrap();
    let pid = folder.holds("pid").await;
    assert!(runs(&pid));
    drop(supervisor);
    until("the end of the application", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing_behind() {
    let folder = Folder::new();
    let given_up = timeout(Duration::from_secs(1), folder.start(settings("echo $$ > pid; exec sleep 600"), None)).await;
    assert!(given_up.is_err());
    let pid = folder.holds("pid").await;
    until("the end of the application", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_replacement_takes_over_when_it_is_ready_and_the_old_one_finishes_its_requests() {
    let folder = Folder::new();
    let told = Arc::new(Told::default());
    let mut settings = settings(SERVER);
    settings.before_start = Some("echo x >> prepared".to_owned());
    let mut supervisor = folder.start(settings, Some(Arc::clone(&told))).await.unwrap();
    let (handle, old) = (supervisor.handle().clone(), supervisor.handle().status());
    told.in_flight.store(1, Ordering::SeqCst);
    let replaced = tokio::spawn(async move { handle.replace().await });
    until("the proxy is told", || !told.placed().is_empty()).await;
    let address = told.placed()[0];
    assert!(serves(address).await && serves(old.address).await, "both serve while a request is in flight");
    let busy = supervisor.handle().replace().await.unwrap_err();
    assert_eq!(busy.to_string(), "the application is just being replaced");
    assert!(!replaced.is_finished());
    told.in_flight.store(0, Ordering::SeqCst);
    let status = timeout(LIMIT, replaced).await.unwrap().unwrap().unwrap();
    assert_eq!((status.address, status.replacements, status.restarts), (address, 1, 0));
    assert!(serves(address).await && !serves(old.address).await);
    assert_eq!(fs::read_to_string(folder.0.join("prepared")).unwrap(), "x\nx\n", "it was prepared again");
    supervisor.stop().await;
    assert!(!serves(address).await);
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_the_old_one_in_place() {
    let folder = Folder::new();
    let told = Arc::new(Told::default());
    let script = format!("[ -e broken ] && {{ echo bad release; exit 7; }}; {SERVER}");
    let mut supervisor = folder.start(settings(&script), Some(Arc::clone(&told))).await.unwrap();
    let before = supervisor.handle().status();
    folder.write("broken");
    let error = supervisor.handle().replace().await.unwrap_err().to_string();
    assert!(error.contains("ended with exit code 7") && error.ends_with("│ bad release"), "{error}");
    assert_eq!((supervisor.handle().status(), told.placed()), (before.clone(), Vec::new()));
    assert!(serves(before.address).await);
    supervisor.stop().await;
}

fn kill(handle: &Handle) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(handle.status().pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn whoever_serves_is_cared_for_while_it_is_replaced() {
    let folder = Folder::new();
    let told = Arc::new(Told::default());
    let mut settings = settings(SERVER);
    settings.before_start = Some("while [ -e slow ]; do touch prepares; sleep 0.05; done".to_owned());
    let mut supervisor = folder.start(settings, Some(Arc::clone(&told))).await.unwrap();
    let handle = supervisor.handle().clone();
    folder.write("slow");
    told.in_flight.store(1, Ordering::SeqCst);
    let replaced = tokio::spawn(async move { handle.replace().await });
    until("the preparation", || folder.has("prepares")).await;
    let again = |restarts| {
        let status = supervisor.handle().status();
        status.state == State::Ready && status.restarts == restarts
    };
    kill(supervisor.handle());
    until("a restart while the new one is prepared", || again(1)).await;
    fs::remove_file(folder.0.join("slow")).unwrap();
    until("the proxy is told", || !told.placed().is_empty()).await;
    let address = told.placed()[0];
    assert_eq!(supervisor.handle().status().address, address);
    kill(supervisor.handle());
    until("a restart while the old one finishes", || again(2)).await;
    assert!(serves(address).await && !replaced.is_finished());
    told.in_flight.store(0, Ordering::SeqCst);
    let status = timeout(LIMIT, replaced).await.unwrap().unwrap().unwrap();
    assert_eq!((status.address, status.replacements, status.restarts), (address, 1, 2));
    supervisor.stop().await;
    assert!(!serves(address).await);
}

#[tokio::test]
async fn what_cannot_be_replaced_says_so() {
    let folder = Folder::new();
    let supervisor = folder.start(settings(SERVER), None).await.unwrap();
    assert!(!supervisor.handle().replaceable());
    assert!(matches!(supervisor.handle().replace().await, Err(SupervisedError::NoPlacement)));
    let mut fixed = settings(SERVER);
    fixed.port = Some(super::super::port::free().unwrap().port());
    let supervisor = folder.start(fixed, Some(Arc::default())).await.unwrap();
    assert!(matches!(supervisor.handle().replace().await, Err(SupervisedError::FixedPort)));
}
