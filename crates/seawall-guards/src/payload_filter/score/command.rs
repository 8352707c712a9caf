//! Shell commands that follow a value.
//!
//! A command is told by where it stands: behind a separator that follows a short value, or nothing at all. Scripts that people send
//! begin with a command; what an attacker appends follows what the program expected.

use super::{
    Points,
    reader::{Lower, Reader, begins, holds, value_length},
};

/// Points for commands.
pub(super) fn points(text: &[u8]) -> Points {
    let mut points = Points::default();
    if text.iter().any(|byte| b";|&`$\n<(/{".contains(byte)) {
        anywhere(text, &mut points);
        behind_value(text.trim_ascii_end(), &mut points);
    }
    points
}

/// What no text says by chance.
fn anywhere(text: &[u8], points: &mut Points) {
    if text.contains(&b'$') {
        if holds(text, b"${jndi:") || holds(text, b"${${") && (holds(text, b":-") || holds(text, b"ndi:")) {
            points.add("command_lookup", 8);
        }
        if holds(text, b"$ifs") || holds(text, b"${ifs") {
            points.add("command_space", 5);
        }
    }
    if holds(text, b"/dev/tcp/") && holds(text, b">&") {
        points.add("command_shell", 6);
    }
    if begins(text.trim_ascii_start(), b"() {") && holds(text, b"};") {
        points.add("command_shellshock", 7);
    }
    if begins(text, b"require('child_process').exec")
        || begins(text, b"__import__('os').")
        || begins(text, b"{{''.__class__")
    {
        points.add("command_call", 5);
    }
}

/// A separator behind a value, and a command behind it.
fn behind_value(text: &[u8], points: &mut Points) {
    let text = text.strip_prefix(b"\"").or_else(|| text.strip_prefix(b"'")).unwrap_or(text);
    let length = value_length(text);
    let (value, rest) = text.split_at(length);
    let rest = match rest.split_first() {
        Some((b'\'' | b'"' | b')', rest)) => rest,
        _ => rest,
    };
    let mut reader = Reader::new(rest);
    let spaces = reader.take(|byte| byte == b' ' || byte == b'\t').len();
    let Some(separator) = Separator::read(&mut reader) else { return };
    if separator == Separator::Line && spaces > 0 {
        return;
    }
    // A script begins with a command.
    let script = !value.is_empty() && !matches!(kind(value), Kind::None);
    let between = reader.take(|byte| byte == b' ' || byte == b'\t').len();
    reader.take(|byte| b"({".contains(&byte));
    let call = Call::read(&mut reader);
    let Some(weight) = weigh(separator, &call, value, spaces + between) else { return };
    points.add("command", if script { weight.min(3) } else { weight });
    if call.wanted {
        points.add("command_file", 2);
    }
}

/// What parts commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Semicolon,
    Pipe,
    And,
    Substitution,
    Backtick,
    Line,
}

impl Separator {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (length, separator) = match (reader.peek()?, reader.ahead(1)) {
            (b';', _) => (1, Self::Semicolon),
            (b'|', Some(b'|')) | (b'&', Some(b'&')) => (2, Self::And),
            (b'|', _) => (1, Self::Pipe),
            (b'&', _) => (1, Self::And),
            (b'$' | b'<' | b'>', Some(b'(')) => (2, Self::Substitution),
            (b'`', _) => (1, Self::Backtick),
            (b'\r', Some(b'\n')) => (2, Self::Line),
            (b'\n' | b'\r', _) => (1, Self::Line),
            (b'{', _) => (0, Self::Substitution),
            _ => return None,
        };
        reader.skip(length);
        Some(separator)
    }
}

/// A command and what stands behind it.
#[derive(Clone, Copy, Debug)]
struct Call {
    kind: Kind,
    /// Whether something was put into its name to hide it.
    hidden: bool,
    next: Option<u8>,
    /// Whether what follows looks like an argument, and no word of prose.
    argument: bool,
    /// Whether a file is named that attackers want.
    wanted: bool,
    ends: bool,
    closed: bool,
    row: bool,
    /// Whether bars follow.
    bars: bool,
    /// Whether a backtick ends it, and with it the text.
    whole: bool,
}

impl Call {
    fn read(reader: &mut Reader<'_>) -> Self {
        let word = reader.take(|byte| byte.is_ascii_alphanumeric() || b"'\"\\/._?*^-@".contains(&byte));
        let mut name: smallvec::SmallVec<[u8; 32]> = smallvec::SmallVec::new();
        let hides = |byte: &u8| b"'\"^\\".contains(byte);
        name.extend(word.iter().copied().filter(|byte| !hides(byte)).take(64));
        let hidden = word.iter().any(hides) && name.len() + 2 <= word.len()
            || word
                .windows(3)
                .any(|three| matches!(three, [a, b'\\', b] if a.is_ascii_lowercase() && b.is_ascii_lowercase()));
        let rest = reader.rest();
        let next = rest.first().copied();
        let argument = rest.trim_ascii_start();
        let argument = argument.strip_prefix(b",").unwrap_or(argument);
        let wild = name.starts_with(b"/") && name.contains(&b'?');
        let folded = argument.first().copied();
        let looks = next.is_some_and(|next| b" \t,<%".contains(&next))
            && folded.is_some_and(|first| first.is_ascii_digit() || b"-/$%<>|;&'\"*.~`\\#".contains(&first));
        let file = argument.get(..argument.len().min(256)).unwrap_or_default();
        let wanted = [
            &b"/etc/"[..],
            b"/proc/",
            b"win.ini",
            b"boot.ini",
            b"c:\\",
            b"/tmp/",
            b"http://",
            b"https://",
            b"/bin/",
            b"/dev/",
            b"passwd",
        ]
        .iter()
        .any(|file_name| holds(file, file_name));
        Self {
            kind: if wild { Kind::Sure } else { kind(&name) },
            hidden,
            next,
            argument: looks || wanted,
            wanted,
            ends: rest.trim_ascii().is_empty(),
            closed: next.is_some_and(|next| b")`}|;&#'\">\n".contains(&next)),
            bars: rest.contains(&b'|'),
            whole: rest.iter().position(|byte| *byte == b'`').is_some_and(|end| end + 3 >= rest.len()),
            row: argument.first() == Some(&b'|') && argument.iter().filter(|byte| **byte == b'|').count() > 1,
        }
    }
}

/// How sure it is that a command is one at such a place.
fn weigh(separator: Separator, call: &Call, value: &[u8], spaces: usize) -> Option<u8> {
    use Separator::{And, Backtick, Line, Pipe, Semicolon, Substitution};
    if call.kind == Kind::None || call.row || call.next == Some(b'=') {
        return None;
    }
    if call.next == Some(b'(') {
        return (call.kind == Kind::Function && separator == Semicolon).then_some(5);
    }
    if call.kind == Kind::Function {
        return None;
    }
    let sure = call.kind == Kind::Sure;
    // An address, a number or a file's name is followed by nothing in prose that a shell would run.
    let technical = value.iter().any(|byte| byte.is_ascii_digit() || *byte == b'.');
    let tight = spaces == 0 || technical;
    let first = value.is_empty();
    let code = separator == Backtick && (!first && spaces > 0 || first && !call.whole);
    let weight = match separator {
        // Markdown has code in backticks.
        Backtick if code => return None,
        _ if call.hidden => 5,
        Substitution | Backtick if first || call.argument || call.closed && (sure || tight) => 5,
        Semicolon | And if first => 5,
        Pipe if first && !call.bars => 5,
        Line if technical && (call.argument || call.ends) => 5,
        Line if sure && (call.ends || call.argument) || call.wanted => 5,
        Line if call.argument
            || call.ends && value.iter().all(|byte| byte.is_ascii_digit() || b".:".contains(byte)) =>
        {
            4
        }
        Semicolon | Pipe | And if call.argument || sure && (call.ends || call.closed) => 5,
        Semicolon if call.ends || call.closed => 5,
        Pipe | And if (call.ends || call.closed) && tight => 5,
        Semicolon | Pipe | And if sure => 5,
        _ => return None,
    };
    Some(weight)
}

/// What a word is as a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    /// Also a word of prose, or part of an address.
    Perhaps,
    /// Nothing else.
    Sure,
    /// Of a programming language: it runs a command.
    Function,
}

fn kind(word: &[u8]) -> Kind {
    let rooted = word.contains(&b'/');
    let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let lower = Lower::of(name);
    let known = match lower.bytes() {
        b"whoami" | b"ifconfig" | b"ipconfig" | b"uname" | b"netstat" | b"nslookup" | b"wget" | b"curl" | b"ncat"
        | b"netcat" | b"systeminfo" | b"powershell" | b"powershell.exe" | b"cmd.exe" | b"printenv" | b"certutil"
        | b"bitsadmin" | b"mshta" | b"tasklist" | b"regsvr32" | b"socat" | b"busybox" | b"chmod" | b"chown"
        | b"traceroute" | b"tracert" | b"lsof" => Kind::Sure,
        b"cat" | b"id" | b"ls" | b"dir" | b"ping" | b"sleep" | b"echo" | b"type" | b"env" | b"ps" | b"pwd" | b"rm"
        | b"nc" | b"sh" | b"bash" | b"zsh" | b"python" | b"python3" | b"perl" | b"php" | b"ruby" | b"node" | b"net"
        | b"touch" | b"kill" | b"cmd" | b"dig" | b"host" | b"tail" | b"head" | b"more" | b"less" | b"tac" | b"nl"
        | b"od" | b"xxd" | b"base64" | b"awk" | b"sed" | b"find" | b"grep" | b"set" | b"ver" | b"hostname"
        | b"shutdown" | b"reboot" | b"telnet" | b"tftp" | b"ftp" | b"ssh" | b"scp" | b"del" | b"copy" | b"cp"
        | b"mv" | b"w" | b"who" | b"last" | b"df" | b"mount" | b"date" | b"time" | b"timeout" | b"start"
        | b"export" | b"sudo" | b"su" | b"crontab" | b"history" | b"route" | b"arp" | b"ip" | b"tee" | b"xargs"
        | b"rev" => Kind::Perhaps,
        b"system" | b"exec" | b"passthru" | b"shell_exec" | b"popen" | b"proc_open" | b"phpinfo" | b"eval"
        | b"pcntl_exec" => Kind::Function,
        _ => Kind::None,
    };
    // In upper case it is a word at the beginning of a sentence, but where its folder stands before it.
    match known {
        Kind::Perhaps if rooted => Kind::Sure,
        Kind::Perhaps if name.first().is_some_and(u8::is_ascii_uppercase) => Kind::None,
        known => known,
    }
}
