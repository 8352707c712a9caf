//! One command starts all of it, and one signal ends all of it.

use std::{fs, net::TcpListener, process::Command};

use seawall_testkit::client::Client;

use super::{configuration, program};
use crate::{
    applications::{child::Child, tools::repository},
    cli::binary::Place,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_the_example_starts_everything_offline_and_ends_it() {
    let Some(program) = program() else { return };
    // The fake's address stands in the configuration, so it is chosen before; nobody else asks for ports of this number meanwhile.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    let config = configuration().replace("127.0.0.1:8090", &free.to_string());
    let place = Place::with_config(&format!("{config}\n[outbound]\nlisten = \"127.0.0.1:0\"\n"));
    let script = place.path().join("run");
    fs::copy(repository().join("examples/studio/run"), &script).expect("the script is there");
    let mut command = Command::new(&script);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("STUDIO_LLM", free.to_string());
    command.env("STUDIO_PROGRAMS", program.parent().expect("its folder"));
    let mut child = Child::start(command);
    let public = child.said("where it listens", |said| {
        said.lines().find_map(|line| line.strip_prefix("  public   ")).map(str::to_owned)
    });
    let page = Client::new(&public).get("/_seawall/auth/pages/register").await.expect_status(200).text();
    assert!(page.contains("Studio"), "{page}");
    let llm = Client::new(&format!("http://{free}")).with_header("Authorization", "Bearer any");
    llm.get("/v1/models").await.expect_status(200);
    child.signal("TERM");
    assert_eq!(child.ended(), Some(0), "{child}");
    TcpListener::bind(free).expect("the fake has ended too");
}
