//! Variables, `.env`, options and secret files that are wrong, as the operator reads about them.

use insta::assert_snapshot;

use crate::testing::{Given, complaints, given};

#[test]
fn unknown_variable() {
    assert_snapshot!(given(&Given { variables: &[("SEAWALL__UPSTREM__URL", "x"), ("SEAWALL__UPSTREAM__PASSWORD", "hunter2"), ("SEAWALL__ROUTE__X", "y"), ("SEAWALL__DATABASE__URL", "z")], ..Given::default() }), @r#"
    problems: 4
      × environment variable SEAWALL__DATABASE__URL: no setting has this name
      help: a variable is named SEAWALL__SECTION__KEY; the sections are `upstream`, `server`, `body`,
            `rate_limit`, `cors`, `sessions`, `health`, `log`

      × environment variable SEAWALL__ROUTE__X: no setting has this name
      help: routes are set in the configuration file only

      × environment variable SEAWALL__UPSTREAM__PASSWORD: no setting has this name
      help: known are SEAWALL__UPSTREAM__URL, SEAWALL__UPSTREAM__WAIT

      × environment variable SEAWALL__UPSTREM__URL: no setting has this name
      help: did you mean SEAWALL__UPSTREAM__URL?
    "#);
}

#[test]
fn bad_variable() {
    assert_snapshot!(given(&Given { variables: &[("SEAWALL__UPSTREAM__WAIT", "30"), ("SEAWALL__SESSIONS__TOKEN", "hunter2"), ("LOG_LEVEL", "info"), ("SEAWALL__RATE_LIMIT__LIMITS", "[\"5/min per ip\"")], ..Given::default() }), @r#"
    problems: 3
      × environment variable SEAWALL__RATE_LIMIT__LIMITS=["5/min per ip": rate_limit.limits: the
      │ list cannot be read; write ["a", "b"], or a, b without brackets and quotes
      help: How many requests are let through. Default ["300/min per ip"].

      × environment variable SEAWALL__SESSIONS__TOKEN=(hidden): sessions.token: a secret of at least
      │ 32 characters is needed
      help: make one with: openssl rand -hex 32

      × environment variable SEAWALL__UPSTREAM__WAIT=30: upstream.wait: "30" is not a duration;
      │ write a whole number and ms, s, min, h or day, such as "30s"
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".
    "#);
}

#[test]
fn variable_twice() {
    assert_snapshot!(given(&Given { variables: &[("SEAWALL__SERVER__PORT", "80"), ("seawall__server__port", "81")], ..Given::default() }), @r#"
    problems: 1
      × environment variable seawall__server__port=81: `server.port` is set twice
      help: SEAWALL__SERVER__PORT sets it too; keep one of them
    "#);
}

#[test]
fn variable_for_a_missing_entry() {
    assert_snapshot!(given(&Given { variables: &[("SEAWALL__HEALTH__DB__TCP", "127.0.0.1:5432")], ..Given::default() }), @r#"
    problems: 1
      × environment variable SEAWALL__HEALTH__DB__TCP=127.0.0.1:5432: [health] has no entry `db`
      help: write [health.db] in the configuration file; a variable can then change its values
    "#);
}

#[test]
fn dotenv() {
    assert_snapshot!(given(&Given { dotenv: Some("DATABASE_URL=\"hunter2\nSEAWALL__UPSTREAM__WAIT=\"5s\nSEAWALL__SESSIONS__TOKEN=\"hunter2\" x\nSEAWALL__MODUS=report\nSEAWALL__SERVER__PORT=80000\nSEAWALL__MODE\n"), ..Given::default() }), @r#"
    problems: 5
      × a closing quote is missing
       ╭─[.env:2:28]
     2 │ SEAWALL__UPSTREAM__WAIT="5s
       ·                            ▲
       ·                            ╰── expected a quote here
       ╰────
      help: a value ends on the line on which it begins

      × something follows after the closing quote
       ╭─[.env:3:35]
     3 │ SEAWALL__SESSIONS__TOKEN=********
       ·                                   ─┬
       ·                                    ╰── expected the end of the line
       ╰────
      help: write a quote inside the value as \", or put the whole value in single quotes

      × SEAWALL__MODUS: no setting has this name
       ╭─[.env:4:1]
     4 │ SEAWALL__MODUS=******
       · ───────┬──────
       ·        ╰── not a setting
       ╰────
      help: did you mean SEAWALL__MODE?

      × server.port: must be between 1 and 65535
       ╭─[.env:5:23]
     5 │ SEAWALL__SERVER__PORT=80000
       ·                       ──┬──
       ·                         ╰── expected a whole number between 1 and 65535
       ╰────
      help: The port to listen on. Between 1 and 65535. Default 8080.

      × a variable without a value
       ╭─[.env:6:14]
     6 │ SEAWALL__MODE
       ·              ▲
       ·              ╰── expected `=`
       ╰────
      help: write NAME=VALUE, one on each line
    "#);
}

#[test]
fn missing_secret_file() {
    assert_snapshot!(complaints("[sessions]\ntoken_file = \"secrets/token\"\n"), @r#"
    problems: 1
      × sessions.token: the file secrets/token does not exist
       ╭─[seawall.toml:2:14]
     2 │ token_file = "secrets/token"
       ·              ───────┬───────
       ·                     ╰── named here
       ╰────
      help: the file holds the secret and nothing else; a relative path starts at the configuration
            file. Signs sessions.
    "#);
}

#[test]
fn secret_twice() {
    assert_snapshot!(complaints("[sessions]\ntoken = \"0123456789abcdef0123456789abcdef\"\ntoken_file = \"token\"\n"), @r#"
    problems: 2
      × `sessions.token` is set twice
       ╭─[seawall.toml:3:1]
     2 │ token = ********
       · ──┬──
       ·   ╰── first here
     3 │ token_file = "token"
       · ─────┬────
       ·      ╰── here again
       ╰────
      help: keep one of them

      × sessions.token: the file token does not exist
       ╭─[seawall.toml:3:14]
     3 │ token_file = "token"
       ·              ───┬───
       ·                 ╰── named here
       ╰────
      help: the file holds the secret and nothing else; a relative path starts at the configuration
            file. Signs sessions.
    "#);
}

#[test]
fn empty_secret_file() {
    assert_snapshot!(given(&Given { file: Some("[sessions]\ntoken_file = \"empty\"\n"), files: &[("empty", "\n")], ..Given::default() }), @r#"
    problems: 1
      × sessions.token: empty: the secret is empty
       ╭─[seawall.toml:2:14]
     2 │ token_file = "empty"
       ·              ───┬───
       ·                 ╰── named here
       ╰────
      help: the file holds the secret and nothing else; a relative path starts at the configuration
            file. Signs sessions.
    "#);
}

#[test]
fn option() {
    assert_snapshot!(given(&Given { options: &[("upstream", "wait", "5"), ("upstream", "x", "y"), ("sessions", "token", "hunter2")], ..Given::default() }), @r#"
    problems: 3
      × command line --token (hidden): sessions.token: a secret of at least 32 characters is needed
      help: make one with: openssl rand -hex 32

      × command line --wait 5: upstream.wait: "5" is not a duration; write a whole number and ms, s,
      │ min, h or day, such as "30s"
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".

      × command line --x: `x` in [upstream] is no setting
      help: write SECTION.KEY=VALUE with a section and a key of the reference
    "#);
}
