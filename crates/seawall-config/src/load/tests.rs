//! Tests of this module.

use seawall_core::{
    Environment, Mode,
    http::route::RoutePattern,
    settings::{Field, Setting, Size, Span},
};

use crate::{
    Code, Config,
    testing::{self, BODY, Given, HEALTH, LOG, RATE_LIMIT, SERVER, SESSIONS, TOP, UPSTREAM, file},
    top,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn wait(config: &Config) -> (u64, String) {
    let wait = config.values(&UPSTREAM).get(&testing::WAIT).map(Span::ms).unwrap();
    (wait, config.source(&UPSTREAM, "wait", None).to_string())
}

fn get<T: Setting>(config: &Config, section: &seawall_core::settings::Section, field: &Field<T>) -> T {
    config.values(section).get(field).unwrap()
}

fn codes(given: &Given<'_>) -> Vec<Code> {
    given.load().unwrap_err().iter().map(crate::Diagnostic::code).collect()
}

#[test]
fn nothing_at_all_gives_the_defaults() {
    let config = Given::default().load().unwrap();
    assert_eq!(wait(&config), (30_000, "default".to_owned()));
    assert_eq!(config.environment(), Environment::Development);
    assert!(config.routes().is_empty() && !config.written(&UPSTREAM));
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let mut given = Given { file: Some("[upstream]\nwait = \"1s\"\n"), ..Given::default() };
    assert_eq!(wait(&given.load().unwrap()), (1_000, "seawall.toml:2".to_owned()));
    given.dotenv = Some("# for the laptop\nSEAWALL__UPSTREAM__WAIT=2s\n");
    assert_eq!(wait(&given.load().unwrap()), (2_000, ".env:2".to_owned()));
    given.variables = &[("seawall__Upstream__Wait", "3s")];
    assert_eq!(wait(&given.load().unwrap()), (3_000, "seawall__Upstream__Wait".to_owned()));
    given.options = &[("upstream", "wait", "4s")];
    assert_eq!(wait(&given.load().unwrap()), (4_000, "--wait".to_owned()));
}

#[test]
fn a_preset_lies_below_the_file() {
    let config = file("preset = \"api\"\n[body]\nmax = \"2 MB\"\n").unwrap();
    assert_eq!(get(&config, &BODY, &testing::MAX), Size::from_bytes(2_000_000));
    assert_eq!(config.source(&BODY, "max", None).to_string(), "seawall.toml:3");
    assert_eq!(config.source(&RATE_LIMIT, "limits", None).to_string(), "preset api");
    assert_eq!(config.routes().len(), 1);
}

#[test]
fn the_strongest_layer_names_the_preset() {
    let given =
        Given { file: Some("preset = \"api\"\n"), variables: &[("SEAWALL__PRESET", "uploads")], ..Given::default() };
    let config = given.load().unwrap();
    assert_eq!(get(&config, &BODY, &testing::MAX), Size::from_bytes(1_000_000_000));
    assert_eq!(get(&config, &TOP, &top::PRESET), "uploads");
}

#[test]
fn a_preset_and_the_file_share_a_route_of_the_same_requests() {
    let config = file("preset = \"api\"\n[route.\"POST /Login/\"]\nmode = \"off\"\nbody.max = \"1 KB\"\n").unwrap();
    let [route] = config.routes() else { panic!("one route") };
    assert_eq!((route.pattern().to_string().as_str(), route.mode()), ("POST /Login/", Some(Mode::Off)));
    let source = |section, key| config.source(section, key, Some(route.pattern())).to_string();
    assert_eq!(source(&RATE_LIMIT, "limits"), "preset api");
    assert_eq!(source(&BODY, "max"), "seawall.toml:4");
    let overlap = "preset = \"api\"\n[route.\"POST|PUT /login\"]\nmode = \"off\"\n";
    assert_eq!(codes(&Given { file: Some(overlap), ..Given::default() }), [Code::ContradictoryRoutes]);
}

#[test]
fn routes_lie_over_the_global_values() {
    let text = "[body]\nmax = \"1 MB\"\nmode = \"report\"\n[route.\"/files/*\"]\nbody.max = \"1 GB\"\n[route.\"/x\"]\n";
    let config = file(text).unwrap();
    let [files, other] = config.routes() else { panic!("two routes") };
    assert_eq!(files.values(&BODY).get(&testing::MAX), Ok(Size::from_bytes(1_000_000_000)));
    assert_eq!(files.values(&BODY).get(&testing::MODE), Ok(Mode::Report));
    assert!(files.written(&BODY) && !other.written(&BODY));
    assert_eq!(other.values(&BODY), config.values(&BODY));
    let source = |route: &RoutePattern, key| config.source(&BODY, key, Some(route)).to_string();
    assert_eq!(source(files.pattern(), "max"), "seawall.toml:5");
    assert_eq!(source(files.pattern(), "mode"), "seawall.toml:3");
    assert_eq!(source(other.pattern(), "max"), "seawall.toml:2");
}

#[test]
fn entries_have_values_of_their_own() {
    let text = "[health]\nevery = \"5s\"\n[health.database]\ntcp = \"127.0.0.1:5432\"\n[health.Cache]\ntcp = \"a:1\"\n";
    let variables = &[("SEAWALL__HEALTH__CACHE__TCP", "b:2")];
    let config = Given { file: Some(text), variables, ..Given::default() }.load().unwrap();
    let [(database, _), (cache, values)] = config.entries(&HEALTH) else { panic!("two entries") };
    assert_eq!((database.as_str(), cache.as_str()), ("database", "Cache"));
    assert_eq!(values.get(&testing::TCP), Ok("b:2".to_owned()));
    assert_eq!(config.entry_source(&HEALTH, "Cache", "tcp").to_string(), "SEAWALL__HEALTH__CACHE__TCP");
    assert_eq!(config.entry_source(&HEALTH, "database", "tcp").to_string(), "seawall.toml:4");
}

#[test]
fn variables_take_the_form_of_their_field() {
    let variables = &[
        ("SEAWALL__SERVER__PORT", "9_000"),
        ("SEAWALL__SERVER__STRICT", "false"),
        ("SEAWALL__SERVER__TRUSTED", "10.0.0.0/8, ::1"),
        ("SEAWALL__RATE_LIMIT__LIMITS", "[\"5/min per ip\", \"9/h per ip\"]"),
        ("SEAWALL__ENVIRONMENT", "staging"),
        ("SEAWALL_KEY", "not for this crate"),
        ("PATH", "/bin"),
    ];
    let config = Given { variables, ..Given::default() }.load().unwrap();
    assert_eq!(get(&config, &SERVER, &testing::PORT), 9_000);
    assert!(!get(&config, &SERVER, &testing::STRICT));
    assert_eq!(get(&config, &SERVER, &testing::TRUSTED).len(), 2);
    assert_eq!(get(&config, &RATE_LIMIT, &testing::LIMITS).len(), 2);
    assert_eq!(config.environment(), Environment::Staging);
}

#[test]
fn a_variable_with_too_few_underscores_is_not_passed_over() {
    for name in ["SEAWALL_UPSTREAM_URL", "SEAWALL_MODE", "seawall_upstream__url"] {
        let problems = Given { variables: &[(name, "report")], ..Given::default() }.load().unwrap_err();
        assert!(problems.to_string().contains("did you mean SEAWALL__"), "{problems}");
    }
}

#[test]
fn an_alias_gives_way_to_its_variable() {
    let mut given = Given { variables: &[("LOG_LEVEL", "debug")], ..Given::default() };
    assert_eq!(get(&given.load().unwrap(), &LOG, &testing::LEVEL), "debug");
    given.variables = &[("SEAWALL__LOG__LEVEL", "warn"), ("LOG_LEVEL", "debug")];
    let config = given.load().unwrap();
    assert_eq!(get(&config, &LOG, &testing::LEVEL), "warn");
    assert_eq!(config.source(&LOG, "level", None).to_string(), "SEAWALL__LOG__LEVEL");
}

#[test]
fn secrets_are_read_from_files() {
    let files = &[("secrets/token", "0123456789abcdef0123456789abcdef\n"), ("/run/token", SECRET)];
    let token = |given: &Given<'_>| get(&given.load().unwrap(), &SESSIONS, &testing::TOKEN).expose().to_owned();
    let mut given = Given { file: Some("[sessions]\ntoken_file = \"secrets/token\"\n"), files, ..Given::default() };
    assert_eq!(token(&given), SECRET, "without the last newline");
    given.file = None;
    given.variables = &[("SEAWALL__SESSIONS__TOKEN_FILE", "/run/token")];
    assert_eq!(token(&given), SECRET);
}

#[test]
fn a_secret_file_that_a_later_layer_replaces_need_not_exist() {
    let given = Given {
        file: Some("[sessions]\ntoken_file = \"missing\"\n"),
        variables: &[("SEAWALL__SESSIONS__TOKEN", SECRET)],
        ..Given::default()
    };
    assert!(given.load().is_ok());
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let given = Given {
        file: Some("mode = \"warn\"\n[upstream]\nwiat = 3\n[server]\nport = 0\n[cors]\norigins = [\"x\"\n"),
        variables: &[("SEAWALL__SERVER__PROT", "1")],
        ..Given::default()
    };
    let expect = [Code::BadValue, Code::UnknownKey, Code::BadValue, Code::Syntax, Code::UnknownVariable];
    assert_eq!(codes(&given), expect);
}

#[test]
fn many_mistakes_are_counted_and_not_shown() {
    let text: String = (0..80).map(|number| format!("stranger{number} = 1\n")).collect();
    let problems = file(&text).unwrap_err();
    assert_eq!((problems.iter().count(), problems.hidden()), (50, 30));
    assert!(problems.to_string().ends_with("30 more problems are not shown; fix these first.\n"));
    assert_eq!(problems.to_json()["hidden"], 30);
}

#[test]
fn a_huge_file_is_not_read() {
    let text = "# x\n".repeat(300_000);
    assert_eq!(codes(&Given { file: Some(&text), ..Given::default() }), [Code::TooLarge]);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for text in [format!("a = {}", "[".repeat(100_000)), format!("{} = 1", "a.".repeat(100_000)), "{a=".repeat(100_000)]
    {
        assert!(file(&text).is_err());
    }
}

#[test]
fn diagnostics_are_there_for_machines_too() {
    let problems = file("[upstream]\nwait = \"1h\"\n").unwrap_err();
    let json = problems.to_json();
    let first = &json["diagnostics"][0];
    assert_eq!(first["code"], "bad_value");
    assert_eq!((&first["source"], &first["line"], &first["column"]), (&"seawall.toml".into(), &2.into(), &8.into()));
    assert_eq!((&first["start"], &first["end"]), (&18.into(), &22.into()));
    assert_eq!(first["message"], "upstream.wait: must be between 1s and 10min");
}

#[test]
fn long_lines_are_cut_around_the_mistake() {
    let text = format!("[upstream]\nurl = \"{}\"; wait = 3\n", "x".repeat(50_000));
    let shown = file(&text).unwrap_err().to_string();
    assert!(shown.len() < 2_000, "{shown}");
    let text = format!("mode = \"{}\"\n", "\u{1f30a}".repeat(50_000));
    assert!(file(&text).unwrap_err().to_string().len() < 6_000);
}

#[test]
fn terminals_are_not_told_what_to_do() {
    let shown = file("[upstream]\n\"\u{1b}[2J\" = 'a\u{7}b'\n").unwrap_err().to_string();
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
}
