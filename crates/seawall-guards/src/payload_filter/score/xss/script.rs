//! Values that become programs: addresses, handlers behind a quote, calls behind a string that ends.

use super::super::{
    Points,
    reader::{Reader, begins, find, holds},
};
use super::tag::runs;

/// Calls and places that attacks end in.
const SINKS: [&[u8]; 17] = [
    b"alert",
    b"confirm",
    b"prompt",
    b"eval",
    b"fetch",
    b"settimeout",
    b"setinterval",
    b"document.cookie",
    b"document.write",
    b"document.location",
    b"window.location",
    b"location",
    b"string.fromcharcode",
    b"import",
    b"function",
    b"console.log",
    b"print",
];

/// Points for what is no tag.
pub(super) fn points(text: &[u8]) -> Points {
    let mut points = Points::default();
    let trimmed = text.trim_ascii();
    let start = trimmed.get(value_start(trimmed)..).unwrap_or_default();
    if runs(start) && (begins(start, b"data:") || calls(start)) {
        points.add("xss_scheme", 6);
    }
    if linked(text) {
        points.add("xss_scheme", 5);
    }
    quoted(text, &mut points);
    whole(trimmed, &mut points);
    points
}

/// What an address may stand behind: nothing, or a quote.
fn value_start(text: &[u8]) -> usize {
    text.iter().take(3).take_while(|byte| b"\"'(".contains(byte)).count()
}

/// Whether something is called, as `alert(1)`: no space stands before the parenthesis.
fn calls(text: &[u8]) -> bool {
    let text = text.get(..text.len().min(256)).unwrap_or_default();
    text.windows(2).any(|pair| {
        matches!(pair, [before, b'(' | b'`'] if before.is_ascii_alphanumeric() || b"]_$*/".contains(before))
            || matches!(pair, [b'/', b'/' | b'*'] | [b'=', _])
    })
}

/// A link of Markdown to a program.
fn linked(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(place) = find(rest, b"](") {
        rest = rest.get(place + 2..).unwrap_or_default();
        if runs(rest.get(..rest.len().min(64)).unwrap_or_default()) {
            return true;
        }
    }
    false
}

/// `" onfocus=alert(1) `, `';alert(1)//`, `"-alert(1)-"`.
fn quoted(text: &[u8], points: &mut Points) {
    let mut reader = Reader::new(text);
    let mut first = true;
    let mut left = 32;
    while left > 0 {
        left -= 1;
        let before = reader.take(|byte| !b"\"'`".contains(&byte));
        if reader.peek().is_none() {
            return;
        }
        let simple = first && before.len() <= 64 && !before.iter().any(|byte| b"=<>{}([\n$".contains(byte));
        first = false;
        reader.skip(1);
        if simple {
            ended(reader.rest(), points);
        }
        let mut attribute = reader;
        let gap = attribute.take(|byte| byte <= b' ' || byte == b'/' || byte == b'+' || byte == 0xc2 || byte == 0xa0);
        let mut name = attribute.take(|byte| byte.is_ascii_alphabetic());
        if !handler(name) && attribute.peek() == Some(b' ') {
            attribute.skip(1);
            name = attribute.take(|byte| byte.is_ascii_alphabetic());
        }
        attribute.take(|byte| byte <= b' ');
        let value = attribute.ahead(1);
        if (simple || !gap.is_empty())
            && handler(name)
            && attribute.peek() == Some(b'=')
            && value != Some(b'{')
            && value != Some(b'=')
        {
            points.add("xss_handler", if simple { 6 } else { 5 });
        }
    }
}

/// What follows a string of a program that ended.
fn ended(after: &[u8], points: &mut Points) {
    let mut reader = Reader::new(after);
    let joints = reader.take(|byte| b";,-+*|&)}]>/\\ \n^%=".contains(&byte));
    if joints.is_empty() || joints.iter().all(|byte| *byte == b' ') {
        return;
    }
    let rest = reader.rest();
    let rest = rest.strip_prefix(b"(").or_else(|| rest.strip_prefix(b"{")).unwrap_or(rest);
    if let Some(sink) = SINKS.iter().find(|sink| begins(rest, sink)) {
        let next = rest.get(sink.len()).copied();
        if matches!(next, Some(b'(' | b'`' | b'.' | b'=' | b'?' | b'[')) {
            points.add("xss_string", 6);
        }
    }
}

/// A text that is nothing but a call.
fn whole(text: &[u8], points: &mut Points) {
    if [
        &b"{{constructor"[..],
        b"{{$on.constructor",
        b"{{_c.constructor",
        b"{{'a'.constructor",
        b"{{this.constructor",
        b"{{[].constructor",
    ]
    .iter()
    .any(|start| begins(text, start))
    {
        points.add("xss_template", 6);
    }
    if begins(text, b"${alert") || begins(text, b"{{alert") || begins(text, b"#{alert") {
        points.add("xss_template", 5);
    }
    let text = text.get(text.len().min(value_mark(text))..).unwrap_or_default();
    let Some(sink) = SINKS.iter().take(7).find(|sink| begins(text, sink)) else {
        if [&b"document.cookie"[..], b"top[", b"self[", b"window["].iter().any(|start| begins(text, start))
            && !text.contains(&b' ')
            && text.len() < 200
        {
            points.add("xss_call", if text.contains(&b'[') && holds(text, b"](") { 5 } else { 3 });
        }
        return;
    };
    let argument = text.get(sink.len()..).unwrap_or_default();
    let argument = argument.strip_prefix(b"?.").unwrap_or(argument);
    if !matches!(argument.first(), Some(b'(' | b'`')) || text.contains(&b'\n') || text.len() > 300 {
        return;
    }
    let telling = ["document.", "atob(", "fromcharcode", "location", "`1`", "(1)", "name)", "cookie", "xss"];
    let weight = if telling.iter().any(|word| holds(argument, word.as_bytes())) { 5 } else { 2 };
    points.add("xss_call", weight);
}

/// Marks that may stand before a call.
fn value_mark(text: &[u8]) -> usize {
    text.iter().take(3).take_while(|byte| b";()".contains(byte)).count()
}

/// Whether a name is that of an event's handler: `onerror`.
pub(super) fn handler(name: &[u8]) -> bool {
    const EVENTS: [&str; 26] = [
        "load",
        "error",
        "click",
        "dblclick",
        "mouse",
        "key",
        "focus",
        "blur",
        "change",
        "submit",
        "toggle",
        "pointer",
        "touch",
        "animation",
        "transition",
        "begin",
        "end",
        "wheel",
        "input",
        "invalid",
        "paste",
        "drag",
        "hashchange",
        "message",
        "page",
        "start",
    ];
    const MORE: [&str; 18] = [
        "copy", "cut", "drop", "scroll", "select", "search", "resize", "reset", "can", "play", "time", "auxclick",
        "before", "unload", "content", "finish", "bounce", "popstate",
    ];
    let Some(event) = name.split_at_checked(2).filter(|(on, _)| on.eq_ignore_ascii_case(b"on")).map(|(_, event)| event)
    else {
        return false;
    };
    event.iter().all(u8::is_ascii_alphabetic) && EVENTS.iter().chain(&MORE).any(|start| begins(event, start.as_bytes()))
}
