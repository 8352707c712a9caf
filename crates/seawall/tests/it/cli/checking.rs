//! `seawall check`: what is valid, what is not, and what git must not hold.

use serde_json::Value;

use super::binary::Place;
use crate::applications::tools::{program, skip};

const VALID: &str = "\
[upstream]
url = \"http://localhost:3000\"

[route.\"POST /login\"]
rate_limit.limits = [\"5/15min per ip\"]
";

const WRONG: &str = "\
mode = \"enforced\"

[rate_limits]
limits = [\"100/min\"]

[body]
max = \"10 megs\"
";

/// As long as production demands.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_valid_file_is_told_by_what_it_changes() {
    insta::assert_snapshot!(Place::with_config(VALID).seawall(&["check"]).ok(), @r#"
    ok seawall.toml is valid for development

    What differs from the defaults:

    [upstream]
    url = "http://localhost:3000"  # from seawall.toml:2

    [route."POST /login"]
    rate_limit.limits = ["5/15min per ip"]  # from seawall.toml:5
    "#);
}

#[test]
fn no_file_at_all_is_valid() {
    insta::assert_snapshot!(Place::new().seawall(&["check"]).ok(), @r"
    ok the configuration (no file, all defaults) is valid for development
    Everything is as by default. See all values with: seawall check --all
    ");
}

#[test]
fn a_document_that_the_application_gives_is_not_fetched_and_that_is_said() {
    let config = format!("{VALID}\n[schema]\ndocument = \"upstream:/openapi.json\"\n");
    let said = Place::with_config(&config).seawall(&["check"]).ok();
    let note =
        "note: upstream:/openapi.json is fetched from the application when Seawall starts or reloads, and not here";
    assert!(said.contains(note), "{said}");
    let config = config.replace("upstream:/openapi", "upstream:openapi");
    let said = Place::with_config(&config).seawall(&["check"]).refused(64);
    assert!(said.contains("seawall.toml:8") && said.contains("such as \"upstream:/openapi.json\""), "{said}");
}

#[test]
fn every_mistake_is_shown_at_once_with_its_place_and_the_way_out() {
    insta::assert_snapshot!(Place::with_config(WRONG).seawall(&["check"]).refused(64), @r#"
     × mode: "enforced" is not one of "enforce", "report", "off"
      ╭─[seawall.toml:1:8]
    1 │ mode = "enforced"
      ·        ─────┬────
      ·             ╰── expected one of "enforce", "report", "off"
      ╰────
     help: How strictly all guards act: enforce refuses a bad request, report lets it through and
           records it, off does not look. A section and a route may say otherwise for themselves.
           Default "enforce".

     × unknown section `rate_limits`
      ╭─[seawall.toml:3:2]
    3 │ [rate_limits]
      ·  ─────┬─────
      ·       ╰── not a section of the configuration
      ╰────
     help: did you mean `rate_limit`?

     × body.max: "10 megs" is not a size; write a whole number and B, KB, MB, GB, KiB, MiB or GiB,
     │ such as "10 MB"
      ╭─[seawall.toml:7:7]
    7 │ max = "10 megs"
      ·       ────┬────
      ·           ╰── expected a size between 1 B and 1 TB
      ╰────
     help: The largest request body. Larger ones are refused with 413 REQUEST_TOO_LARGE. Between 1 B
           and 1 TB. Default "10 MB".
    "#);
}

#[test]
fn mistakes_in_json_have_places_too() {
    let said = Place::with_config(WRONG).seawall(&["check", "--json"]);
    assert_eq!(said.code, Some(64));
    let json: Value = serde_json::from_str(&format!("{}{}", said.out, said.err)).unwrap();
    let found: Vec<_> =
        json["diagnostics"].as_array().unwrap().iter().map(|one| (&one["code"], &one["line"])).collect();
    let expected =
        [("bad_value", 1), ("unknown_section", 3), ("bad_value", 7)].map(|(code, line)| (code.into(), line.into()));
    assert_eq!(found, expected.iter().map(|(code, line): &(Value, Value)| (code, line)).collect::<Vec<_>>());
}

#[test]
fn a_valid_file_in_json() {
    let place = Place::with_config(VALID).with_variable("SEAWALL__ENVIRONMENT", "staging");
    let json: Value = serde_json::from_str(&place.seawall(&["check", "--json"]).ok()).unwrap();
    assert_eq!((&json["valid"], &json["environment"]), (&true.into(), &"staging".into()));
    assert!(json["configuration"].as_str().unwrap().contains("url = \"http://localhost:3000\"  # from seawall.toml:2"));
}

#[test]
fn all_values_are_shown_and_load_again_to_the_same() {
    let all = Place::with_config(VALID).seawall(&["check", "--all"]).ok();
    let (_, printed) = all.split_once("The whole configuration:\n\n").expect("it says what follows");
    assert!(printed.contains("# max = \"10 MB\"  # default") && printed.contains("# token =  # not set"), "{printed}");
    let again = Place::with_config(printed).seawall(&["check"]).ok();
    assert_eq!(values(&again), values(&Place::with_config(VALID).seawall(&["check"]).ok()));
}

/// The printed values without where they are from.
fn values(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.split_once("  # ").map(|(value, _)| value)).collect()
}

#[test]
fn variables_and_dotenv_are_checked_as_the_file_is() {
    let place = Place::new().with_file(".env", "SEAWALL__BODY__MAX=2 MB\nDATABASE_URL=postgres://localhost/shop\n");
    assert!(place.seawall(&["check"]).ok().contains("max = \"2 MB\"  # from .env:1"));
    let place = place.with_variable("SEAWALL__BODY__MAX", "nothing");
    let said = place.seawall(&["check"]).refused(64);
    assert!(said.contains("environment variable SEAWALL__BODY__MAX"), "{said}");
}

#[test]
fn pl_5_a_tracked_dotenv_is_refused() {
    let Some(place) = repository() else { return };
    let place = place.with_file(".env", "SEAWALL__BODY__MAX=2 MB\n");
    place.seawall(&["check"]).ok();
    place.git(&["add", ".env"]);
    insta::assert_snapshot!(place.redacted(&place.seawall(&["check"]).refused(64)), @r"
    error: DIRECTORY/.env holds settings for this machine, and git shares it with everybody who has the repository
      help: take it out with: git rm --cached .env && echo .env >> .gitignore; then change the secrets in it
    ");
    place.git(&["rm", "--quiet", "--cached", ".env"]);
    place.seawall(&["check"]).ok();
}

#[test]
fn pl_5_a_tracked_secret_is_refused() {
    let Some(place) = repository() else { return };
    let place = place.with_file("seawall.toml", &format!("[admin]\ntoken = \"{TOKEN}\"\n"));
    place.seawall(&["check"]).ok();
    place.git(&["add", "seawall.toml"]);
    insta::assert_snapshot!(place.redacted(&place.seawall(&["check"]).refused(64)), @r#"
    error: DIRECTORY/seawall.toml holds the secret admin.token, and git shares it with everybody who has the repository
      help: keep it in a file or a variable: admin.token_file = "PATH", or the variable SEAWALL__ADMIN__TOKEN; then change the secret
    "#);
    // What the help says: the secret in a file of its own, and only its name in the configuration.
    let place = place.with_file("seawall.toml", "[admin]\ntoken_file = \"token\"\n").with_file("token", TOKEN);
    let said = place.seawall(&["check"]).ok();
    assert!(said.contains("token_file = \"token\"") && !said.contains(TOKEN), "{said}");
}

/// An empty repository; nothing where git is not installed.
fn repository() -> Option<Place> {
    let place = Place::new();
    if program(&["git"]).is_none() {
        skip("git is not installed");
        return None;
    }
    place.git(&["init", "--quiet"]);
    Some(place)
}

#[test]
fn pl_5_a_tracked_file_that_holds_a_secret_is_refused() {
    let Some(place) = repository() else { return };
    let place = place.with_file("seawall.toml", "[admin]\ntoken_file = \"token\"\n").with_file("token", TOKEN);
    place.seawall(&["check"]).ok();
    place.git(&["add", "token"]);
    place.seawall(&["check"]).refused(64);
}

#[test]
fn pl_5_a_tracked_secret_of_a_named_table_is_refused() {
    let Some(place) = repository() else { return };
    let table =
        |rest: &str| format!("[outbound.search]\nurl = \"https://search.example\"\nallow = [\"GET /\"]\n{rest}\n");
    let place = place.with_file("seawall.toml", &table(&format!("secret = \"{TOKEN}\"")));
    place.seawall(&["check"]).ok();
    place.git(&["add", "seawall.toml"]);
    insta::assert_snapshot!(place.redacted(&place.seawall(&["check"]).refused(64)), @r#"
    error: DIRECTORY/seawall.toml holds the secret outbound.search.secret, and git shares it with everybody who has the repository
      help: keep it in a file: outbound.search.secret_file = "PATH"; then change the secret
    "#);
    let place = place.with_file("seawall.toml", &table("secret_file = \"search.key\"")).with_file("search.key", TOKEN);
    place.seawall(&["check"]).ok();
    place.git(&["add", "search.key"]);
    insta::assert_snapshot!(place.redacted(&place.seawall(&["check"]).refused(64)), @"
    error: search.key holds the secret outbound.search.secret, and git shares it with everybody who has the repository
      help: take it out with: git rm --cached search.key; then change the secret
    ");
}

#[test]
fn pl_5_an_address_is_a_secret_when_it_has_a_password() {
    let Some(place) = repository() else { return };
    let place = place.with_file("seawall.toml", "[store]\nurl = \"sqlite:///srv/shop/seawall.db\"\n");
    place.git(&["add", "seawall.toml"]);
    place.seawall(&["check"]).ok();
    let configs = [
        "[store]\nurl = \"postgres://shop:s3cret@db/shop\"\n",
        "[health.db]\nurl = \"postgres://shop:s3cret@db/shop\"\n",
    ];
    configs.into_iter().fold(place, |place, config| {
        let place = place.with_file("seawall.toml", config);
        let said = place.seawall(&["check"]).refused(64);
        assert!(said.contains(".url, and git shares it") && !said.contains("s3cret"), "{said}");
        place
    });
}

#[test]
fn pl_5_the_name_of_a_secrets_file_is_no_secret_however_it_is_written() {
    let Some(place) = repository() else { return };
    let toml = "admin = { token_file = \"token\" }\n";
    let place = place.with_file("seawall.toml", toml).with_file("token", TOKEN);
    place.git(&["add", "seawall.toml"]);
    place.seawall(&["check"]).ok();
}

#[test]
fn programs_get_json_on_the_standard_output_whatever_the_outcome() {
    let Some(place) = repository() else { return };
    let place = place.with_file("seawall.toml", &format!("[admin]\ntoken = \"{TOKEN}\"\n"));
    place.git(&["add", "seawall.toml"]);
    for place in [Place::with_config(WRONG), place] {
        let said = place.seawall(&["check", "--json"]);
        let json: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, &json["valid"]), (Some(64), &false.into()), "{json}");
    }
}
