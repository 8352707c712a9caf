//! Tests of this module.

use super::*;
use crate::testing;

fn check(text: &str, expect: &str) {
    let masked = toml(&testing::schema(), text);
    let lines: Vec<_> = masked.lines().map(str::trim_end).collect();
    assert_eq!(lines, expect.lines().collect::<Vec<_>>(), "{text}");
    assert_eq!(masked.len(), text.len());
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    check("[sessions]\ntoken = \"abcdef\"", "[sessions]\ntoken = ********");
    check("sessions.token = 'abcdef'", "sessions.token = ********");
    check("sessions = { token = \"abcdef\" }", "sessions = { token = ********");
    check("[health.database]\ntcp = \"x\"\ntoken = \"abcdef\"", "[health.database]\ntcp = \"x\"\ntoken = ********");
    check("[server]\n\"token\" = \"abcdef\"", "[server]\n\"token\" = ********");
    check("[sessions]\n# token = \"abcdef\"", "[sessions]\n# token = ********");
}

#[test]
fn slips_of_a_secret_are_masked_too() {
    for key in ["tokne", "Token", "session_token", "password", "api_key"] {
        check(&format!("[sessions]\n{key} = \"abcdef\""), &format!("[sessions]\n{key} = ********"));
    }
}

#[test]
fn other_values_stay() {
    for text in ["[upstream]\nurl = \"http://localhost\"", "mode = \"off\"", "[sessions]\ntoken_file = \"/run/token\""]
    {
        check(text, text);
    }
}

#[test]
fn text_that_does_not_parse_keeps_its_secrets() {
    check("[sessions\ntoken = \"abcdefg", "[sessions\ntoken = ********");
    check("token = \"\"\"abcdefgh\nsecret\n[x]\n", "token = ********\n******\n***");
    check("token = \"\"\"abcdefgh\nsecret\"\"\"\nmode = 3", "token = ********\n********\nmode = 3");
    check("token = \"abcdefg\nsecret\nmode = 3", "token = ********\n******\nmode = 3");
    check("token = [\"abcdef\",\n\"secret\",\n]\nmode = 3", "token = ********\n********\n*\nmode = 3");
}

#[test]
fn dotenv_shows_only_what_is_known_to_be_harmless() {
    let masked = dotenv("A=x\nexport B=yyy\nC: zz\n", |name| name == "A");
    assert_eq!(masked, "A=x\nexport B=***\n*****\n");
}
