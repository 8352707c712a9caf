//! What goes in comes out, whatever its slices; and nothing that was flushed is kept back.

use std::io::Read;

use super::*;

const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// Text that repeats itself now and then.
fn text(length: usize) -> Vec<u8> {
    let words =
        (0_u32..).flat_map(|number| format!("{{\"id\":{},\"name\":\"{}\"}},", number, number * 7 % 1_000).into_bytes());
    words.take(length).collect()
}

/// Bytes that no coding makes shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let bytes = std::iter::from_fn(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes())
    });
    bytes.flatten().take(length).collect()
}

/// As much as can be decoded of bytes that may not be complete.
fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut reader: Box<dyn Read + '_> = match coding {
        Coding::Zstd => Box::new(zstd::Decoder::new(bytes).unwrap()),
        Coding::Brotli => Box::new(brotli::Decompressor::new(bytes, 4_096)),
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
    };
    let mut all = Vec::new();
    let mut some = [0; 4_096];
    while let Ok(count @ 1..) = reader.read(&mut some) {
        all.extend_from_slice(&some[..count]);
    }
    all
}

fn encoded(coding: Coding, body: &[u8], pieces: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(coding).unwrap();
    let mut all = Vec::new();
    for piece in body.chunks(pieces) {
        let mut input = Bytes::copy_from_slice(piece);
        while !input.is_empty() {
            let (taken, output) = encoder.compress(&mut input, usize::MAX).unwrap();
            assert!(taken > 0 && taken <= encoder.slice());
            all.extend(output);
        }
    }
    all.extend(encoder.finish().unwrap());
    all
}

#[test]
fn what_goes_in_comes_out() {
    for coding in CODINGS {
        for body in [Vec::new(), text(1), text(100), text(8 * 1024), text(400_001), noise(100_003)] {
            for pieces in [1_000, 16 * 1024, 1_000_000] {
                let encoded = encoded(coding, &body, pieces);
                assert!(decoded(coding, &encoded) == body, "{coding:?} {} in {pieces}", body.len());
                assert!(
                    encoded.len() < body.len() + body.len() / 100 + 200,
                    "{coding:?}: {} of {}",
                    encoded.len(),
                    body.len()
                );
            }
        }
        assert!(encoded(coding, &text(400_001), 16 * 1024).len() < 100_000, "{coding:?} shrinks text");
    }
}

#[test]
fn what_was_flushed_can_be_read() {
    for coding in CODINGS {
        let mut encoder = Encoder::new(coding).unwrap();
        let mut sent = Vec::new();
        let mut body = Vec::new();
        for line in ["first\n", "second\n", "third\n"] {
            body.extend_from_slice(line.as_bytes());
            sent.extend(encoder.compress(&mut Bytes::from_static(line.as_bytes()), usize::MAX).unwrap().1);
            sent.extend(encoder.flush().unwrap());
            assert_eq!(decoded(coding, &sent), body, "{coding:?}");
        }
    }
}

/// What one turn costs; run it as released: `cargo test --release -p seawall-proxy -- --ignored --nocapture turn`.
#[test]
#[ignore = "prints times"]
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "the figures are what this test is run for")]
fn the_time_of_a_turn() {
    for coding in CODINGS {
        for (what, body) in [("text", text(4_000_000)), ("noise", noise(4_000_000))] {
            let mut encoder = Encoder::new(coding).unwrap();
            let mut input = Bytes::from(body);
            let (mut times, mut out) = (Vec::new(), 0);
            while !input.is_empty() {
                let began = std::time::Instant::now();
                out += encoder.compress(&mut input, usize::MAX).unwrap().1.len();
                times.push(began.elapsed().as_micros());
            }
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100];
            println!("{coding:?} {what}: {} µs median, {} µs 99 %, ratio {:.2}", at(50), at(99), 4e6 / out as f64);
        }
    }
}
