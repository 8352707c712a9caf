//! Ten thousand broken files: none may panic, hide where it is broken, show a secret, or print to something else than it
//! was loaded from.

use seawall_core::settings::Raw;

use crate::{
    Code, Config, Diagnostics, Which,
    testing::{Given, schema},
};

const SECRET: &str = "kf83jf02kd92jf84kf83jf02kd92jf84";

const VALID: &str = r#"environment = "production"
mode = "report"
preset = "api"

[upstream]
url = "http://localhost:3000"
wait = "5s" # quick

[server]
port = 8080
trusted = ["10.0.0.0/8", "::1"]
strict = false

[body]
max = "10 MB"

[rate_limit]
limits = [
  "1000/min per ip",
  "100/min per ip for unsafe methods",
]

[sessions]
token = "kf83jf02kd92jf84kf83jf02kd92jf84"

[route."POST /api/login"]
mode = "report"
rate_limit.limits = ["5/15min per ip"]

[route."GET|PUT /files/{name}"]
body = { max = "1 GB", mode = "off" }

[health]
every = '10s'

[health.database]
tcp = "127.0.0.1:5432"
"#;

const DOTENV: &str = "\
# for the laptop
DATABASE_URL=\"postgres://localhost/app\"
export SEAWALL__UPSTREAM__URL=http://localhost:3000
SEAWALL__UPSTREAM__WAIT=\"5s\" # quick
SEAWALL__SERVER__TRUSTED=10.0.0.0/8, ::1
SEAWALL__RATE_LIMIT__LIMITS='[\"5/min per ip\"]'
SEAWALL__SESSIONS__TOKEN=kf83jf02kd92jf84kf83jf02kd92jf84
LOG_LEVEL=debug
";

const SPECIAL: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "{",
    "}",
    "=",
    "#",
    ",",
    ".",
    "\\",
    "\n",
    "\r",
    "\t",
    "\0",
    "\u{1b}",
    "é",
    "\u{feff}",
    "\u{202e}",
    "\u{1f30a}",
    "-",
    "_",
    "0",
    "[[",
    "[route.\"/x\"]\n",
    "x = ",
];

/// A small generator (splitmix64), so that every run sees the same files.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        start..(start + 1 + self.below(12)).min(length)
    }
}

fn mutated(valid: &str, dice: &mut Dice) -> String {
    let mut bytes = valid.as_bytes().to_vec();
    for _ in 0..=dice.below(3) {
        if bytes.is_empty() {
            break;
        }
        match dice.below(7) {
            0 => {
                let at = dice.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            1 => {
                let range = dice.range(bytes.len());
                bytes.drain(range);
            }
            2 => {
                let part = bytes[dice.range(bytes.len())].to_vec();
                let at = dice.below(bytes.len());
                bytes.splice(at..at, part);
            }
            3 => {
                let (a, b) = (dice.below(bytes.len()), dice.below(bytes.len()));
                bytes.swap(a, b);
            }
            4 => {
                let at = dice.below(bytes.len());
                bytes.splice(at..at, SPECIAL[dice.below(SPECIAL.len())].bytes());
            }
            5 => bytes.truncate(dice.below(bytes.len() + 1).max(1)),
            _ => shuffle_lines(&mut bytes, dice),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn shuffle_lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(3) {
        0 => lines.swap(a, b),
        1 => lines.insert(a, lines[b].clone()),
        _ => {
            lines.remove(a);
        }
    }
    *bytes = lines.concat();
}

#[test]
fn broken_files_are_located_and_sound_ones_print_as_they_load() {
    let mut dice = Dice(20_260_101);
    let (mut loaded, mut failed) = (0, 0);
    for number in 0..10_000 {
        let text = mutated(VALID, &mut dice);
        match (Given { file: Some(&text), ..Given::default() }).load() {
            Ok(config) => {
                loaded += 1;
                prints_as_it_loads(&config, &text);
            }
            Err(problems) => {
                failed += 1;
                is_located(&problems, &text);
                if number % 4 == 0 {
                    let shown = problems.to_string();
                    assert!(!shown.contains(['\u{1b}', '\0']), "{text}");
                    let leaks = text.contains("token = \"kf83jf02kd92jf84") && shown.contains("jf02kd92jf84kf83");
                    assert!(!leaks, "{text}\n{shown}");
                    assert!(!problems.to_json().is_null());
                }
            }
        }
    }
    assert!(loaded > 500 && failed > 5_000, "{loaded} loaded, {failed} failed");
}

#[test]
fn broken_dotenv_files_are_located_too() {
    let mut dice = Dice(4);
    for _ in 0..2_000 {
        let text = mutated(DOTENV, &mut dice);
        if let Err(problems) = (Given { dotenv: Some(&text), ..Given::default() }).load() {
            is_located(&problems, &text);
            let shown = problems.to_string();
            let own_line = text.lines().any(|line| line.starts_with("SEAWALL__SESSIONS__TOKEN"));
            let leaks = own_line && shown.contains("jf02kd92jf84kf83");
            assert!(!leaks && !shown.contains('\u{1b}'), "{text}\n{shown}");
        }
    }
}

fn is_located(problems: &Diagnostics, text: &str) {
    let located = problems.iter().any(|problem| {
        let location = problem.location().is_some_and(|place| place.line > 0 && place.span.end <= text.len());
        location || problem.setting().is_some() || problem.code() == Code::Demand
    });
    assert!(located, "{text}\n{problems}");
}

fn prints_as_it_loads(config: &Config, text: &str) {
    let printed = config.print(Which::All);
    let again = Given { file: Some(&printed), options: &[("sessions", "token", SECRET)], ..Given::default() }.load();
    let again = again.unwrap_or_else(|problems| panic!("{text}\n-----\n{printed}\n-----\n{problems}"));
    assert_eq!(values(config), values(&again), "{text}\n-----\n{printed}");
}

/// All values but secrets, in a form to compare.
fn values(config: &Config) -> String {
    let mut out = format!("{:?}\n", config.environment());
    let mut add = |values: &seawall_core::settings::Values| {
        let shown = format!("{:?}\n", values.clone().with("token", Raw::Flag(true)));
        out.push_str(&shown);
    };
    for section in schema().sections {
        add(config.values(section));
        for (name, values) in config.entries(section) {
            add(&values.clone().with("name", Raw::Text(name.clone())));
        }
        for route in config.routes() {
            let mode = Raw::Text(format!("{} {:?}", route.pattern(), route.mode()));
            add(&route.values(section).clone().with("route", mode));
        }
    }
    out
}
