//! Values that a field cannot take, as the operator reads about them.

use insta::assert_snapshot;

use crate::testing::complaints;

#[test]
fn wrong_type() {
    assert_snapshot!(complaints("[server]\nport = \"8080\"\nstrict = \"yes\"\n"), @r#"
    problems: 2
      × server.port: expected a number, found text
       ╭─[seawall.toml:2:8]
     2 │ port = "8080"
       ·        ───┬──
       ·           ╰── expected a whole number between 1 and 65535
       ╰────
      help: The port to listen on. Between 1 and 65535. Default 8080.

      × server.strict: expected true or false, found text
       ╭─[seawall.toml:3:10]
     3 │ strict = "yes"
       ·          ──┬──
       ·            ╰── expected true or false
       ╰────
      help: Whether to refuse odd requests. Default true.
    "#);
}

#[test]
fn duration_without_unit() {
    assert_snapshot!(complaints("[upstream]\nwait = \"30\"\n"), @r#"
    problems: 1
      × upstream.wait: "30" is not a duration; write a whole number and ms, s, min, h or day, such
      │ as "30s"
       ╭─[seawall.toml:2:8]
     2 │ wait = "30"
       ·        ──┬─
       ·          ╰── expected a duration between 1s and 10min
       ╰────
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".
    "#);
}

#[test]
fn duration_as_number() {
    assert_snapshot!(complaints("[upstream]\nwait = 30\n"), @r#"
    problems: 1
      × upstream.wait: expected a duration as text, such as "30s", found a number
       ╭─[seawall.toml:2:8]
     2 │ wait = 30
       ·        ─┬
       ·         ╰── expected a duration between 1s and 10min
       ╰────
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".
    "#);
}

#[test]
fn size_without_unit() {
    assert_snapshot!(complaints("[body]\nmax = \"10\"\n"), @r#"
    problems: 1
      × body.max: "10" is not a size; write a whole number and B, KB, MB, GB, KiB, MiB or GiB, such
      │ as "10 MB"
       ╭─[seawall.toml:2:7]
     2 │ max = "10"
       ·       ──┬─
       ·         ╰── expected a size between 1 KB and 1 GB
       ╰────
      help: Largest request body. Between 1 KB and 1 GB. Default "10 MB".
    "#);
}

#[test]
fn rate_without_slash() {
    assert_snapshot!(complaints("[rate_limit]\nlimits = [\"100/min per ip\", \"100 per minute\"]\n"), @r#"
    problems: 1
      × rate_limit.limits: "per minute" is not known; write "per ip", "per user", "per key" or "per
      │ org"
       ╭─[seawall.toml:2:29]
     2 │ limits = ["100/min per ip", "100 per minute"]
       ·                             ────────┬───────
       ·                                     ╰── expected a limit, such as "100/min per ip"
       ╰────
      help: How many requests are let through. Default ["300/min per ip"].
    "#);
}

#[test]
fn out_of_bounds() {
    assert_snapshot!(complaints("[upstream]\nwait = \"1h\"\n\n[server]\nport = 0\n"), @r#"
    problems: 2
      × upstream.wait: must be between 1s and 10min
       ╭─[seawall.toml:2:8]
     2 │ wait = "1h"
       ·        ──┬─
       ·          ╰── expected a duration between 1s and 10min
       ╰────
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".

      × server.port: must be between 1 and 65535
       ╭─[seawall.toml:5:8]
     5 │ port = 0
       ·        ┬
       ·        ╰── expected a whole number between 1 and 65535
       ╰────
      help: The port to listen on. Between 1 and 65535. Default 8080.
    "#);
}

#[test]
fn origin_with_slash_and_wildcard() {
    assert_snapshot!(complaints("[cors]\norigins = [\"https://app.example.com/\", \"https://*.example.com\"]\n"), @r#"
    problems: 2
      × cors.origins: "https://app.example.com/" ends with a slash, which an origin never has; write
      │ "https://app.example.com"
       ╭─[seawall.toml:2:12]
     2 │ origins = ["https://app.example.com/", "https://*.example.com"]
       ·            ─────────────┬────────────
       ·                         ╰── expected an origin, such as "https://app.example.com"
       ╰────
      help: Web pages that may call the API.

      × cors.origins: "https://*.example.com" has a wildcard; origins are compared exactly, so list
      │ each one
       ╭─[seawall.toml:2:40]
     2 │ origins = ["https://app.example.com/", "https://*.example.com"]
       ·                                        ───────────┬───────────
       ·                                                   ╰── expected an origin, such as "https://app.example.com"
       ╰────
      help: Web pages that may call the API.
    "#);
}

#[test]
fn environment_that_does_not_exist() {
    assert_snapshot!(complaints("environment = \"prod\"\n"), @r#"
    problems: 1
      × environment: "prod" is not one of "development", "staging", "production"
       ╭─[seawall.toml:1:15]
     1 │ environment = "prod"
       ·               ───┬──
       ·                  ╰── expected one of "development", "staging", "production"
       ╰────
      help: Where the application runs. Production refuses to start without explicit origins and strong
            secrets. Default "development".
    "#);
}

#[test]
fn preset_that_does_not_exist() {
    assert_snapshot!(complaints("preset = \"apii\"\n"), @r#"
    problems: 1
      × "apii" is not a preset
       ╭─[seawall.toml:1:10]
     1 │ preset = "apii"
       ·          ───┬──
       ·             ╰── no preset of this name
       ╰────
      help: did you mean "api"? known are "api", "uploads"
    "#);
}

#[test]
fn fraction_and_date() {
    assert_snapshot!(complaints("[upstream]\nurl = 1.5\nwait = 2026-01-01\n"), @r#"
    problems: 2
      × upstream.url: a number with a fraction cannot stand here
       ╭─[seawall.toml:2:7]
     2 │ url = 1.5
       ·       ─┬─
       ·        ╰── expected text in quotes
       ╰────
      help: Where the application listens.

      × upstream.wait: a date or time cannot stand here without quotes
       ╭─[seawall.toml:3:8]
     3 │ wait = 2026-01-01
       ·        ─────┬────
       ·             ╰── expected a duration between 1s and 10min
       ╰────
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".
    "#);
}

#[test]
fn table_where_a_value_belongs() {
    assert_snapshot!(complaints("[upstream.wait]\nseconds = 3\n"), @r#"
    problems: 1
      × `upstream.wait` is a value, but a section stands here
       ╭─[seawall.toml:1:11]
     1 │ [upstream.wait]
       ·           ──┬─
       ·             ╰── expected a duration between 1s and 10min
       ╰────
      help: Longest wait for an answer. Between 1s and 10min. Default "30s".
    "#);
}

#[test]
fn value_where_a_section_belongs() {
    assert_snapshot!(complaints("upstream = \"http://localhost:3000\"\n"), @r#"
    problems: 1
      × `upstream` is a section, but a value stands here
       ╭─[seawall.toml:1:12]
     1 │ upstream = "http://localhost:3000"
       ·            ───────────┬───────────
       ·                       ╰── expected a section
       ╰────
      help: write [upstream] on a line of its own and its keys below: `url`, `wait`
    "#);
}

#[test]
fn demand_on_a_written_value() {
    assert_snapshot!(complaints("environment = \"production\"\n\n[cors]\norigins = \"*\"\n\n[sessions]\ntoken = \"hunter2hunter2\"\n"), @r#"
    problems: 2
      × cors.origins: "*" lets every page in, which production refuses
       ╭─[seawall.toml:4:11]
     4 │ origins = "*"
       ·           ─┬─
       ·            ╰── this value
       ╰────
      help: list each origin, such as "https://app.example.com"

      × sessions.token: a secret of at least 32 characters is needed
       ╭─[seawall.toml:7:9]
     7 │ token = ********
       ·         ────┬───
       ·             ╰── this value
       ╰────
      help: make one with: openssl rand -hex 32
    "#);
}

#[test]
fn demand_on_nothing_written() {
    assert_snapshot!(complaints("environment = \"production\"\n"), @r#"
    problems: 1
      × sessions.token: a secret of at least 32 characters is needed
      help: make one with: openssl rand -hex 32; write it as token or token_file in [sessions], or set
            SEAWALL__SESSIONS__TOKEN
    "#);
}

#[test]
fn demand_on_a_route() {
    assert_snapshot!(complaints("environment = \"production\"\n\n[sessions]\ntoken = \"0123456789abcdef0123456789abcdef\"\n\n[route.\"/public/*\"]\ncors.origins = [\"*\"]\n"), @r#"
    problems: 1
      × cors.origins: "*" lets every page in, which production refuses
       ╭─[seawall.toml:7:16]
     7 │ cors.origins = ["*"]
       ·                ──┬──
       ·                  ╰── this value
       ╰────
      help: list each origin, such as "https://app.example.com"
    "#);
}

#[test]
fn demand_on_an_entry() {
    assert_snapshot!(complaints("[health.database]\n"), @r#"
    problems: 1
      × health.database: nothing to look at
       ╭─[seawall.toml:1:9]
     1 │ [health.database]
       ·         ────┬───
       ·             ╰── in this entry
       ╰────
      help: add tcp
    "#);
}
