//! Somebody who signs in, and what she then shows: each as the field of a request.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::http::{Answer, Connection};
use crate::failure::Failure;

const NAME: &str = "Ann";
const PASSWORD: &str = "a horse, two batteries, 9 staples";

/// Sessions with a cookie, as many with a token, and keys: Seawall keeps a hundred of either for a user.
const OF_EACH: usize = 40;

/// Seawall's own commands, which ask the server that runs.
pub(super) struct Operator<'a> {
    pub(super) program: &'a Path,
    pub(super) folder: &'a Path,
}

impl Operator<'_> {
    pub(super) fn add_user(&self) -> Result<(), Failure> {
        self.run(&["user", "add", NAME, "--password-stdin"]).map(drop)
    }

    pub(super) fn api_key(&self) -> Result<String, Failure> {
        let made = self.run(&["key", "add", NAME, "--label", "bench", "--json"])?;
        let key =
            text_of("key", &made).ok_or_else(|| Failure::broken(format!("a key was made and not shown: {made}")))?;
        Ok(format!("X-API-Key: {key}"))
    }

    /// What the command printed; it may read the password.
    fn run(&self, words: &[&str]) -> Result<String, Failure> {
        let failed = |what: &str| Failure::broken(format!("seawall {}: {what}", words.join(" ")));
        let mut command = Command::new(self.program);
        command.args(words).args(["--config", "seawall-identity.toml"]).current_dir(self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        if let Some(mut input) = child.stdin.take() {
            // A command that asks for nothing may have ended.
            let _ = writeln!(input, "{PASSWORD}");
        }
        let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Enough of a kind for a median.
pub(super) fn many(mut make: impl FnMut() -> Result<String, Failure>) -> Result<Vec<String>, Failure> {
    (0..OF_EACH).map(|_| make()).collect()
}

/// Signs in: the cookie, as a browser sends it back.
pub(super) fn session(port: u16) -> Result<String, Failure> {
    let answer = sign_in(port, "/_seawall/auth/sign-in")?;
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    cookie.map(|cookie| format!("Cookie: {cookie}")).ok_or_else(|| Failure::broken("signing in set no cookie"))
}

/// Signs in as a program does.
pub(super) fn access_token(port: u16) -> Result<String, Failure> {
    let answer = sign_in(port, "/_seawall/auth/token")?;
    let token = text_of("access_token", &String::from_utf8_lossy(&answer.body));
    token
        .map(|token| format!("Authorization: Bearer {token}"))
        .ok_or_else(|| Failure::broken("signing in gave no token"))
}

fn sign_in(port: u16, path: &str) -> Result<Answer, Failure> {
    let credentials = format!("{{\"name\":\"{NAME}\",\"password\":\"{PASSWORD}\"}}");
    let answer = Connection::open(port)?.post(path, &credentials)?;
    if answer.status == 200 {
        return Ok(answer);
    }
    Err(Failure::broken(format!("{path} was answered with {}", answer.status)))
}

/// The text of a field of a JSON document that escapes nothing in it, as keys and tokens need none.
fn text_of(field: &str, json: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{field}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(text, _)| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_an_answer_is_found() {
        let json = "{\"id\": \"k\", \"key\" : \"sw_live_x\"}";
        assert_eq!(text_of("key", json).as_deref(), Some("sw_live_x"));
        assert_eq!(text_of("token", json), None);
        assert_eq!(text_of("key", "{\"key\":null}"), None);
    }
}
