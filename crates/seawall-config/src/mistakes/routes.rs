//! Routes that cannot be, as the operator reads about them.

use insta::assert_snapshot;

use crate::testing::complaints;

#[test]
fn method_in_lower_case() {
    assert_snapshot!(complaints("[route.\"post /login\"]\nmode = \"repotr\"\n"), @r#"
    problems: 2
      × "post" is not a method; write POST
       ╭─[seawall.toml:1:8]
     1 │ [route."post /login"]
       ·        ──────┬──────
       ·              ╰── expected a method and a path, or a path alone
       ╰────
      help: a route is written as [route."POST /api/login"], [route."GET /users/{id}"] or
            [route."/admin/*"]

      × mode: "repotr" is not one of "enforce", "report", "off"
       ╭─[seawall.toml:2:8]
     2 │ mode = "repotr"
       ·        ────┬───
       ·            ╰── expected one of "enforce", "report", "off"
       ╰────
      help: How strictly all guards act on this route.
    "#);
}

#[test]
fn parameter_with_a_colon() {
    assert_snapshot!(complaints("[route.\"GET /users/:id\"]\nmode = \"report\"\n"), @r#"
    problems: 1
      × ":id" in "/users/:id" looks like a parameter; write "{id}"
       ╭─[seawall.toml:1:8]
     1 │ [route."GET /users/:id"]
       ·        ────────┬───────
       ·                ╰── expected a method and a path, or a path alone
       ╰────
      help: a route is written as [route."POST /api/login"], [route."GET /users/{id}"] or
            [route."/admin/*"]
    "#);
}

#[test]
fn path_without_slash() {
    assert_snapshot!(complaints("[route.login]\nmode = \"report\"\n"), @r#"
    problems: 1
      × "login" is not a route; write a method and a path, such as "POST /login", or a path alone
       ╭─[seawall.toml:1:8]
     1 │ [route.login]
       ·        ──┬──
       ·          ╰── expected a method and a path, or a path alone
       ╰────
      help: a route is written as [route."POST /api/login"], [route."GET /users/{id}"] or
            [route."/admin/*"]
    "#);
}

#[test]
fn contradiction() {
    assert_snapshot!(complaints("[route.\"GET /users/{id}\"]\nmode = \"report\"\n\n[route.\"GET|POST /Users/{name}/\"]\nmode = \"off\"\n"), @r#"
    problems: 1
      × the routes "GET|POST /Users/{name}/" and "GET /users/{id}" are for the same requests, so one
      │ would hide the other
       ╭─[seawall.toml:1:8]
     1 │ [route."GET /users/{id}"]
       ·        ────────┬────────
       ·                ╰── first here
       ╰────
       ╭─[seawall.toml:4:8]
     4 │ [route."GET|POST /Users/{name}/"]
       ·        ────────────┬────────────
       ·                    ╰── the same requests as seawall.toml:1
       ╰────
      help: keep one of them, or give them different methods; case, a trailing slash and the names of
            parameters make no difference, and GET includes HEAD
    "#);
}

#[test]
fn section_that_may_not_differ() {
    assert_snapshot!(complaints("[route.\"POST /login\"]\nserver.port = 80\n"), @r#"
    problems: 1
      × [server] cannot differ by route
       ╭─[seawall.toml:2:1]
     2 │ server.port = 80
       · ───┬──
       ·    ╰── the same for all routes
       ╰────
      help: set it once under [server]; routes can change `body`, `rate_limit`, `cors`
    "#);
}

#[test]
fn key_without_its_section() {
    assert_snapshot!(complaints("[route.\"POST /login\"]\nlimits = [\"5/min per ip\"]\n"), @r#"
    problems: 1
      × `limits` does not belong directly to a route
       ╭─[seawall.toml:2:1]
     2 │ limits = ["5/min per ip"]
       · ───┬──
       ·    ╰── not a section that a route can change
       ╰────
      help: in a route, the section comes first: write rate_limit.limits
    "#);
}

#[test]
fn mode_that_does_not_exist() {
    assert_snapshot!(complaints("[route.\"POST /login\"]\nmode = \"warn\"\nrate_limit = \"off\"\n"), @r#"
    problems: 2
      × mode: "warn" is not one of "enforce", "report", "off"
       ╭─[seawall.toml:2:8]
     2 │ mode = "warn"
       ·        ───┬──
       ·           ╰── expected one of "enforce", "report", "off"
       ╰────
      help: How strictly all guards act on this route.

      × `rate_limit` is a section, but a value stands here
       ╭─[seawall.toml:3:14]
     3 │ rate_limit = "off"
       ·              ──┬──
       ·                ╰── expected a section
       ╰────
      help: set its keys one by one: rate_limit.mode, rate_limit.limits
    "#);
}
