//! Reload as operators meet it: SIGHUP, `seawall reload`, `seawall diff`, and a file that is watched, with the real binary.

use std::{fs, time::Duration};

use seawall_testkit::{
    client::{Request, websocket},
    upstream::{Kind, Upstream},
};
use serde_json::Value;

use crate::{
    applications::{
        child::Child,
        tools::{program, skip},
    },
    cli::binary::{FREE_PORTS, Place, Server},
};

async fn serve(toml: &str) -> (Upstream, Place, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::with_config(toml);
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, place, server)
}

/// Writes the file in one step: a reload that is on its way finds the one before or this one, and never a half.
fn write(place: &Place, toml: &str) {
    let (fresh, file) = (place.path().join("seawall.toml.fresh"), place.path().join("seawall.toml"));
    fs::write(&fresh, toml).and_then(|()| fs::rename(&fresh, file)).expect("the file can be written");
}

/// How many lines of its log say this.
fn said(server: &Server, text: &str) -> usize {
    server.child.out().lines().filter(|line| line.contains(text)).count()
}

/// Waits until so many lines say this.
fn until_said(server: &Server, text: &'static str, times: usize) {
    server.child.said(text, |out| (out.lines().filter(|line| line.contains(text)).count() >= times).then_some(()));
}

const RELOADED: &str = "the configuration was reloaded";
const REFUSED: &str = "the configuration was not reloaded; the one before holds on";

/// What is there when the start is over counts, and not what was there when it began.
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_the_server_starts_is_served_with() {
    let app = "[app]\ncommand = [\"sh\", \"-c\", \"exec python3 -m http.server $PORT --bind $HOST\"]\n\
        before_start = \"while [ -e slow ]; do touch prepares; sleep 0.05; done\"\n";
    let place = Place::with_config(&format!("{app}[body]\nmax = \"1 KB\"\n"));
    let file = |name| place.path().join(name);
    fs::write(file("slow"), "").expect("a file");
    let (slow, prepares, toml) = (file("slow"), file("prepares"), file("seawall.toml"));
    let changes = tokio::spawn(async move {
        while !prepares.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fs::write(toml, format!("{app}[body]\nmax = \"2 B\"\n")).expect("the file can be written");
        fs::remove_file(slow).expect("it was there");
    });
    let server = place.serve(&["run"]);
    changes.await.expect("it was changed");
    server.logged(RELOADED);
    assert_eq!(place.seawall(&["diff"]).ok(), "no differences\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_and_two_at_once_are_fine() {
    let (_upstream, place, mut server) = serve("[rate_limit]\nlimits = [\"5/min per ip\"]\n").await;
    let mut socket = websocket(server.address(), "/ws", &[]).await;
    server.client().get("/echo").await.expect_status(200);
    write(&place, "[rate_limit]\nlimits = [\"3/min per ip\"]\n[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n");
    server.child.signal("HUP");
    server.child.signal("HUP");
    server.logged(RELOADED);
    server.client().get("/echo").await.expect_status(200);
    server.client().get("/echo").await.expect_problem(429, "quota-exceeded");
    let line = server.child.said("the warning", |out| {
        let line = out.lines().find(|line| line.contains("taken over by a restart only"))?;
        serde_json::from_str::<Value>(line).ok()
    });
    // What the command line says about `listen` stands over the file.
    assert_eq!((&line["level"], &line["reload.keys"]), (&"warn".into(), &"server.workers".into()), "{line}");
    write(&place, "[rate_limit]\nlimitz = [\"300/min per ip\"]\n");
    server.child.signal("HUP");
    let line = server
        .child
        .said(REFUSED, |out| serde_json::from_str::<Value>(out.lines().find(|line| line.contains(REFUSED))?).ok());
    assert_eq!(
        (&line["level"], &line["reload.by"], &line["reload.mistakes"]),
        (&"error".into(), &"signal".into(), &1.into())
    );
    assert!(line["error"].as_str().is_some_and(|error| error.starts_with("seawall.toml:2: ")), "{line}");
    server.client().get("/echo").await.expect_problem(429, "quota-exceeded");
    socket.send_text("still").await;
    assert_eq!(socket.receive_text().await, "still");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reload_and_show_what_changes() {
    let (_upstream, place, server) = serve("[body]\nmax = \"1 KB\"\n[route.\"/a\"]\nmode = \"report\"\n").await;
    assert_eq!(place.seawall(&["diff"]).ok(), "no differences\n");
    write(
        &place,
        "data = \"elsewhere\"\n[body]\nmax = \"2 B\"\n[log]\nlevel = \"debug\"\n[route.\"POST /b\"]\nrate_limit.limits = [\"1/min per ip\"]\n",
    );
    // The running server is found where it was started, not where the next one would be.
    let elsewhere = place.seawall(&["diff"]).ok();
    assert!(elsewhere.contains("needs a restart:\n  ~ data = \".seawall\" -> \"elsewhere\"\n"), "{elsewhere}");
    write(
        &place,
        "[body]\nmax = \"2 B\"\n[log]\nlevel = \"debug\"\n[tracing]\n[rate_limit]\ncapacity = 4096\n[route.\"POST /b\"]\nrate_limit.limits = [\"1/min per ip\"]\n",
    );
    insta::assert_snapshot!(place.seawall(&["diff"]).ok(), @r#"
      ~ log.level = "info" -> "debug"
      ~ body.max = "1 KB" -> "2 B"
      + route."POST /b".rate_limit.limits = ["1/min per ip"]
      - route."/a".mode = "report"
    needs a restart:
      ~ rate_limit.capacity = 32768 -> 4096
    "#);
    let told: Value = serde_json::from_str(&place.seawall(&["diff", "--json"]).ok()).unwrap();
    assert_eq!(told["needs_restart"][0]["key"], "rate_limit.capacity");
    server.client().request(Request::post("/echo").body("four")).await.expect_status(200);
    insta::assert_snapshot!(place.seawall(&["reload"]).ok(), @r#"
    reloaded, 4 changes:
      ~ log.level = "info" -> "debug"
      ~ body.max = "1 KB" -> "2 B"
      + route."POST /b".rate_limit.limits = ["1/min per ip"]
      - route."/a".mode = "report"
    not taken over, needs a restart:
      ~ rate_limit.capacity = 32768 -> 4096
    "#);
    server.client().request(Request::post("/echo").body("four")).await.expect_problem(413, "request-too-large");
    server.logged(RELOADED);
    let done: Value = serde_json::from_str(&place.seawall(&["reload", "--json"]).ok()).unwrap();
    assert_eq!((done["changed"].as_array().map(Vec::len), &done["needs_restart"]), (Some(0), &told["needs_restart"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_mistakes_is_refused_with_64() {
    let (_upstream, place, server) = serve("").await;
    write(&place, "[body]\nmax = \"2 parsecs\"\n[rate_limt]\n");
    for command in ["reload", "diff"] {
        let text = place.seawall(&[command]).refused(64);
        for part in ["parsecs", "rate_limt", "seawall.toml:2"] {
            assert!(text.contains(part), "{command}: {part} in {text}");
        }
        let said = place.seawall(&[command, "--json"]);
        let json: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, said.err.as_str()), (Some(64), ""));
        assert_eq!(
            (&json["code"], json["diagnostics"].as_array().map(Vec::len)),
            (&"CONFIGURATION_REFUSED".into(), Some(2))
        );
    }
    assert_eq!(said(&server, REFUSED), 2, "a question is no reload");
    fs::remove_file(place.path().join("seawall.toml")).unwrap();
    let text = place.seawall(&["reload"]).refused(64);
    assert!(text.contains("cannot read seawall.toml"), "the defaults must not take over: {text}");
    drop(server);
    for command in ["reload", "diff"] {
        assert!(
            Place::new().seawall(&[command]).refused(69).starts_with("error: no running server answers"),
            "{command}"
        );
        assert!(Place::with_config("wrong").seawall(&[command]).refused(64).contains("wrong"), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_file_is_reloaded_when_it_changes() {
    let (_upstream, place, server) = serve("watch = true\n[body]\nmax = \"1 B\"\n").await;
    let client = server.client();
    let upload = || client.request(Request::post("/echo").body("four"));
    upload().await.expect_problem(413, "request-too-large");
    write(&place, "watch = true\n[body]\nmax = \"1 KB\"\n");
    until_said(&server, RELOADED, 1);
    upload().await.expect_status(200);
    write(&place, "watch = true\n[body]\nmux = 1\n");
    until_said(&server, REFUSED, 1);
    upload().await.expect_status(200);
    fs::write(place.path().join(".env"), "SEAWALL__LOG__LEVEL=warn\n").unwrap();
    until_said(&server, REFUSED, 2);
    write(&place, "watch = true\n[body]\nmax = \"2 B\"\n");
    // From here on it says warnings only.
    let metric = "seawall_reloads_total{outcome=\"applied\"} 2\n";
    let limit = tokio::time::Instant::now() + Duration::from_secs(10);
    while !server.admin_client().get("/metrics").await.text().contains(metric) {
        assert!(tokio::time::Instant::now() < limit, "{}", server.child);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    upload().await.expect_problem(413, "request-too-large");
    assert_eq!((said(&server, RELOADED), said(&server, REFUSED)), (1, 2), "each is told once: {}", server.child);
}

/// A terminal that is closed sends the same signal, and then nobody is left who could end the server.
#[test]
fn a_terminal_that_goes_ends_it() {
    let Some(python) = program(&["python3"]) else { return skip("python3 is not installed") };
    let script = "import os, pty, sys\n\
        pid, terminal = pty.fork()\n\
        if pid == 0:\n    os.execv(sys.argv[1], sys.argv[1:])\n\
        said = b''\n\
        while b'Try next' not in said:\n    said += os.read(terminal, 4096)\n\
        os.kill(pid, 1)\n\
        while b'was reloaded' not in said:\n    said += os.read(terminal, 4096)\n\
        os.close(terminal)\n\
        print('ended with', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n";
    let place = Place::with_config("");
    let mut command = place.command(python);
    command.args(["-c", script, env!("CARGO_BIN_EXE_seawall"), "run", "--to", "http://127.0.0.1:9"]).args(FREE_PORTS);
    let mut child = Child::start(command);
    assert_eq!(child.ended(), Some(0), "{child}");
    assert!(child.out().contains("ended with "), "{child}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_has_nothing_to_read_again() {
    let place = Place::new();
    let mut child = place.start(&[&["demo"], &FREE_PORTS[..]].concat());
    child.said("the banner", |said| said.contains("admin  ").then_some(()));
    child.signal("HUP");
    child.said("why not", |said| said.contains("was not read from a file").then_some(()));
    child.signal("TERM");
    assert_eq!(child.ended(), Some(0));
}
