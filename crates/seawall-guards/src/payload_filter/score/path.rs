//! Paths that climb, and files that nobody but an attacker asks for.

use super::{
    Points,
    reader::{Reader, begins, find, holds},
};

/// Files whose content attackers want, in lower case with slashes.
const WANTED: [&[u8]; 30] = [
    b"etc/passwd",
    b"etc/shadow",
    b"etc/hosts",
    b"etc/group",
    b"etc/issue",
    b"proc/self",
    b"proc/version",
    b"proc/1/",
    b"windows/win.ini",
    b"winnt/win.ini",
    b"boot.ini",
    b"windows/system32",
    b"winnt/system32",
    b"web-inf/",
    b"meta-inf/",
    b".ssh/",
    b".aws/credentials",
    b".git/config",
    b".git/head",
    b"/.env",
    b"/.htpasswd",
    b"/.htaccess",
    b"/web.config",
    b"/.bash_history",
    b"var/log/",
    b"wp-config.php",
    b"/win.ini",
    b"etc/nginx",
    b"etc/apache",
    b"inetpub/",
];

/// Schemes that lead to files or programs.
const SCHEMES: [&[u8]; 10] = [
    b"file:/",
    b"php://",
    b"phar://",
    b"zip://",
    b"expect://",
    b"glob://",
    b"jar:http",
    b"netdoc:/",
    b"compress.zlib://",
    b"gopher://",
];

/// Points for a path. `encoded` says that what is looked at was hidden.
pub(super) fn points(text: &[u8], encoded: bool) -> Points {
    let mut points = Points::default();
    let text = text.trim_ascii();
    if !text.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
        return points;
    }
    let climbs = climbs(text);
    // A file's name has spaces seldom; prose has no text without.
    let alone =
        text.len() <= 1_024 && !text.iter().any(|byte| byte.is_ascii_whitespace() || b"<>{}()'\"`".contains(byte));
    let wanted = (climbs.any() || alone) && wanted(text);
    let begins_up = begins(text, b"..") || begins(text, b"/..") || begins(text, b"\\..") || begins(text, b"./..");
    if wanted && climbs.any() {
        points.add("path_file", 6);
    }
    if climbs.disguised > 0 {
        points.add("path_disguised", 5);
    }
    if alone {
        match climbs.steps {
            0 => {}
            1 => points.add("path_climbs", if encoded || begins_up && climbs.backslash { 5 } else { 3 }),
            2 if !begins_up && !encoded && !leaves(text) => points.add("path_climbs", 4),
            _ => points.add("path_climbs", 6),
        }
        if wanted && !climbs.any() {
            let rooted = matches!(text.first(), Some(b'/' | b'\\' | b'.'))
                || text.get(1) == Some(&b':')
                || begins(text, b"file:");
            points.add("path_file", if rooted { 5 } else { 3 });
        }
        if SCHEMES.iter().any(|scheme| begins(text, scheme)) {
            points.add("path_scheme", 5);
        }
    } else if climbs.steps >= 6 && text.len() <= 1_024 {
        points.add("path_climbs", 5);
    } else if begins_up && climbs.steps >= 2 && !text.contains(&b'\n') && find(text, b"..").is_some() && encoded {
        points.add("path_climbs", 4);
    }
    points
}

/// How a text climbs.
#[derive(Clone, Copy, Debug, Default)]
struct Climbs {
    /// `../`.
    steps: usize,
    /// `....//` and `..;/`, which become a step when a filter has taken one out.
    disguised: usize,
    backslash: bool,
}

impl Climbs {
    const fn any(self) -> bool {
        self.steps + self.disguised > 0
    }
}

/// Whether it climbs above where it began.
fn leaves(text: &[u8]) -> bool {
    let mut depth = 0_i32;
    text.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        depth += match segment {
            b"" | b"." => 0,
            b".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

fn climbs(text: &[u8]) -> Climbs {
    let mut climbs = Climbs::default();
    let mut reader = Reader::new(text);
    let mut before = None;
    while let Some(byte) = reader.peek() {
        let dots = reader.take(|byte| byte == b'.').len();
        if dots == 0 {
            before = Some(byte);
            reader.skip(1);
            continue;
        }
        let separator = |byte: Option<u8>| matches!(byte, Some(b'/' | b'\\'));
        let next = reader.peek();
        let opens = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b')');
        if opens && dots == 2 && (separator(next) || next.is_none() && separator(before)) {
            climbs.steps += 1;
            climbs.backslash |= next == Some(b'\\');
        } else if opens && dots == 4 && separator(next) && separator(reader.ahead(1))
            || opens && dots == 2 && next == Some(b';') && separator(reader.ahead(1))
            || dots == 2 && separator(before) && next == Some(b'.')
            || opens && (2..=4).contains(&dots) && separator(next) && separator(reader.ahead(1)) && text.len() <= 1_024
        {
            climbs.disguised += 1;
        }
        before = Some(b'.');
    }
    climbs
}

fn wanted(text: &[u8]) -> bool {
    const LONGEST: usize = 1_024;
    let tail = text.get(text.len().saturating_sub(LONGEST)..).unwrap_or_default();
    let slashed: smallvec::SmallVec<[u8; 128]> = single_slashes(tail);
    WANTED.iter().any(|file| holds(&slashed, file))
}

/// With one forward slash for any number of either kind, and without `./`.
fn single_slashes(text: &[u8]) -> smallvec::SmallVec<[u8; 128]> {
    let mut out = smallvec::SmallVec::new();
    for &byte in text {
        let byte = if byte == b'\\' { b'/' } else { byte };
        if byte == b'/' && out.ends_with(b"/.") && !out.ends_with(b"/..") {
            out.pop();
        } else if byte != b'/' || !out.ends_with(b"/") {
            out.push(byte);
        }
    }
    out
}
