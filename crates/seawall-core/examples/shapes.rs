//! What reading a byte of a body costs: `cargo run --release -p seawall-core --example shapes` prints nanoseconds per byte for bodies of
//! JSON and forms from 1 KB to 10 MB. With `KIND BYTES TIMES` it reads one of them so often and prints nothing, to be counted.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the time and prints what it found"
)]

use std::{error::Error, time::Instant};

use seawall_core::{
    form::{Boundary, Duplicates, Limits as FormLimits, Multipart, Urlencoded},
    json::{Limits as JsonLimits, Scanner},
};

const KINDS: [&str; 6] = ["json", "json-order", "json-text", "form", "multipart", "multipart-file"];
const SIZES: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// As a body arrives.
const PART: usize = 64 * 1024;

/// So many bytes are read for each figure.
const READ: usize = 100_000_000;

/// A limit that none of the bodies comes to.
const MOST: u32 = u32::MAX;
const JSON: JsonLimits = JsonLimits { depth: 10, items: MOST, keys: MOST, characters: MOST, digits: 64 };
const FORM: FormLimits = FormLimits {
    fields: MOST,
    files: MOST,
    characters: MOST,
    depth: 10,
    file_bytes: u64::MAX,
    duplicates: Duplicates::Refuse,
};

/// A kilobyte, as a program would send a record.
const ORDER: &str = concat!(
    r#"{"id":"018f3c1e-7a54-7bb0-9d5e-3f2b8c64a1d7","customer_id":482913,"status":"placed","currency":"EUR","total":259.80,"discount":nul"#,
    r#"l,"gift":false,"email":"johanna.schmidt@example.com","note":"Please ring twice, the bell is hard to hear. If nobody opens, leave t"#,
    r#"he parcel with the neighbours on the second floor, who are at home in the afternoon. The invoice goes to the office, as it did las"#,
    r#"t time, with the number of the order in the subject. We are away in the last week of the month; whatever cannot be brought before "#,
    r#"that should be kept at the depot, from where we fetch it on the Monday after.","tags":["spring","newsletter"],"created_at":"2026-0"#,
    r#"3-14T09:26:53Z","shipping_address":{"name":"Johanna Maria Schmidt","street":"Lange Straße 118","postal_code":"10243","city":"Berli"#,
    r#"n","country":"DE"},"lines":[{"sku":"A-00001-XL","name":"Rain jacket, dark green, size 1","quantity":1,"price":19.95},{"sku":"A-000"#,
    r#"02-XL","name":"Rain jacket, dark green, size 2","quantity":2,"price":29.95}]}"#,
);

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, bytes, times] = &words[..] {
        let body = body(kind, bytes.parse()?);
        for _ in 0..times.parse()? {
            read(kind, &body)?;
        }
        return Ok(());
    }
    println!("nanoseconds per byte");
    println!("{:<16}{}", "", SIZES.map(|size| format!(" {:>8} KB", size / 1_000)).concat());
    for kind in KINDS {
        let mut row = format!("{kind:<16}");
        for size in SIZES {
            let body = body(kind, size);
            read(kind, &body)?;
            let times = READ / size;
            let begun = Instant::now();
            for _ in 0..times {
                read(kind, &body)?;
            }
            let hundredths = begun.elapsed().as_nanos() * 100 / (times * body.len()) as u128;
            row += &format!(" {:>8}.{:02}", hundredths / 100, hundredths % 100);
        }
        println!("{row}");
    }
    Ok(())
}

fn read(kind: &str, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut parts = body.chunks(PART);
    match kind {
        "json" | "json-order" | "json-text" => {
            let mut scanner = Scanner::new(JSON);
            parts.try_for_each(|part| scanner.feed(part))?;
            scanner.finish()?;
        }
        "form" => {
            let mut reader = Urlencoded::new(FORM);
            parts.try_for_each(|part| reader.feed(part))?;
            reader.finish()?;
        }
        _ => {
            let boundary = Boundary::of(b"multipart/form-data; boundary=----boundary7MA4YWxk").ok_or("no boundary")?;
            let mut reader = Multipart::new(&boundary, FORM, [].into());
            parts.try_for_each(|part| reader.feed(part))?;
            reader.finish()?;
        }
    }
    Ok(())
}

/// A body of about so many bytes.
fn body(kind: &str, bytes: usize) -> Vec<u8> {
    match kind {
        "json" => filled("[", "]", bytes, |id| {
            format!("{{\"id\":{id},\"sku\":\"A-{id}-XL\",\"amount\":12.5,\"open\":true,\"note\":\"a short remark\"}},")
        }),
        "json-order" => filled("[", "]", bytes, |_| format!("{ORDER},")),
        "json-text" => format!("[\"{}\"]", "a long text, caf\u{e9}; ".repeat(bytes / 19)).into_bytes(),
        "form" => filled("", "", bytes, |id| format!("field_{id}=a+short+remark%2C+caf%C3%A9&")),
        "multipart" => {
            filled("", "------boundary7MA4YWxk--\r\n", bytes, |id| part(&format!("name=f{id}"), "a short remark"))
        }
        _ => {
            // Bytes without a pattern: every 128th ends a line for whoever looks no further.
            let mut state = 7_u32;
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes().first().copied().unwrap_or_default()
            });
            let head = part("name=f; filename=f", "");
            let head = head.trim_end_matches("\r\n").to_owned() + "\r\n\r\n";
            head.into_bytes().into_iter().chain(noise.take(bytes)).chain(*b"\r\n------boundary7MA4YWxk--").collect()
        }
    }
}

fn part(parameters: &str, content: &str) -> String {
    format!("------boundary7MA4YWxk\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
}

fn filled(front: &str, end: &str, bytes: usize, piece: impl Fn(usize) -> String) -> Vec<u8> {
    let mut body = front.to_owned();
    for id in 0.. {
        body += &piece(id);
        if body.len() >= bytes {
            break;
        }
    }
    let comma = if front.is_empty() { body.len() } else { body.len() - 1 };
    body.truncate(comma);
    (body + end).into_bytes()
}
