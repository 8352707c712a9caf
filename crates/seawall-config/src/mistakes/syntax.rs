//! Text that is not TOML, as the operator reads about it.

use insta::assert_snapshot;

use crate::testing::complaints;

#[test]
fn missing_quote() {
    assert_snapshot!(complaints("[upstream]\nurl = \"http://localhost:3000\nwiat = \"5s\"\n"), @r#"
    problems: 2
      × a closing quote is missing
       ╭─[seawall.toml:2:29]
     2 │ url = "http://localhost:3000
       ·                             ▲
       ·                             ╰── expected a quote here
       ╰────
      help: text stands between two quotes on one line: key = "value"

      × unknown key `wiat` in [upstream]
       ╭─[seawall.toml:3:1]
     3 │ wiat = "5s"
       · ──┬─
       ·   ╰── not a key of [upstream]
       ╰────
      help: did you mean `wait`?
    "#);
}

#[test]
fn missing_quotes() {
    assert_snapshot!(complaints("mode = off\n\n[upstream]\nwait = 30s\n"), @r#"
    problems: 2
      × text needs quotes
       ╭─[seawall.toml:1:8]
     1 │ mode = off
       ·        ─┬─
       ·         ╰── expected quotes
       ╰────
      help: write "off"; where true or false is meant, write false

      × text needs quotes
       ╭─[seawall.toml:4:8]
     4 │ wait = 30s
       ·        ─┬─
       ·         ╰── expected quotes
       ╰────
      help: write "30s"
    "#);
}

#[test]
fn typographic_quotes() {
    assert_snapshot!(complaints("[upstream]\nurl = “http://localhost:3000”\n"), @r#"
    problems: 1
      × these quotes are typographic
       ╭─[seawall.toml:2:7]
     2 │ url = “http://localhost:3000”
       ·       ───────────┬───────────
       ·                  ╰── not a TOML quote
       ╰────
      help: write straight quotes: "http://localhost:3000"
    "#);
}

#[test]
fn duplicate_key() {
    assert_snapshot!(complaints("[server]\nport = 80\nstrict = true\nport = 81\n"), @r#"
    problems: 1
      × `port` is set twice in the same section
       ╭─[seawall.toml:2:1]
     2 │ port = 80
       · ──┬─
       ·   ╰── first here
       ╰────
       ╭─[seawall.toml:4:1]
     4 │ port = 81
       · ──┬─
       ·   ╰── here again
       ╰────
      help: keep one of them
    "#);
}

#[test]
fn duplicate_section() {
    assert_snapshot!(complaints("[server]\nport = 80\n\n[body]\nmax = \"1 MB\"\n\n[server]\nstrict = true\n"), @r#"
    problems: 1
      × the section [server] is written twice
       ╭─[seawall.toml:1:1]
     1 │ [server]
       · ────┬───
       ·     ╰── first here
       ╰────
       ╭─[seawall.toml:7:2]
     7 │ [server]
       ·  ───┬──
       ·     ╰── here again
       ╰────
      help: put all its settings under one of them
    "#);
}

#[test]
fn unclosed_list() {
    assert_snapshot!(complaints("[rate_limit]\nlimits = [\"100/min per ip\",\n  \"5/min per ip\"\n\n[server]\nport = 80\n"), @r#"
    problems: 1
      × this list is never closed
       ╭─[seawall.toml:2:10]
     2 │ limits = ["100/min per ip",
       ·          ┬
       ·          ╰── opened here
       ╰────
      help: write ] after the last item
    "#);
}

#[test]
fn unclosed_section() {
    assert_snapshot!(complaints("[upstream\nurl = \"x\"\n"), @r#"
    problems: 1
      × the name of a section is not closed
       ╭─[seawall.toml:1:10]
     1 │ [upstream
       ·          ▲
       ·          ╰── expected `]` here
       ╰────
      help: a section begins with its name in brackets; names with spaces or slashes need quotes:
            [upstream], [route."POST /login"]
    "#);
}

#[test]
fn unclosed_long_text() {
    assert_snapshot!(complaints("[sessions]\ntoken = \"\"\"abc\nhunter2\n[server]\nport = 0\n"), @r#"
    problems: 1
      × this text is never closed
       ╭─[seawall.toml:2:9]
     2 │ token = ******
       ·         ─┬─
       ·          ╰── opened here
       ╰────
      help: close it with the same three quotes, or write it on one line between single ones
    "#);
}

#[test]
fn colon() {
    assert_snapshot!(complaints("[server]\nport: 80\n"), @r#"
    problems: 1
      × a colon stands where TOML has an equals sign
       ╭─[seawall.toml:2:5]
     2 │ port: 80
       ·     ┬
       ·     ╰── expected `=`
       ╰────
      help: write key = value
    "#);
}

#[test]
fn foreign_comment() {
    assert_snapshot!(complaints("// the listener\n[server]\nport = 80\n"), @r#"
    problems: 1
      × a comment begins with #
       ╭─[seawall.toml:1:1]
     1 │ // the listener
       · ─┬
       ·  ╰── expected `#`
       ╰────
      help: write # instead
    "#);
}

#[test]
fn missing_value() {
    assert_snapshot!(complaints("[server]\nport =\n"), @r#"
    problems: 1
      × a value is missing
       ╭─[seawall.toml:2:7]
     2 │ port =
       ·       ▲
       ·       ╰── expected a value
       ╰────
      help: write key = value, or remove the line
    "#);
}

#[test]
fn two_settings_on_a_line() {
    assert_snapshot!(complaints("[server]\nport = 80 strict = true\n"), @r#"
    problems: 1
      × something follows where the line should end
       ╭─[seawall.toml:2:11]
     2 │ port = 80 strict = true
       ·           ───┬──
       ·              ╰── expected the end of the line
       ╰────
      help: write one setting on each line; a comment begins with #
    "#);
}

#[test]
fn windows_path() {
    assert_snapshot!(complaints("[upstream]\nurl = \"C:\\Users\\app\"\n"), @r#"
    problems: 1
      × a backslash begins an escape, and this is none
       ╭─[seawall.toml:2:12]
     2 │ url = "C:\Users\app"
       ·            ▲
       ·            ╰── unknown escape
       ╰────
      help: write \\ for a backslash, or put the text in single quotes, where nothing is escaped
    "#);
}

#[test]
fn value_and_section_of_one_name() {
    assert_snapshot!(complaints("mode = \"report\"\nmode.body = \"off\"\n"), @r#"
    problems: 1
      × this name already has a value, so nothing can stand below it
       ╭─[seawall.toml:2:1]
     2 │ mode.body = "off"
       · ──┬─
       ·   ╰── already a value
       ╰────
      help: keep either the value or the section of this name
    "#);
}
