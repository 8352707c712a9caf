//! What the service manager hears, with the real binary: the order of messages over the life of a service.

use std::{
    io::ErrorKind,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    time::Duration,
};

use seawall_testkit::upstream::{Kind, Upstream};
use serde_json::Value;

use crate::{
    applications::child::LIMIT,
    cli::binary::{Place, Server},
};

/// A service manager's ear.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self::listening(UnixDatagram::bind(path).expect("a path for a socket"))
    }

    fn abstract_name(name: &str) -> Self {
        let address = SocketAddr::from_abstract_name(name).expect("a short name");
        Self::listening(UnixDatagram::bind_addr(&address).expect("a name that nobody has"))
    }

    fn listening(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
        Self(socket)
    }

    /// The next message, line by line.
    #[track_caller]
    fn next(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).expect("a message in time");
        String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned).collect()
    }

    /// The next message, without signs of life and without the status for people; it must hold these lines.
    #[track_caller]
    fn hears(&self, lines: &[&str]) {
        let mut heard = self.next();
        assert!(heard.iter().any(|line| line.starts_with("STATUS=")), "{heard:?}");
        heard.retain(|line| !line.starts_with("STATUS="));
        assert_eq!(heard, lines);
    }

    /// Nothing more was said.
    #[track_caller]
    fn hears_nothing(&self) {
        self.0.set_nonblocking(true).expect("an open socket takes it");
        let mut bytes = [0; 4096];
        let heard = self.0.recv(&mut bytes).map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned());
        assert_eq!(heard.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
        self.0.set_nonblocking(false).expect("an open socket takes it");
    }
}

struct Service {
    manager: Manager,
    place: Place,
    server: Server,
}

fn service(variables: &[(&'static str, &str)]) -> Service {
    let mut place = Place::with_config("");
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    place = place.with_variable("NOTIFY_SOCKET", path.display().to_string());
    for (name, value) in variables {
        place = place.with_variable(name, *value);
    }
    // No request is sent.
    let server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    Service { manager, place, server }
}

fn main_process(id: impl std::fmt::Display) -> String {
    format!("MAINPID={id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_says_when_it_serves_reloads_and_ends() {
    let Service { manager, place, mut server } = service(&[]);
    let ready = ["READY=1".to_owned(), main_process(server.child.id())];
    let ready = ready.each_ref().map(String::as_str);
    manager.hears(&ready);
    for (toml, reloads) in [("[rate_limit]\nlimits = [\"5/s per ip\"]\n", true), ("[rate_limit]\nno = 1\n", false)] {
        std::fs::write(place.path().join("seawall.toml"), toml).expect("the file can be written");
        let before = monotonic_us();
        assert_eq!(place.seawall(&["reload"]).code == Some(0), reloads);
        let begun = manager.next();
        assert_eq!(begun[0], "RELOADING=1");
        let since: u128 = begun[1].strip_prefix("MONOTONIC_USEC=").expect("when it began").parse().expect("a number");
        assert!((before..=monotonic_us()).contains(&since), "{since}");
        manager.hears(&ready);
    }
    assert_eq!(server.terminate(), Some(0));
    manager.hears(&["STOPPING=1"]);
    manager.hears_nothing();
}

fn monotonic_us() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.try_into().expect("since the start"), now.tv_nsec.try_into().expect("a part")).as_micros()
}

/// The manager follows the service from process to process, and hears of no end in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_service_names_its_new_main_process_and_says_nothing_of_an_end() {
    let Service { manager, place, mut server } = service(&[]);
    manager.hears(&["READY=1", &main_process(server.child.id())]);
    let said = place.seawall(&["restart", "--json"]).ok();
    let said: Value = serde_json::from_str(&said).expect("it answers in JSON");
    let successor = main_process(&said["successor"]);
    // Each tells of it by itself: who was served by the other may be gone.
    let mut heard = [manager.next(), manager.next()];
    for lines in &mut heard {
        lines.retain(|line| !line.starts_with("STATUS="));
    }
    heard.sort();
    assert_eq!(heard, [vec![successor.clone()], vec!["READY=1".to_owned(), successor.clone()]]);
    assert_eq!(server.child.exited(), Some(0), "the predecessor ends when it has finished");
    manager.hears_nothing();

    assert_eq!(place.seawall(&["reload"]).code, Some(0));
    assert_eq!(manager.next()[0], "RELOADING=1");
    manager.hears(&["READY=1", &successor]);
    let process = said["successor"].as_u64().expect("a process");
    crate::restart::signal(process, "TERM");
    manager.hears(&["STOPPING=1"]);
    crate::restart::until_gone(process).await;
    manager.hears_nothing();
}

/// A failed hand-over is none of the manager's business.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_fails_is_not_announced() {
    let Service { manager, place, mut server } = service(&[]);
    manager.hears(&["READY=1", &main_process(server.child.id())]);
    std::fs::write(place.path().join("seawall.toml"), "[rate_limit]\nno = 1\n").expect("the file can be written");
    assert_ne!(place.seawall(&["restart"]).code, Some(0));
    manager.hears_nothing();
    assert_eq!(server.terminate(), Some(0));
    manager.hears(&["STOPPING=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_come_twice_in_the_time_of_the_watchdog_also_from_a_successor() {
    let variables = [("WATCHDOG_USEC", "400000"), ("WATCHDOG_PID", "1")];
    let Service { manager, place, mut server } = service(&variables);
    manager.hears(&["READY=1", &main_process(server.child.id())]);
    for _ in 0..4 {
        assert_eq!(manager.next(), ["WATCHDOG=1"]);
    }
    let said = place.seawall(&["restart", "--json"]).ok();
    let said: Value = serde_json::from_str(&said).expect("it answers in JSON");
    assert_eq!(server.child.exited(), Some(0));
    // What the predecessor said may still wait to be heard.
    let mut ready = false;
    let mut alive = 0;
    while alive < 4 {
        let heard = manager.next();
        ready |= heard[0] == "READY=1";
        alive += u32::from(ready && heard == ["WATCHDOG=1"]);
        assert!(!heard[0].starts_with("STOPPING"), "{heard:?}");
    }
    crate::restart::signal(said["successor"].as_u64().expect("a process"), "KILL");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abstract_name_is_a_socket_too() {
    let name = format!("seawall-test-{}", std::process::id());
    let manager = Manager::abstract_name(&name);
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::with_config("").with_variable("NOTIFY_SOCKET", format!("@{name}"));
    let mut server = place.serve(&["run", "--to", &upstream.url()]);
    manager.hears(&["READY=1", &main_process(server.child.id())]);
    assert_eq!(server.terminate(), Some(0));
    manager.hears(&["STOPPING=1"]);
}

/// One warning, however much there is to say, and everything else as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_is_not_there_costs_one_warning() {
    let upstream = Upstream::start(Kind::ByPath).await;
    for address in ["/nowhere/notify", "relative"] {
        let place =
            Place::with_config("").with_variable("NOTIFY_SOCKET", address).with_variable("WATCHDOG_USEC", "20000");
        let mut server = place.serve(&["run", "--to", &upstream.url()]);
        assert_eq!(place.seawall(&["reload"]).code, Some(0));
        server.client().get("/echo").await.expect_status(200);
        assert_eq!(server.terminate(), Some(0));
        let told = server.child.out().lines().filter(|line| line.contains("cannot be told how the server is")).count();
        assert_eq!(told, 1, "{address}: {}", server.child);
    }
}
