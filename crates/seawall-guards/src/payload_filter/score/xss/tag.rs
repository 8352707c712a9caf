//! Tags, as a browser reads them, also those that do not end.

use super::super::{
    Points,
    reader::{Lower, Reader, begins, holds},
};
use super::script;

/// Points for the worst tag.
pub(super) fn points(text: &[u8]) -> Points {
    let mut worst = Points::default();
    let mut reader = Reader::new(text);
    loop {
        reader.take(|byte| byte != b'<');
        if reader.peek().is_none() {
            return worst;
        }
        reader.skip(1);
        // What opens in a tag is looked at again: only its start is read here.
        worst = worst.or(one(&mut reader));
    }
}

/// The tag that begins here.
fn one(reader: &mut Reader<'_>) -> Points {
    let mut points = Points::default();
    if [&b"!--#exec"[..], b"!--#include", b"!--#echo"].iter().any(|start| begins(reader.rest(), start)) {
        points.add("xss_include", 6);
        return points;
    }
    let closes = reader.peek() == Some(b'/');
    reader.skip(usize::from(closes));
    let name = reader.take(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(&byte));
    let lower = Lower::of(name);
    let follows = reader.peek();
    let bounded = follows.is_none_or(|byte| byte <= b' ' || b"/>\"'<;".contains(&byte) || byte == 0xc2);
    if name.is_empty() || !bounded {
        return points;
    }
    let tag = lower.bytes();
    if matches!(tag, b"script" | b"xss") {
        points.add("xss_script", if closes { 5 } else { 6 });
        return points;
    }
    if closes {
        return points;
    }
    // What opens within a value is looked at again, so `reader` stays at the name. That stays linear: a reading ends where the next tag
    // opens, but for values in quotes, of which there are three kinds.
    attributes(&mut { *reader }, tag, &mut points);
    match tag {
        b"object" | b"embed" | b"applet" | b"base" | b"frameset" => points.add("xss_tag", 3),
        b"iframe" | b"frame" | b"meta" | b"link" | b"style" | b"form" | b"isindex" | b"animate" | b"set" | b"math" => {
            points.add("xss_tag", 1);
        }
        _ => {}
    }
    points
}

/// The attributes of a tag. Reads to its end, or to the next that opens.
fn attributes(reader: &mut Reader<'_>, tag: &[u8], points: &mut Points) {
    loop {
        reader.take(|byte| byte <= b' ' || b"/\"',;".contains(&byte));
        match reader.peek() {
            None | Some(b'>' | b'<') => return,
            _ => {}
        }
        let name = reader.take(|byte| byte > b' ' && !b"=/><\"'".contains(&byte));
        let name = Lower::of(name);
        reader.take(|byte| byte <= b' ');
        if reader.peek() != Some(b'=') {
            if name.bytes().is_empty() {
                reader.skip(1);
            }
            continue;
        }
        reader.skip(1);
        reader.take(|byte| byte <= b' ');
        let value = match reader.peek() {
            Some(quote @ (b'"' | b'\'' | b'`')) => {
                reader.skip(1);
                let value = reader.take(|byte| byte != quote);
                reader.skip(1);
                value
            }
            _ => unquoted(reader),
        };
        of_attribute(tag, name.bytes(), value, points);
    }
}

/// A value without quotes. Older readers end it at a slash.
fn unquoted<'a>(reader: &mut Reader<'a>) -> &'a [u8] {
    let start = reader.rest();
    let so = |byte: u8| byte > b' ' && byte != b'>' && byte != b'<';
    let mut length = 0;
    while reader.peek().is_some_and(so) && !begins(reader.rest(), b"/on") {
        reader.skip(1);
        length += 1;
    }
    start.get(..length).unwrap_or_default()
}

fn of_attribute(tag: &[u8], name: &[u8], value: &[u8], points: &mut Points) {
    // A handler of JSX is a program's, not a page's.
    if script::handler(name) && value.first() != Some(&b'{') {
        points.add("xss_handler", 6);
    }
    if runs(value) {
        points.add("xss_scheme", 6);
    }
    match name {
        b"srcdoc" => points.add("xss_document", 5),
        b"style"
            if [&b"expression("[..], b"javascript:", b"-moz-binding", b"behavior:"]
                .iter()
                .any(|word| holds(value, word)) =>
        {
            points.add("xss_style", 5);
        }
        b"http-equiv" if begins(value, b"refresh") || begins(value, b"set-cookie") => points.add("xss_tag", 4),
        b"content" if holds(value, b"javascript:") || holds(value, b"data:text/html") => points.add("xss_scheme", 6),
        b"attributename" | b"xlink:href" | b"formaction" | b"dynsrc" | b"lowsrc" => points.add("xss_tag", 2),
        b"data" | b"src" | b"code" if matches!(tag, b"object" | b"embed" | b"applet") => points.add("xss_tag", 2),
        b"href" if tag == b"base" => points.add("xss_tag", 2),
        b"href" if tag == b"link" && (holds(value, b".js") || begins(value, b"//")) => points.add("xss_tag", 4),
        b"values" | b"to" | b"from" if matches!(tag, b"animate" | b"set") && holds(value, b"script") => {
            points.add("xss_scheme", 6);
        }
        _ => {}
    }
}

/// Whether an address is a program, or a page that holds one. Browsers leave out spaces and control characters before its scheme ends.
pub(super) fn runs(value: &[u8]) -> bool {
    let mut scheme: smallvec::SmallVec<[u8; 32]> = smallvec::SmallVec::new();
    scheme.extend(value.iter().copied().filter(|byte| *byte > b' ').take(28));
    [
        &b"javascript:"[..],
        b"vbscript:",
        b"livescript:",
        b"data:text/html",
        b"data:application/x",
        b"data:;base64",
        b"data:text/xml",
        b"data:image/svg+xml,",
    ]
    .iter()
    .any(|start| begins(&scheme, start))
}
