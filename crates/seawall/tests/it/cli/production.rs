//! Production demands more before it starts (checklist WK-12, PM-3, PM-4, RG-9).

use super::binary::{FREE_PORTS, Place};

/// What `check` and `run` both say.
fn refused(toml: &str) -> String {
    let place = Place::with_config(toml);
    let checked = place.seawall(&["check"]).refused(64);
    let run = place.seawall(&[&["run", "--to", "http://127.0.0.1:9"], &FREE_PORTS[..]].concat()).refused(64);
    assert_eq!(checked, run);
    checked
}

#[test]
fn wk_12_production_refuses_a_wildcard_origin() {
    insta::assert_snapshot!(refused("environment = \"production\"\n\n[cors]\norigins = [\"*\"]\n"), @r#"
     × cors.origins: "*" lets every website call the application, which production refuses
      ╭─[seawall.toml:4:11]
    4 │ origins = ["*"]
      ·           ──┬──
      ·             ╰── this value
      ╰────
     help: list the origins of your own pages, such as "https://app.example.com"
    "#);
    Place::with_config("[cors]\norigins = [\"*\"]\n").seawall(&["check"]).ok();
}

#[test]
fn rg_9_production_refuses_cors_without_origins() {
    insta::assert_snapshot!(refused("environment = \"production\"\n\n[cors]\nmax_age = \"1h\"\n"), @r"
     × cors.origins: CORS is used, but no origin is listed, which production refuses
      ╭─[seawall.toml:3:2]
    3 │ [cors]
      ·  ──┬─
      ·    ╰── in this section
      ╰────
     help: list the origins of your own pages in `origins`, or remove the section when no other origin
           calls the application
    ");
    Place::with_config("[cors]\nmax_age = \"1h\"\n").seawall(&["check"]).ok();
}

#[test]
fn pm_3_production_knows_no_localhost() {
    let said = refused("environment = \"production\"\n\n[cors]\norigins = [\"http://localhost:5173\"]\n");
    assert!(said.contains("a localhost origin is for development only"), "{said}");
}

#[test]
fn pm_4_a_short_secret_is_refused_with_the_command_that_makes_a_good_one() {
    let token = "twenty-six characters long";
    insta::assert_snapshot!(refused(&format!("environment = \"production\"\n\n[admin]\ntoken = \"{token}\"\n")), @r"
     × admin.token: the token has 26 characters; production wants at least 32
      ╭─[seawall.toml:4:9]
    4 │ token = ********
      ·         ────┬───
      ·             ╰── this value
      ╰────
     help: make a good one with: openssl rand -hex 32
    ");
    let place = Place::with_config(&format!("[admin]\ntoken = \"{token}\"\n"));
    let said = place.seawall(&["check"]).ok();
    assert!(!said.contains(token), "a secret is not shown: {said}");
}

#[test]
fn wk_12_an_environment_of_another_name_is_refused() {
    let said = refused("environment = \"prod\"\n");
    assert!(said.contains("production") && said.contains("seawall.toml:1"), "{said}");
}

#[test]
fn rg_9_production_with_what_it_demands_is_valid() {
    let toml =
        "environment = \"production\"\ncors.origins = [\"https://app.example.com\"]\nadmin.token_file = \"token\"\n";
    let place = Place::with_config(toml).with_file("token", &"a1".repeat(32));
    assert!(place.seawall(&["check"]).ok().starts_with("ok seawall.toml is valid for production\n"));
}
