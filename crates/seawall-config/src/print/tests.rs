//! Tests of this module.

use insta::assert_snapshot;

use crate::{Which, testing::Given};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn printed(which: Which) -> String {
    let file = "environment = \"staging\"\npreset = \"uploads\"\n[upstream]\nurl = \"http://localhost:3000\"\nwait = \"30s\"\n\
                [health.database]\ntcp = \"a\\u0001\\\"b\"\ntoken_file = \"db\"\n[route.\"POST /login\"]\nmode = \"report\"\nrate_limit.limits = [\"5/min per ip\"]\n";
    let given = Given {
        file: Some(file),
        variables: &[("SEAWALL__SESSIONS__TOKEN", SECRET)],
        options: &[("server", "port", "9000")],
        files: &[("db", "x")],
        ..Given::default()
    };
    given.load().unwrap().print(which)
}

#[test]
fn differences() {
    assert_snapshot!(printed(Which::Differences), @r#"
    environment = "staging"  # from seawall.toml:1
    preset = "uploads"  # from seawall.toml:2

    [upstream]
    url = "http://localhost:3000"  # from seawall.toml:4

    [server]
    port = 9000  # from --port

    [body]
    max = "1 GB"  # from preset uploads

    [sessions]
    # token = (hidden)  # from SEAWALL__SESSIONS__TOKEN

    [health.database]
    tcp = "a\u0001\"b"  # from seawall.toml:7
    token_file = "db"  # from seawall.toml:8

    [route."POST /login"]
    mode = "report"  # from seawall.toml:10
    rate_limit.limits = ["5/min per ip"]  # from seawall.toml:11
    "#);
}

#[test]
fn all() {
    assert_snapshot!(printed(Which::All), @r#"
    environment = "staging"  # from seawall.toml:1
    # mode = "enforce"  # default
    preset = "uploads"  # from seawall.toml:2

    [upstream]
    url = "http://localhost:3000"  # from seawall.toml:4
    wait = "30s"  # from seawall.toml:5

    [server]
    port = 9000  # from --port
    # trusted = []  # default
    # strict = true  # default

    [body]
    # mode =  # not set
    max = "1 GB"  # from preset uploads

    [rate_limit]
    # mode =  # not set
    # limits = ["300/min per ip"]  # default

    [cors]
    # origins = []  # default

    [sessions]
    # token = (hidden)  # from SEAWALL__SESSIONS__TOKEN

    [health]
    # every = "10s"  # default

    [health.database]
    tcp = "a\u0001\"b"  # from seawall.toml:7
    token_file = "db"  # from seawall.toml:8

    [log]
    # level = "info"  # default

    [route."POST /login"]
    mode = "report"  # from seawall.toml:10
    rate_limit.limits = ["5/min per ip"]  # from seawall.toml:11
    "#);
}
