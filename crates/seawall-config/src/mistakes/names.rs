//! Names that are misspelt or stand where they do not belong, as the operator reads about them.

use insta::assert_snapshot;

use crate::testing::complaints;

#[test]
fn misspelt_key() {
    assert_snapshot!(complaints("[upstream]\nwiat = \"5s\"\n"), @r#"
    problems: 1
      × unknown key `wiat` in [upstream]
       ╭─[seawall.toml:2:1]
     2 │ wiat = "5s"
       · ──┬─
       ·   ╰── not a key of [upstream]
       ╰────
      help: did you mean `wait`?
    "#);
}

#[test]
fn misspelt_section() {
    assert_snapshot!(complaints("[ratelimit]\nlimits = [\"5/min per ip\"]\n"), @r#"
    problems: 1
      × unknown section `ratelimit`
       ╭─[seawall.toml:1:2]
     1 │ [ratelimit]
       ·  ────┬────
       ·      ╰── not a section of the configuration
       ╰────
      help: did you mean `rate_limit`?
    "#);
}

#[test]
fn stranger() {
    assert_snapshot!(complaints("[upstream]\npassword = \"hunter2\"\n\n[database]\nurl = \"x\"\n"), @r#"
    problems: 2
      × unknown key `password` in [upstream]
       ╭─[seawall.toml:2:1]
     2 │ password = ********
       · ────┬───
       ·     ╰── not a key of [upstream]
       ╰────
      help: known are `url`, `wait`

      × unknown section `database`
       ╭─[seawall.toml:4:2]
     4 │ [database]
       ·  ────┬───
       ·      ╰── not a section of the configuration
       ╰────
      help: known are `upstream`, `server`, `body`, `rate_limit`, `cors`, `sessions`, `health`, `log`,
            `route`
    "#);
}

#[test]
fn key_in_the_wrong_section() {
    assert_snapshot!(complaints("[server]\nlimits = [\"5/min per ip\"]\n"), @r#"
    problems: 1
      × `limits` does not belong to [server]
       ╭─[seawall.toml:2:1]
     2 │ limits = ["5/min per ip"]
       · ───┬──
       ·    ╰── not a key of [server]
       ╰────
      help: `limits` belongs to [rate_limit]
    "#);
}

#[test]
fn key_at_the_top_by_mistake() {
    assert_snapshot!(complaints("port = 8080\n\n[upstream]\n"), @r#"
    problems: 1
      × `port` does not belong to the top of the file
       ╭─[seawall.toml:1:1]
     1 │ port = 8080
       · ──┬─
       ·   ╰── not a key of the top of the file
       ╰────
      help: `port` belongs to [server]
    "#);
}

#[test]
fn plain_value_from_a_file() {
    assert_snapshot!(complaints("[upstream]\nurl_file = \"x\"\n"), @r#"
    problems: 1
      × unknown key `url_file` in [upstream]
       ╭─[seawall.toml:2:1]
     2 │ url_file = "x"
       · ────┬───
       ·     ╰── not a key of [upstream]
       ╰────
      help: `url` is no secret, so its value stands here and not in a file
    "#);
}

#[test]
fn value_for_an_entry() {
    assert_snapshot!(complaints("[health]\ndatabase = \"127.0.0.1:5432\"\n"), @r#"
    problems: 1
      × unknown key `database` in [health]
       ╭─[seawall.toml:2:1]
     2 │ database = ********
       · ────┬───
       ·     ╰── not a key of [health]
       ╰────
      help: known are `every`; a named entry is a table of its own: [health.NAME]
    "#);
}

#[test]
fn name_of_an_entry() {
    assert_snapshot!(complaints("[health.\"my database\"]\ntcp = \"127.0.0.1:5432\"\n"), @r#"
    problems: 1
      × "my database" cannot be the name of an entry
       ╭─[seawall.toml:1:9]
     1 │ [health."my database"]
       ·         ──────┬──────
       ·               ╰── letters, digits, _ and -
       ╰────
      help: choose a name of at most 64 letters, digits, _ and -
    "#);
}
